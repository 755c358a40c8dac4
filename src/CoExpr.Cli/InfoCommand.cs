using System.CommandLine;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr info: what is in a file.</summary>
public static class InfoCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var input = new Argument<string>("input") { Description = "A file of any format that coexpr mi reads" };
        var genesIn = GenesIn.Option();
        var json = OptionKind.Flag("--json", "As JSON");
        var command = new Command(
            "info",
            """
            Says what is in a file: shape, matrices, columns, layers.

            Example: coexpr info pbmc3k.h5ad
            """
        );
        command.Arguments.Add(input);
        command.Options.Add(genesIn);
        command.Options.Add(json);
        command.SetAction(
            (parsed, token) =>
                ExitCode.OfAsync(
                    async stop =>
                    {
                        var settings = new ReadSettings { Rows = GenesIn.Rows(parsed.GetValue(genesIn)) };
                        var lines = await CellData
                            .DescribeAsync(parsed.GetRequiredValue(input), settings, stop)
                            .ConfigureAwait(false);
                        Lines.Print(lines, parsed.GetValue(json));
                    },
                    token
                )
        );
        return command;
    }
}
