using System;
using System.Runtime.InteropServices;

namespace CoExpr.Hdf5.Native;

/// <summary>The library's own identifiers, which exist once it is open.</summary>
internal sealed unsafe class Types
{
    internal Types(nint library)
    {
        Float32 = Read(library, "H5T_NATIVE_FLOAT_g");
        Float64 = Read(library, "H5T_NATIVE_DOUBLE_g");
        Int8 = Read(library, "H5T_NATIVE_SCHAR_g");
        UInt8 = Read(library, "H5T_NATIVE_UCHAR_g");
        Int16 = Read(library, "H5T_NATIVE_SHORT_g");
        UInt16 = Read(library, "H5T_NATIVE_USHORT_g");
        Int32 = Read(library, "H5T_NATIVE_INT_g");
        UInt32 = Read(library, "H5T_NATIVE_UINT_g");
        Int64 = Read(library, "H5T_NATIVE_LLONG_g");
        UInt64 = Read(library, "H5T_NATIVE_ULLONG_g");
        Text = Read(library, "H5T_C_S1_g");
        ObjectReference = Read(library, "H5T_STD_REF_OBJ_g");
        FileAccess = Read(library, "H5P_CLS_FILE_ACCESS_ID_g");
        DatasetCreation = Read(library, "H5P_CLS_DATASET_CREATE_ID_g");
    }

    internal long Float32 { get; }
    internal long Float64 { get; }
    internal long Int8 { get; }
    internal long UInt8 { get; }
    internal long Int16 { get; }
    internal long UInt16 { get; }
    internal long Int32 { get; }
    internal long UInt32 { get; }
    internal long Int64 { get; }
    internal long UInt64 { get; }
    internal long Text { get; }
    internal long ObjectReference { get; }
    internal long FileAccess { get; }
    internal long DatasetCreation { get; }

    static long Read(nint library, string name) => *(long*)NativeLibrary.GetExport(library, name);

    /// <summary>The type that holds a .NET number, or an ArgumentException for another type.</summary>
    internal long Of(Type type) =>
        Type.GetTypeCode(type) switch
        {
            TypeCode.Single => Float32,
            TypeCode.Double => Float64,
            TypeCode.SByte => Int8,
            TypeCode.Byte => UInt8,
            TypeCode.Int16 => Int16,
            TypeCode.UInt16 => UInt16,
            TypeCode.Int32 => Int32,
            TypeCode.UInt32 => UInt32,
            TypeCode.Int64 => Int64,
            TypeCode.UInt64 => UInt64,
            _ => throw new ArgumentException($"{type} is no number that HDF5 stores"),
        };
}
