using System;

namespace CoExpr.Kernels;

/// <summary>Rows among which the nearest ones of each are looked for. What all workers need is worked out once.</summary>
public sealed class NearestRowsTask
{
    readonly double[] rows;
    readonly double[] mean;

    /// <summary>Rows that are compared with each other.</summary>
    /// <param name="rows">Rows x genes, row by row, finite.</param>
    /// <param name="genes">Values of a row.</param>
    /// <param name="count">Neighbours of a row.</param>
    /// <param name="path">The instruction set; it does not change what is found.</param>
    /// <exception cref="ArgumentException">Lengths do not agree, or more neighbours are asked for than there are.</exception>
    public NearestRowsTask(double[] rows, int genes, int count, SimdPath path)
    {
        if (genes < 1 || rows.Length % genes != 0)
            throw new ArgumentException($"{rows.Length} values of rows of {genes}", nameof(rows));
        if (count < 1 || count >= rows.Length / genes)
            throw new ArgumentException($"{count} neighbours of {rows.Length / genes} rows", nameof(count));
        (this.rows, Genes, Count, Path) = (rows, genes, count, path);
        mean = Mean();
        Scale = DistanceRankTask.ScaleOf(Largest());
        Squares = new double[Rows];
        for (var row = 0; row < Rows; row++)
            Squares[row] = Square(row);
    }

    /// <summary>Values of a row.</summary>
    public int Genes { get; }

    /// <summary>Neighbours of a row.</summary>
    public int Count { get; }

    /// <summary>Number of rows.</summary>
    public int Rows => rows.Length / Genes;

    internal SimdPath Path { get; }

    /// <summary>A power of 2 that brings the values into the range of single precision.</summary>
    internal double Scale { get; }

    /// <summary>Σ x² of every row, centred, scaled and rounded.</summary>
    internal double[] Squares { get; }

    internal ReadOnlySpan<double> Row(int row) => rows.AsSpan(row * Genes, Genes);

    /// <summary>A value as the screen has it: distances stay as they are without the mean of all rows, and the rows are
    /// shorter then, so that rounding moves less.</summary>
    internal float Rounded(double value, int gene) => (float)((value - mean[gene]) * Scale);

    /// <summary>The mean of all rows from a gene on.</summary>
    internal ReadOnlySpan<double> MeanFrom(int gene) => mean.AsSpan(gene);

    double[] Mean()
    {
        var sums = new double[Genes];
        for (var row = 0; row < Rows; row++)
            ScaledSum.Add(Row(row), 1.0 / Rows, sums);
        return sums;
    }

    double Largest()
    {
        var largest = 0.0;
        for (var row = 0; row < Rows; row++)
        {
            var values = Row(row);
            for (var gene = 0; gene < Genes; gene++)
                largest = Math.Max(largest, Math.Abs(values[gene] - mean[gene]));
        }
        return largest;
    }

    double Square(int row)
    {
        var values = Row(row);
        var sum = 0.0;
        for (var gene = 0; gene < Genes; gene++)
        {
            double value = Rounded(values[gene], gene);
            sum += value * value;
        }
        return sum;
    }
}
