using System;

namespace CoExpr.Kernels;

/// <summary>What is known of every cell before any gene: size factor and covariates, in the order of the groups.</summary>
public sealed class CellColumns
{
    /// <summary>Takes the values of the cells.</summary>
    /// <param name="factors">Size factors above 0, one per position.</param>
    /// <param name="columns">Of each covariate one value per position.</param>
    /// <param name="starts">Where each group begins; one more than there are groups.</param>
    public CellColumns(double[] factors, double[][] columns, int[] starts)
    {
        Starts = starts;
        Nodes = new SizeFactorNodes(factors, starts);
        Values = Array.ConvertAll(columns, Padded);
        Logs = Padded(Array.ConvertAll(factors, Math.Log));
        Ones = new double[factors.Length + Lanes8.Width];
        Ones.AsSpan().Fill(1);
        Groups = starts.Length - 1;
        Lowest = new double[Groups * columns.Length];
        Highest = new double[Groups * columns.Length];
        Sums = new double[Groups];
        for (var group = 0; group < Groups; group++)
            Measure(group, factors);
    }

    /// <summary>The number of groups.</summary>
    public int Groups { get; }

    /// <summary>The number of covariates.</summary>
    public int Columns => Values.Length;

    internal int[] Starts { get; }

    internal SizeFactorNodes Nodes { get; }

    /// <summary>Covariates, each with eight places more.</summary>
    internal double[][] Values { get; }

    internal double[] Logs { get; }

    internal double[] Ones { get; }

    internal double[] Lowest { get; }

    internal double[] Highest { get; }

    internal double[] Sums { get; }

    internal int Length => Starts[^1];

    void Measure(int group, double[] factors)
    {
        var (start, count) = (Starts[group], Starts[group + 1] - Starts[group]);
        foreach (var factor in factors.AsSpan(start, count))
            Sums[group] += factor;
        for (var column = 0; column < Columns; column++)
        {
            var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
            foreach (var value in Values[column].AsSpan(start, count))
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
            (Lowest[group * Columns + column], Highest[group * Columns + column]) = count == 0 ? (0, 0) : (low, high);
        }
    }

    static double[] Padded(double[] values)
    {
        var padded = new double[values.Length + Lanes8.Width];
        values.CopyTo(padded, 0);
        return padded;
    }
}
