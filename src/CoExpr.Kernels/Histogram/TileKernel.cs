using System;
using System.Collections.Generic;
using System.Linq;

namespace CoExpr.Kernels;

/// <summary>Genes laid out in tiles of 512 for the AVX-512 and AVX2 paths.</summary>
sealed class TileKernel : IExplainedKernel
{
    internal readonly BinnedGenes Genes;
    internal readonly PairTask Task;
    internal readonly EntropyPlanes Planes;
    internal readonly CellsByLevel Lists;
    internal readonly SimdPath Path;
    internal readonly ValueDigits? Digits;
    readonly int blockCells;
    readonly long planeBytes;
    readonly CountingMethod? method;
    readonly List<ColumnTile> tiles = [];
    readonly List<PairRange> blocks = [];
    readonly Dictionary<int, ColumnTile> tileAt = [];

    internal TileKernel(
        BinnedGenes genes,
        PairTask task,
        SimdPath path,
        int blockRows,
        int blockCells,
        long planeBytes,
        CountingMethod? method
    )
    {
        (Genes, Task, Path) = (genes, task, path);
        (this.blockCells, this.planeBytes, this.method) = (blockCells, planeBytes, method);
        Planes = new EntropyPlanes(genes.Cells);
        Lists = new CellsByLevel(genes);
        Digits =
            task.Wants(PairParts.Signs | PairParts.Products) && method != CountingMethod.Scatter
                ? ValueDigits.Of(task.Values!)
                : null;
        var pairs = task.PairsOf(genes.Genes);
        for (var first = pairs.FirstColumn; first < pairs.EndColumn; first += PositionalPopcount.Lanes)
            Add(first, Math.Min(first + PositionalPopcount.Lanes, pairs.EndColumn));
        // The dearest blocks, those of the densest genes, come last in the order of density: start with them.
        for (var tile = tiles.Count - 1; tile >= 0; tile--)
        for (var end = Math.Min(pairs.EndRow, tiles[tile].End); end > pairs.FirstRow; end -= blockRows)
            Add(new PairRange(Math.Max(end - blockRows, pairs.FirstRow), end, tiles[tile].First, tiles[tile].End));
    }

    void Add(int first, int end)
    {
        var tile = new ColumnTile(Genes, Task, Planes.Table, first, end, PositionalPopcount.Lanes, blockCells);
        tiles.Add(tile);
        tileAt.Add(first, tile);
    }

    void Add(PairRange block)
    {
        blocks.Add(block);
        tileAt[block.FirstColumn].Expect();
    }

    public IReadOnlyList<PairRange> Blocks => blocks;

    /// <summary>Planes of one block of cells that fit in half of a second-level cache of 2 MB together.</summary>
    internal int PlanesTogether =>
        Math.Max(1, (1 << 20) / (PositionalPopcount.RowBytes * Math.Max(1, Math.Min(Genes.Cells, blockCells))));

    internal ColumnTile TileAt(int firstColumn) => tileAt[firstColumn];

    public IPairWorker NewWorker() => new TileWorker(this);

    /// <summary>The faster way to count some rows against a tile, and the nanoseconds that it and the scoring will take.</summary>
    internal (CountingMethod Method, double Nanoseconds) Choose(int firstRow, int endRow, ColumnTile tile)
    {
        var cells = Math.Max(Genes.Cells, 1);
        var cellBlocks = (cells + blockCells - 1) / blockCells;
        var (planes, scatter, scores) = (0.0, 0.0, 0.0);
        for (var row = firstRow; row < endRow; row++)
        {
            var (expressed, levels) = (Genes.Expressed(row), Genes.Levels[row]);
            planes += CostModel.BitPlanes(Path, cells, cellBlocks, expressed, levels, tile.Levels);
            scatter += CostModel.Scatter(cells, expressed, tile.Entries);
            scores += CostModel.Scores(levels, tile.Levels, Path == SimdPath.Avx512);
        }
        var chosen =
            method ?? (Fits(tile.Levels) && planes <= scatter ? CountingMethod.BitPlanes : CountingMethod.Scatter);
        return (chosen, scores + (chosen == CountingMethod.BitPlanes ? planes : scatter));
    }

    /// <summary>Whether so many bit planes of a tile may be held.</summary>
    internal bool Fits(int planes) => TilePlanes.Bytes(Genes.Cells, planes, blockCells) <= planeBytes;

    public IReadOnlyList<CountingUse> Explain() => [.. tiles.SelectMany(tile => tile.Explain())];

    public void Dispose()
    {
        foreach (var tile in tiles)
            tile.Dispose();
        Planes.Dispose();
    }
}
