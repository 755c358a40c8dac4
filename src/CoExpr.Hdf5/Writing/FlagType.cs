using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>Truth values as h5py stores them: an enumeration on one byte.</summary>
internal static unsafe class FlagType
{
    internal static Handle Create()
    {
        var type = new Handle(H5.H5Tenum_create(Hdf5Library.Types.Int8));
        sbyte no = 0;
        sbyte yes = 1;
        H5.H5Tenum_insert(type, "FALSE", &no);
        H5.H5Tenum_insert(type, "TRUE", &yes);
        return type;
    }
}
