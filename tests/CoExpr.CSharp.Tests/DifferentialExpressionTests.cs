using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>coexpr de and the facade behind it: what is written, and what is refused.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class DifferentialExpressionTests : IDisposable
{
    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    string Known => ScreenSample.Known.WriteH5ad(scratch["in.h5ad"]);

    static readonly DifferentialExpressionOptions AsIs = new()
    {
        Control = "control",
        Test = "rank-sum",
        Values = "as-is",
        Exact = false,
        Continuity = false,
    };

    /// <summary>A run of two-sample tests, by ranks unless another is named.</summary>
    static string[] De(string input, string output, params string[] more) =>
        ["de", input, "--perturbation", "perturbation", "--control", "control", "-o", output, .. Tested(more)];

    static string[] Tested(string[] options) =>
        options.Contains("--test") ? options : [.. options, "--test", "rank-sum"];

    static void IsDone(Ended ended) => Assert.That(ended.Code, Is.Zero, ended.Errors);

    /// <summary>A table's rows, by the names of its columns.</summary>
    static Dictionary<string, string>[] Rows(string path)
    {
        using var file = File.OpenRead(path);
        using Stream plain = path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress)
            : file;
        using var reader = new StreamReader(plain);
        var lines = reader.ReadToEnd().TrimEnd().Split('\n').Select(line => line.Split('\t')).ToArray();
        return
        [
            .. lines.Skip(1).Select(line => lines[0].Zip(line).ToDictionary(pair => pair.First, pair => pair.Second)),
        ];
    }

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [Test]
    public async Task CovariatesChangeTheModelAndAreRecorded()
    {
        var output = scratch["out.tsv"];
        IsDone(Coexpr.Run(De(Known, output, "--test", "lrt", "--covariates", "batch")));
        using var record = JsonDocument.Parse(await File.ReadAllTextAsync(output + ".run.json"));
        var options = record.RootElement.GetProperty("options");
        var covariates = options.GetProperty("covariates").EnumerateArray().Select(x => x.GetString());
        Assert.That(covariates, Is.EqualTo(new[] { "batch" }));
        var chosen = new DifferentialExpressionOptions { Control = "control", Covariates = ["batch"] };
        var found = await DifferentialExpression.ComputeAsync(Known, chosen);
        var alone = await DifferentialExpression.ComputeAsync(Known, chosen with { Covariates = [] });
        var (row, other) = (found.Of("a").First(x => x.Gene == "H"), alone.Of("a").First(x => x.Gene == "H"));
        Assert.That(row.Log2FoldChange, Is.Not.EqualTo(other.Log2FoldChange).Within(1e-3));
        var written = Rows(output).First(x => x["perturbation"] == "a" && x["gene"] == "H");
        Assert.That(Number(written["log2_fold_change"]), Is.EqualTo(row.Log2FoldChange).Within(1e-12));
    }

    [Test]
    public void ATableHasARowForEachGeneOfEachPerturbation([Values("tsv", "tsv.gz")] string ending)
    {
        var output = scratch[$"out.{ending}"];
        string[] asIs = ["--values", "as-is", "--no-continuity", "--no-exact"];
        IsDone(Coexpr.Run(De(Known, output, asIs)));
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "in.h5ad", $"out.{ending}", $"out.{ending}.run.json" }));
        var rows = Rows(output);
        Assert.That(
            rows.Select(row => $"{row["perturbation"]} {row["gene"]} {row["status"]}"),
            Is.EqualTo(
                new[]
                {
                    "a G ok",
                    "a H ok",
                    "a Z all_zero",
                    "a K all_tied",
                    "b G ok",
                    "b H zero_in_perturbed",
                    "b Z all_zero",
                    "b K all_tied",
                }
            )
        );
        var first = rows[0];
        Assert.That(Number(first["u_statistic"]), Is.EqualTo(7.5));
        Assert.That(Number(first["effect"]), Is.EqualTo(7.5 / 12 - 0.5).Within(1e-15));
        Assert.That(Number(first["statistic"]), Is.EqualTo(1.5 / Math.Sqrt(8 - 30.0 / 42)).Within(1e-14));
        Assert.That(Number(first["mean"]), Is.EqualTo(4.0 / 3).Within(1e-15));
        Assert.That(Number(first["fraction"]), Is.EqualTo(2.0 / 3).Within(1e-15));
        Assert.That((first["cells"], first["reference_cells"]), Is.EqualTo(("3", "4")));
        Assert.That((rows[2]["p"], rows[2]["q"]), Is.EqualTo(("1", "1")));
    }

    [Test]
    public void TheRecordSaysWhatWasTested()
    {
        IsDone(Coexpr.Run(De(Known, scratch["out.tsv"], "--test", "welch")));
        var record = JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"])).RootElement;
        Assert.That(record.GetProperty("command").GetString(), Is.EqualTo("de"));
        var options = record.GetProperty("options");
        Assert.That(options.GetProperty("test").GetString(), Is.EqualTo("welch"));
        Assert.That(options.GetProperty("values").GetString(), Is.EqualTo("log-normalised"));
        Assert.That(options.GetProperty("target").GetInt32(), Is.EqualTo(10000));
        var counts = record.GetProperty("counts");
        string[] names = ["cells", "cells used", "cells left out", "rows all_zero"];
        Assert.That(names.Select(name => counts.GetProperty(name).GetInt32()), Is.EqualTo(new[] { 10, 9, 1, 2 }));
    }

    [TestCase("rank-sum")]
    [TestCase("lrt")]
    public void CellsWithoutALabelHaveNoSay(string test)
    {
        IsDone(Coexpr.Run(De(Known, scratch["out.tsv"], "--test", test)));
        var before = File.ReadAllText(scratch["out.tsv"]);
        // The last cell, which has no label, holds what no test of counts takes.
        var counts = ScreenSample.Known.Counts.With("G", 9, float.NaN).With("H", 9, 0.5f).With("K", 9, -1);
        var spoilt = ScreenSample.Known with { Counts = counts };
        IsDone(Coexpr.Run(De(spoilt.WriteH5ad(scratch["in.h5ad"]), scratch["out.tsv"], "--test", test)));
        Assert.That(File.ReadAllText(scratch["out.tsv"]), Is.EqualTo(before));
    }

    [Test]
    public void LabelsThatHaveCommasArePutInQuotes()
    {
        var sample = ScreenSample.Known;
        var input = sample with { Labels = [.. sample.Labels.Select(label => label == "a" ? "a,1" : label)] };
        var path = input.WriteH5ad(scratch["in.h5ad"]);
        IsDone(Coexpr.Run(De(path, scratch["out.tsv"], "--contrast", "\"a,1\",b")));
        Assert.That(
            Rows(scratch["out.tsv"]).Select(row => row["perturbation"]).Distinct(),
            Is.EqualTo(new[] { "a,1 vs b" })
        );
        var ended = Coexpr.Run(De(path, scratch["out.tsv"], "--contrast", "a,1,b"));
        Assert.That(ended.Code, Is.EqualTo(2));
        Assert.That(ended.Errors, Does.Contain("--contrast a,1,b: two labels").And.Contain("double quotes"));
    }

    [Test]
    public void ThreadsDoNotChangeABit([Values("rank-sum", "welch")] string test)
    {
        var input = Known;
        foreach (var threads in new[] { "1", "3" })
            IsDone(Coexpr.Run(De(input, scratch[threads + ".tsv"], "--threads", threads, "--test", test)));
        Assert.That(File.ReadAllBytes(scratch["3.tsv"]), Is.EqualTo(File.ReadAllBytes(scratch["1.tsv"])));
    }

    [Test]
    public void AnndataReadsTheH5ad()
    {
        IsDone(Coexpr.Run(De(Known, scratch["out.h5ad"], "--values", "as-is", "--no-exact", "--rank-genes-groups")));
        var found = Python.Run(
            """
            import anndata, json, sys
            import pandas as pd
            a = anndata.read_h5ad(sys.argv[1])
            groups = a.uns['rank_genes_groups']
            print(json.dumps({
                'obs': list(a.obs_names), 'var': list(a.var_names), 'cells': list(map(int, a.obs['cells'])),
                'layers': sorted(a.layers), 'u': float(a['a', 'G'].layers['u_statistic'][0, 0]),
                'x': float(a['a', 'G'].X[0, 0]), 'control': a.uns['control_label'], 'method': a.uns['method'],
                'fields': list(groups['names'].dtype.names), 'names': list(pd.DataFrame(groups['names'])['a']),
                'scores': list(map(float, groups['scores']['a'])), 'reference': groups['params']['reference'],
                'status': [str(a.uns['status_names'][int(s)]) for s in a.layers['status'][0]]}))
            """,
            scratch["out.h5ad"]
        );
        string[] Texts(string name) => [.. found.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
        Assert.That(Texts("obs"), Is.EqualTo(new[] { "a", "b" }));
        Assert.That(Texts("var"), Is.EqualTo(new[] { "G", "H", "Z", "K" }));
        Assert.That(
            Texts("layers"),
            Is.SupersetOf(
                new[] { "z_score", "pvalue", "pvalue_adj", "logfoldchanges", "u_statistic", "pts", "pts_rest" }
            )
        );
        Assert.That(found.GetProperty("u").GetDouble(), Is.EqualTo(7.5));
        Assert.That(found.GetProperty("x").GetDouble(), Is.EqualTo(0.125));
        Assert.That(found.GetProperty("control").GetString(), Is.EqualTo("control"));
        Assert.That(found.GetProperty("method").GetString(), Is.EqualTo("rank-sum"));
        Assert.That(Texts("fields"), Is.EqualTo(new[] { "a", "b" }));
        Assert.That(Texts("names").Take(2), Is.EqualTo(new[] { "H", "G" }));
        Assert.That(found.GetProperty("scores").EnumerateArray().Select(z => z.GetDouble()), Is.Ordered.Descending);
        Assert.That(found.GetProperty("reference").GetString(), Is.EqualTo("control"));
        Assert.That(Texts("status"), Is.EqualTo(new[] { "ok", "ok", "all_zero", "all_tied" }));
    }

    [Test]
    public void PdexColumnsAreThoseOfPdex()
    {
        IsDone(
            Coexpr.Run(De(Known, scratch["out.tsv"], "--columns", "pdex", "--values", "as-is", "--pseudocount", "0"))
        );
        Assert.That(
            File.ReadLines(scratch["out.tsv"]).First(),
            Is.EqualTo(
                "target\tfeature\ttarget_mean\tref_mean\ttarget_membership\tref_membership\tfold_change\t"
                    + "log2_fold_change\tpercent_change\tp_value\tstatistic\tfdr"
            )
        );
        var row = Rows(scratch["out.tsv"])[0];
        Assert.That((row["target"], row["feature"], row["statistic"]), Is.EqualTo(("a", "G", "7.5")));
        // Means of 4/3 and 3/4.
        Assert.That(Number(row["percent_change"]), Is.EqualTo(7.0 / 9).Within(1e-14));
        Assert.That(Number(row["log2_fold_change"]), Is.EqualTo(Math.Log2(16.0 / 9)).Within(1e-14));
        Assert.That(row["fold_change"], Is.EqualTo(row["log2_fold_change"]));
        Assert.That((row["target_membership"], row["ref_membership"]), Is.EqualTo(("3", "4")));
    }

    [Test]
    public async Task TheFacadeGivesTheRowsOfTheFile()
    {
        var input = Known;
        var result = await DifferentialExpression.ComputeAsync(input, AsIs);
        Assert.That(result.Perturbations, Is.EqualTo(new[] { "a", "b" }));
        Assert.That(result.Cells, Is.EqualTo(new[] { 3, 2 }));
        Assert.That(result.ReferenceCells, Is.EqualTo(new[] { 4, 4 }));
        Assert.That(result.LeftOut, Is.EqualTo(1));
        Assert.That(result.Reference, Is.EqualTo("control"));
        Assert.That(result.Row("a", "G").Effect, Is.EqualTo(0.125));
        Assert.That(result.Of("a")[0].Gene, Is.EqualTo("H"));
        Assert.That(() => result.Row("c", "G"), Throws.ArgumentException.With.Message.Contains("c is none of 2"));

        await result.SaveAsync(scratch["out.tsv"]);
        var rows = Rows(scratch["out.tsv"]);
        Assert.That(rows.Select(row => Number(row["p"])), Is.EqualTo(result.Rows.Select(row => row.PValue)));
        Assert.That(rows.Select(row => Number(row["q"])), Is.EqualTo(result.Rows.Select(row => row.QValue)));
    }

    [Test]
    public async Task EachIsComparedWithTheRestWhereThereIsNoControl()
    {
        var result = await DifferentialExpression.ComputeAsync(Known, AsIs with { Control = null });
        Assert.That(result.Perturbations, Is.EqualTo(new[] { "a", "b", "control" }));
        Assert.That(result.ReferenceCells, Is.EqualTo(new[] { 6, 7, 5 }));
        Assert.That(result.Reference, Is.EqualTo("rest"));
        // 3 1 0 of a against 0 0 1 2 5 6: 4 + 2.5 + 1.
        Assert.That(result.Row("a", "G").Effect, Is.EqualTo(7.5 / 18 - 0.5).Within(1e-15));
    }

    [Test]
    public async Task OptionsReachTheTest()
    {
        var input = Known;
        async Task<DifferentialRow> Row(DifferentialExpressionOptions options) =>
            (await DifferentialExpression.ComputeAsync(input, options)).Row("a", "G");
        var plain = await Row(AsIs);
        Assert.That((await Row(AsIs with { Continuity = true })).Statistic, Is.LessThan(plain.Statistic));
        Assert.That((await Row(AsIs with { TieCorrection = false })).Statistic, Is.EqualTo(1.5 / Math.Sqrt(8)));
        Assert.That(
            (await Row(AsIs with { Alternative = "greater" })).PValue,
            Is.EqualTo(plain.PValue / 2).Within(1e-12)
        );
        Assert.That((await Row(AsIs with { Test = "welch" })).Effect, Is.EqualTo(4.0 / 3 - 0.75).Within(1e-15));
        Assert.That((await Row(AsIs with { MinimumCells = 4 })).Status, Is.EqualTo("too_few_cells"));
        var batched = await Row(AsIs with { Batch = "batch", UnitWeights = true });
        // In x 3 1 against 0 0, in y 0 against 1 2: 4 of 4 pairs and 0 of 2.
        Assert.That(batched.Effect, Is.EqualTo(4.0 / 6 - 0.5).Within(1e-15));
    }

    [Test]
    public async Task CountsAreComparedByLikelihoodRatiosUnlessAnotherTestIsNamed()
    {
        var input = Known;
        var output = scratch["counts.tsv"];
        IsDone(
            Coexpr.Run([
                "de",
                input,
                "--perturbation",
                "perturbation",
                "--control",
                "control",
                "-o",
                output,
                "--shrink",
            ])
        );
        var row = Rows(output).Single(row => row["perturbation"] == "a" && row["gene"] == "H");
        var options = new DifferentialExpressionOptions { Control = "control", Shrink = true };
        var result = await DifferentialExpression.ComputeAsync(input, options);
        var same = result.Row("a", "H");
        Assert.That(Number(row["log2_fold_change"]), Is.EqualTo(same.Log2FoldChange).And.GreaterThan(0));
        Assert.That(Number(row["p"]), Is.EqualTo(same.PValue).And.InRange(0.001, 0.5));
        Assert.That(Number(row["standard_error"]), Is.EqualTo(same.StandardError).And.GreaterThan(0));
        Assert.That(Number(row["shrunken_log_fold_change"]), Is.EqualTo(same.ShrunkenLog2FoldChange));
        Assert.That(same.ShrunkenLog2FoldChange, Is.InRange(0, same.Log2FoldChange));
        Assert.That(result.Row("b", "H").Status, Is.EqualTo("zero_in_perturbed"));
        Assert.That(result.Row("b", "Z").Status, Is.EqualTo("all_zero"));
    }

    [Test]
    public async Task FoldChangesAreShrunkenByTheCountsThemselves()
    {
        var output = scratch["by-counts.tsv"];
        IsDone(Coexpr.Run(De(Known, output, "--test", "lrt", "--shrink-by", "counts")));
        var byCounts = new DifferentialExpressionOptions
        {
            Control = "control",
            Shrink = true,
            ShrinkBy = "counts",
        };
        var result = await DifferentialExpression.ComputeAsync(Known, byCounts);
        var other = await DifferentialExpression.ComputeAsync(Known, byCounts with { ShrinkBy = "statistics" });
        var row = Rows(output).Single(row => row["perturbation"] == "b" && row["gene"] == "H");
        var same = result.Row("b", "H");
        Assert.That(Number(row["shrunken_log_fold_change"]), Is.EqualTo(same.ShrunkenLog2FoldChange));
        Assert.That(same.ShrunkenLog2FoldChange, Is.InRange(same.Log2FoldChange, 0));
        Assert.That(same.ShrunkenLog2FoldChange, Is.Not.EqualTo(other.Row("b", "H").ShrunkenLog2FoldChange));
    }

    /// <summary>With dispersions next to 0 the fit is that of Poisson counts: with size factors s, the mean of a group is
    /// Σ y / Σ s. Gene K has 4 everywhere; H has 24 in a and 10 in the control.</summary>
    [Test]
    public async Task FoldChangesAreThoseOfCountsOverSizeFactors()
    {
        var options = new DifferentialExpressionOptions { Control = "control", Dispersions = [1e-9, 1e-9, 1e-9, 1e-9] };
        var result = await DifferentialExpression.ComputeAsync(Known, options);
        // Totals of a: 16, 13, 11; of the control: 5, 6, 8, 10: 40 and 29.
        Assert.That(result.Row("a", "H").Log2FoldChange, Is.EqualTo(Math.Log2(24.0 / 40 / (10.0 / 29))).Within(1e-6));
        Assert.That(result.Row("a", "K").Log2FoldChange, Is.EqualTo(Math.Log2(12.0 / 40 / (16.0 / 29))).Within(1e-6));
    }

    /// <summary>What --compat stands for is what the same options give one by one.</summary>
    [TestCase("scanpy", "--no-ties --no-continuity --no-exact --fold-change geometric --count-untestable")]
    [TestCase("crispyx", "--no-continuity --no-exact --fold-change geometric")]
    [TestCase("pdex", "--no-exact --fold-change geometric --count-untestable --columns pdex")]
    public void ProgramsAreNamedSetsOfOptions(string program, string options)
    {
        IsDone(Coexpr.Run(De(Known, scratch["one.tsv"], ["--test", "rank-sum", .. options.Split(' ')])));
        var input = scratch["in.h5ad"];
        string[] usual = ["--perturbation", "perturbation", "--control", "control"];
        IsDone(Coexpr.Run(["de", input, .. usual, "-o", scratch["other.tsv"], "--compat", program]));
        Assert.That(File.ReadAllText(scratch["other.tsv"]), Is.EqualTo(File.ReadAllText(scratch["one.tsv"])));
    }

    /// <summary>From the command line and the facade; without the clamp its fold changes are those of the counts.</summary>
    [Test]
    public async Task CrispyxTestsCounts()
    {
        string[] asked = ["--compat", "crispyx", "--test", "wald", "--min-mean", "1e-6"];
        IsDone(Coexpr.Run(De(Known, scratch["out.tsv"], asked)));
        var lines = File.ReadAllLines(scratch["out.tsv"]);
        Assert.That(lines[0], Does.Contain("\tintercept\tdispersion\t").And.Contain("\tconverged\titerations\t"));
        var options = new DifferentialExpressionOptions
        {
            Control = "control",
            Test = "wald",
            LeastMean = 1e-6,
        };
        var result = await DifferentialExpression.ComputeAsync(Known, options.Like("crispyx"));
        Assert.That(result.Row("a", "H").Log2FoldChange, Is.GreaterThan(0.0));
        var printed = lines.Single(line => line.StartsWith("a\tH\t", StringComparison.Ordinal)).Split('\t')[3];
        var given = double.Parse(printed, CultureInfo.InvariantCulture);
        Assert.That(result.Row("a", "H").Log2FoldChange, Is.EqualTo(given).Within(1e-9));
    }

    [Test]
    public void ManyPerturbationsDoNotFitIntoScanpysRecords()
    {
        var labels = Enumerable.Range(0, 1200).Select(i => $"guide{i}").ToArray();
        var output = new DifferentialOutput(DifferentialColumns.Standard, true);
        var fits = DifferentialFile.checkLabels(output, labels[..500]);
        var refused = DifferentialFile.checkLabels(output, labels);
        Assert.That(fits.IsOk);
        Assert.That(
            CoExprErrorModule.describe(refused.ErrorValue),
            Does.StartWith("--rank-genes-groups of 1200 perturbations: HDF5 has room for about")
        );
    }

    [Test]
    public async Task CellsWithoutCountsMayBeLeftOut()
    {
        var screen = ScreenSample.Known with { Counts = ScreenSample.Known.Counts.With("G", 7, 0).With("K", 7, 0) };
        var options = new DifferentialExpressionOptions
        {
            Control = "control",
            LeaveOutEmptyCells = true,
            MinimumCells = 1,
        };
        var result = await DifferentialExpression.ComputeAsync(screen.WriteH5ad(scratch["empty.h5ad"]), options);
        Assert.That(result.Cells, Is.EqualTo((int[])[3, 1]));
        Assert.That(result.LeftOut, Is.EqualTo(2));
    }

    [Test]
    public void TheReportAndTheRecordTellOfControlsAgainstControls()
    {
        string[] more = ["--report", scratch["out.html"], "--calibrate", "1", "--seed", "4"];
        var ended = Coexpr.Run(De(Known, scratch["out.tsv"], more));
        IsDone(ended);
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "in.h5ad", "out.html", "out.tsv", "out.tsv.run.json" }));
        var page = File.ReadAllText(scratch["out.html"]);
        foreach (
            var words in new[] { "Volcano of a perturbation", "Calibration: controls against controls", "--calibrate" }
        )
            Assert.That(page, Does.Contain(words));
        Assert.That(ended.Errors, Does.Contain("Controls against controls:").And.Contain("out.html"));
        var record = JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"])).RootElement;
        Assert.That(record.GetProperty("options").GetProperty("calibrate").GetInt32(), Is.EqualTo(1));
        Assert.That(record.GetProperty("options").GetProperty("seed").GetString(), Is.EqualTo("4"));
        var calibration = record.GetProperty("calibration");
        // Half of the four controls, which is the size of b.
        Assert.That(calibration.GetProperty("group_cells")[0].GetInt32(), Is.EqualTo(2));
        Assert.That(calibration.GetProperty("control_cells").GetInt32(), Is.EqualTo(4));
        // Z is in no cell, and K is 4 in all; logarithms of normalised counts differ for K.
        Assert.That(calibration.GetProperty("tests").GetInt32(), Is.EqualTo(3));
        Assert.That(calibration.GetProperty("false_positive_rate_0.05").GetDouble(), Is.Zero);
    }

    [Test]
    public async Task TheFacadeWritesTheReportAndKnowsTheFalsePositives()
    {
        var options = AsIs with { CalibrationSplits = 1, Seed = 4 };
        var summary = await DifferentialExpression.RunAsync(
            Known,
            scratch["out.tsv"],
            options,
            report: scratch["out.html"]
        );
        Assert.That(File.ReadAllText(scratch["out.html"]), Does.Contain("differential-expression report"));
        Assert.That(summary.Text, Does.EndWith($"{scratch["out.tsv"]}\n{scratch["out.html"]}"));
        Assert.That(summary.Notes, Is.Empty);
        Assert.That(summary.Result.FalsePositiveRate(0.05), Is.Zero);
        Assert.That(summary.Result.FalsePositiveRate(1), Is.EqualTo(1));
        var plain = await DifferentialExpression.ComputeAsync(scratch["in.h5ad"], AsIs);
        Assert.That(plain.FalsePositiveRate(0.05), Is.NaN);
        var guides = await DifferentialExpression.ComputeAsync(
            scratch["in.h5ad"],
            AsIs with
            {
                GuideColumn = "batch",
                CalibrationSplits = 1,
            }
        );
        Assert.That(guides.FalsePositiveRate(1), Is.EqualTo(1));
    }

    static IEnumerable<TestCaseData> Refused()
    {
        TestCaseData Case(string name, string says, ScreenSample screen, params string[] options) =>
            new TestCaseData(says, screen, options).SetArgDisplayNames(name);
        var known = ScreenSample.Known;
        string[] control = ["--perturbation", "perturbation", "--control"];
        string[] usual = [.. control, "control"];
        return
        [
            Case(
                "unknown control",
                "control: contrl is not known; known: control, a, b. Did you mean control?",
                known,
                [.. control, "contrl"]
            ),
            Case(
                "unknown column",
                "there is no column target of the cell table; present: perturbation, batch",
                known,
                "--perturbation",
                "target",
                "--rest"
            ),
            Case("no column", "--perturbation", known, "--rest"),
            Case("no reference", "Either --control LABEL or --rest is needed", known, "--perturbation", "perturbation"),
            Case("two references", "Either --control LABEL or --rest is needed", known, [.. usual, "--rest"]),
            Case(
                "a report of another kind",
                "out.pdf: a name in .html is needed",
                known,
                [.. usual, "--report", "out.pdf"]
            ),
            Case(
                "splits of no controls",
                "--control LABEL is needed",
                known,
                "--perturbation",
                "perturbation",
                "--rest",
                "--calibrate",
                "2"
            ),
            Case("no splits", "--calibrate 0: 1 or more are needed", known, [.. usual, "--calibrate", "0"]),
            Case("a seed of nothing", "--seed is of the random groups", known, [.. usual, "--seed", "2"]),
            Case(
                "too few controls to split",
                "4 controls to split into 3 fake perturbations are left where at least 8 are needed",
                known,
                [.. usual, "--calibrate", "3"]
            ),
            Case(
                "unknown guides",
                "there is no column guide of the cell table; present: perturbation, batch",
                known,
                [.. usual, "--guide", "guide"]
            ),
            Case(
                "a control of one cell",
                "1 cells of the control control are left where at least 2 are needed",
                known.Labelled("a a a control a a a b b -"),
                usual
            ),
            Case(
                "controls alone",
                "0 labels beside the control",
                known.Labelled("control control control control control control control control control -"),
                usual
            ),
            Case(
                "fractions",
                "gene G has the value 0.5 in cell cell2. Counts are needed",
                known with
                {
                    Counts = known.Counts.With("G", 1, 0.5f),
                },
                usual
            ),
            Case(
                "no number",
                "gene H has the value NaN in cell cell1. Values must be finite",
                known with
                {
                    Counts = known.Counts.With("H", 0, float.NaN),
                },
                [.. usual, "--values", "as-is"]
            ),
            Case(
                "a cell twice",
                "cell cell2 stands at two places, 2 and 3",
                known with
                {
                    Counts = known.Counts with
                    {
                        CellNames = [.. known.Counts.CellNames.Select(name => name == "cell3" ? "cell2" : name)],
                    },
                },
                usual
            ),
            Case(
                "a gene twice",
                "gene G stands at two places, 1 and 2",
                known with
                {
                    Counts = known.Counts.Renamed("H", "G"),
                },
                usual
            ),
            Case(
                "no cells",
                "The file is empty",
                known with
                {
                    Counts = known.Counts with { Values = [], CellNames = [] },
                    Labels = [],
                    Batches = [],
                },
                usual
            ),
            Case(
                "unknown test",
                "--test anova: must be lrt or wald or score or ql or rank-sum or welch",
                known,
                [.. usual, "--test", "anova"]
            ),
            Case(
                "strata of a t-test",
                "--batch has no meaning for --test welch",
                known,
                [.. usual, "--test", "welch", "--batch", "batch"]
            ),
            Case("weights of nothing", "--batch COLUMN is needed", known, [.. usual, "--weights", "unit"]),
            Case("no target", "--target 0: a total above 0 is needed", known, [.. usual, "--target", "0"]),
            Case("a debt", "--pseudocount -1: a number of 0 or more", known, [.. usual, "--pseudocount", "-1"]),
            Case("no cells needed", "--min-cells 0: 1 or more are needed", known, [.. usual, "--min-cells", "0"]),
            Case("an array", "a name in .h5ad, .tsv or .csv (.gz) is needed", known, [.. usual, "-o", "{}/out.npy"]),
            Case(
                "columns of a matrix",
                "--columns pdex: a table has columns",
                known,
                [.. usual, "--columns", "pdex", "-o", "{}/out.h5ad"]
            ),
            Case(
                "scanpy's groups in a table",
                "--rank-genes-groups",
                known,
                [.. usual, "--rank-genes-groups", "-o", "{}/out.tsv"]
            ),
            Case(
                "fractions where counts are needed",
                "gene G has the value 0.5 in cell cell2. Negative binomials need counts",
                known with
                {
                    Counts = known.Counts.With("G", 1, 0.5f),
                },
                [.. usual, "--test", "lrt"]
            ),
            Case(
                "a cell without counts",
                "0 counts that the size factor of cell cell8 is made of are left where at least 1 are needed",
                known with
                {
                    Counts = known.Counts.With("G", 7, 0).With("K", 7, 0),
                },
                [.. usual, "--test", "lrt"]
            ),
            Case(
                "counts against the rest",
                "negative-binomial tests need the label of the control",
                known,
                "--perturbation",
                "perturbation",
                "--rest",
                "--test",
                "wald"
            ),
            Case(
                "values of counts",
                "--values has no meaning for --test lrt",
                known,
                [.. usual, "--test", "lrt", "--values", "as-is"]
            ),
            Case(
                "a threshold of ranks",
                "--threshold has no meaning for --test rank-sum",
                known,
                [.. usual, "--threshold", "1"]
            ),
            Case(
                "strata of counts",
                "--batch has no meaning for --test score",
                known,
                [.. usual, "--test", "score", "--batch", "batch"]
            ),
            Case(
                "covariates of ranks",
                "--covariates has no meaning for --test rank-sum",
                known,
                [.. usual, "--covariates", "batch"]
            ),
            Case(
                "shrinkage by counts of ranks",
                "--shrink-by has no meaning for --test rank-sum",
                known,
                [.. usual, "--shrink-by", "counts"]
            ),
            Case(
                "shrinkage by counts with covariates",
                "--shrink-by counts: with covariates",
                known,
                [.. usual, "--test", "lrt", "--shrink-by", "counts", "--covariates", "batch"]
            ),
            Case(
                "the perturbation as a covariate",
                "--covariates perturbation: it is confounded with the perturbation",
                known,
                [.. usual, "--test", "lrt", "--covariates", "perturbation"]
            ),
            Case(
                "a covariate that is not there",
                "there is no column lane of the cell table; present: perturbation, batch",
                known,
                [.. usual, "--test", "lrt", "--covariates", "batch,lane"]
            ),
            Case(
                "a covariate twice",
                "--covariates batch: the column is named 2 times",
                known,
                [.. usual, "--test", "lrt", "--covariates", "batch, batch"]
            ),
            Case(
                "a negative threshold",
                "--threshold -1: a finite log2 fold change of 0 or more is needed",
                known,
                [.. usual, "--test", "lrt", "--threshold", "-1"]
            ),
            Case(
                "within nothing",
                "--within is within --threshold, which is not given",
                known,
                [.. usual, "--test", "lrt", "--within"]
            ),
            Case(
                "size factors of words",
                "--size-factor-column batch: numbers are needed, and the column is of kind category",
                known,
                [.. usual, "--test", "lrt", "--size-factor-column", "batch"]
            ),
            Case("two tests", "--test", known, [.. usual, "--test", "rank-sum", "--no-ties", "--test", "welch"]),
            Case(
                "less, but near to 0",
                "--alternative has no meaning for --within",
                known,
                [.. usual, "--test", "lrt", "--threshold", "1", "--within", "--alternative", "less"]
            ),
            Case(
                "another program's counts",
                "--compat scanpy: it is of rank-sum and welch, of crispyx also of wald, and the test is wald",
                known,
                [.. usual, "--test", "wald", "--compat", "scanpy"]
            ),
            Case(
                "what another program does not have",
                "--threshold has no meaning for CRISPYx's test of counts",
                known,
                [.. usual, "--compat", "crispyx", "--test", "wald", "--threshold", "1"]
            ),
            Case(
                "covariates that another program does not have",
                "--covariates has no meaning for CRISPYx's test of counts",
                known,
                [.. usual, "--compat", "crispyx", "--test", "wald", "--covariates", "batch"]
            ),
            Case(
                "what another program has alone",
                "--min-mean has no meaning for --test wald",
                known,
                [.. usual, "--test", "wald", "--min-mean", "1"]
            ),
            Case(
                "an unknown program",
                "--compat seurat: must be scanpy or crispyx or pdex",
                known,
                [.. usual, "--compat", "seurat"]
            ),
            Case(
                "a program and its options",
                "--compat says what --no-ties is; leave one of them out",
                known,
                [.. usual, "--compat", "pdex", "--no-ties"]
            ),
            Case("itself", "the output would replace the input", known, [.. usual, "-o", "{}/in.h5ad"]),
        ];
    }

    [TestCaseSource(nameof(Refused))]
    public void IsRefusedInOneLine(object says, object screen, string[] options)
    {
        var input = ((ScreenSample)screen).WriteH5ad(scratch["in.h5ad"]);
        string[] output = options.Contains("-o") ? [] : ["-o", scratch["out.tsv"]];
        var given = Tested(options).Select(option => option.Replace("{}", scratch[""], StringComparison.Ordinal));
        var ended = Coexpr.Run(["de", input, .. output, .. given]);
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain((string)says));
        Assert.That(ended.Errors.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "in.h5ad" }));
    }

    [Test]
    public void TheFacadeThrowsTheSameSentence()
    {
        var input = Known;
        var error = Assert.ThrowsAsync<CoExprException>(() =>
            DifferentialExpression.ComputeAsync(input, AsIs with { Control = "contrl" })
        )!;
        Assert.That(error.Kind, Is.EqualTo(CoExprErrorKind.UnknownLabel));
        Assert.That(error.Message, Does.Contain("Did you mean control?"));
        var option = Assert.ThrowsAsync<CoExprException>(() =>
            DifferentialExpression.ComputeAsync(input, AsIs with { Values = "raw" })
        )!;
        Assert.That(option.Message, Does.Contain("--values raw: must be log-normalised or log1p or as-is"));
    }

    [Test]
    public void AStoppedRunWritesNothing()
    {
        var input = Known;
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.CatchAsync<OperationCanceledException>(() =>
            DifferentialExpression.RunAsync(input, scratch["out.tsv"], AsIs, token: stop.Token)
        );
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "in.h5ad" }));
    }

    [Test]
    public async Task ProgressTellsOfEveryGene()
    {
        var steps = new List<JobProgress>();
        var progress = new Listener(steps);
        var summary = await DifferentialExpression.RunAsync(Known, scratch["out.tsv"], AsIs, progress: progress);
        Assert.That(steps.Last(step => step.Stage == "testing").Done, Is.EqualTo(4));
        Assert.That(summary.Text, Does.StartWith("2 perturbations x 4 genes against control: "));
        Assert.That(summary.Text, Does.Contain("1 cells left out"));
    }

    sealed class Listener(List<JobProgress> steps) : IProgress<JobProgress>
    {
        public void Report(JobProgress value)
        {
            lock (steps)
                steps.Add(value);
        }
    }
}
