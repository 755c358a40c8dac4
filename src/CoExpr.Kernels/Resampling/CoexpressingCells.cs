using System;

namespace CoExpr.Kernels;

/// <summary>The cells that express both genes of a pair, sorted by the levels of the two; found once, for all resamples.</summary>
sealed unsafe class CoexpressingCells(BinnedGenes genes, CellsByLevel levels)
{
    readonly byte[] rowLevels = new byte[genes.Cells];
    readonly int[] found = new int[genes.Cells + 1];
    readonly byte[] foundLevels = new byte[genes.Cells + 1];
    readonly int[] places = new int[257];
    int row = -1;

    /// <summary>A run of cells at level <paramref name="A"/> of the row's gene and <paramref name="B"/> of the column's, from 0.</summary>
    internal readonly record struct Run(int A, int B, int First, int Count);

    /// <summary>The cells of the pair, run by run.</summary>
    internal int[] Cells { get; } = new int[genes.Cells + 1];

    /// <summary>The runs, of which the first <see cref="Count"/> are the pair's.</summary>
    internal Run[] Runs { get; private set; } = new Run[64];

    /// <summary>Number of runs.</summary>
    internal int Count { get; private set; }

    /// <summary>Takes a gene as the row of the pairs to come.</summary>
    internal void Take(int gene)
    {
        if (row >= 0)
            Mark(row, false);
        Mark(gene, true);
        row = gene;
    }

    void Mark(int gene, bool set)
    {
        for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
            rowLevels[genes.CellOf[at]] = set ? genes.LevelOf[at] : (byte)0;
    }

    /// <summary>Finds the cells that the row's gene and this one share.</summary>
    internal void Find(int column)
    {
        Count = 0;
        var (first, place) = (genes.LevelStarts[column], 0);
        for (var b = 0; b < genes.Levels[column]; b++)
        {
            var shared = Shared(first + b);
            if (shared > 0)
                place = SortByLevel(b, shared, place);
        }
    }

    /// <summary>Lists the cells of a level that express the row's gene.</summary>
    int Shared(int level)
    {
        var count = 0;
        fixed (byte* rowLevel = rowLevels)
        fixed (int* cells = levels.Cells)
        fixed (int* cellOf = found)
        fixed (byte* levelOf = foundLevels)
        {
            var end = levels.Start(level + 1);
            for (var at = levels.Start(level); at < end; at++)
            {
                // Written in any case and overwritten by the next where it does not count: no branch to guess.
                var (cell, a) = (cells[at], rowLevel[cells[at]]);
                (cellOf[count], levelOf[count]) = (cell, a);
                count += a != 0 ? 1 : 0;
            }
        }
        return count;
    }

    int SortByLevel(int b, int count, int place)
    {
        var highest = genes.Levels[row];
        if (highest == 1)
        {
            found.AsSpan(0, count).CopyTo(Cells.AsSpan(place));
            AddRun(new(0, b, place, count));
            return place + count;
        }
        var ends = places.AsSpan(0, highest + 1);
        ends.Clear();
        for (var i = 0; i < count; i++)
            ends[foundLevels[i]]++;
        for (int level = 1, first = place; level <= highest; level++)
        {
            if (ends[level] > 0)
                AddRun(new(level - 1, b, first, ends[level]));
            (ends[level], first) = (first, first + ends[level]);
        }
        for (var i = 0; i < count; i++)
            Cells[ends[foundLevels[i]]++] = found[i];
        return place + count;
    }

    void AddRun(Run run)
    {
        if (Count == Runs.Length)
        {
            var grown = new Run[2 * Count];
            Runs.CopyTo(grown, 0);
            Runs = grown;
        }
        Runs[Count++] = run;
    }
}
