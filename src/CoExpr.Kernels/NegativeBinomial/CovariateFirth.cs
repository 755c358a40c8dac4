using System;

namespace CoExpr.Kernels;

/// <summary>Intercepts that are finite without counts, too.</summary>
public static class CovariateFirth
{
    const int MostSteps = 60;

    /// <summary>The intercept β of a group of largest ℓ(β) + ½ ln I(β) (Firth 1993) with the slopes as they are; NaN where
    /// 60 steps do not reach it.</summary>
    public static double Intercept(CovariateUnits units, int group, double dispersion, ReadOnlySpan<double> slopes)
    {
        // Σ s e^(xγ): what the expected count is at β = 0.
        var size = units.Intercept(group, 0, 0, slopes).Expected;
        var (low, high) = (Math.Log(0.25 / size) - 2, 60.0);
        var at = Math.Log((units.Total(group) + 0.5) / size);
        for (var step = 0; step < MostSteps; step++)
        {
            var score = units.Intercept(group, dispersion, at, slopes);
            var steep = score.Slope / score.Expected;
            var slope = score.Score + 0.5 * steep;
            var change = Math.Clamp(slope / (score.Observed + 0.25 * steep), -1, 1);
            if (Math.Abs(change) < 1e-10)
                return at + change;
            (low, high) = slope > 0 ? (at, high) : (low, at);
            at = at + change > low && at + change < high ? at + change : (low + high) / 2;
        }
        return double.NaN;
    }
}
