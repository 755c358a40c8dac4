using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Sums over strata of cells with equal covariates: each stratum of each group has Gauss nodes of its own size
/// factors, so that only counts above 0 are visited. As exact as <see cref="SizeFactorNodes.Tolerance"/>.</summary>
public sealed class StratumUnits : CovariateUnits
{
    readonly SizeFactorNodes nodes;
    readonly int[] starts;
    readonly double[] rows;
    readonly int strata;
    readonly GeneCounts gene;
    readonly double[] held;
    readonly double[] lowest;
    readonly double[] highest;

    /// <summary>Work space for one thread.</summary>
    /// <param name="nodes">Of every stratum of every group: those of the first group, then of the second.</param>
    /// <param name="starts">Where each begins among the positions; one more than there are.</param>
    /// <param name="rows">The covariates of each stratum, strata x columns.</param>
    /// <param name="columns">The number of covariates.</param>
    public StratumUnits(SizeFactorNodes nodes, int[] starts, double[] rows, int columns)
    {
        (this.nodes, this.starts, this.rows) = (nodes, starts, rows);
        (Columns, strata) = (columns, rows.Length / columns);
        Groups = nodes.Groups / strata;
        gene = new GeneCounts(nodes);
        held = new double[nodes.Groups];
        (lowest, highest) = (new double[Groups * columns], new double[Groups * columns]);
        for (var group = 0; group < Groups; group++)
        for (var column = 0; column < columns; column++)
            Measure(group, column);
    }

    /// <inheritdoc/>
    public override int Groups { get; }

    /// <inheritdoc/>
    public override int Columns { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are offsets: they differ from cell to cell.</exception>
    public override void Load(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<double> offsets)
    {
        if (!offsets.IsEmpty)
            throw new ArgumentException($"{offsets.Length} offsets where strata have none", nameof(offsets));
        gene.Load(positions, values, starts);
    }

    /// <inheritdoc/>
    public override double Total(int group)
    {
        var total = 0.0;
        foreach (var stratum in gene.Totals.Slice(group * strata, strata))
            total += stratum;
        return total;
    }

    /// <inheritdoc/>
    public override double SizeSum(int group)
    {
        var sum = 0.0;
        foreach (var stratum in nodes.Sums.AsSpan(group * strata, strata))
            sum += stratum;
        return sum;
    }

    /// <inheritdoc/>
    public override int Stored(int group) => gene.Bounds[(group + 1) * strata] - gene.Bounds[group * strata];

    /// <inheritdoc/>
    public override int Size(int group) => starts[(group + 1) * strata] - starts[group * strata];

    /// <inheritdoc/>
    public override double MeanOfScaled() => gene.MeanOfScaled();

    /// <inheritdoc/>
    public override double Lowest(int group, int column) => lowest[group * Columns + column];

    /// <inheritdoc/>
    public override double Highest(int group, int column) => highest[group * Columns + column];

    void Measure(int group, int column)
    {
        var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
        for (var stratum = 0; stratum < strata; stratum++)
            if (nodes.Size(group * strata + stratum) > 0)
            {
                var value = rows[stratum * Columns + column];
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
            }
        (lowest[group * Columns + column], highest[group * Columns + column]) = low <= high ? (low, high) : (0, 0);
    }

    /// <inheritdoc/>
    public override void Newton(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes,
        GroupSums sums
    )
    {
        sums.Clear();
        for (var stratum = 0; stratum < strata; stratum++)
        {
            var place = group * strata + stratum;
            if (nodes.Size(place) == 0)
                continue;
            var score = GroupFit.Score(gene, place, dispersion, Mean(stratum, intercept, slopes));
            sums.Add(score.Score, score.Observed, Row(stratum));
        }
    }

    /// <inheritdoc/>
    public override double LogRatio(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes,
        double otherIntercept,
        ReadOnlySpan<double> otherSlopes
    )
    {
        var sum = 0.0;
        for (var stratum = 0; stratum < strata; stratum++)
        {
            var place = group * strata + stratum;
            if (nodes.Size(place) == 0)
                continue;
            var (mean, other) = (Mean(stratum, intercept, slopes), Mean(stratum, otherIntercept, otherSlopes));
            sum += GroupFit.LogRatio(gene, place, dispersion, mean, other);
        }
        return sum;
    }

    /// <inheritdoc/>
    public override InterceptScore Intercept(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes
    )
    {
        var (score, observed, expected, slope) = (0.0, 0.0, 0.0, 0.0);
        for (var stratum = 0; stratum < strata; stratum++)
        {
            var place = group * strata + stratum;
            if (nodes.Size(place) == 0)
                continue;
            var mean = Mean(stratum, intercept, slopes);
            var found = GroupFit.Score(gene, place, dispersion, mean);
            score += found.Score;
            observed += found.Observed;
            expected += found.Expected;
            slope += found.Expected + Sum(place, dispersion, mean, WeightKind.Slope);
        }
        return new InterceptScore(score, observed, expected, slope);
    }

    /// <inheritdoc/>
    public override void Hold(ReadOnlySpan<double> intercepts, ReadOnlySpan<double> slopes)
    {
        for (var place = 0; place < held.Length; place++)
            held[place] = LogMean(place % strata, intercepts[place / strata], slopes);
    }

    /// <inheritdoc/>
    public override void Weights(int group, double dispersion, WeightKind kind, GroupSums sums)
    {
        sums.Clear();
        for (var stratum = 0; stratum < strata; stratum++)
        {
            var place = group * strata + stratum;
            if (nodes.Size(place) > 0)
                sums.Add(0, Sum(place, dispersion, Math.Exp(held[place]), kind), Row(stratum));
        }
    }

    internal override SizeFactorNodes Nodes => nodes;

    internal override void Deposit(DispersionProfile profile)
    {
        profile.Clear();
        for (var place = 0; place < nodes.Groups; place++)
        {
            if (nodes.Size(place) == 0 || IsAbsent(held[place]))
                continue;
            var node = place * nodes.Stride;
            var (lowest, highest) = (nodes.LowestLogs[place], nodes.HighestLogs[place]);
            var end = node + nodes.NodesOf(place);
            profile.AddCells(nodes.NodeLogs, nodes.Weights, node, end, held[place], lowest, highest);
            profile.AddCounts(gene, gene.Logs, gene.Bounds[place], gene.Bounds[place + 1], held[place]);
        }
        profile.Finish();
    }

    double Sum(int place, double dispersion, double mean, WeightKind kind)
    {
        var (one, t) = (Vector512<double>.One, Vector512.Create(dispersion * mean));
        var sum = Vector512<double>.Zero;
        for (var at = place * nodes.Stride; at < (place + 1) * nodes.Stride; at += Lanes8.Width)
        {
            var s = Lanes8.Load(nodes.Nodes, at);
            var x = t * s;
            var r = one / (one + x);
            var weight = Lanes8.Load(nodes.Weights, at) * s * r;
            if (kind != WeightKind.Expected)
                weight *= x * r;
            sum += kind == WeightKind.Curvature ? weight * (one - r - r) : weight;
        }
        return mean * (kind == WeightKind.Slope ? -Lanes8.Sum(sum) : Lanes8.Sum(sum));
    }

    ReadOnlySpan<double> Row(int stratum) => rows.AsSpan(stratum * Columns, Columns);

    double Mean(int stratum, double intercept, ReadOnlySpan<double> slopes) =>
        Math.Exp(LogMean(stratum, intercept, slopes));

    double LogMean(int stratum, double intercept, ReadOnlySpan<double> slopes)
    {
        var log = intercept;
        for (var column = 0; column < Columns; column++)
            log += slopes[column] * rows[stratum * Columns + column];
        return log;
    }
}
