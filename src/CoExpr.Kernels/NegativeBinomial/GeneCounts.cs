using System;
using System.Runtime.Intrinsics;

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
    /// <param name="forProfile">Whether a <see cref="DispersionProfile"/> is to be made of it.</param>
    public void Load(
        ReadOnlySpan<int> positions,
        ReadOnlySpan<float> values,
        ReadOnlySpan<int> starts,
        bool forProfile = true
    )
    {
        if (Counts.Length < positions.Length + Lanes8.Width)
            Resize(2 * positions.Length);
        GroupOrder.Bounds(positions, starts, bounds);
        Gather(positions, values);
        if (forProfile)
            GatherLogs(positions);
        Highest = 0;
        for (var group = 0; group < totals.Length; group++)
            totals[group] = Sum(bounds[group], bounds[group + 1]);
    }

    double Sum(int start, int end)
    {
        var (sum, highest) = (Vector512<double>.Zero, Vector512<double>.Zero);
        for (var at = start; at < end; at += Lanes8.Width)
        {
            var counts = Lanes8.LoadBefore(Counts, at, end);
            sum += counts;
            highest = Vector512.Max(highest, counts);
        }
        for (var lane = 0; end > start && lane < Lanes8.Width; lane++)
            Highest = Math.Max(Highest, highest.GetElement(lane));
        return Lanes8.Sum(sum);
    }

    /// <summary>Mean over all cells of y / s.</summary>
    public double MeanOfScaled()
    {
        var (sum, cells) = (0.0, 0);
        for (var group = 0; group < totals.Length; group++)
        {
            var part = Vector512<double>.Zero;
            for (var at = bounds[group]; at < bounds[group + 1]; at += Lanes8.Width)
                part += Lanes8.LoadBefore(Counts, at, bounds[group + 1]) / Lanes8.Load(Factors, at);
            sum += Lanes8.Sum(part);
            cells += nodes.Size(group);
        }
        return cells == 0 ? 0 : sum / cells;
    }

    void Gather(ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
        var (counts, factors, all) = (Counts, Factors, nodes.Factors);
        for (var at = 0; at < positions.Length; at++)
        {
            counts[at] = values[at];
            factors[at] = all[positions[at]];
        }
        // What vectors read beyond the last entry is multiplied by 0, so it must be finite.
        counts.AsSpan(positions.Length, Lanes8.Width).Clear();
        factors.AsSpan(positions.Length, Lanes8.Width).Fill(1);
    }

    void GatherLogs(ReadOnlySpan<int> positions)
    {
        var (logs, all) = (Logs, nodes.Logs);
        for (var at = 0; at < positions.Length; at++)
            logs[at] = all[positions[at]];
        logs.AsSpan(positions.Length, Lanes8.Width).Clear();
    }

    void Resize(int entries) =>
        (Counts, Factors, Logs) = (
            new double[entries + Lanes8.Width],
            new double[entries + Lanes8.Width],
            new double[entries + Lanes8.Width]
        );
}
