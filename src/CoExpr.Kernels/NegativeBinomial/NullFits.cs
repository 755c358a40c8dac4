using System;
using System.Runtime.Intrinsics;

namespace CoExpr.Kernels;

/// <summary>The likelihoods that a gene's groups and the control lose by the hypothesis that their ln means differ by a given
/// shift: <see cref="NullFit"/> of eight groups side by side, from series alone. One serves one thread.</summary>
public sealed class NullFits
{
    const int MostSteps = 60;

    readonly GroupSeries series;

    // The control's, in all eight places.
    readonly GroupSeries reference;

    /// <summary>For the groups of these series.</summary>
    public NullFits(GroupSeries series) => (this.series, reference) = (series, series.Alone());

    /// <summary>Finds what each group and the control lose.</summary>
    /// <param name="control">The control group.</param>
    /// <param name="means">Means of largest likelihood of all groups, by the same series.</param>
    /// <param name="shift">The difference of ln means that is supposed.</param>
    /// <param name="lost">Receives the log-likelihoods, 0 or more; NaN where the series do not reach, and
    /// <see cref="NullFit.Solve"/> is to be asked.</param>
    public void Lost(int control, ReadOnlySpan<double> means, double shift, Span<double> lost)
    {
        series.Spread(control, reference);
        var (best, fold) = (Vector512.Create(means[control]), Vector512.Create(Math.Exp(shift)));
        var information = reference.Score(0, Change(reference, 0, best)).Observed;
        var own = reference.Rest(0, Change(reference, 0, best));
        var known = reference.Covers(0, best);
        for (var first = 0; first < lost.Length; first += Lanes8.Width)
        {
            var mean = Lanes8.LoadBefore(means, first);
            var reached = known & series.Covers(first, mean);
            if (!Lanes8.Any(reached))
            {
                Lanes8.Store(Vector512.Create(double.NaN), lost, first);
                continue;
            }
            var found = Roots(first, reached, best, mean, information, fold);
            var other = found * fold;
            var ofGroup = LogRatio(series, first, mean, other, series.Rest(first, Change(series, first, mean)));
            var sum = ofGroup + LogRatio(reference, 0, best, found, own);
            // Max has NaN win.
            Lanes8.Store(Vector512.Max(sum, Vector512<double>.Zero), lost, first);
        }
    }

    /// <summary>Log-fold changes of all groups against the control, their standard errors, and the signed roots of likelihood
    /// ratios. Of groups with means above 0, where the control's is above 0, too; what is given of others means nothing.</summary>
    /// <param name="means">Means of largest likelihood.</param>
    /// <param name="control">The control group.</param>
    /// <param name="information">Fisher's information on each ln mean.</param>
    /// <param name="lost">Log-likelihoods lost by the hypothesis.</param>
    /// <param name="shift">The difference of ln means that it supposes.</param>
    /// <param name="scale">What divides the likelihood ratio.</param>
    /// <param name="folds">Receives the differences of ln means.</param>
    /// <param name="errors">Receives their standard errors.</param>
    /// <param name="roots">Receives the roots, positive where the difference is above the shift.</param>
    public static void Statistics(
        ReadOnlySpan<double> means,
        int control,
        ReadOnlySpan<double> information,
        ReadOnlySpan<double> lost,
        double shift,
        double scale,
        Span<double> folds,
        Span<double> errors,
        Span<double> roots
    )
    {
        var (zero, one, supposed) = (Vector512<double>.Zero, Vector512<double>.One, Vector512.Create(shift));
        var reference = Lanes8.Log(Vector512.Create(means[control]));
        var variance = one / Vector512.Create(information[control]);
        var twice = Vector512.Create(2.0);
        for (var first = 0; first < means.Length; first += Lanes8.Width)
        {
            var fold = Lanes8.Log(Lanes8.LoadBefore(means, first)) - reference;
            Lanes8.Store(fold, folds, first);
            var error = Vector512.Sqrt(one / Lanes8.LoadBefore(information, first) + variance);
            Lanes8.Store(error, errors, first);
            var root = Vector512.Sqrt(twice * Lanes8.LoadBefore(lost, first) / Vector512.Create(scale));
            var isBelow = Vector512.LessThan(fold - supposed, zero);
            Lanes8.Store(Vector512.ConditionalSelect(isBelow, -root, root), roots, first);
        }
    }

    static Vector512<double> Change(GroupSeries series, int first, Vector512<double> mean) =>
        mean / series.Points(first) - Vector512<double>.One;

    // ℓ at a mean, of which the rest is known, less ℓ at another.
    static Vector512<double> LogRatio(
        GroupSeries series,
        int first,
        Vector512<double> mean,
        Vector512<double> other,
        Vector512<double> rest
    )
    {
        var left = rest - series.Rest(first, Change(series, first, other));
        return series.Totals(first) * Lanes8.Log(mean / other) + left;
    }

    // The control's means at which the two scores cancel, by Newton's method in the mean itself; NaN where series end before.
    Vector512<double> Roots(
        int first,
        Vector512<double> running,
        Vector512<double> best,
        Vector512<double> own,
        Vector512<double> information,
        Vector512<double> fold
    )
    {
        var (one, roots) = (Vector512<double>.One, Vector512.Create(double.NaN));
        var (i0, i1) = (information / best, series.Score(first, Change(series, first, own)).Observed / own);
        var mean = (best * i0 + own * i1) / (i0 + fold * i1);
        var (low, high) = (Vector512.Min(best, own / fold), Vector512.Max(best, own / fold));
        for (var step = 0; step < MostSteps; step++)
        {
            running &= Covered(first, mean, fold);
            if (!Lanes8.Any(running))
                break;
            var (score, observed) = Scores(first, mean, fold);
            var next = mean * (one + score / observed);
            var isFound = running & IsFound(score, observed) & Vector512.GreaterThan(next, Vector512<double>.Zero);
            roots = Vector512.ConditionalSelect(isFound, next, roots);
            running = Vector512.AndNot(running, isFound);
            var isBelow = Vector512.GreaterThan(score, Vector512<double>.Zero);
            low = Vector512.ConditionalSelect(isBelow, mean, low);
            high = Vector512.ConditionalSelect(isBelow, high, mean);
            var isInside = Vector512.GreaterThan(next, low) & Vector512.LessThan(next, high);
            mean = Vector512.ConditionalSelect(isInside, next, (low + high) * Vector512.Create(0.5));
        }
        return Vector512.ConditionalSelect(Covered(first, roots, fold), roots, Vector512.Create(double.NaN));
    }

    Vector512<double> Covered(int first, Vector512<double> mean, Vector512<double> fold) =>
        series.Covers(first, mean * fold) & reference.Covers(0, mean);

    (Vector512<double> Score, Vector512<double> Observed) Scores(
        int first,
        Vector512<double> mean,
        Vector512<double> fold
    )
    {
        var (score, observed) = series.Score(first, Change(series, first, mean * fold));
        var (score0, observed0) = reference.Score(0, Change(reference, 0, mean));
        return (score + score0, observed + observed0);
    }

    // A step δ = score / observed leaves an error of about δ²/2, and that costs observed · δ⁴ / 8 of likelihood.
    static Vector512<double> IsFound(Vector512<double> score, Vector512<double> observed) =>
        Vector512.LessThan(score * score * score * score, Vector512.Create(1e-10) * observed * observed * observed);
}
