using System;

namespace CoExpr.Kernels;

/// <summary>Scores one gene against others in many resamples at once. Not for several threads at a time.</summary>
public abstract class ResamplingWorker : IDisposable
{
    private protected ResamplingWorker() { }

    /// <summary>Number of batches of 64 resamples.</summary>
    public abstract int Batches { get; }

    /// <summary>Takes a gene as the first of the pairs to come.</summary>
    public abstract void Take(int gene);

    /// <summary>Scores the pair of the gene taken and this one.</summary>
    /// <param name="column">The other gene.</param>
    /// <param name="numerators">Receives M · MI · 2^30 of each resample, <see cref="Batches"/> x 64 of them.</param>
    /// <param name="cells">Receives M of each resample.</param>
    public abstract void Score(int column, Span<long> numerators, Span<int> cells);

    /// <summary>Only the joint counts of the pair, for benchmarks: the first stage of <see cref="Score"/>.</summary>
    internal abstract void CountOnly(int column);

    /// <inheritdoc/>
    public abstract void Dispose();

    internal static SimdPath Required(SimdPath? path)
    {
        var wanted = path ?? Simd.Current();
        return Simd.IsSupported(wanted)
            ? wanted
            : throw new PlatformNotSupportedException($"this processor has no {wanted}");
    }
}
