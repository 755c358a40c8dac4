using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>The pages of the documentation that are scripts, run as they stand.</summary>
public class ScriptPageTests
{
    static DirectoryInfo Root()
    {
        DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "CoExpr.sln")))
            folder = folder.Parent;
        return folder ?? throw new DirectoryNotFoundException("no folder above the tests holds CoExpr.sln");
    }

    // Pages load the library as a user's build leaves it.
    static void RequireBuilt(DirectoryInfo root)
    {
        var library = Path.Combine(root.FullName, "src/CoExpr/bin/Release/net10.0/CoExpr.dll");
        if (!File.Exists(library))
            Assert.Ignore("needs the library's Release build: dotnet fsi build.fsx build");
    }

    [TestCase("first-network.fsx", "pairs kept", "150 of 160 genes find their own module first")]
    [TestCase(
        "differential-expression.fsx",
        "751 changes found, 5.9 % of the findings false",
        "slope 1.00, clamped 0.81",
        "gene0259 vs gene0208: 155 genes differ"
    )]
    [TestCase(
        "evaluation.fsx",
        "mean response less other half",
        "all 24 predicted effects point the same way",
        "worse"
    )]
    public void APageRunsAndSaysWhatItPromises(string page, params string[] says)
    {
        var root = Root();
        RequireBuilt(root);
        using var running = Programs.Start(
            new ProcessStartInfo("dotnet", ["fsi", Path.Combine(root.FullName, "docs", page)])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        );
        var errors = running.StandardError.ReadToEndAsync();
        var output = running.StandardOutput.ReadToEnd();
        running.WaitForExit();
        Assert.That(running.ExitCode, Is.Zero, errors.Result);
        Assert.That(says.Where(words => !output.Contains(words, StringComparison.OrdinalIgnoreCase)), Is.Empty, output);
    }
}
