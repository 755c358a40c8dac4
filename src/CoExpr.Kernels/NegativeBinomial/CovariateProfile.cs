using System;

namespace CoExpr.Kernels;

/// <summary>The profile likelihood of a gene's dispersion, with the means of a model with covariates held at their Poisson
/// estimates.</summary>
public sealed class CovariateProfile : IDispersionProfile
{
    // As in DispersionProfile, but for Cox and Reid's −½ ln det I: of an arrowhead the determinant is Π D_g times that of
    // Schur's complement S = H − Σ B uᵀ, u = B / D. A prime being ∂/∂ ln α,
    //
    //     S'  = H' − Σ (B'uᵀ + uB'ᵀ − D'uuᵀ),
    //     S'' = H'' − Σ (B''uᵀ + uB''ᵀ + B'u'ᵀ + u'B'ᵀ − D''uuᵀ − D'(u'uᵀ + uu'ᵀ)),   u' = (B' − uD') / D,
    //     (ln det S)' = tr S⁻¹S',   (ln det S)'' = tr S⁻¹S'' − tr (S⁻¹S')².

    readonly CovariateUnits units;
    readonly DispersionProfile measures;
    readonly ArrowSystem arrow;
    readonly GroupSums value;
    readonly GroupSums slope;
    readonly GroupSums curvature;
    readonly double[] first;
    readonly double[] second;
    readonly double[] u;
    readonly double[] rise;
    readonly bool[] taken;
    int fixedGroup = -1;

    /// <summary>Work space for one thread.</summary>
    /// <param name="units">Those of the thread.</param>
    public CovariateProfile(CovariateUnits units)
    {
        this.units = units;
        measures = new DispersionProfile(units.Nodes);
        var columns = units.Columns;
        arrow = new ArrowSystem(columns);
        (value, slope, curvature) = (new GroupSums(columns), new GroupSums(columns), new GroupSums(columns));
        (first, second) = (new double[columns * columns], new double[columns * columns]);
        (u, rise) = (new double[columns], new double[columns]);
        taken = new bool[units.Groups];
    }

    /// <summary>Takes in the means at Poisson estimates, which the units then hold.</summary>
    /// <param name="poisson">The estimates.</param>
    /// <param name="heldGroup">A group whose intercept is known and not estimated, or −1.</param>
    public void Load(CovariateCoefficients poisson, int heldGroup)
    {
        fixedGroup = heldGroup;
        units.Hold(poisson.Intercepts, poisson.Slopes);
        units.Deposit(measures);
        for (var group = 0; group < taken.Length; group++)
            taken[group] = !CovariateUnits.IsAbsent(poisson.Intercepts[group]);
    }

    /// <inheritdoc/>
    public double ValueAt(double logDispersion, bool coxReid)
    {
        var found = measures.At(logDispersion, false).Value;
        if (!coxReid)
            return found;
        var logs = 0.0;
        arrow.Clear();
        for (var group = 0; group < taken.Length; group++)
            if (taken[group])
            {
                units.Weights(group, Math.Exp(logDispersion), WeightKind.Expected, value);
                logs += group == fixedGroup ? 0 : Math.Log(value.Weight);
                arrow.Add(value, group == fixedGroup);
            }
        arrow.Factor();
        return found - (logs + arrow.LogDeterminant()) / 2;
    }

    /// <inheritdoc/>
    public ProfilePoint At(double logDispersion, bool coxReid)
    {
        var point = measures.At(logDispersion, false);
        if (!coxReid)
            return point;
        var (logs, steep, bent) = Sum(Math.Exp(logDispersion));
        arrow.Factor();
        var (trace, bend) = Traces();
        return new ProfilePoint(
            point.Value - (logs + arrow.LogDeterminant()) / 2,
            point.Slope - (steep + trace) / 2,
            point.Curvature - (bent + bend) / 2
        );
    }

    // Σ ln D with its derivatives; S, S' and S'' are left in the arrow and in two matrices.
    (double Logs, double Slope, double Curvature) Sum(double alpha)
    {
        var (logs, steep, bent) = (0.0, 0.0, 0.0);
        arrow.Clear();
        Array.Clear(first);
        Array.Clear(second);
        for (var group = 0; group < taken.Length; group++)
        {
            if (!taken[group])
                continue;
            units.Weights(group, alpha, WeightKind.Expected, value);
            units.Weights(group, alpha, WeightKind.Slope, slope);
            units.Weights(group, alpha, WeightKind.Curvature, curvature);
            var isFixed = group == fixedGroup;
            arrow.Add(value, isFixed);
            AddDerivatives(isFixed);
            if (isFixed)
                continue;
            var ratio = slope.Weight / value.Weight;
            logs += Math.Log(value.Weight);
            steep += ratio;
            bent += curvature.Weight / value.Weight - ratio * ratio;
        }
        return (logs, steep, bent);
    }

    // A known intercept is not eliminated: as if u were 0.
    void AddDerivatives(bool isFixed)
    {
        var columns = u.Length;
        for (var i = 0; i < columns; i++)
        {
            u[i] = isFixed ? 0 : value.WeightX[i] / value.Weight;
            rise[i] = isFixed ? 0 : (slope.WeightX[i] - u[i] * slope.Weight) / value.Weight;
        }
        var (d1, d2) = (slope.Weight, curvature.Weight);
        var (b1, b2) = (slope.WeightX, curvature.WeightX);
        for (var i = 0; i < columns; i++)
        for (var j = 0; j <= i; j++)
        {
            var at = i * columns + j;
            first[at] += slope.WeightXX[at] - b1[i] * u[j] - u[i] * b1[j] + d1 * u[i] * u[j];
            second[at] +=
                curvature.WeightXX[at]
                - (b2[i] * u[j] + u[i] * b2[j] + b1[i] * rise[j] + rise[i] * b1[j])
                + d2 * u[i] * u[j]
                + d1 * (rise[i] * u[j] + u[i] * rise[j]);
        }
    }

    // tr S⁻¹S' and tr S⁻¹S'' − tr (S⁻¹S')².
    (double Slope, double Curvature) Traces()
    {
        var columns = u.Length;
        Solve(first);
        Solve(second);
        var (trace, bend) = (0.0, 0.0);
        for (var i = 0; i < columns; i++)
        {
            trace += first[i * columns + i];
            bend += second[i * columns + i];
            for (var j = 0; j < columns; j++)
                bend -= first[i * columns + j] * first[j * columns + i];
        }
        return (trace, bend);
    }

    // Replaces a symmetric matrix, given by its lower triangle, by the transpose of S⁻¹ times it.
    void Solve(double[] matrix)
    {
        var columns = u.Length;
        for (var i = 0; i < columns; i++)
        for (var j = i + 1; j < columns; j++)
            matrix[i * columns + j] = matrix[j * columns + i];
        for (var i = 0; i < columns; i++)
            arrow.Solve(matrix.AsSpan(i * columns, columns));
    }
}
