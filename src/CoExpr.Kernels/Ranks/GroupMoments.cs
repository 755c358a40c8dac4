using System;

namespace CoExpr.Kernels;

/// <summary>Sums of one gene's values, group by group. Every sum is taken in one order, four cells side by side.</summary>
public static class GroupMoments
{
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
        for (var at = 0; at < counts.Length; at++)
            logarithms[at] = (float)Math.Log(1 + counts[at] * scales[positions[at]]);
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
        var (a, b, c, d, at) = (0.0, 0.0, 0.0, 0.0, 0);
        for (; at <= values.Length - 4; at += 4)
        {
            a += values[at];
            b += values[at + 1];
            c += values[at + 2];
            d += values[at + 3];
        }
        for (; at < values.Length; at++)
            a += values[at];
        return a + b + (c + d);
    }

    static double Distances(ReadOnlySpan<float> values, double mean)
    {
        var (a, b, c, d, at) = (0.0, 0.0, 0.0, 0.0, 0);
        for (; at <= values.Length - 4; at += 4)
        {
            a += Square(values[at] - mean);
            b += Square(values[at + 1] - mean);
            c += Square(values[at + 2] - mean);
            d += Square(values[at + 3] - mean);
        }
        for (; at < values.Length; at++)
            a += Square(values[at] - mean);
        return a + b + (c + d);
    }

    static double Square(double x) => x * x;
}
