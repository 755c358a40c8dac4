using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>What each group of one gene says of its mean near one point, from one pass over its counts: score, information
/// and likelihood there are series of 16 terms.</summary>
public sealed class GroupSeries
{
    // At a mean m₀ (1 + δ) let t₀ = α m₀ and q = t₀ s / (1 + t₀ s), from 0 to 1. Then 1 + t s = (1 + t₀ s)(1 + δ q), so that
    //
    //     ℓ(δ) − ℓ(0) = Y ln(1 + δ) + Σ_k (−δ)^k D_k / k,        ∂ℓ/∂β = Y − (1 + δ) Σ_k (−δ)^(k−1) D_k,
    //
    // with Y = Σ y and D_k = Σ y q^k + (1/α) Σ q^k, k from 1, the second sum over all cells and so over their Gauss nodes.
    // D_(k+1) ≤ D_k q of the largest size factor: that bounds what is left out by breaking off, and where it is too much the
    // series says so (Covers). The means of a group alone and with the control are mostly within a fifth of each other,
    // where little is left out; fits take some passes over the counts without series.

    const int Terms = 16;

    const int MostSteps = 20;

    /// <summary>How much of Y may be left out of the score.</summary>
    const double LeftOut = 1e-11;

    readonly SizeFactorNodes nodes;
    readonly double[] series;
    readonly double[] points;
    readonly double[] reaches;
    readonly double[] totals;

    /// <summary>Work space for one thread.</summary>
    public GroupSeries(SizeFactorNodes nodes)
    {
        this.nodes = nodes;
        series = new double[nodes.Groups * Terms];
        points = new double[nodes.Groups];
        reaches = new double[nodes.Groups];
        totals = new double[nodes.Groups];
    }

    /// <summary>The mean of largest likelihood, as <see cref="GroupFit.Mean"/> has it, and the group's series, which is kept
    /// until the next gene's.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="group">The group.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="other">Another mean that the series should be good at; NaN or 0 for none.</param>
    public double Mean(GeneCounts gene, int group, double dispersion, double other)
    {
        points[group] = 0;
        var total = gene.Totals[group];
        if (total == 0)
            return 0;
        Expand(gene, group, dispersion, Between(total / nodes.Sums[group], other));
        var mean = Root(group);
        return Covers(group, mean) ? mean : GroupFit.Mean(gene, group, dispersion);
    }

    // Half of the way, unless the other is too far for one series.
    static double Between(double own, double other) => other > own / 4 && other < own * 4 ? (own + other) / 2 : own;

    void Expand(GeneCounts gene, int group, double dispersion, double mean)
    {
        var t = dispersion * mean;
        Sum(gene, group, t, 1 / dispersion, series.AsSpan(group * Terms, Terms));
        (points[group], totals[group]) = (mean, gene.Totals[group]);
        var top = t * nodes.HighestFactors[group];
        reaches[group] = Reach(series[group * Terms + Terms - 1], top / (1 + top), totals[group]);
    }

    // The largest of some |δ| at which what is left out, |δ|^15 D_16 (1 + |δ|) Σ_k (|δ| q)^k with k from 1, is little.
    static double Reach(double last, double highest, double total)
    {
        var allowed = LeftOut * Math.Min(total, 1000);
        foreach (var (distance, power) in Distances)
            if (last * power * highest * (1 + distance) <= allowed * (1 - distance * highest))
                return distance;
        return 0;
    }

    // From 0.9 on each a sixth less, with its 16th power.
    static readonly (double Distance, double Power)[] Distances = MakeDistances();

    static (double, double)[] MakeDistances()
    {
        var distances = new (double, double)[24];
        for (var at = 0; at < distances.Length; at++)
        {
            var distance = 0.9 * Math.Pow(5.0 / 6, at);
            distances[at] = (distance, Math.Pow(distance, Terms));
        }
        return distances;
    }

    // So many terms leave out less than the rounding of the first: |δ|^n is below 1e-14 of it.
    static int TermsFor(double change) =>
        Math.Abs(change) switch
        {
            < 1e-3 => 5,
            < 0.017 => 8,
            < 0.068 => 12,
            _ => Terms,
        };

    // Σ ω q^k, ω being y of the counts and w / α of the nodes.
    static void Sum(GeneCounts gene, int group, double t, double size, Span<double> into)
    {
        var (one, ts, groups) = (Vector512<double>.One, Vector512.Create(t), gene.Groups);
        Vector512<double> a1,
            a2,
            a3,
            a4,
            a5,
            a6,
            a7,
            a8;
        Vector512<double> a9,
            a10,
            a11,
            a12,
            a13,
            a14,
            a15,
            a16;
        a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = Vector512<double>.Zero;
        a9 = a10 = a11 = a12 = a13 = a14 = a15 = a16 = Vector512<double>.Zero;
        var (start, end) = (gene.Bounds[group], gene.Bounds[group + 1]);
        var (node, last) = (group * groups.Stride, (group + 1) * groups.Stride);
        var (factors, counts, scale) = (gene.Factors, gene.Counts, one);
        for (var at = start; ; at += Lanes8.Width)
        {
            if (at >= end)
            {
                // After the counts the nodes.
                if (node == last)
                    break;
                (factors, counts, scale) = (groups.Nodes, groups.Weights, Vector512.Create(size));
                (at, end, node) = (node, last, last);
            }
            var x = ts * Lanes8.Load(factors, at);
            var q = x / (one + x);
            var weight = scale * Lanes8.LoadBefore(counts, at, end);
            var odd = weight * q;
            var even = odd * q;
            var square = q * q;
            a1 += odd;
            a2 += even;
            odd *= square;
            even *= square;
            a3 += odd;
            a4 += even;
            odd *= square;
            even *= square;
            a5 += odd;
            a6 += even;
            odd *= square;
            even *= square;
            a7 += odd;
            a8 += even;
            odd *= square;
            even *= square;
            a9 += odd;
            a10 += even;
            odd *= square;
            even *= square;
            a11 += odd;
            a12 += even;
            odd *= square;
            even *= square;
            a13 += odd;
            a14 += even;
            odd *= square;
            even *= square;
            a15 += odd;
            a16 += even;
        }
        into[0] = Lanes8.Sum(a1);
        into[1] = Lanes8.Sum(a2);
        into[2] = Lanes8.Sum(a3);
        into[3] = Lanes8.Sum(a4);
        into[4] = Lanes8.Sum(a5);
        into[5] = Lanes8.Sum(a6);
        into[6] = Lanes8.Sum(a7);
        into[7] = Lanes8.Sum(a8);
        into[8] = Lanes8.Sum(a9);
        into[9] = Lanes8.Sum(a10);
        into[10] = Lanes8.Sum(a11);
        into[11] = Lanes8.Sum(a12);
        into[12] = Lanes8.Sum(a13);
        into[13] = Lanes8.Sum(a14);
        into[14] = Lanes8.Sum(a15);
        into[15] = Lanes8.Sum(a16);
    }

    // Halley's first step from the point, then Newton's.
    double Root(int group)
    {
        var d = series.AsSpan(group * Terms, Terms);
        var (score, slope, bend) = (totals[group] - d[0], d[0] - d[1], d[1] - d[2]);
        var change = score / slope;
        change = score / (slope - change * bend);
        if (!(change > -0.9 && change < 4))
            return double.NaN;
        for (var step = 0; step < MostSteps; step++)
        {
            var (left, observed) = At(group, change);
            var further = left / observed;
            change += further * (1 + change);
            // Convergence is quadratic: a step of 1e-5 leaves an error of about its square.
            if (Math.Abs(further) < 1e-5)
                return points[group] * (1 + change);
            if (!(change > -0.9 && change < 4))
                return double.NaN;
        }
        return double.NaN;
    }

    /// <summary>Whether the series of a group is good at a mean.</summary>
    public bool Covers(int group, double mean) =>
        points[group] > 0 && Math.Abs(mean - points[group]) <= reaches[group] * points[group];

    /// <summary>∂ℓ/∂β and −∂²ℓ/∂β² at a mean that is covered.</summary>
    internal (double Score, double Observed) Score(int group, double mean) => At(group, mean / points[group] - 1);

    (double Score, double Observed) At(int group, double change)
    {
        // G = Σ x^j D_(j+1) and its derivative by Horner's scheme, x = −δ.
        ref var d = ref series[group * Terms];
        var last = TermsFor(change) - 1;
        var (x, g, slope) = (-change, Unsafe.Add(ref d, last), 0.0);
        for (var j = last - 1; j >= 0; j--)
        {
            slope = Math.FusedMultiplyAdd(slope, x, g);
            g = Math.FusedMultiplyAdd(g, x, Unsafe.Add(ref d, j));
        }
        var expected = (1 + change) * g;
        return (totals[group] - expected, expected - (1 + change) * (1 + change) * slope);
    }

    /// <summary>ℓ at a mean less ℓ at another, both of them covered.</summary>
    internal double LogRatio(int group, double mean, double other) =>
        totals[group] * Math.Log(mean / other)
        + Rest(group, mean / points[group] - 1)
        - Rest(group, other / points[group] - 1);

    // Σ_k x^k D_k / k, x = −δ.
    double Rest(int group, double change)
    {
        ref var d = ref series[group * Terms];
        var (x, sum) = (-change, 0.0);
        for (var k = TermsFor(change); k > 0; k--)
            sum = Math.FusedMultiplyAdd(sum, x, Unsafe.Add(ref d, k - 1) * Inverses[k]);
        return sum * x;
    }

    static readonly double[] Inverses = MakeInverses();

    static double[] MakeInverses()
    {
        var inverses = new double[Terms + 1];
        for (var k = 1; k <= Terms; k++)
            inverses[k] = 1.0 / k;
        return inverses;
    }
}
