using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Sums over the cells of one group for a step of iteratively reweighted least squares whose means, weights and
/// denominators are not let below a least mean, as CRISPYx 0.1.1 does it. For reproducing that program: the clamp pulls
/// fold changes of weakly expressed genes towards 0.</summary>
public readonly struct ClampedRegression
{
    readonly int cells;
    readonly double[] factors;
    readonly double[] logFactors;

    /// <summary>The cells of one group.</summary>
    /// <param name="factors">Size factors above 0, one per cell.</param>
    public ClampedRegression(ReadOnlySpan<double> factors)
    {
        cells = factors.Length;
        this.factors = new double[Length(cells)];
        this.factors.AsSpan().Fill(1.0);
        factors.CopyTo(this.factors);
        logFactors = Array.ConvertAll(this.factors, Math.Log);
    }

    /// <summary>How long an array of the counts of so many cells must be; what is beyond them is not looked at.</summary>
    public static int Length(int cells) => Lanes8.RoundUp(cells);

    /// <summary>With η = x + ln s from ln m to 20, μ = e^η, w = μ² / max(μ + αμ², m): the sums of w, of w (η + (y − μ)/μ −
    /// ln s), and of ((y − μ)² − y) / max(μ², m), the terms of a dispersion by moments.</summary>
    /// <param name="counts">One per cell, in an array of Length.</param>
    /// <param name="predictor">x, the same for all cells.</param>
    /// <param name="dispersion">α, 0 or more.</param>
    /// <param name="leastMean">m, above 0.</param>
    public (double Weight, double Response, double Moment) Sums(
        double[] counts,
        double predictor,
        double dispersion,
        double leastMean
    )
    {
        var level = Vector512.Create(Math.Exp(predictor));
        var (x, alpha, least) = (
            Vector512.Create(predictor),
            Vector512.Create(dispersion),
            Vector512.Create(leastMean)
        );
        var (lowest, highest) = (Vector512.Create(Math.Log(leastMean)), Vector512.Create(20.0));
        var most = Vector512.Create(Math.Exp(20.0));
        var (weights, responses, moments) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        for (var at = 0; at < cells; at += Lanes8.Width)
        {
            var y = Lanes8.LoadBefore(counts, at, cells);
            var log = Lanes8.Load(logFactors, at);
            var free = level * Lanes8.Load(factors, at);
            var (isLow, isHigh) = (Vector512.LessThan(free, least), Vector512.GreaterThan(free, most));
            var mean = Vector512.Min(Vector512.Max(free, least), most);
            var offset = Vector512.ConditionalSelect(
                isLow,
                lowest - log,
                Vector512.ConditionalSelect(isHigh, highest - log, x)
            );
            var square = mean * mean;
            var weight = square / Vector512.Max(mean + alpha * square, least);
            var distance = y - mean;
            var moment = (distance * distance - y) / Vector512.Max(square, least);
            var counted = Counted(at);
            weights += counted & weight;
            responses += counted & (weight * (offset + distance / mean));
            moments += counted & moment;
        }
        return (Lanes8.Sum(weights), Lanes8.Sum(responses), Lanes8.Sum(moments));
    }

    /// <summary>All bits of the lanes that are cells.</summary>
    Vector512<double> Counted(int at) => Vector512.GreaterThan(Vector512.Create((double)(cells - at)), Numbers);

    static Vector512<double> Numbers => Vector512.Create(0.0, 1, 2, 3, 4, 5, 6, 7);
}
