using System;

namespace CoExpr.Kernels;

/// <summary>The dispersion of largest adjusted profile likelihood.</summary>
/// <param name="LogDispersion">ln α.</param>
/// <param name="Information">Minus the curvature of the profile in ln α, 0 or more.</param>
/// <param name="AtBound">−1 where the likelihood only grows towards the least dispersion tried, 1 towards the
/// largest, else 0.</param>
public readonly record struct DispersionFit(double LogDispersion, double Information, int AtBound)
{
    /// <summary>Points of ln α at which the profile is looked at first.</summary>
    public const int Points = 18;

    const int MostSteps = 60;

    // Half a decade.
    static readonly double Step = Math.Log(10) / 2;

    /// <summary>ln α of one of them: from 1e-6 to 10^2.5.</summary>
    public static double Point(int at) => Math.Log(1e-6) + Step * at;

    /// <summary>Looks at every point, then takes Newton's steps on the slope between the neighbours of the best.</summary>
    /// <param name="profile">A loaded profile.</param>
    /// <param name="coxReid">Whether the adjustment of Cox and Reid is in; it is in the first look, too, which else
    /// finds the wrong maximum of some genes of few counts.</param>
    /// <param name="values">Receives the profile at the points.</param>
    public static DispersionFit Maximize(IDispersionProfile profile, bool coxReid, Span<double> values)
    {
        var best = 0;
        for (var at = 0; at < Points; at++)
        {
            values[at] = profile.ValueAt(Point(at), coxReid);
            if (values[at] > values[best])
                best = at;
        }
        var (low, high) = (Point(Math.Max(best - 1, 0)), Point(Math.Min(best + 1, Points - 1)));
        return Bound(profile, coxReid, best) ?? Refine(at => profile.At(at, coxReid), low, Point(best), high);
    }

    /// <summary>The ln α of largest profile times a normal density.</summary>
    /// <param name="profile">A loaded profile.</param>
    /// <param name="coxReid">Whether the adjustment is in.</param>
    /// <param name="values">The profile at the points, as <see cref="Maximize"/> left it.</param>
    /// <param name="centre">The density's mean of ln α.</param>
    /// <param name="variance">Its variance, above 0.</param>
    public static double Mode(
        IDispersionProfile profile,
        bool coxReid,
        ReadOnlySpan<double> values,
        double centre,
        double variance
    )
    {
        var (best, highest) = (0, double.NegativeInfinity);
        for (var at = 0; at < Points; at++)
        {
            var value = values[at] - (Point(at) - centre) * (Point(at) - centre) / (2 * variance);
            (best, highest) = value > highest ? (at, value) : (best, highest);
        }
        // Beyond the outermost points the density alone decides, so the bracket goes on to its centre.
        var (low, high) = (Point(Math.Max(best - 1, 0)), Point(Math.Min(best + 1, Points - 1)));
        (low, high) = (Math.Min(low, centre), Math.Max(high, centre));
        var fit = Refine(at => Posterior(profile.At(at, coxReid), at, centre, variance), low, Point(best), high);
        return fit.LogDispersion;
    }

    static ProfilePoint Posterior(ProfilePoint point, double at, double centre, double variance) =>
        new(
            point.Value - (at - centre) * (at - centre) / (2 * variance),
            point.Slope - (at - centre) / variance,
            point.Curvature - 1 / variance
        );

    static DispersionFit? Bound(IDispersionProfile profile, bool coxReid, int best)
    {
        if (best > 0 && best < Points - 1)
            return null;
        var point = profile.At(Point(best), coxReid);
        var outwards = best == 0 ? point.Slope <= 0 : point.Slope >= 0;
        return outwards ? new DispersionFit(Point(best), Math.Max(0, -point.Curvature), best == 0 ? -1 : 1) : null;
    }

    static DispersionFit Refine(Func<double, ProfilePoint> profile, double low, double at, double high)
    {
        var point = profile(at);
        for (var step = 0; step < MostSteps; step++)
        {
            (low, high) = point.Slope > 0 ? (at, high) : (low, at);
            var next = at - point.Slope / point.Curvature;
            if (!(point.Curvature < 0 && next > low && next < high))
                next = (low + high) / 2;
            var change = Math.Abs(next - at);
            at = next;
            point = profile(at);
            if (change < 1e-6)
                break;
        }
        return new DispersionFit(at, Math.Max(0, -point.Curvature), 0);
    }
}
