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
            Is.EquivalentTo(new[] { "results.csv", "agg_results.csv", "results.tsv", "results.json", "run.json" })
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
    public async Task TheFacadeGivesValuesNotesAndCeilings()
    {
        using var scratch = new Scratch();
        var input = new EvaluationInput { RealCells = Real(scratch), PredictedCells = Predicted(scratch) };
        var settings = new EvaluationSettings
        {
            Control = "control",
            RealControl = true,
            Ties = TieRule.MidRank,
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
    [TestCase("line 3: 4 fields, where 5 are expected", "a,x,1,0.1,0.1", "b,x,1,0.1")]
    public void DamagedTablesAreRefused(string says, params string[] rows)
    {
        using var scratch = new Scratch();
        var table = Table(scratch, "bad.csv", rows);
        var ended = Coexpr.Run("evaluate", "run", "--real-de", table, "--predicted-de", table, "-o", scratch["out"]);
        IsRefused(ended, says, scratch);
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
}
