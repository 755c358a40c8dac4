using System;

namespace CoExpr.Kernels;

/// <summary>Scores pairs of genes with the cells of one of the two exchanged, 64 permutations side by side.</summary>
/// <remarks>
/// The levels of the gene taken are laid out once for each permutation: in permutation i, cell c has the level of cell
/// π_i(c). The cells of the other gene are then visited as they are, and a cell's 64 levels are compared with each level
/// in one register. Neither gene's own counts change, so only the joint ones are counted anew.
/// </remarks>
public sealed class PermutationKernel : IDisposable
{
    const int Lanes = ResampleWeights.Lanes;

    readonly Func<ResamplingWorker> newWorker;
    ResampledMargins? margins;

    /// <summary>Lays out the genes.</summary>
    /// <param name="genes">The genes.</param>
    /// <param name="permutations">Orders of the cells: π_i(c) for every cell c. They are kept, not copied.</param>
    /// <param name="convention">Which cells of a pair count.</param>
    /// <param name="path">The instructions to use; null for the fastest.</param>
    /// <exception cref="ArgumentException">A permutation is of another number of cells.</exception>
    /// <exception cref="PlatformNotSupportedException">The processor lacks the path's instructions.</exception>
    public PermutationKernel(BinnedGenes genes, int[][] permutations, CellsIn convention, SimdPath? path = null)
    {
        foreach (var order in permutations)
            if (order.Length != genes.Cells)
                throw new ArgumentException(
                    $"an order of {order.Length} cells for {genes.Cells}",
                    nameof(permutations)
                );
        newWorker = ResamplingWorker.Required(path) switch
        {
            SimdPath.Avx512 => Prepare<Avx512Lanes>(genes, permutations, convention),
            SimdPath.Avx2 => Prepare<Avx2Lanes>(genes, permutations, convention),
            _ => Prepare<ScalarLanes>(genes, permutations, convention),
        };
    }

    Func<ResamplingWorker> Prepare<TLanes>(BinnedGenes genes, int[][] permutations, CellsIn convention)
        where TLanes : struct, ILanes
    {
        var table = EntropyTable.Create(genes.Cells);
        var levels = new CellsByLevel(genes);
        var inverses = Array.ConvertAll(permutations, Inverse);
        var own = margins = ResampledMargins.Unchanged<TLanes>(genes, Lanes, table);
        return () => new Worker<TLanes>(genes, levels, inverses, convention, table, own);
    }

    static int[] Inverse(int[] order)
    {
        var inverse = new int[order.Length];
        for (var cell = 0; cell < order.Length; cell++)
            inverse[order[cell]] = cell;
        return inverse;
    }

    /// <summary>A worker with memory of its own; each thread takes one.</summary>
    public ResamplingWorker NewWorker() => newWorker();

    /// <inheritdoc/>
    public void Dispose() => margins?.Dispose();

    sealed unsafe class Worker<TLanes>(
        BinnedGenes genes,
        CellsByLevel levels,
        int[][] inverses,
        CellsIn convention,
        long[] table,
        ResampledMargins margins
    ) : ResamplingWorker
        where TLanes : struct, ILanes
    {
        readonly AlignedBuffer<byte> permuted = new((inverses.Length + Lanes - 1) / Lanes * (long)genes.Cells * Lanes);
        readonly PairTerms<TLanes> terms = new(genes, convention, table);
        int row = -1;

        public override int Batches => (inverses.Length + Lanes - 1) / Lanes;

        public override void Take(int gene)
        {
            if (row >= 0)
                Lay(row, false);
            Lay(gene, true);
            row = gene;
        }

        byte* Batch(int batch) => permuted.Start + batch * (long)genes.Cells * Lanes;

        // Cell c of the gene stands, in permutation i, where π_i has c.
        void Lay(int gene, bool set)
        {
            for (var i = 0; i < inverses.Length; i++)
            {
                var lane = Batch(i / Lanes) + i % Lanes;
                var inverse = inverses[i];
                for (var at = genes.Starts[gene]; at < genes.Starts[gene + 1]; at++)
                    lane[(long)inverse[genes.CellOf[at]] * Lanes] = set ? genes.LevelOf[at] : (byte)0;
            }
        }

        public override void Score(int column, Span<long> numerators, Span<int> cells)
        {
            for (var batch = 0; batch < Batches; batch++)
            {
                Count(column, Batch(batch));
                var first = batch * Lanes;
                terms.Finish(margins, row, column, numerators[first..], cells[first..]);
            }
        }

        internal override void CountOnly(int column)
        {
            for (var batch = 0; batch < Batches; batch++)
                Count(column, Batch(batch));
        }

        void Count(int column, byte* levelsOfRow)
        {
            var start = genes.LevelStarts[column];
            terms.Begin(genes.Levels[row], genes.Levels[column], genes.Levels[row] * genes.Levels[column]);
            fixed (int* cellOf = levels.Cells)
                for (var b = 0; b < genes.Levels[column]; b++)
                for (var a = 0; a < genes.Levels[row]; a++)
                {
                    var cells = cellOf + levels.Start(start + b);
                    TLanes.CountLevel(levelsOfRow, cells, genes.LevelSizes[start + b], (byte)(a + 1), terms.Next);
                    terms.AddJoint(a, b);
                }
        }

        public override void Dispose()
        {
            permuted.Dispose();
            terms.Dispose();
        }
    }
}
