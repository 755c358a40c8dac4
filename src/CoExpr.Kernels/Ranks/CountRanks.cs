using System;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Rank sums of whole numbers by tables over their values.</summary>
sealed class CountRanks
{
    // Tables of so many values per stored value cost no more than sorting would.
    const int ValuesPerEntry = 2;
    const int FewValues = 4096;
    const int MostValues = 1 << 20;

    // Cells of the reference with each value; what a cell of each value adds to twice U or to twice the rank sum; cells of
    // the reference and of the group at hand with each value, the reference's alone between groups.
    int[] reference = [];
    long[] adds = [];
    int[] tied = [];

    /// <summary>Whether tables are worth their while, and the highest value.</summary>
    internal static bool Suits(ReadOnlySpan<float> values, out int highest)
    {
        var most = Highest(values);
        highest = most < MostValues ? (int)most : MostValues;
        return highest < Math.Min(MostValues, FewValues + (long)ValuesPerEntry * values.Length);
    }

    static float Highest(ReadOnlySpan<float> values)
    {
        var (most, at) = (Vector512<float>.Zero, 0);
        for (; at <= values.Length - Vector512<float>.Count; at += Vector512<float>.Count)
            most = Vector512.Max(most, Vector512.Create(values[at..]));
        var highest = 0f;
        for (var lane = 0; lane < Vector512<float>.Count; lane++)
            highest = Math.Max(highest, most[lane]);
        foreach (var value in values[at..])
            highest = Math.Max(highest, value);
        return highest;
    }

    internal void Rank<T>(in RankedGene gene, int highest, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        Reserve(highest + 1);
        if (gene.Control == RankSums.Rest)
            AgainstRest<T>(gene, highest, twiceU, ties);
        else
            AgainstControl<T>(gene, highest, twiceU, ties);
    }

    void Reserve(int values)
    {
        if (reference.Length < values)
            (reference, adds, tied) = (new int[2 * values], new long[2 * values], new int[2 * values]);
        reference.AsSpan(0, values).Clear();
    }

    void CountReference(in RankedGene gene, int group)
    {
        var values = gene.Of(group);
        foreach (var value in values)
            reference[(int)value]++;
        reference[0] += gene.Sizes[group] - values.Length;
    }

    /// <summary>Makes the table of what each value adds: twice the reference's cells below it, once those equal to it, and
    /// <paramref name="constant"/>. Gives the reference's own sum over ties.</summary>
    T Accumulate<T>(int highest, int constant)
        where T : struct, IBinaryInteger<T>
    {
        var (below, ties) = (0L, T.Zero);
        for (var value = 0; value <= highest; value++)
        {
            adds[value] = 2 * below + reference[value] + constant;
            below += reference[value];
            ties += Ties.Of<T>(reference[value]);
        }
        return ties;
    }

    void AgainstControl<T>(in RankedGene gene, int highest, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        CountReference(gene, gene.Control);
        var ofControl = Accumulate<T>(highest, 0);
        reference.AsSpan(0, highest + 1).CopyTo(tied);
        for (var group = 0; group < gene.Groups; group++)
        {
            var values = gene.Of(group);
            if (group == gene.Control)
            {
                (twiceU[group], ties[group]) = (0, double.CreateTruncating(ofControl));
                continue;
            }
            long zeros = gene.Sizes[group] - values.Length;
            tied[0] += (int)zeros;
            var (sum, grown) = Join<T>(values);
            twiceU[group] = zeros * adds[0] + sum;
            ties[group] = double.CreateTruncating(ofControl + Ties.Added<T>(reference[0], zeros) + grown);
        }
    }

    void AgainstRest<T>(in RankedGene gene, int highest, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        for (var group = 0; group < gene.Groups; group++)
            CountReference(gene, group);
        ties.Fill(double.CreateTruncating(Accumulate<T>(highest, 1)));
        for (var group = 0; group < gene.Groups; group++)
        {
            var values = gene.Of(group);
            long size = gene.Sizes[group];
            // Twice the rank sum, less twice the lowest that it can be.
            twiceU[group] = (size - values.Length) * adds[0] + Sum(values) - size * (size + 1);
        }
    }

    long Sum(ReadOnlySpan<float> values)
    {
        var sum = 0L;
        foreach (var value in values)
            sum += adds[(int)value];
        return sum;
    }

    /// <summary>What a group's stored values add to twice U, and to the sum over ties. The table of ties is the reference's
    /// again afterwards.</summary>
    // A cell that comes to t others of its value adds (t + 1)³ − (t + 1) − (t³ − t) = 3 t (t + 1): no branch asks which values
    // have been seen.
    (long Sum, T Ties) Join<T>(ReadOnlySpan<float> values)
        where T : struct, IBinaryInteger<T>
    {
        var (sum, grown) = (0L, T.Zero);
        foreach (var value in values)
        {
            ref var t = ref tied[(int)value];
            sum += adds[(int)value];
            grown += T.CreateTruncating(t * (t + 1L));
            t++;
        }
        foreach (var value in values)
            tied[(int)value] = reference[(int)value];
        tied[0] = reference[0];
        return (sum, T.CreateTruncating(3) * grown);
    }
}
