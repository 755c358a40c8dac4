using System;

namespace CoExpr.Gpu;

/// <summary>How joint histograms are counted on a device.</summary>
public enum GpuHistogram
{
    /// <summary>By the density of each tile.</summary>
    ByDensity,

    /// <summary>Positional population counts of bit planes: the work does not depend on the density of the tile.</summary>
    Planes,

    /// <summary>Scattering into the memory of a work group: the work is in proportion to the density of the tile.</summary>
    Scatter,
}

/// <summary>How work is cut for a device. None of it changes a bit of the result.</summary>
public sealed record GpuSettings
{
    /// <summary>Most genes of a tile of columns. Default: 1,024.</summary>
    public int TileGenes { get; init; } = 1024;

    /// <summary>Most rows of a block. Default: 512.</summary>
    public int BlockRows { get; init; } = 512;

    /// <summary>Most bytes of the device's memory that are used; never more than half of it are. Default: that half.</summary>
    public long Memory { get; init; } = long.MaxValue;

    /// <summary>How joint histograms are counted. Default: by the density of each tile.</summary>
    public GpuHistogram Histogram { get; init; }

    /// <summary>Whether products are summed on the device where it can do so exactly. Default: yes.</summary>
    public bool Products { get; init; } = true;

    internal GpuSettings Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(TileGenes, 1, nameof(TileGenes));
        ArgumentOutOfRangeException.ThrowIfLessThan(BlockRows, 1, nameof(BlockRows));
        ArgumentOutOfRangeException.ThrowIfLessThan(Memory, 1, nameof(Memory));
        return this;
    }
}
