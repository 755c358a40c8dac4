using System;
using System.Collections.Generic;
using System.Numerics;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

public sealed unsafe partial class Hdf5Group
{
    /// <summary>Makes a group. The name must be new, and no path.</summary>
    /// <exception cref="Hdf5Exception">It cannot be made.</exception>
    public Hdf5Group CreateGroup(string name)
    {
        RequireName(name);
        lock (Hdf5Library.Gate)
        {
            using var group = new Handle(H5.H5Gcreate2(file.Id, Below(name), H5.Default, H5.Default, H5.Default));
            return group.Id > 0 ? new(file, Below(name)) : throw NotWritten(name);
        }
    }

    /// <summary>Makes a dataset of numbers of one axis, to be filled from its beginning.</summary>
    /// <param name="name">A new name.</param>
    /// <param name="length">Number of elements; null if that shows only later.</param>
    /// <param name="storage">Compression and threads.</param>
    /// <exception cref="Hdf5Exception">It cannot be made.</exception>
    public Hdf5Writer<T> CreateVector<T>(string name, long? length, Hdf5Storage storage)
        where T : unmanaged, INumber<T>
    {
        RequireName(name);
        return new(file, Below(name), length, null, Hdf5Library.Types.Of(typeof(T)), storage);
    }

    /// <summary>Makes a dataset of numbers of two axes, to be filled row by row.</summary>
    /// <param name="name">A new name.</param>
    /// <param name="rows">Number of rows; null if that shows only later.</param>
    /// <param name="columns">Numbers per row.</param>
    /// <param name="storage">Compression and threads.</param>
    /// <exception cref="Hdf5Exception">It cannot be made.</exception>
    public Hdf5Writer<T> CreateMatrix<T>(string name, long? rows, long columns, Hdf5Storage storage)
        where T : unmanaged, INumber<T>
    {
        RequireName(name);
        return new(file, Below(name), rows, columns, Hdf5Library.Types.Of(typeof(T)), storage);
    }

    /// <summary>Writes numbers along one axis.</summary>
    /// <exception cref="Hdf5Exception">They cannot be written.</exception>
    public Hdf5Dataset Write<T>(string name, ReadOnlySpan<T> values, Hdf5Storage storage)
        where T : unmanaged, INumber<T>
    {
        using var writer = CreateVector<T>(name, values.Length, storage);
        writer.Append(values);
        writer.Close();
        return Dataset(name);
    }

    /// <summary>Writes truth values along one axis, as an enumeration of FALSE and TRUE.</summary>
    /// <exception cref="Hdf5Exception">They cannot be written.</exception>
    public Hdf5Dataset WriteFlags(string name, IReadOnlyCollection<bool> values, Hdf5Storage storage)
    {
        RequireName(name);
        using var writer = FlagWriter(name, values.Count, storage);
        foreach (var value in values)
            writer.Append([value ? (sbyte)1 : (sbyte)0]);

        writer.Close();
        return Dataset(name);
    }

    Hdf5Writer<sbyte> FlagWriter(string name, long length, Hdf5Storage storage)
    {
        lock (Hdf5Library.Gate)
        {
            using var type = FlagType.Create();
            return new(file, Below(name), length, null, type, storage);
        }
    }

    /// <summary>Writes texts along one axis, in UTF-8. A text ends at its first null character.</summary>
    /// <exception cref="Hdf5Exception">They cannot be written.</exception>
    public Hdf5Dataset WriteTexts(string name, IReadOnlyCollection<string> texts)
    {
        lock (Hdf5Library.Gate)
        {
            using var type = TextBuffer.Type();
            using var buffer = new TextBuffer(texts);
            fixed (nint* pointers = buffer.Pointers)
                return Write(name, type, texts.Count, pointers);
        }
    }

    /// <summary>Writes one text without an axis.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written.</exception>
    public Hdf5Dataset WriteText(string name, string text)
    {
        lock (Hdf5Library.Gate)
        {
            using var type = TextBuffer.Type();
            using var buffer = new TextBuffer([text]);
            fixed (nint* pointers = buffer.Pointers)
                return Write(name, type, null, pointers);
        }
    }

    /// <summary>Writes one number without an axis.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written.</exception>
    public Hdf5Dataset WriteNumber<T>(string name, T value)
        where T : unmanaged, INumber<T>
    {
        lock (Hdf5Library.Gate)
            return Write(name, Hdf5Library.Types.Of(typeof(T)), null, &value);
    }

    /// <summary>Writes one truth value without an axis.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written.</exception>
    public Hdf5Dataset WriteFlag(string name, bool value)
    {
        lock (Hdf5Library.Gate)
        {
            using var type = FlagType.Create();
            return Write(name, type, null, &value);
        }
    }

    // In one piece, for what is small or cannot be compressed.
    Hdf5Dataset Write(string name, long type, int? length, void* values)
    {
        RequireName(name);
        using var space = Spaces.Of(length);
        using var creation = new Handle(H5.H5Pcreate(Hdf5Library.Types.DatasetCreation));
        H5.H5Pset_obj_track_times(creation, 0);
        using var made = new Handle(H5.H5Dcreate2(file.Id, Below(name), type, space, H5.Default, creation, H5.Default));
        if (made.Id <= 0 || (length != 0 && H5.H5Dwrite(made, type, 0, 0, H5.Default, values) < 0))
            throw NotWritten(name);

        return new(file, Below(name));
    }

    // A slash would make groups in between, and a dot is the group itself.
    static void RequireName(string name)
    {
        if (name.Length == 0 || name == "." || name.Contains('/') || name.Contains('\0'))
            throw new ArgumentException($"'{name}' cannot be a name in an HDF5 file", nameof(name));
    }

    Hdf5Exception NotWritten(string name) =>
        file.Failure(Hdf5Fault.CannotWrite, $"{Below(name).TrimStart('/')} cannot be written");
}
