namespace CoExpr

open System
open MathNet.Numerics

/// Which fold changes count as a finding.
[<RequireQualifiedAccess>]
type Alternative =
    /// |log2 fold change| above the threshold; with a threshold of 0 the usual two-sided test.
    | GreaterAbs
    /// |log2 fold change| below the threshold: that there is no relevant change.
    | LessAbs
    /// Above the threshold.
    | Greater
    /// Below minus the threshold.
    | Less

/// What a statistic is compared with.
[<RequireQualifiedAccess>]
type TestDistribution =
    | Normal
    /// Student's t with these degrees of freedom.
    | StudentT of degrees: float

/// Tails and quantiles that tests of coefficients need.
[<RequireQualifiedAccess>]
module Tail =

    /// The value that an F with these degrees of freedom stays below with this probability, by bisection.
    let fisherQuantile (numerator: float) (denominator: float) probability =
        let mutable low, high = 0.0, 1.0

        for _ in 1..200 do
            let middle = 0.5 * (low + high)

            if SpecialFunctions.BetaRegularized(0.5 * numerator, 0.5 * denominator, middle) < probability then
                low <- middle
            else
                high <- middle

        denominator * low / (numerator * (1.0 - low))

    let upper distribution z =
        match distribution with
        | TestDistribution.Normal -> NormalTail.upper z
        | TestDistribution.StudentT degrees -> StudentTail.upper degrees z

/// Tests of one coefficient or contrast: the estimate over its standard error (Wald 1943), against a threshold if there is
/// one (McCarthy and Smyth 2009; Love, Huber and Anders 2014).
[<RequireQualifiedAccess>]
module CoefficientTest =

    /// Statistic and p of an estimate and its standard error, both log2. `threshold`: 0 or more; above 0 for LessAbs.
    let wald distribution alternative threshold (estimate: float) (error: float) : struct (float * float) =
        let tail = Tail.upper distribution

        match alternative with
        | Alternative.GreaterAbs ->
            let beyond = (abs estimate - threshold) / error
            struct (float (sign estimate) * max 0.0 beyond, min 1.0 (2.0 * tail beyond))
        | Alternative.LessAbs ->
            let below, above = (threshold - estimate) / error, (threshold + estimate) / error
            struct (min (max 0.0 below) (max 0.0 above), max (tail below) (tail above))
        | Alternative.Greater ->
            let beyond = (estimate - threshold) / error
            struct (max 0.0 beyond, tail beyond)
        | Alternative.Less ->
            let beyond = (estimate + threshold) / error
            struct (min 0.0 beyond, tail -beyond)

    /// Twice the gain in log-likelihood over a reduced design, not below 0, and its p by χ² (Wilks 1938).
    let likelihoodRatio degrees full reduced : struct (float * float) =
        let statistic = max 0.0 (2.0 * (full - reduced))
        struct (statistic, ChiSquaredTail.upper degrees statistic)
