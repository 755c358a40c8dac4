using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>A table of damaged files and absurd options: each is refused in one line, with exit code 2, and nothing is
/// written.</summary>
[Parallelizable(ParallelScope.All)]
public class BadInputTests
{
    static Func<Scratch, string> Known(Func<Sample, Sample>? change = null) =>
        scratch => (change is null ? Sample.Known : change(Sample.Known)).WriteH5ad(scratch["in.h5ad"], "counts");

    static Func<Scratch, string> CutAt(int percent) =>
        scratch =>
        {
            var path = Sample.Known.WriteH5ad(scratch["in.h5ad"]);
            var bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, bytes[..(bytes.Length * percent / 100)]);
            return path;
        };

    static Func<Scratch, string> Holding(string name, string text) =>
        scratch =>
        {
            File.WriteAllText(scratch[name], text);
            return scratch[name];
        };

    static TestCaseData Case(string name, string says, Func<Scratch, string> input, params string[] options) =>
        new TestCaseData(says, input, options).SetArgDisplayNames(name);

    /// <summary>Name, part of the message, input, options; in these {} is the test's folder. Without an -o it is {}/out.tsv.</summary>
    static IEnumerable<TestCaseData> Table() =>
        [
            Case("no file", "in.h5ad: no such file or folder.", scratch => scratch["in.h5ad"]),
            Case("no name", "no such file or folder.", _ => ""),
            Case("unknown ending", ".docx is no known ending", Holding("in.docx", "cells")),
            Case("empty folder", "in", scratch => Directory.CreateDirectory(scratch["in"]).FullName),
            Case("text named .h5ad", "in.h5ad", Holding("in.h5ad", "gene\tcell\nA\t1\n")),
            Case("empty .h5ad", "in.h5ad", Holding("in.h5ad", "")),
            Case("empty .tsv", "in.tsv", Holding("in.tsv", "")),
            Case("a word for a number", "in.tsv", Holding("in.tsv", "cell\tA\tB\nc1\t1\tx\n")),
            Case("a short row", "in.tsv", Holding("in.tsv", "cell\tA\tB\nc1\t1\n")),
            Case("cut at 10 %", "in.h5ad: the file is damaged", CutAt(10)),
            Case("cut at 50 %", "in.h5ad: the file is damaged", CutAt(50)),
            Case("cut at 90 %", "in.h5ad: the file is damaged", CutAt(90)),
            Case("NaN", "gene B has the value NaN in cell cell4", Known(known => known.With("B", 3, float.NaN))),
            Case(
                "infinite",
                "gene D has the value Infinity in cell cell20",
                Known(known => known.With("D", 19, float.PositiveInfinity))
            ),
            Case(
                "negative",
                "gene A has the value -1.5 in cell cell1. Values must not be negative; are these scaled data? --negative-as-zero",
                Known(known => known.With("A", 0, -1.5f))
            ),
            Case(
                "negative and NaN",
                "gene A has the value NaN",
                Known(known => known.With("A", 0, float.NaN)),
                "--negative-as-zero"
            ),
            Case(
                "two genes of one name",
                "gene A stands at two places, 1 and 4",
                Known(known => known.Renamed("D", "A"))
            ),
            Case(
                "no such layer",
                "there is no layer count; present: X, layer counts. Did you mean layer counts?",
                Known(),
                "--layer",
                "count"
            ),
            Case("no raw", "there is no raw", Known(), "--layer", "raw"),
            Case(
                "a layer of a table",
                "there is no layer count",
                Holding("in.tsv", "cell\tA\tB\nc1\t1\t2\n"),
                "--layer",
                "count"
            ),
            Case(
                "no genes left",
                "0 genes are left where at least 2 are needed. Of 5 genes in",
                Known(),
                "--min-cells",
                "21"
            ),
            Case("one gene left", "1 genes are left", Holding("in.tsv", "cell\tA\tB\nc1\t1\t0\n"), "--min-cells", "1"),
            Case("one bin", "--bins 1: 2 to 255 are allowed", Known(), "--bins", "1"),
            Case("one bootstrap", "--bootstraps 1: 2 to 1000000 are allowed", Known(), "--bootstraps", "1"),
            Case("negative permutations", "--permutations -1: 1 to 10000000", Known(), "--permutations", "-1"),
            Case(
                "95 for 95 %",
                "--confidence 95: a share between 0 and 1",
                Known(),
                "--bootstraps",
                "9",
                "--confidence",
                "95"
            ),
            Case("no list of regulators", "no.txt: no such file", Known(), "--regulators", "{}/no.txt"),
            Case("regulators that are no genes", "known: A, B, C, D, E", Known(), "--regulators", "{}/in.h5ad"),
            Case(
                "bootstraps in an array",
                "--bootstraps and --permutations need a name in .h5ad, .tsv",
                Known(),
                "--bootstraps",
                "9",
                "-o",
                "{}/out.npy"
            ),
            Case("256 bins", "--bins 256: 2 to 255 are allowed", Known(), "--bins", "256"),
            Case("no threads", "--threads 0: 1 or more are needed", Known(), "--threads", "0"),
            Case("no partners", "--top 0: 1 or more are needed", Known(), "--top", "0"),
            Case("top of a word", "--top abc: a whole number of at most 2147483647 is needed", Known(), "--top", "abc"),
            Case("top of a fraction", "--top 1.5: a whole number", Known(), "--top", "1.5"),
            Case(
                "top of too much",
                "--top 3000000000: a whole number of at most 2147483647",
                Known(),
                "--top",
                "3000000000"
            ),
            Case("a word of bits", "--min abc: a number such as 0.5 is needed", Known(), "--min", "abc"),
            Case("a comma", "--min 0,5: a number such as 0.5 is needed", Known(), "--min", "0,5"),
            Case("no number of bits", "--min NaN: a number is needed", Known(), "--min", "nan"),
            Case("option without its value", "--min", Known(), "--min"),
            Case("unknown option", "--frobnicate", Known(), "--frobnicate"),
            Case("unknown convention", "--cells some: must be either or all", Known(), "--cells", "some"),
            Case("unknown progress", "--progress some: must be auto or always or never", Known(), "--progress", "some"),
            Case("unknown side", "--genes-in left: must be rows or columns", Known(), "--genes-in", "left"),
            Case(
                "signed and unsigned",
                "--signed and --unsigned exclude each other",
                Known(),
                "--signed",
                "--unsigned"
            ),
            Case("unknown measure", "--measure mutual: must be mi or nmi-min", Known(), "--measure", "mutual"),
            Case("unknown estimator", "--estimator some: must be plugin or", Known(), "--estimator", "some"),
            Case("unknown transform", "--transform some: must be none or clr", Known(), "--transform", "some"),
            Case("a rate of 0", "--fdr 0: a rate between 0 and 1", Known(), "--fdr", "0", "--cells", "all"),
            Case("p without all cells", "--p-values yes: --cells all is needed", Known(), "--p-values"),
            Case("a rate without all cells", "--fdr 0.05: --cells all is needed", Known(), "--fdr", "0.05"),
            Case(
                "p of a cosine",
                "--p-values yes: the G-test is a test of mutual information, and --measure cosine is none",
                Known(),
                "--p-values",
                "--measure",
                "cosine"
            ),
            Case(
                "an estimator of a cosine",
                "--estimator shrink: it estimates mutual information, and --measure cosine is none",
                Known(),
                "--estimator",
                "shrink",
                "--measure",
                "cosine"
            ),
            Case(
                "the sign of a cosine",
                "--signed gives mutual information a sign, and --measure cosine is none",
                Known(),
                "--signed",
                "--measure",
                "cosine"
            ),
            Case(
                "a cosine without a sign",
                "--unsigned leaves mutual information without one, and --measure cosine is none",
                Known(),
                "--unsigned",
                "--measure",
                "cosine"
            ),
            Case(
                "bins of a cosine",
                "--bins is of mutual information, and --measure cosine is none",
                Known(),
                "--bins",
                "5",
                "--measure",
                "cosine"
            ),
            Case("a seed of nothing", "--seed is of --bootstraps and --permutations", Known(), "--seed", "3"),
            Case(
                "confidence in nothing",
                "--confidence is of the interval that --bootstraps adds",
                Known(),
                "--confidence",
                "0.9"
            ),
            Case(
                "an entropy of nothing",
                "--entropy-without-smallest says how --entropy-above is meant",
                Known(),
                "--entropy-without-smallest"
            ),
            Case(
                "p of a transform",
                "a p-value is one of a pair's own score, and --transform clr replaces it",
                Known(),
                "--p-values",
                "--cells",
                "all",
                "--transform",
                "clr"
            ),
            Case("signed false", "false", Known(), "--signed", "false"),
            Case(
                "top and min",
                "--top, --min, --fdr and --all exclude each other",
                Known(),
                "--top",
                "5",
                "--min",
                "0.1"
            ),
            Case("top twice", "--top", Known(), "--top", "5", "--top", "6"),
            Case(
                "unknown backend",
                "--backend: referense is not known; known: auto, cpu, gpu, gpu:N, opencl-cpu, reference. Did you mean reference?",
                Known(),
                "--backend",
                "referense"
            ),
            Case("no such gpu", "A graphics card for --backend gpu:99 was not found", Known(), "--backend", "gpu:99"),
            Case("no number", "--backend gpu:x: a device is gpu or gpu:N, N from 0", Known(), "--backend", "gpu:x"),
            Case("output in no folder", "no such folder", Known(), "-o", "{}/nowhere/out.tsv"),
            Case("output below a file", "in.h5ad/out.tsv", Known(), "-o", "{}/in.h5ad/out.tsv"),
            Case(
                "output is a folder",
                "it is a folder",
                scratch => Directory.CreateDirectory(scratch["in.h5ad"]).FullName,
                "-o",
                "{}/in.h5ad"
            ),
            Case(
                "output of no known kind",
                "a name in .h5ad, .tsv, .csv (.gz), .npz or .npy is needed",
                Known(),
                "-o",
                "{}/out.xlsx"
            ),
            Case("output without a name", "--output", Known(), "-o", ""),
            Case("output is input", "the output would replace the input", Known(), "-o", "{}/in.h5ad"),
            Case("report is input", "in.h5ad: a name in .html is needed", Known(), "--report", "{}/in.h5ad"),
            Case("report of no known kind", "out.pdf: a name in .html is needed", Known(), "--report", "{}/out.pdf"),
            Case("report in no folder", "no such folder", Known(), "--report", "{}/nowhere/out.html"),
            Case("report without a name", "--report : a name in .html is needed", Known(), "--report", ""),
        ];

    static void IsRefused(Ended ended, string says)
    {
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Output, Is.Empty);
        Assert.That(ended.Errors, Does.StartWith("coexpr: ").And.Contain(says));
        Assert.That(ended.Errors.TrimEnd('\n'), Does.Not.Contain("\n"));
    }

    [TestCaseSource(nameof(Table))]
    public void IsRefusedInOneLine(string says, Func<Scratch, string> input, string[] options)
    {
        using var scratch = new Scratch();
        var path = input(scratch);
        var before = scratch.Files().ToDictionary(file => file, file => File.ReadAllBytes(scratch[file]));
        var placed = options.Select(option => option.Replace("{}", scratch[""], StringComparison.Ordinal)).ToArray();
        string[] output = placed.Contains("-o") ? [] : ["-o", scratch["out.tsv"]];
        IsRefused(Coexpr.Run(["mi", path, .. output, .. placed]), says);
        Assert.That(scratch.Files(), Is.EqualTo(before.Keys));
        foreach (var (file, bytes) in before)
            Assert.That(File.ReadAllBytes(scratch[file]), Is.EqualTo(bytes), file);
    }

    [Test, Platform("Linux")]
    public void AWrongHdf5LibraryIsNamed([Values("/nosuch", "libSystem.Native.so")] string library)
    {
        using var scratch = new Scratch();
        var path = Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), library);
        var input = Known()(scratch);
        var says = $"COEXPR_HDF5 is set to {path}, which is no HDF5 library";
        IsRefused(Coexpr.RunWith(("COEXPR_HDF5", path), "info", input), says);
    }

    [Test]
    public void AnInstructionSetThatThereIsNotIsNamed()
    {
        using var scratch = new Scratch();
        var ended = Coexpr.RunWith(("COEXPR_SIMD", "sse9"), "mi", Known()(scratch), "-o", scratch["o.tsv"]);
        IsRefused(ended, "COEXPR_SIMD sse9: this processor has scalar");
    }

    [Test]
    public void AReportIsNotWrittenOverAnotherKindOfFile()
    {
        using var scratch = new Scratch();
        var data = CellData.FromDense([1, 0, 1, 1, 0, 1], ["a", "b", "c"], ["x", "y"]);
        var result = CoExpression.ComputeAsync(data, new() { MinimumCells = 1 }).Result;
        var error = Assert.ThrowsAsync<CoExprException>(() => result.SaveReportAsync(scratch["out.h5ad"]))!;
        Assert.That(error.Message, Does.Contain("a name in .html is needed"));
        Assert.That(scratch.Files(), Is.Empty);
    }

    [TestCase("Option '--output' is required", "mi {}/in.h5ad")]
    [TestCase("Required argument missing", "mi -o {}/out.tsv")]
    [TestCase("Required command was not provided", "")]
    [TestCase("'frobnicate'", "frobnicate")]
    [TestCase("no such file or folder", "info {}/in.h5ad")]
    [TestCase("no such file or folder", "info {}/in.h5ad --json")]
    [TestCase("'false'", "info {}/in.h5ad --json false")]
    [TestCase("a name in .h5ad is needed", "simulate -o {}/out.tsv")]
    [TestCase("no such folder", "simulate -o {}/nowhere/out.h5ad")]
    [TestCase("--cells abc: a whole number of at most 2147483647 is needed", "simulate -o {}/out.h5ad --cells abc")]
    [TestCase("--density 0,1: a number such as 0.5 is needed", "simulate -o {}/out.h5ad --density 0,1")]
    [TestCase("--seed -1: a whole number of at most 18446744073709551615", "simulate -o {}/out.h5ad --seed -1")]
    [TestCase("cells 0: must be 1 to", "simulate -o {}/out.h5ad --cells 0")]
    [TestCase("density 2: must lie between 0 and 1", "simulate -o {}/out.h5ad --density 2")]
    [TestCase("threads 0: must be 1 to", "simulate -o {}/out.h5ad --threads 0")]
    [TestCase("genes 50: must be 100 or more", "simulate -o {}/out.h5ad --genes 50 --modules 5 --module-genes 20")]
    [TestCase("threads 0: must be 1 to", "demo -o {}/demo --threads 0")]
    public void OtherCommandsRefuseInOneLineToo(string says, string command)
    {
        using var scratch = new Scratch();
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        IsRefused(
            Coexpr.Run([.. words.Select(word => word.Replace("{}", scratch[""], StringComparison.Ordinal))]),
            says
        );
        Assert.That(Directory.GetFileSystemEntries(scratch[""]), Is.Empty);
    }

    // Root may write anywhere but there.
    [TestCase("mi {}/in.h5ad -o /proc/out.tsv")]
    [TestCase("mi {}/in.h5ad -o {}/out.tsv --report /proc/out.html")]
    [TestCase("mi {}/in.h5ad -o /proc/nowhere/out.tsv")]
    [TestCase("simulate -o /proc/out.h5ad")]
    [TestCase("demo -o /proc/demo")]
    [TestCase("demo -o {}/in.h5ad")]
    public void WhereNothingCanBeWrittenIsRefused(string command)
    {
        if (!Directory.Exists("/proc"))
            Assert.Ignore("there is no /proc here");
        using var scratch = new Scratch();
        Sample.Known.WriteH5ad(scratch["in.h5ad"]);
        var words = command.Split(' ').Select(word => word.Replace("{}", scratch[""], StringComparison.Ordinal));
        IsRefused(Coexpr.Run([.. words]), "");
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "in.h5ad" }));
    }

    [Test]
    public void TheInputByAnotherNameIsNoOutput()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("making a link needs rights on Windows");
        using var scratch = new Scratch();
        var input = Sample.Known.WriteH5ad(scratch["in.h5ad"]);
        var bytes = File.ReadAllBytes(input);
        File.CreateSymbolicLink(scratch["link.h5ad"], input);
        Directory.CreateSymbolicLink(scratch["here"], scratch[""]);
        foreach (var name in new[] { "link.h5ad", "here/in.h5ad", "here/link.h5ad" })
        {
            IsRefused(Coexpr.Run("mi", input, "-o", scratch[name]), "the output would replace the input");
            IsRefused(Coexpr.Run("mi", scratch[name], "-o", input), "the output would replace the input");
        }
        Assert.That(File.ReadAllBytes(input), Is.EqualTo(bytes));
    }

    [Test]
    public void AFullDiskLeavesNothing([Values("tsv", "h5ad", "npy", "npz")] string ending)
    {
        using var scratch = new Scratch();
        // Counts of no pattern, whose scores do not pack well.
        var random = new System.Random(1);
        var genes = Enumerable
            .Range(0, 200)
            .Select(gene => ($"gene{gene}", Enumerable.Range(1, 30).Select(_ => (float)random.Next(9)).ToArray()));
        var input = Sample.OfGenes(30, [.. genes]).WriteTsv(scratch["in.tsv"]);
        var disk = Directory.CreateDirectory(scratch["disk"]).FullName;
        using var mounted = SmallDisk.MountOrSkip(disk);
        // 200 x 200 scores need more than its 64 kB; the options and the folder are fine.
        IsRefused(
            Coexpr.Run("mi", input, "-o", Path.Combine(disk, $"out.{ending}"), "--all", "--quiet"),
            ending == "h5ad" ? "No space left on device" : "the disk is full"
        );
        Assert.That(Directory.GetFileSystemEntries(disk), Is.Empty);
    }
}

/// <summary>A disk in memory that is soon full.</summary>
sealed class SmallDisk : IDisposable
{
    readonly string folder;

    SmallDisk(string folder) => this.folder = folder;

    internal static SmallDisk MountOrSkip(string folder)
    {
        if (!OperatingSystem.IsLinux() || !Succeeds("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder))
            Assert.Ignore("mounting a small disk needs Linux and root");
        return new(folder);
    }

    static bool Succeeds(string program, params string[] arguments)
    {
        using var running = Programs.Start(new(program, arguments) { RedirectStandardError = true });
        running.WaitForExit();
        return running.ExitCode == 0;
    }

    public void Dispose() => Succeeds("umount", folder);
}
