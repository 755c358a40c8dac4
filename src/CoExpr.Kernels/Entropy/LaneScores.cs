using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Scores of one gene with 64 others, lane by lane.</summary>
sealed unsafe class LaneScores : System.IDisposable
{
    internal const int Lanes = NarrowSums.Lanes;

    readonly AlignedBuffer<byte> memory = new(Lanes * (sizeof(long) + sizeof(int) + 1));

    internal LaneScores()
    {
        Numerators = (long*)memory.Start;
        Both = (int*)(Numerators + Lanes);
        Occupied = (byte*)(Both + Lanes);
    }

    internal long* Numerators { get; }

    internal int* Both { get; }

    /// <summary>Cells of the joint histogram that are not empty, that of neither gene left out.</summary>
    internal byte* Occupied { get; }

    public void Dispose() => memory.Dispose();
}

/// <summary>From sums over a joint histogram to M · MI · 2^30.</summary>
/// <remarks>
/// With r_a and c_b the sums of the expressed levels' rows and columns and K = Σ r_a,
///
///     EitherGene: Σ F[n_ab] + Σ (F[n_a − r_a] − F[n_a]) + Σ (F[n_b − c_b] − F[n_b]) + F[M] − F[n_A − K] − F[n_B − K]
///     All:        the same with F[N − M] + F[N] − F[N − n_A] − F[N − n_B] at the end,
///
/// M = n_A + n_B − K being the number of cells that express either.
/// </remarks>
static unsafe class NarrowScores
{
    const long Mask = (1L << 48) - 1;
    const long Below = (1L << 48) - (1L << 20);

    /// <summary>Scores 64 lanes from their sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Score(
        byte* state,
        long[] table,
        CellsIn convention,
        RowTerms row,
        TileTerms tile,
        int firstLane,
        LaneScores scores
    )
    {
        var words = stackalloc ushort[EntropyPlanes.Planes * LaneScores.Lanes + 32];
        words = (ushort*)(((nint)words + 63) & ~(nint)63);
        for (var plane = 0; plane < EntropyPlanes.Planes; plane++)
            NarrowSums.Sums(state)[plane].Write(words + plane * LaneScores.Lanes);
        Both(state, row.Levels, scores.Both);
        fixed (long* f = table)
        fixed (long* levelEntropies = tile.LevelEntropies)
        fixed (long* entropies = tile.Entropies)
        fixed (int* expressed = tile.Expressed)
            for (var lane = 0; lane < LaneScores.Lanes; lane += 4)
            {
                var own = Vector256.Load(levelEntropies + firstLane + lane);
                var sizes = own + Vector256.Create(row.LevelEntropies);
                var gathered = Vector256.LoadAligned(NarrowSums.Gathered(state) + lane);
                var sum = Word(words, lane) + gathered - sizes;
                sum = ((sum + Vector256.Create(Below)) & Vector256.Create(Mask)) - Vector256.Create(Below);
                sum -= Vector256.Load(entropies + firstLane + lane) - own;
                sum -= Vector256.Create(row.Entropy - row.LevelEntropies);
                var both = Vector128.LoadAligned(scores.Both + lane);
                var expressedB = Vector128.Load(expressed + firstLane + lane);
                sum += Outside(f, table.Length - 1, convention, row.Expressed, expressedB, both);
                sum.StoreAligned(scores.Numerators + lane);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Both(byte* state, int levels, int* both)
    {
        Vector512<ushort> low = default,
            high = default;
        for (var a = 0; a < levels; a++)
        {
            low += Avx512BW.ConvertToVector512UInt16(NarrowSums.Rows(state)[a].GetLower());
            high += Avx512BW.ConvertToVector512UInt16(NarrowSums.Rows(state)[a].GetUpper());
        }
        Avx512F.ConvertToVector512Int32(low.GetLower()).StoreAligned(both);
        Avx512F.ConvertToVector512Int32(low.GetUpper()).StoreAligned(both + 16);
        Avx512F.ConvertToVector512Int32(high.GetLower()).StoreAligned(both + 32);
        Avx512F.ConvertToVector512Int32(high.GetUpper()).StoreAligned(both + 48);
    }

    /// <summary>The terms of the cells that lack one gene or both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<long> Outside(
        long* f,
        int cells,
        CellsIn convention,
        int expressedA,
        Vector128<int> expressedB,
        Vector128<int> both
    )
    {
        var onlyA = Vector128.Create(expressedA) - both;
        var onlyB = expressedB - both;
        // In the lane of the gene itself, whose counts are left out, both genes' cells add up to more than there are: nobody
        // asks for its score, but the look-up must stay within the table.
        var either = Vector128.Min(onlyA + expressedB, Vector128.Create(cells));
        return convention == CellsIn.EitherGene
            ? Avx2.GatherVector256(f, either, 8) - Avx2.GatherVector256(f, onlyA, 8) - Avx2.GatherVector256(f, onlyB, 8)
            : Avx2.GatherVector256(f, Vector128.Create(cells) - either, 8) + Vector256.Create(f[cells]);
    }

    /// <summary>Sums of bytes put together: Σ sums[plane] · 256^plane, of 4 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<long> Word(ushort* sums, int lane)
    {
        var word = Vector256<long>.Zero;
        for (var plane = EntropyPlanes.Planes - 1; plane >= 0; plane--)
            word =
                Avx2.ShiftLeftLogical(word, 8)
                + Avx2.ConvertToVector256Int64(Load4(sums + plane * LaneScores.Lanes + lane));
        return word;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<ushort> Load4(ushort* at) => Vector128.CreateScalarUnsafe(*(ulong*)at).AsUInt16();
}
