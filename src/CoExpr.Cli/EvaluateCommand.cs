using System;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr evaluate: how good a predicted response to perturbations is.</summary>
public static class EvaluateCommand
{
    /// <summary>The command with its parts.</summary>
    public static Command Create()
    {
        var command = new Command(
            "evaluate",
            """
            How good a predicted response to perturbations is, by the measures of cell-eval.

            Example: coexpr evaluate run --real real.h5ad --predicted model.h5ad -o model
                     coexpr evaluate baseline real.h5ad -o baseline.h5ad
                     coexpr evaluate score model/agg_results.csv baseline/agg_results.csv -o scores.csv
                     coexpr evaluate compare linear.h5ad transformer.h5ad --real real.h5ad -o comparison
                     coexpr evaluate prep model.h5ad --genes gene_names.csv -o model.vcc
            """
        );
        command.Subcommands.Add(EvaluateRunCommand.Create());
        command.Subcommands.Add(EvaluateBaselineCommand.Create());
        command.Subcommands.Add(EvaluateScoreCommand.Create());
        command.Subcommands.Add(EvaluateCompareCommand.Create());
        command.Subcommands.Add(EvaluatePrepCommand.Create());
        return command;
    }

    internal static Option<string?> Path(string name, string description, string helpName = "FILE") =>
        new(name) { Description = description, HelpName = helpName };

    internal static Option<string> Output(string description, string helpName) =>
        new("--output", "-o")
        {
            Description = description,
            HelpName = helpName,
            Required = true,
        };
}

/// <summary>Which cells are which, and what their values are.</summary>
sealed class PerturbedCellOptions
{
    readonly Option<string> column = Text(
        "--column",
        "Column of the cell table that names perturbations",
        "target_gene"
    );
    readonly Option<string> control = Text("--control", "Label of the control cells", "non-targeting");

    readonly Option<string> values = OptionKind.OneOf(
        "--values",
        "What the values are: told from them, counts to be normalised, logarithms, or to be taken as they are",
        "auto",
        "counts",
        "log",
        "as-is"
    );

    static Option<string> Text(string name, string description, string standard) =>
        new(name)
        {
            Description = description,
            HelpName = "NAME",
            DefaultValueFactory = _ => standard,
        };

    internal void AddTo(Command command)
    {
        command.Options.Add(column);
        command.Options.Add(control);
        command.Options.Add(values);
    }

    internal EvaluationSettings Of(ParseResult parsed, int threads) =>
        new()
        {
            Column = parsed.GetValue(column)!,
            Control = parsed.GetValue(control)!,
            Values = parsed.GetValue(values) switch
            {
                "counts" => CellValueScale.Counts,
                "log" => CellValueScale.Logarithms,
                "as-is" => CellValueScale.AsTheyAre,
                _ => CellValueScale.Detect,
            },
            Threads = threads,
        };
}

/// <summary>coexpr evaluate run: the measures of a prediction.</summary>
sealed class EvaluateRunCommand
{
    readonly Option<string?> real = EvaluateCommand.Path("--real", "Real cells: .h5ad");
    readonly Option<string?> predicted = EvaluateCommand.Path("--predicted", "Predicted cells: .h5ad");

    readonly Option<string?> realTable = EvaluateCommand.Path(
        "--real-de",
        "Differential expression of the real cells: .csv or .tsv with target, feature, log2_fold_change, p_value, fdr"
    );

    readonly Option<string?> predictedTable = EvaluateCommand.Path("--predicted-de", "The same of the predicted cells");
    readonly Option<string> output = EvaluateCommand.Output("Folder for the tables", "FOLDER");
    readonly Option<string?> prefix = EvaluateCommand.Path("--prefix", "Put before the names of the tables", "TEXT");

    readonly Option<string?> cellTypes = EvaluateCommand.Path(
        "--cell-types",
        "Column of cell types, each of which is evaluated by itself; given tables need it, too",
        "COLUMN"
    );

    readonly EvaluationOptionSet measures = new();
    readonly PerturbedCellOptions cells = new();
    readonly CommonOptions common = new();

    internal static Command Create() => new EvaluateRunCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "run",
            """
            The measures of a prediction, per perturbation and over all.

            Example: coexpr evaluate run --real real.h5ad --predicted model.h5ad -o model --real-de r.csv --predicted-de p.csv
            The folder gets results.csv and agg_results.csv, as cell-eval writes them, results.tsv, aggregates.tsv with
            intervals, costs.tsv, results.json and run.json; real_de.csv and pred_de.csv where no tables were given.
            """
        );
        Option[] options = [real, predicted, realTable, predictedTable, output, prefix, cellTypes];
        Array.ForEach(options, command.Options.Add);
        measures.AddTo(command);
        cells.AddTo(command);
        common.AddTo(command);
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        EvaluationSummary? summary = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                    summary = await PerturbationEvaluation
                        .RunAsync(
                            Input(parsed),
                            parsed.GetRequiredValue(output),
                            measures.Of(parsed, cells.Of(parsed, parsed.GetValue(common.Threads))) with
                            {
                                CellTypes = parsed.GetValue(cellTypes),
                            },
                            parsed.GetValue(prefix),
                            measures.Report(parsed),
                            measures.Ceiling(parsed),
                            measures.Seed(parsed),
                            null,
                            progress,
                            token
                        )
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        Tell(summary!, parsed.GetValue(common.Quiet), parsed.GetValue(common.Json));
    }

    static void Tell(EvaluationSummary summary, bool quiet, bool json)
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

    EvaluationInput Input(ParseResult parsed) =>
        new()
        {
            RealCells = parsed.GetValue(real),
            PredictedCells = parsed.GetValue(predicted),
            RealTable = parsed.GetValue(realTable),
            PredictedTable = parsed.GetValue(predictedTable),
        };
}

/// <summary>coexpr evaluate baseline: cells that respond alike to every perturbation.</summary>
sealed class EvaluateBaselineCommand
{
    readonly Argument<string> real = new("real") { Description = "Real cells: .h5ad" };
    readonly Option<string> output = EvaluateCommand.Output("Where to: a name in .h5ad", "FILE.h5ad");

    readonly Option<bool> withoutControl = OptionKind.Flag(
        "--without-control",
        "Leave the control's mean out of the mean of means, which cell-eval has in"
    );

    readonly Option<int?> copies = OptionKind.OptionalNumber<int>(
        "--cells",
        "Cells of each perturbation (default: as many as the real ones have)",
        "N"
    );

    readonly PerturbedCellOptions cells = new();
    readonly CommonOptions common = new();

    internal static Command Create() => new EvaluateBaselineCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "baseline",
            """
            Writes the mean response as a prediction: the mean of the mean profiles for every perturbation.

            Example: coexpr evaluate baseline real.h5ad -o baseline.h5ad
            """
        );
        command.Arguments.Add(real);
        command.Options.Add(output);
        command.Options.Add(withoutControl);
        command.Options.Add(copies);
        cells.AddTo(command);
        common.AddTo(command);
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        var file = parsed.GetRequiredValue(output);
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                progress =>
                    PerturbationEvaluation.WriteBaselineAsync(
                        parsed.GetRequiredValue(real),
                        file,
                        cells.Of(parsed, parsed.GetValue(common.Threads)),
                        parsed.GetValue(withoutControl),
                        parsed.GetValue(copies),
                        null,
                        progress,
                        token
                    )
            )
            .ConfigureAwait(false);
        if (!parsed.GetValue(common.Quiet))
            Console.Error.WriteLine(file);
    }
}

/// <summary>coexpr evaluate score: a prediction's means against those of a baseline.</summary>
static class EvaluateScoreCommand
{
    internal static Command Create()
    {
        var prediction = new Argument<string>("prediction") { Description = "agg_results.csv of the prediction" };
        var baseline = new Argument<string>("baseline") { Description = "agg_results.csv of the baseline" };
        var output = EvaluateCommand.Output("Where to: .csv or .tsv", "FILE");
        var quiet = OptionKind.Flag("--quiet", "Say nothing but errors", "-q");
        var command = new Command(
            "score",
            """
            Scores a prediction from 0, the baseline, to 1, perfection, as the Virtual Cell Challenge 2025 does.

            Example: coexpr evaluate score model/agg_results.csv baseline/agg_results.csv -o scores.csv
            """
        );
        command.Arguments.Add(prediction);
        command.Arguments.Add(baseline);
        command.Options.Add(output);
        command.Options.Add(quiet);
        command.SetAction(
            (parsed, token) =>
                ExitCode.OfAsync(
                    async stop =>
                    {
                        var scores = await PerturbationEvaluation
                            .ScoreAsync(
                                parsed.GetRequiredValue(prediction),
                                parsed.GetRequiredValue(baseline),
                                parsed.GetRequiredValue(output),
                                stop
                            )
                            .ConfigureAwait(false);
                        if (!parsed.GetValue(quiet))
                            Tell(scores);
                    },
                    token
                )
        );
        return command;
    }

    static void Tell(System.Collections.Generic.IReadOnlyList<MetricScore> scores)
    {
        foreach (var score in scores.Where(score => score.Warning is not null))
            Console.Error.WriteLine($"Warning: {score.Warning}");
        foreach (var score in scores)
            Console.Error.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{score.Name, -28}  {score.Score:0.0000}")
            );
        var average = scores.Count == 0 ? double.NaN : scores.Average(score => score.Score);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"avg_score", -28}  {average:0.0000}"));
    }
}
