using System;
using System.Numerics;

namespace CoExpr.Kernels;

/// <summary>Rank sums of whole numbers by tables over their values.</summary>
sealed class CountRanks
{
    // Tables of so many values per stored value cost no more than sorting would.
    const int ValuesPerEntry = 2;
    const int FewValues = 4096;
    const int MostValues = 1 << 20;

    // Cells of the reference with each value; what a cell of each value adds to twice U or to twice the rank sum; cells
    // of the group at hand with each value, all 0 between groups.
    int[] reference = [];
    long[] adds = [];
    int[] own = [];

    /// <summary>Whether tables are worth their while, and the highest value.</summary>
    internal static bool Suits(ReadOnlySpan<float> values, out int highest)
    {
        var most = 0f;
        foreach (var value in values)
            most = value > most ? value : most;
        highest = most < MostValues ? (int)most : MostValues;
        return highest < Math.Min(MostValues, FewValues + (long)ValuesPerEntry * values.Length);
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
            (reference, adds, own) = (new int[2 * values], new long[2 * values], new int[2 * values]);
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
        for (var group = 0; group < gene.Groups; group++)
        {
            var values = gene.Of(group);
            if (group == gene.Control)
            {
                (twiceU[group], ties[group]) = (0, double.CreateTruncating(ofControl));
                continue;
            }
            own[0] = gene.Sizes[group] - values.Length;
            twiceU[group] = own[0] * adds[0] + Sum(values, true);
            ties[group] = double.CreateTruncating(ofControl + OwnTies<T>(values));
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
            twiceU[group] = (size - values.Length) * adds[0] + Sum(values, false) - size * (size + 1);
        }
    }

    long Sum(ReadOnlySpan<float> values, bool count)
    {
        var sum = 0L;
        if (count)
            foreach (var value in values)
            {
                sum += adds[(int)value];
                own[(int)value]++;
            }
        else
            foreach (var value in values)
                sum += adds[(int)value];
        return sum;
    }

    /// <summary>What the group adds to the control's sum over ties. Its counts are 0 again afterwards.</summary>
    T OwnTies<T>(ReadOnlySpan<float> values)
        where T : struct, IBinaryInteger<T>
    {
        var ties = Ties.Added<T>(reference[0], own[0]);
        own[0] = 0;
        foreach (var value in values)
            if (own[(int)value] is var tied && tied > 0)
            {
                ties += Ties.Added<T>(reference[(int)value], tied);
                own[(int)value] = 0;
            }
        return ties;
    }
}
