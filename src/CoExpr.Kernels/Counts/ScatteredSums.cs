using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Sums of the stored values of one line of a compressed matrix.</summary>
public static class ScatteredSums
{
    /// <summary>Adds to each sum, in the order of the entries, its value times the weight.</summary>
    /// <param name="indices">Increasing.</param>
    /// <param name="values">As many.</param>
    /// <param name="weight">Of all of them.</param>
    /// <param name="sums">One per index.</param>
    /// <exception cref="ArgumentException">An index is outside of the sums, or the lengths differ.</exception>
    public static void Add(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, double weight, Span<double> sums)
    {
        if (indices.Length != values.Length)
            throw new ArgumentException($"{indices.Length} indices and {values.Length} values", nameof(values));
        for (var at = 0; at < indices.Length; at++)
            sums[indices[at]] += weight * values[at];
    }

    /// <summary>Σ of whole numbers, exact below 2^53.</summary>
    public static double OfWhole(ReadOnlySpan<float> values)
    {
        var (sum, at) = (Vector512<double>.Zero, 0);
        for (; at <= values.Length - Lanes8.Width; at += Lanes8.Width)
        {
            var eight = Vector256.Create(values[at..]);
            sum += Vector512.Create(Vector256.WidenLower(eight), Vector256.WidenUpper(eight));
        }
        var total = Lanes8.Sum(sum);
        for (; at < values.Length; at++)
            total += values[at];
        return total;
    }
}
