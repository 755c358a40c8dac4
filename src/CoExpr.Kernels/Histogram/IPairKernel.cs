using System;
using System.Collections.Generic;

namespace CoExpr.Kernels;

/// <summary>Which cells a pair's joint histogram is made from.</summary>
public enum CellsIn
{
    /// <summary>Cells in which at least one of the two genes is expressed (GeneVector's convention).</summary>
    EitherGene,

    /// <summary>All cells.</summary>
    All,
}

/// <summary>What is wanted of every pair beside its cells.</summary>
[Flags]
public enum PairParts
{
    /// <summary>Mutual information: <see cref="PairBlock.Numerators"/>.</summary>
    Information = 1,

    /// <summary>The sign of the correlation: <see cref="PairBlock.Signs"/>.</summary>
    Signs = 2,

    /// <summary>The sum of products: <see cref="PairBlock.Products"/>.</summary>
    Products = 4,

    /// <summary>The number of cells of the joint histogram that are not empty: <see cref="PairBlock.Occupied"/>.</summary>
    Occupied = 8,
}

/// <summary>What a backend is to compute.</summary>
/// <param name="Cells">Which cells count.</param>
/// <param name="Values">The genes' values, for signs and products; may be null where neither is wanted.</param>
/// <param name="Parts">What is wanted of every pair.</param>
/// <param name="Pairs">The pairs wanted: those row &lt; column of this rectangle; null for all.</param>
public sealed record PairTask(CellsIn Cells, GeneValues? Values, PairParts Parts, PairRange? Pairs = null)
{
    /// <summary>Whether one of these parts is wanted.</summary>
    public bool Wants(PairParts parts) => (Parts & parts) != 0;

    /// <summary>The rectangle of pairs wanted of so many genes.</summary>
    public PairRange PairsOf(int genes) => Pairs ?? new PairRange(0, genes, 0, genes);
}

/// <summary>A way of scoring all pairs of genes: a CPU path, a GPU, the slow reference. Every one gives the same bits.</summary>
public interface IPairBackend
{
    /// <summary>Its name on the command line: "cpu", "reference".</summary>
    string Name { get; }

    /// <summary>Takes the genes in (sorted so that genes of like density are neighbours) and lays them out its own way.</summary>
    /// <param name="genes">The genes to score against each other.</param>
    /// <param name="task">What to compute.</param>
    /// <param name="threads">Threads that may be used while laying out.</param>
    IPairKernel Open(BinnedGenes genes, PairTask task, int threads);
}

/// <summary>Genes laid out for one backend, ready to be scored block by block.</summary>
public interface IPairKernel : IDisposable
{
    /// <summary>The blocks of pairs that it likes to compute at once; together they cover every pair wanted once.</summary>
    IReadOnlyList<PairRange> Blocks { get; }

    /// <summary>A worker with memory of its own; each thread takes one.</summary>
    IPairWorker NewWorker();
}

/// <summary>Scores blocks of pairs, one at a time.</summary>
public interface IPairWorker : IDisposable
{
    /// <summary>Scores every pair row &lt; column of the range into the block, which is reset to it.</summary>
    void Score(PairRange range, PairBlock block);
}

/// <summary>A rectangle of pairs: rows from <paramref name="FirstRow"/> to before <paramref name="EndRow"/>, columns likewise.</summary>
public readonly record struct PairRange(int FirstRow, int EndRow, int FirstColumn, int EndColumn);
