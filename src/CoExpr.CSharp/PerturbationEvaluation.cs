using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
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
    /// <summary>Evaluates a prediction and writes results.csv, agg_results.csv, results.tsv, results.json and run.json, all of
    /// them or none.</summary>
    /// <param name="input">What is compared.</param>
    /// <param name="folder">Folder for the tables; made if need be.</param>
    /// <param name="settings">How; the defaults of <see cref="EvaluationSettings"/> if omitted.</param>
    /// <param name="prefix">Put before the names of the files, with a line between.</param>
    /// <param name="ceiling">Whether the real cells are evaluated against themselves, too.</param>
    /// <param name="seed">Seed of the ceiling's draw.</param>
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
        CeilingKind ceiling = CeilingKind.None,
        ulong seed = 0,
        ReadSettings? reading = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(folder);
        var options = (settings ?? new EvaluationSettings()).ToCore();
        var paths = input.ToCore(folder, prefix);
        var inputs = CellData.Options(reading ?? new ReadSettings(), progress, token);
        var job = JobProgress.Of(progress, token);
        return Task.Run(
            () =>
            {
                var (record, result, top) = CoExprException.Unwrap(
                    EvaluationRun.run(job, inputs, options, Choice(ceiling, seed), paths)
                );
                return new EvaluationSummary(record, result, top?.Value, folder);
            },
            token
        );
    }

    static FSharpOption<CeilingChoice>? Choice(CeilingKind ceiling, ulong seed) =>
        ceiling switch
        {
            CeilingKind.Disjoint => FSharpOption<CeilingChoice>.Some(new(CeilingHalves.Disjoint, seed)),
            CeilingKind.WithReplacement => FSharpOption<CeilingChoice>.Some(new(CeilingHalves.WithReplacement, seed)),
            _ => null,
        };

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

    /// <summary>Scores the means of a prediction against those of a baseline, and writes them.</summary>
    /// <param name="prediction">agg_results.csv of the prediction, ours or cell-eval's.</param>
    /// <param name="baseline">agg_results.csv of the baseline, with the same measures.</param>
    /// <param name="output">Where to: .csv or .tsv.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">A file is bad, or the measures differ.</exception>
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
                    .Select(one => new MetricScore(one.Name, one.Prediction, one.Baseline, one.Score, one.Uncut))
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
