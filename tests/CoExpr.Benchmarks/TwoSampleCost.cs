using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using CoExpr.IO;
using CoExpr.Kernels;
using Microsoft.FSharp.Core;

namespace CoExpr.Benchmarks;

/// <summary>Rank-sum and t-tests of 100 genes of 200,000 cells in 1,000 perturbations and a control, one thread, in processor
/// time per stored value, against sorting the cells of each comparison anew and against scipy. U is compared before anything
/// is timed.</summary>
static class TwoSampleCost
{
    const int Cells = 200_000;
    const int Genes = 100;
    const int Perturbations = 1000;
    const int Controls = 10_000;
    const int Tries = 7;
    const int NaiveTests = 10;

    /// <summary>Runs <c>two-samples [with_scipy.py]</c>.</summary>
    internal static void Run(string[] arguments)
    {
        var groups = Grouped();
        var counts = Counts();
        Console.WriteLine("| values | step | ns per stored value |");
        Console.WriteLine("| --- | --- | --- |");
        Console.Error.WriteLine(FormattableString.Invariant($"{counts.Entries:N0} stored values"));
        Row("any", "order of groups, from cells", counts.Entries, () => GroupedGenesModule.create(1, counts, groups));
        var byGene = SparseCounts.OfGenes(Cells, Genes, counts.ByGene);
        Row("any", "order of groups, from genes", counts.Entries, () => GroupedGenesModule.create(1, byGene, groups));
        Measure("counts", counts, groups, TestedValues.AsStored, arguments);
        Measure("log1p of 10,000 per cell", counts, groups, TestedValues.NewLogNormalised(1e4), arguments);
    }

    static Groups Grouped()
    {
        var group = Enumerable.Range(0, Cells).Select(GroupOf).ToArray();
        var order = Enumerable.Range(0, Cells).OrderBy(cell => group[cell]).ToArray();
        var sizes = new int[Perturbations + 2];
        foreach (var one in group)
            sizes[one + 1]++;
        for (var at = 1; at < sizes.Length; at++)
            sizes[at] += sizes[at - 1];
        var labels = Enumerable.Range(0, Perturbations + 1).Select(one => $"g{one:D4}").ToArray();
        return new(labels, order, sizes, FSharpOption<int>.Some(0));
    }

    static int GroupOf(int cell) =>
        cell % (Cells / Controls) == 0 ? 0 : 1 + (int)(cell * 2654435761L % 4294967296L % Perturbations);

    /// <summary>Negative-binomial-like counts: each gene has its own mean, each cell its own depth.</summary>
    static SparseCounts Counts()
    {
        var random = new System.Random(1);
        var starts = new long[Cells + 1];
        var genes = new int[Cells * Genes];
        var values = new float[Cells * Genes];
        var entries = 0;
        for (var cell = 0; cell < Cells; cell++)
        {
            var depth = Math.Exp(0.4 * (random.NextDouble() + random.NextDouble() - 1));
            for (var gene = 0; gene < Genes; gene++)
                if (Count(random, depth * Math.Pow(1000, (double)gene / Genes) / 100) is var count and > 0)
                    (genes[entries], values[entries++]) = (gene, count);
            starts[cell + 1] = entries;
        }
        return SparseCounts.OfCells(Cells, Genes, new(starts, genes[..entries], values[..entries]));
    }

    /// <summary>A geometric count of this mean: a negative binomial of dispersion 1.</summary>
    static int Count(System.Random random, double mean) =>
        (int)(Math.Log(1 - random.NextDouble()) / Math.Log(mean / (1 + mean)));

    static void Row(string values, string step, long entries, Action work) =>
        Console.WriteLine(FormattableString.Invariant($"| {values} | {step} | {Best(work) * 1e9 / entries:0.00} |"));

    /// <summary>Seconds of processor time, the least of so many tries.</summary>
    static double Best(Action work) =>
        Enumerable
            .Range(0, Tries)
            .Min(_ =>
            {
                var before = Environment.CpuUsage.TotalTime;
                work();
                return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
            });

    static void Measure(string name, SparseCounts counts, Groups groups, TestedValues values, string[] arguments)
    {
        var tested = Tested(counts, groups, values);
        var genes = Values(tested);
        var sizes = Enumerable.Range(0, Perturbations + 1).Select(tested.Grouped.Size).ToArray();
        var bounds = Enumerable
            .Range(0, Genes)
            .Select(gene => GroupedGenesModule.bounds(gene, tested.Grouped))
            .ToArray();
        var entries = tested.Grouped.Genes.Indices.LongLength;
        var whole = values.IsAsStored;

        var ranks = new RankSums(Perturbations + 1);
        var naive = Check(genes, bounds, sizes, whole, ranks);
        var (sums, means, squares) = (new double[sizes.Length], new double[sizes.Length], new double[sizes.Length]);
        Row(
            name,
            "U and ties of every group",
            entries,
            () =>
            {
                for (var gene = 0; gene < Genes; gene++)
                    ranks.Rank(genes[gene], bounds[gene], sizes, 0, whole);
            }
        );
        Row(
            name,
            "means and variances of every group",
            entries,
            () =>
            {
                for (var gene = 0; gene < Genes; gene++)
                {
                    GroupMoments.Sums(genes[gene], bounds[gene], sums);
                    GroupMoments.Squares(genes[gene], bounds[gene], sizes, sums, means, squares);
                }
            }
        );
        var rankSum = () => RankSum.compute(ProgressModule.none, 1, RankSum.standard, tested);
        Row(name, "rank-sum test, all of it", entries, () => rankSum());
        Row(
            name,
            "Welch's test, all of it",
            entries,
            () => WelchT.compute(ProgressModule.none, 1, WelchT.standard, tested)
        );
        var perTest = Best(() => rankSum()) / Genes / Perturbations;
        Tell("sorting each comparison anew", naive, perTest);
        if (arguments is [var script])
            Tell("scipy's mannwhitneyu", Scipy(script, genes, bounds, sizes, whole, ranks), perTest);
    }

    static void Tell(string name, double perTest, double ours) =>
        Console.WriteLine(
            FormattableString.Invariant(
                $"\n{name}: {perTest * 1e6:0.0} µs a test, {perTest / ours:0} times as long as the rank-sum test, all of it ({ours * 1e6:0.00} µs)\n"
            )
        );

    static TestedGenes Tested(SparseCounts counts, Groups groups, TestedValues values)
    {
        var grouped = GroupedGenesModule.create(1, counts, groups);
        var totals = SizeFactors.totals(counts);
        var scales = values.IsLogNormalised ? Array.ConvertAll(grouped.Cells, cell => 1e4 / totals[cell]) : [];
        return new(
            grouped,
            1,
            groups.Labels,
            groups.Control,
            values,
            scales,
            FoldChange.Arithmetic,
            1e-9,
            TwoSampleAlternative.TwoSided,
            2
        );
    }

    /// <summary>The values that are tested, gene by gene.</summary>
    static float[][] Values(TestedGenes tested) =>
        [
            .. Enumerable
                .Range(0, Genes)
                .Select(gene =>
                {
                    var genes = tested.Grouped.Genes;
                    var values = genes.ValuesOf(gene).ToArray();
                    if (tested.Scales.Length > 0)
                        GroupMoments.Logarithms(genes.IndicesOf(gene), genes.ValuesOf(gene), tested.Scales, values);
                    return values;
                }),
        ];

    /// <summary>All values of one group's cells, zeros too.</summary>
    static float[] Dense(float[] values, int[] bounds, int[] sizes, int group) =>
        [.. values[bounds[group]..bounds[group + 1]], .. new float[sizes[group] - (bounds[group + 1] - bounds[group])]];

    /// <summary>Compares U with that of the plain way; gives the seconds that one such test takes.</summary>
    static double Check(float[][] genes, int[][] bounds, int[] sizes, bool whole, RankSums ranks)
    {
        var seconds = double.MaxValue;
        foreach (var gene in new[] { 5, 50, 95 })
        {
            ranks.Rank(genes[gene], bounds[gene], sizes, 0, whole);
            var control = Dense(genes[gene], bounds[gene], sizes, 0);
            for (var group = 1; group <= NaiveTests; group++)
            {
                var perturbed = Dense(genes[gene], bounds[gene], sizes, group);
                var before = Environment.CpuUsage.TotalTime;
                var u = NaiveTwiceU(perturbed, control);
                seconds = Math.Min(seconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
                if (u != ranks.TwiceU[group])
                    throw new InvalidOperationException($"gene {gene}, group {group}: {ranks.TwiceU[group]}, not {u}");
            }
        }
        return seconds;
    }

    /// <summary>Sorts all cells of the two groups, gives each its mid-rank, and adds up those of the perturbed.</summary>
    static long NaiveTwiceU(float[] perturbed, float[] control)
    {
        var all = perturbed.Concat(control).ToArray();
        var isPerturbed = new bool[all.Length];
        isPerturbed.AsSpan(0, perturbed.Length).Fill(true);
        Array.Sort(all, isPerturbed);
        var twice = 0L;
        for (var (at, end) = (0, 0); at < all.Length; at = end)
        {
            while (end < all.Length && all[end] == all[at])
                end++;
            for (var place = at; place < end; place++)
                twice += isPerturbed[place] ? at + end + 1 : 0;
        }
        return twice - perturbed.Length * (perturbed.Length + 1L);
    }

    /// <summary>Seconds that a test takes in scipy, on the middle gene.</summary>
    static double Scipy(string script, float[][] genes, int[][] bounds, int[] sizes, bool whole, RankSums ranks)
    {
        var folder = Directory.CreateTempSubdirectory("coexpr-");
        var gene = Genes / 2;
        var dense = Enumerable.Range(0, sizes.Length).Select(group => Dense(genes[gene], bounds[gene], sizes, group));
        var groups = sizes.SelectMany((size, group) => Enumerable.Repeat(group, size)).ToArray();
        Save(Path.Combine(folder.FullName, "values.npy"), "<f4", dense.SelectMany(values => values).ToArray());
        Save(Path.Combine(folder.FullName, "groups.npy"), "<i4", groups);
        string[] arguments = [script, "values.npy", "groups.npy", NaiveTests.ToString(CultureInfo.InvariantCulture)];
        arguments[0] = Path.GetFullPath(script);
        using var python = Process.Start(
            new ProcessStartInfo("/usr/bin/python3", arguments)
            {
                RedirectStandardOutput = true,
                WorkingDirectory = folder.FullName,
            }
        )!;
        var words = python.StandardOutput.ReadToEnd().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        folder.Delete(true);
        var numbers = Array.ConvertAll(words, word => double.Parse(word, CultureInfo.InvariantCulture));
        ranks.Rank(genes[gene], bounds[gene], sizes, 0, whole);
        for (var group = 1; group <= NaiveTests; group++)
            if (numbers[group] * 2 != ranks.TwiceU[group])
                throw new InvalidOperationException($"scipy: {numbers[group]}, here {ranks.TwiceU[group] / 2.0}");
        return numbers[0];
    }

    static void Save<T>(string path, string kind, T[] values)
        where T : unmanaged
    {
        var header = $"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({values.Length},), }}";
        using var file = File.Create(path);
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0]);
        file.Write(BitConverter.GetBytes((ushort)(header.Length + 1)));
        file.Write(System.Text.Encoding.ASCII.GetBytes(header + "\n"));
        file.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
    }
}
