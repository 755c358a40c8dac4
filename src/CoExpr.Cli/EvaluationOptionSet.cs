using System;
using System.CommandLine;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>Which measures are taken, how, and what they are held against: of one model or of several.</summary>
sealed class EvaluationOptionSet
{
    readonly Option<string> profile = OptionKind.OneOf(
        "--profile",
        "Which measures are taken",
        "full",
        "minimal",
        "vcc",
        "de",
        "anndata",
        "pds",
        "vcc2026",
        "extended"
    );

    readonly Option<string?> metrics = EvaluateCommand.Path(
        "--metrics",
        "Measures to take instead of a profile's, by commas",
        "NAMES"
    );

    readonly Option<int> mostCells = OptionKind.Number(
        "--most-cells",
        "Cells of a perturbation that distances between populations take; more are drawn from",
        500
    );

    readonly Option<string?> skipped = EvaluateCommand.Path(
        "--skip-metrics",
        "Measures to leave out, by commas",
        "NAMES"
    );

    readonly Option<bool> partial = OptionKind.Flag(
        "--partial",
        "Let the prediction leave out perturbations; it is ranked against all real ones"
    );

    readonly Option<string> controlSource = OptionKind.OneOf(
        "--control-source",
        "Control that predicted effects are measured from; a predicted one can be bent",
        "predicted",
        "real"
    );

    readonly Option<string> ties = OptionKind.OneOf(
        "--ties",
        "Place of a perturbation among others as far from the prediction",
        "stable",
        "midrank",
        "optimistic",
        "pessimistic",
        "numpy-legacy"
    );

    readonly Option<string> exclude = OptionKind.OneOf(
        "--exclude",
        "Target genes that distances leave out: the prediction's own, those of all perturbations, or none",
        "row",
        "panel",
        "none"
    );

    readonly Option<string> denominator = OptionKind.OneOf(
        "--denominator",
        "What ranks are divided by: the number of perturbations, or one less",
        "n",
        "n-1"
    );

    readonly Option<string?> targets = EvaluateCommand.Path(
        "--targets",
        "Gene that each perturbation targets, where it is not called as the gene: two columns"
    );

    readonly Option<double> fdr = OptionKind.Number("--fdr", "Genes with an FDR below this are significant", 0.05);

    readonly Option<string> order = OptionKind.OneOf(
        "--order",
        "What brings a significant gene to the top of a list",
        "magnitude",
        "fold-change",
        "p-value",
        "fdr"
    );

    readonly Option<string> compat = OptionKind.OneOf(
        "--compat",
        "Whose arithmetic tables are compared in: double precision, or cell-eval's single precision",
        "none",
        "cell-eval"
    );

    readonly Option<string> ceiling = OptionKind.OneOf(
        "--ceiling",
        "Also evaluate the real cells against themselves: halves that share no cell, or draws with replacement",
        "none",
        "split",
        "bootstrap"
    );

    readonly Option<string> test = OptionKind.OneOf(
        "--de-test",
        "Test that makes tables of differential expression where none are given; none leaves out what is taken from them",
        "rank-sum",
        "welch",
        "lrt",
        "wald",
        "score",
        "ql",
        "none"
    );

    readonly Option<bool> baseline = OptionKind.Flag(
        "--baseline",
        "Also evaluate the mean response, a prediction that is the same for every perturbation"
    );

    readonly Option<int> resamples = OptionKind.Number(
        "--resamples",
        "Draws of perturbations that intervals are made of; 0 for none",
        1000
    );

    readonly Option<double> level = OptionKind.Number("--level", "Share of draws that an interval holds", 0.95);

    readonly Option<ulong> seed = OptionKind.Number(
        "--seed",
        "Seed of the draws of cells for the ceiling and of perturbations for intervals",
        0UL
    );

    readonly Option<string?> report = new("--report")
    {
        Description = "Also write a page with figures",
        HelpName = "FILE.html",
    };

    internal void AddTo(Command command)
    {
        Option[] options =
        [
            profile,
            metrics,
            skipped,
            mostCells,
            partial,
            controlSource,
            ties,
            exclude,
            denominator,
            targets,
            fdr,
            order,
            compat,
            test,
            ceiling,
            baseline,
            resamples,
            level,
            seed,
            report,
        ];
        Array.ForEach(options, command.Options.Add);
    }

    internal CeilingKind Ceiling(ParseResult parsed) =>
        parsed.GetValue(ceiling) switch
        {
            "split" => CeilingKind.Disjoint,
            "bootstrap" => CeilingKind.WithReplacement,
            _ => CeilingKind.None,
        };

    internal ulong Seed(ParseResult parsed) => parsed.GetValue(seed);

    internal string? Report(ParseResult parsed) => parsed.GetValue(report);

    static string[] Names(string? list) => list?.Split(',', StringSplitOptions.TrimEntries) ?? [];

    internal EvaluationSettings Of(ParseResult parsed, EvaluationSettings cells) =>
        cells with
        {
            DeTest = parsed.GetValue(test)!,
            Baseline = parsed.GetValue(baseline),
            Resamples = parsed.GetValue(resamples),
            Level = parsed.GetValue(level),
            Profile = parsed.GetValue(profile)!,
            SkippedMetrics = Names(parsed.GetValue(skipped)),
            Metrics = Names(parsed.GetValue(metrics)),
            MostCells = parsed.GetValue(mostCells),
            Partial = parsed.GetValue(partial),
            RealControl = parsed.GetValue(controlSource) == "real",
            Ties = parsed.GetValue(ties) switch
            {
                "midrank" => TieRule.MidRank,
                "optimistic" => TieRule.Optimistic,
                "pessimistic" => TieRule.Pessimistic,
                "numpy-legacy" => TieRule.NumPyLegacy,
                _ => TieRule.Stable,
            },
            LeftOut = parsed.GetValue(exclude) switch
            {
                "panel" => TargetsLeftOut.OfPanel,
                "none" => TargetsLeftOut.None,
                _ => TargetsLeftOut.OfRow,
            },
            DividedByOthers = parsed.GetValue(denominator) == "n-1",
            Targets = parsed.GetValue(targets) is { } file
                ? PerturbationEvaluation.ReadTargets(file)
                : new EvaluationSettings().Targets,
            Fdr = parsed.GetValue(fdr),
            Order = parsed.GetValue(order) switch
            {
                "fold-change" => GeneListOrder.FoldChange,
                "p-value" => GeneListOrder.PValue,
                "fdr" => GeneListOrder.Fdr,
                _ => GeneListOrder.Magnitude,
            },
            SinglePrecision = parsed.GetValue(compat) == "cell-eval",
        };
}
