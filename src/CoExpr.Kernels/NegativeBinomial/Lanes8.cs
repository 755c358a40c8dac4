using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Eight doubles side by side, in one order of additions and one logarithm for every processor.</summary>
static class Lanes8
{
    // Vector512 is one register with AVX-512 and halves or quarters of it elsewhere. Only +, −, ×, ÷ and fused
    // multiply-add are used, each correctly rounded wherever it runs, so every processor gives the same bits; that is
    // also why the logarithm is not the library's, which may use an estimate that differs between processors.

    internal const int Width = 8;

    static readonly double[] Masks = MakeMasks();

    /// <summary>The next multiple of eight.</summary>
    internal static int RoundUp(int count) => (count + Width - 1) / Width * Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Load(double[] values, int at) =>
        Vector512.LoadUnsafe(ref values[0], (nuint)(uint)at);

    /// <summary>Values at <paramref name="at"/> and after, those from <paramref name="end"/> on taken as 0. The array
    /// must go on for eight values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> LoadBefore(double[] values, int at, int end) =>
        end - at >= Width ? Load(values, at) : Load(values, at) & Load(Masks, Width - (end - at));

    /// <summary>Values at <paramref name="at"/> and after, 0 beyond the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> LoadBefore(ReadOnlySpan<double> values, int at) =>
        values.Length - at >= Width ? Vector512.Create(values[at..]) : Rest(values[at..]);

    /// <summary>Puts values at <paramref name="at"/> and after, as many as there are places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store(Vector512<double> values, Span<double> target, int at)
    {
        if (target.Length - at >= Width)
            values.CopyTo(target[at..]);
        else
            StoreRest(values, target[at..]);
    }

    static void StoreRest(Vector512<double> values, Span<double> target)
    {
        Span<double> eight = stackalloc double[Width];
        values.CopyTo(eight);
        eight[..target.Length].CopyTo(target);
    }

    static Vector512<double> Rest(ReadOnlySpan<double> values)
    {
        Span<double> eight = stackalloc double[Width];
        eight.Clear();
        values.CopyTo(eight);
        return Vector512.Create<double>(eight);
    }

    /// <summary>((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static double Sum(Vector512<double> values)
    {
        var four = values.GetLower() + values.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }

    /// <summary>The sums of eight, each as <see cref="Sum"/> has it.</summary>
    // Two become one at each of three levels: halves, quarters, and single places beside each other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Sums(
        Vector512<double> a,
        Vector512<double> b,
        Vector512<double> c,
        Vector512<double> d,
        Vector512<double> e,
        Vector512<double> f,
        Vector512<double> g,
        Vector512<double> h
    )
    {
        if (!Avx512F.IsSupported)
            return Vector512.Create(Sum(a), Sum(b), Sum(c), Sum(d), Sum(e), Sum(f), Sum(g), Sum(h));
        var aceg = Quarters(Halves(a, c), Halves(e, g));
        var bdfh = Quarters(Halves(b, d), Halves(f, h));
        return Avx512F.UnpackLow(aceg, bdfh) + Avx512F.UnpackHigh(aceg, bdfh);
    }

    static Vector512<double> Halves(Vector512<double> a, Vector512<double> b) =>
        Avx512F.Shuffle4x128(a, b, 0b01_00_01_00) + Avx512F.Shuffle4x128(a, b, 0b11_10_11_10);

    static Vector512<double> Quarters(Vector512<double> ab, Vector512<double> cd) =>
        Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00) + Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01);

    /// <summary>Whether any place of a comparison holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool Any(Vector512<double> mask) => mask.AsInt64() != Vector512<long>.Zero;

    /// <summary>a × b + c, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Fused(Vector512<double> a, Vector512<double> b, Vector512<double> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    /// <summary>ln x of normal x &gt; 0, to two units of the last place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Log(Vector512<double> x)
    {
        var (exponent, log) = Parts(x);
        return Fused(exponent, Vector512.Create(0.693147180559945309), log);
    }

    /// <summary>log2 x of normal x &gt; 0, to two units of the last place; whole of powers of 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Log2(Vector512<double> x)
    {
        var (exponent, log) = Parts(x);
        return Fused(log, Vector512.Create(1.4426950408889634), exponent);
    }

    // x = 2^e m with m from √½ to √2, and ln m = 2 artanh s with s = (m − 1) / (m + 1), of which |s| < 0.172: ten terms
    // of the series in s² leave less than 1e-17. Gives e and ln m.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static (Vector512<double> Exponent, Vector512<double> Log) Parts(Vector512<double> x)
    {
        var bits = x.AsInt64();
        var exponent = Vector512.ShiftRightArithmetic(bits - Vector512.Create(0x3FE6A09E667F3BCDL), 52);
        var f = (bits - Vector512.ShiftLeft(exponent, 52)).AsDouble() - Vector512<double>.One;
        var s = f / (f + Vector512.Create(2.0));
        var z = s * s;
        var series = Vector512.Create(1.0 / 21);
        series = Fused(series, z, Vector512.Create(1.0 / 19));
        series = Fused(series, z, Vector512.Create(1.0 / 17));
        series = Fused(series, z, Vector512.Create(1.0 / 15));
        series = Fused(series, z, Vector512.Create(1.0 / 13));
        series = Fused(series, z, Vector512.Create(1.0 / 11));
        series = Fused(series, z, Vector512.Create(1.0 / 9));
        series = Fused(series, z, Vector512.Create(1.0 / 7));
        series = Fused(series, z, Vector512.Create(1.0 / 5));
        series = Fused(series, z, Vector512.Create(1.0 / 3));
        var twice = s + s;
        return (Vector512.ConvertToDouble(exponent), Fused(twice * z, series, twice));
    }

    /// <summary>ln(1 + x) of x &gt; −1, as exact for small x as for large.</summary>
    // What rounding 1 + x to u loses, x − (u − 1), is put back to first order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> LogOnePlus(Vector512<double> x)
    {
        var u = Vector512<double>.One + x;
        return Log(u) + (x - (u - Vector512<double>.One)) / u;
    }

    /// <summary>e^x, to two units of the last place; x beyond ±700 counts as ±700.</summary>
    // x = k ln 2 + r with |r| ≤ ½ ln 2: Taylor's terms up to r¹³ leave less than 1e-17. Adding 1.5 · 2^52 rounds to a whole
    // number, which then stands in the last bits, and from there goes to the exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Exp(Vector512<double> x)
    {
        var (one, most, round) = (Vector512<double>.One, Vector512.Create(700.0), Vector512.Create(6755399441055744.0));
        x = Vector512.Min(most, Vector512.Max(Vector512<double>.Zero - most, x));
        var moved = Fused(x, Vector512.Create(1.4426950408889634), round);
        var k = moved - round;
        var r = Fused(k, Vector512.Create(-0.693147180369123816), x);
        r = Fused(k, Vector512.Create(-1.90821492927058770e-10), r);
        var series = Vector512.Create(1.0 / 6227020800);
        series = Fused(series, r, Vector512.Create(1.0 / 479001600));
        series = Fused(series, r, Vector512.Create(1.0 / 39916800));
        series = Fused(series, r, Vector512.Create(1.0 / 3628800));
        series = Fused(series, r, Vector512.Create(1.0 / 362880));
        series = Fused(series, r, Vector512.Create(1.0 / 40320));
        series = Fused(series, r, Vector512.Create(1.0 / 5040));
        series = Fused(series, r, Vector512.Create(1.0 / 720));
        series = Fused(series, r, Vector512.Create(1.0 / 120));
        series = Fused(series, r, Vector512.Create(1.0 / 24));
        series = Fused(series, r, Vector512.Create(1.0 / 6));
        series = Fused(series, r, Vector512.Create(0.5));
        series = Fused(series, r, one);
        series = Fused(series, r, one);
        return (series.AsInt64() + Vector512.ShiftLeft(moved.AsInt64(), 52)).AsDouble();
    }

    /// <summary>All bits of the places from <paramref name="at"/> to before <paramref name="end"/>, none beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> Before(int at, int end) =>
        end - at >= Width ? Vector512<double>.AllBitsSet : Load(Masks, Width - (end - at));

    // Eight values of all bits set, then eight of 0.
    static double[] MakeMasks()
    {
        var masks = new double[2 * Width];
        masks.AsSpan(0, Width).Fill(BitConverter.Int64BitsToDouble(-1));
        return masks;
    }
}
