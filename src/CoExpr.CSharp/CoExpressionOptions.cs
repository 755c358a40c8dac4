using System;
using System.Collections.Generic;
using System.Linq;
using CoExpr.Kernels;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>How co-expression is scored, and which pairs are kept. Of <see cref="Top"/>, <see cref="MinimumScore"/>,
/// <see cref="FalseDiscoveryRate"/> and <see cref="All"/> at most one may be set; with none of them the 50 strongest
/// partners of each gene are kept.</summary>
public sealed record CoExpressionOptions
{
    /// <summary>Most bins of a gene's expressed cells, 2 to 255. Default: 10.</summary>
    public int Bins { get; init; } = 10;

    /// <summary>"mi", "nmi-min", "nmi-mean", "nmi-joint" (mutual information in bits, or over the lower, the mean or the
    /// joint entropy), "pearson", "spearman", "cosine" or "jaccard". Default: mi.</summary>
    public string Measure { get; init; } = "mi";

    /// <summary>How mutual information is estimated: "plugin", "miller-madow" or "shrink". Default: plugin.</summary>
    public string Estimator { get; init; } = "plugin";

    /// <summary>What is made of the scores of all pairs before those to keep are chosen: "none", "clr" or "mrnet".
    /// Default: none.</summary>
    public string Transform { get; init; } = "none";

    /// <summary>Whether every pair gets a p-value and a q-value, of the G-test of independence. Only for mutual
    /// information over all cells (<see cref="Cells"/>). Default: no.</summary>
    public bool PValues { get; init; }

    /// <summary>Whether mutual information takes the sign of the pair's Pearson correlation. Default: yes.</summary>
    public bool Signed { get; init; } = true;

    /// <summary>Which cells a pair's score is made from. Default: those that express at least one of the two genes.</summary>
    public CellsIn Cells { get; init; } = CellsIn.EitherGene;

    /// <summary>Keeps the pairs that are among the so many strongest of one of their genes.</summary>
    public int? Top { get; init; }

    /// <summary>Keeps the pairs of at least this score, in the unit of the measure.</summary>
    public double? MinimumScore { get; init; }

    /// <summary>Keeps the pairs whose q-value is at most this; needs what <see cref="PValues"/> needs.</summary>
    public double? FalseDiscoveryRate { get; init; }

    /// <summary>Keeps every pair.</summary>
    public bool All { get; init; }

    /// <summary>Whether strength is the distance from 0, so that opposed genes count as strong, too. Default: the higher
    /// score is the stronger.</summary>
    public bool ByMagnitude { get; init; }

    /// <summary>Genes expressed in fewer cells are left out. Default: 3.</summary>
    public int MinimumCells { get; init; } = 3;

    /// <summary>Genes whose values (zeros left out) have no higher entropy, in nats, are left out. Default: none are.</summary>
    public double? EntropyAbove { get; init; }

    /// <summary>Whether that entropy leaves out the smallest value instead of the zeros, as GeneVector's does. Default: no.</summary>
    public bool EntropyWithoutSmallest { get; init; }

    /// <summary>Whether bin edges are computed in floating point as NumPy's percentile does. Default: exactly.</summary>
    public bool NumPyEdges { get; init; }

    /// <summary>Whether negative values count as not expressed instead of being refused. Default: no.</summary>
    public bool NegativeAsZero { get; init; }

    /// <summary>Names of genes: only pairs with at least one of them are scored. Default: all pairs are.</summary>
    public IReadOnlyList<string>? Regulators { get; init; }

    /// <summary>Bootstraps of the kept pairs, 2 or more: each then has a <see cref="GenePair.Spread"/>. Default: none.</summary>
    public int Bootstraps { get; init; }

    /// <summary>Permutations of the kept pairs: each then has a <see cref="GenePair.PermutationP"/>. Default: none.</summary>
    public int Permutations { get; init; }

    /// <summary>The seed of bootstraps and permutations. Default: 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Share of the bootstraps between the two ends of an interval, between 0 and 1. Default: 0.95.</summary>
    public double Confidence { get; init; } = 0.95;

    /// <summary>Threads to compute with; they do not change the result. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>"auto" (a graphics card for large work, if there is one), "cpu", "gpu", "gpu:1" (the second graphics card) or
    /// "reference" (slow); they do not differ in the result. Default: auto.</summary>
    public string Backend { get; init; } = "auto";

    /// <summary>Is told, in a sentence, when a graphics card gives out and the processor takes over. May be called by any
    /// thread. Default: nobody is told.</summary>
    public Action<string>? Notice { get; init; }

    internal CoexpressionOptions ToCore() =>
        new(
            Bins,
            NumPyEdges ? QuantileEdges.NumPy : QuantileEdges.Exact,
            Cells,
            Signed,
            CoExprException.Unwrap(MeasureModule.parse(Measure)),
            CoExprException.Unwrap(MeasureModule.parseEstimator(Estimator)),
            CoExprException.Unwrap(TransformModule.parse(Transform)),
            PValues,
            ToKeep(),
            ByMagnitude ? Strength.Magnitude : Strength.Score,
            MinimumCells,
            EntropyAbove,
            EntropyWithoutSmallest ? EntropyRule.WithoutSmallest : EntropyRule.WithoutZeros,
            NegativeAsZero ? Negatives.AsZero : Negatives.Refuse,
            Regulators is null ? FSharpOption<string[]>.None : FSharpOption<string[]>.Some([.. Regulators]),
            new ResamplingOptions(Bootstraps, Permutations, Seed, Confidence),
            Threads,
            CoExprException.Unwrap(CoExpr.Backend.findTelling(Telling(), Backend))
        );

    FSharpFunc<string, Unit> Telling() => FuncConvert.FromAction<string>(Notice ?? (static _ => { }));

    Keep ToKeep()
    {
        object?[] choices = [Top, MinimumScore, FalseDiscoveryRate, All ? All : null];
        if (choices.Count(choice => choice is not null) > 1)
            throw new ArgumentException("of Top, MinimumScore, FalseDiscoveryRate and All at most one may be set");
        return All ? Keep.All
            : MinimumScore is { } least ? Keep.NewAtLeast(least)
            : FalseDiscoveryRate is { } rate ? Keep.NewFalseDiscoveryRate(rate)
            : Keep.NewTop(Top ?? 50);
    }
}
