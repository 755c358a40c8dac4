using System;
using System.Diagnostics;
using System.IO;
using System.Text;
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
    readonly StringBuilder errors = new();

    Coexpr(string[] arguments, (string Name, string Value)? variable = null)
    {
        var program = Path.Combine(TestContext.CurrentContext.TestDirectory, "CoExpr.Cli.dll");
        ProcessStartInfo start = new("dotnet", [program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        if (variable is { } one)
            start.Environment[one.Name] = one.Value;
        process = Programs.Start(start);
        output = process.StandardOutput.ReadToEndAsync();
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginErrorReadLine();
    }

    void Add(string? line)
    {
        lock (errors)
            errors.Append(line).Append(line is null ? "" : "\n");
    }

    /// <summary>What it has said so far.</summary>
    internal string Errors
    {
        get
        {
            lock (errors)
                return errors.ToString();
        }
    }

    /// <summary>Starts a command in the folder of temporary files.</summary>
    internal static Coexpr Start(params string[] arguments) => new(arguments);

    /// <summary>Runs a command to its end.</summary>
    internal static Ended Run(params string[] arguments)
    {
        using var running = Start(arguments);
        return running.Wait();
    }

    /// <summary>The same with a variable of the environment, which no other call sees.</summary>
    internal static Ended RunWith((string Name, string Value) variable, params string[] arguments)
    {
        using var running = new Coexpr(arguments, variable);
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
        process.WaitForExit();
        return new(process.ExitCode, output.Result, Errors);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.Dispose();
    }
}
