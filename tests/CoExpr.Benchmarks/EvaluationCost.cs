using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using CoExpr.IO;
using CoExpr.Kernels;

namespace CoExpr.Benchmarks;

/// <summary>Discrimination by L1, L2 and cosine, and agreement of tables, in processor time. Ranks are compared with those of
/// the naive loop over pairs and genes, and with scikit-learn's, before any time is printed.</summary>
static class EvaluationCost
{
    /// <summary>Runs <c>evaluation</c>; with two numbers discrimination of so many perturbations and genes alone, with
    /// <c>tables</c> the agreement of tables alone.</summary>
    internal static void Run(string[] arguments)
    {
        if (arguments is [var perturbations, var genes])
        {
            Large(int.Parse(perturbations), int.Parse(genes));
            return;
        }
        if (arguments is ["tables"])
        {
            Agree(8000, 2000, 100);
            return;
        }
        Console.WriteLine("| perturbations x genes | way | processor s | of ours | memory beside the effects, MB |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        Discriminate(500, 2000, true);
        Discriminate(2000, 2000, false);
        Console.WriteLine();
        Agree(8000, 2000, 100);
    }

    static double Seconds(Action work)
    {
        var before = Environment.CpuUsage.TotalTime;
        work();
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    sealed record Effects(double[] Predicted, double[] Real, string[] Genes, string[] Names, int[] Own);

    // Four in five perturbations target a gene that was measured.
    static Effects Draw(int perturbations, int genes)
    {
        var random = new System.Random(1);
        var (predicted, real) = (new double[perturbations * genes], new double[perturbations * genes]);
        for (var at = 0; at < real.Length; at++)
        {
            real[at] = 0.3 * Normal(random);
            predicted[at] = 0.1 * real[at] + 0.3 * Normal(random);
        }
        var measured = Math.Min(genes, (int)(0.8 * perturbations));
        var names = Enumerable.Range(0, perturbations).Select(row => row < measured ? $"g{row}" : $"p{row}").ToArray();
        return new(
            predicted,
            real,
            [.. Enumerable.Range(0, genes).Select(gene => $"g{gene}")],
            names,
            [.. Enumerable.Range(0, perturbations)]
        );
    }

    static double Normal(System.Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    static DiscriminationScores[] Ours(Effects effects, int threads) =>
        global::CoExpr.Discrimination.compute(
            threads,
            global::CoExpr.Discrimination.defaults,
            effects.Genes,
            effects.Names,
            effects.Own,
            effects.Predicted,
            effects.Real
        );

    static long Peak()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    static void Discriminate(int perturbations, int genes, bool naive)
    {
        var effects = Draw(perturbations, genes);
        Ours(effects, 1);
        var before = Peak();
        DiscriminationScores[] found = [];
        var ours = Enumerable.Range(0, 3).Min(_ => Seconds(() => found = Ours(effects, 1)));
        Line(perturbations, genes, "CoExpr", ours, ours, $"{(Peak() - before) >> 20}");
        if (naive)
        {
            double[][] reference = [];
            var slow = Seconds(() => reference = Naive(effects, genes));
            Require(found, reference, "the naive loop");
            Line(perturbations, genes, "naive loop, float64", slow, ours, "");
        }
        var folder = Directory.CreateTempSubdirectory("coexpr-").FullName;
        try
        {
            Compare(effects, genes, found, ours, folder);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    static void Line(int perturbations, int genes, string way, double seconds, double ours, string memory) =>
        Console.WriteLine(
            FormattableString.Invariant(
                $"| {perturbations:N0} x {genes:N0} | {way} | {seconds:0.00} | {seconds / ours:0.0} | {memory} |"
            )
        );

    static void Require(DiscriminationScores[] found, double[][] ranks, string whose)
    {
        for (var kind = 0; kind < found.Length; kind++)
            if (!found[kind].Ranks.SequenceEqual(ranks[kind]))
                throw new InvalidOperationException($"the ranks by {found[kind].Kind} are not those of {whose}");
    }

    /// <summary>Every pair and gene, one after the other, in double precision.</summary>
    static double[][] Naive(Effects effects, int genes)
    {
        var rows = effects.Own.Length;
        var ranks = new[] { new double[rows], new double[rows], new double[rows] };
        var distances = new[] { new double[rows], new double[rows], new double[rows] };
        for (var row = 0; row < rows; row++)
        {
            for (var other = 0; other < rows; other++)
            {
                var (l1, l2, dot, p2, r2) = (0.0, 0.0, 0.0, 0.0, 0.0);
                for (var gene = 0; gene < genes; gene++)
                {
                    if (gene == row && effects.Names[row] == effects.Genes[gene])
                        continue;
                    var (p, r) = (effects.Predicted[row * genes + gene], effects.Real[other * genes + gene]);
                    l1 += Math.Abs(p - r);
                    l2 += (p - r) * (p - r);
                    dot += p * r;
                    p2 += p * p;
                    r2 += r * r;
                }
                distances[0][other] = l1;
                distances[1][other] = Math.Sqrt(l2);
                distances[2][other] = 1 - dot / (Math.Sqrt(p2) * Math.Sqrt(r2));
            }
            for (var kind = 0; kind < 3; kind++)
                ranks[kind][row] = distances[kind].Count(distance => distance < distances[kind][row]);
        }
        return ranks;
    }

    static void Compare(Effects effects, int genes, DiscriminationScores[] found, double ours, string folder)
    {
        var rows = effects.Own.Length;
        foreach (var (name, values) in new[] { ("predicted", effects.Predicted), ("real", effects.Real) })
            Npy.writeMatrix(Path.Combine(folder, $"{name}.npy"), new Matrix(rows, genes, values));
        var script = Path.Combine(AppContext.BaseDirectory, "Discrimination", "with_sklearn.py");
        var start = new ProcessStartInfo("/usr/bin/python3", [script, folder]) { RedirectStandardOutput = true };
        foreach (var library in new[] { "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS" })
            start.Environment[library] = "1";
        using var python = Process.Start(start)!;
        while (python.StandardOutput.ReadLine() is { } line)
        {
            var fields = line.Split('\t');
            var ranks = Npy.readMatrix(
                ProgressModule.none,
                Path.Combine(folder, fields[0].Replace(' ', '_') + ".npy")
            ).ResultValue;
            Require(
                found,
                [.. Enumerable.Range(0, 3).Select(kind => ranks.Values[(kind * rows)..((kind + 1) * rows)])],
                line
            );
            var seconds = double.Parse(fields[1], System.Globalization.CultureInfo.InvariantCulture);
            Line(rows, genes, $"scikit-learn, {fields[0]}", seconds, ours, $"(whole process {fields[2]})");
        }
        python.WaitForExit();
    }

    /// <summary>Time by the clock and of the processors, and memory, on all threads; sampled rows are checked.</summary>
    static void Large(int perturbations, int genes)
    {
        var effects = Draw(perturbations, genes);
        var before = Peak();
        var watch = Stopwatch.StartNew();
        DiscriminationScores[] found = [];
        var seconds = Seconds(() => found = Ours(effects, Environment.ProcessorCount));
        var wall = watch.Elapsed.TotalSeconds;
        var memory = (Peak() - before) >> 20;
        Sample(effects, genes, found);
        Console.WriteLine(
            FormattableString.Invariant(
                $"{perturbations:N0} x {genes:N0}, {Environment.ProcessorCount} threads: {wall:0.0} s by the clock, {seconds:0.0} processor s, {memory} MB beside the effects"
            )
        );
    }

    static void Sample(Effects effects, int genes, DiscriminationScores[] found)
    {
        var targets = effects.Own.Select(row => effects.Names[row][0] == 'g' ? new[] { row } : []).ToArray();
        DistanceRankTask task = new(effects.Predicted, effects.Real, genes, effects.Own, [], targets, Simd.Current());
        var distances = new double[effects.Own.Length];
        for (var row = 0; row < distances.Length; row += distances.Length / 20)
            foreach (var one in found)
            {
                task.Distances(one.Kind, row, distances);
                if (distances.Count(distance => distance < distances[row]) != one.Counts.Closer[row])
                    throw new InvalidOperationException($"row {row} by {one.Kind} is not that of all its distances");
            }
    }

    static DeTable Table(int perturbations, int genes, int significant, int seed)
    {
        var random = new System.Random(seed);
        var count = perturbations * genes;
        var (target, feature) = (new int[count], new int[count]);
        var (change, p, fdr) = (new double[count], new double[count], new double[count]);
        for (var at = 0; at < count; at++)
        {
            (target[at], feature[at]) = (at / genes, at % genes);
            change[at] = Normal(random);
            fdr[at] = random.Next(genes) < significant ? 0.05 * random.NextDouble() : 0.05 + 0.95 * random.NextDouble();
            p[at] = fdr[at] / 2;
        }
        var rows = new DeRows(
            [.. Enumerable.Range(0, perturbations).Select(one => $"p{one:D5}")],
            target,
            [.. Enumerable.Range(0, genes).Select(gene => $"g{gene}")],
            feature,
            change,
            p,
            fdr,
            [],
            []
        );
        return DeTableModule.create(DePrecision.Single, "made", rows).ResultValue;
    }

    static void Agree(int perturbations, int genes, int significant)
    {
        var options = new DeAgreementOptions(0.05, DeOrder.Magnitude, DePrecision.Single);
        var (real, predicted) = (
            Table(perturbations, genes, significant, 1),
            Table(perturbations, genes, significant, 2)
        );
        Console.WriteLine("| perturbations x genes, significant | threads | s by the clock | processor s |");
        Console.WriteLine("| --- | --- | --- | --- |");
        foreach (var threads in new[] { 1, Environment.ProcessorCount })
        {
            var (best, clock) = (double.MaxValue, double.MaxValue);
            for (var time = 0; time < 3; time++)
            {
                var watch = Stopwatch.StartNew();
                best = Math.Min(
                    best,
                    Seconds(() => Evaluation.ofTables(DeAgreement.compare(threads, options, real, predicted)))
                );
                clock = Math.Min(clock, watch.Elapsed.TotalSeconds);
            }
            Console.WriteLine(
                FormattableString.Invariant(
                    $"| {perturbations:N0} x {genes:N0}, {significant} | {threads} | {clock:0.00} | {best:0.00} |"
                )
            );
        }
    }
}
