using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Threading;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>A dataset of an open file, or one field of a dataset of records.</summary>
public sealed unsafe class Hdf5Dataset
{
    // Strings are fetched by so many, that their copies on the library's side stay small.
    const int TextBlock = 1 << 16;

    readonly Hdf5File file;
    readonly string path;
    readonly string? fieldName;
    readonly Layout layout;
    readonly bool sameBytes;
    readonly long[] shape;

    internal Hdf5Dataset(Hdf5File file, string path, string? fieldName = null)
    {
        (this.file, this.path, this.fieldName) = (file, path, fieldName);
        Attributes = new Hdf5Attributes(file, path);
        lock (Hdf5Library.Gate)
        {
            using var dataset = Open();
            using var elements = Elements.OfDataset(file, dataset, Name, fieldName);
            Type = elements.Type;
            shape = elements.ElementsPerItem == 1 ? elements.Shape : [.. elements.Shape, elements.ElementsPerItem];
            layout = Layout.Read(dataset, elements.Shape.Length);
            sameBytes = fieldName is null && elements.SameBytesInFile;
        }
    }

    /// <summary>Path within the file, without a leading slash, and the field if it is one.</summary>
    public string Name => path.TrimStart('/') + (fieldName is null ? "" : "." + fieldName);

    /// <summary>Type of the elements.</summary>
    public Hdf5Type Type { get; }

    /// <summary>Length of each axis; none for a single value.</summary>
    public IReadOnlyList<long> Shape => shape;

    /// <summary>Number of elements.</summary>
    public long Count => shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Elements per row: the product of all axes but the first.</summary>
    public long RowLength => shape.Skip(1).Aggregate(1L, (product, size) => product * size);

    /// <summary>Shape of a chunk; null where the dataset lies in one piece.</summary>
    public IReadOnlyList<long>? Chunk => layout.Chunk;

    /// <summary>Names of the filters each chunk went through on writing: gzip, shuffle, lzf.</summary>
    public IReadOnlyList<string> Filters => [.. layout.Filters.Select(filter => filter.Name)];

    /// <summary>The attributes of the dataset.</summary>
    public Hdf5Attributes Attributes { get; }

    /// <summary>One field of a dataset of records; arrays in the field make a further axis.</summary>
    /// <exception cref="Hdf5Exception">There is no such field.</exception>
    public Hdf5Dataset Field(string name) =>
        Type.Fields.Any(known => known.Name == name)
            ? new(file, path, name)
            : throw new Hdf5Exception(Hdf5Fault.Missing, file.Path, $"{Name} has no field {name}.");

    /// <summary>All numbers, row by row.</summary>
    /// <param name="threads">Threads to decompress on.</param>
    /// <param name="token">Stops the reading.</param>
    /// <exception cref="Hdf5Exception">A number does not fit, or the file is damaged.</exception>
    public T[] Read<T>(int threads = 1, CancellationToken token = default)
        where T : unmanaged, INumber<T>
    {
        if (Count > Array.MaxLength)
            throw new Hdf5Exception(Hdf5Fault.Unsupported, file.Path, $"{Name} has {Count} elements, too many.");

        var numbers = GC.AllocateUninitializedArray<T>((int)Count);
        ReadRows<T>(0, numbers, threads, token);
        return numbers;
    }

    /// <summary>Rows from the given one on, as many as fill the destination.</summary>
    /// <param name="firstRow">Index on the first axis.</param>
    /// <param name="destination">Receives whole rows, one after the other.</param>
    /// <param name="threads">Threads to decompress on.</param>
    /// <param name="token">Stops the reading; what is in the destination then is not to be used.</param>
    /// <exception cref="ArgumentException">The destination is no whole number of rows, or reaches past the end.</exception>
    /// <exception cref="Hdf5Exception">A number does not fit, or the file is damaged.</exception>
    public void ReadRows<T>(long firstRow, Memory<T> destination, int threads = 1, CancellationToken token = default)
        where T : unmanaged, INumber<T>
    {
        RequireNumbers();
        RequireRows(firstRow, destination.Length);
        if (destination.Length == 0)
            return;

        if (sameBytes && layout.Chunk is not null && layout.IsDecodable && shape.Length is 1 or 2)
            new ChunkedReader<T>(file, path, Name, Type, shape, layout).Read(firstRow, destination, threads, token);
        else
            ReadThroughLibrary(firstRow, destination, token);
    }

    /// <summary>All texts, row by row.</summary>
    /// <exception cref="Hdf5Exception">The elements are no text, or the file is damaged.</exception>
    public string[] ReadTexts()
    {
        if (Type.Kind != Hdf5Kind.Text)
            throw Unsupported($"holds {Type.Name} where text was expected");

        RequireFilters();
        var texts = new string[Count];
        var rowLength = Math.Max(1, RowLength);
        for (long at = 0; at < Count; )
        {
            var rows = Math.Max(1, Math.Min(TextBlock, Count - at) / rowLength);
            lock (Hdf5Library.Gate)
            {
                using var dataset = Open();
                using var elements = Elements.OfDataset(file, dataset, Name, fieldName);
                elements.Texts(at / rowLength, rows).CopyTo(texts, at);
            }

            at += rows * rowLength;
        }

        return texts;
    }

    // Whole chunks at a time, since the library forgets a chunk when it has been read.
    void ReadThroughLibrary<T>(long firstRow, Memory<T> destination, CancellationToken token)
        where T : unmanaged, INumber<T>
    {
        const int blockBytes = 4 << 20;
        RequireFilters();
        var rowLength = (int)RowLength;
        var chunkRows = layout.Chunk is { Length: > 0 } chunk ? chunk[0] : 1;
        var wanted = Math.Max(1, blockBytes / Math.Max(1, Type.Bytes * (long)rowLength));
        var blockRows = (wanted + chunkRows - 1) / chunkRows * chunkRows;
        var rows = destination.Length / rowLength;
        for (long row = 0; row < rows; )
        {
            token.ThrowIfCancellationRequested();
            var end = Math.Min(rows, (firstRow + row) / blockRows * blockRows + blockRows - firstRow);
            var block = destination[(int)(row * rowLength)..(int)(end * rowLength)];
            lock (Hdf5Library.Gate)
            {
                using var dataset = Open();
                using var elements = Elements.OfDataset(file, dataset, Name, fieldName);
                elements.Numbers(firstRow + row, block.Span);
            }

            row = end;
        }
    }

    Handle Open()
    {
        var dataset = new Handle(H5.H5Oopen(file.Id, path, H5.Default));
        return dataset.Id > 0 ? dataset : throw file.Failure(Hdf5Fault.Damaged, $"{Name} cannot be opened");
    }

    void RequireNumbers()
    {
        if (!Type.IsNumber)
            throw Unsupported($"holds {Type.Name} where numbers were expected");
    }

    void RequireRows(long firstRow, int elements)
    {
        if (RowLength == 0 ? elements > 0 : elements % RowLength != 0)
            throw new ArgumentException($"{elements} elements are no whole number of rows of {RowLength}");

        if (firstRow < 0 || firstRow * RowLength + elements > Count)
            throw new ArgumentException($"row {firstRow} and {elements} elements reach past the end, {Count}");
    }

    void RequireFilters()
    {
        lock (Hdf5Library.Gate)
            if (layout.Unavailable is { } filter)
                throw Unsupported(
                    $"is compressed with {filter.Name}, which this HDF5 library cannot undo; "
                        + "set HDF5_PLUGIN_PATH to the folder of the plugin, or write the file again with gzip"
                );
    }

    Hdf5Exception Unsupported(string what) => new(Hdf5Fault.Unsupported, file.Path, $"{Name} {what}.");
}
