using System;

namespace CoExpr.Kernels;

/// <summary>Eigenvalues of a symmetric tridiagonal matrix.</summary>
static class SymmetricTridiagonal
{
    /// <summary>Turns the diagonal into the eigenvalues and <paramref name="row"/>, a row vector, into its product with
    /// the eigenvectors, by QR steps with Wilkinson's shift that chase a bulge down an undecoupled block.</summary>
    /// <param name="diagonal">The diagonal; receives the eigenvalues in no order.</param>
    /// <param name="beside">beside[i] is the entry at (i, i + 1); destroyed.</param>
    /// <param name="row">The first unit vector on entry gives the eigenvectors' first entries.</param>
    internal static void Solve(Span<double> diagonal, Span<double> beside, Span<double> row)
    {
        var last = diagonal.Length - 1;
        // Each eigenvalue takes two or three steps; the limit is only so that NaN cannot loop for ever.
        for (var step = 0; last > 0 && step < 100 * diagonal.Length; step++)
        {
            if (IsNegligible(diagonal, beside, last - 1))
            {
                last--;
                continue;
            }
            var first = last - 1;
            while (first > 0 && !IsNegligible(diagonal, beside, first - 1))
                first--;
            Chase(diagonal, beside, row, first, last);
        }
    }

    static bool IsNegligible(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> beside, int at) =>
        Math.Abs(beside[at]) <= 1e-16 * (Math.Abs(diagonal[at]) + Math.Abs(diagonal[at + 1]));

    // The eigenvalue of the last 2 x 2 block that is nearer to its last entry.
    static double Shift(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> beside, int last)
    {
        var half = (diagonal[last - 1] - diagonal[last]) / 2;
        var square = beside[last - 1] * beside[last - 1];
        var root = Math.Sqrt(half * half + square);
        return diagonal[last] - square / (half + (half < 0 ? -root : root));
    }

    static void Chase(Span<double> diagonal, Span<double> beside, Span<double> row, int first, int last)
    {
        var (x, z) = (diagonal[first] - Shift(diagonal, beside, last), beside[first]);
        for (var k = first; k < last; k++)
        {
            var length = Math.Sqrt(x * x + z * z);
            var (c, s) = length == 0 ? (1.0, 0.0) : (x / length, z / length);
            if (k > first)
                beside[k - 1] = length;
            var (p, q, e) = (diagonal[k], diagonal[k + 1], beside[k]);
            diagonal[k] = c * c * p + 2 * c * s * e + s * s * q;
            diagonal[k + 1] = s * s * p - 2 * c * s * e + c * c * q;
            beside[k] = (c * c - s * s) * e + c * s * (q - p);
            (row[k], row[k + 1]) = (c * row[k] + s * row[k + 1], c * row[k + 1] - s * row[k]);
            x = beside[k];
            if (k + 1 < last)
                (z, beside[k + 1]) = (s * beside[k + 1], c * beside[k + 1]);
        }
    }
}
