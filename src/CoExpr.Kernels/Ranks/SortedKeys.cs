using System;

namespace CoExpr.Kernels;

/// <summary>Sorting single-precision values together with the number of the group that each belongs to.</summary>
public static class SortedKeys
{
    // A key is the value's bits in the upper half, turned so that they order as the values do, and its group in the lower
    // half: equal values come out by group, so that a block of ties is a run for each of its groups. Keys are put in group
    // by group, and a radix sort that starts at the lowest digit keeps that order: it need not look at the lower half, and
    // needs three passes over 11 bits each. A pass in which all keys have one digit (the mantissas of small whole numbers)
    // is left out.

    const int DigitBits = 11;
    const int Buckets = 1 << DigitBits;
    const int Passes = 3;
    const int KeyShift = 32;

    /// <summary>Below so many keys a comparison sort is faster than going through the buckets.</summary>
    const int FewKeys = 384;

    /// <summary>Length of the scratch for counts of digits.</summary>
    public const int CountsLength = Passes * Buckets;

    /// <summary>The upper half of a key of 0: those of negative values are lower.</summary>
    public const uint Zero = 0x80000000;

    /// <summary>The key of a value, which must not be NaN, and a group.</summary>
    public static ulong Of(float value, int group)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var ordered = bits ^ ((uint)((int)bits >> 31) | Zero);
        return (ulong)ordered << KeyShift | (uint)group;
    }

    /// <summary>The value of a key, as a number that orders as the values do.</summary>
    public static uint ValueOf(ulong key) => (uint)(key >> KeyShift);

    /// <summary>The group of a key.</summary>
    public static int GroupOf(ulong key) => (int)(uint)key;

    /// <summary>Sorts keys, which stand by increasing group; gives the array of the two that holds them then.</summary>
    /// <param name="keys">The keys, from the first place on.</param>
    /// <param name="other">Scratch of the same length.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="counts">Scratch of <see cref="CountsLength"/>.</param>
    public static ulong[] Sort(ulong[] keys, ulong[] other, int count, int[] counts)
    {
        if (count < FewKeys)
        {
            keys.AsSpan(0, count).Sort();
            return keys;
        }
        CountDigits(keys.AsSpan(0, count), counts);
        for (var pass = 0; pass < Passes; pass++)
        {
            var places = counts.AsSpan(pass * Buckets, Buckets);
            var shift = KeyShift + pass * DigitBits;
            if (places[Digit(keys[0], shift)] == count)
                continue;
            ToPlaces(places);
            Scatter(keys.AsSpan(0, count), other, places, shift);
            (keys, other) = (other, keys);
        }
        return keys;
    }

    static int Digit(ulong key, int shift) => (int)(key >> shift) & (Buckets - 1);

    static void CountDigits(ReadOnlySpan<ulong> keys, Span<int> counts)
    {
        counts.Clear();
        var low = counts[..Buckets];
        var middle = counts[Buckets..(2 * Buckets)];
        var high = counts[(2 * Buckets)..];
        foreach (var key in keys)
        {
            low[Digit(key, KeyShift)]++;
            middle[Digit(key, KeyShift + DigitBits)]++;
            high[Digit(key, KeyShift + 2 * DigitBits)]++;
        }
    }

    static void ToPlaces(Span<int> counts)
    {
        var place = 0;
        foreach (ref var count in counts)
            (count, place) = (place, place + count);
    }

    static void Scatter(ReadOnlySpan<ulong> keys, Span<ulong> moved, Span<int> places, int shift)
    {
        foreach (var key in keys)
            moved[places[Digit(key, shift)]++] = key;
    }
}
