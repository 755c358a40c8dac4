using System;
using System.Runtime.Intrinsics;
using System.Threading;

namespace CoExpr.Kernels;

/// <summary>h(τ) = Σ w s / (1 + τ s) over the nodes of each group as a ratio of polynomials in τ, for eight groups side by
/// side.</summary>
sealed class RationalSums
{
    // Over one denominator h = P / Q with Q = Π (1 + τ s) and P = Σ_j w_j s_j Π_(k ≠ j) (1 + τ s_k). All s and w are positive,
    // and so are all coefficients: Horner's scheme loses no digits, and takes one division for all nodes instead of one each.

    /// <summary>Powers beyond this are not to be had of a double.</summary>
    const double HighestPower = 1e280;

    readonly int width;
    readonly int padded;
    readonly double[] numerators;
    readonly double[] denominators;
    double highest;

    /// <summary>For so many nodes and so many groups, a multiple of eight.</summary>
    internal RationalSums(int width, int padded)
    {
        (this.width, this.padded) = (width, padded);
        numerators = new double[width * padded];
        denominators = new double[(width + 1) * padded];
    }

    /// <summary>Whether Q is finite for every group whose mean is at most this, at this dispersion.</summary>
    internal bool Covers(double dispersion, double highestMean) =>
        width * Math.Log2(1 + dispersion * highestMean * highest) < Math.Log2(HighestPower);

    /// <summary>Takes over the nodes of a group; groups may be set by several threads.</summary>
    internal void Set(int group, ReadOnlySpan<double> nodes, ReadOnlySpan<double> weights)
    {
        var (p, q) = (new double[width], new double[width + 1]);
        q[0] = 1;
        for (var node = 0; node < nodes.Length; node++)
        {
            // P becomes P (1 + τ s) + w s Q, and Q becomes Q (1 + τ s).
            for (var at = node; at >= 0; at--)
                p[at] += (at > 0 ? nodes[node] * p[at - 1] : 0) + weights[node] * nodes[node] * q[at];
            for (var at = node + 1; at > 0; at--)
                q[at] += nodes[node] * q[at - 1];
        }
        for (var at = 0; at < width; at++)
            numerators[at * padded + group] = p[at];
        for (var at = 0; at <= width; at++)
            denominators[at * padded + group] = q[at];
        foreach (var node in nodes)
            Raise(node);
    }

    void Raise(double node)
    {
        var before = highest;
        while (node > before)
            before = Interlocked.CompareExchange(ref highest, node, before) is var seen && seen == before ? node : seen;
    }

    /// <summary>ln h is the logarithm of the first over the second.</summary>
    internal (Vector512<double> P, Vector512<double> Q) Values(int group, Vector512<double> tau)
    {
        var (p, q) = (Vector512<double>.Zero, Lanes8.Load(denominators, width * padded + group));
        for (var at = (width - 1) * padded + group; at >= 0; at -= padded)
        {
            p = Lanes8.Fused(p, tau, Lanes8.Load(numerators, at));
            q = Lanes8.Fused(q, tau, Lanes8.Load(denominators, at));
        }
        return (p, q);
    }

    /// <summary>h, and the first two derivatives of ln h with respect to ln τ.</summary>
    internal (Vector512<double> H, Vector512<double> Slope, Vector512<double> Curvature) Derivatives(
        int group,
        Vector512<double> tau
    )
    {
        var zero = Vector512<double>.Zero;
        var (p, p1, p2) = (zero, zero, zero);
        var (q, q1, q2) = (Lanes8.Load(denominators, width * padded + group), zero, zero);
        for (var at = (width - 1) * padded + group; at >= 0; at -= padded)
        {
            // Horner's scheme for the value, the derivative and half of the second.
            (p2, q2) = (Lanes8.Fused(p2, tau, p1), Lanes8.Fused(q2, tau, q1));
            (p1, q1) = (Lanes8.Fused(p1, tau, p), Lanes8.Fused(q1, tau, q));
            p = Lanes8.Fused(p, tau, Lanes8.Load(numerators, at));
            q = Lanes8.Fused(q, tau, Lanes8.Load(denominators, at));
        }
        var (ofP, ofQ) = (Logarithmic(p, p1, p2, tau), Logarithmic(q, q1, q2, tau));
        return (p / q, ofP.Slope - ofQ.Slope, ofP.Curvature - ofQ.Curvature);
    }

    // Of ln f: θ f / f, and θ² f / f less its square, θ being τ d/dτ.
    static (Vector512<double> Slope, Vector512<double> Curvature) Logarithmic(
        Vector512<double> f,
        Vector512<double> f1,
        Vector512<double> f2,
        Vector512<double> tau
    )
    {
        var inverse = Vector512<double>.One / f;
        var slope = tau * f1 * inverse;
        var second = tau * tau * (f2 + f2) * inverse;
        return (slope, slope + second - slope * slope);
    }
}
