using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Scores of one gene with 64 others from counts of any size, by gathering from the table of F.</summary>
static unsafe class WideScores
{
    interface ICount
    {
        static abstract int Bytes { get; }
        static abstract Vector128<int> Load(byte* at);
    }

    struct OfBytes : ICount
    {
        public static int Bytes => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<int> Load(byte* at) => Sse41.ConvertToVector128Int32(at);
    }

    struct OfInts : ICount
    {
        public static int Bytes => sizeof(int);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<int> Load(byte* at) => Vector128.Load((int*)at);
    }

    /// <summary>Scores 64 lanes from counts of 8 bits, [a, b, lane] with these strides.</summary>
    internal static void Score(
        byte* counts,
        nint strideA,
        nint strideB,
        long[] table,
        CellsIn convention,
        RowTerms row,
        TileTerms tile,
        int firstLane,
        LaneScores scores
    ) => Score<OfBytes>(counts + firstLane, strideA, strideB, table, convention, row, tile, firstLane, scores);

    /// <summary>Scores 64 lanes from counts of 32 bits, [a, b, lane].</summary>
    internal static void Score(
        int* counts,
        long[] table,
        CellsIn convention,
        RowTerms row,
        TileTerms tile,
        int firstLane,
        LaneScores scores
    ) =>
        Score<OfInts>(
            (byte*)(counts + firstLane),
            (nint)tile.Levels * tile.Lanes * sizeof(int),
            (nint)tile.Lanes * sizeof(int),
            table,
            convention,
            row,
            tile,
            firstLane,
            scores
        );

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Score<TCount>(
        byte* counts,
        nint strideA,
        nint strideB,
        long[] table,
        CellsIn convention,
        RowTerms row,
        TileTerms tile,
        int firstLane,
        LaneScores scores
    )
        where TCount : struct, ICount
    {
        var columns = stackalloc Vector128<int>[tile.Levels];
        fixed (long* f = table)
        fixed (int* sizes = tile.Sizes)
        fixed (long* entropies = tile.Entropies)
        fixed (int* expressed = tile.Expressed)
            for (var lane = 0; lane < LaneScores.Lanes; lane += 4)
            {
                for (var b = 0; b < tile.Levels; b++)
                    columns[b] = default;
                var sum = Vector256.Create(-row.Entropy) - Vector256.Load(entropies + firstLane + lane);
                var both = Vector128<int>.Zero;
                var first = counts + lane * TCount.Bytes;
                for (var a = 0; a < row.Levels; a++, first += strideA)
                {
                    var at = first;
                    var rowSum = Vector128<int>.Zero;
                    for (var b = 0; b < tile.Levels; b++, at += strideB)
                    {
                        var n = TCount.Load(at);
                        sum += Avx2.GatherVector256(f, n, 8);
                        rowSum += n;
                        columns[b] += n;
                    }
                    sum += Avx2.GatherVector256(f, Vector128.Create(row.Sizes[a]) - rowSum, 8);
                    both += rowSum;
                }
                for (var b = 0; b < tile.Levels; b++)
                    sum += Avx2.GatherVector256(
                        f,
                        Vector128.Load(sizes + (nint)b * tile.Lanes + firstLane + lane) - columns[b],
                        8
                    );
                sum += NarrowScores.Outside(
                    f,
                    table.Length - 1,
                    convention,
                    row.Expressed,
                    Vector128.Load(expressed + firstLane + lane),
                    both
                );
                sum.StoreAligned(scores.Numerators + lane);
                both.StoreAligned(scores.Both + lane);
            }
    }
}
