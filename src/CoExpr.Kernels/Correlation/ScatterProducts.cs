using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Σ x·y of one gene with every gene of a tile, by scattering over the cells that express the one.</summary>
/// <remarks>
/// A tile of which much is not 0 is held densely beside, and then whole rows are added a vector at a time, zeros too:
/// adding a product of 0 leaves a sum as it is, so both ways give the same bits.
/// </remarks>
public sealed class ScatterProducts
{
    readonly GeneValues genes;
    readonly int firstGene;
    readonly int count;
    readonly int[] starts;
    readonly int[] geneOf;
    readonly float[] values;
    readonly float[]? dense;

    /// <summary>Share of a tile above which it is held densely. An entry and its gene take 8 bytes, a dense value 4.</summary>
    const double DenseFrom = 0.15;

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
        if (values.Length > DenseFrom * genes.Cells * count && (long)genes.Cells * count <= Array.MaxLength)
            dense = Dense();
    }

    float[] Dense()
    {
        var rows = new float[genes.Cells * count];
        for (var cell = 0; cell < genes.Cells; cell++)
        for (var at = starts[cell]; at < starts[cell + 1]; at++)
            rows[cell * count + geneOf[at]] = values[at];
        return rows;
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
    /// <param name="firstPartner">Genes of the tile before this one are left out: their sums are 0.</param>
    /// <param name="from">Where each cell's entries begin, from <see cref="StartsFrom"/> of <paramref name="firstPartner"/>.</param>
    /// <param name="sums">Receives a sum per gene of the tile. A product of two single-precision values is exact in double
    /// precision, and cells are added in increasing order, so the sum of (a, b) is that of (b, a) to the bit.</param>
    public void Sum(int gene, int firstPartner, ReadOnlySpan<int> from, Span<double> sums)
    {
        sums[..count].Clear();
        if (dense is null)
            Scatter(gene, from, sums);
        else
            AddRows(gene, Math.Clamp(firstPartner - firstGene, 0, count), dense, sums);
    }

    void AddRows(int gene, int skipped, float[] rows, Span<double> sums)
    {
        for (var at = (int)genes.Starts[gene]; at < (int)genes.Starts[gene + 1]; at++)
        {
            var row = rows.AsSpan(genes.CellOf[at] * count + skipped, count - skipped);
            AddMultiple(genes.Values[at], row, sums[skipped..]);
        }
    }

    /// <summary>Adds factor · row to the sums, in double precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddMultiple(double factor, ReadOnlySpan<float> row, Span<double> sums)
    {
        var at = 0;
        if (Vector512.IsHardwareAccelerated)
            for (; at <= row.Length - 16; at += 16)
            {
                var (low, high) = Vector512.Widen(Vector512.Create(row[at..]));
                (Vector512.Create(sums[at..]) + factor * low).CopyTo(sums[at..]);
                (Vector512.Create(sums[(at + 8)..]) + factor * high).CopyTo(sums[(at + 8)..]);
            }
        var factors = new Vector<double>(factor);
        var half = Vector<double>.Count;
        for (; at <= row.Length - 2 * half; at += 2 * half)
        {
            Vector.Widen(new Vector<float>(row[at..]), out var low, out var high);
            (new Vector<double>(sums[at..]) + factors * low).CopyTo(sums[at..]);
            (new Vector<double>(sums[(at + half)..]) + factors * high).CopyTo(sums[(at + half)..]);
        }
        for (; at < row.Length; at++)
            sums[at] += factor * row[at];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    unsafe void Scatter(int gene, ReadOnlySpan<int> from, Span<double> sums)
    {
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
