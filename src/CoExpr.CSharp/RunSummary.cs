using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>What a run did.</summary>
public sealed class RunSummary
{
    internal RunSummary(RunRecord record, CoexpressionResult result, string output, string? report)
    {
        Result = new CoExpressionResult(result);
        Json = JsonModule.write(RunRecordModule.toJson(record));
        var counts = string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Scores.Genes.Length:N0} of {result.InputGenes:N0} genes, {result.Cells:N0} cells: {result.PairsScored:N0} pairs scored, {result.Scores.PairCount:N0} kept"
        );
        var costs = string.Create(
            CultureInfo.InvariantCulture,
            $"{record.Seconds.Sum(stage => stage.Item2):0.0} s, {RunRecordModule.peakMemory() >> 20:N0} MB"
        );
        Text = $"{counts}, {costs}\n{output}" + (report is null ? "" : $"\n{report}");
        Notes = RunRecordModule.notes(record);
        var caution = CoexpressionSummary.caution(result.Options);
        Note = caution is null ? "" : caution.Value;
    }

    /// <summary>The scores themselves.</summary>
    public CoExpressionResult Result { get; }

    /// <summary>The record of the run, as in <c>output.run.json</c>.</summary>
    public string Json { get; }

    /// <summary>What a reader must know of the convention before trusting a score, in a sentence; empty for the usual definition.</summary>
    public string Note { get; }

    /// <summary>What happened to parts and cached scores of earlier runs, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>A few lines for a person.</summary>
    public string Text { get; }
}
