using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Sums over every cell, for covariates of any values and for offsets of each gene.</summary>
public sealed class CellUnits : CovariateUnits
{
    readonly CellColumns cells;
    readonly GeneCounts gene;
    readonly Vector512<double>[] lanes;
    readonly double[] counts;
    readonly double[] ownLogs;
    readonly double[] heldLogs;
    readonly double[] heldMeans;
    double[] logs;
    double[] countLogs = [];
    double[] intercepts = [];
    int[] positions = [];
    int stored;

    /// <summary>Work space for one thread.</summary>
    public CellUnits(CellColumns cells)
    {
        this.cells = cells;
        gene = new GeneCounts(cells.Nodes);
        lanes = new Vector512<double>[GroupSums.Places(cells.Columns)];
        var padded = cells.Length + Lanes8.Width;
        (counts, ownLogs, heldLogs, heldMeans) = (
            new double[padded],
            new double[padded],
            new double[padded],
            new double[padded]
        );
        logs = cells.Logs;
    }

    /// <inheritdoc/>
    public override int Groups => cells.Groups;

    /// <inheritdoc/>
    public override int Columns => cells.Columns;

    /// <inheritdoc/>
    public override void Load(ReadOnlySpan<int> at, ReadOnlySpan<float> values, ReadOnlySpan<double> offsets)
    {
        for (var i = 0; i < stored; i++)
            counts[positions[i]] = 0;
        if (positions.Length < at.Length)
            (positions, countLogs) = (new int[2 * at.Length], new double[2 * at.Length + Lanes8.Width]);
        gene.Load(at, values, cells.Starts, false);
        at.CopyTo(positions);
        stored = at.Length;
        for (var i = 0; i < stored; i++)
            counts[positions[i]] = values[i];
        logs = offsets.IsEmpty ? cells.Logs : ownLogs;
        for (var i = 0; i < offsets.Length; i++)
            ownLogs[i] = cells.Logs[i] + offsets[i];
    }

    /// <inheritdoc/>
    public override double Total(int group) => gene.Totals[group];

    /// <inheritdoc/>
    public override double SizeSum(int group) => cells.Sums[group];

    /// <inheritdoc/>
    public override int Stored(int group) => gene.Bounds[group + 1] - gene.Bounds[group];

    /// <inheritdoc/>
    public override int Size(int group) => cells.Starts[group + 1] - cells.Starts[group];

    /// <inheritdoc/>
    public override double MeanOfScaled() => gene.MeanOfScaled();

    /// <inheritdoc/>
    public override double Lowest(int group, int column) => cells.Lowest[group * Columns + column];

    /// <inheritdoc/>
    public override double Highest(int group, int column) => cells.Highest[group * Columns + column];

    /// <inheritdoc/>
    public override void Newton(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes,
        GroupSums sums
    )
    {
        Array.Clear(lanes);
        var (one, alpha) = (Vector512<double>.One, Vector512.Create(dispersion));
        var end = cells.Starts[group + 1];
        for (var at = cells.Starts[group]; at < end; at += Lanes8.Width)
        {
            var mean = Lanes8.Exp(LogMean(at, intercept, slopes)) & Lanes8.Before(at, end);
            var y = Lanes8.LoadBefore(counts, at, end);
            var r = one / Lanes8.Fused(alpha, mean, one);
            Add(at, (y - mean) * r, mean * Lanes8.Fused(alpha, y, one) * r * r);
        }
        sums.Set(lanes);
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
        // With μ' the other mean: y (ln μ − ln μ') − (y + 1/α) ln(1 + α (μ − μ') / (1 + α μ')).
        var (one, alpha, size) = (
            Vector512<double>.One,
            Vector512.Create(dispersion),
            Vector512.Create(1 / dispersion)
        );
        var sum = Vector512<double>.Zero;
        var end = cells.Starts[group + 1];
        for (var at = cells.Starts[group]; at < end; at += Lanes8.Width)
        {
            var (log, other) = (LogMean(at, intercept, slopes), LogMean(at, otherIntercept, otherSlopes));
            var (mean, before) = (Lanes8.Exp(log), Lanes8.Exp(other));
            var y = Lanes8.LoadBefore(counts, at, end);
            var change = Lanes8.LogOnePlus(alpha * (mean - before) / Lanes8.Fused(alpha, before, one));
            sum += (y * (log - other) - (y + size) * change) & Lanes8.Before(at, end);
        }
        return Lanes8.Sum(sum);
    }

    /// <inheritdoc/>
    public override InterceptScore Intercept(
        int group,
        double dispersion,
        double intercept,
        ReadOnlySpan<double> slopes
    )
    {
        var (one, alpha) = (Vector512<double>.One, Vector512.Create(dispersion));
        var (score, observed, expected, slope) = (
            Vector512<double>.Zero,
            Vector512<double>.Zero,
            Vector512<double>.Zero,
            Vector512<double>.Zero
        );
        var end = cells.Starts[group + 1];
        for (var at = cells.Starts[group]; at < end; at += Lanes8.Width)
        {
            var mean = Lanes8.Exp(LogMean(at, intercept, slopes)) & Lanes8.Before(at, end);
            var y = Lanes8.LoadBefore(counts, at, end);
            var r = one / Lanes8.Fused(alpha, mean, one);
            var e = mean * r;
            score += (y - mean) * r;
            observed += e * Lanes8.Fused(alpha, y, one) * r;
            expected += e;
            slope += e * r;
        }
        return new InterceptScore(Lanes8.Sum(score), Lanes8.Sum(observed), Lanes8.Sum(expected), Lanes8.Sum(slope));
    }

    /// <inheritdoc/>
    public override void Hold(ReadOnlySpan<double> at, ReadOnlySpan<double> slopes)
    {
        intercepts = at.ToArray();
        // In the order of the groups: what is written beyond the end of one is written over by the next.
        for (var group = 0; group < Groups; group++)
        for (var cell = cells.Starts[group]; cell < cells.Starts[group + 1]; cell += Lanes8.Width)
        {
            var log = LogMean(cell, intercepts[group], slopes);
            log.CopyTo(heldLogs, cell);
            Lanes8.Exp(log).CopyTo(heldMeans, cell);
        }
    }

    /// <inheritdoc/>
    public override void Weights(int group, double dispersion, WeightKind kind, GroupSums sums)
    {
        Array.Clear(lanes);
        var (one, alpha) = (Vector512<double>.One, Vector512.Create(dispersion));
        var end = cells.Starts[group + 1];
        for (var at = cells.Starts[group]; at < end; at += Lanes8.Width)
        {
            var mean = Lanes8.LoadBefore(heldMeans, at, end);
            var x = alpha * mean;
            var r = one / (one + x);
            var weight = mean * r;
            if (kind != WeightKind.Expected)
                weight *= x * r;
            weight = kind switch
            {
                WeightKind.Slope => Vector512<double>.Zero - weight,
                WeightKind.Curvature => weight * (one - r - r),
                _ => weight,
            };
            AddWeight(at, weight);
        }
        sums.Set(lanes);
    }

    internal override SizeFactorNodes Nodes => cells.Nodes;

    internal override void Deposit(DispersionProfile profile)
    {
        profile.Clear();
        for (var at = 0; at < stored; at++)
            countLogs[at] = heldLogs[positions[at]];
        for (var group = 0; group < Groups; group++)
        {
            var (start, end) = (cells.Starts[group], cells.Starts[group + 1]);
            if (IsAbsent(intercepts[group]) || start == end)
                continue;
            var (lowest, highest) = (double.PositiveInfinity, double.NegativeInfinity);
            foreach (var log in heldLogs.AsSpan(start, end - start))
                (lowest, highest) = (Math.Min(lowest, log), Math.Max(highest, log));
            profile.AddCells(heldLogs, cells.Ones, start, end, 0, lowest, highest);
            profile.AddCounts(gene, countLogs, gene.Bounds[group], gene.Bounds[group + 1], 0);
        }
        profile.Finish();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    Vector512<double> LogMean(int at, double intercept, ReadOnlySpan<double> slopes)
    {
        var log = Vector512.Create(intercept) + Lanes8.Load(logs, at);
        for (var column = 0; column < slopes.Length; column++)
            log = Lanes8.Fused(Vector512.Create(slopes[column]), Lanes8.Load(cells.Values[column], at), log);
        return log;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Add(int at, Vector512<double> score, Vector512<double> weight)
    {
        lanes[0] += score;
        for (var i = 0; i < Columns; i++)
            lanes[2 + 2 * i] = Lanes8.Fused(score, Lanes8.Load(cells.Values[i], at), lanes[2 + 2 * i]);
        AddWeight(at, weight);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void AddWeight(int at, Vector512<double> weight)
    {
        lanes[1] += weight;
        var place = 2 + 2 * Columns;
        for (var i = 0; i < Columns; i++)
        {
            var scaled = weight * Lanes8.Load(cells.Values[i], at);
            lanes[3 + 2 * i] += scaled;
            for (var j = 0; j <= i; j++, place++)
                lanes[place] = Lanes8.Fused(scaled, Lanes8.Load(cells.Values[j], at), lanes[place]);
        }
    }
}
