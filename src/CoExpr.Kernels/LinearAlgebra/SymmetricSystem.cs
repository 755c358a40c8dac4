using System;

namespace CoExpr.Kernels;

/// <summary>Small symmetric positive definite systems by Cholesky's factor A = L Lᵀ. Matrices are size x size, row by row;
/// of a symmetric one only the lower triangle is read.</summary>
public static class SymmetricSystem
{
    /// <summary>A pivot this much smaller than its diagonal has lost all its digits to cancellation.</summary>
    const double SmallestPivot = 1e-14;

    /// <summary>Replaces the lower triangle of A by L.</summary>
    /// <param name="matrix">A, and then L; above the diagonal it is left as it was.</param>
    /// <param name="size">The number of rows.</param>
    /// <returns>False where A is not positive definite up to rounding; then the matrix is half done.</returns>
    public static bool Factor(Span<double> matrix, int size)
    {
        for (var row = 0; row < size; row++)
        {
            var diagonal = matrix[row * size + row];
            for (var column = 0; column <= row; column++)
            {
                var sum = matrix[row * size + column];
                for (var at = 0; at < column; at++)
                    sum -= matrix[row * size + at] * matrix[column * size + at];
                if (column < row)
                    matrix[row * size + column] = sum / matrix[column * size + column];
                else if (sum > SmallestPivot * diagonal)
                    matrix[row * size + row] = Math.Sqrt(sum);
                else
                    return false;
            }
        }
        return true;
    }

    /// <summary>ln det A from its factor: twice the sum of the logarithms of L's diagonal.</summary>
    public static double LogDeterminant(ReadOnlySpan<double> factor, int size)
    {
        var sum = 0.0;
        for (var row = 0; row < size; row++)
            sum += Math.Log(factor[row * size + row]);
        return 2.0 * sum;
    }

    /// <summary>The derivative of ln det A, from that of A: Cholesky's recurrence and its derivative side by side.</summary>
    /// <param name="matrix">A, and then L.</param>
    /// <param name="change">The derivative of A, and then of L.</param>
    /// <param name="size">The number of rows.</param>
    /// <returns>NaN where A is not positive definite up to rounding.</returns>
    public static double LogDeterminantSlope(Span<double> matrix, Span<double> change, int size)
    {
        var slope = 0.0;
        for (var row = 0; row < size; row++)
        {
            var own = matrix.Slice(row * size, size);
            var ownChange = change.Slice(row * size, size);
            var diagonal = own[row];
            for (var column = 0; column <= row; column++)
            {
                var other = matrix.Slice(column * size, size);
                var otherChange = change.Slice(column * size, size);
                var (sum, sumChange) = (own[column], ownChange[column]);
                for (var at = 0; at < column; at++)
                {
                    sum -= own[at] * other[at];
                    sumChange -= ownChange[at] * other[at] + own[at] * otherChange[at];
                }
                if (column < row)
                {
                    own[column] = sum / other[column];
                    ownChange[column] = (sumChange - own[column] * otherChange[column]) / other[column];
                }
                else if (sum > SmallestPivot * diagonal)
                {
                    own[row] = Math.Sqrt(sum);
                    ownChange[row] = sumChange / (2.0 * own[row]);
                    slope += sumChange / sum;
                }
                else
                    return double.NaN;
            }
        }
        return slope;
    }

    /// <summary>Solves A x = b in place.</summary>
    /// <param name="factor">L of A.</param>
    /// <param name="size">The number of rows.</param>
    /// <param name="vector">b, and then x.</param>
    public static void Solve(ReadOnlySpan<double> factor, int size, Span<double> vector)
    {
        for (var row = 0; row < size; row++)
        {
            for (var at = 0; at < row; at++)
                vector[row] -= factor[row * size + at] * vector[at];
            vector[row] /= factor[row * size + row];
        }
        for (var row = size - 1; row >= 0; row--)
        {
            for (var at = row + 1; at < size; at++)
                vector[row] -= factor[at * size + row] * vector[at];
            vector[row] /= factor[row * size + row];
        }
    }

    /// <summary>The whole inverse of A, both triangles.</summary>
    /// <param name="factor">L of A.</param>
    /// <param name="size">The number of rows.</param>
    /// <param name="inverse">Where to: size x size.</param>
    public static void Invert(ReadOnlySpan<double> factor, int size, Span<double> inverse)
    {
        Span<double> column = stackalloc double[size <= 64 ? size : 0];
        if (size > 64)
            column = new double[size];
        for (var at = 0; at < size; at++)
        {
            column.Clear();
            column[at] = 1.0;
            Solve(factor, size, column);
            for (var row = 0; row < size; row++)
                inverse[row * size + at] = column[row];
        }
    }
}
