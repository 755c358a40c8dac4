using System;
using System.Numerics;

namespace CoExpr.Kernels;

/// <summary>Rank sums of one gene in every group of cells at once. One worker serves one thread.</summary>
public sealed class RankSums
{
    // U of a group is the number of pairs of one of its cells and one of the reference's in which its own is higher, ties
    // counting a half (Mann and Whitney 1947). All groups have the same reference, so that one look at a gene's values
    // serves them all: what matters of a cell is how many reference cells lie below its value, and how many are equal.
    // Twice U is a whole number, and so is the sum over tied values of t^3 - t, t cells sharing one: both are kept exactly.
    //
    // Small whole numbers need no sorting. The reference's cells of each value are counted, a running sum gives the number
    // below each value, and every other cell then looks up what its value adds (CountRanks). Other values are sorted once,
    // the 0s aside, and swept from the lowest up (SortedRanks); the 0s, which are not stored, come in one block between the
    // negative values and the positive ones.
    //
    // t^3 passes 2^63 at 2,097,152 cells. From there on the sums are kept in 128 bits.

    /// <summary>The control of a comparison with all other cells.</summary>
    public const int Rest = -1;

    const int MostCellsIn64Bits = 2_097_151;

    readonly CountRanks counts = new();
    readonly SortedRanks sorted = new();

    /// <param name="groups">Number of groups.</param>
    public RankSums(int groups)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(groups);
        TwiceU = new long[groups];
        Ties = new double[groups];
    }

    /// <summary>Twice U of each group against its reference; 0 for the control itself.</summary>
    public long[] TwiceU { get; }

    /// <summary>For each group the sum of t^3 - t over the values of its cells and of its reference's, t cells having a
    /// value: summed exactly, then rounded once.</summary>
    public double[] Ties { get; }

    /// <summary>Ranks one gene.</summary>
    /// <param name="values">Its stored values, group by group. What is not stored is 0, and so may be what is.</param>
    /// <param name="bounds">Where each group begins among the values, and their number after the last.</param>
    /// <param name="sizes">The number of cells of each group.</param>
    /// <param name="control">The group that the others are compared with, or <see cref="Rest"/>: each with all others.</param>
    /// <param name="whole">Whether the values are whole numbers from 0 up.</param>
    /// <exception cref="ArgumentException">A length does not fit the number of groups, or the control is none of them.</exception>
    public void Rank(
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> bounds,
        ReadOnlySpan<int> sizes,
        int control,
        bool whole
    )
    {
        if (sizes.Length != TwiceU.Length || bounds.Length != TwiceU.Length + 1)
            throw new ArgumentException(
                $"{sizes.Length} sizes and {bounds.Length} bounds for {TwiceU.Length} groups",
                nameof(sizes)
            );
        if (control < Rest || control >= sizes.Length)
            throw new ArgumentException($"control {control} is none of {sizes.Length} groups", nameof(control));

        var gene = new RankedGene(values, bounds, sizes, control);
        if (Cells(sizes) <= MostCellsIn64Bits)
            Rank<long>(gene, whole);
        else
            Rank<Int128>(gene, whole);
    }

    static long Cells(ReadOnlySpan<int> sizes)
    {
        var cells = 0L;
        foreach (var size in sizes)
            cells += size;
        return cells;
    }

    void Rank<T>(RankedGene gene, bool whole)
        where T : struct, IBinaryInteger<T>
    {
        if (whole && CountRanks.Suits(gene.Values, out var highest))
            counts.Rank<T>(gene, highest, TwiceU, Ties);
        else
            sorted.Rank<T>(gene, TwiceU, Ties);
    }
}

/// <summary>What <see cref="RankSums"/> knows of a gene.</summary>
readonly ref struct RankedGene(
    ReadOnlySpan<float> values,
    ReadOnlySpan<int> bounds,
    ReadOnlySpan<int> sizes,
    int control
)
{
    internal readonly ReadOnlySpan<float> Values = values;
    internal readonly ReadOnlySpan<int> Sizes = sizes;
    internal readonly int Control = control;
    readonly ReadOnlySpan<int> bounds = bounds;

    internal int Groups => Sizes.Length;

    internal ReadOnlySpan<float> Of(int group) => Values[bounds[group]..bounds[group + 1]];
}

/// <summary>Sums over tied values.</summary>
static class Ties
{
    /// <summary>t^3 - t.</summary>
    internal static T Of<T>(long tied)
        where T : struct, IBinaryInteger<T>
    {
        var t = T.CreateTruncating(tied);
        return t * t * t - t;
    }

    /// <summary>What t^3 - t grows by when <paramref name="more"/> cells come to <paramref name="tied"/>.</summary>
    internal static T Added<T>(long tied, long more)
        where T : struct, IBinaryInteger<T>
    {
        var (t, s) = (T.CreateTruncating(tied), T.CreateTruncating(more));
        return s * (T.CreateTruncating(3) * t * (t + s) + s * s - T.One);
    }
}
