namespace CoExpr

open System

/// Which counts are taken for outliers.
[<RequireQualifiedAccess>]
type OutlierRule =
    /// A Cook's distance above the 0.99 quantile of F(coefficients, samples − coefficients).
    | FisherQuantile
    /// A Cook's distance above this.
    | Above of float
    /// None.
    | Never

/// How much a single count moves the coefficients of its gene (Cook 1977), with a dispersion that a single count does not
/// move (Love, Huber and Anders 2014).
[<RequireQualifiedAccess>]
module CooksDistance =

    /// A robust dispersion is never below this.
    [<Literal>]
    let private SmallestDispersion = 0.04

    /// Share trimmed from each end, and what makes the trimmed mean of squared deviations unbiased for normal values, by
    /// the number of replicates: up to 3, up to 23, more.
    let private trimming replicates =
        if replicates <= 3 then struct (1.0 / 3.0, 2.04)
        elif replicates <= 23 then struct (1.0 / 4.0, 1.86)
        else struct (1.0 / 8.0, 1.51)

    let private trimmedVariance (struct (trim, scale)) (values: float[]) =
        let centre = OrderStatistics.trimmedMean trim values

        scale
        * OrderStatistics.trimmedMean trim (values |> Array.map (fun value -> (value - centre) * (value - centre)))

    /// The largest trimmed variance of a group of three or more replicates; of all samples where there is no such group.
    let private robustVariance (design: Design) (replicated: bool[]) (normalized: float[]) =
        let groups =
            Array.indexed design.GroupOf
            |> Array.filter (fun (sample, _) -> replicated[sample])
            |> Array.groupBy snd
            |> Array.map (fun (_, members) -> members |> Array.map (fun (sample, _) -> normalized[sample]))

        if groups.Length = 0 then
            trimmedVariance (struct (1.0 / 8.0, 1.51)) normalized
        else
            groups
            |> Array.map (fun values -> trimmedVariance (trimming values.Length) values)
            |> Array.max

    /// (v − m) / m² of the robust variance, 0.04 or more. `normalized`: counts over factors, one per sample.
    let robustDispersion (design: Design) (normalized: float[]) =
        let mean = Array.average normalized
        let variance = robustVariance design (design.HasReplicates 3) normalized
        max SmallestDispersion ((variance - mean) / (mean * mean))

    /// Of each sample r² / p · h / (1 − h)², r the Pearson residual, h the leverage and p the number of coefficients. NaN
    /// where the leverage is 1: a sample that fits itself.
    let distances (design: Design) dispersion (counts: float[]) (fit: GeneRegression) =
        Array.init counts.Length (fun at ->
            let mean, leverage = fit.Means[at], fit.Leverages[at]
            let deviation = counts[at] - mean
            let variance = mean + dispersion * mean * mean
            let outside = 1.0 - leverage

            deviation * deviation / variance / float design.Width * leverage
            / (outside * outside))

    /// The distance from which a count is an outlier; infinity for none, and where there are no degrees of freedom.
    let cutoff rule (design: Design) =
        let free = design.Size - design.Width

        match rule with
        | OutlierRule.FisherQuantile when free > 0 -> Tail.fisherQuantile (float design.Width) (float free) 0.99
        | OutlierRule.Above limit -> limit
        | OutlierRule.FisherQuantile
        | OutlierRule.Never -> infinity

    /// The share trimmed from each end for the mean that stands in for an outlier.
    [<Literal>]
    let private ReplacementTrim = 0.2

    /// The counts with those above the cutoff, in the samples that allow it, replaced by the trimmed mean of counts over
    /// factors, times the sample's factor, rounded down. None where nothing is replaced.
    let replaced cutoff (allowed: bool[]) (distances: float[]) (counts: float[]) (factors: float[]) =
        let isOut at = allowed[at] && distances[at] > cutoff

        if Seq.exists isOut (seq { 0 .. counts.Length - 1 }) then
            let mean =
                OrderStatistics.trimmedMean ReplacementTrim (Array.map2 (/) counts factors)

            Some(
                counts
                |> Array.mapi (fun at count -> if isOut at then floor (mean * factors[at]) else count)
            )
        else
            None
