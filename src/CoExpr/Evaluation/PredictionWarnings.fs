namespace CoExpr

open System

/// Signs that a prediction holds less than its scores may suggest. Each is a sentence for a person; none changes a score.
[<RequireQualifiedAccess>]
module PredictionWarnings =

    /// Effects that point so nearly one way are one effect.
    [<Literal>]
    let private SameDirection = 0.999

    /// Effects so much larger or smaller than the real ones are no longer a matter of noise.
    [<Literal>]
    let private FarInSize = 3.0

    /// Lengths of effects; not finite where a value is not.
    let private norms genes (effects: float[]) =
        Array.init (effects.Length / genes) (fun row ->
            let mutable sum = 0.0

            for at in row * genes .. (row + 1) * genes - 1 do
                sum <- sum + effects[at] * effects[at]

            sqrt sum)

    let private missing (norms: float[]) =
        match norms |> Array.filter (Double.IsFinite >> not) |> Array.length with
        | 0 -> []
        | count -> [
            $"{count} of {norms.Length} predictions hold NaN or infinity: their measures are NaN, and so is the mean of each over perturbations."
          ]

    let private zero (norms: float[]) =
        match norms |> Array.filter ((=) 0.0) |> Array.length with
        | 0 -> []
        | count -> [
            $"{count} of {norms.Length} predicted effects are 0, as where the control was pasted: correlations with them are undefined, and all cosine distances from them are 1, so that ties alone decide their rank."
          ]

    /// Whether all effects that are not 0 point one way: the length of the mean of their directions.
    let private alike genes (effects: float[]) (norms: float[]) =
        let directions =
            [| 0 .. norms.Length - 1 |]
            |> Array.filter (fun row -> Double.IsFinite norms[row] && norms[row] > 0.0)

        let sum = Array.zeroCreate<float> genes

        for row in directions do
            for gene in 0 .. genes - 1 do
                sum[gene] <- sum[gene] + effects[row * genes + gene] / norms[row]

        let length =
            sqrt (Array.sumBy (fun value -> value * value) sum) / float directions.Length

        if directions.Length >= 2 && length >= SameDirection then
            [
                $"All {directions.Length} predicted effects point the same way: the prediction is one response for every perturbation, and does not tell them apart."
            ]
        else
            []

    let private middle (ratios: float[]) =
        ratios |> Array.filter Double.IsFinite |> OrderStatistics.median

    let private written (ratio: float) =
        ratio.ToString("G3", Globalization.CultureInfo.InvariantCulture)

    let private size (norms: float[]) (real: float[]) (own: int[]) =
        let ratio = Array.map2 (fun norm truth -> norm / real[truth]) norms own |> middle

        let say (word: string) = [
            $"Predicted effects are {word} than the real ones, {written ratio} times their length in the middle case."
        ]

        if ratio > FarInSize then
            say "far larger"
        elif ratio > 0.0 && ratio < 1.0 / FarInSize then
            say "far smaller"
        else
            []

    /// Whether ranks are what drawing lots gives: the mean of n uniform ranks has standard deviation 1 / √(12 n).
    let private chance (scores: DiscriminationScores[]) real = [
        for distance in scores do
            let places =
                distance.Ranks
                |> Array.filter Double.IsFinite
                |> Array.map (fun rank -> rank / float (real - 1))

            if
                places.Length >= 10
                && Array.average places > 0.5 - 3.0 / sqrt (12.0 * float places.Length)
            then
                $"By {distance.Kind} distance the predictions do not find their own perturbation more often than chance."
    ]

    let private ties (scores: DiscriminationScores[]) = [
        for distance in scores do
            match distance.Counts.Equal |> Array.filter (fun equal -> equal > 1) |> Array.length with
            | 0 -> ()
            | count ->
                $"By {distance.Kind} distance {count} of {distance.Ranks.Length} predictions are as far from another perturbation as from their own: the tie policy decides their rank."
    ]

    /// What is to be said of how far cells of predictions scatter about their mean, over how far real ones do. Tests of
    /// differential expression and E-distances go by that scatter; means do not show it.
    let ofSpread (ratios: float[]) =
        let ratio = middle ratios

        if ratio > FarInSize then
            [
                $"Cells of a prediction scatter far more than real ones, with {written ratio} times their variance in the middle case: scores of the means do not show it."
            ]
        elif ratio < 1.0 / FarInSize then
            // Rounding leaves a little of the variance of equal cells.
            let share = if ratio < 1e-6 then "none of" else $"{written ratio} times"

            [
                $"Cells of a prediction are far more alike than real ones, with {share} their variance in the middle case: tests between them find too much."
            ]
        else
            []

    /// What is to be said of the numbers of significant genes.
    let ofCounts (comparisons: DeComparison[]) =
        let real = comparisons |> Array.sumBy (fun one -> int64 one.RealSignificant)

        let predicted =
            comparisons |> Array.sumBy (fun one -> int64 one.PredictedSignificant)

        if comparisons.Length > 0 && predicted = 0L && real > 0L then
            [
                $"No gene is significant in any prediction, where {real} are in the real cells."
            ]
        elif float predicted > FarInSize * float real then
            [
                $"{predicted} genes are significant in the predictions, where {real} are in the real cells: recall is easily had so, precision is not."
            ]
        elif FarInSize * float predicted < float real then
            [
                $"{predicted} genes are significant in the predictions, where {real} are in the real cells."
            ]
        else
            []

    /// An area that says that genes which change are told well from the others.
    [<Literal>]
    let private GoodArea = 0.7

    /// What is to be said of the signs of changes: areas and overlaps go by how sure a change is, not by where to.
    let ofDirections (comparisons: DeComparison[]) =
        let mean pick =
            match comparisons |> Array.choose pick |> Array.filter (Double.IsNaN >> not) with
            | [||] -> nan
            | values -> Array.average values

        let direction, area =
            mean (fun one -> one.Direction), mean (fun one -> Some one.Receiver)

        if direction < 0.5 && area >= GoodArea then
            [
                $"Predictions tell genes that change from the others (roc_auc {written area}), but have the right sign for {written direction} of them, no more than by chance (de_direction_match): effects may be turned round, which areas and overlaps do not show."
            ]
        else
            []

    /// What is to be said of predicted effects (predicted perturbations x genes) beside the real ones, and of their ranks.
    let find genes (own: int[]) (predicted: float[]) (real: float[]) (scores: DiscriminationScores[]) =
        let ofPredicted, ofReal = norms genes predicted, norms genes real

        missing ofPredicted
        @ zero ofPredicted
        @ alike genes predicted ofPredicted
        @ size ofPredicted ofReal own
        @ ties scores
        @ chance scores ofReal.Length
