using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using CoExpr.Gpu;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>The commands as a shell runs them: what they write, print and end with.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class CommandLineTests : IDisposable
{
    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    static void IsDone(Ended ended) => Assert.That(ended.Code, Is.Zero, ended.Errors);

    [Test]
    public void HelpShowsAnExample([Values("", "mi", "de", "info", "simulate", "backends", "demo")] string command)
    {
        var ended = Coexpr.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        IsDone(ended);
        Assert.That(ended.Errors, Is.Empty);
        Assert.That(ended.Output, Does.Contain($"Example: coexpr {(command == "" ? "mi" : command)}"));
        Assert.That(ended.Output, Does.Contain($"coexpr {command}".TrimEnd() + " ").And.Not.Contain("CoExpr.Cli"));
    }

    [Test]
    public void TheVersionIsThatOfTheLibrary() =>
        Assert.That(Coexpr.Run("--version").Output, Does.StartWith(Machine.Version));

    [Test]
    public void ARunWritesItsOutputItsRecordAndItsReport()
    {
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--report", scratch["out.html"], "--all");
        IsDone(ended);
        Assert.That(ended.Output, Is.Empty);
        Assert.That(ended.Errors, Does.Contain("4 of 5 genes, 20 cells: 6 pairs scored, 6 kept").And.Contain("Note: "));
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "known.h5ad", "out.html", "out.tsv", "out.tsv.run.json" }));
        Assert.That(File.ReadAllLines(scratch["out.tsv"]), Does.Contain("C\tD\t2\t4"));
        var record = JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"])).RootElement;
        Assert.That(record.GetProperty("version").GetString(), Is.EqualTo(Machine.Version));
        Assert.That(record.GetProperty("counts").GetProperty("pairs kept").GetInt32(), Is.EqualTo(6));
        Assert.That(record.GetProperty("options").GetProperty("all").GetBoolean());
    }

    [Test]
    public void ADeviceGivesTheFileThatTheProcessorGives()
    {
        if (OpenClDevices.List().Devices.All(device => device.Kind != OpenClDeviceKind.Cpu))
            Assert.Ignore("No OpenCL driver for the processor: " + OpenClDevices.List().Reason);
        Assert.That(Coexpr.Run("backends").Output, Does.Contain("--backend opencl-cpu"));
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        foreach (var backend in new[] { "cpu", "opencl-cpu" })
            IsDone(Coexpr.Run("mi", input, "-o", scratch[backend + ".tsv"], "--all", "--backend", backend));
        var (cpu, device) = (scratch["cpu.tsv"], scratch["opencl-cpu.tsv"]);
        Assert.That(File.ReadAllBytes(device), Is.EqualTo(File.ReadAllBytes(cpu)));
        var record = JsonDocument.Parse(File.ReadAllText(device + ".run.json")).RootElement;
        Assert.That(record.GetProperty("backend").GetString(), Is.EqualTo("opencl-cpu"));
    }

    [Test]
    public void JsonIsAllThatIsPrinted()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.npz"], "--json");
        IsDone(ended);
        Assert.That(ended.Errors, Is.Empty);
        var record = JsonDocument.Parse(ended.Output).RootElement;
        Assert.That(record.GetProperty("command").GetString(), Is.EqualTo("mi"));
        Assert.That(record.GetProperty("input_sha256").GetString(), Has.Length.EqualTo(64));
    }

    [Test]
    public void QuietSaysNothing()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        Assert.That(Coexpr.Run("mi", input, "-o", scratch["out.npy"], "--quiet"), Is.EqualTo(new Ended(0, "", "")));
        Assert.That(
            Coexpr.Run("simulate", "-o", scratch["s.h5ad"], "--cells", "20", "--genes", "30", "-q"),
            Is.EqualTo(new Ended(0, "", ""))
        );
    }

    [Test]
    public void ProgressDoesNotMixWithJson()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--progress", "always", "--json");
        IsDone(ended);
        Assert.That(() => JsonDocument.Parse(ended.Output), Throws.Nothing);
    }

    [Test]
    public void TheOptionsOfARunAreInItsH5ad()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        IsDone(Coexpr.Run("mi", input, "-o", scratch["out.h5ad"], "--bins", "7"));
        var run = Python.Run(
            "import anndata, json, sys; print(json.dumps(dict(anndata.read_h5ad(sys.argv[1]).uns['coexpr'])))",
            scratch["out.h5ad"]
        );
        Assert.That(run.GetProperty("--bins").GetString(), Is.EqualTo("7"));
        Assert.That(run.GetProperty("--cells").GetString(), Is.EqualTo("either"));
        Assert.That(run.GetProperty("cells").GetString(), Is.EqualTo("20"));
    }

    [Test]
    public void InfoSaysWhatIsInAFile()
    {
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"], "counts");
        var ended = Coexpr.Run("info", input);
        IsDone(ended);
        Assert.That(ended.Output, Does.Match("cells +20").And.Match("genes +5").And.Contain("layer counts"));
        var json = JsonDocument.Parse(Coexpr.Run("info", input, "--json").Output).RootElement;
        var names = json.EnumerateArray().Select(line => line.GetProperty("name").GetString());
        Assert.That(names, Is.SupersetOf(new[] { "format", "cells", "genes", "matrix", "layer counts" }));
    }

    [Test]
    public void BackendsSaysWhatThereIs()
    {
        var ended = Coexpr.Run("backends");
        IsDone(ended);
        Assert.That(ended.Output, Does.Contain(Machine.Version).And.Contain("HDF5").And.Contain("OpenCL"));
        var json = JsonDocument.Parse(Coexpr.Run("backends", "--json").Output).RootElement;
        Assert.That(json.GetArrayLength(), Is.EqualTo(Machine.Describe().Count));
    }

    [Test]
    public void TheSameSeedSimulatesTheSameCells()
    {
        string[] options =
        [
            "--cells",
            "60",
            "--genes",
            "80",
            "--modules",
            "2",
            "--module-genes",
            "10",
            "--groups",
            "2",
        ];
        string[] screen = ["--markers", "4", "--perturbations", "3", "--efficiency", "0.5"];
        Ended Simulate(string name, string seed, string threads) =>
            Coexpr.Run([
                "simulate",
                "-o",
                scratch[$"{name}.h5ad"],
                "--seed",
                seed,
                "--threads",
                threads,
                .. options,
                .. screen,
            ]);
        foreach (var ended in new[] { Simulate("a", "5", "1"), Simulate("b", "5", "3"), Simulate("c", "6", "1") })
            IsDone(ended);

        foreach (var ending in new[] { "modules.tsv", "effects.tsv", "markers.tsv", "tsv" })
        {
            foreach (var name in new[] { "a", "b", "c" }.Where(_ => ending == "tsv"))
                IsDone(Coexpr.Run("mi", scratch[$"{name}.h5ad"], "-o", scratch[$"{name}.tsv"], "--all", "-q"));
            var (one, same, other) = (
                File.ReadAllText(scratch[$"a.{ending}"]),
                File.ReadAllText(scratch[$"b.{ending}"]),
                File.ReadAllText(scratch[$"c.{ending}"])
            );
            Assert.That(same, Is.EqualTo(one), ending);
            Assert.That(other, Is.Not.EqualTo(one), ending);
        }
    }

    [Test]
    public void TheDemoEndsWithItsReport()
    {
        var folder = scratch["demo"];
        var ended = Coexpr.Run("demo", "-o", folder);
        IsDone(ended);
        Assert.That(ended.Output.Trim(), Is.EqualTo(Path.Combine(folder, "report.html")));
        Assert.That(File.Exists(ended.Output.Trim()));
        Assert.That(ended.Errors, Does.Match("[1-9][0-9]+ of [0-9]+ genes of the simulated modules"));
    }

    [Test]
    public void TwoGenesAreOnePair()
    {
        var input = Sample
            .OfGenes(8, ("A", [1, 1, 1, 1]), ("B", [0, 0, 0, 0, 1, 1, 1, 1]))
            .WriteTsv(scratch["two.tsv"]);
        IsDone(Coexpr.Run("mi", input, "-o", scratch["out.tsv"]));
        Assert.That(
            File.ReadAllLines(scratch["out.tsv"]),
            Is.EqualTo(new[] { "gene_a\tgene_b\tmi\tcells", "A\tB\t-1\t8" })
        );
    }

    [Test]
    public void OneCellSharesNothing()
    {
        var input = Sample.OfGenes(1, ("A", [3]), ("B", [4]), ("C", [0])).WriteH5ad(scratch["one.h5ad"]);
        IsDone(Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--min-cells", "1", "--report", scratch["out.html"]));
        Assert.That(File.ReadAllLines(scratch["out.tsv"]).Skip(1), Is.EqualTo(new[] { "A\tB\t0\t1" }));
    }

    [Test]
    public void MoreThreadsThanThereIsWorkChangeNothing()
    {
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        IsDone(Coexpr.Run("mi", input, "-o", scratch["one.tsv"], "--threads", "1"));
        IsDone(Coexpr.Run("mi", input, "-o", scratch["many.tsv"], "--threads", "500"));
        Assert.That(File.ReadAllText(scratch["many.tsv"]), Is.EqualTo(File.ReadAllText(scratch["one.tsv"])));
    }

    [Test]
    public void AwkwardNamesOfFilesAndGenesComeThrough()
    {
        string[] names = ["tab\there", "say \"yes\"", "ß/日本"];
        var sample = Sample.Known.Renamed("B", names[0]).Renamed("C", names[1]).Renamed("D", names[2]);
        var folder = Directory.CreateDirectory(scratch["größe & 'mut' 日本"]).FullName;
        var input = sample.WriteH5ad(Path.Combine(folder, "a b.h5ad"));
        var output = Path.Combine(folder, "ü ü.csv");
        var ended = Coexpr.Run("mi", input, "-o", output, "--report", Path.ChangeExtension(output, ".html"));
        IsDone(ended);
        Assert.That(ended.Errors, Does.Contain(output));
        Assert.That(
            File.ReadAllText(output),
            Does.Contain("A,tab\there,-1,10\n").And.Contain("\"say \"\"yes\"\"\",ß/日本,2,4\n")
        );
        IsDone(Coexpr.Run("mi", input, "-o", Path.Combine(folder, "ü ü.h5ad")));
    }

    [Test]
    public void AFolderOf10xIsRead()
    {
        var folder = Sample.Known.WriteTenXFolder(scratch["known"]);
        IsDone(Coexpr.Run("mi", folder + "/", "-o", scratch["out.tsv.gz"]));
        Assert.That(scratch.Files(), Does.Contain("out.tsv.gz").And.Contain("out.tsv.gz.run.json"));
        Assert.That(Coexpr.Run("info", folder).Output, Does.Match("genes +5"));
    }

    [Test]
    public void TwoRunsToOneOutputLeaveAWholeOne()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        using var one = Coexpr.Start("mi", input, "-o", scratch["out.tsv"]);
        using var other = Coexpr.Start("mi", input, "-o", scratch["out.tsv"]);
        IsDone(one.Wait());
        IsDone(other.Wait());
        Assert.That(scratch.Files(), Is.EqualTo(new[] { "known.tsv", "out.tsv", "out.tsv.run.json" }));
        Assert.That(File.ReadAllLines(scratch["out.tsv"]), Has.Length.EqualTo(7));
    }

    [Test]
    public void NegativeValuesCountAsNotExpressedOnRequest()
    {
        var input = Sample.Known.With("A", 12, -1).WriteH5ad(scratch["scaled.h5ad"]);
        IsDone(Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--negative-as-zero"));
        Assert.That(File.ReadAllText(scratch["out.tsv"]), Does.Contain("A\tB\t-1\t10\n"));
    }

    [Test]
    public void ALinkToAnOutputIsFollowed()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("making a link needs rights on Windows");
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        File.WriteAllText(scratch["real.tsv"], "old");
        File.CreateSymbolicLink(scratch["link.tsv"], scratch["real.tsv"]);
        IsDone(Coexpr.Run("mi", input, "-o", scratch["link.tsv"]));
        Assert.That(File.ReadAllText(scratch["real.tsv"]), Does.StartWith("gene_a"));
        Assert.That(new FileInfo(scratch["link.tsv"]).LinkTarget, Is.Not.Null);
    }
}
