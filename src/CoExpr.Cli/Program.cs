using System;
using System.CommandLine;
using System.Linq;
using System.Text;
using System.Threading.Tasks;

namespace CoExpr.Cli;

/// <summary>coexpr: gene co-expression from the shell.</summary>
public static class Program
{
    /// <summary>Runs one command; gives the exit code.</summary>
    public static async Task<int> Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        var root = new RootCommand(
            """
            Gene co-expression for single cells: exact, the same everywhere, and fast.

            Example: coexpr mi cells.h5ad -o network.tsv --top 50 --report network.html
            """
        );
        root.Subcommands.Add(MiCommand.Create());
        root.Subcommands.Add(InfoCommand.Create());
        root.Subcommands.Add(SimulateCommand.Create());
        root.Subcommands.Add(BackendsCommand.Create());
        root.Subcommands.Add(DemoCommand.Create());

        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count == 0)
            return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        foreach (var message in parsed.Errors.Select(error => error.Message).Distinct())
            Console.Error.WriteLine($"coexpr: {message}");
        Console.Error.WriteLine($"See: coexpr {string.Join(' ', CommandPath(parsed))}--help");
        return ExitCode.BadInput;
    }

    static string[] CommandPath(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? [] : [parsed.CommandResult.Command.Name + " "];
}
