using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Linq;
using System.Text;
using System.Threading.Tasks;

namespace CoExpr.Cli;

/// <summary>coexpr: gene co-expression from the shell.</summary>
public static class Program
{
    // A job that is told to stop has so long to do so; then it is left behind, and its unfinished files are deleted.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // What the invocation gives for a job that was left behind, by signal.
    const int Interrupted = 130;
    const int Terminated = 143;

    /// <summary>Runs one command; gives the exit code.</summary>
    public static async Task<int> Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        // Not a RootCommand: that would call itself by the name of this assembly.
        var root = new Command(
            "coexpr",
            """
            Gene co-expression and differential expression for single cells: exact, the same everywhere, and fast.

            Example: coexpr mi cells.h5ad -o network.tsv --top 50 --report network.html
            """
        );
        root.Options.Add(new HelpOption());
        root.Options.Add(new VersionOption());
        root.Subcommands.Add(MiCommand.Create());
        root.Subcommands.Add(DeCommand.Create());
        root.Subcommands.Add(BulkCommand.Create());
        root.Subcommands.Add(EvaluateCommand.Create());
        root.Subcommands.Add(InfoCommand.Create());
        root.Subcommands.Add(SimulateCommand.Create());
        root.Subcommands.Add(BackendsCommand.Create());
        root.Subcommands.Add(DemoCommand.Create());

        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count == 0)
            return await RunAsync(parsed).ConfigureAwait(false);
        var messages = parsed.Errors.Select(error => error.Message).Distinct();
        Console.Error.WriteLine($"coexpr: {string.Join(' ', messages)} See {CommandPath(parsed)} --help.");
        return ExitCode.BadInput;
    }

    static async Task<int> RunAsync(ParseResult parsed)
    {
        var code = await parsed
            .InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = Patience })
            .ConfigureAwait(false);
        return code is Interrupted or Terminated ? ExitCode.Stopped : code;
    }

    static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (SymbolResult? at = parsed.CommandResult; at is CommandResult command; at = at.Parent)
            names.Push(command.Command.Name);
        return string.Join(' ', names);
    }
}
