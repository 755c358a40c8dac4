using System;

namespace CoExpr.Kernels;

/// <summary>The control group's score of one gene as a function of β near its maximum, so that every comparison with
/// the control costs a few operations and not a pass over its cells.</summary>
public sealed class ControlScore
{
    // U(β) is analytic up to poles at −ln(α s) ± iπ. On an interval of half-width 1 its Chebyshev series of 16 terms is
    // right to about (π + √(1 + π²))^−16 = 1e-13 of its size. The likelihood lost by leaving the maximum b is
    // ∫ U dβ from β to b, and the series is integrated term by term, so that nothing cancels.

    const int Terms = 16;

    /// <summary>How far from the maximum the series reaches.</summary>
    public const double Reach = 1.0;

    static readonly double[] Cosines = MakeCosines();

    readonly double[] series = new double[Terms];
    readonly double[] integral = new double[Terms + 1];
    readonly double[] slope = new double[Terms];
    double centre = double.NaN;
    double atCentre;
    (GeneCounts Gene, int Control, double Dispersion)? pending;

    /// <summary>Takes up a gene whose control has counts. The series is made when it is first asked, and the gene must not
    /// have been loaded anew by then.</summary>
    public void Fit(GeneCounts gene, int control, double dispersion, double mean)
    {
        centre = Math.Log(mean);
        pending = (gene, control, dispersion);
    }

    void Make()
    {
        if (pending is not var (gene, control, dispersion))
            return;
        pending = null;
        series.AsSpan().Clear();
        for (var node = 0; node < Terms; node++)
        {
            var beta = centre + Reach * Cosines[node * Terms + 1];
            var score = GroupFit.Score(gene, control, dispersion, Math.Exp(beta)).Score;
            for (var term = 0; term < Terms; term++)
                series[term] += score * Cosines[node * Terms + term] * (term == 0 ? 1.0 : 2.0) / Terms;
        }
        Integrate();
        Differentiate();
    }

    /// <summary>There is no series: the control has no counts of this gene.</summary>
    public void Clear() => (centre, pending) = (double.NaN, null);

    /// <summary>Whether the series holds at β.</summary>
    public bool Covers(double beta) => Math.Abs(beta - centre) <= Reach;

    /// <summary>U(β).</summary>
    public double At(double beta)
    {
        Make();
        return Evaluate(series, (beta - centre) / Reach);
    }

    /// <summary>U'(β).</summary>
    public double SlopeAt(double beta)
    {
        Make();
        return Evaluate(slope, (beta - centre) / Reach);
    }

    /// <summary>ℓ(b) − ℓ(β), never below 0 but for rounding.</summary>
    public double Lost(double beta)
    {
        Make();
        return atCentre - Evaluate(integral, (beta - centre) / Reach);
    }

    // ∫ T_n = T_(n+1) / 2(n + 1) − T_(n−1) / 2(n − 1).
    void Integrate()
    {
        integral[0] = 0;
        for (var n = 1; n <= Terms; n++)
        {
            var below = series[n - 1] * (n == 1 ? 2 : 1);
            var above = n + 1 < Terms ? series[n + 1] : 0;
            integral[n] = Reach * (below - above) / (2 * n);
        }
        atCentre = Evaluate(integral, 0);
    }

    // T'_(n+1) / (n + 1) − T'_(n−1) / (n − 1) = 2 T_n, read from the highest term down.
    void Differentiate()
    {
        slope[Terms - 1] = 0;
        for (var n = Terms - 1; n > 0; n--)
            slope[n - 1] = 2 * n * series[n] / Reach + (n + 1 < Terms ? slope[n + 1] : 0);
        slope[0] /= 2;
    }

    // Clenshaw's recurrence.
    static double Evaluate(double[] terms, double x)
    {
        var (next, after) = (0.0, 0.0);
        for (var n = terms.Length - 1; n > 0; n--)
            (next, after) = (terms[n] + 2 * x * next - after, next);
        return terms[0] + x * next - after;
    }

    // cos(n (j + ½) π / 16), row j, column n.
    static double[] MakeCosines()
    {
        var cosines = new double[Terms * Terms];
        for (var j = 0; j < Terms; j++)
        for (var n = 0; n < Terms; n++)
            cosines[j * Terms + n] = Math.Cos(n * (j + 0.5) * Math.PI / Terms);
        return cosines;
    }
}
