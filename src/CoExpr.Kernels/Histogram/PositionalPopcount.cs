using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bits = System.Runtime.Intrinsics.Vector512<ulong>;

namespace CoExpr.Kernels;

/// <summary>How often each of 512 bits is set in a list of rows of 512 bits.</summary>
/// <remarks>
/// The counters stand upright: bit i of slice s is bit s of counter i. A row is added to all 512 counters at once by
/// full adders, and a tree of them adds 16 rows with 15 adders of two instructions each (Harley and Seal's carry-save
/// adder, Warren, Hacker's Delight, 5.1; for positional counts Klarqvist, Muła and Lemire 2019). At the end the
/// slices are turned on their side: a transpose of 8 x 8 bits is one Galois-field instruction.
/// </remarks>
static unsafe class PositionalPopcount
{
    /// <summary>Bits of a row, which is also the number of counters.</summary>
    internal const int Lanes = 512;

    /// <summary>Bytes of a row.</summary>
    internal const int RowBytes = Lanes / 8;

    /// <summary>Rows are taken in groups of so many; a list is filled up with rows of zeros.</summary>
    internal const int Group = 8;

    /// <summary>Most rows that a count of 8 bits can hold, in whole groups.</summary>
    internal const int MostRows = 248;

    /// <summary>The bit of a row that counter <paramref name="lane"/> counts: the order in which the transpose delivers.</summary>
    internal static int BitOf(int lane) => (lane >> 4 & 3) * 128 + (lane >> 6) * 16 + (lane & 15);

    /// <summary>Counts rows.</summary>
    /// <param name="rows">The first of all rows.</param>
    /// <param name="offsets">Where each listed row begins, in bytes.</param>
    /// <param name="count">How many are listed; a multiple of <see cref="Group"/>, at most <see cref="MostRows"/>.</param>
    /// <param name="counts">Receives 512 counts, or has them added where <paramref name="add"/>, up to 255.</param>
    /// <param name="add">Whether to add to what is there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Count(byte* rows, int* offsets, int count, byte* counts, bool add)
    {
        Bits s0 = default,
            s1 = default,
            s2 = default,
            s3 = default,
            s4 = default,
            s5 = default,
            s6 = default,
            s7 = default;
        var end = offsets + count;
        for (; offsets + 32 <= end; offsets += 32)
        {
            var a = Add16(rows, offsets, ref s0, ref s1, ref s2, ref s3);
            var b = Add16(rows, offsets + 16, ref s0, ref s1, ref s2, ref s3);
            var carry = Majority(s4, a, b);
            s4 = Parity(s4, a, b);
            Increment(carry, ref s5, ref s6, ref s7);
        }
        if (offsets + 16 <= end)
        {
            var a = Add16(rows, offsets, ref s0, ref s1, ref s2, ref s3);
            var carry = s4 & a;
            s4 ^= a;
            Increment(carry, ref s5, ref s6, ref s7);
            offsets += 16;
        }
        if (offsets < end)
        {
            var a = Add8(rows, offsets, ref s0, ref s1, ref s2);
            var carry = s3 & a;
            s3 ^= a;
            a = s4 & carry;
            s4 ^= carry;
            Increment(a, ref s5, ref s6, ref s7);
        }
        TurnOver(s0, s1, s2, s3, s4, s5, s6, s7, counts, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Parity(Bits a, Bits b, Bits c) => Avx512F.TernaryLogic(a, b, c, 0x96);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Majority(Bits a, Bits b, Bits c) => Avx512F.TernaryLogic(a, b, c, 0xE8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Row(byte* rows, int offset) => *(Bits*)(rows + (nint)(uint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Increment(Bits carry, ref Bits s5, ref Bits s6, ref Bits s7)
    {
        var next = s5 & carry;
        s5 ^= carry;
        s7 ^= s6 & next;
        s6 ^= next;
    }

    /// <summary>Adds 16 rows to the slices of 1, 2, 4 and 8 and gives the carry of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add16(byte* rows, int* at, ref Bits s0, ref Bits s1, ref Bits s2, ref Bits s3)
    {
        var fourA = Add8(rows, at, ref s0, ref s1, ref s2);
        var fourB = Add8(rows, at + 8, ref s0, ref s1, ref s2);
        var carry = Majority(s3, fourA, fourB);
        s3 = Parity(s3, fourA, fourB);
        return carry;
    }

    /// <summary>Adds 8 rows to the slices of 1, 2 and 4 and gives the carry of 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add8(byte* rows, int* at, ref Bits s0, ref Bits s1, ref Bits s2)
    {
        var twoA = Add4(rows, at, ref s0, ref s1);
        var twoB = Add4(rows, at + 4, ref s0, ref s1);
        var carry = Majority(s2, twoA, twoB);
        s2 = Parity(s2, twoA, twoB);
        return carry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add4(byte* rows, int* at, ref Bits s0, ref Bits s1)
    {
        var oneA = Add2(Row(rows, at[0]), Row(rows, at[1]), ref s0);
        var oneB = Add2(Row(rows, at[2]), Row(rows, at[3]), ref s0);
        var carry = Majority(s1, oneA, oneB);
        s1 = Parity(s1, oneA, oneB);
        return carry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add2(Bits a, Bits b, ref Bits s0)
    {
        var carry = Majority(s0, a, b);
        s0 = Parity(s0, a, b);
        return carry;
    }

    /// <summary>Eight slices of 512 bits into 512 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void TurnOver(Bits s0, Bits s1, Bits s2, Bits s3, Bits s4, Bits s5, Bits s6, Bits s7, byte* counts, bool add)
    {
        // The highest slice first: the Galois-field product numbers the rows of its matrix from the top.
        var a0 = Avx512BW.UnpackLow(s7.AsByte(), s6.AsByte()).AsUInt16();
        var a1 = Avx512BW.UnpackHigh(s7.AsByte(), s6.AsByte()).AsUInt16();
        var a2 = Avx512BW.UnpackLow(s5.AsByte(), s4.AsByte()).AsUInt16();
        var a3 = Avx512BW.UnpackHigh(s5.AsByte(), s4.AsByte()).AsUInt16();
        var a4 = Avx512BW.UnpackLow(s3.AsByte(), s2.AsByte()).AsUInt16();
        var a5 = Avx512BW.UnpackHigh(s3.AsByte(), s2.AsByte()).AsUInt16();
        var a6 = Avx512BW.UnpackLow(s1.AsByte(), s0.AsByte()).AsUInt16();
        var a7 = Avx512BW.UnpackHigh(s1.AsByte(), s0.AsByte()).AsUInt16();
        var b0 = Avx512BW.UnpackLow(a0, a2).AsUInt32();
        var b1 = Avx512BW.UnpackHigh(a0, a2).AsUInt32();
        var b2 = Avx512BW.UnpackLow(a1, a3).AsUInt32();
        var b3 = Avx512BW.UnpackHigh(a1, a3).AsUInt32();
        var b4 = Avx512BW.UnpackLow(a4, a6).AsUInt32();
        var b5 = Avx512BW.UnpackHigh(a4, a6).AsUInt32();
        var b6 = Avx512BW.UnpackLow(a5, a7).AsUInt32();
        var b7 = Avx512BW.UnpackHigh(a5, a7).AsUInt32();
        Put(Avx512F.UnpackLow(b0, b4), counts, add);
        Put(Avx512F.UnpackHigh(b0, b4), counts + 64, add);
        Put(Avx512F.UnpackLow(b1, b5), counts + 128, add);
        Put(Avx512F.UnpackHigh(b1, b5), counts + 192, add);
        Put(Avx512F.UnpackLow(b2, b6), counts + 256, add);
        Put(Avx512F.UnpackHigh(b2, b6), counts + 320, add);
        Put(Avx512F.UnpackLow(b3, b7), counts + 384, add);
        Put(Avx512F.UnpackHigh(b3, b7), counts + 448, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Put(Vector512<uint> octets, byte* counts, bool add)
    {
        var single = Vector512.Create(0x8040201008040201ul).AsByte();
        var turned = Gfni.V512.GaloisFieldAffineTransform(single, octets.AsByte(), 0);
        if (add)
            turned = Avx512BW.AddSaturate(turned, *(Vector512<byte>*)counts);
        *(Vector512<byte>*)counts = turned;
    }
}
