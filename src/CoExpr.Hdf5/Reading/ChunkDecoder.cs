using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>Undoes the filters of chunks, one chunk after the other, in buffers of its own: one decoder per thread.</summary>
internal sealed class ChunkDecoder(IReadOnlyList<Filter> filters, int chunkBytes, int elementBytes)
{
    byte[] raw = [];
    byte[] decoded = [];
    byte[] spare = [];

    /// <summary>Room for the chunk as it is in the file.</summary>
    internal byte[] Raw(long bytes)
    {
        if (raw.Length < bytes)
            raw = GC.AllocateUninitializedArray<byte>(checked((int)bytes));

        return raw;
    }

    /// <summary>Whether inflating is all that is to be done, so that the chunk can be taken in piece by piece.</summary>
    internal bool OnlyInflates(uint skipped) => filters.Count == 1 && filters[0].Id == Layout.Deflate && skipped == 0;

    /// <summary>The chunk's bytes as they were before writing.</summary>
    /// <param name="bytes">How many bytes of <see cref="Raw"/> are the chunk's.</param>
    /// <param name="skipped">Bit i is set where filter i was left out for this chunk.</param>
    /// <exception cref="InvalidDataException">The bytes are not what the filters make.</exception>
    internal ReadOnlySpan<byte> Decode(int bytes, uint skipped)
    {
        var current = raw.AsMemory(0, bytes);
        for (var i = filters.Count - 1; i >= 0; i--)
            if ((skipped >> i & 1) == 0)
                current = Undo(filters[i].Id, current);

        return current.Length == chunkBytes
            ? current.Span
            : throw new InvalidDataException($"{current.Length} bytes where {chunkBytes} were expected");
    }

    Memory<byte> Undo(int filter, Memory<byte> input)
    {
        // Whatever came from one buffer goes into the other.
        if (decoded.Length == 0 || input.Length > 0 && input.Span.Overlaps(decoded))
            (decoded, spare) = (spare, decoded);

        if (decoded.Length < chunkBytes)
            decoded = GC.AllocateUninitializedArray<byte>(chunkBytes);

        var output = decoded.AsMemory(0, chunkBytes);
        if (filter == Layout.Deflate)
            Inflate(input.Length, input, output.Span);
        else if (filter == LzfFilter.Id)
            Lzf.Decompress(input.Span, output.Span);
        else
            Unshuffle(input.Span, output.Span);

        return output;
    }

    static void Inflate(int length, Memory<byte> input, Span<byte> output)
    {
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(input, out var array);
        using var inflater = Inflater(array.Array!, array.Offset, length);
        Fill(inflater, output);
        Finish(inflater);
    }

    /// <summary>A stream of the inflated bytes of <see cref="Raw"/>.</summary>
    internal ZLibStream Inflater(int bytes) => Inflater(raw, 0, bytes);

    static ZLibStream Inflater(byte[] array, int offset, int length) =>
        new(new MemoryStream(array, offset, length, writable: false), CompressionMode.Decompress);

    /// <summary>Takes exactly as many bytes from the stream as the output has.</summary>
    internal static void Fill(ZLibStream inflater, Span<byte> output)
    {
        var filled = inflater.ReadAtLeast(output, output.Length, throwOnEndOfStream: false);
        if (filled < output.Length)
            throw new InvalidDataException($"{filled} bytes where {output.Length} were expected");
    }

    /// <summary>Reads on to the end, where the checksum is compared.</summary>
    internal static void Finish(ZLibStream inflater)
    {
        if (inflater.ReadByte() >= 0)
            throw new InvalidDataException("more bytes than a chunk has");
    }

    // Shuffled, the first bytes of all elements come first, then the second bytes, and so on. Bytes that do not make up
    // a whole element stay at the end.
    void Unshuffle(ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (input.Length != output.Length)
            throw new InvalidDataException($"{input.Length} bytes where {output.Length} were expected");

        var elements = input.Length / elementBytes;
        Shuffling.Undo(input[..(elements * elementBytes)], elements, elementBytes, output);
        input[(elements * elementBytes)..].CopyTo(output[(elements * elementBytes)..]);
    }
}
