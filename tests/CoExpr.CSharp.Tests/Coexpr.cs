using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>What one call of the command line ended with.</summary>
sealed record Ended(int Code, string Output, string Errors);

/// <summary>The command line, started as a user's shell starts it.</summary>
sealed class Coexpr : IDisposable
{
    // No call of these tests takes a tenth of it on an idle machine.
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly Process process;
    readonly Task<string> output;
    readonly Task<string> errors;

    Coexpr(string[] arguments, string folder)
    {
        var program = Path.Combine(TestContext.CurrentContext.TestDirectory, "CoExpr.Cli.dll");
        process = Process.Start(
            new ProcessStartInfo("dotnet", [program, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            }
        )!;
        output = process.StandardOutput.ReadToEndAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Starts a command in the folder of temporary files.</summary>
    internal static Coexpr Start(params string[] arguments) => new(arguments, Path.GetTempPath());

    /// <summary>Runs a command to its end.</summary>
    internal static Ended Run(params string[] arguments)
    {
        using var running = Start(arguments);
        return running.Wait();
    }

    /// <summary>Runs a command to its end, in a folder.</summary>
    internal static Ended RunIn(string folder, params string[] arguments)
    {
        using var running = new Coexpr(arguments, folder);
        return running.Wait();
    }

    internal int Id => process.Id;

    internal bool HasEnded => process.HasExited;

    internal Ended Wait()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"still running after {Patience}");
        }
        return new(process.ExitCode, output.Result, errors.Result);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.Dispose();
    }
}
