using System;
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
            ToKeep(),
            ByMagnitude ? Strength.Magnitude : Strength.Score,
            MinimumCells,
            EntropyAbove,
            EntropyWithoutSmallest ? EntropyRule.WithoutSmallest : EntropyRule.WithoutZeros,
            NegativeAsZero ? Negatives.AsZero : Negatives.Refuse,
            Threads,
            CoExprException.Unwrap(CoExpr.Backend.findTelling(Telling(), Backend))
        );

    FSharpFunc<string, Unit> Telling() => FuncConvert.FromAction<string>(Notice ?? (static _ => { }));

    Keep ToKeep()
    {
        if ((Top is null ? 0 : 1) + (MinimumBits is null ? 0 : 1) + (All ? 1 : 0) > 1)
            throw new ArgumentException("of Top, MinimumBits and All at most one may be set");
        return All ? Keep.All
            : MinimumBits is { } bits ? Keep.NewAtLeast(bits)
            : Keep.NewTop(Top ?? 50);
    }
}
