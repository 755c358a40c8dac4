using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Registers of 32 bytes. Logarithms are gathered four at a time.</summary>
readonly unsafe struct Avx2Lanes : ILanes
{
    const int Lanes = ResampleWeights.Lanes;
    const int Bytes = 32;
    const int Ints = 8;
    const int Longs = 4;

    // A counter of one byte takes as many cells as cannot exceed 255 together, and is then added to the wide counters.

    public static void SumWeights(byte* weights, int* cells, int count, int largest, int* sums)
    {
        Clear(sums);
        var run = byte.MaxValue / Math.Max(1, largest);
        for (var first = 0; first < count; first += run)
        {
            var end = Math.Min(count, first + run);
            var (low, high) = (Vector256<byte>.Zero, Vector256<byte>.Zero);
            for (var i = first; i < end; i++)
            {
                var line = weights + (long)cells[i] * Lanes;
                low += Vector256.LoadAligned(line);
                high += Vector256.LoadAligned(line + Bytes);
            }
            Widen(low, sums);
            Widen(high, sums + Bytes);
        }
    }

    public static void CountLevel(byte* levels, int* cells, int count, byte level, int* sums)
    {
        Clear(sums);
        var wanted = Vector256.Create(level);
        for (var first = 0; first < count; first += byte.MaxValue)
        {
            var end = Math.Min(count, first + byte.MaxValue);
            var (low, high) = (Vector256<byte>.Zero, Vector256<byte>.Zero);
            for (var i = first; i < end; i++)
            {
                var line = levels + (long)cells[i] * Lanes;
                // Where they are equal the comparison gives −1.
                low -= Vector256.Equals(Vector256.LoadAligned(line), wanted);
                high -= Vector256.Equals(Vector256.LoadAligned(line + Bytes), wanted);
            }
            Widen(low, sums);
            Widen(high, sums + Bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Clear(int* sums)
    {
        for (var lane = 0; lane < Lanes; lane += Ints)
            Vector256<int>.Zero.StoreAligned(sums + lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Widen(Vector256<byte> counts, int* sums)
    {
        var (low, high) = Vector256.Widen(counts);
        var (a, b) = Vector256.Widen(low.AsInt16());
        var (c, d) = Vector256.Widen(high.AsInt16());
        (Vector256.LoadAligned(sums) + a).StoreAligned(sums);
        (Vector256.LoadAligned(sums + Ints) + b).StoreAligned(sums + Ints);
        (Vector256.LoadAligned(sums + 2 * Ints) + c).StoreAligned(sums + 2 * Ints);
        (Vector256.LoadAligned(sums + 3 * Ints) + d).StoreAligned(sums + 3 * Ints);
    }

    public static void Add(int* part, int* total)
    {
        for (var lane = 0; lane < Lanes; lane += Ints)
            (Vector256.LoadAligned(total + lane) + Vector256.LoadAligned(part + lane)).StoreAligned(total + lane);
    }

    public static void Subtract(long* part, long* total)
    {
        for (var lane = 0; lane < Lanes; lane += Longs)
            (Vector256.LoadAligned(total + lane) - Vector256.LoadAligned(part + lane)).StoreAligned(total + lane);
    }

    public static void Difference(int* total, int* part, int* rest)
    {
        for (var lane = 0; lane < Lanes; lane += Ints)
            (Vector256.LoadAligned(total + lane) - Vector256.LoadAligned(part + lane)).StoreAligned(rest + lane);
    }

    public static bool AddJoint(int* counts, int* row, bool rowMet, int* column, bool columnMet)
    {
        for (var lane = 0; lane < Lanes; lane += Ints)
        {
            var count = Vector256.LoadAligned(counts + lane);
            (rowMet ? Vector256.LoadAligned(row + lane) + count : count).StoreAligned(row + lane);
            (columnMet ? Vector256.LoadAligned(column + lane) + count : count).StoreAligned(column + lane);
        }
        return false;
    }

    public static bool AreSmall(int* counts) => false;

    public static void AddTerms(in Terms terms, SmallEntropies small, long* table, long* sums)
    {
        for (var lane = 0; lane < terms.Lanes; lane += Longs)
        {
            var sum = Vector256.LoadAligned(sums + lane);
            foreach (var term in terms.Small)
                sum += Gathered(table, terms.At(term) + lane);
            foreach (var term in terms.Plus)
                sum += Gathered(table, terms.At(term) + lane);
            foreach (var term in terms.Minus)
                sum -= Gathered(table, terms.At(term) + lane);
            sum.StoreAligned(sums + lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<long> Gathered(long* table, int* counts) =>
        Avx2.GatherVector256(table, Vector128.LoadAligned(counts), sizeof(long));
}
