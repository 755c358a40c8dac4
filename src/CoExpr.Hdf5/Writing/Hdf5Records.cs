using System;
using System.Collections.Generic;
using System.Linq;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

public sealed unsafe partial class Hdf5Group
{
    /// <summary>Writes records of numbers along one axis.</summary>
    /// <param name="name">A new name.</param>
    /// <param name="fields">Names of the fields.</param>
    /// <param name="columns">Of each field its numbers, one a record.</param>
    /// <exception cref="Hdf5Exception">They cannot be written: there are no fields, too many, or two of one name.</exception>
    /// <exception cref="ArgumentException">The fields differ in length.</exception>
    public Hdf5Dataset WriteRecords(string name, IReadOnlyList<string> fields, IReadOnlyList<double[]> columns)
    {
        var records = Interleaved(fields, columns);
        lock (Hdf5Library.Gate)
        {
            using var type = RecordType(name, fields, Hdf5Library.Types.Of(typeof(double)));
            fixed (double* values = records)
                return Write(name, type, columns[0].Length, values);
        }
    }

    /// <summary>Writes records of texts along one axis.</summary>
    /// <inheritdoc cref="WriteRecords(string, IReadOnlyList{string}, IReadOnlyList{double[]})"/>
    public Hdf5Dataset WriteRecords(string name, IReadOnlyList<string> fields, IReadOnlyList<string[]> columns)
    {
        var records = Interleaved(fields, columns);
        lock (Hdf5Library.Gate)
        {
            using var text = TextBuffer.Type();
            using var type = RecordType(name, fields, text);
            using var buffer = new TextBuffer(records);
            fixed (nint* pointers = buffer.Pointers)
                return Write(name, type, columns[0].Length, pointers);
        }
    }

    // A number and a pointer to a text take the same room.
    const int FieldBytes = 8;

    Handle RecordType(string name, IReadOnlyList<string> fields, long field)
    {
        var type = new Handle(H5.H5Tcreate(H5.Compound, (nuint)(FieldBytes * fields.Count)));
        for (var at = 0; at < fields.Count; at++)
            if (H5.H5Tinsert(type, fields[at], (nuint)(FieldBytes * at), field) < 0)
            {
                type.Dispose();
                throw NotWritten(name);
            }
        return type;
    }

    static T[] Interleaved<T>(IReadOnlyList<string> fields, IReadOnlyList<T[]> columns)
    {
        if (fields.Count == 0 || fields.Count != columns.Count)
            throw new ArgumentException($"{columns.Count} columns for {fields.Count} fields", nameof(columns));
        if (columns.FirstOrDefault(column => column.Length != columns[0].Length) is { } other)
            throw new ArgumentException($"columns of {columns[0].Length} and {other.Length} records", nameof(columns));
        var records = new T[checked(fields.Count * columns[0].Length)];
        for (var field = 0; field < fields.Count; field++)
        for (var record = 0; record < columns[0].Length; record++)
            records[record * fields.Count + field] = columns[field][record];
        return records;
    }
}
