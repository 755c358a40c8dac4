using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Sums of one gene's values, group by group, and what is made of them. Every sum is taken in one order,
/// whatever the processor: that of eight cells side by side, or that of the cells.</summary>
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
        // Lanes8's logarithm: the library's takes three times as long.
        Span<double> values = stackalloc double[Lanes8.Width];
        for (var start = 0; start < counts.Length; start += Lanes8.Width)
        {
            var count = Math.Min(Lanes8.Width, counts.Length - start);
            values.Fill(1);
            for (var at = 0; at < count; at++)
                values[at] = 1 + counts[start + at] * scales[positions[start + at]];
            var x = Vector512.Create<double>(values);
            var isPlain = IsPlain(x);
            Lanes8.Log(Vector512.ConditionalSelect(isPlain, x, Vector512<double>.One)).CopyTo(values);
            if (isPlain.AsInt64() != Vector512<long>.AllBitsSet)
                Replace(x, isPlain, Math.Log, values);
            for (var at = 0; at < count; at++)
                logarithms[start + at] = (float)values[at];
        }
    }

    const double LeastNormal = 2.2250738585072014e-308;

    // What Lanes8 has a logarithm of: what is normal and above 0.
    static Vector512<double> IsPlain(Vector512<double> values) =>
        Vector512.GreaterThanOrEqual(values, Vector512.Create(LeastNormal))
        & Vector512.LessThanOrEqual(values, Vector512.Create(double.MaxValue));

    // Lane by lane, so that no value depends on what stands beside it.
    static void Replace(
        Vector512<double> values,
        Vector512<double> isPlain,
        Func<double, double> logarithm,
        Span<double> target
    )
    {
        for (var lane = 0; lane < Math.Min(Lanes8.Width, target.Length); lane++)
            if (isPlain.AsInt64()[lane] == 0)
                target[lane] = logarithm(values[lane]);
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
    /// 0. A pass of its own after that of the sums: what a difference of sums would lose, where the mean is far from 0,
    /// stays.</summary>
    /// <param name="values">Stored values, group by group.</param>
    /// <param name="bounds">Where each group begins among them, and their number after the last.</param>
    /// <param name="sizes">The number of cells of each group.</param>
    /// <param name="sums">The sums of the values.</param>
    /// <param name="means">Receives the mean of each group's cells; 0 for one without cells.</param>
    /// <param name="squares">Receives the sums of squares.</param>
    public static void Squares(
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> bounds,
        ReadOnlySpan<int> sizes,
        ReadOnlySpan<double> sums,
        Span<double> means,
        Span<double> squares
    )
    {
        for (var group = 0; group < sizes.Length; group++)
        {
            var mean = sizes[group] > 0 ? sums[group] / sizes[group] : 0;
            means[group] = mean;
            var own = values[bounds[group]..bounds[group + 1]];
            squares[group] = Distances(own, mean) + (sizes[group] - own.Length) * mean * mean;
        }
    }

    /// <summary>Of each group a share: of a sum, or a number, among so many cells. NaN without cells.</summary>
    /// <param name="sums">What is divided.</param>
    /// <param name="sizes">The number of cells of each group.</param>
    /// <param name="shares">Receives the quotients.</param>
    public static void Shares(ReadOnlySpan<double> sums, ReadOnlySpan<double> sizes, Span<double> shares)
    {
        for (var at = 0; at < shares.Length; at += Lanes8.Width)
        {
            var cells = Lanes8.LoadBefore(sizes, at);
            var quotient = Lanes8.LoadBefore(sums, at) / cells;
            var missing = Vector512.Equals(cells, Vector512<double>.Zero);
            Lanes8.Store(Vector512.ConditionalSelect(missing, Vector512.Create(double.NaN), quotient), shares, at);
        }
    }

    /// <summary>Values times a number.</summary>
    /// <param name="values">The values.</param>
    /// <param name="factor">The number.</param>
    /// <param name="products">Receives the products.</param>
    public static void Scale(ReadOnlySpan<double> values, double factor, Span<double> products)
    {
        for (var at = 0; at < products.Length; at++)
            products[at] = values[at] * factor;
    }

    /// <summary>log2((a + pseudocount) / (b + pseudocount)).</summary>
    /// <param name="above">a.</param>
    /// <param name="below">b.</param>
    /// <param name="pseudocount">Added to both.</param>
    /// <param name="ratios">Receives the logarithms; NaN of what has none.</param>
    public static void LogRatios(
        ReadOnlySpan<double> above,
        ReadOnlySpan<double> below,
        double pseudocount,
        Span<double> ratios
    )
    {
        var (added, one) = (Vector512.Create(pseudocount), Vector512<double>.One);
        for (var at = 0; at < ratios.Length; at += Lanes8.Width)
        {
            var ratio = (Lanes8.LoadBefore(above, at) + added) / (Lanes8.LoadBefore(below, at) + added);
            var isPlain = IsPlain(ratio);
            Lanes8.Store(Lanes8.Log2(Vector512.ConditionalSelect(isPlain, ratio, one)), ratios, at);
            if (isPlain.AsInt64() != Vector512<long>.AllBitsSet)
                Replace(ratio, isPlain, Math.Log2, ratios[at..]);
        }
    }

    static double Sum(ReadOnlySpan<float> values)
    {
        var (sum, at) = (Vector512<double>.Zero, 0);
        for (; at <= values.Length - Lanes8.Width; at += Lanes8.Width)
            sum += Eight(values, at);
        if (at < values.Length)
            sum += Last(values[at..]);
        return Across(sum);
    }

    static double Distances(ReadOnlySpan<float> values, double mean)
    {
        var (centre, sum, at) = (Vector512.Create(mean), Vector512<double>.Zero, 0);
        for (; at <= values.Length - Lanes8.Width; at += Lanes8.Width)
        {
            var distance = Eight(values, at) - centre;
            sum += distance * distance;
        }
        if (at < values.Length)
        {
            var distance = (Last(values[at..]) - centre) & Lanes8.Before(at, values.Length);
            sum += distance * distance;
        }
        return Across(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<double> Eight(ReadOnlySpan<float> values, int at) =>
        Doubles(Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(values), (nuint)(uint)at));

    // Values after the last are 0.
    static Vector512<double> Last(ReadOnlySpan<float> values)
    {
        Span<float> eight = stackalloc float[Lanes8.Width];
        eight.Clear();
        values.CopyTo(eight);
        return Doubles(Vector256.Create<float>(eight));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<double> Doubles(Vector256<float> values)
    {
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512Double(values);
        var (low, high) = Vector256.Widen(values);
        return Vector512.Create(low, high);
    }

    // Not Vector512.Sum, whose order is its own affair.
    static double Across(Vector512<double> sums)
    {
        var four = sums.GetLower() + sums.GetUpper();
        return four[0] + four[1] + (four[2] + four[3]);
    }
}
