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

    // Terms stand group beside group, eight at a time, so that what follows from them is found for eight groups at once.

    internal const int Terms = 16;

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
        : this(nodes, nodes.Padded) { }

    GroupSeries(SizeFactorNodes nodes, int places)
    {
        this.nodes = nodes;
        series = new double[places * Terms];
        points = new double[places];
        reaches = new double[places];
        totals = new double[places];
    }

    /// <summary>The means of largest likelihood of some groups, as <see cref="GroupFit.Mean"/> has them, and the groups'
    /// series, which are kept until the next gene's.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="control">The group at whose mean the others' series should be good, too: near it is what they share under
    /// the hypothesis.</param>
    /// <param name="groups">The others.</param>
    /// <param name="means">Receives the means, one per group of the gene: 0 of groups without counts and of those that were
    /// not asked for, NaN where 60 steps do not reach it.</param>
    public void Fit(GeneCounts gene, double dispersion, int control, ReadOnlySpan<int> groups, Span<double> means)
    {
        points.AsSpan().Clear();
        Expand(gene, control, dispersion, double.NaN);
        Solve(gene, dispersion, control, control + 1, means);
        var reference = means[control];
        foreach (var group in groups)
            if (group != control)
                Expand(gene, group, dispersion, reference);
        Solve(gene, dispersion, 0, means.Length, means);
        means[control] = reference;
    }

    /// <summary>The mean of one group as <see cref="Fit"/> finds it.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="group">The group.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="other">Another mean that the series should be good at; NaN or 0 for none.</param>
    public double Mean(GeneCounts gene, int group, double dispersion, double other)
    {
        Span<double> means = stackalloc double[Lanes8.Width];
        Expand(gene, group, dispersion, other);
        var first = group / Lanes8.Width * Lanes8.Width;
        Solve(gene, dispersion, group, group + 1, means[..(group - first + 1)], first);
        return means[group - first];
    }

    // The groups from one to before another; the means are of the groups from an offset on.
    void Solve(GeneCounts gene, double dispersion, int start, int end, Span<double> means, int offset = 0)
    {
        Span<double> roots = stackalloc double[Lanes8.Width];
        for (var first = start / Lanes8.Width * Lanes8.Width; first < end; first += Lanes8.Width)
        {
            Roots(first, Lanes8.Before(first, end) & ~Lanes8.Before(first, Math.Max(start, first))).CopyTo(roots);
            for (var group = Math.Max(start, first); group < Math.Min(end, first + Lanes8.Width); group++)
            {
                var root = roots[group - first];
                means[group - offset] =
                    points[group] == 0 ? 0
                    : Covers(group, root) ? root
                    : GroupFit.Mean(gene, group, dispersion);
            }
        }
    }

    // Half of the way, unless the other is too far for one series.
    static double Between(double own, double other) => other > own / 4 && other < own * 4 ? (own + other) / 2 : own;

    void Expand(GeneCounts gene, int group, double dispersion, double other)
    {
        points[group] = 0;
        var total = gene.Totals[group];
        if (total == 0)
            return;
        var mean = Between(total / nodes.Sums[group], other);
        var t = dispersion * mean;
        var last = Sum(gene, group, t, 1 / dispersion, ref series[PlaceOf(group)]);
        (points[group], totals[group]) = (mean, total);
        var top = t * nodes.HighestFactors[group];
        reaches[group] = Reach(last, top / (1 + top), total);
    }

    static int PlaceOf(int group) => group / Lanes8.Width * (Lanes8.Width * Terms) + group % Lanes8.Width;

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

    // Σ ω q^k, ω being y of the counts and w / α of the nodes, each eight places after the other; gives the last.
    static double Sum(GeneCounts gene, int group, double t, double size, ref double into)
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
        Put(Lanes8.Sums(a1, a2, a3, a4, a5, a6, a7, a8), ref into);
        var rest = Lanes8.Sums(a9, a10, a11, a12, a13, a14, a15, a16);
        Put(rest, ref Unsafe.Add(ref into, Lanes8.Width * Lanes8.Width));
        return rest[Lanes8.Width - 1];
    }

    static void Put(Vector512<double> terms, ref double into)
    {
        for (var term = 0; term < Lanes8.Width; term++)
            Unsafe.Add(ref into, term * Lanes8.Width) = terms[term];
    }

    // Halley's first step from the point, then Newton's. NaN where a group was not wanted or does not reach its root.
    Vector512<double> Roots(int first, Vector512<double> wanted)
    {
        var (one, place) = (Vector512<double>.One, first * Terms);
        var (point, nothing) = (Lanes8.Load(points, first), Vector512.Create(double.NaN));
        var (d1, d2, d3) = (Term(place, 0), Term(place, 1), Term(place, 2));
        var (score, slope, bend) = (Lanes8.Load(totals, first) - d1, d1 - d2, d2 - d3);
        var change = score / slope;
        change = score / (slope - change * bend);
        var running = wanted & Vector512.GreaterThan(point, Vector512<double>.Zero) & IsNear(change);
        var roots = nothing;
        for (var step = 0; step < MostSteps && Lanes8.Any(running); step++)
        {
            var (left, observed) = Score(first, change);
            var further = left / observed;
            change += further * (one + change);
            // Convergence is quadratic: a step of 1e-5 leaves an error of about its square.
            var isFound = running & Vector512.LessThan(Vector512.Abs(further), Vector512.Create(1e-5));
            roots = Vector512.ConditionalSelect(isFound, point * (one + change), roots);
            running = Vector512.AndNot(running, isFound) & IsNear(change);
        }
        return roots;
    }

    static Vector512<double> IsNear(Vector512<double> change) =>
        Vector512.GreaterThan(change, Vector512.Create(-0.9)) & Vector512.LessThan(change, Vector512.Create(4.0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<double> Term(int place, int term) => Lanes8.Load(series, place + term * Lanes8.Width);

    /// <summary>The points of eight groups; 0 where there is no series.</summary>
    internal Vector512<double> Points(int first) => Lanes8.Load(points, first);

    /// <summary>Y of eight groups.</summary>
    internal Vector512<double> Totals(int first) => Lanes8.Load(totals, first);

    /// <summary>Whether the series of a group is good at a mean.</summary>
    public bool Covers(int group, double mean) =>
        points[group] > 0 && Math.Abs(mean - points[group]) <= reaches[group] * points[group];

    /// <summary>The same of eight groups, each at its mean.</summary>
    internal Vector512<double> Covers(int first, Vector512<double> means)
    {
        var point = Points(first);
        return Vector512.GreaterThan(point, Vector512<double>.Zero)
            & Vector512.LessThanOrEqual(Vector512.Abs(means - point), Lanes8.Load(reaches, first) * point);
    }

    /// <summary>∂ℓ/∂β and −∂²ℓ/∂β² of eight groups, each at its δ.</summary>
    // G = Σ x^j D_(j+1) and its derivative by Horner's scheme, x = −δ.
    internal (Vector512<double> Score, Vector512<double> Observed) Score(int first, Vector512<double> change)
    {
        var (place, x) = (first * Terms, Vector512<double>.Zero - change);
        var (g, slope) = (Term(place, Terms - 1), Vector512<double>.Zero);
        for (var term = Terms - 2; term >= 0; term--)
        {
            slope = Lanes8.Fused(slope, x, g);
            g = Lanes8.Fused(g, x, Term(place, term));
        }
        var scale = Vector512<double>.One + change;
        var expected = scale * g;
        return (Totals(first) - expected, expected - scale * scale * slope);
    }

    /// <summary>Σ_k (−δ)^k D_k / k of eight groups, each at its δ.</summary>
    internal Vector512<double> Rest(int first, Vector512<double> change)
    {
        var (place, x, sum) = (first * Terms, Vector512<double>.Zero - change, Vector512<double>.Zero);
        for (var term = Terms - 1; term >= 0; term--)
            sum = Lanes8.Fused(sum, x, Term(place, term) * Vector512.Create(Inverses[term]));
        return sum * x;
    }

    // 1 / k, from k = 1 on.
    static readonly double[] Inverses = MakeInverses();

    static double[] MakeInverses()
    {
        var inverses = new double[Terms];
        for (var term = 0; term < Terms; term++)
            inverses[term] = 1.0 / (term + 1);
        return inverses;
    }

    /// <summary>∂ℓ/∂β and −∂²ℓ/∂β² of a group at a mean that is covered.</summary>
    internal (double Score, double Observed) Score(int group, double mean)
    {
        var (score, observed) = Score(FirstOf(group), Vector512.Create(mean / points[group] - 1));
        return (score[group % Lanes8.Width], observed[group % Lanes8.Width]);
    }

    /// <summary>ℓ of a group at a mean less ℓ at another, both of them covered.</summary>
    internal double LogRatio(int group, double mean, double other) =>
        totals[group] * Math.Log(mean / other) + Rest(group, mean) - Rest(group, other);

    double Rest(int group, double mean) =>
        Rest(FirstOf(group), Vector512.Create(mean / points[group] - 1))[group % Lanes8.Width];

    static int FirstOf(int group) => group / Lanes8.Width * Lanes8.Width;

    /// <summary>The series of one group in all eight places.</summary>
    internal void Spread(int group, GroupSeries target)
    {
        for (var term = 0; term < Terms; term++)
            Vector512
                .Create(series[PlaceOf(group) + term * Lanes8.Width])
                .CopyTo(target.series.AsSpan(term * Lanes8.Width));
        target.points.AsSpan(0, Lanes8.Width).Fill(points[group]);
        target.reaches.AsSpan(0, Lanes8.Width).Fill(reaches[group]);
        target.totals.AsSpan(0, Lanes8.Width).Fill(totals[group]);
    }

    /// <summary>Room for one group in eight places.</summary>
    internal GroupSeries Alone() => new(nodes, Lanes8.Width);
}
