namespace CoExpr.Kernels;

/// <summary>The cells of every gene, level after level, in increasing order within a level.</summary>
sealed class LevelCells
{
    readonly BinnedGenes genes;
    readonly long[] starts;

    internal LevelCells(BinnedGenes genes)
    {
        this.genes = genes;
        starts = Starts();
        Cells = Fill();
    }

    /// <summary>Cells of all genes and levels.</summary>
    internal int[] Cells { get; }

    /// <summary>Where the cells of a level begin, by its number among the levels of all genes.</summary>
    internal long Start(int level) => starts[level];

    long[] Starts()
    {
        var sums = new long[genes.LevelSizes.Length + 1];
        for (var level = 0; level < genes.LevelSizes.Length; level++)
            sums[level + 1] = sums[level] + genes.LevelSizes[level];
        return sums;
    }

    int[] Fill()
    {
        var places = (long[])starts.Clone();
        var cells = new int[genes.CellOf.Length];
        for (var gene = 0; gene < genes.Genes; gene++)
        for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
            cells[places[genes.LevelStarts[gene] + genes.LevelOf[at] - 1]++] = genes.CellOf[at];
        return cells;
    }
}
