using System;
using System.CommandLine;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr evaluate prep: a package for the Virtual Cell Challenge.</summary>
sealed class EvaluatePrepCommand
{
    readonly Argument<string> predicted = new("predicted") { Description = "Predicted cells, with a control: .h5ad" };

    readonly Option<string> genes = new("--genes", "-g")
    {
        Description = "The Challenge's genes in its order, one a line",
        HelpName = "FILE",
        Required = true,
    };

    readonly Option<string?> output = new("--output", "-o")
    {
        Description = "A name in .vcc (default: the input's with .prep.vcc)",
        HelpName = "FILE.vcc",
    };

    readonly Option<string?> columnOut = EvaluateCommand.Path(
        "--column-out",
        "What the package calls the column of perturbations (default: target_gene)",
        "NAME"
    );

    readonly Option<string?> cellTypes = EvaluateCommand.Path(
        "--cell-types",
        "Column of cell types, if they are to be kept",
        "COLUMN"
    );

    readonly Option<string?> cellTypesOut = EvaluateCommand.Path(
        "--cell-types-out",
        "What the package calls that column (default: as the input)",
        "NAME"
    );

    readonly Option<string> encoding = OptionKind.OneOf("--encoding", "Bits of a value", "32", "64");

    readonly Option<int> expected = OptionKind.Number(
        "--expected-genes",
        "Genes that the Challenge asks for; -1 for any number",
        18080
    );

    readonly Option<int> most = OptionKind.Number(
        "--most-cells",
        "Cells that the Challenge allows; -1 for any number",
        200000
    );

    readonly PerturbedCellOptions cells = new();
    readonly CommonOptions common = new();

    internal static Command Create() => new EvaluatePrepCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "prep",
            """
            Packs predicted cells for the Virtual Cell Challenge; needs the zstd library, no other program.

            Example: coexpr evaluate prep model.h5ad --genes gene_names.csv -o model.vcc
            """
        );
        command.Arguments.Add(predicted);
        Option[] options = [genes, output, columnOut, cellTypes, cellTypesOut, encoding, expected, most];
        Array.ForEach(options, command.Options.Add);
        cells.AddTo(command);
        common.AddTo(command);
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    static int? Limit(int number) => number < 0 ? null : number;

    ChallengeSettings Settings(ParseResult parsed)
    {
        var standard = cells.Of(parsed, parsed.GetValue(common.Threads));
        return new()
        {
            Column = standard.Column,
            ColumnOut = parsed.GetValue(columnOut) ?? new ChallengeSettings().ColumnOut,
            Control = standard.Control,
            CellTypes = parsed.GetValue(cellTypes),
            CellTypesOut = parsed.GetValue(cellTypesOut),
            Values = standard.Values,
            DoublePrecision = parsed.GetValue(encoding) == "64",
            ExpectedGenes = Limit(parsed.GetValue(expected)),
            MostCells = Limit(parsed.GetValue(most)),
            Threads = standard.Threads,
        };
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        ChallengePackage? package = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                    package = await PerturbationEvaluation
                        .PrepareAsync(
                            parsed.GetRequiredValue(predicted),
                            parsed.GetRequiredValue(genes),
                            Settings(parsed),
                            parsed.GetValue(output),
                            null,
                            progress,
                            token
                        )
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        if (parsed.GetValue(common.Quiet))
            return;
        foreach (var note in package!.Notes)
            Console.Error.WriteLine($"Note: {note}");
        Console.Error.WriteLine(package.Path);
    }
}
