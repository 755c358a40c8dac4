namespace CoExpr.Hdf5;

/// <summary>How numbers are stored.</summary>
public sealed record Hdf5Storage
{
    /// <summary>gzip level from 0 (not compressed) to 9. Default: 4, as h5py's.</summary>
    public int Level { get; init; } = 4;

    /// <summary>Whether the bytes of numbers are sorted by their significance first, which makes counts and indices
    /// about half as large. Default: yes.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Bytes of a chunk before compression; rows longer than that make one chunk each. Default: 256 KiB.</summary>
    public int ChunkBytes { get; init; } = 1 << 18;

    /// <summary>Threads to compress on. The file is the same for any number. Default: 1.</summary>
    public int Threads { get; init; } = 1;
}
