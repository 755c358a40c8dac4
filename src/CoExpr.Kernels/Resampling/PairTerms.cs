using System;

namespace CoExpr.Kernels;

/// <summary>From one pair's joint counts in 64 resamples to M · MI · 2^30 in each.</summary>
/// <remarks>
/// The same formula as <see cref="MutualInformationKernel"/>, with sums over the joint levels that have cells at all:
/// with r_a and c_b the sums of rows and columns, K the cells that express both genes,
///
///     M · MI = Σ F[n_ab] + Σ_a (F[n_a − r_a] − F[n_a]) + Σ_b (F[n_b − c_b] − F[n_b]) + rest,
///     EitherGene:  rest = F[M] − F[n_A − K] − F[n_B − K],                       M = n_A + n_B − K,
///     All:         rest = F[N − n_A − n_B + K] + F[N] − F[N − n_A] − F[N − n_B],  M = N.
///
/// A level without a co-expressing cell adds nothing. Of a gene of one level n_a − r_a = n_A − K, and over the cells of
/// either gene the two terms cancel.
/// </remarks>
sealed unsafe class PairTerms<TLanes>(BinnedGenes genes, CellsIn convention, long[] table) : IDisposable
    where TLanes : struct, ILanes
{
    const int Lanes = ResampleWeights.Lanes;

    readonly SmallEntropies smallEntropies = new();
    readonly AlignedBuffer<int> rowSums = new(256 * Lanes);
    readonly AlignedBuffer<int> columnSums = new(256 * Lanes);
    readonly AlignedBuffer<int> both = new(Lanes);
    readonly AlignedBuffer<long> sums = new(Lanes);
    readonly bool[] rowsMet = new bool[256];
    readonly bool[] columnsMet = new bool[256];
    AlignedBuffer<int> counts = new(64 * Lanes);
    int[] small = new int[64];
    int[] plus = new int[64];
    readonly int[] minus = new int[8];
    int used;
    int smalls;
    int pluses;
    int minuses;

    /// <summary>Makes room for a pair of genes of so many levels, at most so many of them joint levels with cells.</summary>
    internal void Begin(int rows, int columns, int jointLevels)
    {
        (used, smalls, pluses, minuses) = (0, 0, 0, 0);
        rowsMet.AsSpan(0, rows).Clear();
        columnsMet.AsSpan(0, columns).Clear();
        // The levels of both genes, and what the convention adds.
        var room = jointLevels + 2 * 256 + 8;
        if (counts.Length >= (long)room * Lanes)
            return;
        counts.Dispose();
        counts = new((long)room * Lanes);
        (small, plus) = (new int[room], new int[room]);
    }

    /// <summary>Where the counts of the next term go.</summary>
    internal int* Next => counts.Start + (long)used * Lanes;

    /// <summary>Takes the counts at <see cref="Next"/> as n_ab of levels a and b, from 0.</summary>
    internal void AddJoint(int a, int b)
    {
        var row = rowSums.Start + a * Lanes;
        var column = columnSums.Start + b * Lanes;
        Plus(TLanes.AddJoint(Next, row, rowsMet[a], column, columnsMet[b]));
        (rowsMet[a], columnsMet[b]) = (true, true);
    }

    void Plus() => Plus(TLanes.AreSmall(Next));

    void Plus(bool isSmall)
    {
        if (isSmall)
            small[smalls++] = used++;
        else
            plus[pluses++] = used++;
    }

    void Minus() => minus[minuses++] = used++;

    /// <summary>Writes the numerators and numbers of cells of the 64 resamples.</summary>
    internal void Finish(ResampledMargins margins, int row, int column, Span<long> numerators, Span<int> cells)
    {
        new Span<long>(sums.Start, Lanes).Clear();
        var bothCells = both.Start;
        new Span<int>(bothCells, Lanes).Clear();
        for (var a = 0; a < genes.Levels[row]; a++)
            if (rowsMet[a])
                TLanes.Add(rowSums.Start + a * Lanes, bothCells);
        AddLevels(margins, row, rowSums.Start, rowsMet);
        AddLevels(margins, column, columnSums.Start, columnsMet);
        if (convention == CellsIn.EitherGene)
            AddEither(margins, row, column, cells);
        else
            AddAll(margins, row, column, cells);
        var terms = new Terms
        {
            Counts = counts.Start,
            Lanes = margins.Used,
            Small = small.AsSpan(0, smalls),
            Plus = plus.AsSpan(0, pluses),
            Minus = minus.AsSpan(0, minuses),
        };
        fixed (long* f = table)
            TLanes.AddTerms(terms, smallEntropies, f, sums.Start);
        new Span<long>(sums.Start, Lanes).CopyTo(numerators);
    }

    bool Cancels(int gene) => convention == CellsIn.EitherGene && genes.Levels[gene] == 1;

    void AddLevels(ResampledMargins margins, int gene, int* levelSums, bool[] met)
    {
        var first = genes.LevelStarts[gene];
        if (Cancels(gene))
        {
            TLanes.Subtract(margins.Term(first), sums.Start);
            return;
        }
        for (var level = 0; level < genes.Levels[gene]; level++)
        {
            if (!met[level])
                continue;
            TLanes.Subtract(margins.Term(first + level), sums.Start);
            TLanes.Difference(margins.Size(first + level), levelSums + level * Lanes, Next);
            Plus();
        }
    }

    void AddEither(ResampledMargins margins, int row, int column, Span<int> cells)
    {
        AddAlone(margins, row);
        AddAlone(margins, column);
        Either(margins, row, column, Next);
        new Span<int>(Next, Lanes).CopyTo(cells);
        Plus();
    }

    void AddAlone(ResampledMargins margins, int gene)
    {
        if (Cancels(gene))
            return;
        if (used == 0)
        {
            // No cell expresses both, so n_A − K = n_A, which was looked up before.
            TLanes.Subtract(margins.AloneTerm(gene), sums.Start);
            return;
        }
        TLanes.Difference(margins.Expressed(gene), both.Start, Next);
        Minus();
    }

    void AddAll(ResampledMargins margins, int row, int column, Span<int> cells)
    {
        TLanes.Difference(margins.Totals, margins.Expressed(row), Next);
        Minus();
        TLanes.Difference(margins.Totals, margins.Expressed(column), Next);
        Minus();
        new Span<int>(margins.Totals, Lanes).CopyTo(new Span<int>(Next, Lanes));
        new Span<int>(margins.Totals, Lanes).CopyTo(cells);
        Plus();
        Either(margins, row, column, Next);
        TLanes.Difference(margins.Totals, Next, Next);
        Plus();
    }

    void Either(ResampledMargins margins, int row, int column, int* either)
    {
        TLanes.Difference(margins.Expressed(row), both.Start, either);
        TLanes.Add(margins.Expressed(column), either);
    }

    public void Dispose()
    {
        smallEntropies.Dispose();
        rowSums.Dispose();
        columnSums.Dispose();
        both.Dispose();
        sums.Dispose();
        counts.Dispose();
    }
}
