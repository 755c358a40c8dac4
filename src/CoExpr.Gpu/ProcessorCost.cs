using System;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>How long a processor takes for a task, roughly: what decides whether a graphics card is looked for.</summary>
public static class ProcessorCost
{
    // ns a pair on one 4 GHz core: 15 for the entropies; of histograms, 0.35 for each cell that expresses both genes or,
    // by bit planes, 0.011 for each that expresses one, whichever is less.
    const double Entropy = 15;
    const double PerBoth = 0.35;
    const double PerOne = 0.011;

    /// <summary>Seconds on so many threads, from the number of pairs, the number of cells and the mean density.</summary>
    public static double Seconds(BinnedGenes genes, PairTask task, int threads)
    {
        ArgumentNullException.ThrowIfNull(genes);
        ArgumentNullException.ThrowIfNull(task);
        if (genes.Genes == 0 || genes.Cells == 0)
            return 0;
        var expressed = (double)genes.Starts[^1] / genes.Genes;
        var density = expressed / genes.Cells;
        var histogram = expressed * Math.Min(PerBoth * density, PerOne);
        return Pairs(task.PairsOf(genes.Genes)) * (Entropy + histogram) * 1e-9 / Math.Max(1, threads);
    }

    static double Pairs(PairRange range)
    {
        var pairs = 0.0;
        for (var row = range.FirstRow; row < range.EndRow; row++)
            pairs += Math.Max(0, range.EndColumn - Math.Max(row + 1, range.FirstColumn));
        return pairs;
    }
}
