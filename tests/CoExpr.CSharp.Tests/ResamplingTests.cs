using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Regulators, bootstraps and permutations, from a shell and from C#.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class ResamplingTests : IDisposable
{
    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    string Regulators(params string[] names)
    {
        File.WriteAllLines(scratch["tfs.txt"], names);
        return scratch["tfs.txt"];
    }

    [Test]
    public void ARunSaysHowSureItsScoresAre()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        string[] asked = ["--regulators", Regulators("C"), "--bootstraps", "50", "--permutations", "99", "--seed", "7"];
        var ended = Coexpr.Run(["mi", input, "-o", scratch["out.tsv"], "--top", "2", .. asked]);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(ended.Errors, Does.Contain("4 of 5 genes, 20 cells: 3 pairs scored, 3 kept"));
        var lines = File.ReadAllLines(scratch["out.tsv"]).Select(line => line.Split('\t')).ToArray();
        Assert.That(
            lines[0],
            Is.EqualTo(new[] { "gene_a", "gene_b", "mi", "cells", "sd", "low", "high", "frequency", "p_permutation" })
        );
        // C and D are alike. In a permutation they can share more: where they meet in 3 cells of 5, log2 5 bits.
        var alike = lines.Single(line => line[0] == "C" && line[1] == "D");
        Assert.That(alike[2], Is.EqualTo("2"));
        Assert.That(double.Parse(alike[6]), Is.LessThanOrEqualTo(2).And.GreaterThan(double.Parse(alike[5])));
        Assert.That(double.Parse(alike[7]), Is.InRange(0.5, 1.0));
        Assert.That(alike[8], Is.EqualTo("0.04"));
        var options = JsonDocument
            .Parse(File.ReadAllText(scratch["out.tsv.run.json"]))
            .RootElement.GetProperty("options");
        Assert.That(options.GetProperty("bootstraps").GetInt32(), Is.EqualTo(50));
        Assert.That(options.GetProperty("permutations").GetInt32(), Is.EqualTo(99));
        Assert.That(options.GetProperty("regulators").GetInt32(), Is.EqualTo(1));
        Assert.That(options.GetProperty("seed").GetString(), Is.EqualTo("7"));
    }

    [Test]
    public async Task PairsHaveSpreadsAndPValues()
    {
        var options = new CoExpressionOptions
        {
            All = true,
            Bootstraps = 20,
            Permutations = 19,
            Seed = 3,
        };
        var result = await CoExpression.ComputeAsync(Sample.Known.Data, options);
        var pair = result.Pair("D", "C")!.Value;
        Assert.That(pair.PermutationP, Is.EqualTo(0.05));
        Assert.That(pair.Spread!.Value.Mean, Is.InRange(pair.Spread.Value.Low, pair.Spread.Value.High));
        Assert.That(pair.Spread.Value.Frequency, Is.Null);
        Assert.That(result.Pair("C", "D")!.Value.Spread, Is.EqualTo(pair.Spread));
        var plain = await CoExpression.ComputeAsync(Sample.Known.Data, new() { All = true });
        Assert.That(plain.Pair("C", "D")!.Value.Spread, Is.Null);
        Assert.That(plain.Pair("C", "D")!.Value.PermutationP, Is.Null);
        Assert.That(plain.Pairs.Select(p => p.Score), Is.EqualTo(result.Pairs.Select(p => p.Score)));
    }

    [Test]
    public async Task OnlyPairsOfRegulatorsAreScored()
    {
        var options = new CoExpressionOptions
        {
            All = true,
            Regulators = CoExpression.ReadGeneNames(Regulators("A", "D")),
        };
        var result = await CoExpression.ComputeAsync(Sample.Known.Data, options);
        Assert.That(result.PairsScored, Is.EqualTo(5));
        Assert.That(result.Pair("B", "C"), Is.Null);
        Assert.That(
            result.Pairs.Select(pair => pair.GeneA + pair.GeneB),
            Is.EquivalentTo(new[] { "AB", "AC", "AD", "BD", "CD" })
        );
    }
}
