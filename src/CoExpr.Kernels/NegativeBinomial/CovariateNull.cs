using System;

namespace CoExpr.Kernels;

/// <summary>The likelihood that is lost by supposing how far a group's intercept is from the control's.</summary>
/// <param name="LogRatio">ℓ at the maximum less ℓ under the supposition, 0 or more; NaN where that was not found.</param>
/// <param name="Bound">A bound of its error: 0 where every cell was fitted anew.</param>
public readonly record struct LostLikelihood(double LogRatio, double Bound);

/// <summary>Fits of one gene under suppositions on one group and the control.</summary>
public sealed class CovariateNull
{
    // Under β_p = β_0 + h all other coefficients change, too, but in a screen with many controls and groups by little. So
    // the group p itself is taken as it is, cell by cell, and the others by their likelihood's second order about the
    // maximum, in which the intercepts of all but the control are eliminated: with b and c the changes of β_0 and of γ,
    //
    //     ℓ_p(β_0 + b + h, γ + c) − ½ (D_0 b² + 2 b B_0ᵀc + cᵀH_0 c) + t_0ᵀc − ½ cᵀS c + tᵀc,
    //
    // S and t being the other groups' Schur complement and score. That costs the cells of p alone. Since |∂w/∂ ln μ| ≤ w, the
    // third order of cells of which ln μ changes by m at most is below m e^m / 3 times what their second order loses; where
    // that is more than a thousandth of the whole, every cell is fitted anew.

    /// <summary>What the bound may be of the likelihood that is lost.</summary>
    public const double Tolerance = 1e-3;

    const double Least = 1e-11;
    const int MostSteps = 200;

    readonly CovariateUnits units;
    readonly CovariateFit fit;
    readonly CovariateCoefficients trial;
    readonly GroupSums[] sums;
    readonly GroupSums own;
    readonly ArrowSystem others;
    readonly ArrowSystem rest;
    readonly ArrowSystem arrow;
    readonly double[] change;
    readonly double[] ranges;
    readonly GroupSums pair;
    CovariateCoefficients best;
    double alpha;
    int control;
    bool isFixed;

    /// <summary>Work space for one thread.</summary>
    public CovariateNull(CovariateUnits units, CovariateFit fit)
    {
        (this.units, this.fit) = (units, fit);
        var columns = units.Columns;
        trial = best = new CovariateCoefficients(units.Groups, columns);
        sums = new GroupSums[units.Groups];
        for (var group = 0; group < sums.Length; group++)
            sums[group] = new GroupSums(columns);
        (own, pair) = (new GroupSums(columns), new GroupSums(columns));
        (others, rest, arrow) = (new ArrowSystem(columns), new ArrowSystem(columns), new ArrowSystem(columns));
        change = new double[columns];
        ranges = new double[columns];
        for (var column = 0; column < columns; column++)
            ranges[column] = Range(column);
    }

    // The largest difference of a covariate between any two cells.
    double Range(int column)
    {
        var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
        for (var group = 0; group < units.Groups; group++)
            (low, high) = (Math.Min(low, units.Lowest(group, column)), Math.Max(high, units.Highest(group, column)));
        return high - low;
    }

    /// <summary>How many suppositions were fitted anew cell by cell.</summary>
    public int Refitted { get; private set; }

    /// <summary>The coefficients under the supposition that was tried last.</summary>
    public CovariateCoefficients Found => trial;

    /// <summary>Takes up a gene at its maximum.</summary>
    /// <param name="maximum">The coefficients there.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="controlGroup">The control.</param>
    /// <param name="controlIsFixed">Whether its intercept is known.</param>
    public void Load(CovariateCoefficients maximum, double dispersion, int controlGroup, bool controlIsFixed)
    {
        (best, alpha, control, isFixed) = (maximum, dispersion, controlGroup, controlIsFixed);
        others.Clear();
        for (var group = 0; group < units.Groups; group++)
        {
            sums[group].Clear();
            if (CovariateUnits.IsAbsent(best.Intercepts[group]))
                continue;
            units.Newton(group, alpha, best.Intercepts[group], best.Slopes, sums[group]);
            if (group != control)
                others.Add(sums[group], false);
        }
    }

    /// <summary>What is lost by β_group = β_control + shift.</summary>
    /// <param name="group">The group.</param>
    /// <param name="shift">The difference supposed.</param>
    /// <param name="always">Whether every cell is fitted anew in any case.</param>
    public LostLikelihood Lost(int group, double shift, bool always)
    {
        var isAbsent = CovariateUnits.IsAbsent(best.Intercepts[control]);
        var near = always || isAbsent ? new LostLikelihood(double.NaN, double.NaN) : Near(group, shift);
        if (near.Bound <= Tolerance * near.LogRatio)
            return near;
        if (!double.IsNaN(near.LogRatio))
            Follow(group);
        return Anew(group, shift, double.IsNaN(near.LogRatio));
    }

    LostLikelihood Anew(int group, double shift, bool fromBest)
    {
        Refitted++;
        if (fromBest)
            trial.Take(best);
        if (CovariateUnits.IsAbsent(trial.Intercepts[control]))
            trial.Intercepts[control] = best.Intercepts[group] - shift;
        if (!fit.Solve(trial, alpha, new TiedIntercept(group, control, shift, isFixed ? control : -1)))
            return new LostLikelihood(double.NaN, 0);
        var lost = 0.0;
        for (var which = 0; which < units.Groups; which++)
            if (which == group || which == control || !CovariateUnits.IsAbsent(best.Intercepts[which]))
                lost += Ratio(which);
        return new LostLikelihood(Math.Max(0, lost), 0);
    }

    double Ratio(int group) =>
        units.LogRatio(group, alpha, best.Intercepts[group], best.Slopes, trial.Intercepts[group], trial.Slopes);

    LostLikelihood Near(int group, double shift)
    {
        rest.Take(others);
        if (!CovariateUnits.IsAbsent(best.Intercepts[group]))
            rest.Add(sums[group], false, -1);
        trial.Take(best);
        trial.Intercepts[group] = best.Intercepts[control] + shift;
        Array.Clear(change);
        if (!Climb(group, shift))
            return new LostLikelihood(double.NaN, double.NaN);
        return Measure(group);
    }

    // Newton's steps in b and c, cut as those of the whole fit are.
    bool Climb(int group, double shift)
    {
        for (var step = 0; step < MostSteps; step++)
        {
            units.Newton(group, alpha, trial.Intercepts[group], trial.Slopes, own);
            Quadratic(trial.Intercepts[control] - best.Intercepts[control]);
            own.Add(pair);
            arrow.Take(rest);
            Shift();
            arrow.Add(own, isFixed);
            arrow.Factor();
            arrow.SolveRight();
            var (left, gain) = (own.Score, 0.0);
            for (var column = 0; column < change.Length; column++)
                left -= own.WeightX[column] * arrow.Right[column];
            var moved = isFixed ? 0 : left / own.Weight;
            gain = own.Score * moved + Gain();
            if (!double.IsFinite(gain))
                return false;
            var share = Math.Min(1, 1 / CovariateFit.Reach(units, group, moved, arrow.Right));
            trial.Intercepts[control] += share * moved;
            trial.Intercepts[group] = trial.Intercepts[control] + shift;
            for (var column = 0; column < change.Length; column++)
            {
                change[column] += share * arrow.Right[column];
                trial.Slopes[column] = best.Slopes[column] + change[column];
            }
            if (gain < Least)
                return true;
        }
        return false;
    }

    // The control's score and weights at b and c, by its second order.
    void Quadratic(double moved)
    {
        pair.Take(sums[control]);
        pair.Score -= pair.Weight * moved;
        for (var i = 0; i < change.Length; i++)
        {
            pair.Score -= pair.WeightX[i] * change[i];
            pair.ScoreX[i] -= pair.WeightX[i] * moved + Product(pair.WeightXX, i, change);
        }
    }

    // The score of the other groups' Schur complement at c.
    void Shift()
    {
        for (var i = 0; i < change.Length; i++)
            arrow.Right[i] -= Product(rest.Schur, i, change);
    }

    // Row i of a symmetric matrix, of which the lower triangle is given, times a vector.
    static double Product(ReadOnlySpan<double> matrix, int i, ReadOnlySpan<double> vector)
    {
        var sum = 0.0;
        for (var j = 0; j < vector.Length; j++)
            sum += matrix[i >= j ? i * vector.Length + j : j * vector.Length + i] * vector[j];
        return sum;
    }

    // The score of the slopes times their step.
    double Gain()
    {
        var sum = 0.0;
        for (var i = 0; i < change.Length; i++)
        {
            var score = own.ScoreX[i] + rest.Right[i] - Product(rest.Schur, i, change);
            sum += score * arrow.Right[i];
        }
        return sum;
    }

    // The other groups' intercepts, to first order: where a new fit of all cells starts.
    void Follow(int group)
    {
        for (var which = 0; which < units.Groups; which++)
        {
            if (which == group || which == control || CovariateUnits.IsAbsent(best.Intercepts[which]))
                continue;
            var moved = 0.0;
            for (var column = 0; column < change.Length; column++)
                moved -= sums[which].WeightX[column] * change[column];
            trial.Intercepts[which] = best.Intercepts[which] + moved / sums[which].Weight;
        }
    }

    LostLikelihood Measure(int group)
    {
        var moved = trial.Intercepts[control] - best.Intercepts[control];
        var (near, far, linear) = (sums[control].Weight * moved * moved / 2, 0.0, 0.0);
        for (var i = 0; i < change.Length; i++)
        {
            var both = moved * sums[control].WeightX[i] + Product(sums[control].WeightXX, i, change) / 2;
            near += change[i] * both;
            far += change[i] * Product(rest.Schur, i, change) / 2;
            linear += change[i] * (sums[control].ScoreX[i] + rest.Right[i]);
        }
        var bound = Third(near, CovariateFit.Reach(units, control, moved, change)) + Third(far, Furthest());
        return new LostLikelihood(Math.Max(0, Ratio(group) + near + far - linear), bound);
    }

    static double Third(double second, double most) => second <= 0 ? 0 : second * most * Math.Exp(most) / 3;

    // Another group's intercept goes against its mean of the covariates, u: |(x − u)ᵀc| is at most this.
    double Furthest()
    {
        var most = 0.0;
        for (var column = 0; column < change.Length; column++)
            most += Math.Abs(change[column]) * ranges[column];
        return most;
    }
}
