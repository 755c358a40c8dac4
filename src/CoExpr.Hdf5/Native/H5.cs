using System.Runtime.InteropServices;

namespace CoExpr.Hdf5.Native;

// Declarations of the C library, under its own names, for versions 1.10.5 and later (identifiers are 64 bits wide from
// 1.10 on). Only functions whose symbol is the same in 1.10, 1.12, 1.14 and 2.0 stand here; the two that were renamed
// are looked up by hand in Hdf5Library.
internal static unsafe partial class H5
{
    const string Library = "hdf5";
    const UnmanagedType Utf8 = UnmanagedType.LPUTF8Str;

    internal const long Default = 0;
    internal const uint ReadOnly = 0;
    internal const uint Truncate = 2;
    internal const ulong Unlimited = ulong.MaxValue;
    internal const ulong NoAddress = ulong.MaxValue;
    internal const int CloseStrong = 3;
    internal const int Utf8Characters = 1;
    internal static readonly nuint VariableLength = nuint.MaxValue;

    internal const int IdFile = 1;
    internal const int IdGroup = 2;
    internal const int IdDataset = 5;

    internal const int Integer = 0;
    internal const int Float = 1;
    internal const int Text = 3;
    internal const int Compound = 6;
    internal const int Reference = 7;
    internal const int Enumeration = 8;
    internal const int Array = 10;

    internal const int Compact = 0;
    internal const int Contiguous = 1;
    internal const int Chunked = 2;

    [DllImport(Library)]
    internal static extern int H5dont_atexit();

    [DllImport(Library)]
    internal static extern int H5open();

    [DllImport(Library)]
    internal static extern int H5get_libversion(out uint major, out uint minor, out uint release);

    [DllImport(Library)]
    internal static extern void* H5allocate_memory(nuint size, byte clear);

    [DllImport(Library)]
    internal static extern int H5free_memory(void* memory);

    [DllImport(Library)]
    internal static extern int H5Eset_auto2(long stack, nint function, nint data);

    [DllImport(Library)]
    internal static extern int H5Ewalk2(long stack, int direction, nint function, nint data);

    [DllImport(Library)]
    internal static extern int H5Eclear2(long stack);

    [DllImport(Library)]
    internal static extern long H5Fopen([MarshalAs(Utf8)] string name, uint flags, long access);

    [DllImport(Library)]
    internal static extern long H5Fcreate([MarshalAs(Utf8)] string name, uint flags, long creation, long access);

    [DllImport(Library)]
    internal static extern int H5Fflush(long file, int scope);

    [DllImport(Library)]
    internal static extern int H5Fclose(long file);

    [DllImport(Library)]
    internal static extern long H5Oopen(long location, [MarshalAs(Utf8)] string name, long access);

    [DllImport(Library)]
    internal static extern int H5Iget_type(long id);

    [DllImport(Library)]
    internal static extern nint H5Iget_name(long id, byte* name, nuint size);

    [DllImport(Library)]
    internal static extern int H5Idec_ref(long id);

    [StructLayout(LayoutKind.Sequential)]
    internal struct GroupInfo
    {
        internal int StorageType;
        internal ulong Links;
        internal long MaxOrder;
        internal int Mounted;
    }

    [DllImport(Library)]
    internal static extern int H5Gget_info(long group, out GroupInfo info);

    [DllImport(Library)]
    internal static extern long H5Gcreate2(long location, [MarshalAs(Utf8)] string name, long links, long a, long b);

    [DllImport(Library)]
    internal static extern int H5Lexists(long location, [MarshalAs(Utf8)] string name, long access);

    [DllImport(Library)]
    internal static extern nint H5Lget_name_by_idx(
        long location,
        [MarshalAs(Utf8)] string group,
        int index,
        int order,
        ulong at,
        byte* name,
        nuint size,
        long access
    );

    [DllImport(Library)]
    internal static extern int H5Aexists(long location, [MarshalAs(Utf8)] string name);

    [DllImport(Library)]
    internal static extern long H5Aopen(long location, [MarshalAs(Utf8)] string name, long access);

    [DllImport(Library)]
    internal static extern long H5Acreate2(
        long location,
        [MarshalAs(Utf8)] string name,
        long type,
        long space,
        long creation,
        long access
    );

    [DllImport(Library)]
    internal static extern long H5Aget_type(long attribute);

    [DllImport(Library)]
    internal static extern long H5Aget_space(long attribute);

    [DllImport(Library)]
    internal static extern int H5Aread(long attribute, long type, void* buffer);

    [DllImport(Library)]
    internal static extern int H5Awrite(long attribute, long type, void* buffer);

    [DllImport(Library)]
    internal static extern long H5Rdereference2(long location, long access, int kind, void* reference);

    [DllImport(Library)]
    internal static extern long H5Dcreate2(
        long location,
        [MarshalAs(Utf8)] string name,
        long type,
        long space,
        long links,
        long creation,
        long access
    );

    [DllImport(Library)]
    internal static extern long H5Dget_type(long dataset);

    [DllImport(Library)]
    internal static extern long H5Dget_space(long dataset);

    [DllImport(Library)]
    internal static extern long H5Dget_create_plist(long dataset);

    [DllImport(Library)]
    internal static extern int H5Dread(long dataset, long type, long memory, long file, long transfer, void* buffer);

    [DllImport(Library)]
    internal static extern int H5Dwrite(long dataset, long type, long memory, long file, long transfer, void* buffer);

    [DllImport(Library)]
    internal static extern int H5Dget_chunk_storage_size(long dataset, ulong* offset, ulong* size);

    [DllImport(Library)]
    internal static extern int H5Dget_chunk_info_by_coord(
        long dataset,
        ulong* offset,
        out uint filters,
        out ulong address,
        out ulong size
    );

    [DllImport(Library)]
    internal static extern int H5Dwrite_chunk(
        long dataset,
        long transfer,
        uint filters,
        ulong* offset,
        nuint size,
        void* buffer
    );

    [DllImport(Library)]
    internal static extern int H5Dset_extent(long dataset, ulong* size);

    [DllImport(Library)]
    internal static extern int H5Dclose(long dataset);

    [DllImport(Library)]
    internal static extern long H5Screate(int kind);

    [DllImport(Library)]
    internal static extern long H5Screate_simple(int rank, ulong* size, ulong* largest);

    [DllImport(Library)]
    internal static extern int H5Sget_simple_extent_type(long space);

    [DllImport(Library)]
    internal static extern int H5Sget_simple_extent_ndims(long space);

    [DllImport(Library)]
    internal static extern int H5Sget_simple_extent_dims(long space, ulong* size, ulong* largest);

    [DllImport(Library)]
    internal static extern int H5Sselect_hyperslab(
        long space,
        int operation,
        ulong* start,
        ulong* stride,
        ulong* count,
        ulong* block
    );

    [DllImport(Library)]
    internal static extern long H5Pcreate(long kind);

    [DllImport(Library)]
    internal static extern int H5Pset_fclose_degree(long access, int degree);

    [DllImport(Library)]
    internal static extern int H5Pget_layout(long creation);

    [DllImport(Library)]
    internal static extern int H5Pget_chunk(long creation, int rank, ulong* size);

    [DllImport(Library)]
    internal static extern int H5Pset_chunk(long creation, int rank, ulong* size);

    [DllImport(Library)]
    internal static extern int H5Pset_deflate(long creation, uint level);

    [DllImport(Library)]
    internal static extern int H5Pset_obj_track_times(long creation, byte track);

    [DllImport(Library)]
    internal static extern int H5Pset_shuffle(long creation);

    [DllImport(Library)]
    internal static extern int H5Pget_nfilters(long creation);

    [DllImport(Library)]
    internal static extern int H5Pget_filter2(
        long creation,
        uint at,
        out uint flags,
        ref nuint count,
        uint* values,
        nuint nameSize,
        byte* name,
        out uint configuration
    );

    [DllImport(Library)]
    internal static extern int H5Pget_fill_value(long creation, long type, void* value);

    [DllImport(Library)]
    internal static extern int H5Zfilter_avail(int filter);

    [DllImport(Library)]
    internal static extern int H5Zregister(void* filter);

    [DllImport(Library)]
    internal static extern int H5Tget_class(long type);

    [DllImport(Library)]
    internal static extern nuint H5Tget_size(long type);

    [DllImport(Library)]
    internal static extern int H5Tset_size(long type, nuint size);

    [DllImport(Library)]
    internal static extern int H5Tget_order(long type);

    [DllImport(Library)]
    internal static extern int H5Tget_sign(long type);

    [DllImport(Library)]
    internal static extern int H5Tget_cset(long type);

    [DllImport(Library)]
    internal static extern int H5Tset_cset(long type, int characters);

    [DllImport(Library)]
    internal static extern int H5Tget_strpad(long type);

    [DllImport(Library)]
    internal static extern int H5Tis_variable_str(long type);

    [DllImport(Library)]
    internal static extern int H5Tequal(long type, long other);

    [DllImport(Library)]
    internal static extern long H5Tcopy(long type);

    [DllImport(Library)]
    internal static extern long H5Tget_super(long type);

    [DllImport(Library)]
    internal static extern long H5Tget_native_type(long type, int direction);

    [DllImport(Library)]
    internal static extern int H5Tget_nmembers(long type);

    [DllImport(Library)]
    internal static extern nint H5Tget_member_name(long type, uint member);

    [DllImport(Library)]
    internal static extern long H5Tget_member_type(long type, uint member);

    [DllImport(Library)]
    internal static extern int H5Tget_array_ndims(long type);

    [DllImport(Library)]
    internal static extern int H5Tget_array_dims2(long type, ulong* size);

    [DllImport(Library)]
    internal static extern long H5Tcreate(int kind, nuint size);

    [DllImport(Library)]
    internal static extern int H5Tinsert(long type, [MarshalAs(Utf8)] string name, nuint offset, long member);

    [DllImport(Library)]
    internal static extern long H5Tenum_create(long super);

    [DllImport(Library)]
    internal static extern int H5Tenum_insert(long type, [MarshalAs(Utf8)] string name, void* value);
}
