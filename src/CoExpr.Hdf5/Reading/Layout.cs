using System;
using System.Collections.Generic;
using System.Linq;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>How the elements of a dataset lie in the file.</summary>
/// <param name="Chunk">Shape of a chunk; null where the dataset lies in one piece.</param>
/// <param name="Filters">What each chunk went through on writing, in that order.</param>
internal sealed unsafe record Layout(long[]? Chunk, IReadOnlyList<Filter> Filters)
{
    internal const int Deflate = 1;
    internal const int Shuffle = 2;

    // Names of filters that are met in the field and that this library may not have.
    static readonly Dictionary<int, string> names = new()
    {
        [Deflate] = "gzip",
        [Shuffle] = "shuffle",
        [3] = "fletcher32",
        [4] = "szip",
        [5] = "nbit",
        [6] = "scaleoffset",
        [307] = "bzip2",
        [LzfFilter.Id] = "lzf",
        [32001] = "blosc",
        [32004] = "lz4",
        [32008] = "bitshuffle",
        [32015] = "zstd",
        [32026] = "blosc2",
    };

    /// <summary>Whether all filters are of those that are undone here rather than by the C library.</summary>
    internal bool IsDecodable => Filters.All(filter => filter.Id is Deflate or Shuffle or LzfFilter.Id);

    /// <summary>The first filter that the C library lacks.</summary>
    internal Filter? Unavailable => Filters.FirstOrDefault(filter => H5.H5Zfilter_avail(filter.Id) <= 0);

    internal static Layout Read(long dataset, int rank)
    {
        using var creation = new Handle(H5.H5Dget_create_plist(dataset));
        if (H5.H5Pget_layout(creation) != H5.Chunked)
            return new(null, []);

        var chunk = new ulong[rank];
        fixed (ulong* sizes = chunk)
            H5.H5Pget_chunk(creation, rank, sizes);

        var filters = Enumerable.Range(0, H5.H5Pget_nfilters(creation)).Select(at => ReadFilter(creation, (uint)at));
        return new(Array.ConvertAll(chunk, size => (long)size), [.. filters]);
    }

    static Filter ReadFilter(Handle creation, uint at)
    {
        nuint count = 0;
        var id = H5.H5Pget_filter2(creation, at, out _, ref count, null, 0, null, out _);
        return new(id, names.TryGetValue(id, out var name) ? name : $"filter {id}");
    }
}

/// <summary>One step of a chunk's way into the file.</summary>
internal sealed record Filter(int Id, string Name);
