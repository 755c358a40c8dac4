using System;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>From one gene's joint histograms with a tile of genes to M · MI · 2^30 of each pair, by table look-up.</summary>
public static class MutualInformationKernel
{
    // The histogram holds n_ab for the expressed levels a, b ≥ 1 only. What is missing follows from the sizes of the
    // levels: with r_a = Σ_b n_ab and c_b = Σ_a n_ab, the cells at level a that lack gene B are n_a − r_a, those at b
    // that lack A n_b − c_b, and those that express both K = Σ r_a.
    //
    //     EitherGene: M = n_A + n_B − K, the cell (0, 0) is dropped; row 0 sums to n_B − K and column 0 to n_A − K.
    //     All:        M = N, (0, 0) holds N − n_A − n_B + K;        row 0 sums to N − n_A and column 0 to N − n_B.
    //
    // The sums of the expressed rows and columns are the level sizes, in both.

    /// <summary>Scores gene <paramref name="row"/> against the genes of the tile that come after it.</summary>
    /// <param name="genes">All genes.</param>
    /// <param name="table">F of <see cref="EntropyTable"/>, up to the number of cells.</param>
    /// <param name="convention">Which cells count.</param>
    /// <param name="row">Gene A.</param>
    /// <param name="tile">The tile of genes that was counted.</param>
    /// <param name="counts">What <see cref="ScatterHistogram.Count"/> gave for gene A.</param>
    /// <param name="block">Receives numerators and cells in the line of gene A.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Score(
        BinnedGenes genes,
        long[] table,
        CellsIn convention,
        int row,
        ScatterHistogram tile,
        ReadOnlySpan<int> counts,
        PairBlock block
    )
    {
        var first = Math.Max(row + 1, tile.FirstGene);
        var line = (row - block.FirstRow) * block.Width - block.FirstColumn;
        var (levelsA, expressedA) = ((int)genes.Levels[row], genes.Expressed(row));
        var columnSums = stackalloc int[256];
        fixed (long* f = table)
        fixed (long* numerators = block.Numerators)
        fixed (int* sizes = genes.LevelSizes)
        fixed (int* starts = genes.LevelStarts)
        fixed (int* count = counts)
        fixed (int* cells = block.Cells)
        fixed (int* boths = block.Both)
        fixed (int* occupiedCells = block.Occupied)
        {
            var sizesA = sizes + starts[row];
            for (var column = first; column < tile.EndGene; column++)
            {
                var levelsB = genes.Levels[column];
                var sizesB = sizes + starts[column];
                var joint = count + (starts[column] - starts[tile.FirstGene]);
                for (var b = 0; b < levelsB; b++)
                    columnSums[b] = 0;

                long sum = 0;
                var both = 0;
                var occupied = 0;
                for (var a = 0; a < levelsA; a++, joint += tile.Width)
                {
                    var rowSum = 0;
                    for (var b = 0; b < levelsB; b++)
                    {
                        var n = joint[b];
                        sum += f[n];
                        occupied += n > 0 ? 1 : 0;
                        rowSum += n;
                        columnSums[b] += n;
                    }
                    sum += f[sizesA[a] - rowSum] - f[sizesA[a]];
                    occupied += sizesA[a] > rowSum ? 1 : 0;
                    both += rowSum;
                }
                for (var b = 0; b < levelsB; b++)
                {
                    sum += f[sizesB[b] - columnSums[b]] - f[sizesB[b]];
                    occupied += sizesB[b] > columnSums[b] ? 1 : 0;
                }

                var expressedB = genes.Expressed(column);
                var either = expressedA + expressedB - both;
                if (convention == CellsIn.EitherGene)
                {
                    numerators[line + column] = sum + f[either] - f[expressedA - both] - f[expressedB - both];
                    cells[line + column] = either;
                }
                else
                {
                    var all = genes.Cells;
                    numerators[line + column] =
                        sum + f[all - either] + f[all] - f[all - expressedA] - f[all - expressedB];
                    cells[line + column] = all;
                    occupied += all > either ? 1 : 0;
                }
                boths[line + column] = both;
                occupiedCells[line + column] = occupied;
            }
        }
    }
}
