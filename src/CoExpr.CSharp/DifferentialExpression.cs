using System;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What each perturbation of a screen changes: a test of every gene against a control, or against all other
/// cells.</summary>
public static class DifferentialExpression
{
    /// <summary>Reads a file and tests every gene of every perturbation.</summary>
    /// <param name="path">A file that <see cref="CellData.ReadAsync"/> reads, with a table of cells.</param>
    /// <param name="options">What to compare, and how.</param>
    /// <param name="settings">How to read the input; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the job is.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">The file, its values, a label or an option is bad.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<DifferentialExpressionResult> ComputeAsync(
        string path,
        DifferentialExpressionOptions options,
        ReadSettings? settings = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var core = options.ToCore();
        var data = await CellData.ReadAsync(path, settings, progress, token).ConfigureAwait(false);
        return await Task.Run(
                () =>
                    new DifferentialExpressionResult(
                        CoExprException.Unwrap(
                            CoExpr.DifferentialExpression.compute(JobProgress.Of(progress, token), core, data.Value)
                        ),
                        options.ToOutput()
                    ),
                token
            )
            .ConfigureAwait(false);
    }

    /// <summary>A whole run: reads a file, tests every gene of every perturbation, and writes the outputs, all of them
    /// complete or none.</summary>
    /// <param name="input">A file that <see cref="CellData.ReadAsync"/> reads, with a table of cells.</param>
    /// <param name="output">Where the results go; see <see cref="DifferentialExpressionResult.SaveAsync"/>. A record of the
    /// run goes to <c>output.run.json</c>.</param>
    /// <param name="options">What to compare, and how.</param>
    /// <param name="settings">How to read the input; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="report">Where a page with figures goes, if one is wanted.</param>
    /// <param name="resources">What the run may use; the defaults of <see cref="RunResourceSettings"/> if omitted. Tests have
    /// no cache.</param>
    /// <param name="dispersions">Where a table of the genes' dispersions goes (.tsv, .csv), if one is wanted; of tests of counts
    /// that estimate one per gene for the whole screen.</param>
    /// <param name="progress">Told how far the job is.</param>
    /// <param name="token">Stops the job; no output is written then.</param>
    /// <exception cref="CoExprException">The file, its values, a label, an option or an output's name is bad, or the memory
    /// allowed too little.</exception>
    /// <exception cref="ResumableStopException">The token was cancelled, and finished parts are kept.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<DifferentialExpressionSummary> RunAsync(
        string input,
        string output,
        DifferentialExpressionOptions options,
        ReadSettings? settings = null,
        string? report = null,
        RunResourceSettings? resources = null,
        string? dispersions = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(options);
        var core = options.ToCore();
        var within = (resources ?? new RunResourceSettings()).ToCore();
        var reading = CellData.Options(settings ?? new ReadSettings(), progress, token);
        return Task.Run(
            () =>
            {
                var (record, outcome) = CoExprException.Unwrap(
                    DifferentialRun.runWithin(
                        within,
                        JobProgress.Of(progress, token),
                        reading,
                        core,
                        options.ToOutput(),
                        new(input, output, Optional(report), Optional(dispersions))
                    )
                );
                var result = new DifferentialExpressionResult(outcome.Result, options.ToOutput());
                return new DifferentialExpressionSummary(record, outcome, result, output, report);
            },
            token
        );
    }

    /// <summary>What <see cref="RunAsync"/> is expected to take, and how it would go about it: from the sizes that the file
    /// states and the labels of its cells; counts are not read.</summary>
    /// <param name="input">The input of the run.</param>
    /// <param name="output">Its output, beside which its parts are kept.</param>
    /// <param name="options">What to compare, and how.</param>
    /// <param name="settings">How to read the input; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="report">Where a page with figures goes, if one is wanted.</param>
    /// <param name="resources">What the run may use; the defaults of <see cref="RunResourceSettings"/> if omitted.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">The memory allowed is too little; the message tells the least that works, or what
    /// needs more.</exception>
    public static Task<RunPlan> PlanAsync(
        string input,
        string output,
        DifferentialExpressionOptions options,
        ReadSettings? settings = null,
        string? report = null,
        RunResourceSettings? resources = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(options);
        var core = options.ToCore();
        var within = (resources ?? new RunResourceSettings()).ToCore();
        var reading = CellData.Options(settings ?? new ReadSettings(), null, token);
        var paths = new DifferentialPaths(input, output, Optional(report), null);
        return Task.Run(
            () =>
                new RunPlan(
                    CoExprException.Unwrap(DifferentialRun.plan(within, reading, core, options.ToOutput(), paths))
                ),
            token
        );
    }

    static FSharpOption<string>? Optional(string? path) => path is null ? null : FSharpOption<string>.Some(path);
}
