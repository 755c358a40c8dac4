using System;

namespace CoExpr.Kernels;

/// <summary>Resamples of cells: how often each cell was drawn into each resample, 64 resamples side by side.</summary>
/// <remarks>A cell's 64 weights are one cache line, and one register of 64 bytes: adding it counts the cell into 64
/// resamples at once. Resamples beyond the last, up to a multiple of 64, have no cells.</remarks>
public sealed class ResampleWeights : IDisposable
{
    /// <summary>Resamples side by side.</summary>
    public const int Lanes = 64;

    readonly AlignedBuffer<byte>[] batches;
    readonly int[] largest;
    readonly int[] totals;

    /// <summary>Resamples in which no cell has been drawn yet.</summary>
    /// <param name="cells">Number of cells N.</param>
    /// <param name="resamples">Number of resamples.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 0.</exception>
    public ResampleWeights(int cells, int resamples)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cells);
        ArgumentOutOfRangeException.ThrowIfNegative(resamples);
        (Cells, Resamples) = (cells, resamples);
        batches = new AlignedBuffer<byte>[(resamples + Lanes - 1) / Lanes];
        for (var batch = 0; batch < batches.Length; batch++)
            batches[batch] = new AlignedBuffer<byte>((long)cells * Lanes);
        (largest, totals) = (new int[batches.Length * Lanes], new int[batches.Length * Lanes]);
    }

    /// <summary>Number of cells.</summary>
    public int Cells { get; }

    /// <summary>Number of resamples.</summary>
    public int Resamples { get; }

    /// <summary>Number of batches of 64 resamples, the last one filled up with empty ones.</summary>
    public int Batches => batches.Length;

    /// <summary>Number of cells drawn into a resample, counted as often as drawn.</summary>
    public int Total(int resample) => totals[resample];

    /// <summary>Sets one resample. Threads may set different ones at a time.</summary>
    /// <param name="resample">Its number.</param>
    /// <param name="weights">How often each cell was drawn.</param>
    /// <exception cref="ArgumentException">There is not one weight per cell.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not from 0 to 255. Of N cells drawn with replacement,
    /// one comes up 256 times with a chance below 10^−500.</exception>
    public unsafe void Set(int resample, ReadOnlySpan<int> weights)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(resample);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(resample, Resamples);
        if (weights.Length != Cells)
            throw new ArgumentException($"{weights.Length} weights for {Cells} cells", nameof(weights));
        var lane = batches[resample / Lanes].Start + resample % Lanes;
        var (most, total) = (0, 0);
        for (var cell = 0; cell < Cells; cell++)
        {
            var weight = weights[cell];
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)weight, byte.MaxValue, nameof(weights));
            lane[(long)cell * Lanes] = (byte)weight;
            most = Math.Max(most, weight);
            total = checked(total + weight);
        }
        (largest[resample], totals[resample]) = (most, total);
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(batches, batch => batch.Dispose());

    /// <summary>Cells x 64 weights of a batch.</summary>
    internal unsafe byte* Batch(int batch) => batches[batch].Start;

    /// <summary>The largest weight of a batch.</summary>
    internal int Largest(int batch)
    {
        var most = 0;
        foreach (var weight in largest.AsSpan(batch * Lanes, Lanes))
            most = Math.Max(most, weight);
        return most;
    }

    /// <summary>The totals of a batch.</summary>
    internal ReadOnlySpan<int> Totals(int batch) => totals.AsSpan(batch * Lanes, Lanes);

    /// <summary>The largest total of all resamples.</summary>
    internal int LargestTotal()
    {
        var most = 0;
        foreach (var total in totals)
            most = Math.Max(most, total);
        return most;
    }
}
