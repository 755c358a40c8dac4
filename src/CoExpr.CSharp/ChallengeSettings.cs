using System;
using System.Collections.Generic;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>A package of the Virtual Cell Challenge.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Notes">What was done that a reader should know.</param>
public sealed record ChallengePackage(string Path, IReadOnlyList<string> Notes);

/// <summary>What a package of the Virtual Cell Challenge must look like.</summary>
public sealed record ChallengeSettings
{
    /// <summary>Column of the cell table that names each cell's perturbation. Default: target_gene.</summary>
    public string Column { get; init; } = ChallengeCellsModule.defaults.Column;

    /// <summary>What the package calls it. Default: target_gene.</summary>
    public string ColumnOut { get; init; } = ChallengeCellsModule.defaults.ColumnOut;

    /// <summary>Label of the control cells. Default: non-targeting.</summary>
    public string Control { get; init; } = ChallengeCellsModule.defaults.Control;

    /// <summary>Column of cell types, if they are to be kept. Default: none.</summary>
    public string? CellTypes { get; init; }

    /// <summary>What the package calls it. Default: as the input.</summary>
    public string? CellTypesOut { get; init; }

    /// <summary>What the values are. Default: told from them.</summary>
    public CellValueScale Values { get; init; }

    /// <summary>Whether values are in double precision. Default: no.</summary>
    public bool DoublePrecision { get; init; }

    /// <summary>Genes that the Challenge asks for: a list of another length gives a note. Default: 18,080; null for any.</summary>
    public int? ExpectedGenes { get; init; } = ChallengeCellsModule.defaults.ExpectedGenes.Value;

    /// <summary>Cells that it allows. Default: 200,000; null for any.</summary>
    public int? MostCells { get; init; } = ChallengeCellsModule.defaults.MostCells.Value;

    /// <summary>Threads; they do not change the result. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    internal ChallengeOptions ToCore() =>
        new(
            Column,
            ColumnOut,
            Control,
            Optional(CellTypes),
            Optional(CellTypesOut),
            EvaluationSettings.ScaleOf(Values),
            Optional(ExpectedGenes),
            Optional(MostCells),
            EvaluationSettings.PositiveThreads(Threads)
        );

    static FSharpOption<string>? Optional(string? text) => text is null ? null : FSharpOption<string>.Some(text);

    static FSharpOption<int>? Optional(int? number) => number is { } one ? FSharpOption<int>.Some(one) : null;
}
