using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>One gene's counts above 0, group by group, beside the size factors of their cells.</summary>
public sealed class GeneCounts
{
    readonly SizeFactorNodes nodes;
    readonly int[] bounds;
    readonly double[] totals;
    double? sumOfScaled;

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
        Take(positions, values, starts);
        Gather(positions, nodes.Factors, Factors, 1);
        if (forProfile)
            Gather(positions, nodes.NarrowLogs, Logs);
        sumOfScaled = null;
    }

    /// <summary>Takes in a gene of which only a <see cref="DispersionProfile"/> and <see cref="MeanOfScaled"/> are wanted:
    /// size factors are then read once and not kept.</summary>
    /// <param name="positions">Positions of the cells with a count, increasing.</param>
    /// <param name="values">Their counts, whole numbers above 0.</param>
    /// <param name="starts">Where each group begins among all positions.</param>
    public void LoadForProfile(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<int> starts)
    {
        Take(positions, values, starts);
        sumOfScaled = GatherScaled(positions);
    }

    void Take(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<int> starts)
    {
        if (Counts.Length < positions.Length + Lanes8.Width)
            Resize(2 * positions.Length);
        // They increase, so that the first and the last tell whether all are known.
        if (positions.Length > 0 && (positions[0] < 0 || positions[^1] >= nodes.Factors.Length))
            throw new ArgumentOutOfRangeException(
                nameof(positions),
                $"{positions[0]} to {positions[^1]} of {nodes.Factors.Length} cells"
            );
        GroupOrder.Bounds(positions, starts, bounds);
        Widen(values);
        for (var group = 0; group < totals.Length; group++)
            totals[group] = Sum(bounds[group], bounds[group + 1]);
    }

    double Sum(int start, int end)
    {
        var sum = Vector512<double>.Zero;
        for (var at = start; at < end; at += Lanes8.Width)
            sum += Lanes8.LoadBefore(Counts, at, end);
        return Lanes8.Sum(sum);
    }

    // Takes the logarithms of size factors; gives Σ y / s, in four sums, so that one addition need not wait for the other.
    double GatherScaled(ReadOnlySpan<int> positions)
    {
        ref var logs = ref MemoryMarshal.GetArrayDataReference(nodes.NarrowLogs);
        ref var inverses = ref MemoryMarshal.GetArrayDataReference(nodes.InverseFactors);
        ref var counts = ref MemoryMarshal.GetArrayDataReference(Counts);
        ref var target = ref MemoryMarshal.GetArrayDataReference(Logs);
        var (a, b, c, d, at) = (0.0, 0.0, 0.0, 0.0, 0);
        for (; at <= positions.Length - 4; at += 4)
        {
            var where = positions.Slice(at, 4);
            Unsafe.Add(ref target, at) = Unsafe.Add(ref logs, where[0]);
            Unsafe.Add(ref target, at + 1) = Unsafe.Add(ref logs, where[1]);
            Unsafe.Add(ref target, at + 2) = Unsafe.Add(ref logs, where[2]);
            Unsafe.Add(ref target, at + 3) = Unsafe.Add(ref logs, where[3]);
            a += Unsafe.Add(ref counts, at) * Unsafe.Add(ref inverses, where[0]);
            b += Unsafe.Add(ref counts, at + 1) * Unsafe.Add(ref inverses, where[1]);
            c += Unsafe.Add(ref counts, at + 2) * Unsafe.Add(ref inverses, where[2]);
            d += Unsafe.Add(ref counts, at + 3) * Unsafe.Add(ref inverses, where[3]);
        }
        for (; at < positions.Length; at++)
        {
            Unsafe.Add(ref target, at) = Unsafe.Add(ref logs, positions[at]);
            a += Unsafe.Add(ref counts, at) * Unsafe.Add(ref inverses, positions[at]);
        }
        Logs.AsSpan(positions.Length, Lanes8.Width).Clear();
        return a + b + (c + d);
    }

    /// <summary>Mean over all cells of y / s.</summary>
    public double MeanOfScaled()
    {
        var cells = 0;
        for (var group = 0; group < totals.Length; group++)
            cells += nodes.Size(group);
        return cells == 0 ? 0 : (sumOfScaled ?? ScaledSum()) / cells;
    }

    double ScaledSum()
    {
        var sum = Vector512<double>.Zero;
        for (var at = 0; at < bounds[^1]; at += Lanes8.Width)
            sum += Lanes8.LoadBefore(Counts, at, bounds[^1]) / Lanes8.Load(Factors, at);
        return Lanes8.Sum(sum);
    }

    // As doubles, with the largest.
    void Widen(ReadOnlySpan<float> values)
    {
        var (counts, at, highest) = (Counts, 0, Vector512<double>.Zero);
        for (; at <= values.Length - Lanes8.Width; at += Lanes8.Width)
        {
            var eight = Vector256.Create(values[at..]);
            var wide = Vector512.Create(Vector256.WidenLower(eight), Vector256.WidenUpper(eight));
            highest = Vector512.Max(highest, wide);
            wide.CopyTo(counts, at);
        }
        Highest = 0;
        for (var lane = 0; lane < Lanes8.Width; lane++)
            Highest = Math.Max(Highest, highest.GetElement(lane));
        for (; at < values.Length; at++)
            Highest = Math.Max(Highest, counts[at] = values[at]);
        // What vectors read beyond the last entry is multiplied by 0, so it must be finite.
        counts.AsSpan(values.Length, Lanes8.Width).Clear();
    }

    static void Gather(ReadOnlySpan<int> positions, double[] from, double[] to, double beyond)
    {
        ref var source = ref MemoryMarshal.GetArrayDataReference(from);
        ref var target = ref MemoryMarshal.GetArrayDataReference(to);
        for (var at = 0; at < positions.Length; at++)
            Unsafe.Add(ref target, at) = Unsafe.Add(ref source, positions[at]);
        to.AsSpan(positions.Length, Lanes8.Width).Fill(beyond);
    }

    static void Gather(ReadOnlySpan<int> positions, float[] from, double[] to)
    {
        ref var source = ref MemoryMarshal.GetArrayDataReference(from);
        ref var target = ref MemoryMarshal.GetArrayDataReference(to);
        for (var at = 0; at < positions.Length; at++)
            Unsafe.Add(ref target, at) = Unsafe.Add(ref source, positions[at]);
        to.AsSpan(positions.Length, Lanes8.Width).Clear();
    }

    void Resize(int entries) =>
        (Counts, Factors, Logs) = (
            new double[entries + Lanes8.Width],
            new double[entries + Lanes8.Width],
            new double[entries + Lanes8.Width]
        );
}
