using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Counts = System.Runtime.Intrinsics.Vector512<byte>;

namespace CoExpr.Kernels;

/// <summary>Sums over the joint histograms of one gene with 64 others, whose counts are bytes.</summary>
/// <remarks>
/// What is summed is F[n_ab] over the expressed levels, F[n_a − r_a] and F[n_b − c_b] of the cells that express one gene
/// alone. F of 64 counts at once is one byte permutation for each byte of F: the counts are the indices, the table lies
/// in registers. Counts below 8 go two by two, as index n1 + 8 n2 into a table of F[n1] + F[n2]; counts below 64 one by
/// one; counts below 128 with the permutation that reads two registers. The differences read the same tables at windows
/// that end at n_a or n_b.
///
/// Bytes of F are summed one by one in 16 bits, the lowest six only: a sum S is known modulo 2^48, less Σ F[n_a] and
/// Σ F[n_b]. F is superadditive, so Σ_b F[n_ab] ≤ F[r_a] ≤ F[n_a] − F[n_a − r_a], and S is at most 0 but for rounding.
/// At most 15 levels of each gene, with r_a and c_b below 255, take away less than
/// 2 · 15 · 254 · (log2 2^28 + 1.45) · 2^30 &lt; 2^48 − 2^20. So 48 bits tell S.
/// </remarks>
sealed unsafe class NarrowSums : IDisposable
{
    /// <summary>Genes that are summed at once.</summary>
    internal const int Lanes = 64;

    /// <summary>Most levels of a gene: 15² + 2 · 15 bytes fit in a <see cref="PlaneSum"/>.</summary>
    internal const int MostLevels = 15;

    /// <summary>Bytes that the sums of 64 lanes take: those of F, of the rows, of what had to be gathered, and the numbers
    /// of occupied cells.</summary>
    internal const int StateBytes =
        EntropyPlanes.Planes * 128 + (MostLevels + 1) * Lanes + Lanes * sizeof(long) + Lanes;

    readonly EntropyPlanes planes;
    readonly AlignedBuffer<byte> memory = new((5 + MostLevels + MostLevels + 1) * Lanes);
    readonly byte* pairs;
    readonly byte* columns;
    readonly byte* rows;

    internal NarrowSums(EntropyPlanes planes)
    {
        this.planes = planes;
        pairs = memory.Start;
        columns = pairs + 5 * Lanes;
        rows = columns + MostLevels * Lanes;
        for (var plane = 0; plane < 5; plane++)
        for (var pair = 0; pair < Lanes; pair++)
            pairs[plane * Lanes + pair] = (byte)((FirstOf(pair & 7) + FirstOf(pair >> 3)) >> (8 * plane));
    }

    long FirstOf(int n) => n < planes.Table.Length ? planes.Table[n] : 0;

    internal static PlaneSum* Sums(byte* state) => (PlaneSum*)state;

    internal static Counts* Rows(byte* state) => (Counts*)(state + EntropyPlanes.Planes * 128);

    internal static long* Gathered(byte* state) =>
        (long*)(state + EntropyPlanes.Planes * 128 + (MostLevels + 1) * Lanes);

    internal static byte* Occupied(byte* state) => state + StateBytes - Lanes;

    /// <summary>Σ over a of the counts last added: [b, lane].</summary>
    internal byte* Columns => columns;

    /// <summary>Adds the counts of some levels of the 64 genes; false where one is too large for it.</summary>
    /// <param name="state">The sums.</param>
    /// <param name="counts">The counts, [a, b, lane].</param>
    /// <param name="strideA">Bytes from a level of A to the next.</param>
    /// <param name="strideB">Bytes from a level of B to the next.</param>
    /// <param name="levelsA">Levels of gene A.</param>
    /// <param name="levelsB">Levels of the 64 genes that there are counts of.</param>
    /// <param name="reach">What counts are hoped to stay below, 8, 64 or 128; raised where they do not.</param>
    internal bool Add(byte* state, byte* counts, nint strideA, nint strideB, int levelsA, int levelsB, ref int reach)
    {
        if (reach <= 8)
        {
            if (AddPairs(state, counts, strideA, strideB, levelsA, levelsB))
                return true;
            reach = 64;
        }
        if (reach == 64)
        {
            if (AddSingles<UpTo64>(state, counts, strideA, strideB, levelsA, levelsB))
                return true;
            reach = 128;
        }
        return AddSingles<UpTo128>(state, counts, strideA, strideB, levelsA, levelsB);
    }

    interface IReach
    {
        static abstract int Limit { get; }
        static abstract Counts High(byte* table);
        static abstract Counts Look(Counts low, Counts high, Counts index);
    }

    struct UpTo64 : IReach
    {
        public static int Limit => 64;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Counts High(byte* table) => default;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Counts Look(Counts low, Counts high, Counts index) => Avx512Vbmi.PermuteVar64x8(low, index);
    }

    struct UpTo128 : IReach
    {
        public static int Limit => 128;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Counts High(byte* table) => *(Counts*)(table + 64);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Counts Look(Counts low, Counts high, Counts index) =>
            Avx512Vbmi.PermuteVar64x8x2(low, index, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    bool AddPairs(byte* state, byte* counts, nint strideA, nint strideB, int levelsA, int levelsB)
    {
        Counts t0 = ((Counts*)pairs)[0],
            t1 = ((Counts*)pairs)[1],
            t2 = ((Counts*)pairs)[2],
            t3 = ((Counts*)pairs)[3],
            t4 = ((Counts*)pairs)[4];
        PlaneSum s0 = Sums(state)[0],
            s1 = Sums(state)[1],
            s2 = Sums(state)[2],
            s3 = Sums(state)[3],
            s4 = Sums(state)[4];
        var any = Counts.Zero;
        var column = (Counts*)columns;
        for (var b = 0; b < levelsB; b++)
            column[b] = Counts.Zero;
        for (var a = 0; a < levelsA; a += 2, counts += 2 * strideA)
        {
            // The last level of an odd number of them is paired with nothing: index n1 + 8 · 0.
            var second = a + 1 < levelsA ? Counts.AllBitsSet : Counts.Zero;
            var step = a + 1 < levelsA ? strideA : 0;
            Counts rowA = default,
                rowB = default;
            for (var b = 0; b < levelsB; b++)
            {
                var n1 = *(Counts*)(counts + b * strideB);
                var n2 = *(Counts*)(counts + step + b * strideB) & second;
                rowA += n1;
                rowB += n2;
                column[b] += n1 + n2;
                any |= n1 | n2;
                var index = n1 | Avx512BW.ShiftLeftLogical(n2.AsUInt16(), 3).AsByte();
                s0.Add(Avx512Vbmi.PermuteVar64x8(t0, index));
                s1.Add(Avx512Vbmi.PermuteVar64x8(t1, index));
                s2.Add(Avx512Vbmi.PermuteVar64x8(t2, index));
                s3.Add(Avx512Vbmi.PermuteVar64x8(t3, index));
                s4.Add(Avx512Vbmi.PermuteVar64x8(t4, index));
            }
            ((Counts*)rows)[a] = rowA;
            ((Counts*)rows)[a + 1] = rowB;
        }
        if (Vector512.GreaterThanAny(any, Vector512.Create((byte)7)))
            return false;
        Sums(state)[0] = s0;
        Sums(state)[1] = s1;
        Sums(state)[2] = s2;
        Sums(state)[3] = s3;
        Sums(state)[4] = s4;
        return KeepRows(state, levelsA);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    bool AddSingles<TReach>(byte* state, byte* counts, nint strideA, nint strideB, int levelsA, int levelsB)
        where TReach : struct, IReach
    {
        byte* p0 = planes.At(0),
            p1 = planes.At(1),
            p2 = planes.At(2),
            p3 = planes.At(3),
            p4 = planes.At(4);
        Counts l0 = *(Counts*)p0,
            l1 = *(Counts*)p1,
            l2 = *(Counts*)p2,
            l3 = *(Counts*)p3,
            l4 = *(Counts*)p4;
        Counts h0 = TReach.High(p0),
            h1 = TReach.High(p1),
            h2 = TReach.High(p2),
            h3 = TReach.High(p3),
            h4 = TReach.High(p4);
        PlaneSum s0 = Sums(state)[0],
            s1 = Sums(state)[1],
            s2 = Sums(state)[2],
            s3 = Sums(state)[3],
            s4 = Sums(state)[4];
        var any = Counts.Zero;
        var column = (Counts*)columns;
        for (var b = 0; b < levelsB; b++)
            column[b] = Counts.Zero;
        for (var a = 0; a < levelsA; a++, counts += strideA)
        {
            Counts row = default;
            for (var b = 0; b < levelsB; b++)
            {
                var n = *(Counts*)(counts + b * strideB);
                row = Avx512BW.AddSaturate(row, n);
                column[b] = Avx512BW.AddSaturate(column[b], n);
                any |= n;
                s0.Add(TReach.Look(l0, h0, n));
                s1.Add(TReach.Look(l1, h1, n));
                s2.Add(TReach.Look(l2, h2, n));
                s3.Add(TReach.Look(l3, h3, n));
                s4.Add(TReach.Look(l4, h4, n));
            }
            ((Counts*)rows)[a] = row;
        }
        if (Vector512.GreaterThanAny(any, Vector512.Create((byte)(TReach.Limit - 1))))
            return false;
        Sums(state)[0] = s0;
        Sums(state)[1] = s1;
        Sums(state)[2] = s2;
        Sums(state)[3] = s3;
        Sums(state)[4] = s4;
        return KeepRows(state, levelsA);
    }

    bool KeepRows(byte* state, int levelsA)
    {
        for (var a = 0; a < levelsA; a++)
            Rows(state)[a] = Avx512BW.AddSaturate(Rows(state)[a], ((Counts*)rows)[a]);
        return true;
    }

    /// <summary>Adds F[n_b − c_b] of the levels whose counts were last added; false where a sum is too large for it.</summary>
    /// <param name="state">The sums.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="lane">First of the 64 lanes in the tile.</param>
    /// <param name="first">First of the levels, from 0.</param>
    /// <param name="levels">How many they are.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal bool AddColumns(byte* state, TileTerms tile, int lane, int first, int levels)
    {
        PlaneSum s0 = Sums(state)[0],
            s1 = Sums(state)[1],
            s2 = Sums(state)[2],
            s3 = Sums(state)[3],
            s4 = Sums(state)[4],
            s5 = Sums(state)[5];
        var windows = tile.Windows;
        for (var b = 0; b < levels; b++)
        {
            var column = ((Counts*)columns)[b];
            if (Vector512.EqualsAny(column, Counts.AllBitsSet))
                return false;
            var from = windows.Base(lane / Lanes, first + b);
            var sizes = *(Counts*)windows.Sizes(lane / Lanes, first + b);
            if (from == LevelWindows.NoWindow || Vector512.GreaterThanAny(column, sizes))
            {
                GatherColumn(Gathered(state), tile, lane, first + b, columns + b * Lanes);
                continue;
            }
            var index = sizes - column;
            AddWindow(from, index, ref s0, ref s1, ref s2, ref s3, ref s4, ref s5);
        }
        Sums(state)[0] = s0;
        Sums(state)[1] = s1;
        Sums(state)[2] = s2;
        Sums(state)[3] = s3;
        Sums(state)[4] = s4;
        Sums(state)[5] = s5;
        return true;
    }

    /// <summary>Adds F[n_a − r_a] of all levels of gene A; false where a sum is too large for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal bool AddRows(byte* state, RowTerms row)
    {
        PlaneSum s0 = Sums(state)[0],
            s1 = Sums(state)[1],
            s2 = Sums(state)[2],
            s3 = Sums(state)[3],
            s4 = Sums(state)[4],
            s5 = Sums(state)[5];
        for (var a = 0; a < row.Levels; a++)
        {
            var sum = Rows(state)[a];
            if (Vector512.EqualsAny(sum, Counts.AllBitsSet))
                return false;
            if (Vector512.GreaterThanAny(sum, Vector512.Create((byte)(EntropyPlanes.Reach - 1))))
            {
                GatherRow(Gathered(state), row.Sizes[a], (byte*)(Rows(state) + a));
                continue;
            }
            var index = Vector512.Create((byte)(EntropyPlanes.Reach - 1)) - sum;
            var from = row.Sizes[a] - (EntropyPlanes.Reach - 1);
            AddWindow(from, index, ref s0, ref s1, ref s2, ref s3, ref s4, ref s5);
        }
        Sums(state)[0] = s0;
        Sums(state)[1] = s1;
        Sums(state)[2] = s2;
        Sums(state)[3] = s3;
        Sums(state)[4] = s4;
        Sums(state)[5] = s5;
        return true;
    }

    /// <summary>Adds the entries of F at <paramref name="index"/> in the window that begins at <paramref name="from"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void AddWindow(
        int from,
        Counts index,
        ref PlaneSum s0,
        ref PlaneSum s1,
        ref PlaneSum s2,
        ref PlaneSum s3,
        ref PlaneSum s4,
        ref PlaneSum s5
    )
    {
        s0.Add(Look(planes.At(0) + from, index));
        s1.Add(Look(planes.At(1) + from, index));
        s2.Add(Look(planes.At(2) + from, index));
        s3.Add(Look(planes.At(3) + from, index));
        s4.Add(Look(planes.At(4) + from, index));
        s5.Add(Look(planes.At(5) + from, index));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Counts Look(byte* table, Counts index) => UpTo128.Look(*(Counts*)table, UpTo128.High(table), index);

    void GatherColumn(long* gathered, TileTerms tile, int lane, int level, byte* column)
    {
        fixed (long* f = planes.Table)
        fixed (int* sizes = tile.Sizes)
            for (var i = 0; i < Lanes; i += 4)
                Gather(f, gathered + i, Vector128.Load(sizes + (nint)level * tile.Lanes + lane + i), column + i);
    }

    void GatherRow(long* gathered, int size, byte* row)
    {
        fixed (long* f = planes.Table)
            for (var i = 0; i < Lanes; i += 4)
                Gather(f, gathered + i, Vector128.Create(size), row + i);
    }

    /// <summary>Adds F[size − count] of 4 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Gather(long* f, long* gathered, Vector128<int> sizes, byte* counts)
    {
        var left = sizes - Sse41.ConvertToVector128Int32(counts);
        (Vector256.LoadAligned(gathered) + Avx2.GatherVector256(f, left, 8)).StoreAligned(gathered);
    }

    public void Dispose() => memory.Dispose();
}
