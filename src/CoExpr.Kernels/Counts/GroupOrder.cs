using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Steps of putting a matrix of counts into the order of groups: the entries of each gene by position, where the
/// positions of a group's cells follow one another. Entries of 0, and of cells without a position, are left out.</summary>
public static class GroupOrder
{
    // A matrix that is held by cell is turned as Transpose does it, only that the cells are visited in the order of their
    // positions: every gene comes out sorted. Of one that is held by gene, each gene's values are laid out by position and
    // those above 0 picked up again, which costs a move per entry and a sixteenth of a step per position: a counting sort by
    // group must wait for the place of a group to be written before it is read. Genes of few entries take the counting sort,
    // which keeps the order of cells within a group, and so of positions too.

    /// <summary>A gene with an entry in this many positions, or more, is laid out.</summary>
    const int PositionsPerEntry = 24;

    /// <summary>The position of a cell that is in no group.</summary>
    public const int None = -1;

    /// <summary>Adds to <paramref name="counts"/>, for each gene, how many entries of these cells are kept.</summary>
    /// <param name="starts">Where each cell begins in the entries; one more than there are cells.</param>
    /// <param name="genes">Gene of every entry.</param>
    /// <param name="values">Value of every entry.</param>
    /// <param name="cells">The cells to visit.</param>
    /// <param name="counts">One per gene.</param>
    public static void Count(
        ReadOnlySpan<long> starts,
        ReadOnlySpan<int> genes,
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> cells,
        Span<int> counts
    )
    {
        foreach (var cell in cells)
            for (var at = (int)starts[cell]; at < (int)starts[cell + 1]; at++)
                if (values[at] != 0)
                    counts[genes[at]]++;
    }

    /// <summary>Drops the entries of these cells, which stand at consecutive positions, at the next free places of their
    /// genes, and moves those places on.</summary>
    /// <param name="starts">Where each cell begins in the entries; one more than there are cells.</param>
    /// <param name="genes">Gene of every entry.</param>
    /// <param name="values">Value of every entry.</param>
    /// <param name="cells">The cells to visit.</param>
    /// <param name="position">The position of the first of them.</param>
    /// <param name="places">Next free place of each gene; moved on.</param>
    /// <param name="positions">Receives the position of every entry.</param>
    /// <param name="moved">Receives the value of every entry.</param>
    public static void Scatter(
        ReadOnlySpan<long> starts,
        ReadOnlySpan<int> genes,
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> cells,
        int position,
        Span<long> places,
        Span<int> positions,
        Span<float> moved
    )
    {
        foreach (var cell in cells)
        {
            for (var at = (int)starts[cell]; at < (int)starts[cell + 1]; at++)
            {
                if (values[at] == 0)
                    continue;
                var place = (int)places[genes[at]]++;
                positions[place] = position;
                moved[place] = values[at];
            }
            position++;
        }
    }

    /// <summary>How many entries of one gene are kept.</summary>
    /// <param name="cells">Cell of every entry.</param>
    /// <param name="values">Value of every entry.</param>
    /// <param name="positionOf">The position of every cell, or <see cref="None"/>.</param>
    public static int Kept(ReadOnlySpan<int> cells, ReadOnlySpan<float> values, ReadOnlySpan<int> positionOf)
    {
        var kept = 0;
        for (var at = 0; at < cells.Length; at++)
            if (values[at] != 0 && positionOf[cells[at]] != None)
                kept++;
        return kept;
    }

    /// <summary>How many entries of one gene are kept where every cell has a position.</summary>
    /// <param name="values">Value of every entry.</param>
    public static int Kept(ReadOnlySpan<float> values)
    {
        var (zeros, at) = (0, 0);
        for (; at <= values.Length - Vector512<float>.Count; at += Vector512<float>.Count)
        {
            var isZero = Vector512.Equals(Vector512.Create(values[at..]), Vector512<float>.Zero);
            zeros += BitOperations.PopCount(isZero.ExtractMostSignificantBits());
        }
        for (; at < values.Length; at++)
            zeros += values[at] == 0 ? 1 : 0;
        return values.Length - zeros;
    }

    /// <summary>Sorts one gene's entries by position.</summary>
    /// <param name="cells">Cell of every entry, increasing.</param>
    /// <param name="values">Value of every entry.</param>
    /// <param name="positionOf">The position of every cell, or <see cref="None"/>; increasing within a group.</param>
    /// <param name="groupOf">The group of every cell that has a position.</param>
    /// <param name="places">Scratch; one more than there are groups.</param>
    /// <param name="laid">Scratch; one per position, all 0 before and after.</param>
    /// <param name="positions">Receives the positions, as many as are kept.</param>
    /// <param name="moved">Receives the values.</param>
    public static void Sort(
        ReadOnlySpan<int> cells,
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> positionOf,
        ReadOnlySpan<int> groupOf,
        Span<int> places,
        Span<float> laid,
        Span<int> positions,
        Span<float> moved
    )
    {
        if (cells.Length < laid.Length / PositionsPerEntry)
            SortByCounting(cells, values, positionOf, groupOf, places, positions, moved);
        else
        {
            LayOut(cells, values, positionOf, laid);
            PickUp(laid, positions, moved);
        }
    }

    static void LayOut(
        ReadOnlySpan<int> cells,
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> positionOf,
        Span<float> laid
    )
    {
        values = values[..cells.Length];
        for (var at = 0; at < cells.Length; at++)
        {
            // No position is −1, which as an unsigned number is beyond all.
            var position = positionOf[cells[at]];
            if ((uint)position < (uint)laid.Length)
                laid[position] = values[at];
        }
    }

    // Takes the values that are not 0 with their positions, and leaves 0.
    static void PickUp(Span<float> laid, Span<int> positions, Span<float> moved)
    {
        var (at, found) = (0, 0);
        for (; at <= laid.Length - Vector512<float>.Count && found <= moved.Length - Vector512<float>.Count; )
        {
            var values = Vector512.Create<float>(laid[at..]);
            var isZero = Vector512.Equals(values, Vector512<float>.Zero);
            var mask = ~(uint)isZero.ExtractMostSignificantBits() & 0xFFFF;
            if (Avx512F.IsSupported)
                Compress(at, values, isZero, positions[found..], moved[found..]);
            else
                PickUp(at, mask, laid, positions[found..], moved[found..]);
            Vector512<float>.Zero.CopyTo(laid[at..]);
            found += BitOperations.PopCount(mask);
            at += Vector512<float>.Count;
        }
        for (; at < laid.Length; at++)
            if (laid[at] != 0)
            {
                (positions[found], moved[found++]) = (at, laid[at]);
                laid[at] = 0;
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Compress(
        int at,
        Vector512<float> values,
        Vector512<float> isZero,
        Span<int> positions,
        Span<float> moved
    )
    {
        var numbers = Vector512.Create(at) + Vector512<int>.Indices;
        Avx512F.Compress(Vector512<int>.Zero, ~isZero.AsInt32(), numbers).CopyTo(positions);
        Avx512F.Compress(Vector512<float>.Zero, ~isZero, values).CopyTo(moved);
    }

    static void PickUp(int at, uint mask, ReadOnlySpan<float> laid, Span<int> positions, Span<float> moved)
    {
        for (var found = 0; mask != 0; found++, mask &= mask - 1)
        {
            var place = at + BitOperations.TrailingZeroCount(mask);
            (positions[found], moved[found]) = (place, laid[place]);
        }
    }

    static void SortByCounting(
        ReadOnlySpan<int> cells,
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> positionOf,
        ReadOnlySpan<int> groupOf,
        Span<int> places,
        Span<int> positions,
        Span<float> moved
    )
    {
        // Cells increase, so that what is looked up by cell is read from front to back; by position it would not be.
        places.Clear();
        for (var at = 0; at < cells.Length; at++)
            if (values[at] != 0 && positionOf[cells[at]] != None)
                places[groupOf[cells[at]] + 1]++;
        for (var group = 1; group < places.Length; group++)
            places[group] += places[group - 1];
        for (var at = 0; at < cells.Length; at++)
            if (values[at] != 0 && positionOf[cells[at]] is var position && position != None)
            {
                var place = places[groupOf[cells[at]]]++;
                positions[place] = position;
                moved[place] = values[at];
            }
    }

    /// <summary>Where each group begins among one gene's entries.</summary>
    /// <param name="positions">Position of every entry, increasing.</param>
    /// <param name="groupStarts">The first position of each group, and the number of positions after the last.</param>
    /// <param name="bounds">Receives, for each group, the first of its entries, and their number after the last group; as
    /// long as <paramref name="groupStarts"/>.</param>
    public static void Bounds(ReadOnlySpan<int> positions, ReadOnlySpan<int> groupStarts, Span<int> bounds)
    {
        var at = 0;
        for (var group = 0; group < groupStarts.Length; group++)
        {
            at = FirstFrom(positions, at, groupStarts[group]);
            bounds[group] = at;
        }
    }

    /// <summary>The first place at or after <paramref name="at"/> of a position that is not below the start.</summary>
    static int FirstFrom(ReadOnlySpan<int> positions, int at, int start)
    {
        var limit = Vector512.Create(start);
        ref var first = ref MemoryMarshal.GetReference(positions);
        for (; at <= positions.Length - Vector512<int>.Count; at += Vector512<int>.Count)
        {
            var reached = Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref first, (nuint)at), limit);
            if (reached != Vector512<int>.Zero)
                return at + BitOperations.TrailingZeroCount(reached.ExtractMostSignificantBits());
        }
        while (at < positions.Length && positions[at] < start)
            at++;
        return at;
    }
}
