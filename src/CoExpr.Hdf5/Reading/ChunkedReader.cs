using System;
using System.IO;
using System.Linq;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Threading;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>Reads rows of a chunked dataset of one or two axes into memory on several threads.</summary>
internal sealed unsafe class ChunkedReader<T>
    where T : unmanaged, INumber<T>
{
    // The C library reads and inflates under its lock, one chunk at a time. Here only the reading of a chunk's
    // compressed bytes holds the lock; inflating, unshuffling and converting, which take nearly all of the time, go on
    // beside each other and end in the caller's array. Each thread has the bytes of one chunk before and after, and
    // inflated chunks of one axis not even that: they pass through a piece small enough for the cache.

    const int PieceBytes = 1 << 16;

    // Buffers of all threads together; a dataset that is a single large chunk is better read by fewer threads.
    const long BufferBytes = 256L << 20;

    readonly Hdf5File file;
    readonly string path;
    readonly string name;
    readonly Hdf5Type type;
    readonly long[] shape;
    readonly Layout layout;
    readonly int chunkRows;
    readonly int chunkColumns;
    readonly long columns;
    readonly int chunkBytes;

    internal ChunkedReader(Hdf5File file, string path, string name, Hdf5Type type, long[] shape, Layout layout)
    {
        (this.file, this.path, this.name, this.type, this.shape, this.layout) = (file, path, name, type, shape, layout);
        columns = shape.Length == 1 ? 1 : shape[1];
        chunkRows = checked((int)layout.Chunk![0]);
        chunkColumns = shape.Length == 1 ? 1 : checked((int)layout.Chunk[1]);
        chunkBytes = checked(chunkRows * chunkColumns * type.Bytes);
    }

    internal void Read(long firstRow, Memory<T> destination, int threads, CancellationToken token)
    {
        var nextRow = firstRow + destination.Length / columns;
        var firstChunk = firstRow / chunkRows;
        var chunksDown = (nextRow - 1) / chunkRows + 1 - firstChunk;
        var chunksAcross = (columns + chunkColumns - 1) / chunkColumns;
        var affordable = (int)Math.Clamp(BufferBytes / (3L * chunkBytes), 1, threads);
        using var dataset = Open();
        var rows = new Rows(firstRow, nextRow, destination);
        Workers.Run(
            affordable,
            chunksDown * chunksAcross,
            token,
            () => MakeWorker(dataset, rows, firstChunk, chunksAcross)
        );
    }

    readonly record struct Rows(long First, long Next, Memory<T> Destination);

    Action<long> MakeWorker(OpenDataset dataset, Rows rows, long firstChunk, long chunksAcross)
    {
        var decoder = new ChunkDecoder(layout.Filters, chunkBytes, type.Bytes);
        return item =>
            ReadChunk(
                dataset,
                decoder,
                rows,
                (firstChunk + item / chunksAcross) * chunkRows,
                item % chunksAcross * chunkColumns
            );
    }

    void ReadChunk(OpenDataset dataset, ChunkDecoder decoder, Rows rows, long row, long column)
    {
        var bytes = dataset.Fetch(decoder, row, column, out var skipped);
        var first = Math.Max(row, rows.First);
        var next = Math.Min(row + chunkRows, rows.Next);
        try
        {
            if (bytes == 0)
                Fill(dataset, rows, first, next, column);
            else if (shape.Length == 1 && decoder.OnlyInflates(skipped))
                TakeInPieces(decoder, bytes, rows, row, first, next);
            else
                Take(decoder.Decode(bytes, skipped), rows, row, first, next, column);
        }
        catch (InvalidDataException error)
        {
            var where = shape.Length == 1 ? $"{row}" : $"{row}, {column}";
            throw new Hdf5Exception(
                Hdf5Fault.Damaged,
                file.Path,
                $"the chunk of {name} that begins at {where} cannot be decompressed: {error.Message.TrimEnd('.')}."
            );
        }
    }

    /// <summary>A whole chunk of one axis, converted as it is inflated.</summary>
    void TakeInPieces(ChunkDecoder decoder, int bytes, Rows rows, long row, long first, long next)
    {
        using var inflater = decoder.Inflater(bytes);
        var destination = Line(rows, first, 0, (int)(next - first));
        var chunkIsWhole = first == row && next == row + chunkRows;
        if (chunkIsWhole && type.Name == TypeName)
        {
            ChunkDecoder.Fill(inflater, MemoryMarshal.AsBytes(destination));
            ChunkDecoder.Finish(inflater);
            return;
        }

        Span<byte> piece = stackalloc byte[Math.Min(chunkBytes, PieceBytes)];
        for (var at = 0; at < chunkRows; at += piece.Length / type.Bytes)
        {
            var length = Math.Min(piece.Length / type.Bytes, chunkRows - at);
            ChunkDecoder.Fill(inflater, piece[..(length * type.Bytes)]);
            var (from, until) = (Math.Max(row + at, first), Math.Min(row + at + length, next));
            if (from < until)
                Convert(piece[(int)((from - row - at) * type.Bytes)..], Line(rows, from, 0, (int)(until - from)), from);
        }

        ChunkDecoder.Finish(inflater);
    }

    void Take(ReadOnlySpan<byte> chunk, Rows rows, long row, long first, long next, long column)
    {
        if (columns == 1 && chunkColumns == 1)
        {
            Convert(chunk[(int)((first - row) * type.Bytes)..], Line(rows, first, 0, (int)(next - first)), first);
            return;
        }

        var length = (int)Math.Min(chunkColumns, columns - column);
        for (var r = first; r < next; r++)
            Convert(
                chunk[(int)((r - row) * chunkColumns * type.Bytes)..],
                Line(rows, r, column, length),
                r * columns + column
            );
    }

    // A chunk that was never written holds the fill value throughout.
    void Fill(OpenDataset dataset, Rows rows, long first, long next, long column)
    {
        Span<T> value = stackalloc T[1];
        Convert(dataset.FillValue, value, first * columns + column);
        var length = (int)Math.Min(chunkColumns, columns - column);
        for (var r = first; r < next; r++)
            Line(rows, r, column, length).Fill(value[0]);
    }

    Span<T> Line(Rows rows, long row, long column, int length) =>
        rows.Destination.Span.Slice((int)((row - rows.First) * columns + column), length);

    void Convert(ReadOnlySpan<byte> bytes, Span<T> destination, long element)
    {
        bytes = bytes[..(destination.Length * type.Bytes)];
        var wrong = Numbers.Convert(type.Name, bytes, destination);
        if (wrong >= 0)
            throw Elements.OutOfRange(file, name, type, bytes, wrong, element + wrong, typeof(T));
    }

    static string TypeName =>
        Type.GetTypeCode(typeof(T)) switch
        {
            TypeCode.Single => "float32",
            TypeCode.Double => "float64",
            TypeCode.Int32 => "int32",
            TypeCode.Int64 => "int64",
            _ => "",
        };

    OpenDataset Open()
    {
        lock (Hdf5Library.Gate)
        {
            var dataset = new Handle(H5.H5Oopen(file.Id, path, H5.Default));
            if (dataset.Id <= 0)
                throw file.Failure(Hdf5Fault.Damaged, $"{name} cannot be opened");

            using var elements = Elements.OfDataset(file, dataset, name, null);
            return new(this, dataset, elements.FillValue());
        }
    }

    /// <summary>The dataset, opened once for all its chunks.</summary>
    sealed class OpenDataset(ChunkedReader<T> reader, Handle dataset, byte[] fillValue) : IDisposable
    {
        internal byte[] FillValue { get; } = fillValue;

        /// <summary>Brings the compressed bytes of a chunk into the decoder, and gives their number: 0 for a chunk that
        /// was never written.</summary>
        internal int Fetch(ChunkDecoder decoder, long row, long column, out uint skipped)
        {
            var offset = stackalloc ulong[2] { (ulong)row, (ulong)column };
            skipped = 0;
            ulong bytes = 0;
            lock (Hdf5Library.Gate)
            {
                // Of a chunk that was never written, versions of the library say that its size is 0, that it has none,
                // or, where there are no filters, that it has the size of the others.
                if (H5.H5Dget_chunk_storage_size(dataset, offset, &bytes) >= 0 && bytes == 0)
                    return 0;

                fixed (byte* raw = decoder.Raw((long)bytes))
                    if (bytes > 0 && Hdf5Library.ReadChunk(dataset, H5.Default, offset, out skipped, raw) >= 0)
                        return (int)bytes;

                return IsThere(offset) ? throw Unreadable(row) : 0;
            }
        }

        // Walks over all chunks, and so is asked only when reading one has failed.
        bool IsThere(ulong* offset) =>
            H5.H5Dget_chunk_info_by_coord(dataset, offset, out _, out var address, out _) < 0
            || address != H5.NoAddress;

        Hdf5Exception Unreadable(long row) =>
            reader.file.Failure(Hdf5Fault.Damaged, $"the chunk of {reader.name} that begins at {row} cannot be read");

        public void Dispose()
        {
            lock (Hdf5Library.Gate)
                dataset.Dispose();
        }
    }
}
