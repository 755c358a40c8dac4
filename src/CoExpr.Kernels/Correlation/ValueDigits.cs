using System;
using System.Numerics;

namespace CoExpr.Kernels;

/// <summary>How many binary digits the values of genes have, where all are counts.</summary>
sealed class ValueDigits
{
    readonly int[] most;
    readonly long[] ones;

    ValueDigits(GeneValues values)
    {
        Values = values;
        (most, ones) = (new int[values.Genes], new long[values.Genes]);
        for (var gene = 0; gene < values.Genes; gene++)
            foreach (var value in values.Values.AsSpan((int)values.Starts[gene], values.Length(gene)))
            {
                most[gene] = Math.Max(most[gene], BitOperations.Log2((uint)value) + (value >= 1 ? 1 : 0));
                ones[gene] += BitOperations.PopCount((uint)value);
            }
    }

    /// <summary>Of these values; null unless all are whole numbers from 0 to 65,535.</summary>
    internal static ValueDigits? Of(GeneValues values) =>
        values.Whole && Array.TrueForAll(values.Values, value => value is >= 0 and <= ushort.MaxValue)
            ? new ValueDigits(values)
            : null;

    internal GeneValues Values { get; }

    /// <summary>Digits of the gene's largest value.</summary>
    internal int Most(int gene) => most[gene];

    /// <summary>Digits of the largest value of some genes.</summary>
    internal int Most(int first, int end)
    {
        var largest = 0;
        for (var gene = first; gene < end; gene++)
            largest = Math.Max(largest, most[gene]);
        return largest;
    }

    /// <summary>Digits that are 1, of all values of the gene.</summary>
    internal long Ones(int gene) => ones[gene];

    /// <summary>The largest root of a sum of squares of some genes.</summary>
    internal double LargestNorm(int first, int end)
    {
        var largest = 0.0;
        for (var gene = first; gene < end; gene++)
            largest = Math.Max(largest, Values.Norms[gene]);
        return largest;
    }
}
