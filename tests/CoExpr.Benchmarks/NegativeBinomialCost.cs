using System;
using System.Globalization;
using System.IO;
using System.Linq;
using CoExpr.Kernels;
using Microsoft.FSharp.Core;

namespace CoExpr.Benchmarks;

/// <summary>Negative-binomial tests of a screen, in processor time of one thread per count above 0, and of one gene at a
/// time by weighted least squares over all cells. Means of both are compared before anything is timed.</summary>
static class NegativeBinomialCost
{
    /// <summary>Runs <c>negative-binomial [folder]</c>: into the folder go the counts of the first screen, for
    /// other programs.</summary>
    internal static void Run(string[] arguments)
    {
        Console.WriteLine(
            "| screen | counts above 0 | grouping, ns | dispersions, ns | all, ns | all, s | per gene and group, µs | naive fit of the groups, ns |"
        );
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        var small = Simulated(4000, 2000);
        if (arguments is [var folder])
            Export(small, folder);
        Measure("2,000 genes x 4,000 cells x 11 groups", small, Grouped(small, 11, 0.2), 8);
        var large = Simulated(200_000, 800);
        Measure("800 genes x 200,000 cells x 1,001 groups", large, Grouped(large, 1001, 0.05), 10);
    }

    internal static Cells Simulated(int cells, int genes)
    {
        var standard = SimulationOptionsModule.defaults;
        var options = new SimulationOptions(
            cells,
            genes,
            SimulatedAbundance.NewDensity(0.27),
            standard.GeneMeanSd,
            standard.LibrarySizeSd,
            new SimulatedDispersion(0.2, 0.02, 0.3),
            standard.Groups,
            standard.Modules,
            standard.Perturbations,
            standard.Replicates,
            1,
            2
        );
        return Simulation.run(options).ResultValue.Cells;
    }

    // The first cells are controls, the others take turns.
    internal static Groups Grouped(Cells cells, int groups, double controls)
    {
        var count = cells.Counts.Cells;
        var first = (int)(controls * count);
        var members = Enumerable
            .Range(0, groups)
            .Select(group =>
                group == 0
                    ? Enumerable.Range(0, first)
                    : Enumerable.Range(first, count - first).Where(cell => cell % (groups - 1) == group - 1)
            )
            .Select(x => x.ToArray())
            .ToArray();
        var starts = new int[groups + 1];
        for (var group = 0; group < groups; group++)
            starts[group + 1] = starts[group] + members[group].Length;
        var labels = Enumerable.Range(0, groups).Select(x => $"group{x}").ToArray();
        return new Groups(labels, [.. members.SelectMany(x => x)], starts, FSharpOption<int>.Some(0));
    }

    static NegativeBinomialOptions Options(DispersionSource source) => Options(source, CovariateOptionsModule.none);

    internal static NegativeBinomialOptions Options(DispersionSource source, CovariateOptions covariates)
    {
        var d = NegativeBinomialScreen.defaults;
        return new NegativeBinomialOptions(
            d.SizeFactors,
            source,
            d.Test,
            d.Hypothesis,
            d.LowExpression,
            d.Adjustment,
            d.CountUntestable,
            d.Shrink,
            d.MinimumCells,
            covariates,
            d.Outliers,
            d.Scope,
            1
        );
    }

    static void Measure(string name, Cells cells, Groups groups, int times)
    {
        var entries = (double)cells.Counts.Entries;
        var nanoseconds = 1e9 / entries;
        var genes = GroupedGenesModule.create(1, cells.Counts, groups);
        var nodes = Nodes(cells, genes);
        var naive = Check(genes, nodes) * 1e9;
        var grouping = Best(times, () => GroupedGenesModule.create(1, cells.Counts, groups));
        var dispersions = Best(times, () => Estimate(genes, nodes));
        var options = Options(DispersionSource.NewScreen(GeneDispersionsModule.standard));
        var all = Best(
            times,
            () => NegativeBinomialScreen.compute(ProgressModule.none, options, groups, cells).ResultValue
        );
        var rows = (double)cells.Counts.Genes * (groups.Labels.Length - 1);
        Console.WriteLine(
            FormattableString.Invariant(
                $"| {name} | {entries:N0} | {grouping * nanoseconds:0.0} | {dispersions * nanoseconds:0.0} | {all * nanoseconds:0.0} | {all:0.000} | {all / rows * 1e6:0.00} | {naive:0} |"
            )
        );
    }

    static SizeFactorNodes Nodes(Cells cells, GroupedGenes genes)
    {
        var factors = SizeFactors.librarySize(cells.Counts);
        var nodes = new SizeFactorNodes(Array.ConvertAll(genes.Cells, cell => factors[cell]), genes.Starts);
        for (var group = 0; group < nodes.Groups; group++)
            nodes.Fill(group);
        return nodes;
    }

    static double Estimate(GroupedGenes genes, SizeFactorNodes nodes)
    {
        var (counts, profile) = (new GeneCounts(nodes), new DispersionProfile(nodes));
        var (values, sum) = (new double[DispersionFit.Points], 0.0);
        for (var gene = 0; gene < genes.Genes.Lines; gene++)
        {
            counts.Load(genes.Genes.IndicesOf(gene), genes.Genes.ValuesOf(gene), genes.Starts);
            profile.Load(counts);
            if (profile.HasCounts)
                sum += DispersionFit.Maximize(profile, true, values).LogDispersion;
        }
        return sum;
    }

    /// <summary>Seconds of processor time per count above 0 of least squares over all cells, by a few genes.</summary>
    static double Check(GroupedGenes genes, SizeFactorNodes nodes)
    {
        var counts = new GeneCounts(nodes);
        var (seconds, entries) = (0.0, 0L);
        for (var gene = 0; gene < genes.Genes.Lines; gene += genes.Genes.Lines / 20)
        {
            counts.Load(genes.Genes.IndicesOf(gene), genes.Genes.ValuesOf(gene), genes.Starts);
            var dense = new double[genes.Cells.Length];
            for (var at = 0; at < genes.Genes.Length(gene); at++)
                dense[genes.Genes.IndicesOf(gene)[at]] = genes.Genes.ValuesOf(gene)[at];
            for (var group = 0; group < nodes.Groups; group++)
            {
                var naive = 0.0;
                seconds += Best(1, () => naive = LeastSquares(nodes, genes.Starts, dense, group, 0.3));
                var mean = GroupFit.Mean(counts, group, 0.3);
                if (Math.Abs(mean - naive) > 1e-7 * naive)
                    throw new InvalidOperationException($"gene {gene}, group {group}: {mean} and {naive}");
            }
            entries += genes.Genes.Length(gene);
        }
        return seconds / entries;
    }

    static double LeastSquares(SizeFactorNodes nodes, int[] starts, double[] counts, int group, double dispersion)
    {
        var (sum, beta) = (0.0, 0.0);
        for (var cell = starts[group]; cell < starts[group + 1]; cell++)
            sum += counts[cell];
        if (sum == 0)
            return 0;
        beta = Math.Log(sum / nodes.Sums[group]);
        for (var step = 0; step < 50; step++)
        {
            var (weighted, weights) = (0.0, 0.0);
            for (var cell = starts[group]; cell < starts[group + 1]; cell++)
            {
                var mu = Math.Exp(beta + Math.Log(nodes.FactorOf(cell)));
                var weight = mu / (1 + dispersion * mu);
                weighted += weight * (counts[cell] - mu) / mu;
                weights += weight;
            }
            beta += weighted / weights;
            if (Math.Abs(weighted / weights) < 1e-10)
                break;
        }
        return Math.Exp(beta);
    }

    internal static double Best(int times, Func<object> work) =>
        Enumerable
            .Range(0, times + (times > 1 ? 3 : 0))
            .Min(_ =>
            {
                var before = Environment.CpuUsage.UserTime;
                work();
                return (Environment.CpuUsage.UserTime - before).TotalSeconds;
            });

    static double Best(int times, Func<double> work) => Best(times, () => (object)work());

    // Matrix Market, genes x cells, with size factors and groups beside it.
    static void Export(Cells cells, string folder)
    {
        Directory.CreateDirectory(folder);
        using var matrix = new StreamWriter(Path.Combine(folder, "counts.mtx"));
        matrix.WriteLine("%%MatrixMarket matrix coordinate integer general");
        matrix.WriteLine($"{cells.Counts.Genes} {cells.Counts.Cells} {cells.Counts.Entries}");
        var genes = cells.Counts.ByGene;
        for (var gene = 0; gene < genes.Lines; gene++)
        for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
            matrix.WriteLine($"{gene + 1} {genes.Indices[at] + 1} {(int)genes.Values[at]}");
        var factors = SizeFactors.librarySize(cells.Counts);
        var groups = Grouped(cells, 11, 0.2);
        using var table = new StreamWriter(Path.Combine(folder, "cells.csv"));
        table.WriteLine("group,size_factor");
        var label = new string[factors.Length];
        for (var group = 0; group < 11; group++)
            foreach (var cell in groups.Order.AsSpan(groups.Starts[group]..groups.Starts[group + 1]))
                label[cell] = $"group{group:00}";
        for (var cell = 0; cell < factors.Length; cell++)
            table.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{label[cell]},{factors[cell]:R}"));
        // What is compared with other programs' dispersions.
        var options = Options(
            DispersionSource.NewScreen(
                new GeneDispersionOptions(true, ScreenTrend.LocalLikelihood, ScreenShrinkage.GeneWise, 2)
            )
        );
        var found = NegativeBinomialScreen.compute(ProgressModule.none, options, groups, cells).ResultValue;
        File.WriteAllLines(
            Path.Combine(folder, "dispersions.csv"),
            found.Dispersions[0].GeneWise.Select(x => x.ToString("R", CultureInfo.InvariantCulture))
        );
        File.WriteAllLines(
            Path.Combine(folder, "folds.csv"),
            found.Rows.LogFoldChange.Select(x => x.ToString("R", CultureInfo.InvariantCulture))
        );
    }
}
