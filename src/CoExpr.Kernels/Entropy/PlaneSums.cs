using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Sums of bytes in 64 lanes, 16 bits wide.</summary>
/// <remarks>
/// Bytes of even lanes are the low halves of 16-bit words, those of odd lanes the high ones. Two running sums serve both:
/// of the words as they are, modulo 2^16, and of their high halves. What the first has beyond 256 times the second is
/// the even lanes' sum, exactly, as long as neither exceeds 16 bits: 257 bytes.
/// </remarks>
struct PlaneSum
{
    Vector512<ushort> words;
    Vector512<ushort> odd;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Add(Vector512<byte> bytes)
    {
        words += bytes.AsUInt16();
        odd += Avx512BW.ShiftRightLogical(bytes.AsUInt16(), 8);
    }

    /// <summary>Writes the 64 sums in the order of their lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly unsafe void Write(ushort* sums)
    {
        var even = words - Avx512BW.ShiftLeftLogical(odd, 8);
        var low = Avx512BW.UnpackLow(even, odd);
        var high = Avx512BW.UnpackHigh(even, odd);
        // Each 128 bits of the one are followed by the same 128 bits of the other.
        var first = Vector512.Create(0ul, 1, 8, 9, 2, 3, 10, 11);
        var second = Vector512.Create(4ul, 5, 12, 13, 6, 7, 14, 15);
        Avx512F.PermuteVar8x64x2(low.AsUInt64(), first, high.AsUInt64()).AsUInt16().StoreAligned(sums);
        Avx512F.PermuteVar8x64x2(low.AsUInt64(), second, high.AsUInt64()).AsUInt16().StoreAligned(sums + 32);
    }
}
