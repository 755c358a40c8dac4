using System.CommandLine;
using System.CommandLine.Parsing;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>The options of coexpr de that are of negative binomials.</summary>
sealed class CountOptions
{
    readonly Option<string> sizeFactors = OptionKind.OneOf(
        "--size-factors",
        "Depth of cells: total counts without the most counted twentieth of the genes, or of all; median of ratios, DESeq2's poscounts, or ratios over counts above 0 (as CRISPYx)",
        "trimmed",
        "library",
        "ratio",
        "poscounts",
        "non-zero"
    );

    readonly Option<string?> sizeFactorColumn = new("--size-factor-column")
    {
        Description = "Column of obs with size factors of your own",
        HelpName = "COLUMN",
    };

    readonly Option<bool> eachComparison = OptionKind.Flag(
        "--dispersion-each",
        "Estimate dispersions anew for each perturbation and the control, not once for the screen"
    );

    readonly Option<string> trend = OptionKind.OneOf(
        "--dispersion-trend",
        "What dispersions are drawn towards: what genes of like mean have (by likelihood, or a running median), a0 + a1 / mean, or one value",
        "local",
        "median",
        "parametric",
        "constant"
    );

    readonly Option<string> shrinkage = OptionKind.OneOf(
        "--dispersion-shrinkage",
        "How dispersions are drawn there: posterior mode, means weighed by precision, not at all, or all the way",
        "mode",
        "precision",
        "none",
        "trend"
    );

    readonly Option<string?> covariates = new("--covariates")
    {
        Description =
            "Columns of obs to allow for in all groups alike: labels level by level, numbers as they are, factor(name) for numbers that are labels",
        HelpName = "COLUMN,...",
    };

    readonly Option<double> threshold = OptionKind.Number(
        "--threshold",
        "log2 fold changes up to this one are no finding",
        0.0
    );

    readonly Option<bool> within = OptionKind.Flag(
        "--within",
        "Look for fold changes nearer to 0 than --threshold instead"
    );

    readonly Option<bool> lowExpression = OptionKind.Flag(
        "--low-expression-filter",
        "Do not test genes that hardly any cell has (as CRISPYx)"
    );

    readonly Option<string> cooks = OptionKind.OneOf(
        "--cooks",
        "Look for counts that move a comparison by more than they should (Cook's distance): say so, or give such rows no p, too",
        "off",
        "flag",
        "set-aside"
    );

    readonly Option<string> scope = OptionKind.OneOf(
        "--scope",
        "What size factors and dispersions are of: all cells, or of each comparison its own cells alone",
        "screen",
        "comparison"
    );

    readonly Option<bool> shrink = OptionKind.Flag(
        "--shrink",
        "Also give fold changes drawn towards 0 (apeglm's prior), and s-values"
    );

    readonly Option<double> leastMean = OptionKind.Number(
        "--min-mean",
        "For --compat crispyx --test wald: the smallest mean that a fit may have; 1e-6 mends what 0.5 does to genes of few counts",
        0.5
    );

    /// <summary>What CRISPYx's test of counts does not heed.</summary>
    internal Option[] NotOfCrispyx =>
        [sizeFactors, eachComparison, trend, shrinkage, threshold, within, lowExpression, covariates, cooks, scope];

    internal Option OfCrispyxAlone => leastMean;

    internal Option[] All =>
        [
            sizeFactors,
            sizeFactorColumn,
            covariates,
            eachComparison,
            trend,
            shrinkage,
            threshold,
            within,
            lowExpression,
            cooks,
            scope,
            shrink,
            leastMean,
        ];

    internal bool IsWithin(CommandResult result) => result.Given(within);

    internal void AddTo(Command command)
    {
        foreach (var option in All)
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.Given(sizeFactors) && result.Given(sizeFactorColumn))
                result.AddError("--size-factors and --size-factor-column exclude each other.");
            if (result.Given(eachComparison) && result.GetValue(scope) == "comparison")
                result.AddError(
                    "--scope comparison has dispersions of each comparison already: leave --dispersion-each out."
                );
            if (result.Given(within) && !result.Given(threshold))
                result.AddError("--within is within --threshold, which is not given.");
        });
    }

    internal DifferentialExpressionOptions Of(ParseResult parsed, DifferentialExpressionOptions options) =>
        options with
        {
            SizeFactors = parsed.GetValue(sizeFactors)!,
            SizeFactorColumn = parsed.GetValue(sizeFactorColumn),
            Covariates = parsed.GetValue(covariates)?.Split(',') ?? [],
            DispersionsEachComparison = parsed.GetValue(eachComparison),
            DispersionTrend = parsed.GetValue(trend)!,
            DispersionShrinkage = parsed.GetValue(shrinkage)!,
            Threshold = parsed.GetValue(threshold),
            Within = parsed.GetValue(within),
            LowExpressionFilter = parsed.GetValue(lowExpression),
            Cooks = parsed.GetValue(cooks)!,
            Scope = parsed.GetValue(scope)!,
            Shrink = parsed.GetValue(shrink),
            LeastMean = parsed.GetValue(leastMean),
        };
}
