using System;

namespace CoExpr.Kernels;

/// <summary>What each gene has in each of 64 resamples: cells at every level, cells that express it, and their F.</summary>
sealed unsafe class ResampledMargins : IDisposable
{
    const int Lanes = ResampleWeights.Lanes;

    readonly AlignedBuffer<int> sizes;
    readonly AlignedBuffer<int> expressed;
    readonly AlignedBuffer<long> aloneTerms;
    readonly AlignedBuffer<long> terms;
    readonly AlignedBuffer<int> totals = new(Lanes);

    ResampledMargins(BinnedGenes genes, int resamples)
    {
        Used = Math.Min(Lanes, (resamples + 15) / 16 * 16);
        aloneTerms = new((long)genes.Genes * Lanes);
        sizes = new((long)genes.LevelSizes.Length * Lanes);
        terms = new((long)genes.LevelSizes.Length * Lanes);
        expressed = new((long)genes.Genes * Lanes);
    }

    /// <summary>Lanes that have a resample, up to a multiple of 16.</summary>
    internal int Used { get; }

    /// <summary>n_a of a level, by its number among the levels of all genes.</summary>
    internal int* Size(int level) => sizes.Start + (long)level * Lanes;

    /// <summary>F[n_a] of a level.</summary>
    internal long* Term(int level) => terms.Start + (long)level * Lanes;

    /// <summary>n_A: cells that express a gene.</summary>
    internal int* Expressed(int gene) => expressed.Start + (long)gene * Lanes;

    /// <summary>F[n_A] of a gene.</summary>
    internal long* AloneTerm(int gene) => aloneTerms.Start + (long)gene * Lanes;

    /// <summary>N: all cells.</summary>
    internal int* Totals => totals.Start;

    /// <summary>Those of one batch of resamples.</summary>
    internal static ResampledMargins Of<TLanes>(
        BinnedGenes genes,
        CellsByLevel levels,
        ResampleWeights weights,
        int batch,
        long[] table
    )
        where TLanes : struct, ILanes
    {
        var margins = new ResampledMargins(genes, weights.Resamples - batch * Lanes);
        var largest = weights.Largest(batch);
        weights.Totals(batch).CopyTo(new Span<int>(margins.Totals, Lanes));
        fixed (int* cells = levels.Cells)
            for (var level = 0; level < genes.LevelSizes.Length; level++)
                TLanes.SumWeights(
                    weights.Batch(batch),
                    cells + levels.Start(level),
                    genes.LevelSizes[level],
                    largest,
                    margins.Size(level)
                );
        margins.AddUp<TLanes>(genes, table);
        return margins;
    }

    /// <summary>The same in every resample: cells are only told apart otherwise.</summary>
    internal static ResampledMargins Unchanged<TLanes>(BinnedGenes genes, int resamples, long[] table)
        where TLanes : struct, ILanes
    {
        var margins = new ResampledMargins(genes, resamples);
        new Span<int>(margins.Totals, Lanes).Fill(genes.Cells);
        for (var level = 0; level < genes.LevelSizes.Length; level++)
            new Span<int>(margins.Size(level), Lanes).Fill(genes.LevelSizes[level]);
        margins.AddUp<TLanes>(genes, table);
        return margins;
    }

    void AddUp<TLanes>(BinnedGenes genes, long[] table)
        where TLanes : struct, ILanes
    {
        for (var gene = 0; gene < genes.Genes; gene++)
        {
            for (var level = genes.LevelStarts[gene]; level < genes.LevelStarts[gene + 1]; level++)
            {
                TLanes.Add(Size(level), Expressed(gene));
                LookUp(table, Size(level), Term(level));
            }
            LookUp(table, Expressed(gene), AloneTerm(gene));
        }
    }

    static void LookUp(long[] table, int* counts, long* terms)
    {
        for (var lane = 0; lane < Lanes; lane++)
            terms[lane] = table[counts[lane]];
    }

    public void Dispose()
    {
        sizes.Dispose();
        expressed.Dispose();
        aloneTerms.Dispose();
        terms.Dispose();
        totals.Dispose();
    }
}
