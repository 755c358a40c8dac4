using System;

namespace CoExpr.Kernels;

/// <summary>The size factors of all groups as Gauss rules, and their sums.</summary>
public sealed class SizeFactorNodes
{
    /// <summary>The relative error of sums over a group's cells that the rules keep to.</summary>
    public const double Tolerance = 1e-10;

    readonly double[] logs;
    readonly int[] starts;
    readonly int[] wanted;

    /// <summary>Chooses how many nodes the groups take. <see cref="Fill"/> each group before use.</summary>
    /// <param name="factors">Size factors &gt; 0, one per position.</param>
    /// <param name="starts">Where each group begins; one more than there are groups.</param>
    public SizeFactorNodes(double[] factors, int[] starts)
    {
        this.starts = starts;
        Factors = factors;
        logs = Array.ConvertAll(factors, Math.Log);
        NarrowLogs = Array.ConvertAll(logs, log => (float)log);
        InverseFactors = Array.ConvertAll(factors, factor => 1 / factor);
        Groups = starts.Length - 1;
        wanted = new int[Groups];
        Width = 1;
        Sums = new double[Groups];
        LowestLogs = new double[Groups];
        HighestLogs = new double[Groups];
        HighestFactors = new double[Groups];
        for (var group = 0; group < Groups; group++)
            Width = Math.Max(Width, Measure(group));
        Stride = Lanes8.RoundUp(Width);
        Padded = Lanes8.RoundUp(Groups);
        Nodes = new double[Groups * Stride];
        NodeLogs = new double[Groups * Stride + Lanes8.Width];
        Weights = new double[Groups * Stride + Lanes8.Width];
        NodesAcross = new double[Width * Padded];
        WeightsAcross = new double[Width * Padded];
        SumAcross = new RationalSums(Width, Padded);
    }

    /// <summary>The number of groups.</summary>
    public int Groups { get; }

    /// <summary>The most nodes that a group has.</summary>
    public int Width { get; }

    /// <summary>Σ s of each group.</summary>
    public double[] Sums { get; }

    /// <summary>Size factors of the positions.</summary>
    internal double[] Factors { get; }

    /// <summary>The same in single precision: places on the grid of a <see cref="DispersionProfile"/> need no more, and
    /// they are read for every count.</summary>
    internal float[] NarrowLogs { get; }

    /// <summary>1 / s of the positions.</summary>
    internal double[] InverseFactors { get; }

    internal double[] LowestLogs { get; }

    internal double[] HighestLogs { get; }

    /// <summary>Places per group in <see cref="Nodes"/>, a multiple of eight; nodes without cells weigh 0.</summary>
    internal int Stride { get; }

    /// <summary>Groups rounded up to a multiple of eight: places per node in <see cref="NodesAcross"/>.</summary>
    internal int Padded { get; }

    /// <summary>s at the nodes, group by group.</summary>
    internal double[] Nodes { get; }

    /// <summary>ln s at the nodes.</summary>
    internal double[] NodeLogs { get; }

    internal double[] Weights { get; }

    /// <summary>The largest size factor of each group.</summary>
    internal double[] HighestFactors { get; }

    /// <summary>Σ s / (1 + τ s) of each group as a ratio of polynomials.</summary>
    internal RationalSums SumAcross { get; }

    /// <summary>How many nodes of a group have a weight.</summary>
    internal int NodesOf(int group) => wanted[group];

    /// <summary>The same, node by node, for eight groups at a time.</summary>
    internal double[] NodesAcross { get; }

    internal double[] WeightsAcross { get; }

    /// <summary>The size factor at a position.</summary>
    public double FactorOf(int position) => Factors[position];

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
        var used = values.Length == 0 ? 0 : GaussRule.Fill(values, wanted[group], nodes, weights);
        wanted[group] = used;
        nodes[..used].CopyTo(NodeLogs.AsSpan(group * Stride));
        for (var node = 0; node < nodes.Length; node++)
        {
            (nodes[node], weights[node]) = node < used ? (Math.Exp(nodes[node]), weights[node]) : (1, 0);
            if (node < Width)
                (NodesAcross[node * Padded + group], WeightsAcross[node * Padded + group]) = (
                    nodes[node],
                    weights[node]
                );
        }
        SumAcross.Set(group, nodes[..used], weights[..used]);
    }

    int Measure(int group)
    {
        var values = logs.AsSpan(starts[group], Size(group));
        var (lowest, highest) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (var value in values)
            (lowest, highest) = (Math.Min(lowest, value), Math.Max(highest, value));
        (LowestLogs[group], HighestLogs[group]) = (lowest, highest);
        HighestFactors[group] = Math.Exp(highest);
        wanted[group] = values.Length < 2 ? 1 : GaussRule.NodesFor((highest - lowest) / 2, Tolerance);
        return Math.Min(wanted[group], Math.Max(1, values.Length));
    }
}
