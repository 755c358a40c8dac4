using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>The files of an evaluation: cells, tables of differential expression, or both.</summary>
public sealed record EvaluationInput
{
    /// <summary>Real cells, in a file that <see cref="CellData.ReadAsync"/> reads and that has a cell table.</summary>
    public string? RealCells { get; init; }

    /// <summary>Predicted cells.</summary>
    public string? PredictedCells { get; init; }

    /// <summary>Differential expression of the real cells: target, feature, log2_fold_change, p_value, fdr.</summary>
    public string? RealTable { get; init; }

    /// <summary>Differential expression of the predicted cells.</summary>
    public string? PredictedTable { get; init; }

    internal EvaluationPaths ToCore(string folder, string? prefix) =>
        new(
            Pair("--real", RealCells, "--predicted", PredictedCells),
            Pair("--real-de", RealTable, "--predicted-de", PredictedTable),
            folder,
            prefix is null ? null : FSharpOption<string>.Some(prefix)
        );

    static FSharpOption<Tuple<string, string>>? Pair(string first, string? real, string second, string? predicted) =>
        (real, predicted) switch
        {
            (null, null) => null,
            ({ } one, { } other) => FSharpOption<Tuple<string, string>>.Some(Tuple.Create(one, other)),
            ({ } one, null) => throw Alone(first, one, second),
            (null, { } other) => throw Alone(second, other, first),
        };

    static CoExprException Alone(string given, string value, string missing) =>
        CoExprException.Of(CoExprError.NewBadOption(given, value, $"{missing} is needed, too"));
}

/// <summary>What one half of the real cells is to the other.</summary>
public enum CeilingKind
{
    /// <summary>No ceiling is taken.</summary>
    None,

    /// <summary>Halves that share no cell.</summary>
    Disjoint,

    /// <summary>Two draws with replacement, as in cell-eval; they share cells.</summary>
    WithReplacement,
}

/// <summary>How good a predicted response to perturbations is: every measure of cell-eval, and those of other suites.</summary>
public static class PerturbationEvaluation
{
    /// <summary>Evaluates a prediction and writes results.csv, agg_results.csv, results.tsv, aggregates.tsv, costs.tsv,
    /// results.json and run.json, all of them or none; and real_de.csv and pred_de.csv, where tables were made here.</summary>
    /// <param name="input">What is compared.</param>
    /// <param name="folder">Folder for the tables; made if need be.</param>
    /// <param name="settings">How; the defaults of <see cref="EvaluationSettings"/> if omitted.</param>
    /// <param name="prefix">Put before the names of the files, with a line between.</param>
    /// <param name="report">A page with figures, a name in .html; none if omitted.</param>
    /// <param name="ceiling">Whether the real cells are evaluated against themselves, too.</param>
    /// <param name="seed">Seed of the ceiling's draw and of the intervals'.</param>
    /// <param name="reading">How cells are read; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="token">Stops the job; nothing is written then.</param>
    /// <exception cref="CoExprException">A file, a value, a label or an option is bad.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<EvaluationSummary> RunAsync(
        EvaluationInput input,
        string folder,
        EvaluationSettings? settings = null,
        string? prefix = null,
        string? report = null,
        CeilingKind ceiling = CeilingKind.None,
        ulong seed = 0,
        ReadSettings? reading = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(folder);
        var plan = (settings ?? new EvaluationSettings()).ToPlan(ceiling, seed, report);
        var paths = input.ToCore(folder, prefix);
        var inputs = CellData.Options(reading ?? new ReadSettings(), progress, token);
        var job = JobProgress.Of(progress, token);
        return Task.Run(
            () => new EvaluationSummary(CoExprException.Unwrap(EvaluationRun.run(job, inputs, plan, paths)), folder),
            token
        );
    }

    /// <summary>Compares models against one set of real cells, which are read, summed and tested once, and writes
    /// comparison.csv, comparison.tsv, differences.tsv, comparison.json and run.json, with the tables of each model under its
    /// name, all of them or none.</summary>
    /// <param name="real">Real cells.</param>
    /// <param name="models">Predicted cells of two models or more.</param>
    /// <param name="folder">Folder for the tables; made if need be.</param>
    /// <param name="settings">How; the defaults of <see cref="EvaluationSettings"/> if omitted.</param>
    /// <param name="against">Name of the model that the others are held against; the first if omitted.</param>
    /// <param name="report">A page with figures, a name in .html; none if omitted.</param>
    /// <param name="ceiling">Whether the real cells are evaluated against themselves, too.</param>
    /// <param name="seed">Seed of the ceiling's draw and of the intervals'.</param>
    /// <param name="reading">How cells are read; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="token">Stops the job; nothing is written then.</param>
    /// <exception cref="CoExprException">A file, a value, a label or an option is bad.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<ComparisonSummary> CompareAsync(
        string real,
        IEnumerable<ModelFile> models,
        string folder,
        EvaluationSettings? settings = null,
        string? against = null,
        string? report = null,
        CeilingKind ceiling = CeilingKind.None,
        ulong seed = 0,
        ReadSettings? reading = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(real);
        var plan = (settings ?? new EvaluationSettings()).ToPlan(ceiling, seed, report);
        return Compare(FSharpOption<string>.Some(real), models, folder, plan, against, reading, progress, token);
    }

    /// <summary>Compares finished results: the results.csv of two models or more, ours or cell-eval's.</summary>
    /// <param name="models">results.csv of each model, or the folder that holds it.</param>
    /// <param name="folder">Folder for the tables; made if need be.</param>
    /// <param name="settings">Of these count resamples, level and threads.</param>
    /// <param name="against">Name of the model that the others are held against; the first if omitted.</param>
    /// <param name="report">A page with figures, a name in .html; none if omitted.</param>
    /// <param name="seed">Seed of the intervals' draws.</param>
    /// <param name="token">Stops the job; nothing is written then.</param>
    /// <exception cref="CoExprException">A file or an option is bad.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<ComparisonSummary> CompareResultsAsync(
        IEnumerable<ModelFile> models,
        string folder,
        EvaluationSettings? settings = null,
        string? against = null,
        string? report = null,
        ulong seed = 0,
        CancellationToken token = default
    )
    {
        var plan = (settings ?? new EvaluationSettings()).ToPlan(CeilingKind.None, seed, report);
        return Compare(null, models, folder, plan, against, null, null, token);
    }

    static Task<ComparisonSummary> Compare(
        FSharpOption<string>? real,
        IEnumerable<ModelFile> models,
        string folder,
        EvaluationPlan plan,
        string? against,
        ReadSettings? reading,
        IProgress<JobProgress>? progress,
        CancellationToken token
    )
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(folder);
        var paths = new ComparisonPaths(real, ListModule.OfSeq(models.Select(model => model.ToCore())), folder);
        var inputs = CellData.Options(reading ?? new ReadSettings(), progress, token);
        var job = JobProgress.Of(progress, token);
        var chosen = against is null ? null : FSharpOption<string>.Some(against);
        return Task.Run(
            () =>
            {
                var (record, comparison, notes, warnings) = CoExprException.Unwrap(
                    ComparisonRun.run(job, inputs, plan, chosen, paths)
                );
                return new ComparisonSummary(record, comparison, notes, warnings, folder);
            },
            token
        );
    }

    /// <summary>Writes the cells of the mean response, a baseline that predicts the same for every perturbation.</summary>
    /// <param name="real">Real cells.</param>
    /// <param name="output">A name in .h5ad.</param>
    /// <param name="settings">Column, control, values and threads; the defaults of <see cref="EvaluationSettings"/> if omitted.
    /// </param>
    /// <param name="withoutControl">Whether the control's mean is left out of the mean of means. cell-eval has it in.</param>
    /// <param name="cells">Cells of each perturbation; as many as the real ones have if omitted.</param>
    /// <param name="reading">How cells are read; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">A file, a value, a label or an option is bad.</exception>
    public static Task WriteBaselineAsync(
        string real,
        string output,
        EvaluationSettings? settings = null,
        bool withoutControl = false,
        int? cells = null,
        ReadSettings? reading = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(real);
        ArgumentNullException.ThrowIfNull(output);
        if (cells is < 1)
            throw CoExprException.Of(CoExprError.NewBadOption("--cells", $"{cells}", "1 or more are needed"));
        var sides = (settings ?? new EvaluationSettings()).Sides();
        var inputs = CellData.Options(reading ?? new ReadSettings(), progress, token);
        var which = withoutControl ? MeanOf.Perturbations : MeanOf.AllLabels;
        var copies = cells is { } count ? FSharpOption<int>.Some(count) : null;
        return Task.Run(
            () =>
            {
                CoExprException.Unwrap(
                    EvaluationRun.baseline(JobProgress.Of(progress, token), inputs, which, copies, sides, real, output)
                );
            },
            token
        );
    }

    /// <summary>Packs predicted cells for the Virtual Cell Challenge: genes in the order of a list, values as logarithms, and
    /// nothing but labels beside them, in a tar archive with the watermark. Needs the zstd library, no other program.</summary>
    /// <param name="predicted">Predicted cells, with those of the control.</param>
    /// <param name="genes">Text with the Challenge's genes in its order, one a line.</param>
    /// <param name="settings">How; the defaults of <see cref="ChallengeSettings"/> if omitted.</param>
    /// <param name="output">A name in .vcc; beside the input if omitted.</param>
    /// <param name="reading">How cells are read; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="token">Stops the job.</param>
    /// <returns>Where the package is, and what was done that a reader should know.</returns>
    /// <exception cref="CoExprException">A file, a value, a label or an option is bad; or there is no zstd.</exception>
    public static Task<ChallengePackage> PrepareAsync(
        string predicted,
        string genes,
        ChallengeSettings? settings = null,
        string? output = null,
        ReadSettings? reading = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentNullException.ThrowIfNull(genes);
        var chosen = settings ?? new ChallengeSettings();
        var options = chosen.ToCore();
        var file = output is null ? null : FSharpOption<string>.Some(output);
        var paths = new ChallengePaths(predicted, genes, file, chosen.DoublePrecision);
        var inputs = CellData.Options(reading ?? new ReadSettings(), progress, token);
        return Task.Run(
            () =>
            {
                var (package, notes) = CoExprException.Unwrap(
                    ChallengeRun.run(JobProgress.Of(progress, token), inputs, options, paths)
                );
                return new ChallengePackage(package, [.. notes]);
            },
            token
        );
    }

    /// <summary>Scores the means of a prediction against those of a baseline, and writes them.</summary>
    /// <param name="prediction">agg_results.csv of the prediction, ours or cell-eval's.</param>
    /// <param name="baseline">agg_results.csv of the baseline, with the same measures.</param>
    /// <param name="output">Where to: .csv or .tsv.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">A file is bad; the measures differ, or the numbers of perturbations.</exception>
    public static Task<IReadOnlyList<MetricScore>> ScoreAsync(
        string prediction,
        string baseline,
        string output,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(prediction);
        ArgumentNullException.ThrowIfNull(baseline);
        ArgumentNullException.ThrowIfNull(output);
        var job = JobProgress.Of(null, token);
        return Task.Run<IReadOnlyList<MetricScore>>(
            () =>
                CoExprException
                    .Unwrap(EvaluationRun.score(job, prediction, baseline, output))
                    .Select(one => new MetricScore(
                        one.Name,
                        one.Prediction,
                        one.Baseline,
                        one.Score,
                        one.Uncut,
                        Scoring.warning(one)?.Value
                    ))
                    .ToArray(),
            token
        );
    }

    /// <summary>Reads which gene each perturbation targets from a text of two columns without a header: perturbation and gene.
    /// </summary>
    /// <param name="path">.csv or .tsv; .gz is unpacked.</param>
    /// <exception cref="CoExprException">The file cannot be read, or a perturbation stands there twice.</exception>
    public static IReadOnlyDictionary<string, string> ReadTargets(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return CoExprException
            .Unwrap(EvaluationFile.readTargets(JobProgress.Of(null, default), path))
            .ToDictionary(one => one.Key, one => one.Value);
    }
}
