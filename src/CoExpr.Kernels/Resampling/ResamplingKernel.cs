using System;
using System.Threading.Tasks;

namespace CoExpr.Kernels;

/// <summary>Scores pairs of genes in many resamples at once, exactly as if each resample's cells were written out.</summary>
/// <remarks>Read only, so any number of threads may share it, each with a worker of its own.</remarks>
public sealed class ResamplingKernel : IDisposable
{
    readonly Func<ResamplingWorker> newWorker;
    readonly ResampledMargins[] margins;

    /// <summary>Counts every gene's cells in every resample.</summary>
    /// <param name="genes">The genes.</param>
    /// <param name="weights">The resamples; they must outlive the kernel.</param>
    /// <param name="convention">Which cells of a pair count.</param>
    /// <param name="path">The instructions to use; null for the fastest.</param>
    /// <param name="threads">Threads to count with.</param>
    /// <exception cref="ArgumentException">The resamples are of another number of cells.</exception>
    /// <exception cref="PlatformNotSupportedException">The processor lacks the path's instructions.</exception>
    public ResamplingKernel(
        BinnedGenes genes,
        ResampleWeights weights,
        CellsIn convention,
        SimdPath? path = null,
        int threads = 1
    )
    {
        if (weights.Cells != genes.Cells)
            throw new ArgumentException($"resamples of {weights.Cells} cells for {genes.Cells} cells", nameof(weights));
        var table = EntropyTable.Create(weights.LargestTotal());
        var levels = new CellsByLevel(genes);
        margins = new ResampledMargins[weights.Batches];
        newWorker = ResamplingWorker.Required(path) switch
        {
            SimdPath.Avx512 => Prepare<Avx512Lanes>(genes, levels, weights, convention, table, threads),
            SimdPath.Avx2 => Prepare<Avx2Lanes>(genes, levels, weights, convention, table, threads),
            _ => Prepare<ScalarLanes>(genes, levels, weights, convention, table, threads),
        };
    }

    Func<ResamplingWorker> Prepare<TLanes>(
        BinnedGenes genes,
        CellsByLevel levels,
        ResampleWeights weights,
        CellsIn convention,
        long[] table,
        int threads
    )
        where TLanes : struct, ILanes
    {
        Parallel.For(
            0,
            margins.Length,
            new ParallelOptions { MaxDegreeOfParallelism = threads },
            batch => margins[batch] = ResampledMargins.Of<TLanes>(genes, levels, weights, batch, table)
        );
        return () => new Worker<TLanes>(genes, levels, weights, convention, table, margins);
    }

    /// <summary>A worker with memory of its own; each thread takes one.</summary>
    public ResamplingWorker NewWorker() => newWorker();

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(margins, batch => batch.Dispose());

    sealed unsafe class Worker<TLanes>(
        BinnedGenes genes,
        CellsByLevel levels,
        ResampleWeights weights,
        CellsIn convention,
        long[] table,
        ResampledMargins[] margins
    ) : ResamplingWorker
        where TLanes : struct, ILanes
    {
        readonly CoexpressingCells shared = new(genes, levels);
        readonly PairTerms<TLanes> terms = new(genes, convention, table);
        int row;

        public override int Batches => margins.Length;

        public override void Take(int gene)
        {
            row = gene;
            shared.Take(gene);
        }

        public override void Score(int column, Span<long> numerators, Span<int> cells)
        {
            shared.Find(column);
            fixed (int* cellOf = shared.Cells)
                for (var batch = 0; batch < margins.Length; batch++)
                {
                    Count(batch, column, cellOf);
                    var first = batch * ResampleWeights.Lanes;
                    terms.Finish(margins[batch], row, column, numerators[first..], cells[first..]);
                }
        }

        internal override void CountOnly(int column)
        {
            shared.Find(column);
            fixed (int* cellOf = shared.Cells)
                for (var batch = 0; batch < margins.Length; batch++)
                    Count(batch, column, cellOf);
        }

        void Count(int batch, int column, int* cellOf)
        {
            terms.Begin(genes.Levels[row], genes.Levels[column], shared.Count);
            var line = weights.Batch(batch);
            var largest = weights.Largest(batch);
            foreach (var run in shared.Runs.AsSpan(0, shared.Count))
            {
                TLanes.SumWeights(line, cellOf + run.First, run.Count, largest, terms.Next);
                terms.AddJoint(run.A, run.B);
            }
        }

        public override void Dispose() => terms.Dispose();
    }
}
