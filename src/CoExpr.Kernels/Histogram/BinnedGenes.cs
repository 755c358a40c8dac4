using System;

namespace CoExpr.Kernels;

/// <summary>Genes cut into levels, gene after gene, expressed cells only: what every co-expression kernel reads.</summary>
/// <remarks>Level 0 is "not expressed" and has no entries. Gene g owns the entries from <c>Starts[g]</c> to before
/// <c>Starts[g + 1]</c>, in increasing order of cell.</remarks>
public sealed class BinnedGenes
{
    /// <summary>Puts the parts together; they are kept, not copied.</summary>
    /// <param name="cells">Number of cells N.</param>
    /// <param name="starts">Where each gene's entries begin; one more than there are genes.</param>
    /// <param name="cellOf">Cell of every entry.</param>
    /// <param name="levelOf">Level of every entry, from 1.</param>
    /// <param name="levels">Highest level of every gene, 0 for a gene that no cell expresses.</param>
    /// <exception cref="ArgumentException">The parts differ in length.</exception>
    public BinnedGenes(int cells, long[] starts, int[] cellOf, byte[] levelOf, byte[] levels)
    {
        if (starts.Length != levels.Length + 1)
            throw new ArgumentException($"{starts.Length} starts for {levels.Length} genes", nameof(starts));
        if (cellOf.Length != levelOf.Length)
            throw new ArgumentException($"{levelOf.Length} levels for {cellOf.Length} cells", nameof(levelOf));
        (Cells, Starts, CellOf, LevelOf, Levels) = (cells, starts, cellOf, levelOf, levels);
        (LevelStarts, LevelSizes) = CountLevels();
    }

    /// <summary>Number of cells N.</summary>
    public int Cells { get; }

    /// <summary>Number of genes.</summary>
    public int Genes => Levels.Length;

    /// <summary>Where each gene's entries begin; one more than there are genes.</summary>
    public long[] Starts { get; }

    /// <summary>Cell of every entry.</summary>
    public int[] CellOf { get; }

    /// <summary>Level of every entry, from 1.</summary>
    public byte[] LevelOf { get; }

    /// <summary>Highest level of every gene.</summary>
    public byte[] Levels { get; }

    /// <summary>Where each gene's levels begin among the levels of all genes; one more than there are genes.</summary>
    public int[] LevelStarts { get; }

    /// <summary>Number of cells at every level from 1, gene after gene.</summary>
    public int[] LevelSizes { get; }

    /// <summary>Number of cells that express the gene.</summary>
    public int Expressed(int gene) => (int)(Starts[gene + 1] - Starts[gene]);

    (int[], int[]) CountLevels()
    {
        var starts = new int[Levels.Length + 1];
        for (var gene = 0; gene < Levels.Length; gene++)
            starts[gene + 1] = starts[gene] + Levels[gene];

        var sizes = new int[starts[^1]];
        for (var gene = 0; gene < Levels.Length; gene++)
        for (var at = (int)Starts[gene]; at < (int)Starts[gene + 1]; at++)
            sizes[starts[gene] + LevelOf[at] - 1]++;
        return (starts, sizes);
    }
}
