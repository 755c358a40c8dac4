using System;

namespace CoExpr.Kernels;

/// <summary>F[n] of <see cref="EntropyTable"/> for n below 64, byte by byte: 64 entries are one register.</summary>
/// <remarks>F[63] = 63 · log2 63 · 2^30 is below 2^39, so five bytes hold every entry.</remarks>
sealed unsafe class SmallEntropies : IDisposable
{
    /// <summary>Counts below this are small.</summary>
    internal const int End = 64;

    /// <summary>Bytes of an entry.</summary>
    internal const int Planes = 5;

    readonly AlignedBuffer<byte> planes = new(Planes * End);

    internal SmallEntropies()
    {
        var table = EntropyTable.Create(End - 1);
        for (var plane = 0; plane < Planes; plane++)
        for (var n = 0; n < End; n++)
            planes.Start[plane * End + n] = (byte)(table[n] >> (8 * plane));
    }

    /// <summary>Byte <paramref name="plane"/> of F[0] to F[63].</summary>
    internal byte* Plane(int plane) => planes.Start + plane * End;

    public void Dispose() => planes.Dispose();
}
