using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Bits = System.Runtime.Intrinsics.Vector256<ulong>;

namespace CoExpr.Kernels;

/// <summary><see cref="PositionalPopcount"/> with AVX2: half a row at a time, five instructions for a full adder.</summary>
static unsafe class PositionalPopcount256
{
    /// <summary>As <see cref="PositionalPopcount.Count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Count(byte* rows, int* offsets, int count, byte* counts, bool add)
    {
        for (var half = 0; half < 2; half++)
            CountHalf(rows + half * 32, offsets, count, counts + half * 32, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void CountHalf(byte* rows, int* offsets, int count, byte* counts, bool add)
    {
        var slices = stackalloc Bits[8];
        Bits s0 = default,
            s1 = default,
            s2 = default;
        for (var i = 0; i < 8; i++)
            slices[i] = default;
        for (var end = offsets + count; offsets < end; offsets += PositionalPopcount.Group)
        {
            var carry = Add8(rows, offsets, ref s0, ref s1, ref s2);
            for (var i = 3; i < 8; i++)
                (slices[i], carry) = (slices[i] ^ carry, slices[i] & carry);
        }
        (slices[0], slices[1], slices[2]) = (s0, s1, s2);
        TurnOver(slices, counts, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add8(byte* rows, int* at, ref Bits s0, ref Bits s1, ref Bits s2)
    {
        var twoA = Add4(rows, at, ref s0, ref s1);
        var twoB = Add4(rows, at + 4, ref s0, ref s1);
        return Add(twoA, twoB, ref s2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add4(byte* rows, int* at, ref Bits s0, ref Bits s1)
    {
        var oneA = Add(Row(rows, at[0]), Row(rows, at[1]), ref s0);
        var oneB = Add(Row(rows, at[2]), Row(rows, at[3]), ref s0);
        return Add(oneA, oneB, ref s1);
    }

    /// <summary>A full adder: the sum takes the place of <paramref name="sum"/>, the carry is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Add(Bits a, Bits b, ref Bits sum)
    {
        var differ = a ^ b;
        var carry = (a & b) | (differ & sum);
        sum ^= differ;
        return carry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Bits Row(byte* rows, int offset) => *(Bits*)(rows + (nint)(uint)offset);

    /// <summary>Eight slices of 256 bits into 8 x 32 bytes, 64 bytes apart: the order of lanes is that of 512-bit rows, in
    /// which 16 neighbouring lanes are a 16-bit word of each quarter.</summary>
    static void TurnOver(Bits* slices, byte* counts, bool add)
    {
        var bits = Vector256.Create(0x8040201008040201ul).AsByte();
        for (var word = 0; word < 8; word++, counts += PositionalPopcount.RowBytes)
        {
            // Eight copies of the word's low byte, then eight of its high byte, in both quarters.
            var low = 0x0101010101010101ul * (ulong)(2 * word);
            var spread = Vector256.Create(low, low + 0x0101010101010101ul, low, low + 0x0101010101010101ul).AsByte();
            var sum = Vector256<byte>.Zero;
            for (var slice = 0; slice < 8; slice++)
            {
                var set = Avx2.Shuffle(slices[slice].AsByte(), spread) & bits;
                sum |= Vector256.Equals(set, bits) & Vector256.Create((byte)(1 << slice));
            }
            if (add)
                sum = Avx2.AddSaturate(sum, *(Vector256<byte>*)counts);
            *(Vector256<byte>*)counts = sum;
        }
    }
}
