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

    Value[] table = [];

    struct Value
    {
        // What a cell of this value adds to twice U or to twice the rank sum.
        internal long Adds;

        // Cells of the reference with it.
        internal int Reference;

        // The same and the cells of the group at hand; the reference's alone between groups.
        internal int Tied;
    }

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
        if (table.Length < values)
            table = new Value[2 * values];
        table.AsSpan(0, values).Clear();
    }

    void CountReference(in RankedGene gene, int group)
    {
        var values = gene.Of(group);
        foreach (var value in values)
            table[(int)value].Reference++;
        table[0].Reference += gene.Sizes[group] - values.Length;
    }

    /// <summary>Makes the table of what each value adds: twice the reference's cells below it, once those equal to it, and
    /// <paramref name="constant"/>. Gives the reference's own sum over ties.</summary>
    T Accumulate<T>(int highest, int constant)
        where T : struct, IBinaryInteger<T>
    {
        var (below, ties) = (0L, T.Zero);
        foreach (ref var value in table.AsSpan(0, highest + 1))
        {
            value.Adds = 2 * below + value.Reference + constant;
            value.Tied = value.Reference;
            below += value.Reference;
            ties += Ties.Of<T>(value.Reference);
        }
        return ties;
    }

    void AgainstControl<T>(in RankedGene gene, int highest, Span<long> twiceU, Span<double> ties)
        where T : struct, IBinaryInteger<T>
    {
        CountReference(gene, gene.Control);
        var ofControl = Accumulate<T>(highest, 0);
        var zero = table[0];
        for (var group = 0; group < gene.Groups; group++)
        {
            if (group == gene.Control)
            {
                (twiceU[group], ties[group]) = (0, double.CreateTruncating(ofControl));
                continue;
            }
            var values = gene.Of(group);
            long zeros = gene.Sizes[group] - values.Length;
            table[0].Tied += (int)zeros;
            var (sum, grown) = Join<T>(values);
            table[0].Tied = zero.Reference;
            twiceU[group] = zeros * zero.Adds + sum;
            ties[group] = double.CreateTruncating(ofControl + Ties.Added<T>(zero.Reference, zeros) + grown);
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
            twiceU[group] = (size - values.Length) * table[0].Adds + Sum(values) - size * (size + 1);
        }
    }

    long Sum(ReadOnlySpan<float> values)
    {
        var sum = 0L;
        foreach (var value in values)
            sum += table[(int)value].Adds;
        return sum;
    }

    /// <summary>What a group's stored values add to twice U, and to the sum over ties. Of these values the ties are the
    /// reference's again afterwards.</summary>
    // A cell that comes to t others of its value adds (t + 1)³ − (t + 1) − (t³ − t) = 3 t (t + 1): no branch asks which values
    // have been seen.
    (long Sum, T Ties) Join<T>(ReadOnlySpan<float> values)
        where T : struct, IBinaryInteger<T>
    {
        var (sum, grown, all) = (0L, T.Zero, table);
        foreach (var value in values)
        {
            ref var own = ref all[(int)value];
            var t = own.Tied;
            own.Tied = t + 1;
            sum += own.Adds;
            grown += T.CreateTruncating(t * (t + 1L));
        }
        foreach (var value in values)
        {
            ref var own = ref all[(int)value];
            own.Tied = own.Reference;
        }
        return (sum, T.CreateTruncating(3) * grown);
    }
}
