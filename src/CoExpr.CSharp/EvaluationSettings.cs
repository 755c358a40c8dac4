using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.FSharp.Collections;

namespace CoExpr.CSharp;

/// <summary>What the values of cells are.</summary>
public enum CellValueScale
{
    /// <summary>Counts where no value has a fractional part above 0.001, logarithms otherwise.</summary>
    Detect,

    /// <summary>Counts: brought to the median total, then ln(1 + x).</summary>
    Counts,

    /// <summary>ln(1 + x) of normalised counts already.</summary>
    Logarithms,

    /// <summary>Compared as they are.</summary>
    AsTheyAre,
}

/// <summary>The place of a perturbation among others that are as far from a prediction.</summary>
public enum TieRule
{
    /// <summary>By number, as a stable sort puts it.</summary>
    Stable,

    /// <summary>The mean of the places.</summary>
    MidRank,

    /// <summary>The first place.</summary>
    Optimistic,

    /// <summary>The last place.</summary>
    Pessimistic,

    /// <summary>Where NumPy's unstable sort puts it.</summary>
    NumPyLegacy,
}

/// <summary>Genes that distances between effects do not count.</summary>
public enum TargetsLeftOut
{
    /// <summary>The gene that the prediction itself perturbs.</summary>
    OfRow,

    /// <summary>The genes that any perturbation perturbs.</summary>
    OfPanel,

    /// <summary>None.</summary>
    None,
}

/// <summary>What brings a significant gene to the top of a list.</summary>
public enum GeneListOrder
{
    /// <summary>The largest |log2 fold change|.</summary>
    Magnitude,

    /// <summary>The largest log2 fold change.</summary>
    FoldChange,

    /// <summary>The smallest p-value.</summary>
    PValue,

    /// <summary>The smallest FDR.</summary>
    Fdr,
}

/// <summary>How a prediction is evaluated.</summary>
public sealed record EvaluationSettings
{
    static readonly EvaluationOptions Core = global::CoExpr.Evaluation.defaults;

    /// <summary>Column of the cell table that names each cell's perturbation. Default: target_gene.</summary>
    public string Column { get; init; } = Core.Sides.Column;

    /// <summary>Label of the control cells. Default: non-targeting.</summary>
    public string Control { get; init; } = Core.Sides.Control;

    /// <summary>What the values are. Default: told from the values of each side.</summary>
    public CellValueScale Values { get; init; }

    /// <summary>Whether a prediction may leave out perturbations; it is ranked against all real ones. Default: no.</summary>
    public bool Partial { get; init; }

    /// <summary>Which measures: full, minimal, vcc, de, anndata, pds, vcc2026 or extended. Default: full.</summary>
    public string Profile { get; init; } = "full";

    /// <summary>Names of measures to take instead of those of a profile. Default: none, the profile's.</summary>
    public IReadOnlyCollection<string> Metrics { get; init; } = [];

    /// <summary>Cells of a perturbation that distances between populations take at most; more are drawn from. Default: 500.
    /// </summary>
    public int MostCells { get; init; } = Core.Further.MostCells;

    /// <summary>Names of measures to leave out. Default: none.</summary>
    public IReadOnlyCollection<string> SkippedMetrics { get; init; } = [];

    /// <summary>Whether predicted effects are measured from the real control, which a prediction cannot bend. Default: no, as in
    /// cell-eval.</summary>
    public bool RealControl { get; init; }

    /// <summary>What decides between perturbations as far from a prediction. Default: their number.</summary>
    public TieRule Ties { get; init; }

    /// <summary>Genes that distances do not count. Default: the gene that the prediction perturbs.</summary>
    public TargetsLeftOut LeftOut { get; init; }

    /// <summary>Whether ranks are divided by one less than the number of perturbations. Default: no, as in cell-eval.</summary>
    public bool DividedByOthers { get; init; }

    /// <summary>The gene that a perturbation targets, where it is not called as the perturbation. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Targets { get; init; } = new Dictionary<string, string>();

    /// <summary>Genes with an FDR below this are significant. Default: 0.05.</summary>
    public double Fdr { get; init; } = Core.De.Threshold;

    /// <summary>What brings a significant gene to the top of a list. Default: |log2 fold change|.</summary>
    public GeneListOrder Order { get; init; }

    /// <summary>Whether numbers of tables are rounded to single precision, as in cell-eval. Default: no.</summary>
    public bool SinglePrecision { get; init; }

    /// <summary>Threads; they do not change the result. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    internal SideOptions Sides() => new(Column, Control, Scale(), Partial, PositiveThreads());

    internal EvaluationOptions ToCore() =>
        new(
            Sides(),
            Chosen(),
            ListModule.OfSeq(SkippedMetrics),
            RealControl ? ControlSource.Real : ControlSource.Predicted,
            new(
                Rule(),
                Exclusion(),
                DividedByOthers ? RankDenominator.Others : RankDenominator.All,
                MapModule.OfSeq(Targets.Select(one => Tuple.Create(one.Key, one.Value)))
            ),
            new(Threshold(), ListOrder(), SinglePrecision ? DePrecision.Single : DePrecision.Double),
            new(AtLeastTwoCells(), Core.Further.Seed)
        );

    EvaluationProfile Chosen() =>
        Metrics.Count > 0
            ? EvaluationProfile.NewNamed(ListModule.OfSeq(Metrics))
            : CoExprException.Unwrap(MetricRegistry.parseProfile(Profile));

    int AtLeastTwoCells() =>
        MostCells >= 2
            ? MostCells
            : throw CoExprException.Of(
                CoExprError.NewBadOption("--most-cells", $"{MostCells}", "2 or more are needed")
            );

    int PositiveThreads() =>
        Threads >= 1
            ? Threads
            : throw CoExprException.Of(CoExprError.NewBadOption("--threads", $"{Threads}", "1 or more are needed"));

    double Threshold() =>
        Fdr is > 0 and <= 1
            ? Fdr
            : throw CoExprException.Of(
                CoExprError.NewBadOption(
                    "--fdr",
                    Fdr.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    "a rate above 0 and up to 1 is needed"
                )
            );

    ScaleChoice Scale() =>
        Values switch
        {
            CellValueScale.Counts => ScaleChoice.NewGiven(ExpressionScale.Counts),
            CellValueScale.Logarithms => ScaleChoice.NewGiven(ExpressionScale.Logarithms),
            CellValueScale.AsTheyAre => ScaleChoice.NewGiven(ExpressionScale.AsTheyAre),
            _ => ScaleChoice.Detect,
        };

    TiePolicy Rule() =>
        Ties switch
        {
            TieRule.MidRank => TiePolicy.MidRank,
            TieRule.Optimistic => TiePolicy.Optimistic,
            TieRule.Pessimistic => TiePolicy.Pessimistic,
            TieRule.NumPyLegacy => TiePolicy.NumPyLegacy,
            _ => TiePolicy.Stable,
        };

    TargetExclusion Exclusion() =>
        LeftOut switch
        {
            TargetsLeftOut.OfPanel => TargetExclusion.Panel,
            TargetsLeftOut.None => TargetExclusion.Nothing,
            _ => TargetExclusion.Row,
        };

    DeOrder ListOrder() =>
        Order switch
        {
            GeneListOrder.FoldChange => DeOrder.FoldChange,
            GeneListOrder.PValue => DeOrder.PValue,
            GeneListOrder.Fdr => DeOrder.Fdr,
            _ => DeOrder.Magnitude,
        };
}
