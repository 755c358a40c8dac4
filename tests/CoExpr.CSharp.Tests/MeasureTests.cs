using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using CoExpr.Kernels;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Measures, estimators, transforms and p-values as a C# program and a shell meet them.</summary>
public class MeasureTests
{
    static readonly CoExpressionOptions All = new() { All = true };

    static readonly CoExpressionOptions Tested = All with { Cells = CellsIn.All, PValues = true };

    // G of the table 10 5 / 5 0 and its p, by scipy's chi2_contingency.
    const double OfApart = 0.06527628230888137;

    static async Task<GenePair> Of(string a, string b, CoExpressionOptions options) =>
        (await CoExpression.ComputeAsync(Sample.Known.Data, options)).Pair(a, b)!.Value;

    [TestCase("pearson", "A", "B", -1.0 / 3.0, 20)]
    [TestCase("pearson", "C", "D", 1.0, 20)]
    [TestCase("spearman", "C", "D", 1.0, 20)]
    [TestCase("cosine", "A", "B", 0.0, 20)]
    [TestCase("jaccard", "A", "C", 0.8, 5)]
    [TestCase("nmi-min", "C", "D", 1.0, 4)]
    [TestCase("nmi-mean", "C", "D", 1.0, 4)]
    [TestCase("nmi-joint", "A", "B", -1.0, 10)]
    public async Task AMeasureIsAskedForByName(string measure, string a, string b, double score, int cells)
    {
        var pair = await Of(a, b, All with { Measure = measure });
        Assert.That(pair.Score, Is.EqualTo(score).Within(1e-15));
        Assert.That((pair.Cells, pair.PValue), Is.EqualTo((cells, (double?)null)));
    }

    [Test]
    public async Task AnEstimatorIsAskedForByName()
    {
        // C and D over their four cells: 4 rows, 4 columns, 4 cells: (4 + 4 − 4 − 1) / (2 · 4 ln 2) more.
        var corrected = await Of("C", "D", All with { Estimator = "miller-madow" });
        Assert.That(corrected.Score, Is.EqualTo(2.0 + 3.0 / (8.0 * Math.Log(2.0))).Within(1e-8));
        // 4 cells of 16 bins are drawn all the way: (1 − 1/4) / (3 (1/4 − 1/16)) is above 1.
        Assert.That((await Of("C", "D", All with { Estimator = "shrink" })).Score, Is.EqualTo(0.0).Within(1e-12));
    }

    [Test]
    public async Task ATransformIsAskedForByName()
    {
        var plain = await Of("C", "D", All);
        var clr = await Of("C", "D", All with { Transform = "clr" });
        Assert.That(clr.Score, Is.Not.EqualTo(plain.Score).And.GreaterThan(0.0));
        Assert.That(clr.Cells, Is.EqualTo(plain.Cells));
        Assert.That((await Of("C", "D", All with { Transform = "mrnet" })).Score, Is.EqualTo(2.0).Within(1e-12));
    }

    [Test]
    public async Task APairHasItsPAndQ()
    {
        var pair = await Of("A", "B", Tested);
        Assert.That(pair.PValue, Is.EqualTo(OfApart).Within(1e-8));
        Assert.That(pair.Log10PValue, Is.EqualTo(Math.Log10(pair.PValue!.Value)).Within(1e-12));
        Assert.That(pair.QValue, Is.GreaterThanOrEqualTo(pair.PValue));
    }

    [Test]
    public async Task AFalseDiscoveryRateKeepsThePairsOfThatQ()
    {
        var all = await CoExpression.ComputeAsync(Sample.Known.Data, Tested);
        var rate = all.Pairs.Select(pair => pair.QValue!.Value).Order().ElementAt(2);
        var expected = all.Pairs.Where(pair => pair.QValue <= rate).ToArray();
        Assert.That(expected, Has.Length.InRange(3, 5));
        var kept = await CoExpression.ComputeAsync(
            Sample.Known.Data,
            new() { Cells = CellsIn.All, FalseDiscoveryRate = rate }
        );
        Assert.That(kept.Pairs, Is.EquivalentTo(expected));
    }

    [TestCase("mi")]
    [TestCase("jaccard")]
    public void ATableNamesItsMeasure(string measure)
    {
        using var scratch = new Scratch();
        var input = Sample.Known.WriteH5ad(scratch["in.h5ad"]);
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--measure", measure, "--quiet");
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(File.ReadLines(scratch["out.tsv"]).First(), Is.EqualTo($"gene_a\tgene_b\t{measure}\tcells"));
        var record = JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"])).RootElement;
        Assert.That(record.GetProperty("options").GetProperty("measure").GetString(), Is.EqualTo(measure));
    }

    [Test]
    public void ATransformIsInTheNameOfScores()
    {
        using var scratch = new Scratch();
        var input = Sample.Known.WriteH5ad(scratch["in.h5ad"]);
        string[] options = ["--measure", "nmi-joint", "--transform", "clr", "--top", "1"];
        var ended = Coexpr.Run(["mi", input, "-o", scratch["out.csv"], .. options, "--report", scratch["out.html"]]);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(File.ReadLines(scratch["out.csv"]).First(), Is.EqualTo("gene_a,gene_b,nmi_joint_clr,cells"));
        Assert.That(
            File.ReadAllText(scratch["out.html"]),
            Does.Contain("Context likelihood of mutual information over the joint entropy")
        );
    }

    const string Reader = """
        import sys, json, numpy as np, anndata, csv
        folder = sys.argv[1]
        def varp(path, name):
            matrix = anndata.read_h5ad(folder + path).varp[name]
            return np.asarray(matrix.todense() if hasattr(matrix, 'todense') else matrix)
        def close(a, b):
            assert np.allclose(a, b, rtol=1e-12, atol=0), (a, b)
        rows = list(csv.DictReader(open(folder + 'out.tsv'), delimiter='\t'))
        assert list(rows[0]) == ['gene_a', 'gene_b', 'mi', 'cells', 'p', 'log10_p', 'q'], list(rows[0])
        genes = list(anndata.read_h5ad(folder + 'out.h5ad').var_names)
        archive = np.load(folder + 'out.npz')
        for kind in ['p', 'q']:
            for path in ['out.h5ad', 'all.h5ad']:
                matrix = varp(path, 'mi_neg_log10_' + kind)
                assert np.array_equal(matrix, matrix.T) and not matrix.diagonal().any()
                for row in rows:
                    close(matrix[genes.index(row['gene_a']), genes.index(row['gene_b'])], -np.log10(float(row[kind])))
            assert len(archive[kind]) == 2 * len(rows)
            close(sorted(archive[kind]), sorted(2 * [float(row[kind]) for row in rows]))
        close(archive['log10_p'], np.log10(archive['p']))
        print(json.dumps(len(rows)))
        """;

    [Test]
    public async Task PAndQAreReadBackElsewhere()
    {
        using var scratch = new Scratch();
        var few = await CoExpression.ComputeAsync(Sample.Known.Data, Tested with { All = false, Top = 1 });
        foreach (var name in new[] { "out.tsv", "out.h5ad", "out.npz" })
            await few.SaveAsync(scratch[name]);
        await (await CoExpression.ComputeAsync(Sample.Known.Data, Tested)).SaveAsync(scratch["all.h5ad"]);
        Assert.That(Python.Run(Reader, scratch[""] + "/").GetInt32(), Is.EqualTo(few.PairCount));
    }

    [Test]
    public void WhatIsNotKnownIsSaid()
    {
        foreach (
            var (says, options) in new (string, CoExpressionOptions)[]
            {
                ("--measure: pearsn is not known", new() { Measure = "pearsn" }),
                ("--estimator: shrnk is not known", new() { Estimator = "shrnk" }),
                ("--transform: clrr is not known", new() { Transform = "clrr" }),
                ("--cells all is needed", new() { PValues = true }),
            }
        )
            Assert.That(
                async () => await CoExpression.ComputeAsync(Sample.Known.Data, options),
                Throws.TypeOf<CoExprException>().With.Message.Contains(says)
            );
    }
}
