using System;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CoExpr.Hdf5.Native;

/// <summary>Teaches the C library to decompress LZF, which h5py adds to its own copy only. Strings of files that early
/// AnnData wrote cannot be read without it.</summary>
internal static unsafe class LzfFilter
{
    internal const int Id = 32000;

    const uint Reverse = 0x100;

    [StructLayout(LayoutKind.Sequential)]
    struct Class
    {
        internal int Version;
        internal int Id;
        internal uint Encodes;
        internal uint Decodes;
        internal byte* Name;
        internal nint CanApply;
        internal nint SetLocal;
        internal delegate* unmanaged[Cdecl]<uint, nuint, uint*, nuint, nuint*, void**, nuint> Filter;
    }

    internal static void Register()
    {
        if (H5.H5Zfilter_avail(Id) > 0)
            return;

        // The library keeps the name's address, so the name is never freed.
        var description = new Class
        {
            Version = 1,
            Id = Id,
            Decodes = 1,
            Name = (byte*)Marshal.StringToCoTaskMemUTF8("lzf"),
            Filter = &Apply,
        };
        H5.H5Zregister(&description);
    }

    // The size of a chunk is the third parameter of the filter, but for text of variable length h5py computes it from
    // the size of a pointer in memory, so that it is measured instead.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static nuint Apply(uint flags, nuint count, uint* values, nuint bytes, nuint* size, void** buffer)
    {
        if ((flags & Reverse) == 0)
            return 0;

        void* decoded = null;
        nuint length;
        try
        {
            var input = new ReadOnlySpan<byte>(*buffer, checked((int)bytes));
            length = checked((nuint)Lzf.Measure(input));
            decoded = H5.H5allocate_memory(length, 0);
            Lzf.Decompress(input, new(decoded, checked((int)length)));
        }
        catch (Exception error) when (error is InvalidDataException or OverflowException)
        {
            H5.H5free_memory(decoded);
            return 0;
        }

        H5.H5free_memory(*buffer);
        *buffer = decoded;
        *size = length;
        return length;
    }
}
