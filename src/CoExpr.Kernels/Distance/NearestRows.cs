using System;

namespace CoExpr.Kernels;

/// <summary>The nearest other rows of each row, by Euclidean distance, exactly.</summary>
/// <remarks>
/// Rows and the others that they are compared with are taken by tiles that stay in a core's cache, and a row keeps its nearest
/// so far in a heap with the farthest of them on top: memory beside the rows is what is returned. Rows as far apart are
/// nearer the lower their number.
/// </remarks>
public static class NearestRows
{
    /// <summary>Rows that are best asked for together.</summary>
    public const int RowsAtOnce = 32;

    const int OthersAtOnce = 32;

    /// <summary>Finds the nearest of all other rows for the rows from first to before end.</summary>
    /// <param name="rows">Rows x genes, row by row, finite.</param>
    /// <param name="genes">Values of a row.</param>
    /// <param name="first">The first row that is asked for.</param>
    /// <param name="end">After the last.</param>
    /// <param name="nearest">Numbers of rows, as many for each row asked for, nearest first.</param>
    /// <param name="distances">Their distances.</param>
    /// <param name="path">The instruction set; it does not change the result.</param>
    /// <exception cref="ArgumentException">Lengths do not agree, or more neighbours are asked for than there are.</exception>
    public static void Find(
        ReadOnlySpan<double> rows,
        int genes,
        int first,
        int end,
        Span<int> nearest,
        Span<double> distances,
        SimdPath path
    )
    {
        var (count, all) = (nearest.Length / (end - first), rows.Length / genes);
        Check(rows.Length - all * genes, nearest.Length - count * (end - first), nearest.Length - distances.Length);
        if (count >= all)
            throw new ArgumentException($"{count} neighbours of {all} rows", nameof(nearest));
        distances.Fill(double.PositiveInfinity);
        nearest.Fill(int.MaxValue);
        for (var tile = 0; tile < all; tile += OthersAtOnce)
        for (var row = first; row < end; row++)
        {
            var heap = new Heap(nearest.Slice((row - first) * count, count), distances.Slice((row - first) * count, count));
            var own = rows.Slice(row * genes, genes);
            for (var other = tile; other < Math.Min(all, tile + OthersAtOnce); other++)
                if (other != row)
                    heap.Offer(other, RowDistance.Of(DistanceKind.L2, own, rows.Slice(other * genes, genes), path));
        }
        for (var row = 0; row < end - first; row++)
            new Heap(nearest.Slice(row * count, count), distances.Slice(row * count, count)).Sort();
    }

    static void Check(int values, int places, int lengths)
    {
        if (values != 0 || places != 0 || lengths != 0)
            throw new ArgumentException("rows, neighbours and distances do not fit each other");
    }

    /// <summary>Places with the farthest row on top of those below it, which are at 2i + 1 and 2i + 2.</summary>
    readonly ref struct Heap(Span<int> rows, Span<double> distances)
    {
        readonly Span<int> rows = rows;
        readonly Span<double> distances = distances;

        internal void Offer(int row, double distance)
        {
            if (rows.Length == 0 || !IsNearer(row, distance, 0))
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
}
