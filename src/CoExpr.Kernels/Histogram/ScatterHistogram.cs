using System;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>Joint histograms of one gene with every gene of a tile, by scattering (Gustavson 1978).</summary>
/// <remarks>
/// The tile is held by cell: for each cell the counters that its expressed genes of the tile belong to. Gene A is then
/// counted against the whole tile by visiting A's expressed cells alone:
///
///     for each cell c of A, at level a:   for each gene j of the tile expressed in c, at level b:   n[a, j, b] += 1.
///
/// That is one increment for each cell that expresses both genes, whatever the number of cells.
/// </remarks>
public sealed class ScatterHistogram
{
    readonly BinnedGenes genes;
    readonly int[] starts;
    readonly int[] counters;

    /// <summary>Lays out the genes from <paramref name="firstGene"/> to before <paramref name="endGene"/> by cell.</summary>
    public ScatterHistogram(BinnedGenes genes, int firstGene, int endGene)
    {
        this.genes = genes;
        (FirstGene, EndGene) = (firstGene, endGene);
        Width = genes.LevelStarts[endGene] - genes.LevelStarts[firstGene];
        var (first, end) = ((int)genes.Starts[firstGene], (int)genes.Starts[endGene]);
        starts = new int[genes.Cells + 1];
        Transpose.Count(genes.CellOf.AsSpan(first, end - first), starts.AsSpan(1));
        for (var cell = 0; cell < genes.Cells; cell++)
            starts[cell + 1] += starts[cell];
        counters = new int[end - first];
        Fill();
    }

    /// <summary>First gene of the tile.</summary>
    public int FirstGene { get; }

    /// <summary>Gene after the last of the tile.</summary>
    public int EndGene { get; }

    /// <summary>Number of counters for one level of A: all levels of all genes of the tile.</summary>
    public int Width { get; }

    void Fill()
    {
        var places = starts.AsSpan(0, genes.Cells).ToArray();
        for (var gene = FirstGene; gene < EndGene; gene++)
        {
            var counter = genes.LevelStarts[gene] - genes.LevelStarts[FirstGene] - 1;
            for (var at = (int)genes.Starts[gene]; at < (int)genes.Starts[gene + 1]; at++)
                counters[places[genes.CellOf[at]]++] = counter + genes.LevelOf[at];
        }
    }

    /// <summary>Where each cell's counters begin, those of genes before <paramref name="gene"/> left out.</summary>
    /// <remarks>A block on the diagonal asks for pairs row &lt; column alone; half of its tile need not be visited.</remarks>
    public ReadOnlySpan<int> StartsFrom(int gene, int[] scratch) =>
        gene <= FirstGene
            ? starts
            : SortedLines.StartsFrom(starts, counters, genes.LevelStarts[gene] - genes.LevelStarts[FirstGene], scratch);

    /// <summary>Counts gene A against the genes of the tile.</summary>
    /// <param name="gene">Gene A.</param>
    /// <param name="from">Where each cell's counters begin, from <see cref="StartsFrom"/>.</param>
    /// <param name="counts">Receives Levels[A] x Width counts: for each level of A one line of the tile's counters. Longer is allowed.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Count(int gene, ReadOnlySpan<int> from, Span<int> counts)
    {
        counts[..(genes.Levels[gene] * Width)].Clear();
        fixed (int* start = from)
        fixed (int* end = starts)
        fixed (int* counter = counters)
        fixed (int* cellOf = genes.CellOf)
        fixed (int* count = counts)
        fixed (byte* levelOf = genes.LevelOf)
        {
            var last = (int)genes.Starts[gene + 1];
            for (var at = (int)genes.Starts[gene]; at < last; at++)
            {
                var line = count + (long)(levelOf[at] - 1) * Width;
                var stop = counter + end[cellOf[at] + 1];
                for (var k = counter + start[cellOf[at]]; k < stop; k++)
                    line[*k]++;
            }
        }
    }
}
