using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>The score of one group's ln mean and its slopes at one point.</summary>
/// <param name="Score">∂ℓ/∂β = Σ y r − e^β H.</param>
/// <param name="Weighted">S = Σ y r over counts above 0, r = 1 / (1 + α s e^β).</param>
/// <param name="Expected">I = e^β H, H = Σ s r over all cells: Fisher's information, too.</param>
/// <param name="Observed">−∂²ℓ/∂β².</param>
/// <param name="LogSlope">−∂ ln(S / I) / ∂β.</param>
public readonly record struct GroupScore(
    double Score,
    double Weighted,
    double Expected,
    double Observed,
    double LogSlope
);

/// <summary>Fits the mean of one gene in one group: counts are negative binomial with mean s e^β and variance
/// μ + α μ², s being the cell's size factor.</summary>
public static class GroupFit
{
    // With t = α e^β and r = 1 / (1 + t s) the likelihood of the group is, up to terms without β,
    //
    //     ℓ(β) = Σ y β − Σ y ln(1 + t s) − (1/α) Σ ln(1 + t s),
    //
    // the first two sums over counts above 0, the last over all cells and so over the Gauss nodes. Its score is
    // S − I. Newton's method runs on ln S − ln I, which is linear in β for Poisson counts and nearly so for others:
    // two or three steps from the Poisson estimate suffice. It decreases everywhere, so its signs bracket the root.

    const int MostSteps = 60;

    /// <summary>Dispersions below this count as this: it changes a log-likelihood by less than half of it times Σ y².</summary>
    public const double LeastDispersion = 1e-12;

    /// <summary>The score at β = ln <paramref name="mean"/>.</summary>
    public static GroupScore Score(GeneCounts gene, int group, double dispersion, double mean)
    {
        var t = dispersion * mean;
        var (one, ts) = (Vector512<double>.One, Vector512.Create(t));
        var (sum, slope) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var end = gene.Bounds[group + 1];
        for (var at = gene.Bounds[group]; at < end; at += Lanes8.Width)
        {
            var r = one / Lanes8.Fused(ts, Lanes8.Load(gene.Factors, at), one);
            var yr = Lanes8.LoadBefore(gene.Counts, at, end) * r;
            sum += yr;
            slope += yr * (one - r);
        }
        var (h, q) = Expected(gene.Groups, group, t);
        var (s, steep) = (Lanes8.Sum(sum), Lanes8.Sum(slope));
        return new GroupScore(s - mean * h, s, mean * h, steep + mean * q, steep / s + q / h);
    }

    // Σ s r and Σ s r² over all cells.
    static (double H, double Q) Expected(SizeFactorNodes groups, int group, double t)
    {
        var (one, ts) = (Vector512<double>.One, Vector512.Create(t));
        var (h, q) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var end = (group + 1) * groups.Stride;
        for (var at = group * groups.Stride; at < end; at += Lanes8.Width)
        {
            var s = Lanes8.Load(groups.Nodes, at);
            var r = one / Lanes8.Fused(ts, s, one);
            var sr = Lanes8.Load(groups.Weights, at) * s * r;
            h += sr;
            q += sr * r;
        }
        return (Lanes8.Sum(h), Lanes8.Sum(q));
    }

    /// <summary>Fisher's information on β, e^β H.</summary>
    public static double Information(SizeFactorNodes groups, int group, double dispersion, double mean) =>
        mean * Expected(groups, group, dispersion * mean).H;

    /// <summary>Fisher's information on β of all groups, each at its mean.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="means">One per group.</param>
    /// <param name="information">Receives one per group.</param>
    public static void Informations(
        SizeFactorNodes groups,
        double dispersion,
        ReadOnlySpan<double> means,
        Span<double> information
    )
    {
        var (one, alpha) = (Vector512<double>.One, Vector512.Create(dispersion));
        for (var first = 0; first < means.Length; first += Lanes8.Width)
        {
            var mean = Lanes8.LoadBefore(means, first);
            var (ts, h) = (alpha * mean, Vector512<double>.Zero);
            for (var node = 0; node < groups.Width; node++)
            {
                var s = Lanes8.Load(groups.NodesAcross, node * groups.Padded + first);
                var weight = Lanes8.Load(groups.WeightsAcross, node * groups.Padded + first);
                h += weight * s / Lanes8.Fused(ts, s, one);
            }
            Lanes8.Store(mean * h, information, first);
        }
    }

    /// <summary>The mean e^β of largest likelihood: 0 where the group has no counts, NaN where 60 steps do not
    /// reach it. The score there is below 1e-10 of Σ y.</summary>
    public static double Mean(GeneCounts gene, int group, double dispersion)
    {
        var total = gene.Totals[group];
        if (total == 0)
            return 0;
        var (logMean, low, high) = (
            Math.Log(total / gene.Groups.Sums[group]),
            double.NegativeInfinity,
            double.PositiveInfinity
        );
        for (var step = 0; step < MostSteps; step++)
        {
            var score = Score(gene, group, dispersion, Math.Exp(logMean));
            var distance = Math.Log(score.Weighted / score.Expected);
            // Convergence is quadratic: a step of 1e-5 leaves an error of about its square.
            if (Math.Abs(distance) < 1e-5)
                return Math.Exp(logMean + distance / score.LogSlope);
            (low, high) = distance > 0 ? (logMean, high) : (low, logMean);
            logMean = Bracketed(logMean, Math.Clamp(distance / score.LogSlope, -2, 2), low, high);
        }
        return double.NaN;
    }

    static double Bracketed(double at, double step, double low, double high) =>
        at + step > low && at + step < high ? at + step : (low + high) / 2;

    /// <summary>The mean e^β of largest ℓ(β) + ½ ln I(β) (Firth 1993), finite and above 0 without counts too, where it
    /// is about half a count's.</summary>
    public static double PenalizedMean(GeneCounts gene, int group, double dispersion)
    {
        var (low, high) = (Math.Log(0.25 / gene.Groups.Sums[group]) - 2, 60.0);
        var logMean = Math.Log((gene.Totals[group] + 0.5) / gene.Groups.Sums[group]);
        for (var step = 0; step < MostSteps; step++)
        {
            var mean = Math.Exp(logMean);
            var score = Score(gene, group, dispersion, mean);
            var (h, q) = Expected(gene.Groups, group, dispersion * mean);
            // ∂ ln I / ∂β = Σ s r² / Σ s r, since ∂(s e^β r)/∂β = s e^β r².
            var slope = score.Score + 0.5 * q / h;
            var change = Math.Clamp(slope / (score.Observed + 0.25 * q / h), -1, 1);
            if (Math.Abs(change) < 1e-10)
                return Math.Exp(logMean + change);
            (low, high) = slope > 0 ? (logMean, high) : (low, logMean);
            logMean = Bracketed(logMean, change, low, high);
        }
        return double.NaN;
    }

    /// <summary>ℓ at ln <paramref name="mean"/> less ℓ at ln <paramref name="other"/>, without cancellation. Either may
    /// be 0 where the group has no counts.</summary>
    public static double LogRatio(GeneCounts gene, int group, double dispersion, double mean, double other)
    {
        // ln(1 + t s) − ln(1 + t' s) = ln(1 + (t − t') s / (1 + t' s)).
        var one = Vector512<double>.One;
        var (from, change) = (Vector512.Create(dispersion * other), Vector512.Create(dispersion * (mean - other)));
        var (counted, all) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var end = gene.Bounds[group + 1];
        for (var at = gene.Bounds[group]; at < end; at += Lanes8.Width)
        {
            var s = Lanes8.Load(gene.Factors, at);
            var log = Lanes8.LogOnePlus(change * s / Lanes8.Fused(from, s, one));
            counted += Lanes8.LoadBefore(gene.Counts, at, end) * log;
        }
        var groups = gene.Groups;
        for (var at = group * groups.Stride; at < (group + 1) * groups.Stride; at += Lanes8.Width)
        {
            var s = Lanes8.Load(groups.Nodes, at);
            all += Lanes8.Load(groups.Weights, at) * Lanes8.LogOnePlus(change * s / Lanes8.Fused(from, s, one));
        }
        var total = gene.Totals[group];
        var linear = total == 0 ? 0 : total * Math.Log(mean / other);
        return linear - Lanes8.Sum(counted) - Lanes8.Sum(all) / dispersion;
    }
}
