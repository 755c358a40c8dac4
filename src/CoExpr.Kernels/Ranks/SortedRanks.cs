using System;
using System.Numerics;

namespace CoExpr.Kernels;

/// <summary>Rank sums of any values by sorting those that are not 0 once for all groups.</summary>
sealed class SortedRanks
{
    ulong[] keys = [];
    ulong[] other = [];
    readonly int[] counts = new int[SortedKeys.CountsLength];

    // Cells with 0 of each group, and of the reference; with all others as reference, of all groups.
    int[] zeros = [];
    long referenceZeros;

    internal void Rank<T>(in RankedGene gene, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        var count = Collect(gene);
        var sorted = SortedKeys.Sort(keys, other, count, counts).AsSpan(0, count);
        twiceU.Clear();
        if (gene.Control == RankSums.Rest)
            AgainstRest<T>(gene, sorted, twiceU, ties);
        else
            AgainstControl<T>(gene, sorted, twiceU, ties);
    }

    /// <summary>Makes the keys of the values that are not 0, and counts the 0s; gives the number of keys.</summary>
    int Collect(in RankedGene gene)
    {
        if (keys.Length < gene.Values.Length)
            (keys, other) = (new ulong[2 * gene.Values.Length], new ulong[2 * gene.Values.Length]);
        if (zeros.Length < gene.Groups)
            zeros = new int[gene.Groups];
        var (count, all) = (0, 0L);
        for (var group = 0; group < gene.Groups; group++)
        {
            var before = count;
            foreach (var value in gene.Of(group))
            {
                keys[count] = SortedKeys.Of(value, group);
                count += value != 0 ? 1 : 0;
            }
            zeros[group] = gene.Sizes[group] - (count - before);
            all += zeros[group];
        }
        referenceZeros = gene.Control == RankSums.Rest ? all : zeros[gene.Control];
        return count;
    }

    static int EndOfBlock(ReadOnlySpan<ulong> sorted, int start)
    {
        var (end, value) = (start + 1, SortedKeys.ValueOf(sorted[start]));
        while (end < sorted.Length && SortedKeys.ValueOf(sorted[end]) == value)
            end++;
        return end;
    }

    static bool IsAboveZero(ulong key) => SortedKeys.ValueOf(key) > SortedKeys.Zero;

    void AgainstControl<T>(in RankedGene gene, ReadOnlySpan<ulong> sorted, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        var (below, ofControl, at) = (0L, Ties.Of<T>(referenceZeros), 0);
        var own = new Sums<T>(gene.Groups);
        while (at < sorted.Length && !IsAboveZero(sorted[at]))
            at = Block(sorted, at, gene.Control, twiceU, own, ref below, ref ofControl);
        for (var group = 0; group < gene.Groups; group++)
        {
            twiceU[group] += zeros[group] * (2 * below + referenceZeros);
            own.Values[group] += Ties.Added<T>(referenceZeros, zeros[group]);
        }
        below += referenceZeros;
        while (at < sorted.Length)
            at = Block(sorted, at, gene.Control, twiceU, own, ref below, ref ofControl);

        (twiceU[gene.Control], own.Values[gene.Control]) = (0, T.Zero);
        for (var group = 0; group < gene.Groups; group++)
            ties[group] = double.CreateTruncating(ofControl + own.Values[group]);
    }

    /// <summary>Takes in the cells that share the next value; gives the place after them.</summary>
    static int Block<T>(
        ReadOnlySpan<ulong> sorted,
        int start,
        int control,
        Span<long> twiceU,
        Sums<T> own,
        ref long below,
        ref T ofControl
    )
        where T : struct, IBinaryInteger<T>
    {
        var end = EndOfBlock(sorted, start);
        if (end == start + 1)
        {
            var group = SortedKeys.GroupOf(sorted[start]);
            if (group == control)
                below++;
            else
                twiceU[group] += 2 * below;
            return end;
        }
        var tied = 0L;
        foreach (var key in sorted[start..end])
            tied += SortedKeys.GroupOf(key) == control ? 1 : 0;
        Runs(sorted[start..end], control, tied, 2 * below + tied, twiceU, own);
        below += tied;
        ofControl += Ties.Of<T>(tied);
        return end;
    }

    /// <summary>Takes in a block of ties, which stands by group.</summary>
    static void Runs<T>(ReadOnlySpan<ulong> block, int control, long tied, long adds, Span<long> twiceU, Sums<T> own)
        where T : struct, IBinaryInteger<T>
    {
        for (var at = 0; at < block.Length; )
        {
            var (start, group) = (at, SortedKeys.GroupOf(block[at]));
            while (at < block.Length && SortedKeys.GroupOf(block[at]) == group)
                at++;
            if (group == control)
                continue;
            twiceU[group] += (at - start) * adds;
            own.Values[group] += Ties.Added<T>(tied, at - start);
        }
    }

    void AgainstRest<T>(in RankedGene gene, ReadOnlySpan<ulong> sorted, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        var (below, all, at) = (0L, Ties.Of<T>(referenceZeros), 0);
        while (at < sorted.Length && !IsAboveZero(sorted[at]))
            at = Block(sorted, at, twiceU, ref below, ref all);
        for (var group = 0; group < gene.Groups; group++)
            twiceU[group] += zeros[group] * (2 * below + referenceZeros + 1);
        below += referenceZeros;
        while (at < sorted.Length)
            at = Block(sorted, at, twiceU, ref below, ref all);

        ties.Fill(double.CreateTruncating(all));
        for (var group = 0; group < gene.Groups; group++)
            twiceU[group] -= gene.Sizes[group] * (gene.Sizes[group] + 1L);
    }

    static int Block<T>(ReadOnlySpan<ulong> sorted, int start, Span<long> twiceRanks, ref long below, ref T all)
        where T : struct, IBinaryInteger<T>
    {
        var end = EndOfBlock(sorted, start);
        var tied = end - start;
        foreach (var key in sorted[start..end])
            twiceRanks[SortedKeys.GroupOf(key)] += 2 * below + tied + 1;
        below += tied;
        all += Ties.Of<T>(tied);
        return end;
    }

    /// <summary>A sum over ties for each group.</summary>
    readonly struct Sums<T>(int groups)
    {
        internal readonly T[] Values = new T[groups];
    }
}
