using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>The profile likelihood of a dispersion at one point.</summary>
/// <param name="Value">Log-likelihood, adjusted as Cox and Reid do, up to a constant.</param>
/// <param name="Slope">Its derivative with respect to ln α.</param>
/// <param name="Curvature">Its second derivative.</param>
public readonly record struct ProfilePoint(double Value, double Slope, double Curvature);

/// <summary>A profile likelihood that <see cref="DispersionFit"/> looks for the maximum of.</summary>
public interface IDispersionProfile
{
    /// <summary>The profile at ln α.</summary>
    /// <param name="logDispersion">ln α.</param>
    /// <param name="coxReid">Whether the adjustment for estimated means is in.</param>
    ProfilePoint At(double logDispersion, bool coxReid);

    /// <summary>Its value alone.</summary>
    double ValueAt(double logDispersion, bool coxReid) => At(logDispersion, coxReid).Value;
}

/// <summary>The measures of a <see cref="DispersionProfile"/>.</summary>
/// <param name="First">The grid point of the first mass.</param>
/// <param name="CellMass">Mass 1 per cell.</param>
/// <param name="CountMass">Mass y per count.</param>
/// <param name="Above">The number of counts above 0, 1, 2 and so on.</param>
/// <param name="Large">Counts above 1,024.</param>
public sealed record StoredProfile(int First, double[] CellMass, double[] CountMass, double[] Above, double[] Large);

/// <summary>What the counts of a gene say about its dispersion, from one pass over them.</summary>
public sealed class DispersionProfile : IDispersionProfile
{
    // With every group's mean held at its Poisson estimate m (ln α and the ln means are orthogonal: Cox and Reid 1987)
    //
    //     ℓ(α) = Σ_k N_k ln(1 + α k) − Σ (y + 1/α) ln(1 + α m s) − ½ Σ_groups ln I,     I = Σ m s / (1 + α m s),
    //
    // N_k being the number of counts above k, k from 1. The middle sum is over all cells: it depends on them only
    // through two measures on v = ln(m s), one with mass 1 per cell (its Gauss nodes) and one with mass y per count.
    // Both are put on a grid of step 1/16, four points to each mass so that cubics in v are exact. The function
    // ln(1 + α e^v) is so smooth that this moves ln α by a thousandth at most where the likelihood has any opinion.
    // After that an α costs some hundred logarithms, however many cells there are.

    const int Steps = 16;
    const int Half = 60 * Steps;
    const int GridPoints = 2 * Half;

    // Counts up to here are kept by their number; the sum of ln(1 + α k) beyond is taken by Euler and Maclaurin.
    const int Listed = 1024;

    static readonly double[] Means = MakeMeans();

    readonly SizeFactorNodes nodes;
    readonly double[] cellMass = new double[GridPoints + Lanes8.Width];
    readonly double[] countMass = new double[GridPoints + Lanes8.Width];
    readonly double[] cellRows = new double[4 * GridPoints];
    readonly double[] countRows = new double[4 * GridPoints];
    readonly double[] above = new double[Listed + 2 * Lanes8.Width];

    // Four histograms side by side: most counts are 1, and additions to one place must wait for each other.
    readonly int[] tallies = new int[4 * Listed];
    readonly List<double> large = [];
    readonly double[] means;
    double highestMean;
    int first = GridPoints;
    int end;
    int tail;

    /// <summary>Work space for one thread.</summary>
    public DispersionProfile(SizeFactorNodes nodes)
    {
        this.nodes = nodes;
        means = new double[nodes.Padded];
    }

    /// <summary>Takes in all groups of a gene.</summary>
    public void Load(GeneCounts gene)
    {
        Clear();
        for (var group = 0; group < nodes.Groups; group++)
            Add(gene, group);
        Accumulate();
    }

    /// <summary>Takes in two groups of a gene.</summary>
    public void Load(GeneCounts gene, int control, int group)
    {
        Clear();
        Add(gene, control);
        Add(gene, group);
        Accumulate();
    }

    /// <summary>What was loaded, in little room: some hundred numbers.</summary>
    public StoredProfile Store() =>
        new(first, Copy(cellMass, first, end), Copy(countMass, first, end), Copy(above, 0, tail), large.ToArray());

    /// <summary>Takes up again what was stored of all groups of a gene.</summary>
    public void Load(StoredProfile stored, GeneCounts gene)
    {
        Clear();
        (first, end, tail) = (stored.First, stored.First + stored.CellMass.Length, stored.Above.Length);
        stored.CellMass.CopyTo(cellMass, first);
        stored.CountMass.CopyTo(countMass, first);
        stored.Above.CopyTo(above, 0);
        large.AddRange(stored.Large);
        for (var group = 0; group < nodes.Groups; group++)
        {
            means[group] = gene.Totals[group] > 0 ? gene.Totals[group] / nodes.Sums[group] : 0;
            highestMean = Math.Max(highestMean, means[group]);
        }
    }

    static double[] Copy(double[] values, int start, int end) =>
        values.AsSpan(start, Math.Max(0, end - start)).ToArray();

    /// <summary>Whether any of the groups has a count.</summary>
    public bool HasCounts => end > 0;

    /// <summary>The profile at ln α.</summary>
    /// <param name="logDispersion">ln α.</param>
    /// <param name="coxReid">Whether the last sum is in.</param>
    public ProfilePoint At(double logDispersion, bool coxReid)
    {
        var alpha = Math.Exp(logDispersion);
        var (value, slope, curvature) = Counted(alpha);
        Middle(alpha, ref value, ref slope, ref curvature);
        if (coxReid)
            Adjust(alpha, ref value, ref slope, ref curvature);
        foreach (var count in large)
            AddLarge(alpha, count, ref value, ref slope, ref curvature);
        return new ProfilePoint(value, slope, curvature);
    }

    /// <inheritdoc/>
    public double ValueAt(double logDispersion, bool coxReid)
    {
        var alpha = Math.Exp(logDispersion);
        if (!coxReid || !nodes.SumAcross.Covers(alpha, highestMean))
            return At(logDispersion, coxReid).Value;
        var (value, slope, curvature) = Counted(alpha);
        Middle(alpha, ref value, ref slope, ref curvature);
        value -= HalfLogInformation(alpha);
        foreach (var count in large)
            AddLarge(alpha, count, ref value, ref slope, ref curvature);
        return value;
    }

    /// <summary>Forgets what was loaded, so that cells and counts can be put to it at means of one's own.</summary>
    internal void Clear()
    {
        if (end > 0)
        {
            Array.Clear(cellMass, first, end - first);
            Array.Clear(countMass, first, end - first);
        }
        Array.Clear(above, 0, tail);
        Array.Clear(tallies, 0, 4 * tail);
        Array.Clear(means);
        highestMean = 0;
        large.Clear();
        (first, end, tail) = (GridPoints, 0, 0);
    }

    void Add(GeneCounts gene, int group)
    {
        var total = gene.Totals[group];
        if (total == 0)
            return;
        var mean = total / nodes.Sums[group];
        var shift = Math.Log(mean);
        means[group] = mean;
        highestMean = Math.Max(highestMean, mean);
        Widen(shift + nodes.LowestLogs[group], shift + nodes.HighestLogs[group]);
        var node = group * nodes.Stride;
        Deposit(cellRows, nodes.NodeLogs, nodes.Weights, node, node + nodes.NodesOf(group), shift);
        Deposit(countRows, gene.Logs, gene.Counts, gene.Bounds[group], gene.Bounds[group + 1], shift);
        tail = Math.Max(tail, (int)Math.Min(gene.Highest, Listed));
        Tally(gene, gene.Bounds[group], gene.Bounds[group + 1]);
    }

    /// <summary>Takes in cells of mean e^(log + shift), each with its weight.</summary>
    /// <param name="logs">From <paramref name="start"/> to before <paramref name="stop"/>, and readable for eight more.</param>
    /// <param name="weights">As long.</param>
    /// <param name="start">The first.</param>
    /// <param name="stop">One beyond the last.</param>
    /// <param name="shift">Added to each logarithm.</param>
    /// <param name="lowest">The smallest logarithm of them and of their counts.</param>
    /// <param name="highest">The largest.</param>
    internal void AddCells(
        double[] logs,
        double[] weights,
        int start,
        int stop,
        double shift,
        double lowest,
        double highest
    )
    {
        Widen(shift + lowest, shift + highest);
        Deposit(cellRows, logs, weights, start, stop, shift);
    }

    /// <summary>Takes in the counts of some cells that <see cref="AddCells"/> has taken in.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="logs">Of each of its counts ln of the cell's mean, less the shift.</param>
    /// <param name="start">The first of the counts.</param>
    /// <param name="stop">One beyond the last.</param>
    /// <param name="shift">Added to each logarithm.</param>
    internal void AddCounts(GeneCounts gene, double[] logs, int start, int stop, double shift)
    {
        Deposit(countRows, logs, gene.Counts, start, stop, shift);
        tail = Math.Max(tail, (int)Math.Min(gene.Highest, Listed));
        Tally(gene, start, stop);
    }

    /// <summary>To be called when all is put in.</summary>
    internal void Finish() => Accumulate();

    void Tally(GeneCounts gene, int start, int end)
    {
        var (counts, into) = (gene.Counts, tallies);
        if (gene.Highest <= Listed)
            for (var at = start; at < end; at++)
                into[4 * ((int)counts[at] - 1) + (at & 3)]++;
        else
            for (var at = start; at < end; at++)
            {
                into[4 * ((int)Math.Min(counts[at], Listed) - 1)]++;
                if (counts[at] > Listed)
                    large.Add(counts[at]);
            }
    }

    // above[k] becomes the number of counts above k.
    void Accumulate()
    {
        Spread(cellRows, cellMass);
        Spread(countRows, countMass);
        for (var k = tail - 1; k >= 0; k--)
        {
            var at = 4 * k;
            above[k] = above[k + 1] + (tallies[at] + tallies[at + 1] + tallies[at + 2] + tallies[at + 3]);
        }
        // What was tallied at k is a count of k + 1.
    }

    // From before the first point of the lowest to beyond the last of the highest; rounding may move either by a place.
    void Widen(double lowest, double highest)
    {
        first = Math.Min(first, Math.Max(0, Place(lowest) - 2));
        end = Math.Max(end, Math.Min(GridPoints, Place(highest) + 4));
    }

    // The grid point at or below v. Beyond e^±59 there are no counts.
    static int Place(double v) => Math.Clamp((int)Math.Floor(v * Steps) + Half, 1, GridPoints - 3);

    // Puts each weight at ln s + shift. The weights of the four points about it, Lagrange's, stand in a row of their own per
    // place until all is in: places that overlap would have to wait for each other to be written.
    static void Deposit(double[] rows, double[] logs, double[] weightOf, int start, int end, double shift)
    {
        Span<double> fractions = stackalloc double[Lanes8.Width];
        Span<double> weights = stackalloc double[Lanes8.Width];
        Span<long> places = stackalloc long[Lanes8.Width];
        ref var row = ref MemoryMarshal.GetArrayDataReference(rows);
        var (least, most) = (Vector512<double>.One, Vector512.Create(GridPoints - 3.0));
        var (steps, origin) = (Vector512.Create((double)Steps), Vector512.Create(shift * Steps + Half));
        for (var at = start; at < end; at += Lanes8.Width)
        {
            var x = Vector512.Min(most, Vector512.Max(least, Lanes8.Fused(Lanes8.Load(logs, at), steps, origin)));
            var floor = Vector512.Floor(x);
            (x - floor).CopyTo(fractions);
            Lanes8.Load(weightOf, at).CopyTo(weights);
            // Within the grid, for x was brought into it.
            Vector512.ShiftLeft(Vector512.ConvertToInt64(floor), 2).CopyTo(places);
            var count = Math.Min(Lanes8.Width, end - at);
            for (var lane = 0; lane < count; lane++)
            {
                var four = Lagrange(Vector256.Create(fractions[lane])) * Vector256.Create(weights[lane]);
                ref var place = ref Unsafe.Add(ref row, (nint)places[lane]);
                (Vector256.LoadUnsafe(ref place) + four).StoreUnsafe(ref place);
            }
        }
    }

    // −t(t−1)(t−2)/6, (t+1)(t−1)(t−2)/2, −(t+1)t(t−2)/2 and (t+1)t(t−1)/6.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Lagrange(Vector256<double> t)
    {
        var cubic = Vector256.Create(-1.0 / 6, 0.5, -0.5, 1.0 / 6);
        cubic = Vector256.FusedMultiplyAdd(cubic, t, Vector256.Create(0.5, -1.0, 0.5, 0.0));
        cubic = Vector256.FusedMultiplyAdd(cubic, t, Vector256.Create(-1.0 / 3, -0.5, 1.0, -1.0 / 6));
        return Vector256.FusedMultiplyAdd(cubic, t, Vector256.Create(0.0, 1.0, 0.0, 0.0));
    }

    // Adds the rows of all places to the points that they are of, and clears them.
    void Spread(double[] rows, double[] mass)
    {
        if (end == 0)
            return;
        for (var place = Math.Max(1, first); place < end - 2; place++)
        for (var point = 0; point < 4; point++)
            mass[place - 1 + point] += rows[4 * place + point];
        rows.AsSpan(4 * first, 4 * (end - first)).Clear();
    }

    // Σ N_k ln(1 + α k), k from 1.
    ProfilePoint Counted(double alpha)
    {
        var (one, step) = (Vector512<double>.One, Vector512.Create(8.0));
        var k = Vector512.Create(1.0, 2, 3, 4, 5, 6, 7, 8);
        var (value, slope, curvature) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var alphas = Vector512.Create(alpha);
        for (var at = 1; at < tail; at += Lanes8.Width)
        {
            var n = Lanes8.Load(above, at);
            var x = alphas * k;
            var r = one / (one + x);
            value += n * Lanes8.LogOnePlus(x);
            slope += n * x * r;
            curvature += n * x * r * r;
            k += step;
        }
        return new ProfilePoint(Lanes8.Sum(value), Lanes8.Sum(slope), Lanes8.Sum(curvature));
    }

    void Middle(double alpha, ref double value, ref double slope, ref double curvature)
    {
        var (one, alphas, size) = (Vector512<double>.One, Vector512.Create(alpha), Vector512.Create(1 / alpha));
        var (v, s, c) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        for (var at = first; at < end; at += Lanes8.Width)
        {
            var (cells, counts, mean) = (
                Lanes8.LoadBefore(cellMass, at, end),
                Lanes8.LoadBefore(countMass, at, end),
                Lanes8.Load(Means, at)
            );
            var x = alphas * mean;
            var r = one / (one + x);
            var log = Lanes8.LogOnePlus(x);
            var (xr, loss) = (x * r, (log - x * r) * size);
            v += (cells * size + counts) * log;
            s += cells * loss - counts * xr;
            c += cells * (mean * xr * r - loss) - counts * xr * r;
        }
        value -= Lanes8.Sum(v);
        slope += Lanes8.Sum(s);
        curvature += Lanes8.Sum(c);
    }

    // ½ Σ ln I. Of several groups in a lane the information is multiplied before the logarithm is taken.
    double HalfLogInformation(double alpha)
    {
        const int Together = 6 * Lanes8.Width;
        var (sum, one, alphas) = (Vector512<double>.Zero, Vector512<double>.One, Vector512.Create(alpha));
        for (var start = 0; start < means.Length; start += Together)
        {
            var p = one;
            for (var group = start; group < Math.Min(start + Together, means.Length); group += Lanes8.Width)
            {
                var mean = Lanes8.Load(means, group);
                var used = Vector512.GreaterThan(mean, Vector512<double>.Zero);
                var (numerator, denominator) = nodes.SumAcross.Values(group, alphas * mean);
                p *= Vector512.ConditionalSelect(used, mean * numerator / denominator, one);
            }
            sum += Lanes8.Log(p);
        }
        return Lanes8.Sum(sum) / 2;
    }

    void Adjust(double alpha, ref double value, ref double slope, ref double curvature)
    {
        if (nodes.SumAcross.Covers(alpha, highestMean))
            AdjustByRatios(alpha, ref value, ref slope, ref curvature);
        else
            AdjustByNodes(alpha, ref value, ref slope, ref curvature);
    }

    // −½ Σ ln I and its derivatives.
    void AdjustByRatios(double alpha, ref double value, ref double slope, ref double curvature)
    {
        var (v, s, c) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        for (var group = 0; group < means.Length; group += Lanes8.Width)
        {
            var mean = Lanes8.Load(means, group);
            // Groups without counts are as if they were not there.
            var used = Vector512.GreaterThan(mean, Vector512<double>.Zero);
            var (h, h1, h2) = nodes.SumAcross.Derivatives(group, Vector512.Create(alpha) * mean);
            v += Lanes8.Log(Vector512.ConditionalSelect(used, mean * h, Vector512<double>.One));
            s += used & h1;
            c += used & h2;
        }
        value -= Lanes8.Sum(v) / 2;
        slope -= Lanes8.Sum(s) / 2;
        curvature -= Lanes8.Sum(c) / 2;
    }

    // −½ Σ ln I of eight groups at a time. With h = I / m, a prime being ∂/∂ ln α: h' = −Σ s x r², h'' = h' + 2 Σ s x² r³
    // where x = α m s and r = 1 / (1 + x).
    void AdjustByNodes(double alpha, ref double value, ref double slope, ref double curvature)
    {
        var (v, s, c) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        var one = Vector512<double>.One;
        for (var group = 0; group < means.Length; group += Lanes8.Width)
        {
            var mean = Lanes8.Load(means, group);
            var t = Vector512.Create(alpha) * mean;
            var (h, h1, h2) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
            for (var node = 0; node < nodes.Width; node++)
            {
                var at = node * nodes.Padded + group;
                var factor = Lanes8.Load(nodes.NodesAcross, at);
                var x = t * factor;
                var r = one / (one + x);
                var sr = Lanes8.Load(nodes.WeightsAcross, at) * factor * r;
                h += sr;
                var xr = x * r;
                h1 -= sr * xr;
                h2 += sr * xr * xr;
            }
            // Groups without counts are as if they were not there.
            var used = Vector512.GreaterThan(mean, Vector512<double>.Zero);
            var information = Vector512.ConditionalSelect(used, mean * h, one);
            var ratio = used & (h1 / Vector512.ConditionalSelect(used, h, one));
            v += Lanes8.Log(information);
            s += ratio;
            c += ratio + (used & (h2 + h2) / Vector512.ConditionalSelect(used, h, one)) - ratio * ratio;
        }
        value -= Lanes8.Sum(v) / 2;
        slope -= Lanes8.Sum(s) / 2;
        curvature -= Lanes8.Sum(c) / 2;
    }

    // Σ f(k), k from 1,024 to before y, f(k) = ln(1 + α k): ∫ f + [−f/2 + f'/12 − f'''/720] between the ends; what is
    // left out is below 1e-15 there.
    static void AddLarge(double alpha, double count, ref double value, ref double slope, ref double curvature)
    {
        var (v1, s1, c1) = Antiderivative(alpha, count);
        var (v0, s0, c0) = Antiderivative(alpha, Listed);
        value += v1 - v0;
        slope += s1 - s0;
        curvature += c1 - c0;
    }

    static ProfilePoint Antiderivative(double alpha, double k)
    {
        var x = alpha * k;
        var r = 1 / (1 + x);
        var log = x < 1e-4 ? x - x * x / 2 + x * x * x / 3 : Math.Log(1 + x);
        var ar = alpha * r;
        // ∫ ln(1 + αk) dk = (k + 1/α) ln(1 + αk) − k. Its derivative with respect to ln α is k − ln(1 + αk)/α.
        var value = x < 1e-4 ? k * (x / 2 - x * x / 6 + x * x * x / 12) : (k + 1 / alpha) * log - k;
        var slope = x < 1e-4 ? k * (x / 2 - x * x / 3 + x * x * x / 4) : k - log / alpha;
        var curvature = log / alpha - k * r;
        if (x < 1e-4)
            curvature = k * (x / 2 - 2 * x * x / 3 + 3 * x * x * x / 4);
        return new ProfilePoint(
            value - log / 2 + ar / 12 - ar * ar * ar / 360,
            slope - x * r / 2 + ar * r / 12,
            curvature - x * r * r / 2 + ar * r * (1 - x) * r / 12
        );
    }

    static double[] MakeMeans()
    {
        var means = new double[GridPoints + Lanes8.Width];
        for (var at = 0; at < means.Length; at++)
            means[at] = Math.Exp((double)(at - Half) / Steps);
        return means;
    }
}
