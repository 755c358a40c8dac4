using System;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;
using CoExpr.Kernels;

namespace CoExpr.Cli;

/// <summary>coexpr mi: mutual information of all pairs of genes.</summary>
public sealed class MiCommand
{
    readonly Argument<string> input = new("input")
    {
        Description = ".h5ad, 10x .h5, Matrix Market (folder or .mtx), .tsv, .csv or .npy; .gz is unpacked",
    };

    readonly Option<string> output = new("--output", "-o")
    {
        Description = "Where to: .h5ad, .tsv, .csv (.gz), .npz (sparse) or .npy (dense)",
        HelpName = "FILE",
        Required = true,
    };

    readonly Option<string?> report = new("--report")
    {
        Description = "Also write a page with figures",
        HelpName = "FILE.html",
    };

    readonly Option<int> bins = OptionKind.Number("--bins", "Most bins of a gene's expressed cells, 2 to 255", 10);
    readonly Option<bool> signed = OptionKind.Flag("--signed", "Give scores the sign of the correlation (default)");
    readonly Option<bool> unsigned = OptionKind.Flag("--unsigned", "Leave scores without a sign");

    readonly Option<string> cells = OptionKind.OneOf(
        "--cells",
        "Cells that a pair is scored over: those that express either gene, or all",
        "either",
        "all"
    );

    readonly Option<int?> top = OptionKind.OptionalNumber<int>(
        "--top",
        "Keep the pairs that are among the K strongest of one of their genes (default: 50)",
        "K"
    );

    readonly Option<double?> min = OptionKind.OptionalNumber<double>(
        "--min",
        "Keep the pairs of at least so many bits",
        "BITS"
    );
    readonly Option<bool> all = OptionKind.Flag("--all", "Keep every pair");

    readonly Option<string> by = OptionKind.OneOf(
        "--by",
        "What makes a pair strong: a high score, or a magnitude far from 0",
        "score",
        "magnitude"
    );

    readonly Option<int> minCells = OptionKind.Number("--min-cells", "Leave out genes that fewer cells express", 3);

    readonly Option<double?> entropyAbove = OptionKind.OptionalNumber<double>(
        "--entropy-above",
        "Leave out genes whose non-zero values have no higher entropy",
        "NATS"
    );

    readonly Option<bool> entropyOriginal = OptionKind.Flag(
        "--entropy-without-smallest",
        "Let that entropy leave out the smallest value, not the zeros (as GeneVector)"
    );

    readonly Option<string> edges = OptionKind.OneOf(
        "--bin-edges",
        "How bin edges are computed: exactly, or in floating point as NumPy (and so GeneVector) does",
        "exact",
        "numpy"
    );

    readonly Option<string?> layer = new("--layer")
    {
        Description = "Layer to take instead of X; raw is the raw matrix",
        HelpName = "NAME",
    };

    readonly Option<string?> genesIn = GenesIn.Option();

    readonly Option<bool> negativeAsZero = OptionKind.Flag(
        "--negative-as-zero",
        "Count negative values as not expressed (as GeneVector) instead of refusing them"
    );

    readonly Option<string> backend = new("--backend")
    {
        Description = "What computes; it does not change the result",
        HelpName = "auto|cpu|reference",
        DefaultValueFactory = _ => "auto",
    };

    readonly ResourceOptions resources = new();
    readonly CommonOptions common = new();

    /// <summary>The command with its options.</summary>
    public static Command Create() => new MiCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "mi",
            """
            Mutual information of every pair of genes, in bits.

            Example: coexpr mi pbmc3k.h5ad -o network.tsv.gz --top 50 --report network.html
            A table has the columns gene_a gene_b mi cells; .h5ad has varp['mi'] and varp['mi_cells'].
            """
        );
        command.Arguments.Add(input);
        Option[] options =
        [
            output,
            report,
            bins,
            signed,
            unsigned,
            cells,
            top,
            min,
            all,
            by,
            minCells,
            entropyAbove,
            entropyOriginal,
            edges,
            layer,
            genesIn,
            negativeAsZero,
            backend,
        ];
        Array.ForEach(options, command.Options.Add);
        resources.AddTo(command);
        common.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.Given(signed) && result.Given(unsigned))
                result.AddError("--signed and --unsigned exclude each other.");
            if (new Option[] { top, min, all }.Count(result.Given) > 1)
                result.AddError("--top, --min and --all exclude each other.");
        });
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        var within = resources.Of(parsed);
        if (!parsed.GetValue(common.Quiet) && !parsed.GetValue(common.Json))
            await ResourceOptions.TellAsync(
                () =>
                    CoExpression.PlanAsync(
                        parsed.GetRequiredValue(input),
                        parsed.GetRequiredValue(output),
                        Scoring(parsed),
                        Reading(parsed),
                        within,
                        token
                    ),
                token
            );
        RunSummary? summary = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                    summary = await CoExpression
                        .RunAsync(
                            parsed.GetRequiredValue(input),
                            parsed.GetRequiredValue(output),
                            parsed.GetValue(report),
                            Scoring(parsed),
                            Reading(parsed),
                            within,
                            progress,
                            token
                        )
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        Outcome.Tell(summary!, parsed.GetValue(common.Quiet), parsed.GetValue(common.Json));
    }

    ReadSettings Reading(ParseResult parsed) =>
        new()
        {
            Layer = parsed.GetValue(layer),
            Rows = GenesIn.Rows(parsed.GetValue(genesIn)),
            Threads = parsed.GetValue(common.Threads),
        };

    CoExpressionOptions Scoring(ParseResult parsed) =>
        new()
        {
            Bins = parsed.GetValue(bins),
            Signed = !parsed.GetValue(unsigned),
            Cells = parsed.GetValue(cells) == "all" ? CellsIn.All : CellsIn.EitherGene,
            Top = parsed.GetValue(top),
            MinimumBits = parsed.GetValue(min),
            All = parsed.GetValue(all),
            ByMagnitude = parsed.GetValue(by) == "magnitude",
            MinimumCells = parsed.GetValue(minCells),
            EntropyAbove = parsed.GetValue(entropyAbove),
            EntropyWithoutSmallest = parsed.GetValue(entropyOriginal),
            NumPyEdges = parsed.GetValue(edges) == "numpy",
            NegativeAsZero = parsed.GetValue(negativeAsZero),
            Threads = parsed.GetValue(common.Threads),
            Backend = parsed.GetValue(backend)!,
        };
}
