using System;
using System.Collections.Generic;
using CoExpr.IO;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What is compared with what, and by which test.</summary>
public sealed record DifferentialExpressionOptions
{
    /// <summary>The columns of the cell table that say what was done to each cell; labels of several are joined by "|".
    /// Cells without a label are left out. Default: perturbation.</summary>
    public IReadOnlyList<string> Perturbation { get; init; } = ["perturbation"];

    /// <summary>The label of the cells that each perturbation is compared with. Default: each is compared with all other
    /// cells.</summary>
    public string? Control { get; init; }

    /// <summary>"rank-sum" (Mann-Whitney) or "welch" (t). Default: rank-sum.</summary>
    public string Test { get; init; } = "rank-sum";

    /// <summary>"log-normalised" (log1p of counts brought to <see cref="Target"/> per cell), "log1p" (as stored, and
    /// logarithms already) or "as-is" (as stored). Default: log-normalised.</summary>
    public string Values { get; init; } = "log-normalised";

    /// <summary>The total that the counts of each cell are brought to. Default: 10,000.</summary>
    public double Target { get; init; } = 10_000;

    /// <summary>"two-sided", "greater" (higher in the perturbed cells) or "less". Default: two-sided.</summary>
    public string Alternative { get; init; } = "two-sided";

    /// <summary>Whether a rank-sum test is corrected for continuity. Default: yes.</summary>
    public bool Continuity { get; init; } = true;

    /// <summary>Whether a rank-sum test is corrected for ties. Default: yes.</summary>
    public bool TieCorrection { get; init; } = true;

    /// <summary>Whether the p of a rank-sum test of at most 50 cells without ties is exact. Default: yes.</summary>
    public bool Exact { get; init; } = true;

    /// <summary>A column of the cell table within whose levels ranks are taken (van Elteren's test). Default: none.</summary>
    public string? Batch { get; init; }

    /// <summary>Whether batches weigh by their pairs of cells, not by van Elteren's locally best weights. Default: no.</summary>
    public bool UnitWeights { get; init; }

    /// <summary>Whether a t-test takes the reference to have as few cells as the perturbation, as scanpy's
    /// t-test_overestim_var. Default: no.</summary>
    public bool OverestimateVariance { get; init; }

    /// <summary>Whether a t-test takes a group of which all cells have one value, with a variance of 0, as scipy and scanpy
    /// do; p is then far too small for genes that few cells express. Default: no.</summary>
    public bool ConstantGroups { get; init; }

    /// <summary>Which means fold changes are of: "arithmetic" or "geometric" (as scanpy and pdex). Default: arithmetic.</summary>
    public string FoldChange { get; init; } = "arithmetic";

    /// <summary>Added to both means of a fold change. Default: 1e-9.</summary>
    public double Pseudocount { get; init; } = 1e-9;

    /// <summary>Whether q-values are over all perturbations, not over each. Default: no.</summary>
    public bool AdjustOverAll { get; init; }

    /// <summary>Whether genes of which every cell has the same value count among the tests that q-values are over. Default:
    /// no.</summary>
    public bool CountUntestable { get; init; }

    /// <summary>Groups with fewer cells are not tested. Default: 2.</summary>
    public int MinimumCells { get; init; } = 2;

    /// <summary>Threads to compute with; they do not change the result. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether tables have the columns of pdex, which cell-eval reads. Default: no.</summary>
    public bool PdexColumns { get; init; }

    /// <summary>Whether .h5ad outputs have uns["rank_genes_groups"], too, as scanpy leaves it. Default: no.</summary>
    public bool RankGenesGroups { get; init; }

    internal DifferentialOptions ToCore()
    {
        ArgumentNullException.ThrowIfNull(Perturbation);
        return new(
            ListModule.OfSeq(Perturbation),
            Optional(Control),
            Optional(Batch),
            CoExprException.Unwrap(DifferentialTestModule.parse(ListModule.OfSeq(Tests()), Test)),
            CoExprException.Unwrap(TestedValuesModule.parse(Target, Values)),
            CoExprException.Unwrap(TwoSampleAlternativeModule.parse(Alternative)),
            CoExprException.Unwrap(FoldChangeModule.parse(FoldChange)),
            Pseudocount,
            AdjustOverAll ? Adjustment.OverAll : Adjustment.PerPerturbation,
            CountUntestable,
            MinimumCells,
            Threads
        );
    }

    internal DifferentialOutput ToOutput() =>
        new(PdexColumns ? DifferentialColumns.Pdex : DifferentialColumns.Standard, RankGenesGroups);

    DifferentialTest[] Tests() =>
        [
            DifferentialTest.NewRankSum(
                new(Continuity, TieCorrection, Exact, UnitWeights ? StratumWeight.Unit : StratumWeight.LocallyBest)
            ),
            DifferentialTest.NewWelch(new(OverestimateVariance, ConstantGroups)),
        ];

    static FSharpOption<string>? Optional(string? text) => text is null ? null : FSharpOption<string>.Some(text);
}
