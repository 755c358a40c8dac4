using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Ctrl-C and the polite kill, at any time of a run.</summary>
public class StoppingTests
{
    const int Interrupt = 2;

    // Minutes of work for the slow backend.
    static async Task<string> LongWork(Scratch scratch)
    {
        var simulated = await CellSimulation.RunAsync(
            new()
            {
                Cells = 3000,
                Genes = 1500,
                Density = 0.3,
            }
        );
        await simulated.SaveAsync(scratch["in.h5ad"]);
        return scratch["in.h5ad"];
    }

    /// <summary>A process that is started in the background may be told to ignore Ctrl-C, and so are those it starts.</summary>
    static bool IgnoresInterrupt()
    {
        var line = File.ReadLines("/proc/self/status")
            .First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        var mask = ulong.Parse(line["SigIgn:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (mask >> (Interrupt - 1) & 1) == 1;
    }

    static void Signal(Coexpr running, string signal)
    {
        using var kill = Programs.Start(new("kill", [$"-{signal}", running.Id.ToString(CultureInfo.InvariantCulture)]));
        kill.WaitForExit();
    }

    [Test]
    public async Task ARunThatIsToldToStopEndsSoonAndLeavesNothing([Values("INT", "TERM")] string signal)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("signals are sent on Linux only");
        if (signal == "INT" && IgnoresInterrupt())
            Assert.Ignore("these tests were started so that Ctrl-C is ignored");
        using var scratch = new Scratch();
        using var running = Coexpr.Start(
            "mi",
            await LongWork(scratch),
            "-o",
            scratch["out.tsv"],
            "--report",
            scratch["out.html"],
            "--backend",
            "reference",
            "--progress",
            "always"
        );
        var until = Stopwatch.StartNew();
        while (!running.Errors.Contains("scoring", StringComparison.Ordinal) && until.Elapsed < TimeSpan.FromMinutes(1))
            Thread.Sleep(50);
        Assert.That(running.HasEnded, Is.False);

        var stopping = Stopwatch.StartNew();
        Signal(running, signal);
        var ended = running.Wait();
        Assert.That(stopping.Elapsed, Is.LessThan(TimeSpan.FromSeconds(15)));
        Assert.That(ended.Code, Is.EqualTo(3), ended.Errors);
        Assert.That(ended.Errors, Does.EndWith("coexpr: stopped; nothing was written.\n"));
        Assert.That(scratch.Files().Where(file => !file.StartsWith("in.", StringComparison.Ordinal)), Is.Empty);
    }
}
