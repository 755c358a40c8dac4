using System;

namespace CoExpr.Kernels;

/// <summary>Sums of rows as single precision holds them: Σ x, Σ |x| and Σ x².</summary>
sealed class RowSums(int rows)
{
    internal double[] Plain { get; } = new double[rows];
    internal double[] Absolute { get; } = new double[rows];
    internal double[] Squared { get; } = new double[rows];

    /// <summary>Sums one row, scaled and rounded; genes that are left out count as 0. Says whether it is finite.</summary>
    internal bool Add(int row, ReadOnlySpan<double> values, bool[] leftOut, double scale)
    {
        var (plain, absolute, squared) = (0.0, 0.0, 0.0);
        for (var gene = 0; gene < values.Length; gene++)
        {
            double value = leftOut[gene] ? 0 : (float)(values[gene] * scale);
            plain += value;
            absolute += Math.Abs(value);
            squared += value * value;
        }
        (Plain[row], Absolute[row], Squared[row]) = (plain, absolute, squared);
        return double.IsFinite(absolute);
    }
}
