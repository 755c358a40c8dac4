using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Tails of the normal and Student's t distribution of many values, eight at a time: the same bits on every
/// processor, whatever stands beside a value.</summary>
public static class TailKernel
{
    // e^(x²) erfc(x) (1 + 2x) is a smooth function of (x − 3.75)/(x + 3.75), from −1 at x = 0 to 1 at infinity: these are its
    // Chebyshev coefficients (found to 50 digits), of which the next is below 6e-17. The change of variable is that of
    // Shepherd and Laframboise (1981).
    const double Middle = 3.75;

    static readonly double[] ErfcCoefficients =
    [
        1.1775789345674017541,
        -0.0045900545806464773309,
        -0.084249133366517915584,
        0.059209939998191890498,
        -0.026658668435305752277,
        0.0090749976707052650939,
        -0.0024131635404176081909,
        0.00049077583652580863229,
        -0.000069169733025012063671,
        4.1390279860730101675e-6,
        7.7403830661984906686e-7,
        -2.1886401049234395661e-7,
        1.0764999465670910377e-8,
        4.5219598112182868979e-9,
        -7.7544002088313511065e-10,
        -6.3180883408866844944e-11,
        2.8687950109306698981e-11,
        1.945586854577734723e-13,
        -9.6546967484334389059e-13,
        3.2525481481487398415e-14,
        3.3478119482868053878e-14,
        -1.8645628804193131015e-15,
        -1.2507950530688647085e-15,
        7.418235256624043463e-17,
    ];

    // Of √(y / sinh y), y = w/2, in powers of w²; it converges for w below 2π.
    static readonly double[] SinhCoefficients =
    [
        1.0,
        -0.020833333333333333333,
        0.000390625,
        -7.8796709656084656085e-6,
        1.6967665791721781305e-7,
        -3.8050641917219065657e-9,
        8.7483775963154073041e-11,
        -2.0445233594119738176e-12,
    ];

    /// <summary>Degrees of freedom from which Student's tail is found here.</summary>
    public const double LeastDegrees = 60.0;

    /// <summary>The largest ln(1 + t²/ν) for which it is.</summary>
    public const double LargestLogarithm = 0.7;

    const double InverseSqrtPi = 0.56418958354775628695;
    const double Log10OfE = 0.43429448190325182765;
    const double SqrtHalf = 0.70710678118654752440;

    // z² is finite below.
    const double Largest = 1e150;

    /// <summary>P(Z ≥ z) of standard normal values, and its base-10 logarithm, which does not run out where that is below the
    /// smallest double. Relative errors of some 1e-15.</summary>
    /// <param name="z">The values; NaN gives NaN.</param>
    /// <param name="p">Where to.</param>
    /// <param name="log10P">Where to.</param>
    public static void NormalUpper(ReadOnlySpan<double> z, Span<double> p, Span<double> log10P)
    {
        Span<double> a = stackalloc double[Lanes8.Width];
        for (var at = 0; at < z.Length; at += Lanes8.Width)
        {
            var count = Math.Min(Lanes8.Width, z.Length - at);
            a.Clear();
            z.Slice(at, count).CopyTo(a);
            var (tail, logarithm) = Normal(Vector512.Create<double>(a));
            Lanes8.Store(tail, p, at);
            Lanes8.Store(logarithm * Vector512.Create(Log10OfE), log10P, at);
        }
    }

    /// <summary>P(|T| ≥ |t|) of Student's t, and its base-10 logarithm. NaN where there are fewer degrees of freedom than
    /// <see cref="LeastDegrees"/> or t is far out (<see cref="LargestLogarithm"/>): there the incomplete beta function is
    /// needed.</summary>
    /// <param name="t">The values; NaN gives NaN.</param>
    /// <param name="degrees">Degrees of freedom, one per value.</param>
    /// <param name="p">Where to.</param>
    /// <param name="log10P">Where to.</param>
    public static void StudentBoth(
        ReadOnlySpan<double> t,
        ReadOnlySpan<double> degrees,
        Span<double> p,
        Span<double> log10P
    )
    {
        Span<double> a = stackalloc double[Lanes8.Width];
        Span<double> b = stackalloc double[Lanes8.Width];
        for (var at = 0; at < t.Length; at += Lanes8.Width)
        {
            var count = Math.Min(Lanes8.Width, t.Length - at);
            a.Clear();
            b.Clear();
            t.Slice(at, count).CopyTo(a);
            degrees.Slice(at, count).CopyTo(b);
            var (tail, logarithm) = Student(Vector512.Create<double>(a), Vector512.Create<double>(b));
            Lanes8.Store(tail, p, at);
            Lanes8.Store(logarithm * Vector512.Create(Log10OfE), log10P, at);
        }
    }

    // P(Z ≥ |z|) = e^(−z²/2) E(|z|/√2) / 2; below 0 the rest of 1.
    static (Vector512<double> P, Vector512<double> Log) Normal(Vector512<double> z)
    {
        var (zero, one, half) = (Vector512<double>.Zero, Vector512<double>.One, Vector512.Create(0.5));
        var size = Vector512.Abs(z);
        var far = Vector512.GreaterThan(size, Vector512.Create(Largest));
        var within = Vector512.ConditionalSelect(far, zero, size);
        // What rounding z² loses is put back: of far tails it would show.
        var square = within * within;
        var lost = Lanes8.Fused(within, within, -square) * half;
        var scaled = half * ErfcScaled(within * Vector512.Create(SqrtHalf));
        var upper = Exp(-half * square, -lost) * scaled;
        var log = (Lanes8.Log(scaled) - lost) - half * square;
        upper = Vector512.ConditionalSelect(far, zero, upper);
        log = Vector512.ConditionalSelect(far, Vector512.Create(double.NegativeInfinity), log);
        var below = Vector512.LessThan(z, zero);
        var rest = Lanes8.LogOnePlus(Vector512.ConditionalSelect(below, -upper, zero));
        return (Vector512.ConditionalSelect(below, one - upper, upper), Vector512.ConditionalSelect(below, rest, log));
    }

    // With u = e^(−w), P = ∫ from w0 of e^(−aw) (1 − e^(−w))^(−½) dw / B(a, ½), a = ν/2, w0 = ln(1 + t²/ν). The root is
    // e^(w/4) w^(−½) √(y / sinh y), y = w/2; with b = a − ¼ and the series Σ d w^(2j) of the last factor, P = Σ d b^(−2j)
    // Γ(2j + ½, b w0) over the same at w0 = 0. The incomplete gamma functions follow from erfc by
    // Γ(s + 1, x) = s Γ(s, x) + x^s e^(−x), in which nothing cancels.
    static (Vector512<double> P, Vector512<double> Log) Student(Vector512<double> t, Vector512<double> degrees)
    {
        var one = Vector512<double>.One;
        var w = Lanes8.LogOnePlus(t * t / degrees);
        var isNear =
            Vector512.GreaterThanOrEqual(degrees, Vector512.Create(LeastDegrees))
            & Vector512.LessThanOrEqual(w, Vector512.Create(LargestLogarithm));
        w = Vector512.ConditionalSelect(isNear, w, Vector512<double>.Zero);
        var b = Vector512.ConditionalSelect(isNear, Vector512.Create(0.5) * degrees - Vector512.Create(0.25), one);
        var z = b * w;
        var root = Vector512.Sqrt(z);
        var inverse = one / b;
        var (q, c) = (ErfcScaled(root), one);
        var power = root * Vector512.Create(InverseSqrtPi) * inverse;
        var (upper, whole) = (q, one);
        for (var j = 1; j < SinhCoefficients.Length; j++)
        {
            var coefficient = Vector512.Create(SinhCoefficients[j]);
            for (var k = 2 * j - 2; k < 2 * j; k++)
            {
                var step = Vector512.Create(k + 0.5) * inverse;
                q = Lanes8.Fused(step, q, power);
                c *= step;
                power *= w;
            }
            upper = Lanes8.Fused(coefficient, q, upper);
            whole = Lanes8.Fused(coefficient, c, whole);
        }
        var ratio = upper / whole;
        var missing = Vector512.Create(double.NaN);
        return (
            Vector512.ConditionalSelect(isNear, Exp(-z, Vector512<double>.Zero) * ratio, missing),
            Vector512.ConditionalSelect(isNear, Lanes8.Log(ratio) - z, missing)
        );
    }

    /// <summary>e^(x²) erfc(x) of x from 0 to 1e150, by Clenshaw's recurrence.</summary>
    static Vector512<double> ErfcScaled(Vector512<double> x)
    {
        var middle = Vector512.Create(Middle);
        var t = (x - middle) / (x + middle);
        var twice = t + t;
        var (b1, b2) = (Vector512.Create(ErfcCoefficients[^1]), Vector512<double>.Zero);
        for (var k = ErfcCoefficients.Length - 2; k > 0; k--)
            (b1, b2) = (Lanes8.Fused(twice, b1, Vector512.Create(ErfcCoefficients[k]) - b2), b1);
        var sum = Lanes8.Fused(t, b1, Vector512.Create(ErfcCoefficients[0]) - b2);
        // Exactly 1 at 0, where tails are 1 or ½ to the last digit.
        return Vector512.ConditionalSelect(
            Vector512.Equals(x, Vector512<double>.Zero),
            Vector512<double>.One,
            sum / (Vector512<double>.One + x + x)
        );
    }

    /// <summary>e^(x + rest) of x ≤ 0 and a rest far below 1.</summary>
    // x = n ln 2 + r with |r| ≤ ½ ln 2, ln 2 in two parts of which n times the first is exact; Taylor's series to r¹³ leaves
    // less than 1e-17. The power of 2 is multiplied in by halves, so that small results lose their last digits, not all.
    static Vector512<double> Exp(Vector512<double> x, Vector512<double> rest)
    {
        x = Vector512.Max(x, Vector512.Create(-1400.0));
        var shifted = x * Vector512.Create(1.4426950408889634074) + Vector512.Create(6755399441055744.0);
        var n = shifted - Vector512.Create(6755399441055744.0);
        var r = Lanes8.Fused(n, Vector512.Create(-0.693147180369123816490), x);
        r = Lanes8.Fused(n, Vector512.Create(-1.90821492927058770002e-10), r) + rest;
        var sum = Vector512.Create(1.0 / 6227020800.0);
        foreach (var factorial in Factorials)
            sum = Lanes8.Fused(sum, r, Vector512.Create(1.0 / factorial));
        var whole = Vector512.ConvertToInt64(n);
        var first = Vector512.ShiftRightArithmetic(whole, 1);
        return sum * PowerOfTwo(first) * PowerOfTwo(whole - first);
    }

    static readonly double[] Factorials =
    [
        479001600.0,
        39916800.0,
        3628800.0,
        362880.0,
        40320.0,
        5040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ];

    static Vector512<double> PowerOfTwo(Vector512<long> exponent) =>
        Vector512.ShiftLeft(exponent + Vector512.Create(1023L), 52).AsDouble();
}
