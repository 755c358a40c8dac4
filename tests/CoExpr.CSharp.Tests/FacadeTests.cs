using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.Kernels;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Cells, scores and files as a C# program meets them.</summary>
public class FacadeTests
{
    // Worked out by hand. A and B exclude each other in 5 + 5 cells: 1 bit, of opposite direction. C is D, four different
    // counts in four cells: 2 bits. A is the same in every cell that expresses A or C. Of the 9 cells that express B or C,
    // 5 do B, and C says which: the entropy of 5/9.
    const double OfB = 0.9910760598382222;

    static readonly CoExpressionOptions All = new() { All = true };

    /// <summary>Keeps what it is told, on the thread that tells it.</summary>
    sealed class Listener(Action<JobProgress>? also = null) : IProgress<JobProgress>
    {
        readonly List<JobProgress> steps = [];

        internal IReadOnlyList<JobProgress> Steps => steps;

        public void Report(JobProgress value)
        {
            lock (steps)
                steps.Add(value);
            also?.Invoke(value);
        }
    }

    static Task<CoExpressionResult> Score(Sample sample, CoExpressionOptions? options = null) =>
        CoExpression.ComputeAsync(sample.Data, options);

    static string[] Kept(CoExpressionResult result) =>
        result.Pairs.Select(pair => $"{pair.GeneA}-{pair.GeneB}").Order().ToArray();

    [Test]
    public async Task ScoresAreThoseWorkedOutByHand()
    {
        var result = await Score(Sample.Known, All);
        Assert.That(result.Genes, Is.EqualTo(new[] { "A", "B", "C", "D" }));
        Assert.That((result.Cells, result.PairsScored, result.PairCount), Is.EqualTo((20, 6L, 6L)));
        Assert.That(result.Pair("A", "B"), Is.EqualTo(new GenePair("A", "B", -1.0, 10)));
        Assert.That(result.Pair("C", "D"), Is.EqualTo(new GenePair("C", "D", 2.0, 4)));
        Assert.That(result.Pair("A", "C"), Is.EqualTo(new GenePair("A", "C", 0.0, 5)));
        Assert.That(result.Pair("C", "B")!.Value.Cells, Is.EqualTo(9));
        Assert.That(result.Pair("C", "B")!.Value.Score, Is.EqualTo(-OfB).Within(1e-8));
    }

    [Test]
    public async Task AFileScoresAsTheDataInMemory()
    {
        using var scratch = new Scratch();
        var expected = (await Score(Sample.Known, All)).Pairs.ToArray();
        string[] files =
        [
            Sample.Known.WriteH5ad(scratch["known.h5ad"]),
            Sample.Known.WriteTsv(scratch["known.tsv"]),
            Sample.Known.WriteTenXFolder(scratch["known"]),
        ];
        foreach (var file in files)
            Assert.That((await CoExpression.ComputeAsync(file, All)).Pairs, Is.EqualTo(expected), file);
    }

    [Test]
    public async Task SparseAndDenseDataAreTheSame()
    {
        // Two cells; the second one's genes out of order.
        var sparse = CellData.FromSparse([0, 1, 3], [1, 2, 0], [5, 7, 6], ["c1", "c2"], ["A", "B", "C"]);
        var dense = CellData.FromDense([0, 5, 0, 6, 0, 7], ["c1", "c2"], ["A", "B", "C"]);
        var options = All with { MinimumCells = 1 };
        var (one, other) = (
            await CoExpression.ComputeAsync(sparse, options),
            await CoExpression.ComputeAsync(dense, options)
        );
        Assert.That((sparse.Entries, dense.Entries), Is.EqualTo((3L, 3L)));
        Assert.That(sparse.GeneNames, Is.EqualTo(dense.GeneNames));
        Assert.That(one.Pairs, Is.EqualTo(other.Pairs));
        Assert.That(one.Pair("A", "B")!.Value, Is.EqualTo(new GenePair("A", "B", -1.0, 2)));
    }

    [Test]
    public async Task AFileIsReadWithItsNames()
    {
        using var scratch = new Scratch();
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"], "again");
        var data = await CellData.ReadAsync(path);
        Assert.That(data.GeneNames, Is.EqualTo(Sample.Known.GeneNames));
        Assert.That(data.CellNames, Is.EqualTo(Sample.Known.CellNames));
        Assert.That((data.Entries, data.Source), Is.EqualTo((20L, path)));
        var layer = await CellData.ReadAsync(path, new ReadSettings { Layer = "again" });
        Assert.That(layer.Entries, Is.EqualTo(20L));
    }

    [Test]
    public async Task RowsAreWhatOneSaysTheyAre()
    {
        using var scratch = new Scratch();
        var path = Sample.Known.WriteTsv(scratch["known.tsv"]);
        var turned = await CellData.ReadAsync(path, new ReadSettings { Rows = MatrixRows.Genes });
        Assert.That(turned.GeneNames, Is.EqualTo(Sample.Known.CellNames));
        Assert.That(turned.CellNames, Is.EqualTo(Sample.Known.GeneNames));
    }

    [Test]
    public async Task ADescriptionSaysShapeAndLayers()
    {
        using var scratch = new Scratch();
        var lines = await CellData.DescribeAsync(Sample.Known.WriteH5ad(scratch["known.h5ad"], "again"));
        var texts = lines.ToDictionary(line => line.Key, line => line.Value);
        Assert.That((texts["cells"], texts["genes"]), Is.EqualTo(("20", "5")));
        Assert.That(texts["layer again"], Does.StartWith("20 x 5"));
    }

    [Test]
    public async Task BinsLimitTheLevels()
    {
        // Four counts in four cells: 1 bit in two bins.
        Assert.That((await Score(Sample.Known, All with { Bins = 2 })).Pair("C", "D")!.Value.Score, Is.EqualTo(1.0));
        Assert.That((await Score(Sample.Known, All with { Bins = 4 })).Pair("C", "D")!.Value.Score, Is.EqualTo(2.0));
    }

    [Test]
    public async Task ScoresWithoutASignAreNotNegative()
    {
        var result = await Score(Sample.Known, All with { Signed = false });
        Assert.That(result.Pair("A", "B")!.Value.Score, Is.EqualTo(1.0));
        Assert.That(result.Pairs.Select(pair => pair.Score), Has.All.GreaterThanOrEqualTo(0.0));
    }

    [Test]
    public async Task OverAllCellsAGeneTellsItselfByWhereItIs()
    {
        var twins = Sample.OfGenes(20, ("A", [1, 1, 1, 1, 1]), ("B", [1, 1, 1, 1, 1]));
        var either = await Score(twins);
        var all = await Score(twins, new() { Cells = CellsIn.All });
        Assert.That(either.Pair("A", "B"), Is.EqualTo(new GenePair("A", "B", 0.0, 5)));
        // The entropy of 1/4.
        Assert.That(all.Pair("A", "B")!.Value.Score, Is.EqualTo(0.8112781244591328).Within(1e-8));
        Assert.That(all.Pair("A", "B")!.Value.Cells, Is.EqualTo(20));
        // A and B of the known sample: 2 · 0.811278 − 1.5, the entropy of (1/2, 1/4, 1/4) being 1.5.
        var apart = (await Score(Sample.Known, All with { Cells = CellsIn.All })).Pair("A", "B")!.Value.Score;
        Assert.That(apart, Is.EqualTo(-0.1225562489182657).Within(1e-8));
    }

    [Test]
    public async Task WhatIsKeptIsWhatWasAskedFor()
    {
        // A's strongest is C (0 bits, before D by name), B's is C (−0.99 bits), C's is D.
        Assert.That(Kept(await Score(Sample.Known, new() { Top = 1 })), Is.EqualTo(new[] { "A-C", "B-C", "C-D" }));
        Assert.That(
            Kept(await Score(Sample.Known, new() { Top = 1, ByMagnitude = true })),
            Is.EqualTo(new[] { "A-B", "C-D" })
        );
        Assert.That(Kept(await Score(Sample.Known, new() { MinimumScore = 0.5 })), Is.EqualTo(new[] { "C-D" }));
        Assert.That(
            Kept(await Score(Sample.Known, new() { MinimumScore = 0.5, ByMagnitude = true })),
            Is.EqualTo(new[] { "A-B", "B-C", "B-D", "C-D" })
        );
        Assert.That(Kept(await Score(Sample.Known, All)), Has.Length.EqualTo(6));
        Assert.That(Kept(await Score(Sample.Known)), Has.Length.EqualTo(6));
    }

    [Test]
    public async Task GenesInFewCellsAreLeftOut()
    {
        Assert.That((await Score(Sample.Known, new() { MinimumCells = 2 })).Genes, Does.Contain("E"));
        Assert.That((await Score(Sample.Known, new() { MinimumCells = 3 })).Genes, Does.Not.Contain("E"));
        Assert.That((await Score(Sample.Known, new() { MinimumCells = 5 })).Genes, Is.EqualTo(new[] { "A", "B" }));
    }

    [Test]
    public async Task GenesOfLittleEntropyAreLeftOut()
    {
        // Entropy of C and D: ln 4 = 1.386; of the others 0. F has no zeros: ln 2, or nothing without its smallest value.
        var withF = Sample.OfGenes(4, ("C", [1, 2, 3, 4]), ("D", [1, 2, 3, 4]), ("F", [1, 1, 2, 2]));
        var narrow = new CoExpressionOptions { EntropyAbove = 1.38 };
        var wide = new CoExpressionOptions { EntropyAbove = 0.69 };
        Assert.That((await Score(Sample.Known, narrow)).Genes, Is.EqualTo(new[] { "C", "D" }));
        Assert.That((await Score(withF, wide)).Genes, Does.Contain("F"));
        var original = await Score(withF, wide with { EntropyWithoutSmallest = true });
        Assert.That(original.Genes, Is.EqualTo(new[] { "C", "D" }));
    }

    [Test]
    public async Task NumPysEdgesAreALittleHigher()
    {
        // The third edge of P is 7 exactly, and 7 + 9e-16 in NumPy, so that there the cell with 7 goes one bin down.
        var sample = Sample.OfGenes(10, ("P", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), ("Q", [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]));
        var exact = await Score(sample, new() { Bins = 3 });
        var numPy = await Score(sample, new() { Bins = 3, NumPyEdges = true });
        // 1 − 0.3 · the entropy of 1/3, and 1 − 0.4.
        Assert.That(exact.Pair("P", "Q")!.Value.Score, Is.EqualTo(0.7245112497836532).Within(1e-8));
        Assert.That(numPy.Pair("P", "Q")!.Value.Score, Is.EqualTo(0.6).Within(1e-8));
    }

    [Test]
    public async Task NegativeValuesCountAsNotExpressedOnRequest()
    {
        var scaled = Sample.Known.With("A", 12, -1);
        Assert.That(
            Assert.ThrowsAsync<CoExprException>(() => Score(scaled, All))!.Kind,
            Is.EqualTo(CoExprErrorKind.BadValue)
        );
        var result = await Score(scaled, All with { NegativeAsZero = true });
        Assert.That(result.Pair("A", "B"), Is.EqualTo(new GenePair("A", "B", -1.0, 10)));
    }

    [Test]
    public async Task ThreadsAndBackendsChangeNothing()
    {
        var simulated = await CellSimulation.RunAsync(
            new()
            {
                Cells = 200,
                Genes = 150,
                Modules = 2,
                GenesPerModule = 20,
            }
        );
        var expected = await CoExpression.ComputeAsync(simulated.Data, new() { Top = 5, Threads = 1 });
        Assert.That(expected.PairCount, Is.GreaterThan(100));
        CoExpressionOptions[] others =
        [
            new() { Top = 5, Threads = 7 },
            new() { Top = 5, Backend = "cpu" },
            new() { Top = 5, Backend = "reference" },
        ];
        foreach (var options in others)
        {
            var result = await CoExpression.ComputeAsync(simulated.Data, options);
            Assert.That(result.Pairs, Is.EqualTo(expected.Pairs), options.ToString());
        }
    }

    [Test]
    public async Task EveryViewOfTheScoresAgrees([Values] bool all)
    {
        var result = await Score(Sample.Known, all ? All : new() { Top = 1 });
        var pairs = result.Pairs.ToDictionary(pair => (pair.GeneA, pair.GeneB));
        Assert.That(pairs, Has.Count.EqualTo(result.PairCount));
        foreach (var gene in result.Genes)
        {
            var partners = result.Partners(gene);
            Assert.That(partners.Select(pair => pair.Score), Is.Ordered.Descending);
            Assert.That(partners.Select(pair => pair.GeneA), Has.All.EqualTo(gene));
            var row = result.Row(gene);
            for (var other = 0; other < result.Genes.Count; other++)
            {
                var name = result.Genes[other];
                var there = result.Pair(gene, name);
                var listed = partners
                    .Where(pair => pair.GeneB == name)
                    .Select(pair => (GenePair?)pair)
                    .SingleOrDefault();
                Assert.That(listed, Is.EqualTo(there));
                Assert.That(row[other], Is.EqualTo(there?.Score ?? 0.0));
                var once = pairs.TryGetValue((gene, name), out var found) || pairs.TryGetValue((name, gene), out found);
                Assert.That(once, Is.EqualTo(there is not null));
                Assert.That(found.Score, Is.EqualTo(there?.Score ?? 0.0));
            }
        }
    }

    [Test]
    public async Task ProgressGoesToTheEndOfEveryStage()
    {
        using var scratch = new Scratch();
        var listener = new Listener();
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        var result = await CoExpression.ComputeAsync(path, All, listener);
        await result.SaveAsync(scratch["known.tsv"], listener);
        var stages = listener
            .Steps.GroupBy(step => step.Stage)
            .ToDictionary(stage => stage.Key, stage => stage.ToArray());
        Assert.That(stages.Keys, Has.Some.StartsWith("reading"));
        Assert.That(stages.Keys, Is.SupersetOf(new[] { "binning", "scoring", "writing" }));
        Assert.That(stages["scoring"][0].Total, Is.EqualTo(6));
        foreach (var (stage, steps) in stages)
        {
            Assert.That(steps.Select(step => step.Done), Is.Ordered.Ascending, stage);
            Assert.That(steps[^1].Done, Is.EqualTo(steps[^1].Total), stage);
        }
    }

    [Test]
    public void AStoppedRunWritesNothing([Values("reading", "binning", "scoring", "writing")] string when)
    {
        using var scratch = new Scratch();
        using var stop = new CancellationTokenSource();
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        var listener = new Listener(step =>
        {
            if (step.Stage.StartsWith(when, StringComparison.Ordinal))
                stop.Cancel();
        });
        Assert.That(
            async () =>
                await CoExpression.RunAsync(
                    path,
                    scratch["out.tsv"],
                    scratch["out.html"],
                    All,
                    progress: listener,
                    token: stop.Token
                ),
            Throws.InstanceOf<OperationCanceledException>()
        );
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "known.h5ad" }));
    }

    [Test]
    public void WhatIsStoppedBeforeItBeginsDoesNothing()
    {
        using var scratch = new Scratch();
        var stopped = new CancellationToken(true);
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        Func<Task>[] jobs =
        [
            () => CellData.ReadAsync(path, token: stopped),
            () => CellData.DescribeAsync(path, token: stopped),
            () => CoExpression.ComputeAsync(path, token: stopped),
            () => CoExpression.ComputeAsync(Sample.Known.Data, token: stopped),
            () => CoExpression.RunAsync(path, scratch["out.tsv"], token: stopped),
            async () => await (await Score(Sample.Known)).SaveAsync(scratch["out.tsv"], token: stopped),
            async () => await (await Score(Sample.Known)).SaveReportAsync(scratch["out.html"], stopped),
            () => CellSimulation.RunAsync(token: stopped),
        ];
        foreach (var job in jobs)
            Assert.That(async () => await job(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "known.h5ad" }));
    }

    [Test]
    public async Task ARunSaysWhatItDid()
    {
        using var scratch = new Scratch();
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        var summary = await CoExpression.RunAsync(path, scratch["out.tsv"], scratch["out.html"], All);
        Assert.That(summary.Result.PairCount, Is.EqualTo(6));
        Assert.That(summary.Text, Does.Contain("4 of 5 genes, 20 cells: 6 pairs scored, 6 kept"));
        Assert.That(summary.Note, Is.Not.Empty);
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "known.h5ad", "out.html", "out.tsv", "out.tsv.run.json" }));
        var usual = await CoExpression.RunAsync(path, scratch["all.tsv"], options: All with { Cells = CellsIn.All });
        Assert.That(usual.Note, Is.Empty);
    }

    [Test]
    public async Task AGeneThatWasNotScoredIsTheCallersMistake()
    {
        var result = await Score(Sample.Known);
        Assert.That(() => result.Partners("nobody"), Throws.ArgumentException.With.Message.Contains("nobody"));
        Assert.That(
            () => result.Pair("A", "E"),
            Throws.ArgumentException.With.Message.Contains("E is not among the 4")
        );
        Assert.That(() => result.Row("nobody"), Throws.ArgumentException);
        Assert.That(() => result.Row(null!), Throws.ArgumentNullException);
        Assert.That(result.Pair("A", "A"), Is.Null);
    }

    [Test]
    public void TwoWaysToKeepPairsAreTheCallersMistake()
    {
        CoExpressionOptions[] contradictions =
        [
            new() { Top = 5, All = true },
            new() { Top = 5, MinimumScore = 0.1 },
            new() { MinimumScore = 0.1, All = true },
        ];
        foreach (var options in contradictions)
            Assert.That(async () => await Score(Sample.Known, options), Throws.ArgumentException);
    }

    [Test]
    public void MatricesThatDoNotFitAreTheCallersMistake()
    {
        Assert.That(() => CellData.FromDense([1, 2, 3], ["c1", "c2"], ["A", "B"]), Throws.ArgumentException);
        Assert.That(() => CellData.FromSparse([0, 1], [5], [1], ["c1"], ["A", "B"]), Throws.ArgumentException);
        Assert.That(() => CellData.FromSparse([0, 2], [0], [1], ["c1"], ["A", "B"]), Throws.ArgumentException);
        Assert.That(() => CellData.FromSparse([0, 1], [0], [1], ["c1", "c2"], ["A"]), Throws.ArgumentException);
        Assert.That(() => CellData.FromDense(null!, [], []), Throws.ArgumentNullException);
    }
}
