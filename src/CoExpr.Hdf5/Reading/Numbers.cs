using System;
using System.Numerics;
using System.Runtime.InteropServices;

namespace CoExpr.Hdf5;

/// <summary>Numbers from the bytes of a dataset to the type that was asked for. Nothing wraps around: a value that does
/// not fit is an error.</summary>
internal static class Numbers
{
    /// <summary>Converts little-endian numbers of the named type.</summary>
    /// <param name="type">int8, uint16, float32, bool and so on.</param>
    /// <param name="bytes">As many elements as the destination has.</param>
    /// <param name="destination">Receives the converted numbers.</param>
    /// <returns>Index of the first value that does not fit, or −1.</returns>
    internal static int Convert<T>(string type, ReadOnlySpan<byte> bytes, Span<T> destination)
        where T : unmanaged, INumber<T> =>
        type switch
        {
            "bool" or "int8" => Convert<sbyte, T>(bytes, destination),
            "uint8" => Convert<byte, T>(bytes, destination),
            "int16" => Convert<short, T>(bytes, destination),
            "uint16" => Convert<ushort, T>(bytes, destination),
            "int32" => Convert<int, T>(bytes, destination),
            "uint32" => Convert<uint, T>(bytes, destination),
            "int64" => Convert<long, T>(bytes, destination),
            "uint64" => Convert<ulong, T>(bytes, destination),
            "float16" => Convert<Half, T>(bytes, destination),
            "float32" => Convert<float, T>(bytes, destination),
            "float64" => Convert<double, T>(bytes, destination),
            _ => throw new ArgumentException($"{type} is no type of numbers", nameof(type)),
        };

    static int Convert<TFrom, T>(ReadOnlySpan<byte> bytes, Span<T> destination)
        where TFrom : unmanaged, INumber<TFrom>
        where T : unmanaged, INumber<T>
    {
        var source = MemoryMarshal.Cast<byte, TFrom>(bytes);
        if (typeof(TFrom) == typeof(T))
            MemoryMarshal.AsBytes(source).CopyTo(MemoryMarshal.AsBytes(destination));
        else if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
            return Rounded(source, destination);
        else
            return Exact(source, destination);

        return -1;
    }

    // To floating point, the nearest number is good enough, but a finite number must stay finite.
    static int Rounded<TFrom, T>(ReadOnlySpan<TFrom> source, Span<T> destination)
        where TFrom : unmanaged, INumber<TFrom>
        where T : unmanaged, INumber<T>
    {
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = T.CreateTruncating(source[i]);
            if (T.IsInfinity(destination[i]) && !TFrom.IsInfinity(source[i]))
                return i;
        }

        return -1;
    }

    // To whole numbers, the way there and back must end where it began. Saturating, since two wrong turns of wrapping
    // around (uint64 to int64 and back) would cancel out.
    static int Exact<TFrom, T>(ReadOnlySpan<TFrom> source, Span<T> destination)
        where TFrom : unmanaged, INumber<TFrom>
        where T : unmanaged, INumber<T>
    {
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = T.CreateSaturating(source[i]);
            if (TFrom.CreateSaturating(destination[i]) != source[i])
                return i;
        }

        return -1;
    }
}
