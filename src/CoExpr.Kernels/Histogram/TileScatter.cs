using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>A tile of genes by cell: for each cell the counters of the genes expressed in it (Gustavson 1978).</summary>
/// <remarks>
/// Gene A is counted against the whole tile by visiting A's expressed cells alone:
///
///     for each cell c of A, at level a:   for each gene j of the tile expressed in c, at level b:   n[a, b, j] += 1.
///
/// One increment for each cell that expresses both genes, whatever the number of cells; the fastest way where few do.
/// </remarks>
sealed class TileScatter
{
    readonly int[] starts;
    readonly ushort[] counters;
    readonly int laneMask;

    /// <summary>Lays out the genes from <paramref name="first"/> to before <paramref name="end"/> with
    /// <paramref name="lanes"/> counters, a power of 2, for each level; all levels together may have 65,536.</summary>
    internal TileScatter(BinnedGenes genes, int first, int end, int lanes)
    {
        if (!BitOperations.IsPow2(lanes) || lanes < end - first)
            throw new ArgumentException($"{lanes} lanes for {end - first} genes", nameof(lanes));
        laneMask = lanes - 1;
        var (from, to) = ((int)genes.Starts[first], (int)genes.Starts[end]);
        starts = new int[genes.Cells + 1];
        Transpose.Count(genes.CellOf.AsSpan(from, to - from), starts.AsSpan(1));
        for (var cell = 0; cell < genes.Cells; cell++)
            starts[cell + 1] += starts[cell];
        counters = new ushort[to - from];
        Fill(genes, first, end, lanes);
    }

    void Fill(BinnedGenes genes, int first, int end, int lanes)
    {
        var places = starts.AsSpan(0, genes.Cells).ToArray();
        for (var gene = first; gene < end; gene++)
        for (var at = (int)genes.Starts[gene]; at < (int)genes.Starts[gene + 1]; at++)
            counters[places[genes.CellOf[at]]++] = (ushort)((genes.LevelOf[at] - 1) * lanes + gene - first);
    }

    /// <summary>Where each cell's counters begin, those of lanes before <paramref name="lane"/> left out.</summary>
    internal ReadOnlySpan<int> StartsFrom(int lane, int[] scratch)
    {
        if (lane <= 0)
            return starts;
        for (var cell = 0; cell < scratch.Length; cell++)
        {
            var (low, high) = (starts[cell], starts[cell + 1]);
            while (low < high)
            {
                var middle = (low + high) >>> 1;
                if ((counters[middle] & laneMask) < lane)
                    low = middle + 1;
                else
                    high = middle;
            }
            scratch[cell] = low;
        }
        return scratch;
    }

    /// <summary>Adds the listed cells to the counts of one level of A.</summary>
    /// <param name="cells">Cells of gene A at that level.</param>
    /// <param name="from">Where each cell's counters begin, from <see cref="StartsFrom"/>.</param>
    /// <param name="counts">Counts of that level: [b, lane].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal unsafe void Add<TCount>(ReadOnlySpan<int> cells, ReadOnlySpan<int> from, TCount* counts)
        where TCount : unmanaged, IBinaryInteger<TCount>
    {
        fixed (int* start = from)
        fixed (int* end = starts)
        fixed (ushort* counter = counters)
            foreach (var cell in cells)
            {
                var stop = counter + end[cell + 1];
                for (var k = counter + start[cell]; k < stop; k++)
                    counts[*k]++;
            }
    }
}
