using System;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>Genes laid out as the kernels read them.</summary>
static class CellLists
{
    /// <summary>For each level of the genes, one after another, its cells: where each list begins, and the lists.</summary>
    internal static (int[] Starts, int[] Cells) ByLevel(BinnedGenes genes, int firstGene, int endGene)
    {
        var (firstLevel, endLevel) = (genes.LevelStarts[firstGene], genes.LevelStarts[endGene]);
        var starts = new int[endLevel - firstLevel + 1];
        for (var level = firstLevel; level < endLevel; level++)
            starts[level - firstLevel + 1] = starts[level - firstLevel] + genes.LevelSizes[level];
        var (places, cells) = (starts.AsSpan(..^1).ToArray(), new int[starts[^1]]);
        for (var gene = firstGene; gene < endGene; gene++)
        for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
            cells[places[genes.LevelStarts[gene] - firstLevel + genes.LevelOf[at] - 1]++] = genes.CellOf[at];
        return (starts, cells);
    }

    /// <summary>For each cell its counters, numbered through the levels of the genes: where each begins, and the counters.</summary>
    internal static (int[] Starts, int[] Counters) Counters(BinnedGenes genes, int firstGene, int endGene)
    {
        var starts = CellStarts(genes.Cells, genes.CellOf, genes.Starts[firstGene], genes.Starts[endGene]);
        var (places, counters) = (starts.AsSpan(..^1).ToArray(), new int[starts[^1]]);
        for (var gene = firstGene; gene < endGene; gene++)
        for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
            counters[places[genes.CellOf[at]]++] =
                genes.LevelStarts[gene] - genes.LevelStarts[firstGene] + genes.LevelOf[at] - 1;
        return (starts, counters);
    }

    /// <summary>For each cell the genes that have a value there, numbered from the first, and the values.</summary>
    internal static (int[] Starts, int[] Genes, float[] Values) Values(GeneValues genes, int firstGene, int endGene)
    {
        var starts = CellStarts(genes.Cells, genes.CellOf, genes.Starts[firstGene], genes.Starts[endGene]);
        var (geneOf, values) = (new int[starts[^1]], new float[starts[^1]]);
        var places = starts.AsSpan(..^1).ToArray();
        for (var gene = firstGene; gene < endGene; gene++)
        for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
        {
            var place = places[genes.CellOf[at]]++;
            (geneOf[place], values[place]) = (gene - firstGene, genes.Values[at]);
        }
        return (starts, geneOf, values);
    }

    static int[] CellStarts(int cells, int[] cellOf, long first, long end)
    {
        var starts = new int[cells + 1];
        for (var at = first; at < end; at++)
            starts[cellOf[at] + 1]++;
        for (var cell = 0; cell < cells; cell++)
            starts[cell + 1] += starts[cell];
        return starts;
    }
}
