using System;
using System.Runtime.InteropServices;

namespace CoExpr.Hdf5;

/// <summary>Putting the bytes of elements together again, and taking them apart.</summary>
internal static class Shuffling
{
    /// <summary>From planes (all first bytes, all second bytes, ...) to elements.</summary>
    internal static void Undo(ReadOnlySpan<byte> planes, int elements, int elementBytes, Span<byte> output)
    {
        if (elementBytes == 4)
            Undo4(planes, elements, MemoryMarshal.Cast<byte, uint>(output));
        else if (elementBytes == 8)
            Undo8(planes, elements, MemoryMarshal.Cast<byte, ulong>(output));
        else
            for (var plane = 0; plane < elementBytes; plane++)
            for (var i = 0; i < elements; i++)
                output[i * elementBytes + plane] = planes[plane * elements + i];
    }

    // One pass over the output instead of one per plane: three times as fast as the general loop.
    static void Undo4(ReadOnlySpan<byte> planes, int n, Span<uint> output)
    {
        var a = planes[..n];
        var b = planes.Slice(n, n);
        var c = planes.Slice(2 * n, n);
        var d = planes.Slice(3 * n, n);
        output = output[..n];
        for (var i = 0; i < output.Length; i++)
            output[i] = a[i] | (uint)b[i] << 8 | (uint)c[i] << 16 | (uint)d[i] << 24;
    }

    static void Undo8(ReadOnlySpan<byte> planes, int n, Span<ulong> output)
    {
        var low = MemoryMarshal.Cast<ulong, uint>(output);
        for (var i = 0; i < n; i++)
        {
            low[2 * i] = Four(planes, n, i);
            low[2 * i + 1] = Four(planes, n, 4 * n + i);
        }
    }

    static uint Four(ReadOnlySpan<byte> planes, int n, int at) =>
        planes[at] | (uint)planes[at + n] << 8 | (uint)planes[at + 2 * n] << 16 | (uint)planes[at + 3 * n] << 24;

    /// <summary>From elements to planes.</summary>
    internal static void Do(ReadOnlySpan<byte> input, int elements, int elementBytes, Span<byte> planes)
    {
        for (var plane = 0; plane < elementBytes; plane++)
        for (var i = 0; i < elements; i++)
            planes[plane * elements + i] = input[i * elementBytes + plane];
    }
}
