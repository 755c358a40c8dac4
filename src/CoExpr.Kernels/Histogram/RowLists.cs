using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>The cells of some genes at each of their levels, cut at blocks of cells and into lists of at most 248, as
/// offsets of rows of <see cref="TilePlanes"/>.</summary>
sealed class RowLists
{
    int[] offsets = [];
    int[] ends = [];
    bool[] last = [];
    int used;

    /// <summary>Offsets of all lists.</summary>
    internal int[] Offsets => offsets;

    internal int Lists { get; private set; }

    /// <summary>Where a list's offsets begin, and how many they are.</summary>
    internal (int Start, int Length) List(int list)
    {
        var start = list == 0 ? 0 : ends[list - 1];
        return (start, ends[list] - start);
    }

    /// <summary>Whether no other list of the same level and block follows.</summary>
    internal bool IsLast(int list) => last[list];

    internal void Clear() => (used, Lists) = (0, 0);

    /// <summary>Adds the lists of one level and one block of cells, at least one, filled up with rows of zeros.</summary>
    /// <param name="cells">The cells, in increasing order, of this block.</param>
    /// <param name="blockStart">First cell of the block.</param>
    /// <param name="zeroRow">Offset of the row of zeros.</param>
    internal void Add(ReadOnlySpan<int> cells, int blockStart, int zeroRow)
    {
        do
        {
            var taken = Math.Min(cells.Length, PositionalPopcount.MostRows);
            AddList(cells[..taken], blockStart, zeroRow);
            cells = cells[taken..];
            last[Lists - 1] = cells.Length == 0;
        } while (cells.Length > 0);
    }

    void AddList(ReadOnlySpan<int> cells, int blockStart, int zeroRow)
    {
        var padded =
            (cells.Length + PositionalPopcount.Group - 1) / PositionalPopcount.Group * PositionalPopcount.Group;
        if (used + padded > offsets.Length)
            Array.Resize(ref offsets, Math.Max(2 * offsets.Length, used + padded));
        var target = offsets.AsSpan(used, padded);
        ToOffsets(cells, blockStart, target);
        target[cells.Length..].Fill(zeroRow);
        used += padded;
        if (Lists == ends.Length)
            (ends, last) = (Grown(ends), Grown(last));
        ends[Lists++] = used;
    }

    static void ToOffsets(ReadOnlySpan<int> cells, int blockStart, Span<int> target)
    {
        var i = 0;
        for (; i <= cells.Length - Vector512<int>.Count; i += Vector512<int>.Count)
            ((Vector512.Create(cells[i..]) - Vector512.Create(blockStart)) * PositionalPopcount.RowBytes).CopyTo(
                target[i..]
            );
        for (; i < cells.Length; i++)
            target[i] = (cells[i] - blockStart) * PositionalPopcount.RowBytes;
    }

    static T[] Grown<T>(T[] items)
    {
        Array.Resize(ref items, Math.Max(2 * items.Length, 64));
        return items;
    }
}
