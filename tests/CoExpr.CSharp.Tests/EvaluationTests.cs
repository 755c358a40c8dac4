using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using CoExpr.IO;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Perturbed cells and tables in files, evaluated as a user would.</summary>
[Parallelizable(ParallelScope.All)]
public class EvaluationTests
{
    static readonly string[] Labels = ["control", "a", "b"];

    /// <summary>One cell of each label over the genes x and y.</summary>
    static string Cells(string path, string[] labels, string[] genes, params float[][] rows)
    {
        var names = labels.Select((_, at) => $"cell{at}").ToArray();
        var table = TableModule.withColumn("target_gene", ColumnModule.categories(labels), TableModule.ofNames(names));
        var counts = SparseCounts.OfDense(rows.Length, genes.Length, rows.SelectMany(row => row).ToArray());
        var cells = CellsModule.create(path, counts, table, TableModule.ofNames(genes)).ResultValue;
        var written = Programs.NoneStartingDuring(() => AnnData.write(1, path, AnnDataPartsModule.ofCells(cells)));
        Assert.That(written.IsOk);
        return path;
    }

    /// <summary>Effects (1, 0) and (0, 2).</summary>
    static string Real(Scratch scratch) =>
        Cells(scratch["real.h5ad"], Labels, ["x", "y"], [0.5f, 0.5f], [1.5f, 0.5f], [0.5f, 2.5f]);

    /// <summary>Effects (1, 0) and (0, 1).</summary>
    static string Predicted(Scratch scratch) =>
        Cells(scratch["predicted.h5ad"], Labels, ["x", "y"], [0.5f, 0.5f], [1.5f, 0.5f], [0.5f, 1.5f]);

    static string Table(Scratch scratch, string name, params string[] rows)
    {
        File.WriteAllLines(scratch[name], rows.Prepend("target,feature,log2_fold_change,p_value,fdr"));
        return scratch[name];
    }

    static string RealTable(Scratch scratch) =>
        Table(scratch, "real.csv", "a,x,2,0.001,0.01", "a,y,1,0.001,0.02", "b,x,1,0.5,0.9", "b,y,0,0.6,0.9");

    static string PredictedTable(Scratch scratch) =>
        Table(scratch, "predicted.csv", "a,x,1,0.001,0.01", "a,y,-1,0.5,0.5", "b,x,1,0.5,0.9", "b,y,0,0.6,0.9");

    static string[] Arguments(Scratch scratch, params string[] more) =>
        [
            "evaluate",
            "run",
            "--real",
            Real(scratch),
            "--predicted",
            Predicted(scratch),
            "-o",
            scratch["out"],
            .. more.Contains("--control") ? more : ["--control", "control", .. more],
        ];

    static Dictionary<string, string[]> Columns(string path)
    {
        var lines = File.ReadAllLines(path).Select(line => line.Split(',')).ToArray();
        return lines[0]
            .Select((name, at) => (name, at))
            .ToDictionary(one => one.name, one => lines.Skip(1).Select(line => line[one.at]).ToArray());
    }

    static double[] Numbers(string[] texts) =>
        Array.ConvertAll(texts, text => double.Parse(text, CultureInfo.InvariantCulture));

    [Test]
    public void ARunWritesTheTablesOfCellEval()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(
            Arguments(scratch, "--real-de", RealTable(scratch), "--predicted-de", PredictedTable(scratch))
        );
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(
            Directory.GetFiles(scratch["out"]).Select(Path.GetFileName),
            Is.EquivalentTo(
                new[]
                {
                    "results.csv",
                    "agg_results.csv",
                    "results.tsv",
                    "aggregates.tsv",
                    "costs.tsv",
                    "results.json",
                    "run.json",
                }
            )
        );
        var results = Columns(scratch["out/results.csv"]);
        Assert.That(results.Keys.First(), Is.EqualTo("perturbation"));
        Assert.That(results.Keys.ElementAt(1), Is.EqualTo("overlap_at_N"));
        Assert.That(results["perturbation"], Is.EqualTo(new[] { "a", "b" }));
        Assert.That(Numbers(results["mse"]), Is.EqualTo(new[] { 0, 0.5 }));
        Assert.That(Numbers(results["mae_delta"]), Is.EqualTo(new[] { 0, 0.5 }));
        Assert.That(Numbers(results["pearson_delta"]), Is.EqualTo(new[] { 1.0, 1.0 }).Within(1e-15));
        Assert.That(Numbers(results["discrimination_score_l1"]), Is.EqualTo(new[] { 1.0, 1.0 }));
        // Of the genes x, y of a the prediction calls x alone.
        Assert.That(Numbers(results["overlap_at_N"]), Is.EqualTo(new[] { 0.5, 0 }));
        Assert.That(Numbers(results["precision_at_N"]), Is.EqualTo(new[] { 1.0, 0 }));
        Assert.That(results["de_sig_genes_recall"], Is.EqualTo(new[] { "0.5", "" }));
        Assert.That(results["de_direction_match"], Is.EqualTo(new[] { "0.5", "" }));
        // Single cells have no distances within, and both predictions lie as far from the control.
        Assert.That(results["pearson_edistance"], Is.EqualTo(new[] { "NaN", "NaN" }));
    }

    [Test]
    public void MeasuresAreTakenByNameAndByProfile()
    {
        using var scratch = new Scratch();
        var named = Coexpr.Run(
            Arguments(scratch, "--metrics", "distance_euclidean, discrimination_score_chebyshev", "-q")
        );
        Assert.That(named.Code, Is.Zero, named.Errors);
        var results = Columns(scratch["out/results.csv"]);
        Assert.That(
            results.Keys,
            Is.EqualTo(new[] { "perturbation", "discrimination_score_chebyshev", "distance_euclidean" })
        );
        Assert.That(Numbers(results["distance_euclidean"]), Is.EqualTo(new[] { 0.0, 1.0 }));
        // (0, 1) is as far from (1, 0) as from (0, 2), and a comes first.
        Assert.That(Numbers(results["discrimination_score_chebyshev"]), Is.EqualTo(new[] { 1.0, 0.5 }));
        Assert.That(Coexpr.Run(Arguments(scratch, "--profile", "extended", "--most-cells", "2", "-q")).Code, Is.Zero);
        var all = Columns(scratch["out/results.csv"]);
        Assert.That(all.Keys, Does.Contain("perturbench_rank_rmse").And.Contain("pds_cosine"));
        // Two perturbations have no groups, single cells no covariance: the fields are empty.
        Assert.That(all["clustering_agreement"], Is.EqualTo(new[] { "", "" }));
        Assert.That(all["distance_mahalanobis"], Is.EqualTo(new[] { "", "" }));
        Assert.That(Numbers(all["distance_mean_pairwise"]), Is.EqualTo(new[] { 0.0, 1.0 }));
    }

    [Test]
    public void TheChallengeOf2026IsTakenFromCellsAndTables()
    {
        using var scratch = new Scratch();
        string[] tables = ["--real-de", RealTable(scratch), "--predicted-de", PredictedTable(scratch)];
        var ended = Coexpr.Run(Arguments(scratch, [.. tables, "--profile", "vcc2026", "-q"]));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var results = Columns(scratch["out/results.csv"]);
        Assert.That(results, Has.Count.EqualTo(7));
        // Of the genes x, y of a the prediction calls x alone, and rightly.
        Assert.That(Numbers(results["sig_jaccard"]), Is.EqualTo(new[] { 0.5, 1.0 }));
        Assert.That(Numbers(results["direction_fidelity_yield_raw"]), Is.EqualTo(new[] { 0.5, 0 }));
        Assert.That(results["lfc_nmae"], Is.EqualTo(new[] { "", "" }));
    }

    [TestCase("--most-cells 1: 2 or more are needed", "--most-cells", "1")]
    [TestCase("--metrics: distance_euklid is not known", "--metrics", "distance_euklid")]
    public void MeasuresAreRefusedWithAReason(string message, params string[] options)
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(Arguments(scratch, options));
        Assert.That(ended.Code, Is.EqualTo(2));
        Assert.That(ended.Errors, Does.Contain(message));
    }

    [Test]
    public void AggregatesAreInTheOrderOfCellEvalWithTwoMore()
    {
        using var scratch = new Scratch();
        Assert.That(Coexpr.Run(Arguments(scratch, "--profile", "anndata", "-q")).Errors, Is.Empty);
        var aggregates = Columns(scratch["out/agg_results.csv"]);
        Assert.That(
            aggregates["statistic"],
            Is.EqualTo("count null_count mean std min 25% 50% 75% max nan_count mean_of_numbers".Split(' '))
        );
        Assert.That(Numbers(aggregates["mse"])[2], Is.EqualTo(0.25));
        Assert.That(Numbers(aggregates["mse"])[3], Is.EqualTo(Math.Sqrt(0.125)).Within(1e-15));
        Assert.That(aggregates["pearson_edistance"][2], Is.EqualTo("NaN"));
        Assert.That(aggregates["pearson_edistance"][9], Is.EqualTo("2"));
    }

    [Test]
    public void TheTidyTableAndTheRecordSayTheSame()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(Arguments(scratch, "--profile", "vcc", "--prefix", "k/562", "--json"));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var tidy = File.ReadAllLines(scratch["out/k-562_results.tsv"]);
        Assert.That(tidy[0], Is.EqualTo("perturbation\tmetric\tvalue\tstatus"));
        Assert.That(tidy, Does.Contain("b\tmae\t0.5\tok"));
        // But for the memory of the moment.
        static string Before(string json) => json[..json.IndexOf("\"peak_memory_bytes\"", StringComparison.Ordinal)];
        Assert.That(Before(File.ReadAllText(scratch["out/k-562_run.json"])), Is.EqualTo(Before(ended.Output)));
        Assert.That(ended.Output, Does.Contain("\"command\":\"evaluate run\"").And.Contain("\"predicted_sha256\""));
        var json = File.ReadAllText(scratch["out/k-562_results.json"]);
        Assert.That(json, Does.Contain("\"mae\":[0,0.5]"));
    }

    [Test]
    public void ABaselineIsWrittenEvaluatedAndScoredAgainst()
    {
        using var scratch = new Scratch();
        var real = Real(scratch);
        var baseline = scratch["baseline.h5ad"];
        var written = Coexpr.Run("evaluate", "baseline", real, "-o", baseline, "--control", "control");
        Assert.That(written.Code, Is.Zero, written.Errors);
        string[] run = ["evaluate", "run", "--real", real, "--control", "control", "--profile", "anndata", "-q"];
        Assert.That(Coexpr.Run([.. run, "--predicted", baseline, "-o", scratch["b"]]).Code, Is.Zero);
        Assert.That(Coexpr.Run([.. run, "--predicted", Predicted(scratch), "-o", scratch["p"]]).Code, Is.Zero);
        // The mean of (0.5, 0.5), (1.5, 0.5), (0.5, 2.5) is (5/6, 7/6).
        var ofBaseline = Numbers(Columns(scratch["b/results.csv"])["mae"]);
        Assert.That(ofBaseline, Is.EqualTo(new[] { 2 / 3.0, 5 / 6.0 }).Within(1e-6));
        var scored = Coexpr.Run(
            "evaluate",
            "score",
            scratch["p/agg_results.csv"],
            scratch["b/agg_results.csv"],
            "-o",
            scratch["scores.csv"]
        );
        Assert.That(scored.Code, Is.Zero, scored.Errors);
        var scores = Columns(scratch["scores.csv"]);
        Assert.That(scores["metric"][..2], Is.EqualTo(new[] { "mse", "mae" }));
        Assert.That(scores["metric"][^1], Is.EqualTo("avg_score"));
        Assert.That(Numbers(scores["from_baseline"])[1], Is.EqualTo(1 - 0.25 / 0.75).Within(1e-6));
    }

    [Test]
    public void ScoresSayWhereNothingIsANumberAndRefuseOtherNumbersOfPerturbations()
    {
        using var scratch = new Scratch();
        var (prediction, baseline, fewer) = (scratch["p.csv"], scratch["b.csv"], scratch["f.csv"]);
        File.WriteAllText(prediction, "statistic,mae,roc_auc\ncount,3,2\nnull_count,0,1\nmean,0.5,NaN\n");
        File.WriteAllText(baseline, "statistic,mae,roc_auc\ncount,3,3\nnull_count,0,0\nmean,1,0.5\n");
        File.WriteAllText(fewer, "statistic,mae,roc_auc\ncount,2,2\nnull_count,0,0\nmean,1,0.5\n");
        var scored = Coexpr.Run("evaluate", "score", prediction, baseline, "-o", scratch["s.csv"]);
        Assert.That(scored.Code, Is.Zero, scored.Errors);
        Assert.That(
            scored.Errors,
            Does.Contain("Warning: roc_auc: the prediction's mean is NaN, so the score counts as 0.")
        );
        var refused = Coexpr.Run("evaluate", "score", prediction, fewer, "-o", scratch["r.csv"]);
        Assert.That(refused.Code, Is.EqualTo(2));
        Assert.That(refused.Errors, Does.Contain("3 where 2 were expected"));
        Assert.That(File.Exists(scratch["r.csv"]), Is.False);
    }

    [Test]
    public async Task TheFacadeGivesValuesNotesAndCeilings()
    {
        using var scratch = new Scratch();
        var input = new EvaluationInput { RealCells = Real(scratch), PredictedCells = Predicted(scratch) };
        var settings = new EvaluationSettings
        {
            Control = "control",
            RealControl = true,
            Ties = TieRule.MidRank,
            DeTest = "none",
        };
        var summary = await PerturbationEvaluation.RunAsync(
            input,
            scratch["out"],
            settings,
            ceiling: CeilingKind.WithReplacement
        );
        Assert.That(summary.Perturbations, Is.EqualTo(new[] { "a", "b" }));
        Assert.That(summary.Value("mae", "b"), Is.EqualTo(0.5));
        Assert.That(summary.Metrics.Single(metric => metric.Name == "mae").Mean, Is.EqualTo(0.25));
        // A group of one cell drawn twice is itself.
        Assert.That(summary.Ceiling.Single(metric => metric.Name == "mae").Mean, Is.Zero);
        Assert.That(summary.Notes, Has.Some.Contains("measures of differential expression are left out"));
        Assert.That(summary.Text, Does.Contain("mae").And.Contain("(ceiling 0.0000)"));
        Assert.That(() => summary.Value("mea", "b"), Throws.ArgumentException);
        Assert.That(() => summary.Value("mae", "c"), Throws.ArgumentException);
        Assert.That(File.Exists(scratch["out/agg_ceiling_results.csv"]));
    }

    [Test]
    public async Task ThreadsAndBlocksDoNotChangeATable()
    {
        using var scratch = new Scratch();
        var input = new EvaluationInput { RealCells = Real(scratch), PredictedCells = Predicted(scratch) };
        foreach (var threads in new[] { 1, 3 })
            await PerturbationEvaluation.RunAsync(
                input,
                scratch[$"out{threads}"],
                new() { Control = "control", Threads = threads }
            );
        Assert.That(
            File.ReadAllText(scratch["out1/results.csv"]),
            Is.EqualTo(File.ReadAllText(scratch["out3/results.csv"]))
        );
    }

    static void IsRefused(Ended ended, string says, Scratch scratch)
    {
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain(says));
        Assert.That(ended.Errors.TrimEnd('\n'), Does.Not.Contain("\n"));
        Assert.That(Directory.Exists(scratch["out"]), Is.False);
    }

    [TestCase("control: controll is not known; known: a, b, control. Did you mean control?", "--control", "controll")]
    [TestCase("there is no column guide of the cell table", "--column", "guide")]
    [TestCase("--skip-metrics: mse2 is not known", "--skip-metrics", "mse2")]
    [TestCase("--profile all: must be full or minimal", "--profile", "all")]
    [TestCase("--ties some: must be stable or midrank", "--ties", "some")]
    [TestCase("--threads 0: 1 or more are needed", "--threads", "0")]
    [TestCase("--fdr 0: a rate above 0", "--fdr", "0")]
    [TestCase("--predicted-de is needed, too", "--real-de", "real.csv")]
    [TestCase("no such file", "--real-de", "{}/nothing.csv", "--predicted-de", "{}/nothing.csv")]
    [TestCase("no such file", "--targets", "{}/nothing.tsv")]
    [TestCase("gene x has the value 0.5", "--values", "counts", "--ceiling", "split")]
    public void BadOptionsAreRefusedInOneLine(string says, params string[] options)
    {
        using var scratch = new Scratch();
        var words = options.Select(word => word.Replace("{}", scratch[""], StringComparison.Ordinal));
        // Halves of single cells share none; that comes after the values, which as counts would pass.
        if (says.StartsWith("gene", StringComparison.Ordinal))
            says = "1 cells of a in";
        IsRefused(Coexpr.Run(Arguments(scratch, [.. words])), says, scratch);
    }

    [Test]
    public void CellsThatDoNotFitTogetherAreRefused()
    {
        using var scratch = new Scratch();
        string Run(string predicted) => predicted;
        var cases = new (string Says, Func<string> Predicted)[]
        {
            (
                "The genes differ",
                () => Cells(scratch["genes.h5ad"], Labels, ["x", "z"], [0.5f, 0], [1.5f, 0], [0.5f, 0])
            ),
            (
                "labels of column target_gene differ: 1 only in",
                () => Cells(scratch["labels.h5ad"], ["control", "a"], ["x", "y"], [0.5f, 0], [1.5f, 0])
            ),
            (
                "has the value -0.5",
                () => Cells(scratch["negative.h5ad"], Labels, ["x", "y"], [-0.5f, 0], [1.5f, 0], [0.5f, 0])
            ),
            (
                "has the value 15.5",
                () => Cells(scratch["large.h5ad"], Labels, ["x", "y"], [15.5f, 0], [1.5f, 0], [0.5f, 0])
            ),
        };
        foreach (var (says, predicted) in cases)
        {
            var ended = Coexpr.Run(
                "evaluate",
                "run",
                "--real",
                Real(scratch),
                "--predicted",
                Run(predicted()),
                "--control",
                "control",
                "-o",
                scratch["out"]
            );
            IsRefused(ended, says, scratch);
        }
    }

    [TestCase("stands at two places, 1 and 3", "a,x,1,0.1,0.1", "b,x,1,0.1,0.1", "a,x,2,0.1,0.1")]
    [TestCase("line 2: fdr: \"no\" is not a number", "a,x,1,0.1,no")]
    [TestCase("fdr of a, x (row 1) is 7; it must be from 0 to 1", "a,x,1,0.1,7")]
    [TestCase("p_value of b, x (row 2) is -5; it must be from 0 to 1", "a,x,1,0.1,0.1", "b,x,1,-5,0.1")]
    [TestCase("line 3: 4 fields, where 5 are expected", "a,x,1,0.1,0.1", "b,x,1,0.1")]
    public void DamagedTablesAreRefused(string says, params string[] rows)
    {
        using var scratch = new Scratch();
        var table = Table(scratch, "bad.csv", rows);
        var ended = Coexpr.Run("evaluate", "run", "--real-de", table, "--predicted-de", table, "-o", scratch["out"]);
        IsRefused(ended, says, scratch);
    }

    [Test]
    public void NoOutputIsWrittenOverAnInput()
    {
        using var scratch = new Scratch();
        void KeepsItsInput(string input, params string[] arguments)
        {
            var before = File.ReadAllBytes(input);
            var ended = Coexpr.Run(arguments);
            Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
            Assert.That(ended.Errors, Does.Contain("the output would replace the input"));
            Assert.That(File.ReadAllBytes(input), Is.EqualTo(before));
        }
        var real = Real(scratch);
        KeepsItsInput(real, "evaluate", "baseline", real, "--control", "control", "-o", real);
        Directory.CreateDirectory(scratch["in"]);
        var table = Table(scratch, "in/results.csv", "a,x,1,0.1,0.1", "b,x,1,0.2,0.2");
        string[] tables = ["--real-de", table, "--predicted-de", PredictedTable(scratch), "--profile", "de"];
        KeepsItsInput(table, ["evaluate", "run", .. tables, "-o", scratch["in"]]);
        var means = scratch["in/agg_results.csv"];
        File.WriteAllText(means, "statistic,mae\ncount,2\nnull_count,0\nmean,0.5\n");
        KeepsItsInput(means, "evaluate", "score", means, means, "-o", means);
    }

    [Test]
    public void WhatScoresAndComparisonsNeedIsSaid()
    {
        using var scratch = new Scratch();
        var results = scratch["results.csv"];
        File.WriteAllText(results, "perturbation,mae\nx,1\n");
        IsRefused(
            Coexpr.Run("evaluate", "score", results, results, "-o", scratch["s.csv"]),
            "it has no row mean, as an agg_results.csv has",
            scratch
        );
        IsRefused(
            Coexpr.Run("evaluate", "score", results, results, "-o", scratch["s.txt"]),
            "a name in .csv or .tsv is needed",
            scratch
        );
        IsRefused(
            Coexpr.Run("evaluate", "compare", Real(scratch), Predicted(scratch), "-o", scratch["out"]),
            "--real not given:",
            scratch
        );
        IsRefused(
            Coexpr.Run("evaluate", "compare", results, results, "--names", "a,b", "--baseline", "-o", scratch["out"]),
            "--baseline without --real: it is made of the real cells",
            scratch
        );
        string[] tables = ["--real-de", RealTable(scratch), "--predicted-de", PredictedTable(scratch)];
        IsRefused(
            Coexpr.Run(["evaluate", "run", .. tables, "--profile", "pds", "-o", scratch["out"]]),
            "--profile pds: all its measures are of real and predicted cells",
            scratch
        );
    }

    [Test]
    public void AReportMayStandAmongItsResults()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(Arguments(scratch, "--report", scratch["out/page.html"]));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(File.ReadAllText(scratch["out/page.html"]), Does.Contain("</html>"));
    }

    [Test]
    public void NothingToEvaluateIsRefused()
    {
        using var scratch = new Scratch();
        IsRefused(Coexpr.Run("evaluate", "run", "-o", scratch["out"]), "give real and predicted cells", scratch);
    }

    [Test]
    public void GuidesFindTheirGeneByAFile()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["targets.tsv"], "a\tx\nb\ty\n");
        var targets = PerturbationEvaluation.ReadTargets(scratch["targets.tsv"]);
        Assert.That(targets, Is.EquivalentTo(new Dictionary<string, string> { ["a"] = "x", ["b"] = "y" }));
        var ended = Coexpr.Run(Arguments(scratch, "--targets", scratch["targets.tsv"], "--exclude", "panel"));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        // Without x and y nothing is left: all distances tie, and ties go by number.
        var scores = Numbers(Columns(scratch["out/results.csv"])["discrimination_score_l2"]);
        Assert.That(scores, Is.EqualTo(new[] { 1, 0.5 }));
        File.WriteAllText(scratch["targets.tsv"], "a\tx\na\ty\n");
        Assert.That(
            () => PerturbationEvaluation.ReadTargets(scratch["targets.tsv"]),
            Throws.TypeOf<CoExprException>().With.Message.Contains("line 2: a stands there twice")
        );
    }

    [Test]
    public void TablesAreMadeWhereNoneAreGiven()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(Arguments(scratch, "--profile", "de"));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(
            ended.Errors,
            Does.Contain("Note: No tables were supplied: differential expression was tested here")
        );
        var table = Columns(scratch["out/real_de.csv"]);
        Assert.That(
            table.Keys,
            Is.EqualTo(
                "target feature target_mean ref_mean target_membership ref_membership fold_change log2_fold_change percent_change p_value statistic fdr".Split(
                    ' '
                )
            )
        );
        Assert.That(table["target"], Is.EqualTo(new[] { "a", "a", "b", "b" }));
        // Logarithms of 0.5 and 1.5: log2((e^1.5 − 1) / (e^0.5 − 1)).
        var change = Math.Log2((Math.Exp(1.5) - 1) / (Math.Exp(0.5) - 1));
        Assert.That(Numbers(table["log2_fold_change"])[0], Is.EqualTo(change).Within(1e-6));
        Assert.That(Numbers(table["log2_fold_change"])[1], Is.Zero);
        // One cell against one: U is 1, its mean 1/2, and continuity takes the rest.
        Assert.That(Numbers(table["p_value"]), Is.EqualTo(new[] { 1.0, 1, 1, 1 }));
        Assert.That(
            Numbers(Columns(scratch["out/pred_de.csv"])["log2_fold_change"])[0],
            Is.EqualTo(change).Within(1e-6)
        );
        // What was written can be given: the same results.
        var again = Coexpr.Run(
            "evaluate",
            "run",
            "--real-de",
            scratch["out/real_de.csv"],
            "--predicted-de",
            scratch["out/pred_de.csv"],
            "--profile",
            "de",
            "-o",
            scratch["again"]
        );
        Assert.That(again.Code, Is.Zero, again.Errors);
        Assert.That(
            File.ReadAllText(scratch["again/results.csv"]),
            Is.EqualTo(File.ReadAllText(scratch["out/results.csv"]))
        );
    }

    [Test]
    public void TheTestOfTablesCanBeChosenOrLeftOut()
    {
        using var scratch = new Scratch();
        var without = Coexpr.Run(Arguments(scratch, "--de-test", "none"));
        Assert.That(without.Errors, Does.Contain("18 measures of differential expression are left out"));
        Assert.That(File.Exists(scratch["out/real_de.csv"]), Is.False);
        var refused = Coexpr.Run(Arguments(scratch, "--de-test", "lrt"));
        Assert.That(refused.Code, Is.EqualTo(2));
        Assert.That(refused.Errors, Does.Contain("--de-test lrt: it is a test of counts"));
        var unknown = Coexpr.Run(Arguments(scratch, "--de-test", "anova"));
        Assert.That(unknown.Errors, Does.Contain("--de-test anova: must be rank-sum or welch"));
    }

    /// <summary>Two cells of each label in each type; those of type B are half as far from the control.</summary>
    static string Typed(string path, double shift, string first = "T", string second = "B/x", string last = "b")
    {
        string[] labels = ["control", "control", "a", "a", last, last];
        var all = labels.Concat(labels).ToArray();
        var rows = Enumerable
            .Range(0, 12)
            .Select(cell =>
            {
                var size = cell < 6 ? 1 : 0.5;
                var own = all[cell];
                var noise = cell % 2 * 0.125;
                return new[]
                {
                    (float)(0.5 + noise + (own == "a" ? size + shift : 0)),
                    (float)(0.5 + noise + (own == "b" ? 2 * size : 0)),
                };
            })
            .ToArray();
        var names = all.Select((_, at) => $"cell{at}").ToArray();
        var types = all.Select((_, at) => at < 6 ? first : second).ToArray();
        var table = TableModule.withColumn(
            "type",
            ColumnModule.categories(types),
            TableModule.withColumn("target_gene", ColumnModule.categories(all), TableModule.ofNames(names))
        );
        var counts = SparseCounts.OfDense(12, 2, rows.SelectMany(row => row).ToArray());
        var cells = CellsModule.create(path, counts, table, TableModule.ofNames(["x", "y"])).ResultValue;
        Assert.That(Programs.NoneStartingDuring(() => AnnData.write(1, path, AnnDataPartsModule.ofCells(cells))).IsOk);
        return path;
    }

    [Test]
    public async Task CellTypesAreEvaluatedEachAndTogether()
    {
        using var scratch = new Scratch();
        var input = new EvaluationInput
        {
            RealCells = Typed(scratch["real.h5ad"], 0),
            PredictedCells = Typed(scratch["predicted.h5ad"], 0.25),
        };
        var settings = new EvaluationSettings { Control = "control", CellTypes = "type" };
        var summary = await PerturbationEvaluation.RunAsync(input, scratch["out"], settings, "run1");
        Assert.That(
            summary.CellTypes.Select(type => (type.Name, type.Perturbations)),
            Is.EqualTo(new[] { ("B/x", 2), ("T", 2) })
        );
        Assert.That(summary.Perturbations, Is.EqualTo(new[] { "B/x|a", "B/x|b", "T|a", "T|b" }));
        Assert.That(summary.Value("mae", "T|a"), Is.EqualTo(0.125));
        Assert.That(summary.Metrics.Single(metric => metric.Name == "mae").Mean, Is.EqualTo(0.0625));
        var files = Directory.GetFiles(scratch["out"]).Select(Path.GetFileName).ToArray();
        Assert.That(files, Does.Contain("run1_B-x_results.csv").And.Contain("run1_T_real_de.csv"));
        Assert.That(files, Does.Contain("run1_agg_results.csv").And.Contain("run1_run.json"));
        Assert.That(files, Has.None.EqualTo("run1_real_de.csv"));
        Assert.That(Numbers(Columns(scratch["out/run1_T_results.csv"])["mae"]), Is.EqualTo(new[] { 0.125, 0 }));
    }

    [TestCase("a/b", "a-b", "b", "the types a-b and a/b would both write a-b_results.csv; rename one of them")]
    [TestCase("T", "agg", "b", "the types (all together) and agg would both write agg_results.csv")]
    [TestCase("T", "B", "a", "1 perturbations of {}/real.h5ad (B) are left where at least 2 are needed")]
    public void TypesThatCannotBeToldApartOrEvaluatedAreNamed(string first, string second, string last, string says)
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(
            "evaluate",
            "run",
            "--real",
            Typed(scratch["real.h5ad"], 0, first, second, last),
            "--predicted",
            Typed(scratch["predicted.h5ad"], 0.25, first, second, last),
            "--control",
            "control",
            "--cell-types",
            "type",
            "-o",
            scratch["out"]
        );
        IsRefused(ended, says.Replace("{}", scratch[""].TrimEnd('/'), StringComparison.Ordinal), scratch);
    }

    [Test]
    public void GivenTablesAreSplitByCellTypeToo()
    {
        using var scratch = new Scratch();
        string Given(string name, string change)
        {
            File.WriteAllLines(
                scratch[name],
                [
                    "target,type,feature,log2_fold_change,p_value,fdr",
                    "a,T,x,2,0.001,0.01",
                    $"a,B/x,x,{change},0.001,0.01",
                    "b,T,y,2,0.001,0.01",
                    "b,B/x,y,1,0.001,0.01",
                ]
            );
            return scratch[name];
        }
        string[] run =
        [
            "evaluate",
            "run",
            "--real-de",
            Given("real.csv", "1"),
            "--predicted-de",
            Given("predicted.csv", "-1"),
            "-o",
            scratch["out"],
            "--cell-types",
        ];
        Assert.That(Coexpr.Run([.. run, "type"]).Code, Is.Zero);
        Assert.That(Numbers(Columns(scratch["out/T_results.csv"])["de_direction_match"]), Is.EqualTo(new[] { 1.0, 1 }));
        Assert.That(
            Numbers(Columns(scratch["out/B-x_results.csv"])["de_direction_match"]),
            Is.EqualTo(new[] { 0.0, 1 })
        );
        Assert.That(Numbers(Columns(scratch["out/agg_results.csv"])["de_direction_match"])[2], Is.EqualTo(0.75));
        File.WriteAllLines(
            scratch["predicted.csv"],
            File.ReadAllLines(scratch["predicted.csv"]).Where(line => !line.Contains(",T,", StringComparison.Ordinal))
        );
        var partial = Coexpr.Run([.. run, "type", "--partial"]);
        Assert.That(partial.Code, Is.Zero, partial.Errors);
        Assert.That(partial.Errors, Does.Contain("1 of the 2 cell types are not predicted and take no part: T."));
        var refused = Coexpr.Run([.. run, "tissue"]);
        Assert.That(refused.Errors, Does.Contain("there is no column tissue"));
    }

    [Test]
    public void IntervalsAndCostsAreTidyTables()
    {
        using var scratch = new Scratch();
        Assert.That(Coexpr.Run(Arguments(scratch, "--seed", "7", "--baseline", "-q")).Code, Is.Zero);
        var lines = File.ReadAllLines(scratch["out/aggregates.tsv"]).Select(line => line.Split('\t')).ToArray();
        Assert.That(lines[0][^4..], Is.EqualTo(new[] { "mean_of_numbers", "low", "high", "resamples" }));
        var mae = lines.Single(line => line[0] == "mae");
        // The means of draws of 0 and 0.5 are 0, 0.25, and 0.5.
        Assert.That(mae[^4..], Is.EqualTo(new[] { "0.25", "0", "0.5", "1000" }));
        Assert.That(
            lines.Single(line => line[0] == "pearson_edistance")[^4..],
            Is.EqualTo(new[] { "NaN", "", "", "0" })
        );
        var costs = File.ReadAllLines(scratch["out/costs.tsv"]);
        Assert.That(
            costs[0],
            Is.EqualTo("metric\tstage\tmetrics_of_stage\tseconds\tallocated_bytes\tpeak_memory_bytes")
        );
        Assert.That(costs.Select(line => line.Split('\t')[0]), Does.Contain("mae").And.Contain("roc_auc"));
        Assert.That(File.ReadAllText(scratch["out/results.json"]), Does.Contain("\"low\":0,\"high\":0.5"));
        Assert.That(Columns(scratch["out/baseline_results.csv"])["perturbation"], Is.EqualTo(new[] { "a", "b" }));
    }

    string[] Compared(Scratch scratch) =>
        [
            Predicted(scratch),
            Cells(scratch["exact.h5ad"], Labels, ["x", "y"], [0.5f, 0.5f], [1.5f, 0.5f], [0.5f, 2.5f]),
        ];

    [Test]
    public void ModelsAreComparedAgainstOneRealSet()
    {
        using var scratch = new Scratch();
        var models = Compared(scratch);
        var ended = Coexpr.Run([
            "evaluate",
            "compare",
            .. models,
            "--real",
            Real(scratch),
            "--control",
            "control",
            "-o",
            scratch["out"],
            "--report",
            scratch["report.html"],
        ]);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var wide = Columns(scratch["out/comparison.csv"]);
        Assert.That(wide["model"], Is.EqualTo(new[] { "predicted", "exact" }));
        Assert.That(Numbers(wide["mae"]), Is.EqualTo(new[] { 0.25, 0 }));
        var differences = File.ReadAllLines(scratch["out/differences.tsv"]).Select(line => line.Split('\t'));
        var mae = differences.Single(line => line[2] == "mae");
        Assert.That(mae[..5], Is.EqualTo(new[] { "exact", "predicted", "mae", "2", "-0.25" }));
        Assert.That(mae[5..], Is.EqualTo(new[] { "-0.5", "0", "1000", "undecided" }));
        var files = Directory.GetFiles(scratch["out"]).Select(Path.GetFileName).ToArray();
        Assert.That(files, Does.Contain("exact_results.csv").And.Contain("predicted_pred_de.csv"));
        Assert.That(files.Count(file => file!.EndsWith("real_de.csv", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(File.ReadAllText(scratch["report.html"]), Does.Contain("2 models by 28 measures"));
        Assert.That(ended.Errors, Does.Contain("predicted").And.Contain("exact"));
    }

    [Test]
    public async Task FinishedResultsAreComparedAsTheirCellsAre()
    {
        using var scratch = new Scratch();
        var settings = new EvaluationSettings { Control = "control", Resamples = 100 };
        var models = Compared(scratch).Select(ModelFile.Of).ToArray();
        var whole = await PerturbationEvaluation.CompareAsync(
            Real(scratch),
            models,
            scratch["out"],
            settings,
            against: "exact"
        );
        foreach (var model in models)
            await PerturbationEvaluation.RunAsync(
                new() { RealCells = scratch["real.h5ad"], PredictedCells = model.Path },
                scratch[model.Name],
                settings
            );
        var finished = await PerturbationEvaluation.CompareResultsAsync(
            [ModelFile.Of(scratch["predicted"]), ModelFile.Of(scratch["exact/results.csv"])],
            scratch["finished"],
            settings,
            "exact"
        );
        Assert.That(finished.Models, Is.EqualTo(new[] { "predicted", "exact" }));
        Assert.That(finished.Metrics, Is.EqualTo(whole.Metrics));
        foreach (var metric in whole.Metrics)
        foreach (var model in whole.Models)
            Assert.That(finished.Value(model, metric), Is.EqualTo(whole.Value(model, metric)), metric);
        Assert.That(
            finished.Differences.Where(one => one.Metric != "pearson_edistance"),
            Is.EqualTo(whole.Differences.Where(one => one.Metric != "pearson_edistance"))
        );
        Assert.That(whole.Differences.Select(one => one.Model).Distinct(), Is.EqualTo(new[] { "predicted" }));
        Assert.That(() => whole.Value("other", "mae"), Throws.ArgumentException);
        Assert.That(() => whole.Value("exact", "maee"), Throws.ArgumentException);
    }

    [TestCase("1 models to compare are left where at least 2", "{}/a.h5ad")]
    [TestCase("--names a: 2 models have this name", "{}/a.h5ad", "{}/b/a.h5ad")]
    [TestCase("--names x: 1 names are given for 2 models", "{}/a.h5ad", "{}/b.h5ad", "--names", "x")]
    [TestCase("models x/y and x-y would both write x-y_", "{}/a.h5ad", "{}/b.h5ad", "--names", "x/y,x-y")]
    [TestCase("models x and x_agg would both write x_agg_", "{}/a.h5ad", "{}/b.h5ad", "--names", "x,x_agg")]
    [TestCase("--against: c is not known; known: a, b", "{}/a.h5ad", "{}/b.h5ad", "--against", "c")]
    [TestCase("--resamples -1: 0 or more", "{}/a.h5ad", "{}/b.h5ad", "--resamples", "-1")]
    [TestCase("--level 1.5: a share between 0 and 1", "{}/a.h5ad", "{}/b.h5ad", "--level", "1.5")]
    [TestCase("--report r.txt: a name in .html", "{}/a.h5ad", "{}/b.h5ad", "--report", "r.txt")]
    [TestCase("--baseline without --report: compare shows it on the page", "{}/a.h5ad", "{}/b.h5ad", "--baseline")]
    [TestCase("--ceiling without --report: compare shows it", "{}/a.h5ad", "{}/b.h5ad", "--ceiling", "split")]
    [TestCase("a.h5ad: no such file", "{}/a.h5ad", "{}/b.h5ad")]
    public void BadComparisonsAreRefusedInOneLine(string says, params string[] options)
    {
        using var scratch = new Scratch();
        var words = options.Select(word => word.Replace("{}", scratch[""].TrimEnd('/'), StringComparison.Ordinal));
        IsRefused(
            Coexpr.Run([
                "evaluate",
                "compare",
                "--real",
                Real(scratch),
                "--control",
                "control",
                "-o",
                scratch["out"],
                .. words,
            ]),
            says,
            scratch
        );
    }

    [Test]
    public void ResultsThatAreNoneAreRefused()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["a.csv"], "name,mae\nx,1\n");
        File.WriteAllText(scratch["b.csv"], "perturbation,mae\nx,1\nx,2\n");
        File.WriteAllText(scratch["c.csv"], "perturbation,mae\nx,1,3\n");
        Ended Compare(string one) =>
            Coexpr.Run("evaluate", "compare", scratch[one], scratch["b.csv"], "-o", scratch["out"]);
        IsRefused(Compare("a.csv"), "there is no column perturbation; present: name, mae", scratch);
        IsRefused(Compare("c.csv"), "line 2: 3 fields, where 2 are expected", scratch);
        File.WriteAllText(scratch["a.csv"], "perturbation,mae\nx,1\n");
        IsRefused(Compare("a.csv"), "perturbation x stands at two places", scratch);
    }

    [Test]
    public void OnePerturbationOnlyIsRefused()
    {
        using var scratch = new Scratch();
        var one = Cells(scratch["one.h5ad"], ["control", "a"], ["x", "y"], [0.5f, 0.5f], [1.5f, 0.5f]);
        var ended = Coexpr.Run(
            "evaluate",
            "run",
            "--real",
            one,
            "--predicted",
            one,
            "--control",
            "control",
            "-o",
            scratch["out"]
        );
        IsRefused(ended, "one.h5ad are left where at least 2 are needed", scratch);
    }

    [Test]
    public void GenesInAnotherOrderAreReorderedWithANote()
    {
        using var scratch = new Scratch();
        var turned = Cells(scratch["turned.h5ad"], Labels, ["y", "x"], [0.5f, 0.5f], [0.5f, 1.5f], [2.5f, 0.5f]);
        var ended = Coexpr.Run(
            "evaluate",
            "run",
            "--real",
            Real(scratch),
            "--predicted",
            turned,
            "--control",
            "control",
            "-o",
            scratch["out"]
        );
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(ended.Errors, Does.Contain("Note: The predicted genes came in another order"));
        var results = Columns(scratch["out/results.csv"]);
        Assert.That(Numbers(results["mae"]), Is.EqualTo(new[] { 0.0, 0 }));
    }

    [Test]
    public void APackageForTheChallengeNeedsNoOtherProgram()
    {
        using var scratch = new Scratch();
        var predicted = Predicted(scratch);
        File.WriteAllText(scratch["genes.csv"], "y\nx\n");
        string[] prep = ["evaluate", "prep", predicted, "--genes", scratch["genes.csv"]];
        var missing = Coexpr.RunWith(("COEXPR_ZSTD", scratch["none.so"]), [.. prep, "--control", "control"]);
        Assert.That(missing.Code, Is.EqualTo(2));
        Assert.That(missing.Errors, Does.Contain("The zstd library was not found. Debian and Ubuntu: apt install"));
        var ended = Coexpr.Run([.. prep, "--control", "control"]);
        if (ended.Errors.Contains("The zstd library was not found", StringComparison.Ordinal))
            Assert.Ignore("needs the zstd library (Debian: apt install libzstd1)");
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(ended.Errors, Does.Contain("Note: The list has 2 genes, where the Challenge asks for 18080"));
        Assert.That(ended.Errors, Does.Contain("Note: The genes came in another order"));
        using var archive = File.OpenRead(scratch["predicted.prep.vcc"]);
        using var reader = new System.Formats.Tar.TarReader(archive);
        Assert.That(reader.GetNextEntry()!.Name, Is.EqualTo("pred.h5ad.zst"));
        var watermark = reader.GetNextEntry()!;
        Assert.That(watermark.Name, Is.EqualTo("watermark.txt"));
        using StreamReader text = new(watermark.DataStream!);
        Assert.That(text.ReadToEnd(), Is.EqualTo("vcc-prep"));
        var refused = Coexpr.Run([.. prep, "--control", "ntc"]);
        Assert.That(refused.Code, Is.EqualTo(2));
        Assert.That(refused.Errors, Does.Contain("control: ntc is not known"));
        var twice = Coexpr.Run([.. prep, "--control", "control", "--cell-types", "target_gene"]);
        Assert.That(
            twice.Errors,
            Does.Contain("--cell-types-out target_gene: that is what the column of perturbations")
        );
        // Python's tarfile takes what stands from byte 345 on for the name of a folder.
        var header = File.ReadAllBytes(scratch["predicted.prep.vcc"])[345..369];
        Assert.That(header, Is.All.EqualTo((byte)0));
        var many = Coexpr.Run([.. prep, "--control", "control", "--most-cells", "2"]);
        Assert.That(many.Errors, Does.Contain("3 is more than the 2 that fit"));
    }
}
