using System.CommandLine;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>The options of coexpr de that test controls against controls.</summary>
sealed class CalibrationOptions
{
    readonly Option<int?> calibrate = OptionKind.OptionalNumber<int>(
        "--calibrate",
        "Also split the controls into N groups and test each against the others: tells how many false positives there are",
        "N"
    );

    readonly Option<string?> guide = new("--guide")
    {
        Description =
            "Column of obs with the guide of each cell: test whole guides of the controls (N at most) instead of random groups",
        HelpName = "COLUMN",
    };

    readonly Option<ulong> seed = OptionKind.Number("--seed", "Seed of the random groups of --calibrate", 0UL);

    internal void AddTo(Command command, Option<bool> rest)
    {
        Option[] options = [calibrate, guide, seed];
        foreach (var option in options)
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(rest) && (result.Given(calibrate) || result.Given(guide)))
                result.AddError("--calibrate and --guide are of controls: --control LABEL is needed.");
            if (result.GetValue(calibrate) < 1)
                result.AddError($"--calibrate {result.GetValue(calibrate)}: 1 or more are needed.");
            if (result.Given(seed) && (!result.Given(calibrate) || result.Given(guide)))
                result.AddError("--seed is of the random groups of --calibrate, and there are none.");
        });
    }

    internal DifferentialExpressionOptions Of(ParseResult parsed, DifferentialExpressionOptions testing) =>
        testing with
        {
            CalibrationSplits = parsed.GetValue(calibrate) ?? 0,
            GuideColumn = parsed.GetValue(guide),
            Seed = parsed.GetValue(seed),
        };
}
