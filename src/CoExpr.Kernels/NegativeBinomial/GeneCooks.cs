using System;

namespace CoExpr.Kernels;

/// <summary>The cell that moves a comparison of two groups most.</summary>
/// <param name="Distance">Its Cook's distance; NaN where neither group has three cells.</param>
/// <param name="Position">Its position; −1 where there is none.</param>
/// <param name="IsOutlier">Whether the distance is beyond the limit, and fewer than three cells of the two groups have a
/// higher count.</param>
public readonly record struct LargestCook(double Distance, int Position, bool IsOutlier);

/// <summary>The positions of each group, largest size factor first. One serves all threads.</summary>
public sealed class FactorOrder
{
    /// <summary>Sorts the positions of every group.</summary>
    public FactorOrder(SizeFactorNodes nodes, int[] starts)
    {
        Starts = starts;
        Positions = new int[starts[^1]];
        var keys = new double[Positions.Length];
        for (var position = 0; position < keys.Length; position++)
            (Positions[position], keys[position]) = (position, -nodes.Factors[position]);
        for (var group = 0; group + 1 < starts.Length; group++)
            Sort(keys, starts[group], starts[group + 1] - starts[group]);
    }

    internal int[] Starts { get; }

    internal int[] Positions { get; }

    // Equal factors in the order of the positions: a sort that is not stable must not decide which cell is named.
    void Sort(double[] keys, int first, int count) =>
        Positions.AsSpan(first, count).Sort((a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));
}

/// <summary>Cook's distances of the cells of one gene in comparisons of two groups (Cook 1977), with a dispersion that a
/// single count does not move (Love, Huber and Anders 2014). One serves one thread.</summary>
public sealed class GeneCooks
{
    // Of two coefficients, the two groups' intercepts, a cell's leverage is its share in the information of its own group,
    // h = W / Σ W with W = μ / (1 + α μ), and with the robust dispersion a
    //
    //     D = (y − μ)² / (μ + a μ²) / 2 · h / (1 − h)².
    //
    // A cell without a count has D = ½ μ / (1 + a μ) · h / (1 − h)², which rises with its size factor whatever a: of all those
    // of a group only the one with the largest need be looked at. 1 / D is linear in a. A control that many perturbations
    // are compared with, each with an a of its own, has the lower envelope of these lines made once, and then a search in it
    // for each.

    const double LeastDispersion = 0.04;
    const int LeastCells = 3;

    readonly SizeFactorNodes nodes;
    readonly FactorOrder order;
    readonly int[] bounds;
    readonly double[] means;
    readonly double[] variances;
    readonly double[] totals;
    int[] positions = [];
    float[] values = [];
    double[] scaled = [];
    double dispersion;
    int entries;

    // The lines of one reference: 1 / D = intercept + a · slope, steepest first, and where each begins to be the lowest.
    int enveloped = -1;
    int lines;
    (double Slope, double Intercept, int Position)[] envelope = [];

    /// <summary>Work space for one thread.</summary>
    public GeneCooks(SizeFactorNodes nodes, FactorOrder order)
    {
        (this.nodes, this.order) = (nodes, order);
        bounds = new int[order.Starts.Length];
        means = new double[nodes.Groups];
        variances = new double[nodes.Groups];
        totals = new double[nodes.Groups];
    }

    /// <summary>Takes in a gene.</summary>
    /// <param name="positions">Positions of the cells with a count, increasing.</param>
    /// <param name="values">Their counts, whole numbers above 0.</param>
    public void Load(ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
        if (this.positions.Length < positions.Length)
            (this.positions, this.values, scaled, envelope) = (
                new int[2 * positions.Length],
                new float[2 * positions.Length],
                new double[2 * positions.Length],
                new (double, double, int)[2 * positions.Length + 1]
            );
        if (envelope.Length == 0)
            envelope = new (double, double, int)[1];
        positions.CopyTo(this.positions);
        values.CopyTo(this.values);
        entries = positions.Length;
        GroupOrder.Bounds(positions, order.Starts, bounds);
        variances.AsSpan().Fill(-1);
        enveloped = -1;
    }

    /// <summary>Takes the gene's fit.</summary>
    /// <param name="dispersion">The dispersion that groups were fitted with, above 0.</param>
    /// <param name="group">A group.</param>
    /// <param name="mean">Its mean count in a cell of size factor 1.</param>
    public void Fit(double dispersion, int group, double mean) => (this.dispersion, means[group]) = (dispersion, mean);

    /// <summary>The cell of largest distance in a comparison of two groups.</summary>
    /// <param name="group">A group.</param>
    /// <param name="reference">The one that it is compared with.</param>
    /// <param name="limit">The distance beyond which a count is an outlier.</param>
    public LargestCook Largest(int group, int reference, double limit)
    {
        var robust = RobustDispersion(group, reference);
        var own = nodes.Size(group) < LeastCells ? (double.NaN, -1) : Highest(group, robust);
        var other = nodes.Size(reference) < LeastCells ? (double.NaN, -1) : InEnvelope(reference, robust);
        var (distance, position) = double.IsNaN(own.Item1) || other.Item1 > own.Item1 ? other : own;
        return new(distance, position, distance > limit && Above(CountAt(position), group, reference) < 3);
    }

    /// <summary>(v − m) / m² of the robust variance of y / s, 0.04 or more.</summary>
    public double RobustDispersion(int group, int reference)
    {
        var (own, other) = (VarianceOf(group), VarianceOf(reference));
        var cells = nodes.Size(group) + nodes.Size(reference);
        var mean = (totals[group] + totals[reference]) / cells;
        var (hasOwn, hasOther) = (nodes.Size(group) >= LeastCells, nodes.Size(reference) >= LeastCells);
        if (!hasOwn && !hasOther)
            return LeastDispersion;
        var variance = Math.Max(hasOwn ? own : 0, hasOther ? other : 0);
        return Math.Max(LeastDispersion, (variance - mean) / (mean * mean));
    }

    static (double Trim, double Scale) Trimming(int cells) =>
        cells <= 3 ? (1.0 / 3, 2.04)
        : cells <= 23 ? (1.0 / 4, 1.86)
        : (1.0 / 8, 1.51);

    // The trimmed mean of squared deviations from the trimmed mean, scaled; once for each gene and group.
    double VarianceOf(int group)
    {
        if (variances[group] >= 0)
            return variances[group];
        var (start, count, cells) = (bounds[group], bounds[group + 1] - bounds[group], nodes.Size(group));
        var (trim, scale) = Trimming(cells);
        var own = scaled.AsSpan(0, count);
        for (var at = 0; at < count; at++)
            own[at] = values[start + at] / nodes.Factors[positions[start + at]];
        totals[group] = 0;
        foreach (var value in own)
            totals[group] += value;
        var centre = TrimmedMean(own, 0, cells, trim);
        for (var at = 0; at < count; at++)
            own[at] = (own[at] - centre) * (own[at] - centre);
        return variances[group] = scale * TrimmedMean(own, centre * centre, cells, trim);
    }

    // Of these values, and of as many equal ones as are wanting to so many cells; sorts the values.
    static double TrimmedMean(Span<double> some, double others, int cells, double trim)
    {
        some.Sort();
        var below = some.BinarySearch(others);
        below = below < 0 ? ~below : below;
        var equal = cells - some.Length;
        var cut = (int)Math.Floor(cells * trim);
        var (first, end) = (cut, cells - cut);
        var sum = 0.0;
        for (var at = first; at < Math.Min(end, below); at++)
            sum += some[at];
        sum += others * Math.Max(0, Math.Min(end, below + equal) - Math.Max(first, below));
        for (var at = Math.Max(first, below + equal); at < end; at++)
            sum += some[at - equal];
        return sum / (end - first);
    }

    // c of D = c / (μ + a μ²), and μ.
    (double Weight, double Mean) Terms(int group, double information, int position, double count)
    {
        var mean = means[group] * nodes.Factors[position];
        var leverage = mean / (1 + dispersion * mean) / information;
        var (deviation, outside) = (count - mean, 1 - leverage);
        return (deviation * deviation / 2 * leverage / (outside * outside), mean);
    }

    // The position without a count that has the largest size factor; −1 where every cell has a count.
    int LargestZero(int group)
    {
        var own = positions.AsSpan(bounds[group], bounds[group + 1] - bounds[group]);
        if (own.Length == nodes.Size(group))
            return -1;
        var at = order.Starts[group];
        while (own.BinarySearch(order.Positions[at]) >= 0)
            at++;
        return order.Positions[at];
    }

    (double, int) Highest(int group, double robust)
    {
        if (means[group] == 0)
            return (0, order.Positions[order.Starts[group]]);
        var information = GroupFit.Information(nodes, group, dispersion, means[group]);
        var (best, where) = (-1.0, -1);
        var zero = LargestZero(group);
        if (zero >= 0)
            Take(zero, 0);
        for (var at = bounds[group]; at < bounds[group + 1]; at++)
            Take(positions[at], values[at]);
        return (best, where);

        void Take(int position, double count)
        {
            var (weight, mean) = Terms(group, information, position, count);
            var distance = weight / (mean + robust * mean * mean);
            if (distance > best)
                (best, where) = (distance, position);
        }
    }

    (double, int) InEnvelope(int group, double robust)
    {
        if (means[group] == 0)
            return (0, order.Positions[order.Starts[group]]);
        if (enveloped != group)
            MakeEnvelope(group);
        // Values along the lines' order fall and then rise.
        var (low, high) = (0, lines - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (At(middle) <= At(middle + 1))
                high = middle;
            else
                low = middle + 1;
        }
        return lines == 0 ? (0, order.Positions[order.Starts[group]]) : (1 / At(low), envelope[low].Position);

        double At(int line) => envelope[line].Intercept + robust * envelope[line].Slope;
    }

    void MakeEnvelope(int group)
    {
        var information = GroupFit.Information(nodes, group, dispersion, means[group]);
        var found = 0;
        var zero = LargestZero(group);
        if (zero >= 0)
            Add(zero, 0);
        for (var at = bounds[group]; at < bounds[group + 1]; at++)
            Add(positions[at], values[at]);
        // Steepest first: the lowest at small a first, since what is steep and not lower there is never lowest.
        envelope
            .AsSpan(0, found)
            .Sort(
                (a, b) =>
                    a.Slope != b.Slope ? b.Slope.CompareTo(a.Slope)
                    : a.Intercept != b.Intercept ? a.Intercept.CompareTo(b.Intercept)
                    : a.Position.CompareTo(b.Position)
            );
        (lines, enveloped) = (0, group);
        for (var next = 0; next < found; next++)
            Push(envelope[next]);

        void Add(int position, double count)
        {
            var (weight, mean) = Terms(group, information, position, count);
            if (weight > 0)
                envelope[found++] = (mean * mean / weight, mean / weight, position);
        }
    }

    // Lines come with falling slope; the last is dropped while it is lowest nowhere.
    void Push((double Slope, double Intercept, int Position) line)
    {
        if (lines > 0 && envelope[lines - 1].Slope == line.Slope)
            return;
        while (lines > 0 && envelope[lines - 1].Intercept >= line.Intercept)
            lines--;
        while (lines > 1 && Crossing(lines - 2, line) <= Crossing(lines - 2, envelope[lines - 1]))
            lines--;
        envelope[lines++] = line;
    }

    double Crossing(int first, (double Slope, double Intercept, int Position) line) =>
        (line.Intercept - envelope[first].Intercept) / (envelope[first].Slope - line.Slope);

    double CountAt(int position)
    {
        var at = positions.AsSpan(0, entries).BinarySearch(position);
        return at < 0 ? 0 : values[at];
    }

    // How many cells of two groups have a higher count.
    int Above(double count, int group, int reference)
    {
        var above = 0;
        foreach (var one in (ReadOnlySpan<int>)[group, reference])
            for (var at = bounds[one]; at < bounds[one + 1]; at++)
                if (values[at] > count)
                    above++;
        return above;
    }
}
