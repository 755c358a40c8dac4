using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

using BulkExpression = CoExpr.CSharp.BulkExpression;

/// <summary>coexpr bulk: differential expression of bulk samples, or of sums of cells, with any design.</summary>
public sealed class BulkCommand
{
    readonly Argument<string> input = new("counts")
    {
        Description = "Counts of genes in samples: .tsv, .csv, .h5ad, Matrix Market or .npy; cells, with --pseudobulk",
    };

    readonly Option<string> output = new("--output", "-o")
    {
        Description = "Where to: .tsv or .csv (.gz), one row per gene and contrast; or .h5ad, contrasts x genes",
        HelpName = "FILE",
        Required = true,
    };

    readonly Option<string> design = new("--design")
    {
        Description = "The model, of columns of the samples: \"~ batch + condition\"",
        HelpName = "FORMULA",
        Required = true,
    };

    readonly Option<string[]> contrasts = new("--contrast")
    {
        Description =
            "column,level,reference or the name of a coefficient; may be given several times. What has commas itself is put in double quotes: 'guide,\"A,B\",control'",
        HelpName = "CONTRAST",
        Required = true,
    };

    readonly Option<string?> samples = new("--samples")
    {
        Description = "Table of samples (.tsv, .csv); its first column names them. Without it, the file's own (obs)",
        HelpName = "FILE",
    };

    readonly Option<string?> sizeFactorsTo = new("--size-factors-to")
    {
        Description = "Also write the samples with their size factors",
        HelpName = "FILE",
    };

    readonly Option<string[]> references = new("--reference")
    {
        Description = "column=level that other levels are compared with (default: the first)",
        HelpName = "COLUMN=LEVEL",
    };

    readonly Option<string?> pseudobulk = new("--pseudobulk")
    {
        Description = "Add up the cells that have the same labels in these columns (obs), joined by commas",
        HelpName = "COLUMNS",
    };

    readonly Option<int> minCells = OptionKind.Number("--min-cells", "Leave out sums of fewer cells", 10);

    readonly Option<bool> deseq2 = OptionKind.Flag(
        "--deseq2",
        "DESeq2's own defaults: a floor of 0.5 for fitted means, its stopping rules"
    );

    readonly Option<string> sizeFactors = OptionKind.OneOf(
        "--size-factors",
        "Medians of ratios, the same for counts with a zero in every gene, or totals",
        "ratio",
        "poscounts",
        "library"
    );

    readonly Option<string> trend = OptionKind.OneOf(
        "--trend",
        "How dispersions depend on means",
        "parametric",
        "local",
        "mean",
        "none"
    );

    readonly Option<double?> minMean = OptionKind.OptionalNumber<double>(
        "--min-mu",
        "Floor of fitted means (default: 1e-6; with --deseq2 0.5)",
        "MEAN"
    );

    readonly Option<string?> reduced = new("--reduced")
    {
        Description = "Test likelihood ratios against this smaller design",
        HelpName = "FORMULA",
    };

    readonly Option<bool> studentT = OptionKind.Flag("--t", "Student's t for Wald tests, not the normal distribution");

    readonly Option<string> alternative = OptionKind.OneOf(
        "--alternative",
        "Which fold changes are a finding",
        "greater-abs",
        "less-abs",
        "greater",
        "less"
    );

    readonly Option<double> threshold = OptionKind.Number("--threshold", "log2 fold change to test against", 0.0);

    readonly Option<bool> keepOutliers = OptionKind.Flag("--keep-outliers", "Test genes with outlying counts too");

    readonly Option<int> replaceFrom = OptionKind.Number(
        "--replace-from",
        "Replicates from which outlying counts are replaced; 0 for never",
        7
    );

    readonly Option<bool> noFilter = OptionKind.Flag(
        "--no-filter",
        "Adjust the p of all genes, however low their means"
    );

    readonly Option<double> alpha = OptionKind.Number(
        "--alpha",
        "False discovery rate that the filter is chosen for",
        0.1
    );

    readonly Option<bool> shrink = OptionKind.Flag("--shrink", "Shrink fold changes too (Cauchy prior), with s-values");

    readonly Option<string?> genesIn = GenesIn.Option();

    readonly CommonOptions common = new();

    /// <summary>The command with its options.</summary>
    public static Command Create() => new BulkCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "bulk",
            """
            Differential expression of bulk samples, or of sums of cells, with any design.

            Example: coexpr bulk counts.tsv --genes-in rows --samples samples.tsv --design "~ batch + condition" --contrast condition,treated,control -o effects.tsv
            Example: coexpr bulk screen.h5ad --pseudobulk guide,replicate --design "~ replicate + guide" --contrast guide,STAT1,control -o stat1.tsv
            """
        );
        command.Arguments.Add(input);
        Option[] options =
        [
            output,
            design,
            contrasts,
            samples,
            references,
            pseudobulk,
            minCells,
            genesIn,
            deseq2,
            sizeFactors,
            trend,
            minMean,
            reduced,
            studentT,
            alternative,
            threshold,
            keepOutliers,
            replaceFrom,
            noFilter,
            alpha,
            shrink,
            sizeFactorsTo,
        ];
        Array.ForEach(options, command.Options.Add);
        common.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(pseudobulk) is not null && result.GetValue(samples) is not null)
                result.AddError(
                    "--samples: sums of cells are described by the cells' own columns; leave it or --pseudobulk out."
                );
            if (result.GetValue(pseudobulk) is null && result.Given(minCells))
                result.AddError("--min-cells: needs --pseudobulk.");
        });
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        var path = parsed.GetRequiredValue(output);
        BulkSummary? made = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                    made = await BulkExpression
                        .RunFilesAsync(
                            parsed.GetRequiredValue(input),
                            path,
                            parsed.GetRequiredValue(design),
                            parsed.GetRequiredValue(contrasts).Select(BulkContrast.Parse).ToArray(),
                            Files(parsed),
                            Settings(parsed),
                            new()
                            {
                                Rows = GenesIn.Rows(parsed.GetValue(genesIn)),
                                Threads = parsed.GetValue(common.Threads),
                            },
                            progress,
                            token
                        )
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        Tell(parsed, made!, path);
    }

    BulkFiles Files(ParseResult parsed) =>
        new()
        {
            Samples = parsed.GetValue(samples),
            Pseudobulk = parsed.GetValue(pseudobulk) is { } columns
                ? new() { Columns = columns.Split(','), MinimalCells = parsed.GetValue(minCells) }
                : null,
            SizeFactorsTo = parsed.GetValue(sizeFactorsTo),
        };

    static KeyValuePair<string, string> ReferenceOf(string text) =>
        text.Split('=', 2) is [var column, var level]
            ? KeyValuePair.Create(column, level)
            : throw CoExprException.BadOption("--reference", text, "column=level is needed");

    BulkSettings Settings(ParseResult parsed)
    {
        var least = parsed.GetValue(replaceFrom);
        return new()
        {
            AsDESeq2 = parsed.GetValue(deseq2),
            References = new Dictionary<string, string>((parsed.GetValue(references) ?? []).Select(ReferenceOf)),
            Reduced = parsed.GetValue(reduced),
            Factors = parsed.GetValue(sizeFactors) switch
            {
                "poscounts" => SampleFactorKind.PositiveCounts,
                "library" => SampleFactorKind.LibrarySize,
                _ => SampleFactorKind.MedianOfRatios,
            },
            Trend = parsed.GetValue(trend) switch
            {
                "local" => DispersionTrendKind.Local,
                "mean" => DispersionTrendKind.Mean,
                "none" => DispersionTrendKind.None,
                _ => DispersionTrendKind.Parametric,
            },
            SmallestMean = parsed.GetValue(minMean),
            StudentT = parsed.GetValue(studentT),
            Alternative = parsed.GetValue(alternative) switch
            {
                "less-abs" => AlternativeKind.LessAbs,
                "greater" => AlternativeKind.Greater,
                "less" => AlternativeKind.Less,
                _ => AlternativeKind.GreaterAbs,
            },
            Threshold = parsed.GetValue(threshold),
            Outliers = !parsed.GetValue(keepOutliers),
            ReplaceFrom = least == 0 ? null : least,
            IndependentFiltering = !parsed.GetValue(noFilter),
            Alpha = parsed.GetValue(alpha),
            Shrink = parsed.GetValue(shrink),
            Threads = parsed.GetValue(common.Threads),
        };
    }

    void Tell(ParseResult parsed, BulkSummary summary, string path)
    {
        var fdr = parsed.GetValue(alpha);
        var made = summary.Comparisons;
        var found = made
            .Results.GroupBy(result => result.Contrast)
            .Select(group =>
                KeyValuePair.Create(
                    group.Key,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{group.Count(r => r.AdjustedPValue < fdr):N0} of {group.Count(r => r.Outcome != BulkOutcomeKind.NoCounts):N0} genes at a false discovery rate of {fdr}"
                    )
                )
            );
        KeyValuePair<string, string>[] lines =
        [
            new("samples", summary.SampleNames.Count.ToString(CultureInfo.InvariantCulture)),
            .. summary.TooSmall.Select(pair =>
                KeyValuePair.Create(
                    "left out",
                    string.Create(CultureInfo.InvariantCulture, $"{pair.Key}: {pair.Value} cells")
                )
            ),
            .. summary.UnlabelledCells > 0
                ?
                [
                    KeyValuePair.Create(
                        "left out",
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{summary.UnlabelledCells:N0} cells without a label"
                        )
                    ),
                ]
                : Array.Empty<KeyValuePair<string, string>>(),
            new("trend", made.TrendKind ?? "none"),
            .. found,
            new("written", path),
        ];
        if (parsed.GetValue(common.Json))
            Lines.Print(lines, true);
        else if (!parsed.GetValue(common.Quiet))
            foreach (var (name, text) in lines)
                Console.Error.WriteLine($"{name}: {text}");
    }
}
