using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

internal static unsafe class Spaces
{
    /// <summary>One axis of this length, or none.</summary>
    internal static Handle Of(int? length)
    {
        const int scalar = 0;
        if (length is not { } count)
            return new(H5.H5Screate(scalar));

        var size = (ulong)count;
        return new(H5.H5Screate_simple(1, &size, null));
    }
}
