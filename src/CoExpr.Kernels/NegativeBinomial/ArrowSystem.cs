using System;

namespace CoExpr.Kernels;

/// <summary>Linear equations with a matrix like an arrowhead: one diagonal place for each group's intercept, and a border
/// for the covariates,
///     [ D  B ] [β]   [s]
///     [ Bᵀ H ] [γ] = [t].
/// Intercepts are eliminated first, which leaves Schur's complement S = H − Σ B_g B_gᵀ / D_g of the covariates: the work is
/// that of groups times covariates squared. A covariate of which nothing is left in S, since no cell of a group with counts
/// tells it apart from the intercepts, gets a change of 0.</summary>
public sealed class ArrowSystem
{
    /// <summary>Less than this share of a covariate's own weight is rounding.</summary>
    const double Least = 1e-13;

    readonly int columns;
    readonly double[] schur;
    readonly double[] diagonal;
    readonly double[] right;
    readonly double[] work;

    /// <summary>For so many covariates.</summary>
    public ArrowSystem(int columns)
    {
        this.columns = columns;
        schur = new double[columns * columns];
        diagonal = new double[columns];
        right = new double[columns];
        work = new double[columns];
    }

    /// <summary>The right side of the covariates, and after <see cref="SolveRight"/> their solution.</summary>
    public Span<double> Right => right;

    /// <summary>S, whose lower triangle <see cref="Factor"/> replaces by Cholesky's factor.</summary>
    public Span<double> Schur => schur;

    /// <summary>Empties the sums.</summary>
    public void Clear()
    {
        Array.Clear(schur);
        Array.Clear(diagonal);
        Array.Clear(right);
    }

    /// <summary>Adds a group, its intercept eliminated unless it is fixed, times a sign.</summary>
    public void Add(GroupSums group, bool isFixed, double sign = 1)
    {
        var inverse = isFixed ? 0 : 1 / group.Weight;
        for (var i = 0; i < columns; i++)
        {
            var share = group.WeightX[i] * inverse;
            right[i] += sign * (group.ScoreX[i] - share * group.Score);
            diagonal[i] += sign * group.WeightXX[i * columns + i];
            for (var j = 0; j <= i; j++)
                schur[i * columns + j] += sign * (group.WeightXX[i * columns + j] - share * group.WeightX[j]);
        }
    }

    /// <summary>Takes over the sums of another.</summary>
    public void Take(ArrowSystem other)
    {
        other.schur.CopyTo(schur, 0);
        other.diagonal.CopyTo(diagonal, 0);
        other.right.CopyTo(right, 0);
    }

    /// <summary>Cholesky's factor of S, with a row of 0 for each covariate of which nothing is left.</summary>
    public void Factor()
    {
        for (var row = 0; row < columns; row++)
        for (var column = 0; column <= row; column++)
        {
            var sum = schur[row * columns + column];
            for (var at = 0; at < column; at++)
                sum -= schur[row * columns + at] * schur[column * columns + at];
            var pivot = schur[column * columns + column];
            if (column < row)
                schur[row * columns + column] = pivot > 0 ? sum / pivot : 0;
            else
                schur[row * columns + row] = sum > Least * diagonal[row] ? Math.Sqrt(sum) : 0;
        }
    }

    /// <summary>Replaces the right side by S⁻¹ of it.</summary>
    public void SolveRight() => Solve(right);

    /// <summary>S⁻¹ v in place.</summary>
    public void Solve(Span<double> vector)
    {
        Forward(vector);
        for (var row = columns - 1; row >= 0; row--)
        {
            var pivot = schur[row * columns + row];
            for (var at = row + 1; at < columns; at++)
                vector[row] -= schur[at * columns + row] * vector[at];
            vector[row] = pivot > 0 ? vector[row] / pivot : 0;
        }
    }

    /// <summary>vᵀ S⁻¹ v.</summary>
    public double Quadratic(ReadOnlySpan<double> vector)
    {
        vector.CopyTo(work);
        Forward(work);
        var sum = 0.0;
        foreach (var value in work)
            sum += value * value;
        return sum;
    }

    /// <summary>ln det S, covariates of which nothing is left taken out.</summary>
    public double LogDeterminant()
    {
        var sum = 0.0;
        for (var row = 0; row < columns; row++)
            if (schur[row * columns + row] > 0)
                sum += Math.Log(schur[row * columns + row]);
        return 2 * sum;
    }

    void Forward(Span<double> vector)
    {
        for (var row = 0; row < columns; row++)
        {
            var pivot = schur[row * columns + row];
            for (var at = 0; at < row; at++)
                vector[row] -= schur[row * columns + at] * vector[at];
            vector[row] = pivot > 0 ? vector[row] / pivot : 0;
        }
    }
}
