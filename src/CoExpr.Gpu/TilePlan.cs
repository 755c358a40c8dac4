using System;
using System.Collections.Generic;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>Cuts the pairs wanted into blocks that a device has room for.</summary>
static class TilePlan
{
    /// <summary>Most counters of a tile: with 4 bytes each, the 32 KB that every device has for a work group.</summary>
    const int MostCounters = 8192;

    /// <summary>Most bytes of histograms at once; more of them fill no device better.</summary>
    const long MostHistograms = 256L << 20;

    /// <summary>The blocks, those of the last columns (the densest genes) first, tile after tile.</summary>
    internal static List<PairRange> Blocks(BinnedGenes genes, PairTask task, DeviceLimits limits, GpuSettings settings)
    {
        var pairs = task.PairsOf(genes.Genes);
        var room = Math.Min(settings.Memory, limits.Memory / 2);
        var blocks = new List<PairRange>();
        var tiles = Tiles(genes, task, pairs, limits, settings with { Memory = room });
        for (var tile = tiles.Count - 1; tile >= 0; tile--)
            AddRows(blocks, genes, pairs, tiles[tile], Math.Min(room / 4, limits.Allocation), settings.BlockRows);
        return blocks;
    }

    static List<(int First, int End)> Tiles(
        BinnedGenes genes,
        PairTask task,
        PairRange pairs,
        DeviceLimits limits,
        GpuSettings settings
    )
    {
        var tiles = new List<(int, int)>();
        for (var first = pairs.FirstColumn; first < pairs.EndColumn; )
        {
            var end = first + 1;
            while (
                end < pairs.EndColumn
                && end - first < settings.TileGenes
                && Fits(genes, task, first, end + 1, limits, settings.Memory)
            )
                end++;
            tiles.Add((first, end));
            first = end;
        }
        return tiles;
    }

    // Half of the room is for a tile: bit planes and cells' counters, and values of 4 bytes if products are wanted.
    static bool Fits(BinnedGenes genes, PairTask task, int first, int end, DeviceLimits limits, long room)
    {
        var counters = genes.LevelStarts[end] - genes.LevelStarts[first];
        var planes = 4L * genes.Cells * ((counters + 31) / 32);
        var lists = 4 * (genes.Starts[end] - genes.Starts[first]);
        var dense = task.Wants(PairParts.Signs | PairParts.Products) ? 4L * genes.Cells * (end - first) : 0;
        return counters <= Math.Min(MostCounters, limits.LocalMemory / sizeof(int))
            && Math.Max(planes, Math.Max(lists, dense)) <= limits.Allocation
            && planes + lists + dense <= room / 2;
    }

    static void AddRows(
        List<PairRange> blocks,
        BinnedGenes genes,
        PairRange pairs,
        (int First, int End) tile,
        long room,
        int blockRows
    )
    {
        var width = genes.LevelStarts[tile.End] - genes.LevelStarts[tile.First];
        var most = Math.Min(room, MostHistograms) / (sizeof(int) * Math.Max(1L, width));
        // A row that is the last of the tile's columns, or comes after it, has no pair there.
        for (var end = Math.Min(pairs.EndRow, tile.End - 1); end > pairs.FirstRow; )
        {
            var first = end - 1;
            while (
                first > pairs.FirstRow
                && end - first < blockRows
                && genes.LevelStarts[end] - genes.LevelStarts[first - 1] <= most
            )
                first--;
            blocks.Add(new(first, end, tile.First, tile.End));
            end = first;
        }
    }
}
