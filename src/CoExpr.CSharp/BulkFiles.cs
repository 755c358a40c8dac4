using System.Collections.Generic;
using System.Linq;
using CoExpr.IO;
using Microsoft.FSharp.Collections;

namespace CoExpr.CSharp;

/// <summary>Where a comparison of bulk samples reads them, and what it writes beside its results.</summary>
public sealed record BulkFiles
{
    /// <summary>A table of the samples (.tsv or .csv with a header; its first column holds their names). Default: the
    /// input's own columns.</summary>
    public string? Samples { get; init; }

    /// <summary>Sums of cells instead, by these columns; excludes <see cref="Samples"/>. Default: none.</summary>
    public PseudobulkSettings? Pseudobulk { get; init; }

    /// <summary>Where a table of the samples with their size factors goes. Default: nowhere.</summary>
    public string? SizeFactorsTo { get; init; }

    internal BulkSource Source() =>
        (Samples, Pseudobulk) switch
        {
            ({ } table, { }) => throw CoExprException.BadOption(
                "samples",
                table,
                "sums of cells are described by the cells' own columns"
            ),
            ({ } table, null) => BulkSource.NewSampleTable(table),
            (null, { } sums) => BulkSource.NewPseudobulk(ListModule.OfSeq(sums.Columns), sums.MinimalCells),
            _ => BulkSource.OwnColumns,
        };
}

/// <summary>What a comparison of bulk samples found and took.</summary>
public sealed class BulkSummary
{
    readonly RunRecord record;

    internal BulkSummary(RunRecord record, BulkRunResult found)
    {
        this.record = record;
        Comparisons = new(found.Fit, found.Comparisons, found.Samples);
        SampleNames = found.Samples.Names;
        UnlabelledCells = found.Unlabelled;
        TooSmall = found.TooSmall.Select(pair => KeyValuePair.Create(pair.Item1, pair.Item2)).ToArray();
    }

    /// <summary>The results.</summary>
    public BulkComparisons Comparisons { get; }

    /// <summary>Names of the samples.</summary>
    public IReadOnlyList<string> SampleNames { get; }

    /// <summary>Samples of cells that had too few, with how many they had.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> TooSmall { get; }

    /// <summary>Cells that lack a label of one of the columns that they are put together by.</summary>
    public int UnlabelledCells { get; }

    /// <summary>The record of the run, as it is written beside the results.</summary>
    public string Json => JsonModule.write(RunRecordModule.toJson(record));
}
