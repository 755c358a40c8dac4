using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>The exact sign of the Pearson correlation of two genes: that of N Σxy − Σx Σy.</summary>
/// <remarks>
/// A floating-point filter, as geometry uses for its predicates (Shewchuk 1997): the difference in double precision
/// decides wherever it exceeds what rounding can have done, and whole-number arithmetic decides the rest. So the sign
/// is the true one, in whatever order the products were added, and a correlation of exactly 0 is found to be 0.
/// </remarks>
public static class CorrelationSign
{
    /// <summary>Half the distance from 1 to the next double.</summary>
    const double UnitRoundoff = 1.0 / (1L << 53);

    /// <summary>Half of 2^53, the other half being room for the rounding of the comparison.</summary>
    internal const double LargestWhole = 1L << 52;

    /// <summary>−1, 0 or 1; 0 also where the correlation is undefined, one of the genes being constant.</summary>
    /// <param name="genes">The values.</param>
    /// <param name="a">One gene.</param>
    /// <param name="b">The other.</param>
    /// <param name="products">Σxy of the two in double precision.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte Of(GeneValues genes, int a, int b, double products)
    {
        double n = genes.Cells;
        var difference = n * products - genes.Sums[a] * genes.Sums[b];
        var scale = n * genes.Norms[a] * genes.Norms[b];
        // Whole numbers below 2^53 are exact in double precision, and so are their products and differences.
        if (genes.Whole && scale < LargestWhole)
            return (sbyte)Math.Sign(difference);
        // With u the unit roundoff, Σxy is off by at most (N+1)u·|x||y| and each Σx by (N+1)u·√N|x| (Higham 2002, 3.1),
        // so the difference by less than (3N + 8)u · N|x||y|; 4(N + 4)u also covers the rounding of this bound.
        var bound = 4.0 * (n + 4.0) * UnitRoundoff * scale;
        return Math.Abs(difference) > bound ? (sbyte)Math.Sign(difference) : Exact(genes, a, b);
    }

    /// <summary>The same sign, without rounding anywhere.</summary>
    public static sbyte Exact(GeneValues genes, int a, int b) =>
        (sbyte)(genes.Cells * Products(genes, a, b) - Sum(genes, a) * Sum(genes, b)).Sign;

    // Every finite single is a whole multiple of 2^−149, and a double holds that multiple exactly.
    static BigInteger Whole(float value) => new(Math.ScaleB(value, 149));

    static BigInteger Sum(GeneValues genes, int gene)
    {
        var sum = BigInteger.Zero;
        for (var at = (int)genes.Starts[gene]; at < (int)genes.Starts[gene + 1]; at++)
            sum += Whole(genes.Values[at]);
        return sum;
    }

    static BigInteger Products(GeneValues genes, int a, int b)
    {
        var sum = BigInteger.Zero;
        var (i, j) = ((int)genes.Starts[a], (int)genes.Starts[b]);
        while (i < (int)genes.Starts[a + 1] && j < (int)genes.Starts[b + 1])
        {
            var (cellA, cellB) = (genes.CellOf[i], genes.CellOf[j]);
            if (cellA == cellB)
                sum += Whole(genes.Values[i]) * Whole(genes.Values[j]);
            i += cellA <= cellB ? 1 : 0;
            j += cellB <= cellA ? 1 : 0;
        }
        return sum;
    }
}
