using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>The negative-binomial log-likelihood of one gene's counts as a function of the dispersion α (variance = μ + αμ²),
/// and its slope in ln α.</summary>
/// <remarks>
/// With r = 1/α, the part of a count's log-probability that depends on α is
///     ln Γ(y + r) − ln Γ(r) + y ln α − (y + r) ln(1 + αμ).
/// For α near 0 the gamma functions are of the size r ln r while their difference is about y ln r: computed apart they would
/// leave nothing. With Stirling's series, ln Γ(x) = (x − ½) ln x − x + ½ ln 2π + S(x), the difference is
///     ln Γ(y + r) − ln Γ(r) + y ln α = (y + r − ½) ln(1 + αy) − y + S(y + r) − S(r),
/// in which nothing large cancels. Where r is below 10, eight-fold products move both arguments up first.
/// </remarks>
public static class DispersionLikelihood
{
    /// <summary>From here on six terms of Stirling's series are exact to the last digits.</summary>
    const double StirlingFrom = 10.0;

    /// <summary>Dispersions below this are taken as this: a Poisson distribution as far as doubles tell.</summary>
    public const double Smallest = 1e-12;

    /// <summary>Σ over samples of ln Γ(y + r) − ln Γ(r) + y ln α: what the coefficients do not change.</summary>
    public static double CountTerms(ReadOnlySpan<double> counts, double dispersion)
    {
        Rising rising = new(Math.Max(dispersion, Smallest));
        var sum = Vector512<double>.Zero;
        for (var at = 0; at < counts.Length; at += Lanes8.Width)
            sum += rising.Of(Lanes8.LoadBefore(counts, at));
        return Lanes8.Sum(sum);
    }

    /// <summary>The log-likelihood but for the terms −ln y! + y ln μ, which do not depend on α.</summary>
    /// <param name="counts">One per sample.</param>
    /// <param name="means">Fitted means above 0, one per sample.</param>
    /// <param name="dispersion">α.</param>
    public static double Value(ReadOnlySpan<double> counts, ReadOnlySpan<double> means, double dispersion)
    {
        var alpha = Math.Max(dispersion, Smallest);
        var (alphas, size) = (Vector512.Create(alpha), Vector512.Create(1.0 / alpha));
        Rising rising = new(alpha);
        var sum = Vector512<double>.Zero;
        for (var at = 0; at < counts.Length; at += Lanes8.Width)
        {
            var (count, mean) = (Lanes8.LoadBefore(counts, at), Lanes8.LoadBefore(means, at));
            sum += rising.Of(count) - (count + size) * Lanes8.LogOnePlus(alphas * mean);
        }
        return Lanes8.Sum(sum);
    }

    /// <summary>d Value / d ln α.</summary>
    /// <remarks>−r [ψ(y + r) − ψ(r) − ln(1 + αμ) + (μ − y)/(μ + r)], the digamma functions by the same series.</remarks>
    public static double Slope(ReadOnlySpan<double> counts, ReadOnlySpan<double> means, double dispersion)
    {
        var alpha = Math.Max(dispersion, Smallest);
        var (alphas, size) = (Vector512.Create(alpha), Vector512.Create(1.0 / alpha));
        RisingSlope rising = new(alpha);
        var sum = Vector512<double>.Zero;
        for (var at = 0; at < counts.Length; at += Lanes8.Width)
        {
            var (count, mean) = (Lanes8.LoadBefore(counts, at), Lanes8.LoadBefore(means, at));
            sum += rising.Of(count) - Lanes8.LogOnePlus(alphas * mean) + (mean - count) / (mean + size);
        }
        return Lanes8.Sum(sum) / -alpha;
    }

    /// <summary>ln(1 + x), exact to the last digits for small x too (Kahan's correction).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Log1P(double x)
    {
        var sum = 1.0 + x;
        return sum == 1.0 ? x : Math.Log(sum) * (x / (sum - 1.0));
    }

    /// <summary>ln Γ(y + r) − ln Γ(r) + y ln α of many counts y at one α: what does not depend on y is computed once.</summary>
    readonly ref struct Rising
    {
        readonly double size;
        readonly double moved;
        readonly int shift;
        readonly double low = 1.0;
        readonly double inverse;
        readonly double series;
        readonly double scale;

        internal Rising(double alpha)
        {
            size = 1.0 / alpha;
            for (; size + shift < StirlingFrom; shift++)
                low *= size + shift;
            moved = size + shift;
            inverse = shift == 0 ? alpha : 1.0 / moved;
            series = Stirling(Vector512.Create(moved)).GetElement(0);
            // y ln α is that of the size before it was moved up.
            scale = shift == 0 ? 0.0 : Math.Log(moved * alpha);
        }

        internal Vector512<double> Of(Vector512<double> count)
        {
            var top = count + Vector512.Create(moved);
            var value =
                (top - Vector512.Create(0.5)) * Lanes8.LogOnePlus(Vector512.Create(inverse) * count)
                - count
                + Stirling(top)
                - Vector512.Create(series);
            if (shift > 0)
                value += count * Vector512.Create(scale) - Lanes8.Log(Product(count) / Vector512.Create(low));
            return value & Vector512.GreaterThan(count, Vector512<double>.Zero);
        }

        Vector512<double> Product(Vector512<double> count)
        {
            var product = Vector512<double>.One;
            for (var at = 0; at < shift; at++)
                product *= Vector512.Create(size + at) + count;
            return product;
        }
    }

    /// <summary>ψ(y + r) − ψ(r) of many counts at one α.</summary>
    readonly ref struct RisingSlope
    {
        readonly double size;
        readonly double moved;
        readonly double slope;

        internal RisingSlope(double alpha)
        {
            size = 1.0 / alpha;
            for (moved = size; moved < StirlingFrom; )
                moved += 1.0;
            slope = StirlingSlope(Vector512.Create(moved)).GetElement(0);
        }

        internal Vector512<double> Of(Vector512<double> count)
        {
            var (below, first) = (Vector512<double>.Zero, Vector512.Create(moved));
            for (var at = size; at < StirlingFrom; at += 1.0)
            {
                var step = Vector512.Create(at);
                below += count / (step * (step + count));
            }
            var top = first + count;
            var value =
                below
                + Lanes8.LogOnePlus(count / first)
                + Vector512.Create(0.5) * count / (first * top)
                + StirlingSlope(top)
                - Vector512.Create(slope);
            return value & Vector512.GreaterThan(count, Vector512<double>.Zero);
        }
    }

    // S(x) = 1/12x − 1/360x³ + 1/1260x⁵ − 1/1680x⁷ + 1/1188x⁹ − 691/360360x¹¹ (Abramowitz and Stegun 6.1.41).
    static Vector512<double> Stirling(Vector512<double> x)
    {
        var inverse = Vector512<double>.One / x;
        var t = inverse * inverse;
        var series = Vector512.Create(-691.0 / 360360.0);
        series = Lanes8.Fused(series, t, Vector512.Create(1.0 / 1188.0));
        series = Lanes8.Fused(series, t, Vector512.Create(-1.0 / 1680.0));
        series = Lanes8.Fused(series, t, Vector512.Create(1.0 / 1260.0));
        series = Lanes8.Fused(series, t, Vector512.Create(-1.0 / 360.0));
        return Lanes8.Fused(series, t, Vector512.Create(1.0 / 12.0)) * inverse;
    }

    // S'(x), term by term.
    static Vector512<double> StirlingSlope(Vector512<double> x)
    {
        var t = Vector512<double>.One / (x * x);
        var series = Vector512.Create(691.0 / 32760.0);
        series = Lanes8.Fused(series, t, Vector512.Create(-1.0 / 132.0));
        series = Lanes8.Fused(series, t, Vector512.Create(1.0 / 240.0));
        series = Lanes8.Fused(series, t, Vector512.Create(-1.0 / 252.0));
        series = Lanes8.Fused(series, t, Vector512.Create(1.0 / 120.0));
        return Lanes8.Fused(series, t, Vector512.Create(-1.0 / 12.0)) * t;
    }
}
