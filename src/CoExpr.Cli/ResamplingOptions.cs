using System.CommandLine;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>The options of coexpr mi that say which pairs are scored and how sure their scores are.</summary>
sealed class ResamplingOptions
{
    readonly Option<string?> regulators = new("--regulators")
    {
        Description = "Score only pairs with one of the genes in this file, one name a line",
        HelpName = "FILE",
    };

    readonly Option<int> bootstraps = OptionKind.Number(
        "--bootstraps",
        "Draw the cells N times anew: adds sd, low and high of the kept pairs (and frequency with --regulators)",
        0
    );

    readonly Option<int> permutations = OptionKind.Number(
        "--permutations",
        "Permute the cells of one gene N times: adds p_permutation of the kept pairs",
        0
    );

    readonly Option<double> confidence = OptionKind.Number(
        "--confidence",
        "Share of the bootstraps between low and high",
        0.95
    );

    readonly Option<ulong> seed = OptionKind.Number("--seed", "Seed of bootstraps and permutations", 0UL);

    internal void AddTo(Command command)
    {
        Option[] options = [regulators, bootstraps, permutations, confidence, seed];
        foreach (var option in options)
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            var (drawn, permuted) = (result.Given(bootstraps), result.Given(permutations));
            if (result.Given(confidence) && !drawn)
                result.AddError("--confidence is of the interval that --bootstraps adds; give --bootstraps, too.");
            if (result.Given(seed) && !drawn && !permuted)
                result.AddError("--seed is of --bootstraps and --permutations, and neither is given.");
        });
    }

    internal CoExpressionOptions Of(ParseResult parsed, CoExpressionOptions scoring) =>
        scoring with
        {
            Regulators = parsed.GetValue(regulators) is { } path ? CoExpression.ReadGeneNames(path) : null,
            Bootstraps = parsed.GetValue(bootstraps),
            Permutations = parsed.GetValue(permutations),
            Confidence = parsed.GetValue(confidence),
            Seed = parsed.GetValue(seed),
        };
}
