using System.Numerics;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>How many cells of a joint histogram are not empty, for 64 genes against one.</summary>
/// <remarks>At most 15² of pairs of levels and 15 of levels of each gene alone: they fit in a byte. The cell of neither
/// gene is left out here.</remarks>
static unsafe class OccupiedCells
{
    const int Lanes = LaneScores.Lanes;

    /// <summary>Adds those of pairs of levels.</summary>
    internal static void AddPairs(byte* occupied, byte* counts, nint strideA, nint strideB, int levelsA, int levelsB)
    {
        var sum = Vector512.Load(occupied);
        for (var a = 0; a < levelsA; a++)
        for (var b = 0; b < levelsB; b++)
            sum += Vector512.Min(Vector512.Load(counts + a * strideA + b * strideB), Vector512<byte>.One);
        sum.Store(occupied);
    }

    /// <summary>Adds those of some levels of the 64 genes alone.</summary>
    internal static void AddColumns(byte* occupied, TileTerms tile, int lane, int first, int levels, byte* columns)
    {
        for (var b = 0; b < levels; b++)
        for (var i = 0; i < Lanes; i++)
            occupied[i] += (byte)(tile.Sizes[(first + b) * tile.Lanes + lane + i] > columns[b * Lanes + i] ? 1 : 0);
    }

    /// <summary>Adds those of the levels of gene A alone.</summary>
    internal static void AddRows(byte* occupied, RowTerms row, byte* rows)
    {
        for (var a = 0; a < row.Levels; a++)
        for (var i = 0; i < Lanes; i++)
            occupied[i] += (byte)(row.Sizes[a] > rows[a * Lanes + i] ? 1 : 0);
    }

    /// <summary>All of them from counts [a, b, lane] with these strides.</summary>
    internal static void Count<TCount>(
        byte* occupied,
        TCount* counts,
        nint strideA,
        nint strideB,
        RowTerms row,
        TileTerms tile,
        int lane
    )
        where TCount : unmanaged, IBinaryInteger<TCount>
    {
        for (var i = 0; i < Lanes; i++)
        {
            var own = counts + lane + i;
            var (pairs, rows, columns) = (0, 0, 0);
            for (var a = 0; a < row.Levels; a++)
                rows += row.Sizes[a] > Sum(own + a * strideA, strideB, tile.Levels, ref pairs) ? 1 : 0;
            var again = 0;
            for (var b = 0; b < tile.Levels; b++)
            {
                var sum = Sum(own + b * strideB, strideA, row.Levels, ref again);
                columns += tile.Sizes[b * tile.Lanes + lane + i] > sum ? 1 : 0;
            }
            occupied[i] = (byte)(pairs + rows + columns);
        }
    }

    static int Sum<TCount>(TCount* counts, nint stride, int levels, ref int occupied)
        where TCount : unmanaged, IBinaryInteger<TCount>
    {
        var sum = 0;
        for (var level = 0; level < levels; level++)
        {
            var n = int.CreateTruncating(counts[level * stride]);
            sum += n;
            occupied += n > 0 ? 1 : 0;
        }
        return sum;
    }
}
