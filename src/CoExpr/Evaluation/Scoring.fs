namespace CoExpr

open System

/// A measure of a prediction in units of the way from a baseline to perfection.
type ScoredMetric = {
    Name: string
    Prediction: float
    Baseline: float
    /// 0 for the baseline, 1 for perfection; below 0 is cut to 0.
    Score: float
    /// The same without the cut.
    Uncut: float
}

/// A prediction's means over perturbations against those of a baseline, as the Virtual Cell Challenge 2025 scores them: where
/// 0 is best s = 1 − u / b, where 1 is best s = (u − b) / (1 − b). NaN scores 0, and so does what is worse than the baseline:
/// that cut lets a prediction give up a measure, so the uncut score stands beside.
[<RequireQualifiedAccess>]
module Scoring =

    let private uncut best prediction baseline =
        match best with
        | BestValue.Zero -> 1.0 - prediction / baseline
        | _ -> (prediction - baseline) / (1.0 - baseline)

    let private scoreOf best (name, prediction, baseline) =
        let uncut = uncut best prediction baseline

        {
            Name = name
            Prediction = prediction
            Baseline = baseline
            Score = if Double.IsNaN uncut then 0.0 else max 0.0 uncut
            Uncut = uncut
        }

    let private requireSame first (prediction: (string * float) list) second (baseline: (string * float) list) =
        let names = List.map fst
        let only a b = List.except (names b) (names a)

        match only prediction baseline, only baseline prediction with
        | [], [] -> Ok()
        | onlyFirst, onlySecond ->
            let advice = "Evaluate both with the same profile."
            Error(CoExprError.DifferentNames("The measures", first, onlyFirst, second, onlySecond, advice))

    /// Scores of the measures that judge: those of which 0 is best first, then those of which 1 is. `first` and `second` name
    /// the two sources; both must have the same measures.
    let compute first prediction second baseline : Result<ScoredMetric list, CoExprError> =
        requireSame first prediction second baseline
        |> Result.map (fun () ->
            let ofBest best = [
                for name, value in prediction do
                    match MetricRegistry.tryFind name with
                    | Some entry when entry.Best = best ->
                        scoreOf best (name, value, baseline |> List.find (fun (other, _) -> other = name) |> snd)
                    | _ -> ()
            ]

            ofBest BestValue.Zero @ ofBest BestValue.One)

    /// The plain mean of the scores, the Challenge's avg_score; NaN of none.
    let average (scores: ScoredMetric list) =
        if scores.IsEmpty then
            nan
        else
            scores |> List.averageBy (fun score -> score.Score)
