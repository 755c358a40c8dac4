using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace CoExpr.Kernels;

/// <summary>The CPU backend: scattered joint histograms, tile by tile, and integer entropies.</summary>
/// <param name="tileCounters">Most counters of a tile for one level of A; with 10 levels of 4 bytes, 12,288 make 480 KB, half of a common L2 cache.</param>
/// <param name="tileGenes">Most genes of a tile.</param>
/// <param name="blockRows">Rows that one block of work has.</param>
public sealed class ScatterBackend(int tileCounters = 12288, int tileGenes = 1024, int blockRows = 32) : IPairBackend
{
    /// <inheritdoc/>
    public string Name => "cpu";

    /// <inheritdoc/>
    public IPairKernel Open(BinnedGenes genes, PairTask task, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tileCounters, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tileGenes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockRows, 1);
        return new Kernel(genes, task, Tiles(genes, task.PairsOf(genes.Genes)), blockRows, threads);
    }

    List<(int First, int End)> Tiles(BinnedGenes genes, PairRange pairs)
    {
        var tiles = new List<(int, int)>();
        for (var first = pairs.FirstColumn; first < pairs.EndColumn; )
        {
            var end = first + 1;
            while (end < pairs.EndColumn && end - first < tileGenes && Counters(genes, first, end + 1) <= tileCounters)
                end++;
            tiles.Add((first, end));
            first = end;
        }
        return tiles;
    }

    static int Counters(BinnedGenes genes, int first, int end) => genes.LevelStarts[end] - genes.LevelStarts[first];

    const PairParts Dots = PairParts.Signs | PairParts.Products;

    sealed class Kernel : IPairKernel
    {
        internal readonly BinnedGenes Genes;
        internal readonly PairTask Task;
        internal readonly long[] Table;
        internal readonly ScatterHistogram[] Histograms;
        internal readonly ScatterProducts[] Products;
        readonly List<PairRange> blocks = [];

        internal Kernel(BinnedGenes genes, PairTask task, List<(int First, int End)> tiles, int blockRows, int threads)
        {
            (Genes, Task, Table) = (genes, task, EntropyTable.Shared(genes.Cells));
            Histograms = new ScatterHistogram[tiles.Count];
            Products = new ScatterProducts[task.Wants(Dots) ? tiles.Count : 0];
            Parallel.For(
                0,
                tiles.Count,
                new ParallelOptions { MaxDegreeOfParallelism = threads },
                tile => LayOut(tile, tiles[tile])
            );
            // The dearest blocks, those of the densest genes, come last in the order of density: start with them.
            var pairs = task.PairsOf(genes.Genes);
            for (var tile = tiles.Count - 1; tile >= 0; tile--)
            for (var end = Math.Min(pairs.EndRow, tiles[tile].End); end > pairs.FirstRow; end -= blockRows)
                blocks.Add(new(Math.Max(end - blockRows, pairs.FirstRow), end, tiles[tile].First, tiles[tile].End));
        }

        public IReadOnlyList<PairRange> Blocks => blocks;

        public IPairWorker NewWorker() => new Worker(this);

        public void Dispose() { }

        internal int TileAt(int firstGene) => Array.FindIndex(Histograms, tile => tile.FirstGene == firstGene);

        void LayOut(int tile, (int First, int End) genes)
        {
            Histograms[tile] = new ScatterHistogram(Genes, genes.First, genes.End);
            if (Task.Wants(Dots))
                Products[tile] = new ScatterProducts(Task.Values!, genes.First, genes.End);
        }
    }

    sealed class Worker(Kernel kernel) : IPairWorker
    {
        readonly int[] histogramStarts = new int[kernel.Genes.Cells];
        readonly TileDots? dots = kernel.Task.Wants(Dots) ? new TileDots(kernel.Task) : null;
        int[] counts = [];

        public void Dispose() { }

        public void Score(PairRange range, PairBlock block)
        {
            block.Reset(range.FirstRow, range.EndRow, range.FirstColumn, range.EndColumn);
            var tile = kernel.TileAt(range.FirstColumn);
            Information(range, kernel.Histograms[tile], block);
            dots?.Fill(range, kernel.Products[tile], block);
            if (!kernel.Task.Wants(PairParts.Signs))
                block.Signs.AsSpan().Fill(1);
        }

        void Information(PairRange range, ScatterHistogram tile, PairBlock block)
        {
            var genes = kernel.Genes;
            var starts = tile.StartsFrom(range.FirstRow, histogramStarts);
            for (var row = range.FirstRow; row < range.EndRow; row++)
            {
                var size = genes.Levels[row] * tile.Width;
                if (counts.Length < size)
                    counts = new int[size];
                tile.Count(row, starts, counts);
                MutualInformationKernel.Score(genes, kernel.Table, kernel.Task.Cells, row, tile, counts, block);
            }
        }
    }
}
