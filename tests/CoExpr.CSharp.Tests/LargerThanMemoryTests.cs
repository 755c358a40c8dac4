using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;
using CoExpr.Kernels;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Inputs that are scored in parts, and runs that were ended before their time.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LargerThanMemoryTests : IDisposable
{
    // Little more than a process needs for itself; the inputs have about a million entries.
    const string Memory = "234M";

    readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    async Task<string> LargeInput(int cells = 3000, int genes = 1500)
    {
        var simulated = await CellSimulation.RunAsync(
            new()
            {
                Cells = cells,
                Genes = genes,
                Density = 0.3,
            }
        );
        await simulated.SaveAsync(scratch["in.h5ad"]);
        return scratch["in.h5ad"];
    }

    string[] InParts(string input, string output, params string[] more) =>
        ["mi", input, "-o", scratch[output], "--memory", Memory, "--threads", "2", .. more];

    void IsWhole(string output, string[] more)
    {
        var whole = Coexpr.Run([
            "mi",
            scratch["in.h5ad"],
            "-o",
            scratch["whole.tsv"],
            "--memory",
            "8G",
            "--threads",
            "2",
            .. more,
        ]);
        Assert.That(whole.Code, Is.Zero, whole.Errors);
        Assert.That(whole.Errors, Does.Contain("everything in memory"));
        Assert.That(File.ReadAllBytes(scratch[output]), Is.EqualTo(File.ReadAllBytes(scratch["whole.tsv"])));
    }

    [Test]
    public async Task WhatIsExpectedIsSaidAndRecordedAndTheResultIsTheSame([Values("--top=5", "--all")] string keep)
    {
        var ended = Coexpr.Run(InParts(await LargeInput(), "out.tsv", keep));
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        Assert.That(
            ended.Errors,
            Does.Match($"^Expected: about [0-9]+M of memory and [0-9]+ s, in parts that fit into {Memory}.")
        );
        var record = JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"])).RootElement;
        Assert.That(record.GetProperty("in_parts").GetBoolean());
        Assert.That(record.GetProperty("memory_limit_bytes").GetInt64(), Is.EqualTo(234L << 20));
        var peak = record.GetProperty("peak_memory_bytes").GetInt64();
        Assert.That(peak, Is.AtMost(234L << 20));
        Assert.That(record.GetProperty("expected_memory_bytes").GetInt64(), Is.InRange(peak / 2, 234L << 20));
        IsWhole("out.tsv", [keep]);
        Assert.That(
            scratch.Files(),
            Is.EquivalentTo(new[] { "in.h5ad", "out.tsv", "out.tsv.run.json", "whole.tsv", "whole.tsv.run.json" })
        );
    }

    [Test]
    public async Task AllPairsAreWrittenRowByRowInEveryFormat([Values("npy", "npz", "h5ad")] string ending)
    {
        var input = await LargeInput(cells: 4000, genes: 700);
        var parts = Coexpr.Run(InParts(input, $"parts.{ending}", "--all", "--report", scratch["parts.html"]));
        Assert.That(parts.Code, Is.Zero, parts.Errors);
        Assert.That(parts.Errors, Does.Contain("in parts"));
        var whole = Coexpr.Run("mi", input, "-o", scratch[$"whole.{ending}"], "--all");
        Assert.That(whole.Code, Is.Zero, whole.Errors);
        if (ending == "npy")
            Assert.That(File.ReadAllBytes(scratch["parts.npy"]), Is.EqualTo(File.ReadAllBytes(scratch["whole.npy"])));
        Assert.That(
            (double)new FileInfo(scratch[$"parts.{ending}"]).Length,
            Is.EqualTo(new FileInfo(scratch[$"whole.{ending}"]).Length).Within(1).Percent
        );
    }

    // The more partners are kept, the fewer genes there are in a tile: some 20 parts, of which 2 are waited for.
    static readonly string[] ManyParts = ["--top", "50"];

    int FinishedParts(string folder) => Directory.Exists(folder) ? Directory.GetFiles(folder, "pairs-*.bin").Length : 0;

    void WaitForParts(Coexpr running, string folder)
    {
        var until = Stopwatch.StartNew();
        while (FinishedParts(folder) < 2 && !running.HasEnded && until.Elapsed < TimeSpan.FromMinutes(1))
            Thread.Sleep(5);
        Assert.That(running.HasEnded, Is.False, running.Errors);
    }

    static void Signal(Coexpr running, string signal)
    {
        using var kill = Programs.Start(new("kill", [$"-{signal}", running.Id.ToString(CultureInfo.InvariantCulture)]));
        kill.WaitForExit();
    }

    [TestCase("KILL", false)]
    [TestCase("TERM", false)]
    [TestCase("KILL", true)]
    public async Task AnEndedRunIsResumedAndEqualsAnUninterruptedOne(string signal, bool hasScratch)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("signals are sent on Linux only");
        var input = await LargeInput();
        string[] options = hasScratch ? [.. ManyParts, "--scratch", scratch["tmp"]] : ManyParts;
        int finished;
        string folder;
        using (var running = Coexpr.Start(InParts(input, "out.tsv", options)))
        {
            string Folder() =>
                !hasScratch ? scratch["out.tsv.parts"]
                : Directory.Exists(scratch["tmp"]) ? Directory.GetDirectories(scratch["tmp"]).FirstOrDefault("")
                : "";
            while (!running.HasEnded && Folder().Length == 0)
                Thread.Sleep(5);
            WaitForParts(running, folder = Folder());
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
            finished = FinishedParts(folder);
        }
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);

        // Neither forgotten parts nor other options go unnoticed.
        var again = Coexpr.Run(InParts(input, "out.tsv", options));
        Assert.That((again.Code, again.Errors), Is.EqualTo((2, again.Errors)));
        Assert.That(again.Errors, Does.Contain("--resume"));
        var other = Coexpr.Run(InParts(input, "out.tsv", [.. options, "--resume", "--bins", "7"]));
        Assert.That(other.Code, Is.EqualTo(2), other.Errors);
        Assert.That(other.Errors, Does.Contain("--bins 10, not 7"));

        var resumed = Coexpr.Run(InParts(input, "out.tsv", [.. options, "--resume"]));
        Assert.That(resumed.Code, Is.Zero, resumed.Errors);
        Assert.That(resumed.Errors, Does.Match($"\n{finished} of [0-9]+ parts are taken from"));
        Assert.That(Directory.Exists(folder), Is.False);
        IsWhole("out.tsv", ManyParts);
    }

    [Test]
    public async Task AFullDiskIsSaidAndWhatIsFinishedIsKept()
    {
        var input = await LargeInput(2000, 1200);
        var disk = Directory.CreateDirectory(scratch["disk"]).FullName;
        using var mounted = SmallDisk.MountOrSkip(disk);
        var ended = Coexpr.Run(InParts(input, "out.tsv", "--scratch", disk));
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain("the disk is full").And.Not.Contain("unexpected"));
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);
    }

    [TestCase("10X", "--memory 10X: a size such as 800M")]
    [TestCase("-1G", "a size such as 800M")]
    [TestCase("20M", "--memory 20M: too little")]
    public async Task ASizeThatIsNoneOrTooSmallIsRefused(string size, string says)
    {
        var input = await LargeInput(300, 200);
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--memory", size);
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.StartWith("coexpr: ").And.Contain(says));
        Assert.That(ended.Errors.Count(letter => letter == '\n'), Is.EqualTo(1));
    }

    [Test]
    public async Task TheLeastThatWorksWorks()
    {
        var input = await LargeInput();
        var refused = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--memory", "60M", "--top", "5");
        Assert.That(refused.Code, Is.EqualTo(2), refused.Errors);
        var least = refused.Errors.Split(';')[1].Trim().Split(' ')[0];
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--memory", least, "--top", "5");
        Assert.That(ended.Code, Is.Zero, ended.Errors);
        IsWhole("out.tsv", ["--top", "5"]);
    }

    [Test]
    public void OtherFormatsAreReadWholeOrRefusedWithWhatToDo()
    {
        var input = Sample.Known.WriteTsv(scratch["known.tsv"]);
        Assert.That(Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--memory", "400M").Code, Is.Zero);
        var ended = Coexpr.Run("mi", input, "-o", scratch["out.tsv"], "--memory", "50M");
        Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
        Assert.That(ended.Errors, Does.Contain("write it as .h5ad"));
    }

    [Test]
    public void ASecondRunTakesItsScoresFromTheCache()
    {
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        string[] options = ["mi", input, "-o", scratch["out.tsv"], "--all", "--cache", scratch["cache"]];
        var first = Coexpr.Run(options);
        Assert.That(first.Code, Is.Zero, first.Errors);
        var bytes = File.ReadAllBytes(scratch["out.tsv"]);
        Assert.That(FromCache(), Is.False);
        Assert.That(Coexpr.Run(options).Code, Is.Zero);
        Assert.That(FromCache());
        Assert.That(File.ReadAllBytes(scratch["out.tsv"]), Is.EqualTo(bytes));
        Assert.That(Coexpr.Run([.. options, "--bins", "3"]).Code, Is.Zero);
        Assert.That(FromCache(), Is.False);
    }

    [Test]
    public async Task HowPairsWereCountedIsSaidWhenAskedFor()
    {
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        string[] options = ["mi", input, "-o", scratch["out.tsv"]];
        Assert.That(Coexpr.Run(options).Errors, Does.Not.Contain("predicted"));
        Assert.That(Record().TryGetProperty("counting", out _), Is.False);
        var asked = Coexpr.Run([.. options, "--explain"]);
        Assert.That(asked.Code, Is.Zero, asked.Errors);
        Assert.That(Coexpr.Run([.. options, "--explain", "--quiet"]).Errors, Is.Empty);
        var result = await CoExpression.ComputeAsync(input);
        Assert.That(Record().GetProperty("counting").GetArrayLength(), Is.EqualTo(result.Counting.Count));
        if (Simd.Current() == SimdPath.Scalar)
        {
            Assert.That(asked.Errors, Does.Contain("not known"));
            return;
        }
        Assert.That(
            asked.Errors,
            Does.Match("Counting +genes +density +pairs +predicted s +actual s\n(planes|scatter) +0-")
        );
        Assert.That(result.CountingByMethod.Sum(use => use.Pairs), Is.GreaterThanOrEqualTo(result.PairsScored));
    }

    JsonElement Record() => JsonDocument.Parse(File.ReadAllText(scratch["out.tsv.run.json"])).RootElement;

    [Test]
    public async Task WhatNeedsAllGenesAtOnceIsRefusedWhereTheyDoNotFit()
    {
        var input = await LargeInput();
        foreach (var option in new[] { "--transform=mrnet", "--bootstraps=10" })
        {
            var ended = Coexpr.Run(InParts(input, "out.tsv", option));
            Assert.That(ended.Code, Is.EqualTo(2), ended.Errors);
            Assert.That(ended.Errors, Does.Contain(option.Replace('=', ' ')).And.Contain($"{Memory} may be used"));
        }
        Assert.That(File.Exists(scratch["out.tsv"]), Is.False);
    }

    bool FromCache() =>
        JsonDocument
            .Parse(File.ReadAllText(scratch["out.tsv.run.json"]))
            .RootElement.GetProperty("from_cache")
            .GetBoolean();

    [Test]
    public async Task TheFacadePlansAndKeepsToItsPlan()
    {
        var input = Sample.Known.WriteH5ad(scratch["known.h5ad"]);
        var whole = await CoExpression.PlanAsync(input, scratch["out.tsv"]);
        Assert.That((whole.InParts, whole.Text), Is.EqualTo((false, whole.Text)));
        Assert.That(whole.ExpectedBytes, Is.InRange(100L << 20, 200L << 20));
        Assert.That(whole.MemoryLimit, Is.GreaterThan(whole.ExpectedBytes));
        Assert.That(whole.ExpectedTime, Is.LessThan(TimeSpan.FromSeconds(10)));
        var little = new RunResourceSettings { MemoryBytes = RunResourceSettings.ParseSize("30M") };
        Assert.That(
            async () => await CoExpression.PlanAsync(input, scratch["out.tsv"], resources: little),
            Throws.InstanceOf<CoExprException>().With.Message.Contains("--memory 30M")
        );
        Assert.That(() => RunResourceSettings.ParseSize("lots"), Throws.InstanceOf<CoExprException>());
    }
}
