using System;
using System.Numerics;

namespace CoExpr.Kernels;

/// <summary>Adding a multiple of a line of numbers to another.</summary>
public static class ScaledSum
{
    /// <summary>sums += factor · line, element by element; a product is rounded before it is added, so that every processor
    /// gives the same bits.</summary>
    /// <param name="line">The line.</param>
    /// <param name="factor">What it is multiplied by.</param>
    /// <param name="sums">As long as the line.</param>
    /// <exception cref="ArgumentException">The spans differ in length.</exception>
    public static void Add(ReadOnlySpan<double> line, double factor, Span<double> sums)
    {
        if (line.Length != sums.Length)
            throw new ArgumentException($"{sums.Length} sums for {line.Length} values", nameof(sums));
        var factors = new Vector<double>(factor);
        var at = 0;
        for (; at <= line.Length - Vector<double>.Count; at += Vector<double>.Count)
            (new Vector<double>(sums[at..]) + factors * new Vector<double>(line[at..])).CopyTo(sums[at..]);
        for (; at < line.Length; at++)
            sums[at] += factor * line[at];
    }
}
