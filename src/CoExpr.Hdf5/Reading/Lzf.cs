using System;
using System.IO;

namespace CoExpr.Hdf5;

/// <summary>Decompression of LZF, the filter that h5py brings and files of early AnnData use.</summary>
internal static class Lzf
{
    // A stream of blocks, each headed by a control byte c (Lehmann, liblzf):
    //
    //   c < 32    c + 1 bytes follow as they are;
    //   c >= 32   copy from what was already written. Length c / 32 + 2; if c / 32 is 7, the next byte is added to the
    //             length. Distance 256 (c mod 32) + the next byte + 1. The two stretches may overlap: a distance of 1
    //             repeats one byte.

    /// <summary>Length of the output.</summary>
    /// <exception cref="InvalidDataException">The input ends early.</exception>
    internal static long Measure(ReadOnlySpan<byte> input)
    {
        var length = 0L;
        for (var from = 0; from < input.Length; )
        {
            int control = input[from];
            var isLong = control >= 7 << 5;
            if (control >= 32 && from + 1 >= input.Length)
                throw new InvalidDataException("a reference is cut off");

            length += control < 32 ? control + 1 : (control >> 5) + 2 + (isLong ? input[from + 1] : 0);
            from +=
                control < 32 ? control + 2
                : isLong ? 3
                : 2;
        }

        return length;
    }

    /// <summary>Decompresses into the output, which must be filled exactly.</summary>
    /// <exception cref="InvalidDataException">The input ends early, points before the output, or is too long.</exception>
    internal static void Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        var (from, to) = (0, 0);
        while (from < input.Length)
        {
            int control = input[from++];
            if (control < 32)
                Literal(input, output, control + 1, ref from, ref to);
            else
                Back(input, output, control, ref from, ref to);
        }

        if (to != output.Length)
            throw new InvalidDataException($"{to} bytes where {output.Length} were expected");
    }

    static void Literal(ReadOnlySpan<byte> input, Span<byte> output, int length, ref int from, ref int to)
    {
        if (from + length > input.Length || to + length > output.Length)
            throw new InvalidDataException("a literal runs past the end");

        input.Slice(from, length).CopyTo(output[to..]);
        from += length;
        to += length;
    }

    static void Back(ReadOnlySpan<byte> input, Span<byte> output, int control, ref int from, ref int to)
    {
        var length = (control >> 5) + 2;
        if (length == 9 && from < input.Length)
            length += input[from++];

        if (from >= input.Length)
            throw new InvalidDataException("a reference is cut off");

        var start = to - ((control & 31) << 8) - input[from++] - 1;
        if (start < 0 || to + length > output.Length)
            throw new InvalidDataException("a reference points outside");

        for (var end = to + length; to < end; )
            output[to++] = output[start++];
    }
}
