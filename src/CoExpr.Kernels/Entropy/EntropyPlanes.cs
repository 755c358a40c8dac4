using System;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>F of <see cref="EntropyTable"/>, and its lowest 48 bits again as six tables of bytes, for look-ups of 64
/// counts at once.</summary>
/// <remarks>
/// F[n] is below 2^40 for n up to 127. Sums of F[n − r] over up to 16 levels, r below 128, are needed only as
/// differences from the sum of F[n], and such a difference is below 16 · 127 · (log2 N + 1.45) · 2^30 &lt; 2^46: 48 bits
/// tell it, whatever N.
/// </remarks>
sealed unsafe class EntropyPlanes : IDisposable
{
    /// <summary>Entries that one look-up reaches; so many zeros stand before each table.</summary>
    internal const int Reach = 128;

    /// <summary>Number of byte tables.</summary>
    internal const int Planes = 6;

    readonly AlignedBuffer<byte> bytes;
    readonly long stride;

    internal EntropyPlanes(int cells)
    {
        Table = EntropyTable.Shared(cells);
        // Look-ups of small counts reach beyond the last entry where there are few cells.
        stride = (Reach + Math.Max(Table.Length, Reach) + 63) / 64 * 64;
        bytes = new AlignedBuffer<byte>(Planes * stride);
        for (var plane = 0; plane < Planes; plane++)
        for (var n = 0; n < Table.Length; n++)
            At(plane)[n] = (byte)(Table[n] >> (8 * plane));
    }

    /// <summary>F.</summary>
    internal long[] Table { get; }

    /// <summary>Byte <paramref name="plane"/> of F[0], followed by those of F[1] and so on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* At(int plane) => bytes.Start + plane * stride + Reach;

    public void Dispose() => bytes.Dispose();
}
