using System;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Distances beside L1, L2 and cosine, in double precision. Sums have the fixed order of <see cref="RowDistance"/>, so
/// that equal rows have equal distances and every path gives the same bits.</summary>
public static class FurtherRowDistance
{
    /// <summary>max |x − y|; 0 for no values.</summary>
    /// <exception cref="ArgumentException">The rows differ in length.</exception>
    public static double Chebyshev(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Check(x, y);
        var most = Vector<double>.Zero;
        var at = 0;
        for (; at <= x.Length - Vector<double>.Count; at += Vector<double>.Count)
            most = Vector.Max(most, Vector.Abs(new Vector<double>(x[at..]) - new Vector<double>(y[at..])));
        var greatest = 0.0;
        for (var lane = 0; lane < Vector<double>.Count; lane++)
            greatest = Math.Max(greatest, most[lane]);
        for (; at < x.Length; at++)
            greatest = Math.Max(greatest, Math.Abs(x[at] - y[at]));
        return greatest;
    }

    /// <summary>Σ |x − y| / Σ |x + y| (Bray and Curtis 1957): 0 for equal rows, infinite for opposite ones.</summary>
    /// <exception cref="ArgumentException">The rows differ in length.</exception>
    public static double BrayCurtis(ReadOnlySpan<double> x, ReadOnlySpan<double> y, SimdPath path)
    {
        var apart = RowDistance.Of(DistanceKind.L1, x, y, path);
        return apart == 0 ? 0 : apart / RowDistance.Sum<Together>(x, y, path);
    }

    /// <summary>Σ |x − y| / (|x| + |y|), 0 where both are 0 (Lance and Williams 1967).</summary>
    /// <exception cref="ArgumentException">The rows differ in length.</exception>
    public static double Canberra(ReadOnlySpan<double> x, ReadOnlySpan<double> y, SimdPath path)
    {
        Check(x, y);
        return RowDistance.Sum<Relative>(x, y, path);
    }

    /// <summary>Takes the mean from every value in place. Equal values become 0, whatever the rounding of their mean.</summary>
    public static void Centre(Span<double> row, SimdPath path)
    {
        if (row.IsEmpty || row.IndexOfAnyExcept(row[0]) < 0)
        {
            row.Clear();
            return;
        }
        var mean = RowDistance.Sum<First>(row, row, path) / row.Length;
        var means = new Vector<double>(mean);
        var at = 0;
        for (; at <= row.Length - Vector<double>.Count; at += Vector<double>.Count)
            (new Vector<double>(row[at..]) - means).CopyTo(row[at..]);
        for (; at < row.Length; at++)
            row[at] -= mean;
    }

    static void Check(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        if (x.Length != y.Length)
            throw new ArgumentException($"{y.Length} values where {x.Length} were expected", nameof(y));
    }

    readonly struct First : RowDistance.ITerm
    {
        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y) => x;

        public static Vector256<double> Of(Vector256<double> x, Vector256<double> y) => x;

        public static double Of(double x, double y) => x;
    }

    readonly struct Together : RowDistance.ITerm
    {
        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y) => Vector512.Abs(x + y);

        public static Vector256<double> Of(Vector256<double> x, Vector256<double> y) => Vector256.Abs(x + y);

        public static double Of(double x, double y) => Math.Abs(x + y);
    }

    // Where both are 0 the divisor is 1 instead.
    readonly struct Relative : RowDistance.ITerm
    {
        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y)
        {
            var size = Vector512.Abs(x) + Vector512.Abs(y);
            var isZero = Vector512.Equals(size, Vector512<double>.Zero);
            return Vector512.Abs(x - y) / Vector512.ConditionalSelect(isZero, Vector512<double>.One, size);
        }

        public static Vector256<double> Of(Vector256<double> x, Vector256<double> y)
        {
            var size = Vector256.Abs(x) + Vector256.Abs(y);
            var isZero = Vector256.Equals(size, Vector256<double>.Zero);
            return Vector256.Abs(x - y) / Vector256.ConditionalSelect(isZero, Vector256<double>.One, size);
        }

        public static double Of(double x, double y)
        {
            var size = Math.Abs(x) + Math.Abs(y);
            return Math.Abs(x - y) / (size == 0 ? 1 : size);
        }
    }
}
