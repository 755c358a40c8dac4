using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;
using CoExpr.IO;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Screens that are tested in parts, and runs that were ended before their time.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LargerScreensTests : IDisposable
{
    // Little more than a process needs for itself; the input has about 1.6 million entries, and 150,000 rows.
    const string Memory = "240M";

    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    async Task<string> LargeInput(int cells = 3600, int genes = 1500, int perturbations = 100)
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
        File.Delete(scratch["in.effects.tsv"]);
        return scratch["in.h5ad"];
    }

    string[] Tests(string input, string output, params string[] more) =>
        [
            "de",
            input,
            "-o",
            scratch[output],
            "--perturbation",
            "perturbation",
            "--control",
            "non-targeting",
            "--threads",
            "2",
            .. more,
        ];

    string[] InParts(string input, string output, params string[] more) =>
        [.. Tests(input, output), "--memory", Memory, .. more];

    void RunsWhole(string output, string[] more)
    {
        var whole = Coexpr.Run([.. Tests(scratch["in.h5ad"], output, more), "--memory", "8G"]);
        Assert.That(whole.Code, Is.Zero, whole.Errors);
        Assert.That(whole.Errors, Does.Contain("everything in memory"));
    }

    void IsWhole(string output, params string[] more)
    {
        RunsWhole("whole.tsv", more);
        AreTheSame(output, "whole.tsv");
    }

    // Many megabytes, which NUnit would compare one by one.
    void AreTheSame(string first, string second)
    {
        var bytes = File.ReadAllBytes(scratch[first]);
        Assert.That(bytes, Has.Length.GreaterThan(1_000_000));
        Assert.That(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(scratch[second])), $"{first} is not {second}");
    }

    JsonElement Record(string output) =>
        JsonDocument.Parse(File.ReadAllText(scratch[output + ".run.json"])).RootElement;

    [TestCase("lrt")]
    [TestCase("wald", "--shrink", "--threshold", "0.5")]
    [TestCase("ql", "--q-over", "all")]
    [TestCase("score", "--size-factors", "poscounts", "--leave-out-empty")]
    [TestCase("wald", "--shrink-by", "counts", "--calibrate", "4")]
    [TestCase("rank-sum", "--compat", "pdex")]
    [TestCase("welch", "--compat", "scanpy", "--calibrate", "12")]
    public async Task WhatIsExpectedIsSaidAndKeptToAndTheTableIsTheSame(string test, params string[] more)
    {
        string[] options = ["--test", test, .. more];
        var ended = Coexpr.Run(InParts(await LargeInput(), "out.tsv", options));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(
            ended.Errors,
            Does.Match($"^Expected: about [0-9]+M of memory and [0-9]+ s, in parts that fit into {Memory}.")
        );
        Assert.That(ended.Errors, Does.Contain("100 perturbations x 1,500 genes against non-targeting"));
        var record = Record("out.tsv");
        Assert.That(record.GetProperty("in_parts").GetBoolean());
        Assert.That(record.GetProperty("memory_limit_bytes").GetInt64(), Is.EqualTo(240L << 20));
        var peak = record.GetProperty("peak_memory_bytes").GetInt64();
        Assert.That(peak, Is.LessThan(240L << 20));
        Assert.That(record.GetProperty("expected_memory_bytes").GetInt64(), Is.InRange(peak / 2, 240L << 20));
        IsWhole("out.tsv", options);
        var whole = Record("whole.tsv");
        Assert.That(record.GetProperty("counts").GetRawText(), Is.EqualTo(whole.GetProperty("counts").GetRawText()));
        Assert.That(record.GetProperty("options").GetRawText(), Is.EqualTo(whole.GetProperty("options").GetRawText()));
        Assert.That(
            scratch.Files(),
            Is.EquivalentTo(new[] { "in.h5ad", "out.tsv", "out.tsv.run.json", "whole.tsv", "whole.tsv.run.json" })
        );
    }

    [Test]
    public async Task LayersAreTheSame()
    {
        var input = await LargeInput();
        string[] options = ["--shrink"];
        var parts = Coexpr.Run(InParts(input, "parts.h5ad", options));
        Assert.That(parts.Code, Is.Zero, parts.Errors);
        Assert.That(parts.Errors, Does.Contain("in parts"));
        RunsWhole("whole.h5ad", options);
        var (first, second) = (Contents("parts.h5ad"), Contents("whole.h5ad"));
        Assert.That(first.Layers.Select(layer => layer.Name), Is.EqualTo(second.Layers.Select(layer => layer.Name)));
        Assert.That(first.Layers.Count(), Is.EqualTo(14));
        foreach (var layer in first.Layers.Select(layer => layer.Name).Append("X"))
        {
            var (parts32, whole32) = (Values("parts.h5ad", layer), Values("whole.h5ad", layer));
            Assert.That(parts32.Starts.AsSpan().SequenceEqual(whole32.Starts), layer);
            Assert.That(parts32.Genes.AsSpan().SequenceEqual(whole32.Genes), layer);
            Assert.That(Bits(parts32.Values).SequenceEqual(Bits(whole32.Values)), layer);
        }
        Assert.That(first.GeneColumns, Is.EqualTo(second.GeneColumns));
    }

    FileContents Contents(string file)
    {
        var contents = AnnData.contents(scratch[file]);
        Assert.That(contents.IsOk);
        return contents.ResultValue;
    }

    static ReadOnlySpan<int> Bits(float[] values) => MemoryMarshal.Cast<float, int>(values.AsSpan());

    // In single precision, and in the places that are not 0.
    (long[] Starts, int[] Genes, float[] Values) Values(string file, string layer)
    {
        var choice = layer == "X" ? MatrixChoice.Main : MatrixChoice.NewLayer(layer);
        var standard = ReadOptionsModule.standard;
        var read = AnnData.read(new(choice, standard.Threads, standard.Progress), scratch[file]);
        Assert.That(read.IsOk, () => CoExprErrorModule.describe(read.ErrorValue));
        var rows = read.ResultValue.Counts.ByCell;
        return (rows.Starts, rows.Indices, rows.Values);
    }

    static int Finished(string folder, string kind) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, $"{kind}-*.bin").Length : 0;

    static void Signal(Coexpr running, string signal)
    {
        using var kill = Programs.Start(new("kill", [$"-{signal}", running.Id.ToString(CultureInfo.InvariantCulture)]));
        kill.WaitForExit();
    }

    [TestCase("KILL", "dispersions")]
    [TestCase("KILL", "tests")]
    [TestCase("TERM", "tests")]
    [TestCase("KILL", "shrinkage", "--shrink-by=counts")]
    [TestCase("KILL", "calibration-tests", "--calibrate=5")]
    public async Task AnEndedRunIsResumedAndEqualsAnUninterruptedOne(string signal, string kind, params string[] more)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("signals are sent on Linux only");
        var input = await LargeInput();
        var folder = scratch["out.tsv.parts"];
        int finished;
        using (var running = Coexpr.Start(InParts(input, "out.tsv", more)))
        {
            var until = Stopwatch.StartNew();
            while (Finished(folder, kind) < 2 && !running.HasEnded && until.Elapsed < TimeSpan.FromMinutes(1))
                Thread.Sleep(2);
            Assert.That(running.HasEnded, Is.False, running.Errors);
            Signal(running, signal);
            var ended = running.Wait();
            if (signal == "TERM")
            {
                Assert.That(ended.Code, Is.EqualTo(3), ended.Errors);
                Assert.That(
                    ended.Errors,
                    Does.EndWith(
                        $"coexpr: stopped; what is finished is kept in {folder}, and --resume continues from it.\n"
                    )
                );
            }
            finished = Finished(folder, kind);
        }
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);

        // Neither forgotten parts nor other options go unnoticed.
        var again = Coexpr.Run(InParts(input, "out.tsv", more));
        Assert.That(again.Code, Is.EqualTo(2), again.Errors);
        Assert.That(again.Errors, Does.Contain("--resume"));
        var other = Coexpr.Run(InParts(input, "out.tsv", [.. more, "--resume", "--min-cells", "4"]));
        Assert.That(other.Code, Is.EqualTo(2), other.Errors);
        Assert.That(other.Errors, Does.Contain("--min-cells 2, not 4"));

        // With another number of threads, which changes no bit.
        string[] changed = [.. InParts(input, "out.tsv", [.. more, "--resume"]).Append("--threads=1").Where(IsNotTwo)];
        var resumed = Coexpr.Run(changed);
        Assert.That(resumed.Code, Is.Zero, resumed.Errors);
        var words = kind.Replace('-', ' ');
        Assert.That(resumed.Errors, Does.Match($"(^|\n){finished} of [0-9]+ parts of {words} are taken from"));
        Assert.That(Directory.Exists(folder), Is.False);
        IsWhole("out.tsv", more);
    }

    [Test]
    public async Task WhatARunThatWasKilledHasHalfWrittenGoesWithTheNext([Values] bool inParts)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("signals are sent on Linux only");
        var input = await LargeInput();
        string[] options = inParts ? InParts(input, "out.tsv") : Tests(input, "out.tsv");
        var folder = Path.GetDirectoryName(input)!;
        // One that is renamed between two looks has no length any more.
        bool IsHalfWritten(string file) => new FileInfo(file) is { Exists: true, Length: > 0 };
        string[] HalfWritten()
        {
            try
            {
                return [.. Directory.GetFiles(folder, ".*.partial.out.tsv").Where(IsHalfWritten)];
            }
            catch (FileNotFoundException)
            {
                return [];
            }
        }
        // Writing takes a blink: a run that was done before the signal came is started anew.
        for (var attempt = 0; attempt < 20 && HalfWritten().Length == 0; attempt++)
        {
            File.Delete(scratch["out.tsv"]);
            File.Delete(scratch["out.tsv.run.json"]);
            using var running = Coexpr.Start(options);
            var until = Stopwatch.StartNew();
            while (HalfWritten().Length == 0 && !running.HasEnded && until.Elapsed < TimeSpan.FromMinutes(1))
                Thread.Sleep(1);
            if (!running.HasEnded)
                Signal(running, "KILL");
            running.Wait();
        }
        Assert.That(HalfWritten(), Has.Length.EqualTo(1));
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);
        var again = Coexpr.Run(inParts ? [.. options, "--resume"] : options);
        Assert.That(again.Code, Is.Zero, again.Errors);
        Assert.That(scratch.Files(), Is.EquivalentTo(new[] { "in.h5ad", "out.tsv", "out.tsv.run.json" }));
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(input)!, ".*.partial.*"), Is.Empty);
    }

    static bool IsNotTwo(string argument) => argument is not ("--threads" or "2");

    [Test]
    public async Task TheLeastThatWorksWorks([Values("--test=lrt", "--test=rank-sum")] string test)
    {
        var input = await LargeInput();
        var refused = Coexpr.Run(Tests(input, "out.tsv", "--memory", "60M", test));
        Assert.That(refused.Code, Is.EqualTo(2), refused.Errors);
        Assert.That(refused.Errors, Does.StartWith("coexpr: --memory 60M: too little"));
        var least = refused.Errors.Split(';')[1].Trim().Split(' ')[0];
        var ended = Coexpr.Run(Tests(input, "out.tsv", "--memory", least, test));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(
            Record("out.tsv").GetProperty("peak_memory_bytes").GetInt64(),
            Is.LessThanOrEqualTo(RunResourceSettings.ParseSize(least))
        );
        IsWhole("out.tsv", test);
    }

    // All but the facts of the run at the end of the page.
    string Figures(string page)
    {
        var text = File.ReadAllText(scratch[page]);
        var (first, last) = (
            text.IndexOf("<main>", StringComparison.Ordinal),
            text.IndexOf(">This run<", StringComparison.Ordinal)
        );
        Assert.That((first > 0, last > first), Is.EqualTo((true, true)), page);
        return text[first..last];
    }

    [TestCase("lrt", "--calibrate=3", "--shrink-by=counts")]
    [TestCase("rank-sum", "--calibrate=7")]
    public async Task ThePageIsTheSameAndKeepsToTheMemory(string test, params string[] more)
    {
        var input = await LargeInput();
        string[] options = ["--test", test, .. more];
        var ended = Coexpr.Run([
            .. Tests(input, "out.tsv", options),
            "--memory",
            "300M",
            "--report",
            scratch["out.html"],
        ]);
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var record = Record("out.tsv");
        Assert.That(record.GetProperty("in_parts").GetBoolean());
        Assert.That(record.GetProperty("peak_memory_bytes").GetInt64(), Is.LessThan(300L << 20));
        RunsWhole("whole.tsv", [.. options, "--report", scratch["whole.html"]]);
        AreTheSame("out.tsv", "whole.tsv");
        Assert.That(Figures("out.html"), Has.Length.GreaterThan(500_000).And.Contains("Calibration: controls"));
        Assert.That(Figures("out.html") == Figures("whole.html"), "out.html is not whole.html");
        Assert.That(
            record.GetProperty("calibration").GetRawText(),
            Is.EqualTo(Record("whole.tsv").GetProperty("calibration").GetRawText())
        );
    }

    [Test]
    public async Task APageThatDoesNotFitIsRefusedBeforeTheRunWithBothNumbers()
    {
        var input = await LargeInput();
        string[] page = ["--report", scratch["out.html"]];
        // The least without a page, which a page needs more than.
        var little = Coexpr.Run(Tests(input, "out.tsv", "--memory", "60M"));
        var without = little.Errors.Split(';')[1].Trim().Split(' ')[0];
        var refused = Coexpr.Run(Tests(input, "out.tsv", [.. page, "--memory", without]));
        Assert.That(refused.Code, Is.EqualTo(2), refused.Errors);
        Assert.That(
            refused.Errors,
            Does.StartWith($"coexpr: --report with --memory {without}: its figures need all p")
        );
        Assert.That(refused.Errors, Does.Contain($", and {without} without it"));
        Assert.That(scratch.Files(), Is.EquivalentTo(new[] { "in.h5ad" }));
        var least = refused.Errors.Split("once: ")[1].Split(' ')[0];
        var ended = Coexpr.Run(Tests(input, "out.tsv", [.. page, "--memory", least]));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        var record = Record("out.tsv");
        Assert.That(record.GetProperty("in_parts").GetBoolean());
        Assert.That(
            record.GetProperty("peak_memory_bytes").GetInt64(),
            Is.LessThanOrEqualTo(RunResourceSettings.ParseSize(least))
        );
    }

    [TestCase("--scope=comparison", "the counts of all genes in memory")]
    [TestCase("--compat=deseq2", "the counts of all genes in memory")]
    [TestCase("--rank-genes-groups", "all rows in memory")]
    public async Task WhatNeedsTheWholeIsRefusedWhereItDoesNotFit(string option, string why)
    {
        var input = await LargeInput();
        var output = option == "--rank-genes-groups" ? "out.h5ad" : "out.tsv";
        string[] options = option == "--compat=deseq2" ? [option, "--test=wald"] : [option];
        var ended = Coexpr.Run(InParts(input, output, options));
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain(option.Split('=')[0]).And.Contain(why));
        Assert.That(ended.Errors, Does.Contain($"{Memory} may be used"));
        Assert.That(scratch.Files(), Is.EquivalentTo(new[] { "in.h5ad" }));
    }

    [Test]
    public async Task HowARunGoesAboutItsInputIsSaidWhenAskedFor()
    {
        var input = await LargeInput(300, 200, 5);
        var asked = Coexpr.Run(Tests(input, "out.tsv", "--explain"));
        Assert.That(
            asked.Errors,
            Does.Match("^Expected: about [0-9]+M of memory and 1 s, everything in memory.\nCounts and results are held")
        );
        Assert.That(Coexpr.Run(Tests(input, "out.tsv")).Errors, Does.Not.Contain("Expected"));
        Assert.That(Coexpr.Run(Tests(input, "out.tsv", "--explain", "--quiet")).Errors, Is.Empty);
    }

    [Test]
    public async Task OtherFormatsAreReadWholeOrRefusedWithWhatToDo()
    {
        var input = await LargeInput(300, 200, 5);
        var options = new DifferentialExpressionOptions
        {
            Perturbation = ["perturbation"],
            Control = "non-targeting",
            Test = "rank-sum",
        };
        var little = new RunResourceSettings { MemoryBytes = RunResourceSettings.ParseSize("30M") };
        var other = scratch["in.hdf5.tsv"];
        File.WriteAllText(other, "gene\tc1\ng\t1\n");
        Assert.That(
            async () => await DifferentialExpression.PlanAsync(other, scratch["out.tsv"], options, resources: little),
            Throws.InstanceOf<CoExprException>().With.Message.Contains("write it as .h5ad")
        );
        Assert.That(
            async () =>
                await DifferentialExpression.RunAsync(
                    input,
                    scratch["out.tsv"],
                    options,
                    resources: new() { Cache = scratch["cache"] }
                ),
            Throws.InstanceOf<CoExprException>().With.Message.Contains("--cache")
        );
        var plan = await DifferentialExpression.PlanAsync(input, scratch["out.tsv"], options);
        Assert.That((plan.InParts, plan.Details), Is.EqualTo((false, "Counts and results are held in memory.")));
    }

    [Test]
    public async Task TheFacadeSaysThatRowsAreInTheOutputAlone()
    {
        var input = await LargeInput();
        var options = new DifferentialExpressionOptions
        {
            Perturbation = ["perturbation"],
            Control = "non-targeting",
            Test = "welch",
        };
        var parts = await DifferentialExpression.RunAsync(
            input,
            scratch["parts.tsv"],
            options,
            resources: new() { MemoryBytes = RunResourceSettings.ParseSize(Memory) }
        );
        var whole = await DifferentialExpression.RunAsync(input, scratch["whole.tsv"], options);
        Assert.That((parts.InParts, whole.InParts), Is.EqualTo((true, false)));
        Assert.That(() => parts.Result, Throws.InvalidOperationException.With.Message.Contains("in the output alone"));
        Assert.That(parts.Text.Split(", ")[0..^2], Is.EqualTo(whole.Text.Split(", ")[0..^2]));
        AreTheSame("parts.tsv", "whole.tsv");
    }
}
