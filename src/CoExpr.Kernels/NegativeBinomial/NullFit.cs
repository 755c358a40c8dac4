using System;

namespace CoExpr.Kernels;

/// <summary>A group and the control fitted under the hypothesis that their ln means differ by a given shift.</summary>
/// <param name="Mean">The control's mean e^β under it; NaN where it was not reached.</param>
/// <param name="LogRatio">The log-likelihood lost by it, 0 or more.</param>
/// <param name="Score">The group's score there; minus the control's.</param>
/// <param name="Information">Fisher's information on the difference there, I₀ I / (I₀ + I).</param>
public readonly record struct NullFit(double Mean, double LogRatio, double Score, double Information)
{
    const int MostSteps = 60;

    /// <summary>Solves U₀(β) + U(β + shift) = 0.</summary>
    /// <param name="gene">The gene.</param>
    /// <param name="control">The control group.</param>
    /// <param name="series">The control's score, or cleared where the control has no counts.</param>
    /// <param name="group">The group that is compared with it.</param>
    /// <param name="dispersion">α.</param>
    /// <param name="means">Means of largest likelihood of all groups.</param>
    /// <param name="shift">The difference of ln means that is supposed.</param>
    /// <param name="scored">Whether score and information are wanted; else they are NaN.</param>
    /// <param name="expansions">Series of this gene's groups at this dispersion, for speed.</param>
    public static NullFit Solve(
        GeneCounts gene,
        int control,
        ControlScore series,
        int group,
        double dispersion,
        ReadOnlySpan<double> means,
        double shift,
        bool scored = true,
        GroupSeries? expansions = null
    )
    {
        var pair = new Pair(gene, control, series, group, dispersion, Math.Exp(shift), expansions);
        var mean = pair.Root(means[control], means[group], scored);
        if (double.IsNaN(mean))
            return new NullFit(double.NaN, double.NaN, double.NaN, double.NaN);
        var other = mean * pair.Fold;
        var lost = pair.Lost(means[control], mean) + pair.LostByGroup(means[group], other);
        if (!scored)
            return new NullFit(mean, Math.Max(0, lost), double.NaN, double.NaN);
        var (i0, i1) = (
            GroupFit.Information(gene.Groups, control, dispersion, mean),
            GroupFit.Information(gene.Groups, group, dispersion, other)
        );
        var score = GroupFit.Score(gene, group, dispersion, other).Score;
        return new NullFit(mean, Math.Max(0, lost), score, i0 * i1 / (i0 + i1));
    }

    // The two groups of one comparison.
    readonly struct Pair(
        GeneCounts gene,
        int control,
        ControlScore series,
        int group,
        double dispersion,
        double fold,
        GroupSeries? expansions
    )
    {
        internal double Fold => fold;

        bool IsExpanded(int which, double mean) => expansions is not null && expansions.Covers(which, mean);

        internal double LostByGroup(double best, double mean) =>
            IsExpanded(group, best) && IsExpanded(group, mean)
                ? expansions!.LogRatio(group, best, mean)
                : GroupFit.LogRatio(gene, group, dispersion, best, mean);

        internal double Lost(double best, double mean) =>
            IsExpanded(control, best) && IsExpanded(control, mean) ? expansions!.LogRatio(control, best, mean)
            : series.Covers(Math.Log(mean)) ? series.Lost(Math.Log(mean))
            : GroupFit.LogRatio(gene, control, dispersion, best, mean);

        // Newton's method in the mean itself, in which the score of Poisson counts over the mean is linear. A score is as far
        // from that at the root as the step is long, a likelihood but as its square: scores take one step more.
        internal double Root(double controlMean, double groupMean, bool isScored)
        {
            var isLast = !isScored;
            var mean = Start(controlMean, groupMean);
            var (low, high) = (Math.Min(controlMean, groupMean / fold), Math.Max(controlMean, groupMean / fold));
            for (var step = 0; step < MostSteps; step++)
            {
                var (score, observed) = Score(mean);
                var next = mean * (1 + score / observed);
                // A step δ = score / observed leaves an error of about δ²/2, and that costs observed · δ⁴ / 8 of likelihood.
                if (score * score * score * score < 1e-10 * observed * observed * observed && next > 0)
                {
                    if (isLast)
                        return next;
                    (isLast, mean) = (true, next);
                    continue;
                }
                (low, high) = score > 0 ? (mean, high) : (low, mean);
                mean = next > low && next < high ? next : (low + high) / 2;
            }
            return double.NaN;
        }

        // Where the control's and the group's scores, taken as straight lines in the mean, cancel.
        double Start(double controlMean, double groupMean)
        {
            var (i0, i1) = (Weight(control, controlMean), Weight(group, groupMean));
            return (controlMean * i0 + groupMean * i1) / (i0 + fold * i1);
        }

        double Weight(int which, double mean) =>
            !(mean > 0) ? gene.Groups.Sums[which]
            : IsExpanded(which, mean) ? expansions!.Score(which, mean).Observed / mean
            : GroupFit.Information(gene.Groups, which, dispersion, mean) / mean;

        (double Score, double Observed) Score(double mean)
        {
            var (own, reference) = (OfGroup(mean * fold), OfControl(mean));
            return (own.Score + reference.Score, own.Observed + reference.Observed);
        }

        (double Score, double Observed) OfGroup(double mean) =>
            IsExpanded(group, mean) ? expansions!.Score(group, mean) : Direct(group, mean);

        (double Score, double Observed) OfControl(double mean)
        {
            if (IsExpanded(control, mean))
                return expansions!.Score(control, mean);
            var beta = Math.Log(mean);
            return series.Covers(beta) ? (series.At(beta), -series.SlopeAt(beta)) : Direct(control, mean);
        }

        (double Score, double Observed) Direct(int which, double mean)
        {
            var score = GroupFit.Score(gene, which, dispersion, mean);
            return (score.Score, score.Observed);
        }
    }
}
