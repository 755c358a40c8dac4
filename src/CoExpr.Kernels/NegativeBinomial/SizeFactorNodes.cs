using System;

namespace CoExpr.Kernels;

/// <summary>The size factors of all groups as Gauss rules, and their sums.</summary>
public sealed class SizeFactorNodes
{
    /// <summary>The relative error of sums over a group's cells that the rules keep to.</summary>
    public const double Tolerance = 1e-10;

    readonly double[] logs;
    readonly int[] starts;

    /// <summary>Chooses how many nodes the groups take. <see cref="Fill"/> each group before use.</summary>
    /// <param name="factors">Size factors &gt; 0, one per position.</param>
    /// <param name="starts">Where each group begins; one more than there are groups.</param>
    public SizeFactorNodes(double[] factors, int[] starts)
    {
        this.starts = starts;
        Factors = factors;
        logs = Array.ConvertAll(factors, Math.Log);
        Groups = starts.Length - 1;
        Width = 1;
        Sums = new double[Groups];
        LowestLogs = new double[Groups];
        HighestLogs = new double[Groups];
        for (var group = 0; group < Groups; group++)
            Width = Math.Max(Width, Measure(group));
        Stride = Lanes8.RoundUp(Width);
        Padded = Lanes8.RoundUp(Groups);
        Nodes = new double[Groups * Stride];
        Weights = new double[Groups * Stride];
        NodesAcross = new double[Width * Padded];
        WeightsAcross = new double[Width * Padded];
    }

    /// <summary>The number of groups.</summary>
    public int Groups { get; }

    /// <summary>The most nodes that a group has.</summary>
    public int Width { get; }

    /// <summary>Σ s of each group.</summary>
    public double[] Sums { get; }

    /// <summary>Size factors of the positions.</summary>
    internal double[] Factors { get; }

    /// <summary>ln s of the positions.</summary>
    internal double[] Logs => logs;

    internal double[] LowestLogs { get; }

    internal double[] HighestLogs { get; }

    /// <summary>Places per group in <see cref="Nodes"/>, a multiple of eight; nodes without cells weigh 0.</summary>
    internal int Stride { get; }

    /// <summary>Groups rounded up to a multiple of eight: places per node in <see cref="NodesAcross"/>.</summary>
    internal int Padded { get; }

    /// <summary>s at the nodes, group by group.</summary>
    internal double[] Nodes { get; }

    internal double[] Weights { get; }

    /// <summary>The same, node by node, for eight groups at a time.</summary>
    internal double[] NodesAcross { get; }

    internal double[] WeightsAcross { get; }

    /// <summary>The cells of one group.</summary>
    public int Size(int group) => starts[group + 1] - starts[group];

    /// <summary>Makes the rule of one group. Groups may be filled in any order and by several threads. The values are
    /// sorted first, so that the order of the cells changes no bit.</summary>
    public void Fill(int group)
    {
        var factors = Factors.AsSpan(starts[group], Size(group)).ToArray();
        Array.Sort(factors);
        foreach (var factor in factors)
            Sums[group] += factor;
        var values = Array.ConvertAll(factors, Math.Log);
        var nodes = Nodes.AsSpan(group * Stride, Stride);
        var weights = Weights.AsSpan(group * Stride, Stride);
        nodes.Fill(0);
        var used = values.Length == 0 ? 0 : GaussRule.Fill(values, NodesOf(group), nodes, weights);
        for (var node = 0; node < nodes.Length; node++)
        {
            (nodes[node], weights[node]) = node < used ? (Math.Exp(nodes[node]), weights[node]) : (1, 0);
            if (node < Width)
                (NodesAcross[node * Padded + group], WeightsAcross[node * Padded + group]) = (
                    nodes[node],
                    weights[node]
                );
        }
    }

    int NodesOf(int group) =>
        Size(group) == 0 ? 1 : GaussRule.NodesFor((HighestLogs[group] - LowestLogs[group]) / 2, Tolerance);

    int Measure(int group)
    {
        var values = logs.AsSpan(starts[group], Size(group));
        (LowestLogs[group], HighestLogs[group]) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (var value in values)
        {
            LowestLogs[group] = Math.Min(LowestLogs[group], value);
            HighestLogs[group] = Math.Max(HighestLogs[group], value);
        }
        return Math.Min(NodesOf(group), Math.Max(1, values.Length));
    }
}
