using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Distances of two rows in double precision, each sum in one fixed order: equal rows have equal distances, and
/// every path gives the same bits.</summary>
public static class RowDistance
{
    // Lane l of eight adds the terms l, l + 8, l + 16, ... one after the other; a row that ends early is filled up with zeros,
    // whose terms are 0. The lanes are then added by halves: l and l + 4, those and their neighbours at 2, and the two that
    // are left. Products are rounded before they are added, so that it does not matter whether a processor could fuse the two.
    const int Lanes = 8;

    /// <summary>The distance of two rows of one length.</summary>
    /// <exception cref="ArgumentException">The rows differ in length.</exception>
    public static double Of(DistanceKind kind, ReadOnlySpan<double> x, ReadOnlySpan<double> y, SimdPath path)
    {
        if (x.Length != y.Length)
            throw new ArgumentException($"{y.Length} values where {x.Length} were expected", nameof(y));
        return kind switch
        {
            DistanceKind.L1 => Sum<Absolute>(x, y, path),
            DistanceKind.L2 => Math.Sqrt(Sum<Square>(x, y, path)),
            _ => Cosine(x, y, path),
        };
    }

    static double Cosine(ReadOnlySpan<double> x, ReadOnlySpan<double> y, SimdPath path)
    {
        var norms = Math.Sqrt(SquaredNorm(x, path)) * Math.Sqrt(SquaredNorm(y, path));
        return norms == 0 ? 1 : Math.Clamp(1 - Sum<Product>(x, y, path) / norms, 0, 2);
    }

    /// <summary>Σ x².</summary>
    internal static double SquaredNorm(ReadOnlySpan<double> x, SimdPath path) => Sum<Product>(x, x, path);

    /// <summary>What one place of two rows adds to a sum; 0 where both are 0.</summary>
    internal interface ITerm
    {
        static abstract Vector512<double> Of(Vector512<double> x, Vector512<double> y);
        static abstract Vector256<double> Of(Vector256<double> x, Vector256<double> y);
        static abstract double Of(double x, double y);
    }

    readonly struct Absolute : ITerm
    {
        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y) => Vector512.Abs(x - y);

        public static Vector256<double> Of(Vector256<double> x, Vector256<double> y) => Vector256.Abs(x - y);

        public static double Of(double x, double y) => Math.Abs(x - y);
    }

    readonly struct Square : ITerm
    {
        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y) => (x - y) * (x - y);

        public static Vector256<double> Of(Vector256<double> x, Vector256<double> y) => (x - y) * (x - y);

        public static double Of(double x, double y) => (x - y) * (x - y);
    }

    readonly struct Product : ITerm
    {
        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y) => x * y;

        public static Vector256<double> Of(Vector256<double> x, Vector256<double> y) => x * y;

        public static double Of(double x, double y) => x * y;
    }

    internal static double Sum<T>(ReadOnlySpan<double> x, ReadOnlySpan<double> y, SimdPath path)
        where T : ITerm =>
        path switch
        {
            SimdPath.Avx512 => Wide<T>(x, y),
            SimdPath.Avx2 => Halves<T>(x, y),
            _ => Scalar<T>(x, y),
        };

    [SkipLocalsInit]
    static double Wide<T>(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
        where T : ITerm
    {
        var sum = Vector512<double>.Zero;
        var at = 0;
        for (; at <= x.Length - Lanes; at += Lanes)
            sum += T.Of(Vector512.Create(x[at..]), Vector512.Create(y[at..]));
        if (at < x.Length)
        {
            Span<double> rest = stackalloc double[2 * Lanes];
            Pad(x[at..], y[at..], rest);
            sum += T.Of(Vector512.Create<double>(rest), Vector512.Create<double>(rest[Lanes..]));
        }
        return Folded(sum.GetLower() + sum.GetUpper());
    }

    [SkipLocalsInit]
    static double Halves<T>(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
        where T : ITerm
    {
        var (low, high) = (Vector256<double>.Zero, Vector256<double>.Zero);
        var at = 0;
        for (; at <= x.Length - Lanes; at += Lanes)
        {
            low += T.Of(Vector256.Create(x[at..]), Vector256.Create(y[at..]));
            high += T.Of(Vector256.Create(x[(at + 4)..]), Vector256.Create(y[(at + 4)..]));
        }
        if (at < x.Length)
        {
            Span<double> rest = stackalloc double[2 * Lanes];
            Pad(x[at..], y[at..], rest);
            low += T.Of(Vector256.Create<double>(rest), Vector256.Create<double>(rest[8..]));
            high += T.Of(Vector256.Create<double>(rest[4..]), Vector256.Create<double>(rest[12..]));
        }
        return Folded(low + high);
    }

    static double Folded(Vector256<double> four)
    {
        var two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }

    static void Pad(ReadOnlySpan<double> x, ReadOnlySpan<double> y, Span<double> rest)
    {
        rest.Clear();
        x.CopyTo(rest);
        y.CopyTo(rest[Lanes..]);
    }

    static double Scalar<T>(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
        where T : ITerm
    {
        Span<double> sums = stackalloc double[Lanes];
        sums.Clear();
        for (var at = 0; at < x.Length; at++)
            sums[at % Lanes] += T.Of(x[at], y[at]);
        for (var half = Lanes / 2; half > 0; half /= 2)
        for (var lane = 0; lane < half; lane++)
            sums[lane] += sums[lane + half];
        return sums[0];
    }
}
