namespace CoExpr.Kernels;

/// <summary>What the scores of a tile's genes take from each gene alone, lane by lane.</summary>
sealed class TileTerms : System.IDisposable
{
    /// <summary>Cells at each level, [b, lane]; 0 in lanes without a gene.</summary>
    internal readonly int[] Sizes;

    /// <summary>Σ F[n_b] of each lane; with all cells plus F[N − n_B], the cells that lack the gene.</summary>
    internal readonly long[] Entropies;

    /// <summary>The same sizes as look-up windows.</summary>
    internal readonly LevelWindows Windows;

    /// <summary>Σ F[n_b] of each lane.</summary>
    internal readonly long[] LevelEntropies;

    /// <summary>Number of cells that express the gene, of each lane.</summary>
    internal readonly int[] Expressed;

    internal TileTerms(BinnedGenes genes, long[] table, CellsIn convention, int first, int end, int lanes, int levels)
    {
        (First, End, Lanes, Levels) = (first, end, lanes, levels);
        (Sizes, Entropies, Expressed) = (new int[levels * lanes], new long[lanes], new int[lanes]);
        LevelEntropies = new long[lanes];
        for (var gene = first; gene < end; gene++)
        {
            var lane = gene - first;
            Expressed[lane] = genes.Expressed(gene);
            LevelEntropies[lane] = RowTerms.OfLevels(genes, table, gene);
            Entropies[lane] = RowTerms.EntropyOf(genes, table, convention, gene);
            for (var level = 0; level < genes.Levels[gene]; level++)
                Sizes[level * lanes + lane] = genes.LevelSizes[genes.LevelStarts[gene] + level];
        }
        Windows = new LevelWindows(Sizes, lanes, levels);
    }

    internal int First { get; }
    internal int End { get; }

    /// <summary>Counters for each pair of levels: genes, filled up to a multiple of 64.</summary>
    internal int Lanes { get; }

    /// <summary>Highest level.</summary>
    internal int Levels { get; }

    public void Dispose() => Windows.Dispose();
}

/// <summary>What the scores of gene A take from it alone.</summary>
readonly unsafe struct RowTerms
{
    /// <summary>Takes what is needed of a gene.</summary>
    /// <param name="genes">All genes.</param>
    /// <param name="sizes">Their level sizes, which stay where they are as long as this is used.</param>
    /// <param name="table">F.</param>
    /// <param name="convention">Which cells count.</param>
    /// <param name="gene">Gene A.</param>
    internal RowTerms(BinnedGenes genes, int* sizes, long[] table, CellsIn convention, int gene)
    {
        Sizes = sizes + genes.LevelStarts[gene];
        (Levels, Expressed) = (genes.Levels[gene], genes.Expressed(gene));
        LevelEntropies = OfLevels(genes, table, gene);
        Entropy = EntropyOf(genes, table, convention, gene);
    }

    /// <summary>Cells at each of its levels.</summary>
    internal readonly int* Sizes;

    /// <summary>Number of levels.</summary>
    internal readonly int Levels;

    /// <summary>Cells that express it.</summary>
    internal readonly int Expressed;

    /// <summary>Σ F[n_a] over its levels.</summary>
    internal readonly long LevelEntropies;

    /// <summary>The same; with all cells plus F[N − n_A].</summary>
    internal readonly long Entropy;

    internal static long EntropyOf(BinnedGenes genes, long[] table, CellsIn convention, int gene) =>
        OfLevels(genes, table, gene) + (convention == CellsIn.All ? table[genes.Cells - genes.Expressed(gene)] : 0);

    internal static long OfLevels(BinnedGenes genes, long[] table, int gene)
    {
        long sum = 0;
        for (var level = genes.LevelStarts[gene]; level < genes.LevelStarts[gene + 1]; level++)
            sum += table[genes.LevelSizes[level]];
        return sum;
    }
}
