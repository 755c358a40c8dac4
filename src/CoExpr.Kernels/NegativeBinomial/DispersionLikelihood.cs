using System;
using System.Runtime.CompilerServices;

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
        var sum = 0.0;
        foreach (var count in counts)
            if (count > 0.0)
                sum += rising.Of(count);
        return sum;
    }

    /// <summary>The log-likelihood but for the terms −ln y! + y ln μ, which do not depend on α.</summary>
    /// <param name="counts">One per sample.</param>
    /// <param name="means">Fitted means above 0, one per sample.</param>
    /// <param name="dispersion">α.</param>
    public static double Value(ReadOnlySpan<double> counts, ReadOnlySpan<double> means, double dispersion)
    {
        var alpha = Math.Max(dispersion, Smallest);
        var size = 1.0 / alpha;
        Rising rising = new(alpha);
        var sum = 0.0;
        for (var at = 0; at < counts.Length; at++)
        {
            var count = counts[at];
            var risen = count > 0.0 ? rising.Of(count) : 0.0;
            sum += risen - (count + size) * Log1P(alpha * means[at]);
        }
        return sum;
    }

    /// <summary>d Value / d ln α.</summary>
    /// <remarks>−r [ψ(y + r) − ψ(r) − ln(1 + αμ) + (μ − y)/(μ + r)], the digamma functions by the same series.</remarks>
    public static double Slope(ReadOnlySpan<double> counts, ReadOnlySpan<double> means, double dispersion)
    {
        var alpha = Math.Max(dispersion, Smallest);
        var size = 1.0 / alpha;
        var sum = 0.0;
        for (var at = 0; at < counts.Length; at++)
        {
            var (count, mean) = (counts[at], means[at]);
            var digammas = count > 0.0 ? DigammaRise(count, alpha) : 0.0;
            sum -= size * (digammas - Log1P(alpha * mean) + (mean - count) / (mean + size));
        }
        return sum;
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
            series = Stirling(moved);
            // y ln α is that of the size before it was moved up.
            scale = shift == 0 ? 0.0 : Math.Log(moved * alpha);
        }

        internal double Of(double count)
        {
            var top = count + moved;
            var value = (top - 0.5) * Log1P(inverse * count) - count + Stirling(top) - series;
            if (shift == 0)
                return value;
            var high = 1.0;
            for (var at = 0; at < shift; at++)
                high *= size + count + at;
            return value + count * scale - Math.Log(high / low);
        }
    }

    static double DigammaRise(double count, double alpha)
    {
        var size = 1.0 / alpha;
        var (moved, below) = (size, 0.0);
        for (; moved < StirlingFrom; moved += 1.0)
            below += count / (moved * (moved + count));
        var top = moved + count;
        return below + Log1P(count / moved) + 0.5 * count / (moved * top) + StirlingSlope(top) - StirlingSlope(moved);
    }

    // S(x) = 1/12x − 1/360x³ + 1/1260x⁵ − 1/1680x⁷ + 1/1188x⁹ − 691/360360x¹¹ (Abramowitz and Stegun 6.1.41).
    static double Stirling(double x)
    {
        var t = 1.0 / (x * x);
        return (
                1.0 / 12.0
                - t
                    * (
                        1.0 / 360.0
                        - t * (1.0 / 1260.0 - t * (1.0 / 1680.0 - t * (1.0 / 1188.0 - t * (691.0 / 360360.0))))
                    )
            ) / x;
    }

    // S'(x), term by term.
    static double StirlingSlope(double x)
    {
        var t = 1.0 / (x * x);
        return -t
            * (
                1.0 / 12.0
                - t * (1.0 / 120.0 - t * (1.0 / 252.0 - t * (1.0 / 240.0 - t * (1.0 / 132.0 - t * (691.0 / 32760.0)))))
            );
    }
}
