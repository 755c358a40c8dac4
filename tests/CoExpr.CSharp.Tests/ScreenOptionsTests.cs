using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>coexpr de: dispersions, contrasts, filters, outliers, scopes and DESeq2's analysis, from the command line and the
/// facade.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ScreenOptionsTests : IDisposable
{
    const int Genes = 120;

    static readonly DifferentialExpressionOptions Standard = new() { Control = "non-targeting" };

    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    async Task Simulate(int cells, int genes, int perturbations)
    {
        var simulated = await CellSimulation.RunAsync(
            new()
            {
                Cells = cells,
                Genes = genes,
                Density = 0.3,
                Perturbations = perturbations,
            }
        );
        await simulated.SaveAsync(scratch["in.h5ad"]);
    }

    async Task<string> Input()
    {
        await Simulate(400, Genes, 3);
        return scratch["in.h5ad"];
    }

    Ended De(string input, string output, params string[] more) =>
        Coexpr.Run([
            "de",
            input,
            "-o",
            scratch[output],
            "--perturbation",
            "perturbation",
            "--control",
            "non-targeting",
            .. more,
        ]);

    Dictionary<string, string>[] Made(string input, string output, params string[] more)
    {
        var ended = De(input, output, more);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        return Rows(scratch[output]);
    }

    static Dictionary<string, string>[] Rows(string path)
    {
        var lines = File.ReadLines(path).Select(line => line.Split('\t')).ToArray();
        return
        [
            .. lines.Skip(1).Select(line => lines[0].Zip(line).ToDictionary(pair => pair.First, pair => pair.Second)),
        ];
    }

    static double Number(string text) => text == "" ? double.NaN : double.Parse(text, CultureInfo.InvariantCulture);

    JsonElement Record(string output)
    {
        using var record = JsonDocument.Parse(File.ReadAllText(scratch[output] + ".run.json"));
        return record.RootElement.Clone();
    }

    [Test]
    public async Task DispersionsGoIntoATableAndIntoTheGenesOfAnH5ad()
    {
        var input = await Input();
        Made(input, "out.tsv", "--dispersions-to", scratch["genes.tsv"]);
        var genes = Rows(scratch["genes.tsv"]);
        Assert.That(genes, Has.Length.EqualTo(Genes));
        Assert.That(genes.Select(row => row["status"]).Distinct(), Does.Contain("ok"));
        var ended = De(input, "out.h5ad");
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var found = Python.Run(
            """
            import anndata, json, sys
            v = anndata.read_h5ad(sys.argv[1]).var
            print(json.dumps({name: [None if x != x else float(x) for x in v[name]] for name in
                ['dispersion', 'dispersion_raw', 'dispersion_trend', 'dispersion_of_input']}))
            """,
            scratch["out.h5ad"]
        );
        foreach (var name in new[] { "dispersion", "dispersion_raw", "dispersion_trend" })
        {
            var values = found.GetProperty(name).EnumerateArray().ToArray();
            for (var gene = 0; gene < Genes; gene++)
                if (values[gene].ValueKind == JsonValueKind.Null)
                    Assert.That(genes[gene][name], Is.Empty);
                else
                    Assert.That(Number(genes[gene][name]), Is.EqualTo(values[gene].GetDouble()).Within(1e-12));
        }
    }

    [Test]
    public async Task ContrastsTakeThePlaceOfPerturbations()
    {
        var input = await Input();
        var labels = (await DifferentialExpression.ComputeAsync(input, Standard)).Perturbations;
        var (first, second) = (labels[0], labels[1]);
        await File.WriteAllTextAsync(scratch["pairs.tsv"], $"{second}\tnon-targeting\n\n{labels[2]}\t{second}\n");
        string[] more = ["--contrast", $"{first},{second}", "--contrasts", scratch["pairs.tsv"]];
        var rows = Made(input, "out.tsv", more);
        string[] names = [$"{first} vs {second}", $"{second} vs non-targeting", $"{labels[2]} vs {second}"];
        Assert.That(rows.Select(row => row["perturbation"]).Distinct(), Is.EqualTo(names));
        Assert.That(Record("out.tsv").GetProperty("options").GetProperty("contrasts").GetArrayLength(), Is.EqualTo(3));
        var found = await DifferentialExpression.ComputeAsync(
            input,
            Standard with
            {
                Contrasts = [LabelContrast.Parse($"{first},{second}")],
            }
        );
        for (var gene = 0; gene < Genes; gene++)
            Assert.That(
                Number(rows[gene]["log2_fold_change"]),
                Is.EqualTo(found.Row(names[0], found.Genes[gene]).Log2FoldChange).Within(1e-12)
            );
        // The control's contrast is the usual row.
        var usual = await DifferentialExpression.ComputeAsync(input, Standard);
        for (var gene = 0; gene < Genes; gene++)
        {
            var expected = usual.Row(second, usual.Genes[gene]).Log10PValue;
            Assert.That(Number(rows[Genes + gene]["log10_p"]), Is.EqualTo(expected).Within(1e-12));
        }
    }

    [Test]
    public async Task FiltersOutliersAndScopesAreTakenAndRecorded()
    {
        var input = await Input();
        string[] more = ["--independent-filtering", "--alpha", "0.2", "--cooks", "set-aside", "--scope", "comparison"];
        var rows = Made(input, "out.tsv", more);
        var options = Record("out.tsv").GetProperty("options");
        Assert.That(options.GetProperty("independent-filtering").GetDouble(), Is.EqualTo(0.2));
        Assert.That(options.GetProperty("cooks").GetString(), Is.EqualTo("set-aside"));
        Assert.That(options.GetProperty("scope").GetString(), Is.EqualTo("comparison"));
        var chosen = Standard with { IndependentFiltering = 0.2, Cooks = "set-aside", Scope = "comparison" };
        var found = (await DifferentialExpression.ComputeAsync(input, chosen)).Rows.ToArray();
        for (var place = 0; place < rows.Length; place++)
        {
            Assert.That(rows[place]["status"], Is.EqualTo(found[place].Status));
            Assert.That(Number(rows[place]["q"]), Is.EqualTo(found[place].QValue).Within(1e-12));
            Assert.That(Number(rows[place]["dispersion"]), Is.Not.Zero);
            if (Number(rows[place]["cooks_distance"]) > 0)
                Assert.That(rows[place]["cooks_cell"], Does.StartWith("cell"));
        }
    }

    [Test]
    public async Task DESeq2sAnalysisIsMadeOfEachComparison()
    {
        var input = await Input();
        var ended = De(input, "out.tsv", "--compat", "deseq2", "--report", scratch["out.html"]);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var rows = Rows(scratch["out.tsv"]);
        Assert.That(rows, Has.Length.EqualTo(3 * Genes));
        var record = Record("out.tsv");
        Assert.That(record.GetProperty("options").GetProperty("test").GetString(), Is.EqualTo("deseq2-wald"));
        Assert.That(record.GetProperty("options").GetProperty("alpha").GetDouble(), Is.EqualTo(0.1));
        var found = await DifferentialExpression.ComputeAsync(input, (Standard with { Test = "wald" }).Like("deseq2"));
        Assert.That(
            rows.Select(row => Number(row["q"])),
            Is.EqualTo(found.Rows.Select(row => row.QValue)).Within(1e-12)
        );
        foreach (var (row, made) in rows.Zip(found.Rows))
            Assert.That(row["status"], Is.EqualTo(made.Status));
        // Of sparse cells no gene is in all: said aloud.
        Assert.That(ended.Errors, Does.Contain("poscounts"));
    }

    static IEnumerable<TestCaseData> Refused() =>
        [
            new("--dispersions-to has no meaning for --test welch", "--test welch --dispersions-to x.tsv"),
            new("--dispersions-to x.png: a name in .tsv or .csv (.gz) is needed", "--dispersions-to x.png"),
            new("each comparison has dispersions of its own", "--dispersion-each --dispersions-to x.tsv"),
            new("--contrast a: two labels with a comma between them", "--contrast a"),
            new("--contrast: contrl is not known", "--contrast a,contrl"),
            new("a vs a: a label does not differ from itself", "--contrast a,a"),
            new("--contrasts nowhere.tsv: no such file", "--contrasts nowhere.tsv"),
            new("--contrast has no meaning for CRISPYx's test", "--compat crispyx --test wald --contrast a,b"),
            new("--alpha is the level of --independent-filtering", "--alpha 0.1"),
            new("thresholds are chosen for each perturbation", "--independent-filtering --q-over all"),
            new("--alpha 2: a false discovery rate", "--independent-filtering --alpha 2"),
            new("--cooks with --covariates: leverages", "--cooks flag --covariates batch"),
            new("--cooks has no meaning for --test rank-sum", "--test rank-sum --cooks flag"),
            new("--cooks yes: must be off or flag or set-aside", "--cooks yes"),
            new("--scope has no meaning for --test welch", "--test welch --scope comparison"),
            new("leave --dispersion-each out", "--scope comparison --dispersion-each"),
            new("--scope has no meaning for --compat deseq2", "--compat deseq2 --scope comparison"),
            new("--q-over has no meaning for --compat deseq2", "--compat deseq2 --q-over all"),
            new("--compat deseq2: it is of wald, and the test is lrt", "--compat deseq2 --test lrt"),
            new("--batch has no meaning for --test wald", "--compat deseq2 --batch batch"),
        ];

    [TestCaseSource(nameof(Refused))]
    public void IsRefusedInOneLine(string says, string options)
    {
        var input = ScreenSample.Known.WriteH5ad(scratch["in.h5ad"]);
        string[] usual =
        [
            "de",
            input,
            "-o",
            scratch["out.tsv"],
            "--perturbation",
            "perturbation",
            "--control",
            "control",
        ];
        var ended = Coexpr.Run([.. usual, .. options.Split(' ')]);
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain(says));
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "in.h5ad" }));
    }

    [Test]
    public async Task WhatNeedsAllCountsIsRefusedInParts()
    {
        await Simulate(3600, 1500, 100);
        foreach (var option in new[] { "--scope comparison", "--compat deseq2" })
        {
            var ended = De(scratch["in.h5ad"], "out.tsv", [.. option.Split(' '), "--memory", "240M"]);
            Assert.That(ended.Code, Is.EqualTo(2));
            Assert.That(ended.Errors, Does.StartWith($"coexpr: {option}: its "));
        }
        // What does not is the same to the byte.
        string[] more = ["--cooks", "flag", "--independent-filtering", "--test", "wald"];
        string[] tables = ["--dispersions-to", scratch["parts-genes.tsv"]];
        Made(scratch["in.h5ad"], "parts.tsv", [.. more, .. tables, "--memory", "240M"]);
        Made(scratch["in.h5ad"], "whole.tsv", [.. more, "--dispersions-to", scratch["whole-genes.tsv"]]);
        Assert.That(Record("parts.tsv").GetProperty("in_parts").GetBoolean());
        foreach (var ending in new[] { ".tsv", "-genes.tsv" })
        {
            var parts = File.ReadAllBytes(scratch["parts" + ending]);
            Assert.That(parts.AsSpan().SequenceEqual(File.ReadAllBytes(scratch["whole" + ending])), ending);
        }
    }
}
