namespace CoExpr

open System

/// The means of an evaluation, as an agg_results.csv has them.
type EvaluationMeans = {
    Source: string
    /// Perturbations that were evaluated, if that is told.
    Perturbations: int64 option
    /// By name of measure.
    Means: (string * float) list
}

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

    let private requireSameMeasures prediction baseline =
        let names (means: EvaluationMeans) = means.Means |> List.map fst

        let only a b = names a |> List.except (names b)

        match only prediction baseline, only baseline prediction with
        | [], [] -> Ok()
        | onlyFirst, onlySecond ->
            let advice = "Evaluate both with the same profile."
            let first, second = prediction.Source, baseline.Source
            Error(CoExprError.DifferentNames("The measures", first, onlyFirst, second, onlySecond, advice))

    let private requireSamePerturbations prediction baseline =
        match prediction.Perturbations, baseline.Perturbations with
        | Some own, Some others when own <> others ->
            let what =
                $"The perturbations of {prediction.Source}, to be scored over those of {baseline.Source}"

            Error(CoExprError.UnequalLengths(what, others, own))
        | _ -> Ok()

    /// Refuses means of other measures, or over another number of perturbations.
    let internal requireComparable prediction baseline =
        requireSameMeasures prediction baseline
        |> Result.bind (fun () -> requireSamePerturbations prediction baseline)

    /// The mean of a measure that is there.
    let internal meanOf name (means: EvaluationMeans) =
        means.Means |> List.find (fst >> (=) name) |> snd

    /// Scores of the measures that judge: those of which 0 is best first, then those of which 1 is. Errors: other measures,
    /// another number of perturbations.
    let compute prediction baseline : Result<ScoredMetric list, CoExprError> =
        let ofBest best = [
            for name, value in prediction.Means do
                match MetricRegistry.tryFind name with
                | Some entry when entry.Best = best -> scoreOf best (name, value, meanOf name baseline)
                | _ -> ()
        ]

        result {
            do! requireComparable prediction baseline
            return ofBest BestValue.Zero @ ofBest BestValue.One
        }

    /// What is to be said of a score that stands for no number; None where it is one.
    let warning (score: ScoredMetric) =
        let told why =
            Some $"{score.Name}: {why}, so the score counts as 0."

        match Double.IsNaN score.Prediction, Double.IsNaN score.Baseline with
        | true, true -> told "both means are NaN"
        | true, false -> told "the prediction's mean is NaN"
        | false, true -> told "the baseline's mean is NaN"
        | false, false when Double.IsNaN score.Uncut -> told "the baseline is perfect, and so is the prediction"
        | false, false -> None

    /// The plain mean of the scores, the Challenge's avg_score; NaN of none.
    let average (scores: ScoredMetric list) =
        if scores.IsEmpty then
            nan
        else
            scores |> List.averageBy (fun score -> score.Score)
