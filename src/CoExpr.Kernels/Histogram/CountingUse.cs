using System.Collections.Generic;

namespace CoExpr.Kernels;

/// <summary>What was done of a tile of genes in one way.</summary>
/// <param name="FirstColumn">First gene of the tile, in the kernel's order.</param>
/// <param name="EndColumn">Gene after the last.</param>
/// <param name="Density">Share of cells and genes of the tile that are expressed.</param>
/// <param name="Method">How its pairs were counted.</param>
/// <param name="Pairs">How many.</param>
/// <param name="PredictedSeconds">What the cost model expected, of one core.</param>
/// <param name="Seconds">What it took, summed over the threads.</param>
public sealed record CountingUse(
    int FirstColumn,
    int EndColumn,
    double Density,
    CountingMethod Method,
    long Pairs,
    double PredictedSeconds,
    double Seconds
);

/// <summary>A kernel that can say how it counted.</summary>
public interface IExplainedKernel : IPairKernel
{
    /// <summary>What has been done so far, tile by tile.</summary>
    IReadOnlyList<CountingUse> Explain();
}
