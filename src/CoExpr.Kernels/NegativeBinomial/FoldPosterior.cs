using System;

namespace CoExpr.Kernels;

/// <summary>The mode of a log-fold change's posterior: the likelihood of both groups' counts, the control's mean at its
/// best for every fold change, times a Cauchy prior around 0 (Zhu, Ibrahim and Love 2019).</summary>
/// <param name="LogFold">The mode; NaN where it was not reached.</param>
/// <param name="Deviation">1 / √curvature of −ln posterior there (Laplace); NaN where it is not curved.</param>
public readonly record struct FoldPosterior(double LogFold, double Deviation)
{
    const int MostSteps = 100;

    /// <summary>Finds the mode: the higher of those reached downhill from 0 and from a first estimate, since a likelihood
    /// far from 0 and the prior's peak at 0 can have one each.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="control">The control group.</param>
    /// <param name="series">The control's score, or cleared where the control has no counts.</param>
    /// <param name="group">The group that is compared with it; either has counts.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="means">Means of largest likelihood of all groups.</param>
    /// <param name="quasi">What the log-likelihood is divided by: a quasi-likelihood dispersion, else 1.</param>
    /// <param name="scale">The prior's, natural logarithms.</param>
    /// <param name="estimate">A finite log-fold change to start from.</param>
    public static FoldPosterior Mode(
        GeneCounts gene,
        int control,
        ControlScore series,
        int group,
        double dispersion,
        ReadOnlySpan<double> means,
        double quasi,
        double scale,
        double estimate
    )
    {
        var density = new Density(gene, control, series, group, dispersion, means, quasi, scale);
        var (near, far) = (density.Descend(0), density.Descend(estimate));
        var best = far.Value < near.Value ? far : near;
        return new FoldPosterior(best.At, 1 / Math.Sqrt(best.Curvature));
    }

    // −ln posterior, less its value at the likelihood's maximum and the prior's, with derivatives at one log-fold change.
    readonly record struct Point(double At, double Value, double Slope, double Curvature, double Information);

    static Point Unreached => new(double.NaN, double.PositiveInfinity, double.NaN, double.NaN, double.NaN);

    readonly ref struct Density(
        GeneCounts gene,
        int control,
        ControlScore series,
        int group,
        double dispersion,
        ReadOnlySpan<double> means,
        double quasi,
        double scale
    )
    {
        readonly ReadOnlySpan<double> means = means;

        // The profile's slope is minus the group's score; its curvature is that of both groups in series,
        // 1 / (1/O₀ + 1/O), with observed informations O.
        Point At(double fold)
        {
            var fit = NullFit.Solve(gene, control, series, group, dispersion, means, fold, false);
            var own = GroupFit.Score(gene, group, dispersion, fit.Mean * Math.Exp(fold));
            var other = ControlObserved(fit.Mean);
            var information = own.Observed * other / (own.Observed + other) / quasi;
            var (square, s2) = (fold * fold, scale * scale);
            return new Point(
                fold,
                fit.LogRatio / quasi + Math.Log(1 + square / s2),
                2 * fold / (s2 + square) - own.Score / quasi,
                information + 2 * (s2 - square) / ((s2 + square) * (s2 + square)),
                information
            );
        }

        double ControlObserved(double mean) =>
            series.Covers(Math.Log(mean))
                ? -series.SlopeAt(Math.Log(mean))
                : GroupFit.Score(gene, control, dispersion, mean).Observed;

        // Newton's steps, by the prior's mean curvature where the posterior's is lower, halved until the value falls.
        internal Point Descend(double start)
        {
            var here = At(start);
            if (!double.IsFinite(here.Value))
                return Unreached;
            for (var step = 0; step < MostSteps; step++)
            {
                var least = 1 / (1 / here.Information + scale * scale);
                var move = -here.Slope / Math.Max(here.Curvature, least);
                if (Math.Abs(move) <= 1e-9 * (1 + Math.Abs(here.At)))
                    return here;
                var next = Lower(here, move);
                if (next.At == here.At)
                    return here;
                here = next;
            }
            return Unreached;
        }

        Point Lower(Point here, double move)
        {
            // Rounding alone must not shorten a step.
            var limit = here.Value + 1e-12 * (1 + here.Value);
            for (var share = 1.0; share > 1e-9; share /= 2)
            {
                var next = At(here.At + share * move);
                if (next.Value <= limit)
                    return next;
            }
            return here;
        }
    }
}
