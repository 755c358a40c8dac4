using System;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;
using CoExpr.Kernels;

namespace CoExpr.Cli;

/// <summary>coexpr mi: mutual information, or another measure, of all pairs of genes.</summary>
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

    readonly Option<string> measure = OptionKind.OneOf(
        "--measure",
        "What is scored: mutual information, the same over the lower, the mean or the joint entropy, or another measure",
        "mi",
        "nmi-min",
        "nmi-mean",
        "nmi-joint",
        "pearson",
        "spearman",
        "cosine",
        "jaccard"
    );

    readonly Option<string> estimator = OptionKind.OneOf(
        "--estimator",
        "How mutual information is estimated",
        "plugin",
        "miller-madow",
        "shrink"
    );

    readonly Option<string> transform = OptionKind.OneOf(
        "--transform",
        "What is made of the scores of all pairs before some are kept; holds all of them",
        "none",
        "clr",
        "mrnet"
    );

    readonly Option<bool> pValues = OptionKind.Flag(
        "--p-values",
        "Give pairs the p and q of the G-test of independence (needs --cells all)"
    );

    readonly Option<double?> fdr = OptionKind.OptionalNumber<double>(
        "--fdr",
        "Keep the pairs with a q of at most this (needs --cells all)",
        "Q"
    );

    readonly Option<bool> signed = OptionKind.Flag(
        "--signed",
        "Give mutual information the sign of the correlation (default)"
    );
    readonly Option<bool> unsigned = OptionKind.Flag("--unsigned", "Leave mutual information without a sign");

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
        "Keep the pairs of at least this score (bits, for mi)",
        "SCORE"
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

    readonly ResamplingOptions resampling = new();

    readonly Option<string> backend = new("--backend")
    {
        Description = "What computes; it does not change the result",
        HelpName = "auto|cpu|gpu[:N]|opencl-cpu|reference",
        DefaultValueFactory = _ => "auto",
    };

    readonly ResourceOptions resources = ResourceOptions.OfPairs();
    readonly CommonOptions common = new();

    /// <summary>The command with its options.</summary>
    public static Command Create() => new MiCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "mi",
            """
            Mutual information of every pair of genes, in bits, or another measure.

            Example: coexpr mi pbmc3k.h5ad -o network.tsv.gz --top 50 --report network.html
            A table has the columns gene_a gene_b mi cells; .h5ad has varp['mi'] and varp['mi_cells']. With p-values a table
            has p log10_p q, too, and .h5ad varp['mi_neg_log10_p'] and varp['mi_neg_log10_q'].
            """
        );
        command.Arguments.Add(input);
        Option[] options =
        [
            output,
            report,
            measure,
            estimator,
            transform,
            pValues,
            bins,
            signed,
            unsigned,
            cells,
            top,
            min,
            fdr,
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
        resampling.AddTo(command);
        resources.AddTo(command);
        common.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.Given(signed) && result.Given(unsigned))
                result.AddError("--signed and --unsigned exclude each other.");
            if (new Option[] { top, min, fdr, all }.Count(result.Given) > 1)
                result.AddError("--top, --min, --fdr and --all exclude each other.");
            if (result.GetValue(measure) is { } chosen && !IsInformation(chosen))
                RefuseThoseOfInformation(result, chosen);
            if (result.Given(entropyOriginal) && !result.Given(entropyAbove))
                result.AddError("--entropy-without-smallest says how --entropy-above is meant, which is not given.");
        });
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    /// <summary>Options without a meaning for other measures.</summary>
    void RefuseThoseOfInformation(System.CommandLine.Parsing.CommandResult result, string measure)
    {
        if (result.Given(signed) || result.Given(unsigned))
            result.AddError(
                $"{(result.Given(signed) ? "--signed gives" : "--unsigned leaves")} mutual information "
                    + $"{(result.Given(signed) ? "a sign" : "without one")}, and --measure {measure} is none."
            );
        foreach (var option in new Option[] { bins, edges })
            if (result.Given(option))
                result.AddError($"{option.Name} is of mutual information, and --measure {measure} is none.");
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
                within.MemoryBytes is not null,
                explained: false,
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
        if (within.Explain && !parsed.GetValue(common.Quiet))
            Console.Error.Write(CountingTable.Text(summary!.Result));
        Outcome.Tell(summary!, parsed.GetValue(common.Quiet), parsed.GetValue(common.Json));
    }

    static bool IsInformation(string measure) =>
        measure == "mi" || measure.StartsWith("nmi-", StringComparison.Ordinal);

    ReadSettings Reading(ParseResult parsed) =>
        new()
        {
            Layer = parsed.GetValue(layer),
            Rows = GenesIn.Rows(parsed.GetValue(genesIn)),
            Threads = parsed.GetValue(common.Threads),
        };

    CoExpressionOptions Scoring(ParseResult parsed) =>
        resampling.Of(
            parsed,
            new()
            {
                Bins = parsed.GetValue(bins),
                Measure = parsed.GetValue(measure)!,
                Estimator = parsed.GetValue(estimator)!,
                Transform = parsed.GetValue(transform)!,
                PValues = parsed.GetValue(pValues),
                FalseDiscoveryRate = parsed.GetValue(fdr),
                Signed = !parsed.GetValue(unsigned),
                Cells = parsed.GetValue(cells) == "all" ? CellsIn.All : CellsIn.EitherGene,
                Top = parsed.GetValue(top),
                MinimumScore = parsed.GetValue(min),
                All = parsed.GetValue(all),
                ByMagnitude = parsed.GetValue(by) == "magnitude",
                MinimumCells = parsed.GetValue(minCells),
                EntropyAbove = parsed.GetValue(entropyAbove),
                EntropyWithoutSmallest = parsed.GetValue(entropyOriginal),
                NumPyEdges = parsed.GetValue(edges) == "numpy",
                NegativeAsZero = parsed.GetValue(negativeAsZero),
                Threads = parsed.GetValue(common.Threads),
                Backend = parsed.GetValue(backend)!,
                Notice = line => Console.Error.WriteLine($"coexpr: {line}"),
            }
        );
}
