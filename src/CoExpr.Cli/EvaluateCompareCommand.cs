using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr evaluate compare: several models side by side.</summary>
sealed class EvaluateCompareCommand
{
    readonly Argument<string[]> models = new("models")
    {
        Description = "Predicted cells of each model: .h5ad; without --real results.csv of each, or its folder",
        Arity = ArgumentArity.OneOrMore,
    };

    readonly Option<string?> real = EvaluateCommand.Path(
        "--real",
        "Real cells, which are read, summed and tested once for all models: .h5ad"
    );

    readonly Option<string?> names = EvaluateCommand.Path(
        "--names",
        "What tables call the models, by commas (default: as their files)",
        "NAMES"
    );

    readonly Option<string?> against = EvaluateCommand.Path(
        "--against",
        "Model that the others are held against (default: the first)",
        "NAME"
    );

    readonly Option<string> output = EvaluateCommand.Output("Folder for the tables", "FOLDER");
    readonly EvaluationOptionSet measures = new();
    readonly PerturbedCellOptions cells = new();
    readonly CommonOptions common = new();

    internal static Command Create() => new EvaluateCompareCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "compare",
            """
            Several models against one set of real cells, or their finished results, with paired differences.

            Example: coexpr evaluate compare linear.h5ad transformer.h5ad --real real.h5ad -o comparison --report models.html
                     coexpr evaluate compare linear/results.csv transformer/results.csv -o comparison
            The folder gets comparison.csv (models x measures), comparison.tsv and differences.tsv with intervals,
            comparison.json, run.json, and with --real the tables of each model under its name.
            """
        );
        command.Arguments.Add(models);
        Option[] options = [real, names, against, output];
        Array.ForEach(options, command.Options.Add);
        measures.AddTo(command);
        cells.AddTo(command);
        common.AddTo(command);
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        ComparisonSummary? summary = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress => summary = await CompareAsync(parsed, progress, token).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        Tell(summary!, parsed.GetValue(common.Quiet), parsed.GetValue(common.Json));
    }

    Task<ComparisonSummary> CompareAsync(ParseResult parsed, IProgress<JobProgress>? progress, CancellationToken token)
    {
        var files = Models(parsed);
        var folder = parsed.GetRequiredValue(output);
        var settings = measures.Of(parsed, cells.Of(parsed, parsed.GetValue(common.Threads)));
        var other = parsed.GetValue(against);
        var (report, seed) = (measures.Report(parsed), measures.Seed(parsed));
        return parsed.GetValue(real) is { } cellsOf
            ? PerturbationEvaluation.CompareAsync(
                cellsOf,
                files,
                folder,
                settings,
                other,
                report,
                measures.Ceiling(parsed),
                seed,
                null,
                progress,
                token
            )
            : PerturbationEvaluation.CompareResultsAsync(files, folder, settings, other, report, seed, token);
    }

    ModelFile[] Models(ParseResult parsed)
    {
        var files = parsed.GetRequiredValue(models);
        if (parsed.GetValue(names) is not { } given)
            return [.. files.Select(ModelFile.Of)];
        var called = given.Split(',', StringSplitOptions.TrimEntries);
        return called.Length == files.Length
            ? [.. files.Zip(called, (file, name) => new ModelFile(name, file))]
            : throw CoExprException.BadOption(
                "--names",
                given,
                $"{called.Length} names are given for {files.Length} models"
            );
    }

    static void Tell(ComparisonSummary summary, bool quiet, bool json)
    {
        if (json)
            Console.Out.WriteLine(summary.Json);
        if (quiet || json)
            return;
        foreach (var note in summary.Notes)
            Console.Error.WriteLine($"Note: {note}");
        foreach (var warning in summary.Warnings)
            Console.Error.WriteLine($"Warning: {warning}");
        Console.Error.WriteLine(summary.Text);
    }
}
