using System;

namespace CoExpr.Kernels;

/// <summary>F[n] = round(n · log2 n · 2^<see cref="Scale"/>) as whole numbers, the only logarithms in co-expression.</summary>
/// <remarks>
/// With M cells in a table of counts n_ab,
///
///     M · MI = Σ n_ab log2 n_ab − Σ n_a. log2 n_a. − Σ n_.b log2 n_.b + M log2 M.
///
/// In whole numbers that sum is the same in any order, so every thread count, tile and device gives the same bits.
/// Each entry is off by at most ½; F[0] and F[1] are exact, so at most 3·M/2 + 1 entries of a sum are off, and MI by
/// less than 2^−30 = 9.4e−10 bit, whatever M.
///
/// The logarithms themselves are made in 128-bit integers, since the platforms' log2 differ in the last bit:
///
///     log2 2k = log2 k + 1,
///     log2 n = ½ (log2 (n − 1) + log2 (n + 1)) + atanh(1 / (2n² − 1)) / ln 2       for odd n,
///
/// the second because ½ log2 (n² / (n² − 1)) is that arc tangent. Its series needs one or two terms.
/// </remarks>
public static class EntropyTable
{
    /// <summary>Bits behind the binary point.</summary>
    public const int Scale = 30;

    /// <summary>Most cells that a table can be made for: with more, n · log2 n · 2^30 leaves 63 bits.</summary>
    public const int MostCells = 1 << 28;

    const int LogarithmBits = 96;

    /// <summary>round(2^96 / ln 2).</summary>
    static readonly UInt128 InverseOfLn2 = new(0x171547652UL, 0xB82FE1777D0FFDA1UL);

    /// <summary>The table for counts from 0 to <paramref name="cells"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 0 or more than <see cref="MostCells"/> cells.</exception>
    public static long[] Create(int cells)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cells);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cells, MostCells);
        var logarithms = Logarithms(cells);
        var table = new long[cells + 1];
        for (var n = 1; n <= cells; n++)
            table[n] = (long)(((UInt128)n * (logarithms[n] >> 2) + (UInt128.One << 63)) >> (LogarithmBits - 2 - Scale));
        return table;
    }

    static readonly WeakReference<long[]?> Last = new(null);

    /// <summary>The table for counts from 0 to <paramref name="cells"/>, which all who ask for the same one after the other
    /// share, and none may change. It is there as long as somebody holds it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Create"/>.</exception>
    public static long[] Shared(int cells)
    {
        // Two threads that ask at once may both make it; either table is right.
        if (Last.TryGetTarget(out var last) && last.Length == cells + 1)
            return last;
        var table = Create(cells);
        Last.SetTarget(table);
        return table;
    }

    static UInt128[] Logarithms(int last)
    {
        var one = UInt128.One << LogarithmBits;
        var logarithms = new UInt128[last + 2];
        for (var n = 2; n <= last; n += 2)
        {
            logarithms[n] = logarithms[n / 2] + one;
            if (n > 2)
                logarithms[n - 1] = Odd(logarithms, n - 1);
        }
        if (last % 2 == 1 && last > 1)
        {
            logarithms[last + 1] = logarithms[(last + 1) / 2] + one;
            logarithms[last] = Odd(logarithms, last);
        }
        return logarithms;
    }

    static UInt128 Odd(UInt128[] logarithms, int n) =>
        ((logarithms[n - 1] + logarithms[n + 1]) >> 1) + Atanh(2UL * (ulong)n * (ulong)n - 1);

    /// <summary>atanh(1/d) / ln 2 by its series 1/d + 1/(3d³) + 1/(5d⁵) + …</summary>
    static UInt128 Atanh(UInt128 d)
    {
        var sum = UInt128.Zero;
        var power = InverseOfLn2 / d;
        for (var k = 1u; power != UInt128.Zero; k += 2)
        {
            sum += power / k;
            power = power / d / d;
        }
        return sum;
    }
}
