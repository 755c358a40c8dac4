using System;

namespace CoExpr.Kernels;

/// <summary>Fisher's information on all coefficients of one gene, at the means that its units hold.</summary>
public sealed class CovariateInformation
{
    readonly CovariateUnits units;
    readonly GroupSums[] sums;
    readonly ArrowSystem arrow;
    readonly bool[] taken;
    readonly double[] difference;
    int fixedGroup = -1;

    /// <summary>Work space for one thread.</summary>
    public CovariateInformation(CovariateUnits units)
    {
        this.units = units;
        sums = new GroupSums[units.Groups];
        for (var group = 0; group < sums.Length; group++)
            sums[group] = new GroupSums(units.Columns);
        arrow = new ArrowSystem(units.Columns);
        taken = new bool[units.Groups];
        difference = new double[units.Columns];
    }

    /// <summary>Takes in all groups whose intercepts are not absent.</summary>
    /// <param name="at">The coefficients that <see cref="CovariateUnits.Hold"/> was given.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="heldGroup">A group whose intercept is known, or −1.</param>
    public void Load(CovariateCoefficients at, double dispersion, int heldGroup)
    {
        fixedGroup = heldGroup;
        arrow.Clear();
        for (var group = 0; group < units.Groups; group++)
        {
            taken[group] = !CovariateUnits.IsAbsent(at.Intercepts[group]);
            if (!taken[group])
                continue;
            units.Weights(group, dispersion, WeightKind.Expected, sums[group]);
            arrow.Add(sums[group], group == fixedGroup);
        }
        arrow.Factor();
    }

    /// <summary>The variance of the difference of two groups' intercepts. Of a group that is absent, or known, only the
    /// other's part is in it.</summary>
    // The inverse of an arrowhead: 1/D_p + 1/D_0 + (u_p − u_0)ᵀ S⁻¹ (u_p − u_0) with u = B / D.
    public double Variance(int group, int other)
    {
        var own = 0.0;
        Array.Clear(difference);
        foreach (var (which, sign) in stackalloc[] { (group, 1.0), (other, -1.0) })
        {
            if (!taken[which] || which == fixedGroup)
                continue;
            own += 1 / sums[which].Weight;
            for (var column = 0; column < difference.Length; column++)
                difference[column] += sign * sums[which].WeightX[column] / sums[which].Weight;
        }
        return own + arrow.Quadratic(difference);
    }
}
