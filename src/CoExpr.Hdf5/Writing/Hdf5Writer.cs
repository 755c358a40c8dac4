using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Threading;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>Writes a dataset of one or two axes from its first row to its last, as the rows come. Only a few chunks per
/// thread are in memory. Call <see cref="Close"/> at the end; disposing alone leaves a dataset that lacks rows.</summary>
public sealed unsafe class Hdf5Writer<T> : IDisposable
    where T : unmanaged, INumber<T>
{
    // Full chunks wait until there is a batch of them; a batch is compressed side by side and then written in order.
    const int ChunksPerThread = 4;

    readonly Hdf5File file;
    readonly string name;
    readonly long columns;
    readonly long chunkRows;
    readonly long? rows;
    readonly Hdf5Storage storage;
    readonly List<ChunkEncoder> batch = [];
    readonly Handle dataset;
    bool isClosed;
    int chunksWaiting;
    int bytesInChunk;
    long chunksWritten;
    long elements;

    internal Hdf5Writer(Hdf5File file, string path, long? rows, long? columns, long fileType, Hdf5Storage storage)
    {
        (this.file, this.rows, this.columns, this.storage) = (file, rows, columns ?? 1, storage);
        name = path.TrimStart('/');
        var wanted = Math.Max(1, storage.ChunkBytes / Math.Max(1, this.columns * sizeof(T)));
        chunkRows = rows is { } known ? Math.Clamp(wanted, 1, Math.Max(1, known)) : wanted;
        lock (Hdf5Library.Gate)
        {
            using var creation = Creation(columns is null ? 1 : 2);
            using var space = Space(columns is null ? 1 : 2);
            dataset = new(H5.H5Dcreate2(file.Id, path, fileType, space, H5.Default, creation, H5.Default));
            if (dataset.Id <= 0)
                throw Failure("cannot be made");
        }
    }

    bool IsEmpty => rows == 0 || columns == 0;

    int ChunkBytes => checked((int)(chunkRows * columns * sizeof(T)));

    // A chunk may be no larger than the dataset, so that a dataset without elements has none.
    Handle Creation(int axes)
    {
        var creation = new Handle(H5.H5Pcreate(Hdf5Library.Types.DatasetCreation));
        // The same content is to make the same file, whenever it is made.
        H5.H5Pset_obj_track_times(creation, 0);
        if (IsEmpty)
            return creation;

        var chunk = stackalloc ulong[2] { (ulong)chunkRows, (ulong)columns };
        H5.H5Pset_chunk(creation, axes, chunk);
        if (storage.Level > 0 && storage.Shuffle)
            H5.H5Pset_shuffle(creation);

        if (storage.Level > 0)
            H5.H5Pset_deflate(creation, (uint)storage.Level);

        return creation;
    }

    Handle Space(int axes)
    {
        var size = stackalloc ulong[2] { (ulong)(rows ?? 0), (ulong)columns };
        var largest = stackalloc ulong[2] { rows is { } known ? (ulong)known : H5.Unlimited, (ulong)columns };
        return new(H5.H5Screate_simple(axes, size, largest));
    }

    /// <summary>Adds elements, row by row; a row may come in several parts.</summary>
    /// <exception cref="InvalidOperationException">More elements than the dataset was made for.</exception>
    /// <exception cref="Hdf5Exception">They cannot be written: the disk is full.</exception>
    public void Append(ReadOnlySpan<T> values)
    {
        ObjectDisposedException.ThrowIf(isClosed, this);
        elements += values.Length;
        if (elements > rows * columns)
            throw new InvalidOperationException($"{name} was made for {rows * columns} elements, {elements} came");

        for (var bytes = MemoryMarshal.AsBytes(values); bytes.Length > 0; )
        {
            var target = Waiting().Bytes.AsSpan(bytesInChunk);
            var length = Math.Min(target.Length, bytes.Length);
            bytes[..length].CopyTo(target);
            bytes = bytes[length..];
            bytesInChunk += length;
            if (bytesInChunk == ChunkBytes)
                EndChunk();
        }
    }

    ChunkEncoder Waiting()
    {
        if (chunksWaiting == batch.Count)
            batch.Add(new(ChunkBytes, sizeof(T), storage));

        return batch[chunksWaiting];
    }

    void EndChunk()
    {
        chunksWaiting++;
        bytesInChunk = 0;
        if (chunksWaiting == storage.Threads * ChunksPerThread)
            WriteBatch();
    }

    void WriteBatch()
    {
        Workers.Run(storage.Threads, chunksWaiting, CancellationToken.None, () => chunk => batch[(int)chunk].Encode());
        lock (Hdf5Library.Gate)
        {
            Extend(elements / columns);
            for (var chunk = 0; chunk < chunksWaiting; chunk++)
                WriteChunk(batch[chunk], chunksWritten++);
        }

        chunksWaiting = 0;
    }

    void Extend(long length)
    {
        var size = stackalloc ulong[2] { (ulong)length, (ulong)columns };
        if (rows is null && H5.H5Dset_extent(dataset, size) < 0)
            throw Failure("cannot be made longer");
    }

    void WriteChunk(ChunkEncoder chunk, long number)
    {
        var offset = stackalloc ulong[2] { (ulong)(number * chunkRows), 0 };
        fixed (byte* bytes = chunk.Encoded)
            if (H5.H5Dwrite_chunk(dataset, H5.Default, 0, offset, (nuint)chunk.EncodedBytes, bytes) < 0)
                throw Failure("cannot be written");
    }

    /// <summary>Writes what is left and ends the dataset.</summary>
    /// <exception cref="InvalidOperationException">Fewer elements came than the dataset was made for.</exception>
    /// <exception cref="Hdf5Exception">The rest cannot be written: the disk is full.</exception>
    public void Close()
    {
        if (isClosed)
            return;

        if (elements != (rows * columns ?? elements) || (columns > 0 && elements % columns != 0))
            throw new InvalidOperationException(
                $"{name} was made for {rows} rows of {columns}, {elements} elements came"
            );

        if (bytesInChunk > 0)
        {
            Waiting().Bytes.AsSpan(bytesInChunk).Clear();
            EndChunk();
        }

        if (chunksWaiting > 0)
            WriteBatch();

        Dispose();
    }

    /// <summary>Lets go of the dataset as it is.</summary>
    public void Dispose()
    {
        if (isClosed)
            return;

        isClosed = true;
        batch.Clear();
        lock (Hdf5Library.Gate)
            dataset.Dispose();
    }

    Hdf5Exception Failure(string what) => file.Failure(Hdf5Fault.CannotWrite, $"{name} {what}");
}
