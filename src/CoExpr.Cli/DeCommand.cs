using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr de: what each perturbation changes, gene by gene.</summary>
public sealed class DeCommand
{
    readonly Argument<string> input = new("input") { Description = ".h5ad whose obs says what was done to each cell" };

    readonly Option<string> output = new("--output", "-o")
    {
        Description = "Where to: .tsv, .csv (.gz) or .h5ad (perturbations x genes)",
        HelpName = "FILE",
        Required = true,
    };

    readonly Option<string?> report = new("--report")
    {
        Description = "Also write a page with figures",
        HelpName = "FILE.html",
    };

    readonly Option<string?> dispersionsTo = new("--dispersions-to")
    {
        Description = "Also write the genes with their dispersions: of each alone, of the trend, final",
        HelpName = "FILE.tsv",
    };

    readonly Option<string[]> perturbation = new("--perturbation")
    {
        Description = "Column of obs that says what was done to each cell; given twice, labels are joined by |",
        HelpName = "COLUMN",
        Required = true,
    };

    readonly Option<string?> control = new("--control")
    {
        Description = "Label of the cells that each perturbation is compared with",
        HelpName = "LABEL",
    };

    readonly Option<bool> rest = OptionKind.Flag("--rest", "Compare each perturbation with all other cells instead");

    readonly Option<string[]> contrast = new("--contrast")
    {
        Description =
            "Compare two labels instead: fold changes of A over B; may be given several times. A label that has commas itself is put in double quotes: '\"A1,A2\",B'. --control stays the screen's",
        HelpName = "A,B",
    };

    readonly Option<string?> contrasts = new("--contrasts")
    {
        Description =
            "The same from a file: two labels a line, with a tab between them (labels as they are) or a comma",
        HelpName = "FILE",
    };

    readonly Option<string> test = OptionKind.OneOf(
        "--test",
        "Test: of counts, by negative binomials (likelihood ratio, Wald, score, quasi-likelihood); of other values, by ranks (Mann and Whitney's U) or means (Welch's t)",
        "lrt",
        "wald",
        "score",
        "ql",
        "rank-sum",
        "welch"
    );

    readonly Option<string?> compat = new("--compat")
    {
        Description =
            "Ranks, t-tests, fold changes and corrections of another program; the test is rank-sum unless named (of crispyx also wald, its test of counts), of deseq2 its analysis of each perturbation's cells and the controls'",
        HelpName = "scanpy|crispyx|pdex|deseq2",
    };

    readonly CountOptions counts = new();

    readonly Option<string> values = OptionKind.OneOf(
        "--values",
        "What is tested: log1p of counts brought to one total per cell; stored values that are such logarithms; any stored values",
        "log-normalised",
        "log1p",
        "as-is"
    );

    readonly Option<double> target = OptionKind.Number("--target", "That total", 10_000.0);

    readonly Option<string> alternative = OptionKind.OneOf(
        "--alternative",
        "What is looked for in the perturbed cells: a difference, higher values or lower ones",
        "two-sided",
        "greater",
        "less"
    );

    readonly Option<string?> batch = new("--batch")
    {
        Description = "Column of obs within whose levels ranks are taken (van Elteren's test)",
        HelpName = "COLUMN",
    };

    readonly Option<string> weights = OptionKind.OneOf(
        "--weights",
        "Weights of batches: van Elteren's, or by their pairs of cells (as CRISPYx)",
        "locally-best",
        "unit"
    );

    readonly Option<bool> noContinuity = OptionKind.Flag(
        "--no-continuity",
        "Rank-sum without correction for continuity (as scanpy and CRISPYx)"
    );

    readonly Option<bool> noTies = OptionKind.Flag("--no-ties", "Rank-sum without correction for ties (as scanpy)");

    readonly Option<bool> noExact = OptionKind.Flag(
        "--no-exact",
        "Rank-sum by the normal distribution for few cells without ties, too"
    );

    readonly Option<bool> overestimate = OptionKind.Flag(
        "--overestimate-variance",
        "Welch as if the reference had as few cells as the perturbation (scanpy's t-test_overestim_var)"
    );

    readonly Option<bool> constantGroups = OptionKind.Flag(
        "--constant-groups",
        "Welch of groups of one value throughout, too, with a variance of 0 (as scipy and scanpy): p is far too small"
    );

    readonly Option<string> foldChange = OptionKind.OneOf(
        "--fold-change",
        "Means that fold changes are of: before the logarithm, or of logarithms (as scanpy and pdex)",
        "arithmetic",
        "geometric"
    );

    readonly Option<double> pseudocount = OptionKind.Number(
        "--pseudocount",
        "Added to both means of a fold change",
        1e-9
    );

    readonly Option<string> over = OptionKind.OneOf(
        "--q-over",
        "What q-values are over: the genes of each perturbation, or all rows",
        "perturbation",
        "all"
    );

    readonly Option<bool> untestable = OptionKind.Flag(
        "--count-untestable",
        "Let genes that no cell of either group has count in q-values (as scanpy and pdex)"
    );

    readonly Option<bool> filtering = OptionKind.Flag(
        "--independent-filtering",
        "Leave genes of a low mean out of a perturbation's q-values where that gives more findings"
    );

    readonly Option<double> alpha = OptionKind.Number(
        "--alpha",
        "False discovery rate that --independent-filtering is made for",
        0.1
    );

    readonly Option<int> minCells = OptionKind.Number("--min-cells", "Test no group with fewer cells", 2);

    readonly Option<string> columns = OptionKind.OneOf(
        "--columns",
        "Columns of a table: as in the documentation, or as pdex and cell-eval have them",
        "standard",
        "pdex"
    );

    readonly Option<bool> rankGenesGroups = OptionKind.Flag(
        "--rank-genes-groups",
        "Also write uns['rank_genes_groups'] into .h5ad, as scanpy leaves it"
    );

    readonly Option<string?> layer = new("--layer")
    {
        Description = "Layer to take instead of X; raw is the raw matrix",
        HelpName = "NAME",
    };

    readonly Option<bool> leaveOutEmpty = OptionKind.Flag(
        "--leave-out-empty",
        "Leave out cells without counts, for which a negative binomial has no size factor"
    );

    readonly CalibrationOptions calibration = new();
    readonly ResourceOptions resources = ResourceOptions.OfTests();
    readonly CommonOptions common = new();

    /// <summary>The command with its options.</summary>
    public static Command Create() => new DeCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "de",
            """
            What each perturbation changes: a test of every gene against a control.

            Example: coexpr de screen.h5ad --perturbation target --control non-targeting -o hits.tsv.gz --report hits.html
            A table has a row for each gene of each perturbation: effect, log2_fold_change, statistic, p, log10_p, q, means,
            fractions, cells, status. .h5ad has perturbations x genes, effects in X and the rest in layers.
            """
        );
        command.Arguments.Add(input);
        Option[] options =
        [
            output,
            report,
            dispersionsTo,
            perturbation,
            control,
            rest,
            contrast,
            contrasts,
            test,
            values,
            target,
            alternative,
            batch,
            weights,
            noContinuity,
            noTies,
            noExact,
            overestimate,
            constantGroups,
            foldChange,
            pseudocount,
            over,
            untestable,
            filtering,
            alpha,
            minCells,
            columns,
            rankGenesGroups,
            layer,
            leaveOutEmpty,
            compat,
        ];
        Array.ForEach(options, command.Options.Add);
        counts.AddTo(command);
        calibration.AddTo(command, rest);
        resources.AddTo(command);
        common.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.Given(control) == result.Given(rest))
                result.AddError("Either --control LABEL or --rest is needed.");
            if (result.Given(rest) && (result.Given(contrast) || result.Given(contrasts)))
                result.AddError("--contrast compares two labels, and --rest one with all others.");
            if (result.Given(alpha) && !result.Given(filtering) && !IsDeseq2(result))
                result.AddError("--alpha is the level of --independent-filtering, which is not given.");
            if (result.Given(weights) && !result.Given(batch))
                result.AddError("--weights are those of batches: --batch COLUMN is needed.");
            // A test that is given twice is refused elsewhere.
            if (result.GetResult(test) is not { Tokens.Count: > 1 })
                RefuseThoseOfOthers(result, TestOf(result));
            if (result.Given(compat))
                RefuseThoseThatItSets(result);
        });
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    const string Ranks = "rank-sum";
    const string Wald = "wald";

    string TestOf(CommandResult result) =>
        result.Given(test) ? result.GetValue(test)!
        : IsDeseq2(result) ? Wald
        : result.Given(compat) ? Ranks
        : "lrt";

    void RefuseThoseThatItSets(CommandResult result)
    {
        if (IsCrispyxOfCounts(result))
        {
            foreach (
                var option in counts
                    .NotOfCrispyx.Concat([alternative, contrast, contrasts, filtering])
                    .Where(result.Given)
            )
                result.AddError($"{option.Name} has no meaning for CRISPYx's test of counts.");
        }
        if (IsDeseq2(result))
        {
            foreach (var option in counts.All.Concat([alternative, filtering, over, dispersionsTo]).Where(result.Given))
                result.AddError($"{option.Name} has no meaning for --compat deseq2, which says what it is.");
        }
        Option[] set = [noContinuity, noTies, noExact, constantGroups, foldChange, untestable, weights, columns];
        foreach (var option in set.Where(result.Given))
            result.AddError($"--compat says what {option.Name} is; leave one of them out.");
    }

    bool IsDeseq2(CommandResult result) => result.GetValue(compat) == "deseq2";

    bool IsCrispyxOfCounts(CommandResult result) => result.GetValue(compat) == "crispyx" && TestOf(result) == "wald";

    /// <summary>Options that the chosen test would not heed.</summary>
    void RefuseThoseOfOthers(CommandResult result, string chosen)
    {
        Option[] ofSamples = [values, target, foldChange, pseudocount];
        Option[] ofRanks = [batch, weights, noContinuity, noTies, noExact];
        var isSamples = chosen is "rank-sum" or "welch";
        var others = new List<Option>();
        if (isSamples)
            others.AddRange([dispersionsTo, .. counts.All]);
        else
            others.AddRange(ofSamples);
        if (result.Given(alternative) && counts.IsWithin(result))
            result.AddError("--alternative has no meaning for --within: a change is near to 0 either way.");
        if (!isSamples && !IsCrispyxOfCounts(result))
            others.Add(counts.OfCrispyxAlone);
        if (chosen != "rank-sum")
            others.AddRange(ofRanks);
        if (chosen != "welch")
            others.AddRange(overestimate, constantGroups);
        foreach (var option in others.Where(result.Given))
            result.AddError($"{option.Name} has no meaning for --test {chosen}.");
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        var within = resources.Of(parsed);
        var reading = new ReadSettings { Layer = parsed.GetValue(layer), Threads = parsed.GetValue(common.Threads) };
        if (!parsed.GetValue(common.Quiet) && !parsed.GetValue(common.Json))
            await ResourceOptions.TellAsync(
                () =>
                    CSharp.DifferentialExpression.PlanAsync(
                        parsed.GetRequiredValue(input),
                        parsed.GetRequiredValue(output),
                        Testing(parsed),
                        reading,
                        parsed.GetValue(report),
                        within,
                        token
                    ),
                within.MemoryBytes is not null,
                within.Explain,
                token
            );
        DifferentialExpressionSummary? summary = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                    summary = await CSharp
                        .DifferentialExpression.RunAsync(
                            parsed.GetRequiredValue(input),
                            parsed.GetRequiredValue(output),
                            Testing(parsed),
                            reading,
                            parsed.GetValue(report),
                            within,
                            parsed.GetValue(dispersionsTo),
                            progress,
                            token
                        )
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        var (quiet, json) = (parsed.GetValue(common.Quiet), parsed.GetValue(common.Json));
        Outcome.TellNotes(summary!.Notes, quiet, json);
        Outcome.Tell(summary.Text, summary.Json, quiet, json);
    }

    DifferentialExpressionOptions Testing(ParseResult parsed)
    {
        var asked = Asked(parsed);
        if (parsed.GetValue(compat) is not { } program)
            return asked;
        if (parsed.GetResult(test) is not { Implicit: false })
            asked = asked with { Test = program == "deseq2" ? Wald : Ranks };
        if (program == "deseq2")
            asked = asked with { IndependentFiltering = parsed.GetValue(alpha) };
        return asked.Like(program);
    }

    DifferentialExpressionOptions Asked(ParseResult parsed) =>
        calibration.Of(parsed, counts.Of(parsed, Tested(parsed))) with
        {
            LeaveOutEmptyCells = parsed.GetValue(leaveOutEmpty),
        };

    DifferentialExpressionOptions Tested(ParseResult parsed) =>
        new()
        {
            Perturbation = parsed.GetRequiredValue(perturbation),
            Control = parsed.GetValue(control),
            Contrasts =
            [
                .. parsed.GetValue(contrast)!.Select(LabelContrast.Parse),
                .. parsed.GetValue(contrasts) is { } file ? LabelContrast.ReadAll(file) : [],
            ],
            Test = parsed.GetValue(test)!,
            Values = parsed.GetValue(values)!,
            Target = parsed.GetValue(target),
            Alternative = parsed.GetValue(alternative)!,
            Batch = parsed.GetValue(batch),
            UnitWeights = parsed.GetValue(weights) == "unit",
            Continuity = !parsed.GetValue(noContinuity),
            TieCorrection = !parsed.GetValue(noTies),
            Exact = !parsed.GetValue(noExact),
            OverestimateVariance = parsed.GetValue(overestimate),
            ConstantGroups = parsed.GetValue(constantGroups),
            FoldChange = parsed.GetValue(foldChange)!,
            Pseudocount = parsed.GetValue(pseudocount),
            AdjustOverAll = parsed.GetValue(over) == "all",
            CountUntestable = parsed.GetValue(untestable),
            IndependentFiltering = parsed.GetValue(filtering) ? parsed.GetValue(alpha) : null,
            MinimumCells = parsed.GetValue(minCells),
            Threads = parsed.GetValue(common.Threads),
            PdexColumns = parsed.GetValue(columns) == "pdex",
            RankGenesGroups = parsed.GetValue(rankGenesGroups),
        };
}
