using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>Counts, for predicted rows, the real rows that are closer than their own and as far: L1, L2 and cosine in one pass
/// over the data. One worker per thread.</summary>
/// <remarks>
/// The own distance is taken first, in double precision (<see cref="RowDistance"/>). Then the real rows stream past in
/// tiles, and each pair is screened in single precision (<see cref="ScreenSums"/>), with a bound on the error of the screen
/// from the sums' depth and the rows' norms (Higham 2002, chapters 3 and 4). Only a pair that the bound leaves undecided is
/// computed in double precision, so the counts are exactly those of <see cref="RowDistance"/>. A tile of predicted rows
/// and one of real rows are held, never a matrix of pairs.
/// </remarks>
public sealed unsafe class DistanceRankWorker : IDisposable
{
    /// <summary>Predicted rows that are taken together: over 2,048 genes they fill half a megabyte to one, of a core's cache.
    /// </summary>
    public const int RowsAtOnce = 128;

    const int RealAtOnce = 32;
    const int MostWidth = 2048;
    const int Alignment = 16;

    // Half the distance between 1 and the next number: the largest relative error of rounding.
    const double SingleUnit = 1.0 / (1 << 24);
    const double DoubleUnit = 1.0 / (1L << 53);

    // More than what underflow in single precision can add up to, at values scaled to at most 2^20.
    internal const double Underflow = 1e-30;

    // What is left of a squared norm without a row's left-out genes; with less of it cosines are not screened.
    const double LeastShare = 1e-5;

    readonly DistanceRankTask task;
    readonly int width;
    readonly int panels;
    readonly AlignedBuffer<float> predicted;
    readonly AlignedBuffer<float> real;
    readonly AlignedBuffer<double> sums;
    readonly RowSums own = new(RowsAtOnce);
    readonly ScreenedRow[] rows = new ScreenedRow[RowsAtOnce];
    readonly double[] maskedOwn;
    readonly double[] maskedOther;
    readonly DistanceErrors errors;

    /// <summary>A worker for one task.</summary>
    public DistanceRankWorker(DistanceRankTask task)
    {
        this.task = task;
        width = Math.Min(MostWidth, (task.Genes + Alignment - 1) / Alignment * Alignment);
        panels = (task.Genes + width - 1) / width;
        predicted = new((long)panels * RowsAtOnce * width);
        real = new((long)RealAtOnce * width);
        sums = new(2L * RowsAtOnce * RealAtOnce);
        (maskedOwn, maskedOther) = (new double[task.Genes], new double[task.Genes]);
        errors = new(ScreenSums.Depth(task.Path, width), task.Genes);
    }

    /// <summary>Pairs that had to be computed in double precision so far, by any of the three distances.</summary>
    public long Rechecked { get; private set; }

    /// <summary>Counts for the predicted rows from first to before end, at most <see cref="RowsAtOnce"/>.</summary>
    /// <param name="first">The first predicted row.</param>
    /// <param name="end">After the last.</param>
    /// <param name="counts">By number of <see cref="DistanceKind"/>; only the rows of this call are written.</param>
    public void Count(int first, int end, DistanceCounts[] counts)
    {
        if (end - first > RowsAtOnce)
            throw new ArgumentException($"{end - first} rows where at most {RowsAtOnce} are taken", nameof(end));
        for (var row = first; row < end; row++)
            rows[row - first] = Begin(row, row - first);
        for (var tile = 0; tile < task.RealRows; tile += RealAtOnce)
        {
            var tileRows = Math.Min(RealAtOnce, task.RealRows - tile);
            Screen(end - first, tile, tileRows);
            for (var row = 0; row < end - first; row++)
                if (rows[row].IsFinite)
                    CountTile(ref rows[row], row, tile, tileRows);
        }
        for (var row = first; row < end; row++)
            rows[row - first].Put(counts, row);
    }

    /// <summary>Packs a predicted row and takes its own distances.</summary>
    ScreenedRow Begin(int row, int place)
    {
        var values = task.PredictedRow(row);
        if (!own.Add(place, values, task.LeftOut, task.Scale))
        {
            values = new double[task.Genes];
            own.Add(place, values, task.LeftOut, task.Scale);
            Pack(values, place, predicted.Start, RowsAtOnce);
            return default;
        }
        Pack(values, place, predicted.Start, RowsAtOnce);
        var one = new ScreenedRow
        {
            IsFinite = true,
            Row = row,
            Own = task.Own[row],
            Norm = Math.Sqrt(own.Squared[place]),
            Left = own.Squared[place] - LeftOutSquares(values, row),
        };
        var x = task.Masked(values, row, maskedOwn);
        one.IsZero = RowDistance.SquaredNorm(x, task.Path) == 0;
        var y = task.Masked(task.RealRow(one.Own), row, maskedOther);
        one.L1 = RowDistance.Of(DistanceKind.L1, x, y, task.Path);
        one.L2 = RowDistance.Of(DistanceKind.L2, x, y, task.Path);
        one.Cosine = RowDistance.Of(DistanceKind.Cosine, x, y, task.Path);
        return one;
    }

    double LeftOutSquares(ReadOnlySpan<double> values, int row)
    {
        var sum = 0.0;
        foreach (var gene in task.LeftOutOf(row))
            sum += Rounded(values[gene]) * Rounded(values[gene]);
        return sum;
    }

    /// <summary>A value as the screen has it.</summary>
    double Rounded(double value) => (float)(value * task.Scale);

    /// <summary>Rounds a row into its place of each panel of genes; what a panel is short of its width is 0.</summary>
    void Pack(ReadOnlySpan<double> values, int place, float* panelStart, int panelRows)
    {
        for (var panel = 0; panel < panels; panel++)
            PackPanel(values, panel, panelStart + ((long)panel * panelRows + place) * width);
    }

    void PackPanel(ReadOnlySpan<double> values, int panel, float* start)
    {
        var first = panel * width;
        var target = new Span<float>(start, width);
        var part = values.Slice(first, Math.Min(width, values.Length - first));
        Round(part, target);
        target[part.Length..].Clear();
        for (var gene = 0; task.LeavesOut && gene < part.Length; gene++)
            if (task.LeftOut[first + gene])
                target[gene] = 0;
    }

    void Round(ReadOnlySpan<double> values, Span<float> rounded)
    {
        var scale = Vector256.Create(task.Scale);
        var at = 0;
        for (; at <= values.Length - 8; at += 8)
            Vector256
                .Narrow(Vector256.Create(values[at..]) * scale, Vector256.Create(values[(at + 4)..]) * scale)
                .CopyTo(rounded[at..]);
        for (; at < values.Length; at++)
            rounded[at] = (float)Rounded(values[at]);
    }

    void Screen(int predictedRows, int tile, int tileRows)
    {
        new Span<double>(sums.Start, (int)sums.Length).Clear();
        for (var panel = 0; panel < panels; panel++)
        {
            for (var row = 0; row < tileRows; row++)
                PackPanel(task.RealRow(tile + row), panel, real.Start + (long)row * width);
            ScreenSums.Add(
                task.Path,
                new()
                {
                    Predicted = predicted.Start + (long)panel * RowsAtOnce * width,
                    Real = real.Start,
                    PredictedRows = RoundUp(predictedRows, ScreenSums.PredictedStep),
                    RealRows = RoundUp(tileRows, ScreenSums.RealStep),
                    Width = width,
                    Maxima = sums.Start,
                    Products = sums.Start + RowsAtOnce * RealAtOnce,
                    Stride = RealAtOnce,
                }
            );
        }
    }

    static int RoundUp(int rows, int step) => (rows + step - 1) / step * step;

    void CountTile(ref ScreenedRow row, int place, int tile, int tileRows)
    {
        var maxima = sums.Start + place * RealAtOnce;
        var products = maxima + RowsAtOnce * RealAtOnce;
        var ownClass = task.RealClass[row.Own];
        for (var at = 0; at < tileRows; at++)
        {
            var other = tile + at;
            // Equal rows are equally far, the own row itself among them.
            if (task.RealClass[other] == ownClass)
                row.AddEqual(other);
            else
                CountPair(ref row, place, other, maxima[at], products[at]);
        }
    }

    void CountPair(ref ScreenedRow row, int place, int other, double maximum, double product)
    {
        var l1 = 2 * maximum - own.Plain[place] - task.Real.Plain[other];
        var (dot, left) = (product, task.Real.Squared[other]);
        foreach (var gene in task.LeftOutOf(row.Row))
        {
            var p = Rounded(task.PredictedRow(row.Row)[gene]);
            var r = Rounded(task.RealRow(other)[gene]);
            l1 -= Math.Abs(p - r);
            dot -= p * r;
            left -= r * r;
        }
        var undecided = 0;
        if (!row.TryL1(l1, task.Scale, errors.L1 * (own.Absolute[place] + task.Real.Absolute[other]) + Underflow))
            undecided |= 1 << (int)DistanceKind.L1;
        var square = row.Left + left - 2 * dot;
        if (!row.TryL2(square, task.Scale, errors.L2 * (own.Squared[place] + task.Real.Squared[other]) + Underflow))
            undecided |= 1 << (int)DistanceKind.L2;
        if (!TryCosine(ref row, other, dot, left, own.Squared[place]))
            undecided |= 1 << (int)DistanceKind.Cosine;
        if (undecided != 0)
            Recheck(ref row, other, undecided);
    }

    /// <summary>Whether the screen decides the cosine: p·r against (1 − own distance) |p| |r|.</summary>
    bool TryCosine(ref ScreenedRow row, int other, double dot, double left, double ownSquared)
    {
        if (row.IsZero)
        {
            // Every distance is 1.
            row.CosineCounts.AddEqual(other, row.Own);
            return true;
        }
        var squared = task.Real.Squared[other];
        if (row.Left < LeastShare * ownSquared || left < LeastShare * squared)
            return false;
        var slack = errors.Cosine * row.Norm * Math.Sqrt(squared) + Underflow;
        var threshold = (1 - row.Cosine) * Math.Sqrt(row.Left * left);
        if (dot > threshold + slack)
            row.CosineCounts.Closer++;
        else if (!(dot < threshold - slack))
            return false;
        return true;
    }

    void Recheck(ref ScreenedRow row, int other, int undecided)
    {
        Rechecked++;
        var x = task.Masked(task.PredictedRow(row.Row), row.Row, maskedOwn);
        var y = task.Masked(task.RealRow(other), row.Row, maskedOther);
        for (var kind = DistanceKind.L1; kind <= DistanceKind.Cosine; kind++)
            if ((undecided & 1 << (int)kind) != 0)
                row.Add(kind, RowDistance.Of(kind, x, y, task.Path), other);
    }

    /// <summary>Gives back the tiles.</summary>
    public void Dispose()
    {
        predicted.Dispose();
        real.Dispose();
        sums.Dispose();
    }

    /// <summary>How far the screen can be off, relative to the rows' norms.</summary>
    internal readonly struct DistanceErrors
    {
        internal DistanceErrors(int depth, int genes)
        {
            // k additions, one after the other, of terms rounded once: (1 + u)^k − 1 ≤ k u / (1 − k u).
            var adding = (depth + 2) * SingleUnit / (1 - (depth + 2) * SingleUnit);
            var doubles = 4 * (genes + 20.0) * DoubleUnit;
            // 2 Σ max(p, r) is at most 2 (Σ |p| + Σ |r|) in size; rounding the values moves the distance by u (Σ |p| + Σ |r|).
            L1 = 2 * adding + 2 * SingleUnit + 2 * doubles;
            // 2 Σ |p r| ≤ Σ p² + Σ r²; rounding the values moves √ Σ (p − r)² by u (|p| + |r|).
            L2 = adding + 6 * SingleUnit + 4 * doubles;
            // Of |p| |r|; what is left of a squared norm is off by its share of the whole.
            Cosine = adding + 8 * SingleUnit + doubles * (4 + 1 / LeastShare);
        }

        internal double L1 { get; }
        internal double L2 { get; }
        internal double Cosine { get; }
    }
}
