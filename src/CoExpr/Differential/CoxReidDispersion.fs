namespace CoExpr

open System
open CoExpr.Kernels

/// How the dispersion that maximises a likelihood is searched for.
[<RequireQualifiedAccess>]
type DispersionSearch =
    /// The maximum itself: a scan of ln α, then the root of the slope to 1e-10.
    | Exact
    /// Gradient ascent that stops when a step gains less than 1e-6, and a grid where that fails, as DESeq2 does: up to
    /// about 1 % from the maximum, and the same as DESeq2 to many digits.
    | Ascent

/// Where a search for the dispersion of one gene ended.
[<Struct>]
type FoundDispersion = {
    Value: float
    /// Steps of the ascent; 0 where none was needed.
    Steps: int
    /// Whether the likelihood rose from the start by more than a millionth of itself.
    Improved: bool
}

/// The profile likelihood of one gene's dispersion, adjusted for the estimated coefficients as Cox and Reid (1987) do,
///     ln L(α) − ½ ln det XᵀWX, W = 1 / (1/μ + α),
/// with a normal prior on ln α if there is one. Not for several threads at once.
[<Sealed>]
type internal DispersionSpace(design: Design, counts: float[], means: float[]) =
    let width, groups = design.Width, design.Groups
    let weights, slopes = Array.zeroCreate<float> groups, Array.zeroCreate<float> groups

    let matrix, change =
        Array.zeroCreate<float>(width * width), Array.zeroCreate<float>(width * width)

    let tryFactor alpha =
        SampleRegression.WeightsAndSlopes(means, alpha, design.GroupOf, weights.AsSpan(), slopes.AsSpan())
        SampleRegression.Information(design.Rows, width, weights, matrix.AsSpan())
        SymmetricSystem.Factor(matrix.AsSpan(), width)

    let adjustment alpha =
        if tryFactor alpha then
            0.5 * SymmetricSystem.LogDeterminant(matrix, width)
        else
            nan

    /// d/d ln α of the adjustment: half the trace of (XᵀWX)⁻¹ XᵀW'X.
    let adjustmentSlope alpha =
        SampleRegression.WeightsAndSlopes(means, alpha, design.GroupOf, weights.AsSpan(), slopes.AsSpan())
        SampleRegression.Information(design.Rows, width, weights, matrix.AsSpan())
        SampleRegression.Information(design.Rows, width, slopes, change.AsSpan())

        0.5
        * SymmetricSystem.LogDeterminantSlope(matrix.AsSpan(), change.AsSpan(), width)

    /// The prior of ln α as struct (mean, variance); an infinite variance is none.
    member _.Value(struct (centre: float, variance: float), logAlpha: float) =
        let alpha = exp logAlpha
        let prior = 0.5 * (logAlpha - centre) * (logAlpha - centre) / variance
        DispersionLikelihood.Value(counts, means, alpha) - adjustment alpha - prior

    member _.Slope(struct (centre: float, variance: float), logAlpha: float) =
        let alpha = exp logAlpha

        DispersionLikelihood.Slope(counts, means, alpha)
        - adjustmentSlope alpha
        - (logAlpha - centre) / variance

/// Dispersions that maximise the adjusted profile likelihood.
[<RequireQualifiedAccess>]
module CoxReidDispersion =

    /// The smallest dispersion that is searched for.
    [<Literal>]
    let Smallest = 1e-8

    /// The largest: 10, or the number of samples if there are more.
    let largest (design: Design) = max 10.0 (float design.Size)

    /// No prior on ln α.
    let internal flat = struct (0.0, infinity)

    let private argmax (points: float[]) (value: float -> float) =
        let values = points |> Array.map value
        let mutable best = 0

        for at in 1 .. points.Length - 1 do
            if values[at] > values[best] || Double.IsNaN values[best] then
                best <- at

        best

    let private equallySpaced low high count =
        Array.init count (fun at -> low + (high - low) * float at / float (count - 1))

    /// Twenty points over the whole range, then twenty around the best.
    let private onGrid (space: DispersionSpace) prior design =
        let value at = space.Value(prior, at)
        let points = equallySpaced (log Smallest) (log (largest design)) 20
        let best = points[argmax points value]
        let step = points[1] - points[0]
        let fine = equallySpaced (best - step) (best + step) 20
        exp fine[argmax fine value]

    /// What the value at an end that stays is multiplied by: as much as the other fell, or half (Anderson and Björck 1973).
    let private shrink (value: float) (before: float) =
        let left = 1.0 - value / before
        if left > 0.0 then left else 0.5

    /// The root of the slope between two points at which it has opposite signs, to 1e-10, by regula falsi; `otherwise`
    /// where it has not.
    let private rootOf
        (slope: float -> float)
        otherwise
        (struct (low: float, atLow: float))
        (struct (high: float, atHigh: float))
        =
        let mutable low, high = low, high
        let mutable atLow, atHigh = atLow, atHigh
        let mutable steps = 0
        let mutable root = otherwise
        let mutable running = atLow > 0.0 && atHigh < 0.0
        let mutable wasLow, wasHigh = false, false

        while running do
            let between = (low * atHigh - high * atLow) / (atHigh - atLow)

            let next =
                if between > low && between < high then
                    between
                else
                    0.5 * (low + high)

            let value = slope next
            running <- abs (next - root) > 1e-10 && high - low > 1e-10 && value <> 0.0 && steps < 200
            root <- next
            steps <- steps + 1

            if value > 0.0 then
                if wasLow then
                    atHigh <- atHigh * shrink value atLow

                low <- next
                atLow <- value
            else
                if wasHigh then
                    atLow <- atLow * shrink value atHigh

                high <- next
                atHigh <- value

            wasLow <- value > 0.0
            wasHigh <- not wasLow

        root

    /// Points of the scan: in low counts the likelihood can have a second, lower maximum.
    [<Literal>]
    let private ScanPoints = 11

    let private exact (space: DispersionSpace) prior design =
        let low, high = log Smallest, log (largest design)
        let points = equallySpaced low high ScanPoints
        let best = argmax points (fun at -> space.Value(prior, at))
        let left, right = points[max 0 (best - 1)], points[min (ScanPoints - 1) (best + 1)]
        let slope at = space.Slope(prior, at)

        let found =
            if best = 0 && not (slope low > 0.0) then
                low
            elif best = ScanPoints - 1 && not (slope high < 0.0) then
                high
            else
                let at x = struct (x, slope x)
                let middle = at points[best]
                let struct (_, atMiddle) = middle

                // Where a second maximum beside it turns the slope of a neighbour, the highest point stands.
                if atMiddle = 0.0 then
                    points[best]
                elif best = 0 || atMiddle > 0.0 && right > points[best] then
                    rootOf slope points[best] middle (at right)
                else
                    rootOf slope points[best] (at left) middle

        {
            Value = exp found
            Steps = 0
            Improved = true
        }

    [<Literal>]
    let private MostSteps = 100

    /// Gradient ascent on ln α: a step of kappa times the slope is taken if it gains at least 1e-4 kappa slope² (Armijo
    /// 1966), and lets kappa grow by a tenth; otherwise kappa is halved, as it is after every fifth step taken.
    let private ascend (space: DispersionSpace) prior start =
        let mutable at = log start
        let first = space.Value(prior, at)
        let mutable value, slope = first, space.Slope(prior, at)
        let mutable kappa, taken, tried = 1.0, 0, 0
        let mutable running = true

        while running && tried < MostSteps do
            tried <- tried + 1

            if at + kappa * slope < -30.0 then
                kappa <- (-30.0 - at) / slope

            if at + kappa * slope > 10.0 then
                kappa <- (10.0 - at) / slope

            let next = at + kappa * slope
            let reached = space.Value(prior, next)

            if reached >= value + 1e-4 * kappa * slope * slope then
                taken <- taken + 1
                let gained = reached - value
                at <- next
                value <- reached
                running <- gained >= 1e-6 && at >= log (Smallest / 10.0)

                if running then
                    slope <- space.Slope(prior, at)
                    kappa <- min (kappa * 1.1) 1.0

                    if taken % 5 = 0 then
                        kappa <- kappa / 2.0
            else
                kappa <- kappa / 2.0

        {
            Value = exp at
            Steps = tried
            Improved = value >= first + abs first / 1e6
        }

    /// The maximum for one gene, from this start, between 1e-8 and the largest that is searched for.
    let internal find search (space: DispersionSpace) prior design start =
        match search with
        | DispersionSearch.Exact -> exact space prior design
        | DispersionSearch.Ascent -> ascend space prior start

    let private clamp design alpha =
        Math.Clamp(alpha, Smallest, largest design)

    /// One gene's own dispersion. Where the ascent gains nothing the start stays; where it does not end, or ends at its
    /// first step, a grid decides.
    let internal ofGene search design space start =
        let found = find search space flat design start
        let value = min (largest design) (if found.Improved then found.Value else start)

        if (found.Steps = 1 || found.Steps = MostSteps) && value > 10.0 * Smallest then
            clamp design (onGrid space flat design)
        else
            clamp design value

    /// One gene's dispersion with a prior on ln α around the trend's.
    let internal withPrior search design space trend variance start =
        let prior = struct (log trend, variance)
        let found = find search space prior design start

        if found.Steps < MostSteps then
            clamp design found.Value
        else
            clamp design (onGrid space prior design)
