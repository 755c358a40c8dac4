using System;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>The elements of an opened dataset, field of a dataset, or attribute, read through the C library. Call under
/// the gate.</summary>
internal sealed unsafe class Elements : IDisposable
{
    readonly Hdf5File file;
    readonly string name;
    readonly long owner;
    readonly bool isAttribute;
    readonly Handle fileType;
    readonly Handle memoryType;
    readonly Handle transferType;
    readonly Handle space;

    Elements(Hdf5File file, string name, long owner, bool isAttribute, Handle type, Handle space, string? field)
    {
        (this.file, this.name, this.owner, this.isAttribute, this.space) = (file, name, owner, isAttribute, space);
        fileType = field is null ? type : TypeReader.FieldType(type, field);
        if (field is not null)
            type.Dispose();

        memoryType = TypeReader.InMemory(fileType);
        transferType = field is null ? new(H5.H5Tcopy(memoryType)) : TypeReader.OneField(field, memoryType);
        (Type, ElementsPerItem) = Describe(memoryType);
        Shape = ReadShape(space);
        ItemBytes = checked((int)H5.H5Tget_size(memoryType));
    }

    /// <summary>Type of the elements in memory.</summary>
    internal Hdf5Type Type { get; }

    /// <summary>Length of each axis; none for a single value.</summary>
    internal long[] Shape { get; }

    /// <summary>Elements in each item: 1, but for fields that hold arrays.</summary>
    internal int ElementsPerItem { get; }

    /// <summary>Bytes of one item in memory.</summary>
    internal int ItemBytes { get; }

    /// <summary>Number of elements of a small thing.</summary>
    internal int Count
    {
        get
        {
            long count = ElementsPerItem;
            foreach (var size in Shape)
                count *= size;

            return checked((int)count);
        }
    }

    /// <summary>Whether the file holds the numbers as this machine does, so that bytes can be taken over.</summary>
    internal bool SameBytesInFile => H5.H5Tequal(fileType, memoryType) > 0;

    internal static Elements OfAttribute(Hdf5File file, Handle attribute, string name) =>
        new(file, name, attribute, true, new(H5.H5Aget_type(attribute)), new(H5.H5Aget_space(attribute)), null);

    internal static Elements OfDataset(Hdf5File file, Handle dataset, string name, string? field) =>
        new(file, name, dataset, false, new(H5.H5Dget_type(dataset)), new(H5.H5Dget_space(dataset)), field);

    static (Hdf5Type, int) Describe(Handle type)
    {
        if (H5.H5Tget_class(type) != H5.Array)
            return (TypeReader.Describe(type), 1);

        using var element = new Handle(H5.H5Tget_super(type));
        return (TypeReader.Describe(element), (int)(H5.H5Tget_size(type) / H5.H5Tget_size(element)));
    }

    static long[] ReadShape(Handle space)
    {
        const int nothing = 2;
        if (H5.H5Sget_simple_extent_type(space) == nothing)
            return [0];

        var shape = new ulong[H5.H5Sget_simple_extent_ndims(space)];
        fixed (ulong* sizes = shape)
            H5.H5Sget_simple_extent_dims(space, sizes, null);

        return Array.ConvertAll(shape, size => (long)size);
    }

    /// <summary>The value that stands for whatever was never written.</summary>
    internal byte[] FillValue()
    {
        using var creation = new Handle(H5.H5Dget_create_plist(owner));
        var value = new byte[ItemBytes];
        fixed (byte* buffer = value)
            H5.H5Pget_fill_value(creation, memoryType, buffer);

        return value;
    }

    /// <summary>Reads rows (items along the first axis) as bytes in memory's form.</summary>
    internal void Raw(long first, long rows, void* buffer) => Transfer(transferType, first, rows, buffer);

    void Transfer(Handle type, long first, long rows, void* buffer)
    {
        if (isAttribute)
        {
            Require(H5.H5Aread(owner, type, buffer));
            return;
        }

        if (Shape.Length == 0)
        {
            Require(H5.H5Dread(owner, type, 0, 0, H5.Default, buffer));
            return;
        }

        using var memory = Select(first, rows);
        Require(H5.H5Dread(owner, type, memory, space, H5.Default, buffer));
    }

    Handle Select(long first, long rows)
    {
        var start = new ulong[Shape.Length];
        var count = Array.ConvertAll(Shape, size => (ulong)size);
        (start[0], count[0]) = ((ulong)first, (ulong)rows);
        fixed (
            ulong* from = start,
                sizes = count
        )
        {
            Require(H5.H5Sselect_hyperslab(space, 0, from, null, sizes, null));
            return new(H5.H5Screate_simple(Shape.Length, sizes, null));
        }
    }

    void Require(int status)
    {
        if (status < 0)
            throw file.Failure(Hdf5Fault.Damaged, $"{name} cannot be read");
    }

    /// <summary>Items per row: the product of all axes but the first.</summary>
    internal int ItemsPerRow
    {
        get
        {
            var items = 1L;
            for (var axis = 1; axis < Shape.Length; axis++)
                items *= Shape[axis];

            return checked((int)items);
        }
    }

    /// <summary>Reads as many numbers as the destination has, which make whole rows.</summary>
    internal void Numbers<T>(long firstRow, Span<T> destination)
        where T : unmanaged, INumber<T>
    {
        if (destination.Length == 0)
            return;

        var items = destination.Length / ElementsPerItem;
        var bytes = GC.AllocateUninitializedArray<byte>(checked(items * ItemBytes));
        fixed (byte* buffer = bytes)
            Raw(firstRow, items / ItemsPerRow, buffer);

        var wrong = Hdf5.Numbers.Convert(Type.Name, bytes, destination);
        if (wrong >= 0)
            throw OutOfRange(
                file,
                name,
                Type,
                bytes,
                wrong,
                firstRow * ItemsPerRow * ElementsPerItem + wrong,
                typeof(T)
            );
    }

    internal static Hdf5Exception OutOfRange(
        Hdf5File file,
        string name,
        Hdf5Type type,
        ReadOnlySpan<byte> bytes,
        int at,
        long element,
        Type asked
    )
    {
        Span<double> value = stackalloc double[1];
        Hdf5.Numbers.Convert(type.Name, bytes.Slice(at * type.Bytes, type.Bytes), value);
        var text = value[0].ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        var wanted = asked.Name.ToLowerInvariant();
        return new(Hdf5Fault.OutOfRange, file.Path, $"element {element} of {name} is {text}, which is no {wanted}.");
    }

    /// <summary>Reads text from the items of rows that follow each other.</summary>
    internal string[] Texts(long firstRow, long rows)
    {
        var items = Shape.Length == 0 ? 1 : checked((int)(rows * ItemsPerRow));
        if (items == 0)
            return [];

        return H5.H5Tis_variable_str(memoryType) > 0
            ? VariableTexts(firstRow, rows, items)
            : FixedTexts(firstRow, rows, items);
    }

    string[] FixedTexts(long firstRow, long rows, int items)
    {
        const int paddedWithSpaces = 2;
        var bytes = new byte[checked(items * ItemBytes)];
        fixed (byte* buffer = bytes)
            Raw(firstRow, rows, buffer);

        var padding = H5.H5Tget_strpad(memoryType) == paddedWithSpaces ? (byte)' ' : (byte)0;
        var texts = new string[items];
        for (var i = 0; i < items; i++)
            texts[i] = Decode(bytes.AsSpan(i * ItemBytes, ItemBytes), padding);

        return texts;
    }

    static string Decode(ReadOnlySpan<byte> bytes, byte padding)
    {
        var end = padding == 0 ? bytes.IndexOf((byte)0) : -1;
        return Encoding.UTF8.GetString(end >= 0 ? bytes[..end] : bytes.TrimEnd(padding));
    }

    // The library allocates each text, and takes them back together. An unset text is a null pointer.
    string[] VariableTexts(long firstRow, long rows, int items)
    {
        var pointers = new nint[items];
        var texts = new string[items];
        fixed (nint* buffer = pointers)
        {
            Raw(firstRow, rows, buffer);
            for (var i = 0; i < items; i++)
                texts[i] = Marshal.PtrToStringUTF8(pointers[i]) ?? "";

            var count = (ulong)items;
            using var flat = new Handle(H5.H5Screate_simple(1, &count, null));
            Hdf5Library.Reclaim(transferType, flat, H5.Default, buffer);
        }

        return texts;
    }

    public void Dispose()
    {
        fileType.Dispose();
        memoryType.Dispose();
        transferType.Dispose();
        space.Dispose();
    }
}
