using System;
using System.Collections.Generic;
using CoExpr.Kernels;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>How co-expression is scored, and which pairs are kept. Of <see cref="Top"/>, <see cref="MinimumBits"/> and
/// <see cref="All"/> at most one may be set; with none of them the 50 strongest partners of each gene are kept.</summary>
public sealed record CoExpressionOptions
{
    /// <summary>Most bins of a gene's expressed cells, 2 to 255. Default: 10.</summary>
    public int Bins { get; init; } = 10;

    /// <summary>Whether each score takes the sign of the pair's Pearson correlation. Default: yes.</summary>
    public bool Signed { get; init; } = true;

    /// <summary>Which cells a pair's score is made from. Default: those that express at least one of the two genes.</summary>
    public CellsIn Cells { get; init; } = CellsIn.EitherGene;

    /// <summary>Keeps the pairs that are among the so many strongest of one of their genes.</summary>
    public int? Top { get; init; }

    /// <summary>Keeps the pairs of at least so many bits.</summary>
    public double? MinimumBits { get; init; }

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

    /// <summary>"auto", "cpu" or "reference" (slow); they do not differ in the result. Default: auto.</summary>
    public string Backend { get; init; } = "auto";

    internal CoexpressionOptions ToCore() =>
        new(
            Bins,
            NumPyEdges ? QuantileEdges.NumPy : QuantileEdges.Exact,
            Cells,
            Signed,
            ToKeep(),
            ByMagnitude ? Strength.Magnitude : Strength.Score,
            MinimumCells,
            EntropyAbove,
            EntropyWithoutSmallest ? EntropyRule.WithoutSmallest : EntropyRule.WithoutZeros,
            NegativeAsZero ? Negatives.AsZero : Negatives.Refuse,
            Regulators is null ? FSharpOption<string[]>.None : FSharpOption<string[]>.Some([.. Regulators]),
            new ResamplingOptions(Bootstraps, Permutations, Seed, Confidence),
            Threads,
            CoExprException.Unwrap(CoExpr.Backend.find(Backend))
        );

    Keep ToKeep()
    {
        if ((Top is null ? 0 : 1) + (MinimumBits is null ? 0 : 1) + (All ? 1 : 0) > 1)
            throw new ArgumentException("of Top, MinimumBits and All at most one may be set");
        return All ? Keep.All
            : MinimumBits is { } bits ? Keep.NewAtLeast(bits)
            : Keep.NewTop(Top ?? 50);
    }
}
