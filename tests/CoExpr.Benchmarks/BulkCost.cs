using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.FSharp.Collections;

namespace CoExpr.Benchmarks;

/// <summary>The whole bulk pipeline, from counts to adjusted p, against DESeq2 (Rscript must be there) on the same simulated
/// counts: processor time of one thread each, without reading or start. Statistics are compared before times are told.</summary>
static class BulkCost
{
    const string Script = """
        suppressPackageStartupMessages(library(DESeq2))
        a <- commandArgs(TRUE)
        counts <- as.matrix(read.table(a[1], header = TRUE, row.names = 1)); storage.mode(counts) <- "integer"
        samples <- read.table(a[2], header = TRUE, row.names = 1, stringsAsFactors = TRUE)
        data <- DESeqDataSetFromMatrix(counts, samples, as.formula(a[3]))
        time <- system.time(suppressMessages({
          r <- results(DESeq(data, quiet = TRUE), contrast = c("condition", "b", "a")) }))
        writeLines(sprintf("%.6f", sum(time[1:2])), a[4])
        write(r$stat, a[5], ncolumns = 1)
        """;

    /// <summary>Runs <c>bulk</c>.</summary>
    internal static void Run()
    {
        Console.WriteLine(
            "| genes | samples | design | DESeq2, s | CoExpr as DESeq2, s | CoExpr, s | ratio | ratio | largest |Δ stat| |"
        );
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        Measure(20000, 12, "~ condition");
        Measure(20000, 12, "~ batch + condition");
        Measure(5000, 100, "~ condition");
        Measure(5000, 100, "~ age + condition");
    }

    static void Measure(int genes, int samples, string formula)
    {
        var folder = Directory.CreateTempSubdirectory("coexpr-bulk-").FullName;
        var (counts, table) = Made(genes, samples);
        var (theirs, expected) = DESeq2(folder, counts, table, formula);
        var design = DesignModule
            .create(
                "samples",
                ListModule.Empty<Tuple<string, string>>(),
                FormulaModule.parse(formula).ResultValue,
                table
            )
            .ResultValue;
        var faithful = Time(DesignOptionsModule.deseq2, design, counts, expected, out var difference);
        var ours = Time(DesignOptionsModule.standard, design, counts, expected, out _);
        Directory.Delete(folder, true);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {genes:N0} | {samples} | {formula} | {theirs:F1} | {faithful:F2} | {ours:F2} | {theirs / faithful:F0} | {theirs / ours:F0} | {difference:E1} |"
            )
        );
    }

    // One thread, so that the process's time is the work's; the least of three, the first of which warms up.
    static double Time(
        DesignOptions options,
        Design design,
        SampleCounts counts,
        double[] expected,
        out double difference
    )
    {
        var chosen = With(options, 1);
        var contrast = ListModule.OfSeq([Contrast.NewLevels("condition", "b", "a")]);
        var least = double.MaxValue;
        difference = 0.0;
        for (var round = 0; round < 3; round++)
        {
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            var run = BulkExpression.run(chosen, design, contrast, counts).ResultValue;
            least = Math.Min(least, (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds);
            difference = run
                .Item2.Head.Results.Zip(expected, (ours, theirs) => Math.Abs(ours.Statistic - theirs))
                .Where(double.IsFinite)
                .Max();
        }
        return least;
    }

    static DesignOptions With(DesignOptions o, int threads) =>
        new(
            o.Factors,
            o.Regression,
            o.Search,
            o.Trend,
            o.Dispersions,
            o.Test,
            o.StudentT,
            o.Alternative,
            o.Threshold,
            o.Outliers,
            o.ReplaceFrom,
            o.IndependentFiltering,
            o.Alpha,
            o.Shrink,
            threads
        );

    static (SampleCounts, Table) Made(int genes, int samples)
    {
        var values = new double[genes * samples];
        for (var gene = 0; gene < genes; gene++)
        {
            var stream = Random.stream(7, PurposeModule.named("bulk benchmark"), gene);
            var mean = Math.Exp(8.5 * stream.Uniform());
            var dispersion = (0.05 + 2.0 / mean) * Math.Exp(0.4 * stream.Normal());
            var effect = stream.Uniform() < 0.3 ? stream.Normal() : 0.0;
            for (var at = 0; at < samples; at++)
            {
                var depth = Math.Exp(0.3 * Math.Cos(2.3 * at));
                var mu = mean * depth * Math.Exp(at % 2 * effect);
                values[gene * samples + at] = Distributions.negativeBinomial(dispersion, mu, stream);
            }
        }
        var names = Enumerable.Range(0, samples).Select(at => $"s{at}").ToArray();
        var table = new Table(
            names,
            [
                Tuple.Create("condition", Column.NewText(names.Select((_, at) => at % 2 == 0 ? "a" : "b").ToArray())),
                Tuple.Create("batch", Column.NewText(names.Select((_, at) => at / 2 % 2 == 0 ? "x" : "y").ToArray())),
                Tuple.Create("age", Column.NewFloat(names.Select((_, at) => 20.0 + 37 * at % 50).ToArray())),
            ]
        );
        var geneNames = Enumerable.Range(0, genes).Select(gene => $"g{gene}").ToArray();
        return (SampleCountsModule.create("made", geneNames, names, values).ResultValue, table);
    }

    static (double Seconds, double[] Statistics) DESeq2(string folder, SampleCounts counts, Table table, string formula)
    {
        string In(string name) => Path.Combine(folder, name);
        File.WriteAllText(In("run.R"), Script);
        var text = new StringBuilder("gene\t" + string.Join('\t', counts.Samples) + "\n");
        for (var gene = 0; gene < counts.Genes.Length; gene++)
            text.Append(counts.Genes[gene]).Append('\t').AppendJoin('\t', counts.Of(gene).ToArray()).Append('\n');
        File.WriteAllText(In("counts.tsv"), text.ToString());
        CoExpr.IO.DelimitedTable.writeTable(In("samples.tsv"), "sample", table);
        string[] arguments = [In("run.R"), In("counts.tsv"), In("samples.tsv"), formula, In("seconds"), In("stat")];
        using var running = Process.Start(new ProcessStartInfo("Rscript", arguments) { RedirectStandardError = true })!;
        var errors = running.StandardError.ReadToEnd();
        running.WaitForExit();
        if (running.ExitCode != 0)
            throw new InvalidOperationException(errors);
        var statistics = File.ReadAllLines(In("stat"))
            .Select(line => line == "NA" ? double.NaN : double.Parse(line, CultureInfo.InvariantCulture))
            .ToArray();
        return (double.Parse(File.ReadAllText(In("seconds")), CultureInfo.InvariantCulture), statistics);
    }
}
