using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Python with anndata, numpy and scipy, which say what is in a file from outside.</summary>
static class Python
{
    static readonly string Program = Environment.GetEnvironmentVariable("COEXPR_PYTHON") is { Length: > 0 } chosen
        ? chosen
        : "/usr/bin/python3";

    static readonly Lazy<bool> HasPackages = new(() =>
    {
        try
        {
            return Start("import anndata, numpy, scipy.sparse", []).Code == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    });

    static (int Code, string Output, string Errors) Start(string script, string[] arguments)
    {
        using var running = Programs.Start(
            new(Program, ["-c", script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true }
        );
        var errors = running.StandardError.ReadToEndAsync();
        var output = running.StandardOutput.ReadToEnd();
        running.WaitForExit();
        return (running.ExitCode, output, errors.Result);
    }

    /// <summary>What a script prints, as JSON. Without Python and its packages the test is reported as skipped.</summary>
    internal static JsonElement Run(string script, params string[] arguments)
    {
        if (!HasPackages.Value)
            Assert.Ignore($"{Program} has no anndata, numpy and scipy; set COEXPR_PYTHON to one that has");
        var (code, output, errors) = Start(script, arguments);
        Assert.That(code, Is.Zero, errors);
        return JsonDocument.Parse(output).RootElement;
    }
}
