using System;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>Σ x·y of one gene with every gene of a tile, by scattering over the cells that express the one.</summary>
public sealed class ScatterProducts
{
    readonly GeneValues genes;
    readonly int firstGene;
    readonly int count;
    readonly int[] starts;
    readonly int[] geneOf;
    readonly float[] values;

    /// <summary>Lays out the genes from <paramref name="firstGene"/> to before <paramref name="endGene"/> by cell.</summary>
    public ScatterProducts(GeneValues genes, int firstGene, int endGene)
    {
        (this.genes, this.firstGene, count) = (genes, firstGene, endGene - firstGene);
        var (first, end) = ((int)genes.Starts[firstGene], (int)genes.Starts[endGene]);
        starts = new int[genes.Cells + 1];
        Transpose.Count(genes.CellOf.AsSpan(first, end - first), starts.AsSpan(1));
        for (var cell = 0; cell < genes.Cells; cell++)
            starts[cell + 1] += starts[cell];
        (geneOf, values) = (new int[end - first], new float[end - first]);
        Fill();
    }

    void Fill()
    {
        var places = starts.AsSpan(0, genes.Cells).ToArray();
        for (var gene = 0; gene < count; gene++)
        for (var at = (int)genes.Starts[firstGene + gene]; at < (int)genes.Starts[firstGene + gene + 1]; at++)
        {
            var place = places[genes.CellOf[at]]++;
            (geneOf[place], values[place]) = (gene, genes.Values[at]);
        }
    }

    /// <summary>Where each cell's entries begin, those of genes before <paramref name="gene"/> left out.</summary>
    public ReadOnlySpan<int> StartsFrom(int gene, int[] scratch) =>
        gene <= firstGene ? starts : SortedLines.StartsFrom(starts, geneOf, gene - firstGene, scratch);

    /// <summary>Sums of products of gene <paramref name="gene"/> with each gene of the tile.</summary>
    /// <param name="gene">The one gene.</param>
    /// <param name="from">Where each cell's entries begin, from <see cref="StartsFrom"/>.</param>
    /// <param name="sums">Receives a sum per gene of the tile. A product of two single-precision values is exact in double
    /// precision, and cells are added in increasing order, so the sum of (a, b) is that of (b, a) to the bit.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Sum(int gene, ReadOnlySpan<int> from, Span<double> sums)
    {
        sums[..count].Clear();
        fixed (double* sum = sums)
        fixed (int* start = from)
        fixed (int* end = starts)
        fixed (int* cellOf = genes.CellOf)
        fixed (int* partner = geneOf)
        fixed (float* own = genes.Values)
        fixed (float* other = values)
        {
            var last = (int)genes.Starts[gene + 1];
            for (var at = (int)genes.Starts[gene]; at < last; at++)
            {
                double value = own[at];
                var stop = end[cellOf[at] + 1];
                for (var k = start[cellOf[at]]; k < stop; k++)
                    sum[partner[k]] += value * other[k];
            }
        }
    }
}
