using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>A few points with weights that stand for many cells: a Gauss rule on the cells' ln size factors.</summary>
public static class GaussRule
{
    // A group's cells without a count of the gene enter its likelihood only through
    //
    //     H(t) = Σ s / (1 + t s)  and  L(t) = Σ ln(1 + t s),    t = α e^β,
    //
    // integrals over the measure that has mass 1 at each ln s. The Gauss rule of that measure has n-fold accuracy per
    // node because the integrand is analytic up to poles at −ln t ± iπ, wherever t is. Its nodes and weights are the
    // eigenvalues of the Jacobi matrix and the squares of their vectors' first entries (Golub and Welsch 1969), and the
    // Jacobi matrix comes from the Lanczos process on the values themselves (Gragg and Harrod 1984).

    /// <summary>The most nodes of a rule.</summary>
    public const int MostNodes = 64;

    /// <summary>Nodes that keep the relative error of H and of L below <paramref name="tolerance"/> for every t.</summary>
    /// <remarks>For f(u) = e^u / (1 + t e^u) and an ellipse with foci at the ends of the range, half-axes a(ρ ± 1/ρ)/2
    /// = A, B and B &lt; π, |f| on it is at most e^(A + a) / cos(B/2) times its least value on the range, and the error
    /// of K nodes at most 4 ρ^(1−2K) / (ρ − 1) times that (Trefethen 2013, theorem 19.3, for any positive measure). L
    /// is the integral of H over t, so its relative error is no larger.</remarks>
    /// <param name="halfRange">a, half of the range of ln s.</param>
    /// <param name="tolerance">The largest relative error.</param>
    public static int NodesFor(double halfRange, double tolerance)
    {
        if (halfRange < 1e-12)
            return 1;
        var most = Math.PI / halfRange + Math.Sqrt(1 + Math.PI * Math.PI / halfRange / halfRange);
        var least = (double)MostNodes;
        for (var step = 2; step < 100; step += 2)
        {
            var rho = Math.Pow(most, step / 100.0);
            var (a, b) = (halfRange * (rho + 1 / rho) / 2, halfRange * (rho - 1 / rho) / 2);
            var log = Math.Log(4 / tolerance) + a + halfRange - Math.Log(Math.Cos(b / 2) * (rho - 1));
            least = Math.Min(least, (log / Math.Log(rho) + 1) / 2);
        }
        return Math.Max(1, (int)Math.Ceiling(least));
    }

    /// <summary>Nodes and weights of a rule; gives their number, which is less than asked for where there are fewer
    /// different values, and then the rule is exact.</summary>
    /// <param name="values">The points of the measure in ascending order, each of mass 1.</param>
    /// <param name="wanted">The nodes wanted.</param>
    /// <param name="nodes">Receives the nodes.</param>
    /// <param name="weights">Receives the weights; their sum is the number of values.</param>
    public static int Fill(ReadOnlySpan<double> values, int wanted, Span<double> nodes, Span<double> weights)
    {
        var distinct = Distinct(values, wanted, nodes, weights);
        if (distinct <= wanted)
            return distinct;
        var (centre, half) = ((values[0] + values[^1]) / 2, (values[^1] - values[0]) / 2);
        var (diagonal, beside) = (new double[wanted], new double[wanted]);
        var found = Lanczos(values, centre, half, diagonal, beside);
        var first = new double[found];
        first[0] = 1;
        SymmetricTridiagonal.Solve(diagonal.AsSpan(0, found), beside.AsSpan(0, found), first);
        for (var node = 0; node < found; node++)
            (nodes[node], weights[node]) = (centre + half * diagonal[node], values.Length * first[node] * first[node]);
        return found;
    }

    // Writes the values and how often each occurs while they fit; one more than fit where they do not.
    static int Distinct(ReadOnlySpan<double> values, int most, Span<double> nodes, Span<double> weights)
    {
        var found = 0;
        for (var at = 0; at < values.Length; at++)
            if (at > 0 && values[at] == values[at - 1])
                weights[found - 1]++;
            else if (found == most)
                return most + 1;
            else
                (nodes[found], weights[found++]) = (values[at], 1);
        return found;
    }

    // Every new vector is made orthogonal to all before it, twice is not needed at so few steps.
    static int Lanczos(ReadOnlySpan<double> values, double centre, double half, double[] diagonal, double[] beside)
    {
        var basis = new double[diagonal.Length][];
        basis[0] = new double[values.Length];
        basis[0].AsSpan().Fill(1 / Math.Sqrt(values.Length));
        for (var step = 0; step < diagonal.Length; step++)
        {
            var next = new double[values.Length];
            for (var at = 0; at < next.Length; at++)
                next[at] = (values[at] - centre) / half * basis[step][at];
            diagonal[step] = Dot(next, basis[step]);
            for (var before = step; before >= 0; before--)
                Subtract(next, Dot(next, basis[before]), basis[before]);
            beside[step] = Math.Sqrt(Dot(next, next));
            if (step + 1 == diagonal.Length || beside[step] < 1e-13)
                return step + 1;
            basis[step + 1] = Array.ConvertAll(next, value => value / beside[step]);
        }
        return diagonal.Length;
    }

    static double Dot(double[] a, double[] b)
    {
        var (sum, at) = (Vector512<double>.Zero, 0);
        for (; at <= a.Length - Lanes8.Width; at += Lanes8.Width)
            sum = Lanes8.Fused(Lanes8.Load(a, at), Lanes8.Load(b, at), sum);
        var rest = Lanes8.Sum(sum);
        for (; at < a.Length; at++)
            rest += a[at] * b[at];
        return rest;
    }

    static void Subtract(double[] from, double factor, double[] vector)
    {
        for (var at = 0; at < from.Length; at++)
            from[at] -= factor * vector[at];
    }
}
