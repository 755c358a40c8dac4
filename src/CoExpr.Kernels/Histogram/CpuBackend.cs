using System;
using System.Linq;

namespace CoExpr.Kernels;

/// <summary>The CPU backend: joint histograms by bit planes or by scattering, whichever is the faster for a block of
/// pairs, and integer entropies by look-up of 64 pairs at once.</summary>
/// <param name="path">The instruction set to use; null for that of <see cref="Simd.Current"/>.</param>
/// <param name="blockRows">Rows that one block of work has.</param>
/// <param name="blockCells">Cells of a block of bit planes.</param>
/// <param name="planeBytes">Memory that the bit planes of one tile of 512 genes may take; with more, pairs are
/// scattered.</param>
/// <param name="method">How to count, instead of the faster way.</param>
public sealed class CpuBackend(
    SimdPath? path = null,
    int blockRows = 256,
    int blockCells = 12288,
    long planeBytes = 1L << 30,
    CountingMethod? method = null
) : IPairBackend
{
    /// <inheritdoc/>
    public string Name => "cpu";

    /// <summary>The same, with no more memory than this for the bit planes of a tile of 512 genes.</summary>
    public CpuBackend Within(long bytes) => new(path, blockRows, blockCells, Math.Min(planeBytes, bytes), method);

    /// <inheritdoc/>
    public IPairKernel Open(BinnedGenes genes, PairTask task, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockCells, 1);
        var chosen = path ?? Simd.Current();
        var levels = genes.Levels.Length == 0 ? 0 : genes.Levels.Max();
        return chosen == SimdPath.Scalar || levels > NarrowSums.MostLevels
            ? new ScatterBackend().Open(genes, task, threads)
            : new TileKernel(genes, task, chosen, blockRows, blockCells, planeBytes, method);
    }
}
