using System;

namespace CoExpr.Kernels;

/// <summary>One gene's counts above 0, group by group, beside the size factors of their cells.</summary>
public sealed class GeneCounts
{
    readonly SizeFactorNodes nodes;
    readonly int[] bounds;
    readonly double[] totals;

    /// <summary>Work space for one thread.</summary>
    public GeneCounts(SizeFactorNodes nodes)
    {
        this.nodes = nodes;
        bounds = new int[nodes.Groups + 1];
        totals = new double[nodes.Groups];
        Resize(1024);
    }

    /// <summary>Where each group begins among the entries; one more than there are groups.</summary>
    public ReadOnlySpan<int> Bounds => bounds;

    /// <summary>Σ y of each group.</summary>
    public ReadOnlySpan<double> Totals => totals;

    /// <summary>The largest count; 0 of a gene without any.</summary>
    public double Highest { get; private set; }

    internal SizeFactorNodes Groups => nodes;

    /// <summary>Counts, and eight places more.</summary>
    internal double[] Counts { get; private set; } = [];

    /// <summary>Size factors of the same cells.</summary>
    internal double[] Factors { get; private set; } = [];

    /// <summary>Logarithms of the same.</summary>
    internal double[] Logs { get; private set; } = [];

    /// <summary>Takes in a gene.</summary>
    /// <param name="positions">Positions of the cells with a count, increasing.</param>
    /// <param name="values">Their counts, whole numbers above 0.</param>
    /// <param name="starts">Where each group begins among all positions.</param>
    public void Load(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<int> starts)
    {
        if (Counts.Length < positions.Length + Lanes8.Width)
            Resize(2 * positions.Length);
        GroupOrder.Bounds(positions, starts, bounds);
        Gather(positions, values);
        Highest = 0;
        for (var group = 0; group < totals.Length; group++)
        {
            var sum = 0.0;
            for (var at = bounds[group]; at < bounds[group + 1]; at++)
            {
                sum += Counts[at];
                Highest = Math.Max(Highest, Counts[at]);
            }
            totals[group] = sum;
        }
    }

    /// <summary>Mean over all cells of y / s.</summary>
    public double MeanOfScaled()
    {
        var (sum, cells) = (0.0, 0);
        for (var group = 0; group < totals.Length; group++)
        {
            var part = System.Runtime.Intrinsics.Vector512<double>.Zero;
            for (var at = bounds[group]; at < bounds[group + 1]; at += Lanes8.Width)
                part += Lanes8.LoadBefore(Counts, at, bounds[group + 1]) / Lanes8.Load(Factors, at);
            sum += Lanes8.Sum(part);
            cells += nodes.Size(group);
        }
        return cells == 0 ? 0 : sum / cells;
    }

    void Gather(ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
        var (counts, factors, logs) = (Counts, Factors, Logs);
        var (allFactors, allLogs) = (nodes.Factors, nodes.Logs);
        for (var at = 0; at < positions.Length; at++)
        {
            counts[at] = values[at];
            factors[at] = allFactors[positions[at]];
            logs[at] = allLogs[positions[at]];
        }
        // What vectors read beyond the last entry is multiplied by 0, so it must be finite.
        for (var at = positions.Length; at < positions.Length + Lanes8.Width; at++)
            (counts[at], factors[at], logs[at]) = (0, 1, 0);
    }

    void Resize(int entries) =>
        (Counts, Factors, Logs) = (
            new double[entries + Lanes8.Width],
            new double[entries + Lanes8.Width],
            new double[entries + Lanes8.Width]
        );
}
