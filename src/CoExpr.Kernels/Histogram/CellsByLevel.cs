using System;

namespace CoExpr.Kernels;

/// <summary>The cells of every gene sorted by level: for each level the list of cells in which the gene is at it.</summary>
/// <remarks>Level a of gene g is list number <c>LevelStarts[g] + a − 1</c>; its cells are in increasing order.</remarks>
public sealed class CellsByLevel
{
    readonly BinnedGenes genes;
    readonly int[] starts;
    readonly int[] cells;

    /// <summary>Sorts the entries of all genes.</summary>
    public CellsByLevel(BinnedGenes genes)
    {
        this.genes = genes;
        starts = new int[genes.LevelSizes.Length + 1];
        for (var list = 0; list < genes.LevelSizes.Length; list++)
            starts[list + 1] = starts[list] + genes.LevelSizes[list];
        cells = new int[genes.CellOf.Length];
        Span<int> places = stackalloc int[byte.MaxValue];
        for (var gene = 0; gene < genes.Genes; gene++)
            Sort(gene, places);
    }

    void Sort(int gene, Span<int> places)
    {
        starts.AsSpan(genes.LevelStarts[gene], genes.Levels[gene]).CopyTo(places);
        for (var at = (int)genes.Starts[gene]; at < (int)genes.Starts[gene + 1]; at++)
            cells[places[genes.LevelOf[at] - 1]++] = genes.CellOf[at];
    }

    /// <summary>The cells of all lists, one after the other.</summary>
    internal int[] Cells => cells;

    /// <summary>Where the cells of a list begin.</summary>
    internal long Start(int list) => starts[list];

    /// <summary>The cells of a gene at a level.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="level">The level, from 1.</param>
    public ReadOnlySpan<int> At(int gene, int level)
    {
        var list = genes.LevelStarts[gene] + level - 1;
        return cells.AsSpan(starts[list], starts[list + 1] - starts[list]);
    }
}
