using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Sums of one gene's values, group by group. Every sum is taken in one order,
/// whatever the processor: that of eight cells side by side, or that of the cells.</summary>
public static class GroupMoments
{
    static readonly int Lanes = Vector256<float>.Count;

    /// <summary>log(1 + scale x count), natural, rounded to single precision.</summary>
    /// <param name="positions">Position of every stored count.</param>
    /// <param name="counts">The counts.</param>
    /// <param name="scales">Of each position what its counts are multiplied by.</param>
    /// <param name="logarithms">Receives the values; as long as the counts.</param>
    public static void Logarithms(
        ReadOnlySpan<int> positions,
        ReadOnlySpan<float> counts,
        ReadOnlySpan<double> scales,
        Span<float> logarithms
    )
    {
        // Lanes8's logarithm: the library's takes three times as long.
        Span<double> values = stackalloc double[Lanes8.Width];
        var most = Vector512.Create(double.MaxValue);
        for (var start = 0; start < counts.Length; start += Lanes8.Width)
        {
            var count = Math.Min(Lanes8.Width, counts.Length - start);
            values.Fill(1);
            for (var at = 0; at < count; at++)
                values[at] = 1 + counts[start + at] * scales[positions[start + at]];
            var x = Vector512.Create<double>(values);
            if (Vector512.GreaterThanAll(x, Vector512<double>.Zero) && Vector512.LessThanOrEqualAll(x, most))
                Lanes8.Log(x).CopyTo(values);
            else
                for (var at = 0; at < count; at++)
                    values[at] = Math.Log(values[at]);
            for (var at = 0; at < count; at++)
                logarithms[start + at] = (float)values[at];
        }
    }

    /// <summary>Of each group the sum of its values.</summary>
    /// <param name="values">Stored values, group by group.</param>
    /// <param name="bounds">Where each group begins among them, and their number after the last.</param>
    /// <param name="sums">Receives the sums.</param>
    public static void Sums(ReadOnlySpan<float> values, ReadOnlySpan<int> bounds, Span<double> sums)
    {
        for (var group = 0; group < sums.Length; group++)
            sums[group] = Sum(values[bounds[group]..bounds[group + 1]]);
    }

    /// <summary>Of each group the sum of exp(value) - 1.</summary>
    /// <inheritdoc cref="Sums"/>
    public static void LinearSums(ReadOnlySpan<float> values, ReadOnlySpan<int> bounds, Span<double> sums)
    {
        for (var group = 0; group < sums.Length; group++)
        {
            var sum = 0.0;
            foreach (var value in values[bounds[group]..bounds[group + 1]])
                sum += Math.Exp(value) - 1;
            sums[group] = sum;
        }
    }

    /// <summary>Of each group the sum of scale x count.</summary>
    /// <param name="positions">Position of every stored count.</param>
    /// <param name="counts">The counts, group by group.</param>
    /// <param name="scales">Of each position what its counts are multiplied by.</param>
    /// <param name="bounds">Where each group begins among the counts, and their number after the last.</param>
    /// <param name="sums">Receives the sums.</param>
    public static void ScaledSums(
        ReadOnlySpan<int> positions,
        ReadOnlySpan<float> counts,
        ReadOnlySpan<double> scales,
        ReadOnlySpan<int> bounds,
        Span<double> sums
    )
    {
        for (var group = 0; group < sums.Length; group++)
        {
            var sum = 0.0;
            for (var at = bounds[group]; at < bounds[group + 1]; at++)
                sum += counts[at] * scales[positions[at]];
            sums[group] = sum;
        }
    }

    /// <summary>Of each group the sum of squared distances of its cells from their mean, the cells without a value having
    /// 0. In two passes: what a difference of sums would lose, where the mean is far from 0, stays.</summary>
    /// <param name="values">Stored values, group by group.</param>
    /// <param name="bounds">Where each group begins among them, and their number after the last.</param>
    /// <param name="sizes">The number of cells of each group.</param>
    /// <param name="means">Receives the mean of each group's cells; 0 for one without cells.</param>
    /// <param name="squares">Receives the sums of squares.</param>
    public static void Squares(
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> bounds,
        ReadOnlySpan<int> sizes,
        Span<double> means,
        Span<double> squares
    )
    {
        for (var group = 0; group < sizes.Length; group++)
        {
            var own = values[bounds[group]..bounds[group + 1]];
            var mean = sizes[group] > 0 ? Sum(own) / sizes[group] : 0;
            means[group] = mean;
            squares[group] = Distances(own, mean) + (sizes[group] - own.Length) * mean * mean;
        }
    }

    static double Sum(ReadOnlySpan<float> values)
    {
        var (low, high, at) = (Vector256<double>.Zero, Vector256<double>.Zero, 0);
        for (; at <= values.Length - Lanes; at += Lanes)
        {
            var (first, second) = Vector256.Widen(Vector256.Create(values[at..]));
            low += first;
            high += second;
        }
        var sum = Across(low + high);
        for (; at < values.Length; at++)
            sum += values[at];
        return sum;
    }

    static double Distances(ReadOnlySpan<float> values, double mean)
    {
        var centre = Vector256.Create(mean);
        var (low, high, at) = (Vector256<double>.Zero, Vector256<double>.Zero, 0);
        for (; at <= values.Length - Lanes; at += Lanes)
        {
            var (first, second) = Vector256.Widen(Vector256.Create(values[at..]));
            (first, second) = (first - centre, second - centre);
            low += first * first;
            high += second * second;
        }
        var sum = Across(low + high);
        for (; at < values.Length; at++)
            sum += (values[at] - mean) * (values[at] - mean);
        return sum;
    }

    // Not Vector256.Sum, whose order is its own affair.
    static double Across(Vector256<double> sums) => sums[0] + sums[1] + (sums[2] + sums[3]);
}
