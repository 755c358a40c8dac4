using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>The nearest other rows of each row, by Euclidean distance, exactly. One worker per thread.</summary>
/// <remarks>
/// The rows stream past by tiles, and each pair is screened in single precision (<see cref="ScreenSums"/>) with the bound on its
/// error that <see cref="DistanceRankWorker"/> has. Only a pair that may be nearer than the farthest of the nearest so far is
/// computed in double precision (<see cref="RowDistance"/>), which alone decides. A row keeps its nearest so far in a heap with
/// the farthest on top. Rows as far apart are nearer the lower their number.
/// </remarks>
public sealed unsafe class NearestRowsWorker : IDisposable
{
    /// <summary>Rows that are best asked for together.</summary>
    public const int RowsAtOnce = 128;

    const int OthersAtOnce = 32;
    const int MostWidth = 2048;
    const int Alignment = 16;

    readonly NearestRowsTask task;
    readonly int width;
    readonly int panels;
    readonly AlignedBuffer<float> own;
    readonly AlignedBuffer<float> others;
    readonly AlignedBuffer<double> sums;
    readonly double error;

    /// <summary>A worker for one task.</summary>
    public NearestRowsWorker(NearestRowsTask task)
    {
        this.task = task;
        width = Math.Min(MostWidth, (task.Genes + Alignment - 1) / Alignment * Alignment);
        panels = (task.Genes + width - 1) / width;
        own = new((long)panels * RowsAtOnce * width);
        others = new((long)OthersAtOnce * width);
        sums = new(2L * RowsAtOnce * OthersAtOnce);
        error = new DistanceRankWorker.DistanceErrors(ScreenSums.Depth(task.Path, width), task.Genes).L2;
    }

    /// <summary>Pairs that were computed in double precision so far.</summary>
    public long Rechecked { get; private set; }

    /// <summary>Finds the nearest of all other rows for the rows from first to before end, at most <see cref="RowsAtOnce"/>.
    /// </summary>
    /// <param name="first">The first row that is asked for.</param>
    /// <param name="end">After the last.</param>
    /// <param name="nearest">Numbers of rows, as many for each row asked for as the task says, nearest first.</param>
    /// <param name="distances">Their distances.</param>
    /// <exception cref="ArgumentException">Lengths do not agree.</exception>
    public void Find(int first, int end, Span<int> nearest, Span<double> distances)
    {
        var places = (end - first) * task.Count;
        if (end - first > RowsAtOnce || nearest.Length != places || distances.Length != places)
            throw new ArgumentException($"{nearest.Length} places for the neighbours of {end - first} rows");
        distances.Fill(double.PositiveInfinity);
        nearest.Fill(int.MaxValue);
        for (var panel = 0; panel < panels; panel++)
        for (var row = first; row < end; row++)
            Pack(row, panel, own.Start + ((long)panel * RowsAtOnce + row - first) * width);
        for (var tile = 0; tile < task.Rows; tile += OthersAtOnce)
        {
            var tileRows = Math.Min(OthersAtOnce, task.Rows - tile);
            Screen(end - first, tile, tileRows);
            for (var row = first; row < end; row++)
                Offer(row, row - first, tile, tileRows, HeapOf(row - first, nearest, distances));
        }
        for (var row = 0; row < end - first; row++)
            HeapOf(row, nearest, distances).Sort();
    }

    NeighbourHeap HeapOf(int place, Span<int> nearest, Span<double> distances) =>
        new(nearest.Slice(place * task.Count, task.Count), distances.Slice(place * task.Count, task.Count));

    void Offer(int row, int place, int tile, int tileRows, NeighbourHeap heap)
    {
        var products = sums.Start + (RowsAtOnce + place) * OthersAtOnce;
        for (var at = 0; at < tileRows; at++)
        {
            var other = tile + at;
            var squares = task.Squares[row] + task.Squares[other];
            var farthest = heap.Farthest * task.Scale;
            var slack = error * squares + DistanceRankWorker.Underflow;
            if (other == row || squares - 2 * products[at] > farthest * farthest + slack)
                continue;
            Rechecked++;
            heap.Offer(other, RowDistance.Of(DistanceKind.L2, task.Row(row), task.Row(other), task.Path));
        }
    }

    void Screen(int rows, int tile, int tileRows)
    {
        new Span<double>(sums.Start, (int)sums.Length).Clear();
        for (var panel = 0; panel < panels; panel++)
        {
            for (var row = 0; row < tileRows; row++)
                Pack(tile + row, panel, others.Start + (long)row * width);
            ScreenSums.Add(
                task.Path,
                new()
                {
                    Predicted = own.Start + (long)panel * RowsAtOnce * width,
                    Real = others.Start,
                    PredictedRows = RoundUp(rows, ScreenSums.PredictedStep),
                    RealRows = RoundUp(tileRows, ScreenSums.RealStep),
                    Width = width,
                    Maxima = sums.Start,
                    Products = sums.Start + RowsAtOnce * OthersAtOnce,
                    Stride = OthersAtOnce,
                }
            );
        }
    }

    static int RoundUp(int rows, int step) => (rows + step - 1) / step * step;

    /// <summary>Rounds one panel of a row; what it is short of the width is 0.</summary>
    void Pack(int row, int panel, float* start)
    {
        var first = panel * width;
        var target = new Span<float>(start, width);
        var part = task.Row(row).Slice(first, Math.Min(width, task.Genes - first));
        var mean = task.MeanFrom(first);
        var scale = Vector256.Create(task.Scale);
        var at = 0;
        for (; at <= part.Length - 8; at += 8)
            Vector256
                .Narrow(
                    (Vector256.Create(part[at..]) - Vector256.Create(mean[at..])) * scale,
                    (Vector256.Create(part[(at + 4)..]) - Vector256.Create(mean[(at + 4)..])) * scale
                )
                .CopyTo(target[at..]);
        for (; at < part.Length; at++)
            target[at] = task.Rounded(part[at], first + at);
        target[part.Length..].Clear();
    }

    /// <summary>Gives back the tiles.</summary>
    public void Dispose()
    {
        own.Dispose();
        others.Dispose();
        sums.Dispose();
    }
}

/// <summary>Places with the farthest row on top of those below it, which are at 2i + 1 and 2i + 2.</summary>
readonly ref struct NeighbourHeap(Span<int> rows, Span<double> distances)
{
    readonly Span<int> rows = rows;
    readonly Span<double> distances = distances;

    internal double Farthest => distances[0];

    internal void Offer(int row, double distance)
    {
        if (!IsNearer(row, distance, 0))
            return;
        (rows[0], distances[0]) = (row, distance);
        Sink(rows.Length);
    }

    /// <summary>Takes the farthest off the top again and again.</summary>
    internal void Sort()
    {
        for (var last = rows.Length - 1; last > 0; last--)
        {
            Swap(0, last);
            Sink(last);
        }
    }

    bool IsNearer(int row, double distance, int place) =>
        distance < distances[place] || (distance == distances[place] && row < rows[place]);

    void Swap(int a, int b)
    {
        (rows[a], rows[b]) = (rows[b], rows[a]);
        (distances[a], distances[b]) = (distances[b], distances[a]);
    }

    void Sink(int count)
    {
        var at = 0;
        for (var below = 1; below < count; below = 2 * at + 1)
        {
            if (below + 1 < count && IsNearer(rows[below], distances[below], below + 1))
                below++;
            if (!IsNearer(rows[at], distances[at], below))
                return;
            Swap(at, below);
            at = below;
        }
    }
}
