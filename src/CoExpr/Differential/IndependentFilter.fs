namespace CoExpr

open System

/// A threshold on the mean count below which genes are not tested.
type FilterChoice = {
    /// Genes with a lower mean of counts over factors have no adjusted p.
    Threshold: float
    /// The share of genes below it.
    Share: float
    /// Findings at the false discovery rate that was asked for.
    Rejections: int
}

/// Leaving genes out that have no chance, by a statistic that is independent of the test under the null hypothesis (Bourgon,
/// Gentleman and Huber 2010): of 50 thresholds, the lowest that gives about as many findings as any.
[<RequireQualifiedAccess>]
module IndependentFilter =

    [<Literal>]
    let private Thresholds = 50

    /// Benjamini and Hochberg's adjustment of the p that are not NaN and pass; NaN for the others.
    let adjust (pass: bool[]) (pValues: float[]) : float[] =
        let tested =
            [| 0 .. pValues.Length - 1 |]
            |> Array.filter (fun at -> pass[at] && not (Double.IsNaN pValues[at]))

        let adjusted = Array.create pValues.Length nan
        let found = BenjaminiHochberg.adjust (tested |> Array.map (fun at -> pValues[at]))
        tested |> Array.iteri (fun i at -> adjusted[at] <- found[i])
        adjusted

    let private passing threshold (means: float[]) =
        means |> Array.map (fun mean -> mean >= threshold)

    let private rejections alpha (adjusted: float[]) =
        adjusted |> Array.sumBy (fun q -> if q < alpha then 1 else 0)

    /// The first threshold with more findings than the smoothed maximum less the spread of the numbers around it.
    let private firstGood (shares: float[]) (found: int[]) =
        if Array.max found <= 10 then
            0
        else
            let numbers = found |> Array.map float
            let smooth = LocalRegression.lowess 0.2 shares numbers

            let squares =
                Array.zip numbers smooth
                |> Array.filter (fun (number, _) -> number > 0.0)
                |> Array.map (fun (number, fit) -> (number - fit) * (number - fit))

            let enough = Array.max smooth - sqrt (Array.average squares)

            numbers
            |> Array.tryFindIndex (fun number -> number > enough)
            |> Option.defaultValue 0

    /// Adjusted p, and the threshold that was chosen. `means`: one per gene; `alpha`: the false discovery rate at which
    /// findings are counted. NaN for genes below the threshold and for those whose p is NaN.
    let choose alpha (means: float[]) (pValues: float[]) : float[] * FilterChoice =
        let sorted = Array.sort means

        let lowest =
            float (means |> Array.sumBy (fun mean -> if mean = 0.0 then 1 else 0))
            / float means.Length

        let highest = if lowest < 0.95 then 0.95 else 1.0

        let shares =
            Array.init Thresholds (fun at -> lowest + (highest - lowest) * float at / float (Thresholds - 1))

        let thresholds =
            shares |> Array.map (fun share -> OrderStatistics.quantileOfSorted share sorted)

        let adjusted =
            thresholds
            |> Array.map (fun threshold -> adjust (passing threshold means) pValues)

        let found = adjusted |> Array.map (rejections alpha)
        let best = firstGood shares found

        adjusted[best],
        {
            Threshold = thresholds[best]
            Share = shares[best]
            Rejections = found[best]
        }
