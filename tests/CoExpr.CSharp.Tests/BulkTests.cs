using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Differential expression of bulk samples through the facade and the command line.</summary>
public class BulkTests
{
    static string Golden(string name)
    {
        var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "tests", "golden", "bulk", name)))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "tests", "golden", "bulk", name);
    }

    static string[][] Rows(string path) => File.ReadAllLines(path).Select(line => line.Split('\t')).ToArray();

    static double[] Column(string[][] rows, string name)
    {
        var at = Array.IndexOf(rows[0], name);
        return rows.Skip(1)
            .Select(row => row[at] is "" or "NA" ? double.NaN : double.Parse(row[at], CultureInfo.InvariantCulture))
            .ToArray();
    }

    static async Task<BulkSamples> SamplesAsync()
    {
        var counts = await CellData.ReadAsync(Golden("counts.tsv"), new() { Rows = MatrixRows.Genes });
        return BulkSamples.WithTable(counts, Golden("samples.tsv"));
    }

    static readonly BulkContrast BToA = BulkContrast.Levels("condition", "b", "a");

    [Test]
    public async Task TheFacadeGivesWhatDESeq2Gives()
    {
        var samples = await SamplesAsync();
        Assert.That(samples.Columns, Is.EqualTo(["condition", "batch", "age"]));
        var made = await BulkExpression.RunAsync(samples, "~ condition", [BToA], new() { AsDESeq2 = true });
        var expected = Column(Rows(Golden("condition_b_a.tsv")), "stat");
        var actual = made.Results.Select(result => result.Statistic).ToArray();
        Assert.That(actual, Is.EqualTo(expected).Within(0.01).Percent);
        Assert.That(made.Coefficients, Is.EqualTo(["Intercept", "condition_b_vs_a", "condition_c_vs_a"]));
        Assert.That(made.TrendKind, Is.EqualTo("parametric"));
        Assert.That(made.PriorVariance, Is.EqualTo(0.3021876954).Within(1e-4));
        Assert.That(made.SizeFactors, Has.Count.EqualTo(24));
        Assert.That(made.Results[0].Outcome, Is.EqualTo(BulkOutcomeKind.NoCounts));
        Assert.That(made.Results[1].Contrast, Is.EqualTo(BToA.Name));
    }

    [Test]
    public async Task EverySettingReachesTheCore()
    {
        var samples = await SamplesAsync();
        var settings = new BulkSettings { References = new Dictionary<string, string> { ["condition"] = "c" } };
        var contrast = BulkContrast.Levels("condition", "b", "c");
        async Task<double[]> Of(BulkSettings chosen) =>
            (await BulkExpression.RunAsync(samples, "~ batch + condition", [contrast], chosen))
                .Results.SelectMany(r => new[] { r.PValue, r.AdjustedPValue, r.ShrunkenLog2FoldChange })
                .ToArray();
        var plain = await Of(settings);
        BulkSettings[] others =
        [
            settings with
            {
                AsDESeq2 = true,
            },
            settings with
            {
                Reduced = "~ batch",
            },
            settings with
            {
                Factors = SampleFactorKind.PositiveCounts,
            },
            settings with
            {
                Factors = SampleFactorKind.LibrarySize,
            },
            settings with
            {
                Trend = DispersionTrendKind.Local,
            },
            settings with
            {
                Trend = DispersionTrendKind.Mean,
            },
            settings with
            {
                Trend = DispersionTrendKind.None,
            },
            settings with
            {
                SmallestMean = 0.5,
            },
            settings with
            {
                StudentT = true,
            },
            settings with
            {
                Threshold = 0.5,
            },
            settings with
            {
                Alternative = AlternativeKind.Greater,
            },
            settings with
            {
                Alternative = AlternativeKind.Less,
            },
            settings with
            {
                Alternative = AlternativeKind.LessAbs,
                Threshold = 0.5,
            },
            settings with
            {
                Outliers = false,
            },
            settings with
            {
                ReplaceFrom = 4,
            },
            settings with
            {
                Shrink = true,
            },
        ];
        foreach (var other in others)
            Assert.That(await Of(other), Is.Not.EqualTo(plain), other.ToString());
        Assert.That(await Of(settings with { Threads = 1 }), Is.EqualTo(plain));
    }

    [Test]
    public async Task ContrastsOfManyKindsAgree()
    {
        var samples = await SamplesAsync();
        BulkContrast[] contrasts =
        [
            BToA,
            BulkContrast.Coefficient("condition_b_vs_a"),
            BulkContrast.Weights([KeyValuePair.Create("condition_b_vs_a", 1.0)]),
        ];
        var made = await BulkExpression.RunAsync(samples, "~ condition", contrasts);
        var changes = made.Results.Select(result => result.Log2FoldChange).Chunk(samples.GeneNames.Count).ToArray();
        Assert.That(changes[1].Skip(10), Is.EqualTo(changes[0].Skip(10)));
        Assert.That(changes[2], Is.EqualTo(changes[1]));
    }

    [Test]
    public async Task SumsOfCellsAreSamples()
    {
        var simulated = await CellSimulation.RunAsync(
            new()
            {
                Cells = 600,
                Genes = 200,
                Perturbations = 2,
                Replicates = 3,
                Seed = 3,
            }
        );
        var sums = BulkSamples.OfPseudobulk(
            simulated.Data,
            new() { Columns = ["perturbation", "replicate"], MinimalCells = 20 }
        );
        Assert.That(sums.Columns, Is.EqualTo(["perturbation", "replicate", "n_cells"]));
        Assert.That(sums.SampleNames.Count + sums.TooSmall.Count, Is.EqualTo(9));
        Assert.That(sums.SampleNames[0], Does.Contain('|'));
    }

    static string[] Arguments(Scratch scratch, params string[] more) =>
        [
            "bulk",
            Golden("counts.tsv"),
            "--genes-in",
            "rows",
            "--samples",
            Golden("samples.tsv"),
            "-o",
            scratch["out.tsv"],
            .. more,
        ];

    [Test]
    public void TheCommandWritesATable()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(
            Arguments(
                scratch,
                "--design",
                "~ batch + condition",
                "--contrast",
                "condition,c,a",
                "--contrast",
                "condition,b,a",
                "--deseq2",
                "--t",
                "--size-factors-to",
                scratch["samples.tsv"]
            )
        );
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(ended.Errors, Does.Contain("condition_c_vs_a").And.Contain("written"));
        var rows = Rows(scratch["out.tsv"]);
        Assert.That(rows, Has.Length.EqualTo(241));
        var expected = Column(Rows(Golden("batch_condition_t.tsv")), "pvalue");
        Assert.That(Column(rows, "p_value").Take(120), Is.EqualTo(expected).Within(0.1).Percent);
        Assert.That(Rows(scratch["samples.tsv"])[0], Does.Contain("size_factor"));
    }

    [Test]
    public void WhatHasCommasIsPutInQuotes()
    {
        using var scratch = new Scratch();
        var lines = File.ReadAllLines(Golden("samples.tsv"));
        File.WriteAllLines(
            scratch["samples.tsv"],
            lines.Select(line => line.Replace("\tb\t", "\tb, \"c\"\t", StringComparison.Ordinal))
        );
        string[] Of(string table, string contrast, string output) =>
            [
                .. new[] { "bulk", Golden("counts.tsv"), "--genes-in", "rows", "--samples", table },
                .. new[] { "--design", "~ condition", "--contrast", contrast, "-o", scratch[output] },
            ];
        string[] Numbers(string output) => [.. Rows(scratch[output]).Skip(1).Select(row => string.Join(' ', row[2..]))];
        Assert.That(Coexpr.Run(Of(Golden("samples.tsv"), "condition,b,a", "plain.tsv")).Code, Is.Zero);
        foreach (var contrast in new[] { "condition,\"b, \"\"c\"\"\",a", "\"condition_b, \"\"c\"\"_vs_a\"" })
        {
            var ended = Coexpr.Run(Of(scratch["samples.tsv"], contrast, "out.tsv"));
            Assert.That(ended.Code, Is.Zero, ended.Errors);
            Assert.That(ended.Errors, Does.Contain("condition_b, \"c\"_vs_a: "));
            Assert.That(Numbers("out.tsv"), Is.EqualTo(Numbers("plain.tsv")));
        }
    }

    [Test]
    public void AnH5adHoldsTheSameNumbersContrastsByGenes()
    {
        using var scratch = new Scratch();
        string[] asked =
        [
            "--design",
            "~ batch + condition",
            "--contrast",
            "condition,c,a",
            "--contrast",
            "condition,b,a",
        ];
        Assert.That(Coexpr.Run(Arguments(scratch, asked)).Code, Is.Zero);
        var ended = Coexpr.Run([.. Arguments(scratch, asked), "-o", scratch["out.h5ad"]]);
        Assert.That(ended.Code, Is.EqualTo(2), "two outputs");
        string[] other = [.. Arguments(scratch, asked).Select(word => word.Replace("out.tsv", "out.h5ad"))];
        ended = Coexpr.Run(other);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var found = Python.Run(
            """
            import sys, json, anndata
            a = anndata.read_h5ad(sys.argv[1])
            n = lambda values: [None if x != x else x for x in values.tolist()]
            print(json.dumps({"contrasts": list(a.obs_names), "genes": list(a.var_names), "fold": n(a.X[1]),
              "p": n(a.layers["p_value"][1]),
              "layers": sorted(a.layers), "dispersion": n(a.var["dispersion"]), "options": a.uns["coexpr"]["--design"],
              "outcomes": [str(a.uns["outcome_names"][int(k)]) for k in a.layers["outcome"][1]]}))
            """,
            scratch["out.h5ad"]
        );
        var rows = Rows(scratch["out.tsv"]);
        double[] Numbers(string name) =>
            [
                .. found
                    .GetProperty(name)
                    .EnumerateArray()
                    .Select(x => x.ValueKind == JsonValueKind.Null ? double.NaN : x.GetDouble()),
            ];
        string[] Words(string name) => [.. found.GetProperty(name).EnumerateArray().Select(x => x.GetString()!)];
        Assert.That(Words("contrasts"), Is.EqualTo(new[] { "condition_c_vs_a", "condition_b_vs_a" }));
        Assert.That(Words("genes"), Is.EqualTo(rows.Skip(121).Select(row => row[0])));
        Assert.That(Numbers("fold"), Is.EqualTo(Column(rows, "log2_fold_change").Skip(120)));
        Assert.That(Numbers("p"), Is.EqualTo(Column(rows, "p_value").Skip(120)));
        Assert.That(Numbers("dispersion"), Is.EqualTo(Column(rows, "dispersion").Take(120)));
        Assert.That(Words("outcomes"), Is.EqualTo(rows.Skip(121).Select(row => row[^1])));
        Assert.That(Words("layers"), Is.EqualTo(new[] { "lfc_se", "outcome", "p_adjusted", "p_value", "stat" }));
        Assert.That(found.GetProperty("options").GetString(), Is.EqualTo("~ batch + condition"));
    }

    [Test]
    public void TheRecordSaysWhatWasAskedAndFound()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(
            Arguments(scratch, "--design", "~ batch + condition", "--contrast", "condition,c,a", "--t")
        );
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        using var file = JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"]));
        var record = file.RootElement;
        Assert.That(record.GetProperty("command").GetString(), Is.EqualTo("bulk"));
        Assert.That(record.GetProperty("options").GetProperty("design").GetString(), Is.EqualTo("~ batch + condition"));
        Assert.That(record.GetProperty("options").GetProperty("student-t").GetBoolean());
        Assert.That(record.GetProperty("options").GetProperty("samples").GetString(), Is.EqualTo("samples.tsv"));
        Assert.That(record.GetProperty("counts").GetProperty("genes").GetInt32(), Is.EqualTo(120));
        var called = Column(Rows(scratch["out.tsv"]), "p_adjusted").Count(p => p < 0.1);
        const string Counted = "condition_c_vs_a: genes with adjusted p below alpha";
        Assert.That(record.GetProperty("counts").GetProperty(Counted).GetInt32(), Is.EqualTo(called).And.Positive);
        Assert.That(scratch.Files(), Is.EquivalentTo(new[] { "out.tsv", "out.tsv.run.json" }));
    }

    [Test]
    public void TheCommandAddsCellsUp()
    {
        using var scratch = new Scratch();
        var simulated = Coexpr.Run(
            "simulate",
            "-o",
            scratch["screen.h5ad"],
            "--cells",
            "600",
            "--genes",
            "200",
            "--perturbations",
            "2",
            "--replicates",
            "3"
        );
        Assert.That(simulated.Code, Is.Zero, simulated.Errors);
        var ended = Coexpr.Run(
            "bulk",
            scratch["screen.h5ad"],
            "--pseudobulk",
            "perturbation,replicate",
            "--design",
            "~ replicate + perturbation",
            "--contrast",
            "perturbation,nothing,control",
            "-o",
            scratch["out.tsv"]
        );
        // The labels that there are come with the message.
        Assert.That(ended.Code, Is.EqualTo(2));
        Assert.That(ended.Errors, Does.Contain("level of perturbation: nothing is not known; known: "));
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);
    }

    static IEnumerable<TestCaseData> BadInput() =>
        new (string Says, string[] Options)[]
        {
            ("a design begins with ~", ["--design", "condition", "--contrast", "condition,b,a"]),
            ("column: condtion is not known", ["--design", "~ condtion", "--contrast", "condition,b,a"]),
            (
                "level of condition: d is not known; known: a, b, c",
                ["--design", "~ condition", "--contrast", "condition,d,a"]
            ),
            ("--contrast condition,b", ["--design", "~ condition", "--contrast", "condition,b"]),
            ("put in double quotes", ["--design", "~ condition", "--contrast", "condition,b,c,a"]),
            (
                "--reference condition: column=level",
                ["--design", "~ condition", "--contrast", "x", "--reference", "condition"]
            ),
            ("level of condition: z", ["--design", "~ condition", "--contrast", "x", "--reference", "condition=z"]),
            ("threshold -1", ["--design", "~ condition", "--contrast", "condition,b,a", "--threshold", "-1"]),
            ("reduced design ~ age", ["--design", "~ condition", "--contrast", "condition,b,a", "--reduced", "~ age"]),
            ("one coefficient", ["--design", "~ condition", "--contrast", "condition,c,b", "--shrink"]),
            (
                "--min-cells: needs --pseudobulk",
                ["--design", "~ condition", "--contrast", "condition,c,b", "--min-cells", "3"]
            ),
            (
                "leave it or --pseudobulk out",
                ["--design", "~ condition", "--contrast", "condition,c,b", "--pseudobulk", "x"]
            ),
            (
                "--contrast condition_c_vs_b: it is given 2 times",
                ["--design", "~ condition", "--contrast", "condition,c,b", "--contrast", "condition,c,b"]
            ),
            ("Option '--design' is required", ["--contrast", "condition,c,b"]),
            ("must be greater-abs or", ["--design", "~ 1", "--contrast", "x", "--alternative", "both"]),
        }.Select(one => new TestCaseData(one.Says, one.Options).SetArgDisplayNames(one.Says));

    [TestCaseSource(nameof(BadInput))]
    public void BadInputIsRefusedInOneLine(string says, string[] options)
    {
        using var scratch = new Scratch();
        var ended = Coexpr.Run(Arguments(scratch, options));
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain(says));
        Assert.That(ended.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);
    }

    [Test]
    public void CellsWithoutALabelAreTold()
    {
        using var scratch = new Scratch();
        var input = ScreenSample.Known.WriteH5ad(scratch["in.h5ad"]);
        string[] asked = ["--design", "~ batch + perturbation", "--contrast", "perturbation,a,control"];
        string[] sums = ["--pseudobulk", "perturbation,batch", "--min-cells", "1", "--trend", "none"];
        var ended = Coexpr.Run(["bulk", input, .. asked, .. sums, "-o", scratch["out.tsv"]]);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(ended.Errors, Does.Contain("left out: 1 cells without a label"));
        Assert.That(File.ReadAllText(scratch["out.tsv.run.json"]), Does.Contain("\"cells without a label\":1"));
    }

    [TestCase("columns", true, "(--genes-in rows or columns)")]
    [TestCase("rows", false, "name a table of the samples (--samples)")]
    public void WhatDescribesTheSamplesIsAskedForByTheNameOfItsOption(string genesIn, bool withTable, string says)
    {
        using var scratch = new Scratch();
        string[] table = withTable ? ["--samples", Golden("samples.tsv")] : [];
        string[] asked = ["--genes-in", genesIn, "--design", "~ condition", "--contrast", "condition,c,a"];
        var ended = Coexpr.Run(["bulk", Golden("counts.tsv"), .. asked, .. table, "-o", scratch["out.tsv"]]);
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain(says));
    }

    [TestCase("--size-factors-to", "samples.tsv", "the output would replace the input")]
    [TestCase("--size-factors-to", "out.tsv", "out.tsv")]
    [TestCase("--size-factors-to", "nowhere/x.tsv", "no such folder")]
    [TestCase("--size-factors-to", "x.npy", "a name in .tsv or .csv (.gz) is needed")]
    public void NoInputAndNoOtherOutputIsWrittenOver(string option, string name, string says)
    {
        using var scratch = new Scratch();
        var before = File.ReadAllText(Golden("samples.tsv"));
        File.WriteAllText(scratch["samples.tsv"], before);
        string[] files = ["--samples", scratch["samples.tsv"], "-o", scratch["out.tsv"], option, scratch[name]];
        string[] asked = ["--genes-in", "rows", "--design", "~ batch + condition", "--contrast", "condition,c,a"];
        var ended = Coexpr.Run(["bulk", Golden("counts.tsv"), .. asked, .. files]);
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain(says));
        Assert.That(File.ReadAllText(scratch["samples.tsv"]), Is.EqualTo(before));
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);
    }

    [Test]
    public void WhatIsNoCountIsNamed()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["half.tsv"], "gene\ts1\ts2\nA\t1\t2.5\n");
        File.WriteAllText(scratch["samples.tsv"], "sample\tcondition\ns1\ta\ns2\tb\n");
        var ended = Coexpr.Run(
            "bulk",
            scratch["half.tsv"],
            "--genes-in",
            "rows",
            "--samples",
            scratch["samples.tsv"],
            "--design",
            "~ condition",
            "--contrast",
            "condition,b,a",
            "-o",
            scratch["out.tsv"]
        );
        Assert.That(ended.Code, Is.EqualTo(2));
        Assert.That(ended.Errors, Does.Contain("gene A has the value 2.5 in cell s2").And.Contain("whole numbers"));
    }

    [Test]
    public void OneSampleOfEachIsRefused()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["two.tsv"], "gene\ts1\ts2\nA\t1\t2\nB\t5\t6\n");
        File.WriteAllText(scratch["samples.tsv"], "sample\tcondition\ns1\ta\ns2\tb\n");
        var ended = Coexpr.Run(
            "bulk",
            scratch["two.tsv"],
            "--genes-in",
            "rows",
            "--samples",
            scratch["samples.tsv"],
            "--design",
            "~ condition",
            "--contrast",
            "condition,b,a",
            "-o",
            scratch["out.tsv"]
        );
        Assert.That(ended.Code, Is.EqualTo(2));
        Assert.That(ended.Errors, Does.Contain("2 samples are left where at least 3 are needed"));
    }
}
