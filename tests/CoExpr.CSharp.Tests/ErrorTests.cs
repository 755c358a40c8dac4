using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Bad data, files and options as exceptions: each its kind, and a message that says where.</summary>
public class ErrorTests
{
    static void Refuses(CoExprErrorKind kind, string says, Func<Task> job)
    {
        var error = Assert.ThrowsAsync<CoExprException>(() => job());
        Assert.That(error!.Kind, Is.EqualTo(kind), error.Message);
        Assert.That(error.Message, Does.Contain(says));
    }

    static Task Score(Sample sample, CoExpressionOptions? options = null) =>
        CoExpression.ComputeAsync(sample.Data, options);

    [Test]
    public void NoFile() =>
        Refuses(CoExprErrorKind.FileNotFound, "nowhere.h5ad", () => CellData.ReadAsync("nowhere.h5ad"));

    [Test]
    public void AFileOfNoKnownKind()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["notes.docx"], "cells");
        Refuses(CoExprErrorKind.UnknownFormat, ".docx", () => CellData.ReadAsync(scratch["notes.docx"]));
    }

    [Test]
    public void AFileThatIsCutShort()
    {
        using var scratch = new Scratch();
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..2000]);
        Refuses(CoExprErrorKind.DamagedFile, "known.h5ad", () => CellData.ReadAsync(path));
    }

    [Test]
    public void ALayerThatIsNotThere()
    {
        using var scratch = new Scratch();
        var path = Sample.Known.WriteH5ad(scratch["known.h5ad"], "counts");
        Refuses(
            CoExprErrorKind.MissingPart,
            "Did you mean layer counts?",
            () => CellData.ReadAsync(path, new ReadSettings { Layer = "count" })
        );
    }

    [Test]
    public void AValueThatIsNoNumber()
    {
        Refuses(
            CoExprErrorKind.BadValue,
            "gene B has the value NaN in cell cell4",
            () => Score(Sample.Known.With("B", 3, float.NaN))
        );
        Refuses(
            CoExprErrorKind.BadValue,
            "gene D has the value Infinity in cell cell20",
            () => Score(Sample.Known.With("D", 19, float.PositiveInfinity))
        );
    }

    [Test]
    public void TwoGenesOfOneName() =>
        Refuses(
            CoExprErrorKind.DuplicateName,
            "gene A stands at two places, 1 and 4",
            () => Score(Sample.Known.Renamed("D", "A"))
        );

    [Test]
    public void FewerNamesThanCells()
    {
        using var scratch = new Scratch();
        var path = Sample.Known.WriteTenXFolder(scratch["known"]);
        File.WriteAllLines(scratch["known/barcodes.tsv"], Sample.Known.CellNames.Skip(1));
        Refuses(CoExprErrorKind.DamagedFile, "names 19 cells, where matrix.mtx has 20", () => CellData.ReadAsync(path));
    }

    [Test]
    public void ABackendThatThereIsNot() =>
        Refuses(
            CoExprErrorKind.UnknownLabel,
            "Did you mean reference?",
            () => Score(Sample.Known, new() { Backend = "referense" })
        );

    [Test]
    public void NoGenesLeft() =>
        Refuses(
            CoExprErrorKind.TooFew,
            "0 genes are left where at least 2 are needed",
            () => Score(Sample.Known, new() { MinimumCells = 21 })
        );

    [Test]
    public void OptionsOutOfRange()
    {
        (string Says, CoExpressionOptions Options)[] bad =
        [
            ("--bins 1", new() { Bins = 1 }),
            ("--bins 256", new() { Bins = 256 }),
            ("--threads 0", new() { Threads = 0 }),
            ("--top 0", new() { Top = 0 }),
            ("--min NaN", new() { MinimumScore = double.NaN }),
            ("--min-cells 0", new() { MinimumCells = 0 }),
            ("--entropy-above Infinity", new() { EntropyAbove = double.PositiveInfinity }),
        ];
        foreach (var (says, options) in bad)
            Refuses(CoExprErrorKind.BadOption, says, () => Score(Sample.Known, options));
    }

    [Test]
    public async Task AnOutputThatCannotBe()
    {
        using var scratch = new Scratch();
        var result = await CoExpression.ComputeAsync(Sample.Known.Data);
        Refuses(CoExprErrorKind.CannotWrite, "no such folder", () => result.SaveAsync(scratch["nowhere/out.tsv"]));
        Refuses(CoExprErrorKind.BadOption, "out.txt", () => result.SaveAsync(scratch["out.txt"]));
        Refuses(
            CoExprErrorKind.CannotWrite,
            "no such folder",
            () => result.SaveReportAsync(scratch["nowhere/out.html"])
        );
        Assert.That(scratch.Files(), Is.Empty);
    }

    [Test]
    public void MoreThanFits()
    {
        using var scratch = new Scratch();
        var header = "%%MatrixMarket matrix coordinate integer general\n3000000000 2 1\n1 1 1\n";
        File.WriteAllText(scratch["large.mtx"], header);
        Refuses(CoExprErrorKind.TooLarge, "3000000000", () => CellData.ReadAsync(scratch["large.mtx"]));
    }

    [Test]
    public void SettingsOfASimulationOutOfRange() =>
        Refuses(CoExprErrorKind.BadOption, "density 2", () => CellSimulation.RunAsync(new() { Density = 2 }));
}
