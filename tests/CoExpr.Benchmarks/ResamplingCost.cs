using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using CoExpr.IO;
using CoExpr.Kernels;

namespace CoExpr.Benchmarks;

/// <summary>100 bootstraps and 100 permutations of regulators x genes against one run of the cpu backend over the same
/// pairs, one thread, in processor time. Every pair's scores in a resample of every cell once are compared with the
/// backend's before anything is timed.</summary>
static class ResamplingCost
{
    const int Resamples = 100;

    /// <summary>Runs <c>resampling [file.h5ad]</c>.</summary>
    internal static void Run(string[] arguments)
    {
        Console.WriteLine(
            "| data | path | pairs | one run, ns per pair | 100 bootstraps, runs | of these histograms | entropies "
                + "| ns per pair and bootstrap | 100 permutations, runs |"
        );
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var file in arguments)
            Measure(System.IO.Path.GetFileName(file), FromFile(file), 500, 1);
        foreach (var density in new[] { 5, 10, 30, 100 })
            Measure($"5,000 cells, 10 levels, {density} % above 0", Made(5000, 1000, density), 50, 2);
    }

    // 500 genes spread evenly over the file's order stand for regulators: of all densities, as those are.
    static BinnedGenes FromFile(string path)
    {
        var counts = AnnData.read(ReadOptionsModule.standard, path).ResultValue.Counts;
        var kept = GeneFilter.passing(3, null, EntropyRule.WithoutZeros, counts);
        var genes = Discretization.genes(1, QuantileEdges.Exact, 10, counts.TakeGenes(kept));
        var every = kept.Length / 500;
        return Sorted(genes, gene => gene % every == 0 && gene / every < 500);
    }

    static BinnedGenes Sorted(BinnedGenes genes, Func<int, bool> first)
    {
        var order = Enumerable
            .Range(0, genes.Genes)
            .OrderBy(gene => first(gene) ? 0 : 1)
            .ThenBy(genes.Expressed)
            .ToArray();
        var starts = new long[genes.Genes + 1];
        var (cellOf, levelOf) = (new List<int>(), new List<byte>());
        for (var place = 0; place < order.Length; place++)
        {
            var (start, count) = ((int)genes.Starts[order[place]], genes.Expressed(order[place]));
            cellOf.AddRange(genes.CellOf.AsSpan(start, count));
            levelOf.AddRange(genes.LevelOf.AsSpan(start, count));
            starts[place + 1] = cellOf.Count;
        }
        var levels = Array.ConvertAll(order, gene => genes.Levels[gene]);
        return new BinnedGenes(genes.Cells, starts, [.. cellOf], [.. levelOf], levels);
    }

    static BinnedGenes Made(int cells, int genes, int density)
    {
        var random = new System.Random(1);
        var starts = new long[genes + 1];
        var (cellOf, levelOf) = (new List<int>(), new List<byte>());
        for (var gene = 0; gene < genes; gene++)
        {
            for (var cell = 0; cell < cells; cell++)
                if (random.Next(100) < density)
                {
                    cellOf.Add(cell);
                    levelOf.Add((byte)random.Next(1, 11));
                }
            starts[gene + 1] = cellOf.Count;
        }
        var levels = Enumerable.Repeat((byte)10, genes).ToArray();
        return new BinnedGenes(cells, starts, [.. cellOf], [.. levelOf], levels);
    }

    static void Measure(string name, BinnedGenes genes, int rows, int times)
    {
        Check(genes, rows / 10);
        var pairs = PairsOf(genes, rows);
        Single(genes, rows);
        var single = Best(times, () => Single(genes, rows));
        foreach (var path in Enum.GetValues<SimdPath>())
        {
            if (path != Simd.Current())
                continue;
            Console.Error.WriteLine($"{name} {path}");
            using var weights = Drawn(genes.Cells);
            var all = Best(times, () => Bootstrap(genes, weights, rows, path, false));
            var histograms = Best(times, () => Bootstrap(genes, weights, rows, path, true));
            var permuted = Best(times, () => Permute(genes, rows / 10, path)) * pairs / PairsOf(genes, rows / 10);
            Console.WriteLine(
                FormattableString.Invariant(
                    $"| {name} | {path} | {pairs:N0} | {single * 1e9 / pairs:0.0} | {all / single:0.0} | {histograms / single:0.0} | {(all - histograms) / single:0.0} | {all * 1e9 / pairs / Resamples:0.00} | {permuted / single:0.0} |"
                )
            );
        }
    }

    static long PairsOf(BinnedGenes genes, int rows) =>
        Enumerable.Range(0, rows).Sum(row => (long)genes.Genes - row - 1);

    /// <summary>Seconds of processor time, the least of so many tries.</summary>
    static double Best(int times, Action work) =>
        Enumerable
            .Range(0, times)
            .Min(_ =>
            {
                var before = Environment.CpuUsage.TotalTime;
                work();
                return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
            });

    static ResampleWeights Drawn(int cells) =>
        global::CoExpr.Resamples.weights(1, 1UL, Draw.Bootstrap, cells, 0, Resamples);

    static void Single(BinnedGenes genes, int rows)
    {
        var task = new PairTask(
            CellsIn.EitherGene,
            null,
            PairParts.Information,
            new PairRange(0, rows, 0, genes.Genes)
        );
        using var kernel = Backend.cpu.Open(genes, task, 1);
        using var worker = kernel.NewWorker();
        var block = new PairBlock();
        foreach (var range in kernel.Blocks)
            worker.Score(range, block);
    }

    static void Bootstrap(BinnedGenes genes, ResampleWeights weights, int rows, SimdPath path, bool countOnly)
    {
        using var kernel = new ResamplingKernel(genes, weights, CellsIn.EitherGene, path);
        using var worker = kernel.NewWorker();
        ScoreAll(genes, rows, worker, countOnly);
    }

    static void Permute(BinnedGenes genes, int rows, SimdPath path)
    {
        var orders = global::CoExpr.Resamples.permutations(1, 1UL, genes.Cells, Resamples);
        using var kernel = new PermutationKernel(genes, orders, CellsIn.EitherGene, path);
        using var worker = kernel.NewWorker();
        ScoreAll(genes, rows, worker, false);
    }

    static void ScoreAll(BinnedGenes genes, int rows, ResamplingWorker worker, bool countOnly)
    {
        var numerators = new long[worker.Batches * ResampleWeights.Lanes];
        var cells = new int[numerators.Length];
        for (var row = 0; row < rows; row++)
        {
            worker.Take(row);
            for (var column = row + 1; column < genes.Genes; column++)
                if (countOnly)
                    worker.CountOnly(column);
                else
                    worker.Score(column, numerators, cells);
        }
    }

    static void Check(BinnedGenes genes, int rows)
    {
        using var once = new ResampleWeights(genes.Cells, 1);
        once.Set(0, Enumerable.Repeat(1, genes.Cells).ToArray());
        using var kernel = new ResamplingKernel(genes, once, CellsIn.EitherGene);
        using var worker = kernel.NewWorker();
        var (numerators, cells) = (new long[ResampleWeights.Lanes], new int[ResampleWeights.Lanes]);
        var task = new PairTask(
            CellsIn.EitherGene,
            null,
            PairParts.Information,
            new PairRange(0, rows, 0, genes.Genes)
        );
        using var single = Backend.cpu.Open(genes, task, 1);
        using var scorer = single.NewWorker();
        var block = new PairBlock();
        foreach (var range in single.Blocks)
        {
            scorer.Score(range, block);
            for (var row = range.FirstRow; row < range.EndRow; row++)
            {
                worker.Take(row);
                for (var column = Math.Max(row + 1, range.FirstColumn); column < range.EndColumn; column++)
                {
                    worker.Score(column, numerators, cells);
                    var at = (row - block.FirstRow) * block.Width + column - block.FirstColumn;
                    if (numerators[0] != block.Numerators[at] || cells[0] != block.Cells[at])
                        throw new InvalidOperationException(
                            $"genes {row} and {column}: {numerators[0]} where {block.Numerators[at]} was expected"
                        );
                }
            }
        }
    }
}
