namespace CoExpr

open System
open MathNet.Numerics

/// How much the dispersions of genes vary around the trend.
type DispersionPrior = {
    /// Of ln dispersion, around the trend: what the prior of the posterior has.
    Variance: float
    /// Of ln of the gene-wise estimates around the trend, their sampling error included; by the median absolute deviation.
    ObservedVariance: float
}

/// The spread of true dispersions around their trend (Love, Huber and Anders 2014).
[<RequireQualifiedAccess>]
module DispersionPrior =

    /// The prior is never narrower.
    [<Literal>]
    let private SmallestVariance = 0.25

    /// ψ'(x) for x above 0: recurrence up to 12, then its asymptotic series (Abramowitz and Stegun 6.4.6 and 6.4.12).
    let trigamma (x: float) =
        if not (x > 0.0) then
            invalidArg (nameof x) $"{x} is not above 0"

        let mutable sum, at = 0.0, x

        while at < 12.0 do
            sum <- sum + 1.0 / (at * at)
            at <- at + 1.0

        let t = 1.0 / (at * at)

        sum
        + 1.0 / at
        + 0.5 * t
        + t / at
          * (1.0 / 6.0
             - t * (1.0 / 30.0 - t * (1.0 / 42.0 - t * (1.0 / 30.0 - t * 5.0 / 66.0))))

    /// Histogram cells of half a unit from −20 to 20, of which residuals are counted within ±10.
    [<Literal>]
    let private Cells = 80

    let private density (values: float[]) =
        let counts = Array.zeroCreate<float> Cells
        // A value on an edge belongs to the cell below it.
        let kept = values |> Array.filter (fun v -> v > -10.0 && v < 10.0)

        for value in kept do
            let cell = Math.Clamp(int (ceil ((value + 20.0) * 2.0)) - 1, 0, Cells - 1)
            counts[cell] <- counts[cell] + 1.0

        counts |> Array.map (fun count -> count / (0.5 * float kept.Length))

    /// P(ln(χ²_d / d) + N(0, variance) ≤ x) by Simpson's rule over the normal's quantiles.
    let private convolved degrees variance x =
        let chi at =
            let value = float degrees * exp at

            if value > 1e6 then
                1.0
            else
                SpecialFunctions.GammaLowerRegularized(0.5 * float degrees, 0.5 * value)

        if variance = 0.0 then
            chi x
        else
            let deviation = sqrt variance
            let count = 64
            let step = 12.0 / float count

            let term at =
                let z = -6.0 + step * float at

                let weight =
                    if at = 0 || at = count then 1.0
                    elif at % 2 = 1 then 4.0
                    else 2.0

                weight * exp (-0.5 * z * z) * chi (x - deviation * z)

            let sum = Seq.init (count + 1) term |> Seq.sum
            sum * step / 3.0 / sqrt (2.0 * Math.PI)

    let private expected degrees variance =
        let edges =
            Array.init (Cells + 1) (fun at -> convolved degrees variance (-20.0 + 0.5 * float at))

        let inside = convolved degrees variance 10.0 - convolved degrees variance -10.0
        Array.init Cells (fun cell -> max 0.0 (edges[cell + 1] - edges[cell]) / (0.5 * inside))

    /// A density below what one of ten thousand draws would give counts as that.
    [<Literal>]
    let private Resolution = 2e-4

    let private divergence (observed: float[]) degrees variance =
        let expected = expected degrees variance

        (observed, expected)
        ||> Array.map2 (fun o e ->
            if o > 0.0 then
                o * log ((o + Resolution) / (e + Resolution))
            else
                0.0)
        |> Array.sum

    /// Share of the variances tried that the smoothing of divergences takes in.
    [<Literal>]
    let private Span = 0.2

    /// With up to three degrees of freedom ln of a sample variance is far from normal: the variance between 0 and 8 whose
    /// sum with ln(χ²/d) has the distribution nearest to the residuals' by the divergence of Kullback and Leibler, smoothed
    /// over variances as DESeq2 smooths its simulated ones.
    let internal matched degrees (residuals: float[]) =
        let observed = density residuals
        let tried = Array.init 101 (fun at -> 0.08 * float at)
        let divergences = tried |> Array.map (divergence observed degrees)
        let equal = Array.create tried.Length 1.0

        let smooth at =
            let struct (value, _) = LocalRegression.at 2 Span tried divergences equal at
            value

        Array.init 1001 (fun at -> 0.008 * float at) |> Array.minBy smooth

    /// The prior around a trend, from the gene-wise dispersions and what the trend gives for the same genes. `degrees`:
    /// samples less coefficients, 1 or more. The sampling variance of ln dispersion, taken off, is ψ'(degrees / 2).
    let estimate degrees (dispersions: float[]) (trend: float[]) : DispersionPrior =
        if degrees < 1 then
            invalidArg (nameof degrees) $"{degrees} is below 1"

        let residuals =
            (dispersions, trend)
            ||> Array.zip
            |> Array.filter (fun (own, _) -> own >= MeanDispersionTrend.Usable)
            |> Array.map (fun (own, fitted) -> log own - log fitted)

        let observed = pown (OrderStatistics.medianAbsoluteDeviation residuals) 2

        let variance =
            if residuals.Length = 0 then SmallestVariance
            elif degrees <= 3 then matched degrees residuals
            else observed - trigamma (float degrees / 2.0)

        {
            Variance = max SmallestVariance variance
            ObservedVariance = observed
        }
