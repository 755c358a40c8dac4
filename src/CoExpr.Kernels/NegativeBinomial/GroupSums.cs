using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>What one group's cells say of its intercept and of the slopes of covariates: sums over cells of scores a and
/// weights w, and of their products with the covariates x.</summary>
public sealed class GroupSums
{
    readonly int columns;

    /// <summary>For so many covariates.</summary>
    public GroupSums(int columns)
    {
        this.columns = columns;
        ScoreX = new double[columns];
        WeightX = new double[columns];
        WeightXX = new double[columns * columns];
    }

    /// <summary>Σ a.</summary>
    public double Score { get; set; }

    /// <summary>Σ w.</summary>
    public double Weight { get; set; }

    /// <summary>Σ a x.</summary>
    public double[] ScoreX { get; }

    /// <summary>Σ w x.</summary>
    public double[] WeightX { get; }

    /// <summary>The lower triangle of Σ w x xᵀ, row by row.</summary>
    public double[] WeightXX { get; }

    /// <summary>All sums become 0.</summary>
    public void Clear()
    {
        (Score, Weight) = (0, 0);
        ScoreX.AsSpan().Clear();
        WeightX.AsSpan().Clear();
        WeightXX.AsSpan().Clear();
    }

    /// <summary>Adds cells that share their covariates.</summary>
    /// <param name="score">Their Σ a.</param>
    /// <param name="weight">Their Σ w.</param>
    /// <param name="row">Their x.</param>
    public void Add(double score, double weight, ReadOnlySpan<double> row)
    {
        Score += score;
        Weight += weight;
        for (var i = 0; i < columns; i++)
        {
            ScoreX[i] += score * row[i];
            var scaled = weight * row[i];
            WeightX[i] += scaled;
            for (var j = 0; j <= i; j++)
                WeightXX[i * columns + j] += scaled * row[j];
        }
    }

    /// <summary>Adds the sums over other cells.</summary>
    public void Add(GroupSums other)
    {
        Score += other.Score;
        Weight += other.Weight;
        Add(other.ScoreX, ScoreX);
        Add(other.WeightX, WeightX);
        Add(other.WeightXX, WeightXX);
    }

    /// <summary>Takes over the sums of another.</summary>
    public void Take(GroupSums other)
    {
        Clear();
        Add(other);
    }

    static void Add(double[] from, double[] to)
    {
        for (var at = 0; at < to.Length; at++)
            to[at] += from[at];
    }

    /// <summary>How many sums there are, in eight lanes each, in the order of <see cref="Set"/>.</summary>
    internal static int Places(int columns) => 2 + 2 * columns + columns * (columns + 1) / 2;

    /// <summary>Takes over sums in lanes: score, weight, of each covariate Σ a x and Σ w x, then the triangle.</summary>
    internal void Set(ReadOnlySpan<Vector512<double>> lanes)
    {
        (Score, Weight) = (Lanes8.Sum(lanes[0]), Lanes8.Sum(lanes[1]));
        var at = 2;
        for (var i = 0; i < columns; i++)
        {
            ScoreX[i] = Lanes8.Sum(lanes[at++]);
            WeightX[i] = Lanes8.Sum(lanes[at++]);
        }
        for (var i = 0; i < columns; i++)
        for (var j = 0; j <= i; j++)
            WeightXX[i * columns + j] = Lanes8.Sum(lanes[at++]);
    }
}
