using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>What a run of tests did.</summary>
public sealed class DifferentialExpressionSummary
{
    readonly DifferentialExpressionResult result;

    internal DifferentialExpressionSummary(
        RunRecord record,
        DifferentialOutcome outcome,
        DifferentialExpressionResult result,
        string output,
        string? report
    )
    {
        this.result = result;
        InParts = outcome.InParts;
        Json = JsonModule.write(RunRecordModule.toJson(record));
        var (hits, flagged) = (outcome.Hits, outcome.Untested);
        var left = result.LeftOut > 0 ? $"; {Number(result.LeftOut)} cells left out" : "";
        var untested = flagged > 0 ? $"; {Number(flagged)} rows not tested, see their status" : "";
        var costs = string.Create(
            CultureInfo.InvariantCulture,
            $"{record.Seconds.Sum(stage => stage.Item2):0.0} s, {RunRecordModule.peakMemory() >> 20:N0} MB"
        );
        Text =
            $"{Number(result.Perturbations.Count)} perturbations x {Number(result.Genes.Count)} genes against "
            + $"{result.Reference}: {Number(hits)} with q of at most 0.05{untested}{left}, {costs}"
            + (double.IsNaN(result.FalsePositiveRate(0.05)) ? "" : $"\n{Rates(result)}")
            + $"\n{output}"
            + (report is null ? "" : $"\n{report}");
        Notes = RunRecordModule.notes(record);
    }

    /// <summary>Whether the input was tested in parts, since it did not fit into the memory allowed. The rows are in the
    /// output alone then.</summary>
    public bool InParts { get; }

    /// <summary>The results themselves.</summary>
    /// <exception cref="InvalidOperationException">The run went in parts: see <see cref="InParts"/>.</exception>
    public DifferentialExpressionResult Result =>
        InParts
            ? throw new InvalidOperationException("the run went in parts: its rows are in the output alone")
            : result;

    /// <summary>The record of the run, as in <c>output.run.json</c>.</summary>
    public string Json { get; }

    /// <summary>Warnings, a sentence each: that controls differ from controls more often than they should.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>A few lines for a person.</summary>
    public string Text { get; }

    static string Rates(DifferentialExpressionResult result) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Controls against controls: {100 * result.FalsePositiveRate(0.05):0.0} % with p of at most 0.05, {100 * result.FalsePositiveRate(0.01):0.0} % with 0.01"
        );

    static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
