using System;

namespace CoExpr.Kernels;

/// <summary>Intercepts of groups and slopes of covariates.</summary>
public sealed class CovariateCoefficients
{
    /// <summary>All 0.</summary>
    public CovariateCoefficients(int groups, int columns)
    {
        Intercepts = new double[groups];
        Slopes = new double[columns];
    }

    /// <summary>β of each group; <see cref="CovariateUnits.Absent"/> where the mean is 0.</summary>
    public double[] Intercepts { get; }

    /// <summary>γ of each covariate.</summary>
    public double[] Slopes { get; }

    /// <summary>Takes over those of another.</summary>
    public void Take(CovariateCoefficients other)
    {
        other.Intercepts.CopyTo(Intercepts, 0);
        other.Slopes.CopyTo(Slopes, 0);
    }
}

/// <summary>A supposition about the intercepts of a fit.</summary>
/// <param name="Group">This group's intercept is that of <paramref name="Control"/> plus <paramref name="Shift"/>; −1: none is.</param>
/// <param name="Control">The group it is tied to.</param>
/// <param name="Shift">The difference supposed.</param>
/// <param name="Fixed">A group whose intercept is held as it is, or −1.</param>
public readonly record struct TiedIntercept(int Group, int Control, double Shift, int Fixed)
{
    /// <summary>All are free but one, which is held; −1: all are free.</summary>
    public static TiedIntercept Free(int heldGroup = -1) => new(-1, -1, 0, heldGroup);
}

/// <summary>The coefficients of largest likelihood of one gene.</summary>
public sealed class CovariateFit
{
    // Given α the likelihood is concave in all coefficients, with −∂²ℓ/∂(ln μ)² = w = μ (1 + α y) / (1 + α μ)² and
    // |∂w/∂ ln μ| ≤ w. Along a step δ of Newton's the curvature therefore stays within e^(t m) of what it is at the start,
    // m being the largest change of ln μ of any cell, and the likelihood rises by at least
    //
    //     t d² − d² (e^(tm) − 1 − tm) / m²,   d² = the score times δ,
    //
    // which is above 0.28 t d² for t = min(1, 1/m): with steps cut to that, no likelihood is computed on the way, and
    // the maximum is reached from everywhere. A covariate that a gene is all absent with, as a batch without a count, has its
    // maximum at infinity: a step moves it by about 1 until the likelihood gains no more.

    /// <summary>What d² is below at the end: the step that is left is 3e-6 of a standard error, and what is left after it
    /// about the square of that.</summary>
    const double Least = 1e-11;

    const int MostSteps = 200;

    readonly CovariateUnits units;
    readonly GroupSums[] sums;
    readonly GroupSums tied;
    readonly ArrowSystem arrow;
    readonly double[] change;

    /// <summary>Work space for one thread.</summary>
    public CovariateFit(CovariateUnits units)
    {
        this.units = units;
        sums = new GroupSums[units.Groups];
        for (var group = 0; group < sums.Length; group++)
            sums[group] = new GroupSums(units.Columns);
        tied = new GroupSums(units.Columns);
        arrow = new ArrowSystem(units.Columns);
        change = new double[units.Groups];
    }

    /// <summary>The number of steps of the last fit.</summary>
    public int Steps { get; private set; }

    /// <summary>Coefficients to start from: groups as if there were no covariates.</summary>
    public static void Start(CovariateUnits units, CovariateCoefficients at)
    {
        for (var group = 0; group < units.Groups; group++)
        {
            var total = units.Total(group);
            at.Intercepts[group] = total > 0 ? Math.Log(total / units.SizeSum(group)) : CovariateUnits.Absent;
        }
        Array.Clear(at.Slopes);
    }

    /// <summary>Goes to the maximum from the coefficients that are there.</summary>
    /// <param name="at">Where to start from, and then the maximum. Groups with an absent intercept stay so.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="tie">What is supposed.</param>
    /// <returns>False where 200 steps do not reach it.</returns>
    public bool Solve(CovariateCoefficients at, double dispersion, TiedIntercept tie)
    {
        for (Steps = 1; Steps <= MostSteps; Steps++)
        {
            if (tie.Group >= 0)
                at.Intercepts[tie.Group] = at.Intercepts[tie.Control] + tie.Shift;
            Sum(at, dispersion, tie);
            var gain = Step(at, tie);
            if (!double.IsFinite(gain))
                return false;
            Move(at, tie, Math.Min(1, 1 / Reach(at, tie)));
            if (gain < Least)
                return true;
        }
        return false;
    }

    bool Takes(CovariateCoefficients at, TiedIntercept tie, int group) =>
        group != tie.Group && !CovariateUnits.IsAbsent(at.Intercepts[group]);

    // Scores and weights of the groups, those of the tied group added to the control's.
    void Sum(CovariateCoefficients at, double dispersion, TiedIntercept tie)
    {
        for (var group = 0; group < units.Groups; group++)
            if (Takes(at, tie, group))
                units.Newton(group, dispersion, at.Intercepts[group], at.Slopes, sums[group]);
        if (tie.Group < 0)
            return;
        units.Newton(tie.Group, dispersion, at.Intercepts[tie.Group], at.Slopes, tied);
        sums[tie.Control].Add(tied);
    }

    // Newton's step, and d².
    double Step(CovariateCoefficients at, TiedIntercept tie)
    {
        arrow.Clear();
        for (var group = 0; group < units.Groups; group++)
            if (Takes(at, tie, group))
                arrow.Add(sums[group], group == tie.Fixed);
        arrow.Factor();
        arrow.SolveRight();
        var slopes = arrow.Right;
        var gain = 0.0;
        for (var group = 0; group < units.Groups; group++)
        {
            if (!Takes(at, tie, group))
                continue;
            var (own, left) = (sums[group], sums[group].Score);
            for (var column = 0; column < slopes.Length; column++)
            {
                left -= own.WeightX[column] * slopes[column];
                gain += own.ScoreX[column] * slopes[column];
            }
            change[group] = group == tie.Fixed ? 0 : left / own.Weight;
            gain += own.Score * change[group];
        }
        return gain;
    }

    // A bound of the largest change of ln μ of any cell.
    double Reach(CovariateCoefficients at, TiedIntercept tie)
    {
        var most = 0.0;
        for (var group = 0; group < units.Groups; group++)
            if (group == tie.Group || Takes(at, tie, group))
            {
                var own = change[group == tie.Group ? tie.Control : group];
                most = Math.Max(most, Reach(units, group, own, arrow.Right));
            }
        return most;
    }

    /// <summary>A bound of |change + xᵀslopes| over the cells of a group.</summary>
    public static double Reach(CovariateUnits units, int group, double change, ReadOnlySpan<double> slopes)
    {
        var (low, high) = (change, change);
        for (var column = 0; column < slopes.Length; column++)
        {
            var (a, b) = (slopes[column] * units.Lowest(group, column), slopes[column] * units.Highest(group, column));
            (low, high) = (low + Math.Min(a, b), high + Math.Max(a, b));
        }
        return Math.Max(Math.Abs(low), Math.Abs(high));
    }

    void Move(CovariateCoefficients at, TiedIntercept tie, double share)
    {
        for (var group = 0; group < units.Groups; group++)
            if (Takes(at, tie, group))
                at.Intercepts[group] += share * change[group];
        if (tie.Group >= 0)
            at.Intercepts[tie.Group] = at.Intercepts[tie.Control] + tie.Shift;
        for (var column = 0; column < at.Slopes.Length; column++)
            at.Slopes[column] += share * arrow.Right[column];
    }
}
