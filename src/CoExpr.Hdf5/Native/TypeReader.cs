using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace CoExpr.Hdf5.Native;

/// <summary>From the library's types to ours. Call under the gate.</summary>
internal static unsafe class TypeReader
{
    internal static Hdf5Type Describe(long type) =>
        H5.H5Tget_class(type) switch
        {
            H5.Integer => Integer(type),
            H5.Float => Simple(Hdf5Kind.Float, $"float{8 * Size(type)}", type),
            H5.Text => Simple(Hdf5Kind.Text, "text", type),
            H5.Reference => Simple(Hdf5Kind.Reference, "reference", type),
            H5.Enumeration => Enumeration(type),
            H5.Compound => new(Hdf5Kind.Record, "record", Size(type), [.. Fields(type)]),
            _ => Simple(Hdf5Kind.Other, "other", type),
        };

    static int Size(long type) => checked((int)H5.H5Tget_size(type));

    static Hdf5Type Simple(Hdf5Kind kind, string name, long type) => new(kind, name, Size(type), []);

    static Hdf5Type Integer(long type)
    {
        var sign = H5.H5Tget_sign(type) == 0 ? "uint" : "int";
        return Simple(Hdf5Kind.Integer, $"{sign}{8 * Size(type)}", type);
    }

    static Hdf5Type Enumeration(long type)
    {
        using var super = new Handle(H5.H5Tget_super(type));
        var names = Members(type).ToArray();
        return names.Length == 2 && names[0] == "FALSE" && names[1] == "TRUE"
            ? Simple(Hdf5Kind.Flag, "bool", super)
            : Integer(super);
    }

    static IEnumerable<string> Members(long type) =>
        Enumerable.Range(0, Math.Max(0, H5.H5Tget_nmembers(type))).Select(member => MemberName(type, (uint)member));

    static string MemberName(long type, uint member)
    {
        var name = H5.H5Tget_member_name(type, member);
        var text = Marshal.PtrToStringUTF8(name) ?? "";
        H5.H5free_memory((void*)name);
        return text;
    }

    static IEnumerable<Hdf5Field> Fields(long type) =>
        Members(type).Select((name, member) => Field(name, type, (uint)member));

    static Hdf5Field Field(string name, long type, uint member)
    {
        using var own = new Handle(H5.H5Tget_member_type(type, member));
        if (H5.H5Tget_class(own) != H5.Array)
            return new(name, Describe(own), []);

        using var element = new Handle(H5.H5Tget_super(own));
        return new(name, Describe(element), ArrayShape(own));
    }

    static long[] ArrayShape(long type)
    {
        var shape = new ulong[H5.H5Tget_array_ndims(type)];
        fixed (ulong* sizes = shape)
            H5.H5Tget_array_dims2(type, sizes);

        return Array.ConvertAll(shape, size => (long)size);
    }

    /// <summary>The type of one field of a record.</summary>
    internal static Handle FieldType(long type, string field)
    {
        var member = Members(type).ToList().IndexOf(field);
        return new(H5.H5Tget_member_type(type, (uint)member));
    }

    /// <summary>The type in which elements are handed over: numbers in this machine's byte order, text with its
    /// characters as they are.</summary>
    internal static Handle InMemory(long type)
    {
        if (H5.H5Tget_class(type) == H5.Text)
            return new(H5.H5Tcopy(type));

        return new(H5.H5Tget_native_type(type, 1));
    }

    /// <summary>A record of one field: reading through it gives that field alone.</summary>
    internal static Handle OneField(string field, long type)
    {
        var record = H5.H5Tcreate(H5.Compound, H5.H5Tget_size(type));
        H5.H5Tinsert(record, field, 0, type);
        return new(record);
    }
}
