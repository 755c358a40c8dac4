using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>Which genes share information, and how much: mutual information of every pair of genes, or
/// another measure of the two.</summary>
public static class CoExpression
{
    /// <summary>Reads a file and scores every pair of its genes.</summary>
    /// <param name="path">A file that <see cref="CellData.ReadAsync"/> reads.</param>
    /// <param name="options">What to score and keep; the defaults of <see cref="CoExpressionOptions"/> if omitted.</param>
    /// <param name="progress">Told how far the job is.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">The file, its values or an option is bad.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<CoExpressionResult> ComputeAsync(
        string path,
        CoExpressionOptions? options = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        var core = (options ?? new CoExpressionOptions()).ToCore();
        var data = await CellData
            .ReadAsync(path, new ReadSettings { Threads = Math.Max(1, core.Threads) }, progress, token)
            .ConfigureAwait(false);
        return await ComputeAsync(data, options, progress, token).ConfigureAwait(false);
    }

    /// <summary>Scores every pair of genes of data in memory.</summary>
    /// <param name="data">Cells and their counts.</param>
    /// <param name="options">What to score and keep; the defaults of <see cref="CoExpressionOptions"/> if omitted.</param>
    /// <param name="progress">Told how far the job is.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">A value or an option is bad, or fewer than 2 genes are left.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<CoExpressionResult> ComputeAsync(
        CellData data,
        CoExpressionOptions? options = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(data);
        var core = (options ?? new CoExpressionOptions()).ToCore();
        return Task.Run(
            () =>
                new CoExpressionResult(
                    CoExprException.Unwrap(Coexpression.compute(JobProgress.Of(progress, token), core, data.Value))
                ),
            token
        );
    }

    /// <summary>Reads names of genes from a text file, one a line.</summary>
    /// <param name="path">The file; .gz is unpacked.</param>
    /// <exception cref="CoExprException">The file cannot be read, or has no name in it.</exception>
    public static IReadOnlyList<string> ReadGeneNames(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return CoExprException.Unwrap(GeneList.read(JobProgress.Of(null, default), path));
    }

    /// <summary>A whole run: reads a file, scores its pairs, and writes the outputs, all of them complete or none.</summary>
    /// <param name="input">A file that <see cref="CellData.ReadAsync"/> reads.</param>
    /// <param name="output">Where the scores go; see <see cref="CoExpressionResult.SaveAsync"/>. A record of the run goes to
    /// <c>output.run.json</c>.</param>
    /// <param name="report">Where a page with figures goes, if one is wanted.</param>
    /// <param name="options">What to score and keep; the defaults of <see cref="CoExpressionOptions"/> if omitted.</param>
    /// <param name="settings">How to read the input; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="resources">What the run may use; the defaults of <see cref="RunResourceSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the job is.</param>
    /// <param name="token">Stops the job; no output is written then.</param>
    /// <exception cref="CoExprException">The file, its values, an option or an output's name is bad.</exception>
    /// <exception cref="ResumableStopException">The token was cancelled, and finished parts are kept.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<RunSummary> RunAsync(
        string input,
        string output,
        string? report = null,
        CoExpressionOptions? options = null,
        ReadSettings? settings = null,
        RunResourceSettings? resources = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        var core = (options ?? new CoExpressionOptions()).ToCore();
        var within = (resources ?? new RunResourceSettings()).ToCore();
        var reading = CellData.Options(settings ?? new ReadSettings(), progress, token);
        var paths = new CoexpressionPaths(input, output, report is null ? null : FSharpOption<string>.Some(report));
        return Task.Run(
            () =>
            {
                var (record, result) = CoExprException.Unwrap(
                    CoexpressionRun.runWithin(within, JobProgress.Of(progress, token), reading, core, paths)
                );
                return new RunSummary(record, result, output, report);
            },
            token
        );
    }

    /// <summary>What <see cref="RunAsync"/> is expected to take, and how it would go about it: from the sizes that the file
    /// states, which is read no further.</summary>
    /// <param name="input">The input of the run.</param>
    /// <param name="output">Its output, beside which its parts are kept.</param>
    /// <param name="options">What to score and keep; the defaults of <see cref="CoExpressionOptions"/> if omitted.</param>
    /// <param name="settings">How to read the input; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="resources">What the run may use; the defaults of <see cref="RunResourceSettings"/> if omitted.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">The memory allowed is too little; the message tells the least that works.</exception>
    public static Task<RunPlan> PlanAsync(
        string input,
        string output,
        CoExpressionOptions? options = null,
        ReadSettings? settings = null,
        RunResourceSettings? resources = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        var core = (options ?? new CoExpressionOptions()).ToCore();
        var within = (resources ?? new RunResourceSettings()).ToCore();
        var reading = CellData.Options(settings ?? new ReadSettings(), null, token);
        var paths = new CoexpressionPaths(input, output, null);
        return Task.Run(
            () => new RunPlan(CoExprException.Unwrap(CoexpressionRun.plan(within, reading, core, paths))),
            token
        );
    }
}
