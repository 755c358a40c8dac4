using System;
using System.Threading;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>How far a long job is.</summary>
/// <param name="Stage">What it is doing: "reading", "scoring".</param>
/// <param name="Done">How many items of the stage are done.</param>
/// <param name="Total">How many there are.</param>
/// <param name="Unit">What is counted, in the plural: "pairs".</param>
public readonly record struct JobProgress(string Stage, long Done, long Total, string Unit)
{
    internal static Progress Of(IProgress<JobProgress>? progress, CancellationToken token) =>
        new(
            FuncConvert.FromAction<ProgressStep>(step =>
                progress?.Report(new(step.Stage, step.Done, step.Total, step.Unit))
            ),
            token
        );
}
