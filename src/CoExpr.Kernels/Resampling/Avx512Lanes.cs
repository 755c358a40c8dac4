using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Registers of 64 bytes: a weight of each of 64 resamples. Logarithms of counts below 64 come from registers.</summary>
readonly unsafe struct Avx512Lanes : ILanes
{
    const int Lanes = ResampleWeights.Lanes;
    const int Ints = 16;
    const int Longs = 8;

    // A counter of one byte takes as many cells as cannot exceed 255 together, and is then added to the wide counters.

    public static void SumWeights(byte* weights, int* cells, int count, int largest, int* sums)
    {
        var run = byte.MaxValue / Math.Max(1, largest);
        var counts = Wide.Zero;
        for (var first = 0; first < count; first += run)
        {
            var end = Math.Min(count, first + run);
            var bytes = Vector512<byte>.Zero;
            for (var i = first; i < end; i++)
                bytes += Vector512.LoadAligned(weights + (long)cells[i] * Lanes);
            counts.Add(bytes);
        }
        counts.Store(sums);
    }

    public static void CountLevel(byte* levels, int* cells, int count, byte level, int* sums)
    {
        var wanted = Vector512.Create(level);
        var counts = Wide.Zero;
        for (var first = 0; first < count; first += byte.MaxValue)
        {
            var end = Math.Min(count, first + byte.MaxValue);
            var bytes = Vector512<byte>.Zero;
            // Where they are equal the comparison gives −1.
            for (var i = first; i < end; i++)
                bytes -= Vector512.Equals(Vector512.LoadAligned(levels + (long)cells[i] * Lanes), wanted);
            counts.Add(bytes);
        }
        counts.Store(sums);
    }

    /// <summary>64 wide counters.</summary>
    struct Wide
    {
        Vector512<int> a;
        Vector512<int> b;
        Vector512<int> c;
        Vector512<int> d;

        internal static Wide Zero => default;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Add(Vector512<byte> counts)
        {
            var (low, high) = Vector512.Widen(counts);
            var (first, second) = Vector512.Widen(low.AsInt16());
            var (third, fourth) = Vector512.Widen(high.AsInt16());
            (a, b, c, d) = (a + first, b + second, c + third, d + fourth);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal readonly void Store(int* sums)
        {
            a.StoreAligned(sums);
            b.StoreAligned(sums + Ints);
            c.StoreAligned(sums + 2 * Ints);
            d.StoreAligned(sums + 3 * Ints);
        }
    }

    public static void Add(int* part, int* total)
    {
        for (var lane = 0; lane < Lanes; lane += Ints)
            (Vector512.LoadAligned(total + lane) + Vector512.LoadAligned(part + lane)).StoreAligned(total + lane);
    }

    public static void Subtract(long* part, long* total)
    {
        for (var lane = 0; lane < Lanes; lane += Longs)
            (Vector512.LoadAligned(total + lane) - Vector512.LoadAligned(part + lane)).StoreAligned(total + lane);
    }

    public static void Difference(int* total, int* part, int* rest)
    {
        for (var lane = 0; lane < Lanes; lane += Ints)
            (Vector512.LoadAligned(total + lane) - Vector512.LoadAligned(part + lane)).StoreAligned(rest + lane);
    }

    public static bool AddJoint(int* counts, int* row, bool rowMet, int* column, bool columnMet)
    {
        var any = Vector512<int>.Zero;
        for (var lane = 0; lane < Lanes; lane += Ints)
        {
            var count = Vector512.LoadAligned(counts + lane);
            any |= count;
            (rowMet ? Vector512.LoadAligned(row + lane) + count : count).StoreAligned(row + lane);
            (columnMet ? Vector512.LoadAligned(column + lane) + count : count).StoreAligned(column + lane);
        }
        return AreSmall(any);
    }

    public static bool AreSmall(int* counts) =>
        AreSmall(
            Vector512.LoadAligned(counts)
                | Vector512.LoadAligned(counts + Ints)
                | Vector512.LoadAligned(counts + 2 * Ints)
                | Vector512.LoadAligned(counts + 3 * Ints)
        );

    static bool AreSmall(Vector512<int> any) =>
        (any & Vector512.Create(~(SmallEntropies.End - 1))) == Vector512<int>.Zero;

    public static void AddTerms(in Terms terms, SmallEntropies small, long* table, long* sums)
    {
        for (var lane = 0; lane < terms.Lanes; lane += Ints)
            AddSmall(terms, small, lane, sums + lane);
        if (terms.Plus.Length + terms.Minus.Length > 0)
            AddLarge(terms, table, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddLarge(in Terms terms, long* table, long* sums)
    {
        const int half = Longs / 2;
        for (var lane = 0; lane < terms.Lanes; lane += Longs)
        {
            var low = Vector256.LoadAligned(sums + lane);
            var high = Vector256.LoadAligned(sums + lane + half);
            foreach (var term in terms.Plus)
            {
                low += Avx2Lanes.Gathered(table, terms.At(term) + lane);
                high += Avx2Lanes.Gathered(table, terms.At(term) + lane + half);
            }
            foreach (var term in terms.Minus)
            {
                low -= Avx2Lanes.Gathered(table, terms.At(term) + lane);
                high -= Avx2Lanes.Gathered(table, terms.At(term) + lane + half);
            }
            low.StoreAligned(sums + lane);
            high.StoreAligned(sums + lane + half);
        }
    }

    // Four counts of a resample share its 32-bit lane, a byte each. A byte permute looks all 64 of them up in one plane of
    // F, two neighbours are added to a 16-bit sum, and those two sums at the end: after 64 rounds such a sum is at most
    // 64 · 2 · 255 = 32,640, and still fits a signed 16-bit number.
    const int MostRounds = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddSmall(in Terms terms, SmallEntropies small, int lane, long* sums)
    {
        var ones = Vector512.Create((sbyte)1);
        var f0 = Vector512.LoadAligned(small.Plane(0));
        var f1 = Vector512.LoadAligned(small.Plane(1));
        var f2 = Vector512.LoadAligned(small.Plane(2));
        var f3 = Vector512.LoadAligned(small.Plane(3));
        var f4 = Vector512.LoadAligned(small.Plane(4));
        for (var first = 0; first < terms.Small.Length; first += 4 * MostRounds)
        {
            var end = Math.Min(terms.Small.Length, first + 4 * MostRounds);
            var (s0, s1, s2) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
            var (s3, s4) = (Vector512<short>.Zero, Vector512<short>.Zero);
            for (var at = first; at < end; at += 4)
            {
                var counts = Packed(terms, lane, at, end).AsByte();
                s0 += Avx512BW.MultiplyAddAdjacent(Avx512Vbmi.PermuteVar64x8(f0, counts), ones);
                s1 += Avx512BW.MultiplyAddAdjacent(Avx512Vbmi.PermuteVar64x8(f1, counts), ones);
                s2 += Avx512BW.MultiplyAddAdjacent(Avx512Vbmi.PermuteVar64x8(f2, counts), ones);
                s3 += Avx512BW.MultiplyAddAdjacent(Avx512Vbmi.PermuteVar64x8(f3, counts), ones);
                s4 += Avx512BW.MultiplyAddAdjacent(Avx512Vbmi.PermuteVar64x8(f4, counts), ones);
            }
            Store(s0, s1, s2, s3, s4, sums);
        }
    }

    /// <summary>Up to four counts of each of 16 resamples, F[0] being 0 where there are fewer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<int> Packed(in Terms terms, int lane, int at, int end)
    {
        var counts = Vector512.LoadAligned(terms.At(terms.Small[at]) + lane);
        if (at + 1 < end)
            counts |= Vector512.LoadAligned(terms.At(terms.Small[at + 1]) + lane) << 8;
        if (at + 2 < end)
            counts |= Vector512.LoadAligned(terms.At(terms.Small[at + 2]) + lane) << 16;
        if (at + 3 < end)
            counts |= Vector512.LoadAligned(terms.At(terms.Small[at + 3]) + lane) << 24;
        return counts;
    }

    // A plane sums to at most 65,280 here, so two planes side by side fit 32 bits: 65,280 · 257 is below 2^24.1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(
        Vector512<short> s0,
        Vector512<short> s1,
        Vector512<short> s2,
        Vector512<short> s3,
        Vector512<short> s4,
        long* sums
    )
    {
        var (low0, high0) = Vector512.Widen(Total(s0) + (Total(s1) << 8));
        var (low2, high2) = Vector512.Widen(Total(s2) + (Total(s3) << 8));
        var (low4, high4) = Vector512.Widen(Total(s4));
        var low = Vector512.LoadAligned(sums) + low0 + (low2 << 16) + (low4 << 32);
        var high = Vector512.LoadAligned(sums + Longs) + high0 + (high2 << 16) + (high4 << 32);
        low.StoreAligned(sums);
        high.StoreAligned(sums + Longs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<int> Total(Vector512<short> sums) => Avx512BW.MultiplyAddAdjacent(sums, Vector512<short>.One);
}
