namespace CoExpr

open System

/// A measure of a prediction in units of the way from a baseline to a replicate of the experiment.
type AnchoredScore = {
    Name: string
    Prediction: float
    Baseline: float
    Replicate: float
    /// 0 for the baseline, 1 for the replicate; not cut, but for lfc_nmae below −6.
    Score: float
}

/// Scores of the Virtual Cell Challenge 2026 (cell-eval2): s = (u − b) / (r − b), u the prediction, b the mean response and r one
/// half of the real cells as a prediction of the other. Where 0 is best the same formula serves: both differences are negative.
[<RequireQualifiedAccess>]
module AnchoredScoring =

    /// Scores of fold changes go no lower (cell-eval2).
    [<Literal>]
    let private Floor = -6.0

    let private score name prediction baseline replicate =
        let score = (prediction - baseline) / (replicate - baseline)

        {
            Name = name
            Prediction = prediction
            Baseline = baseline
            Replicate = replicate
            // What is no number scores as the baseline does: it must not be dropped from the mean. Nor must a replicate that is
            // no better than the baseline rule it, whose way has no length.
            Score =
                if not (Double.IsFinite score) then 0.0
                elif name = "lfc_nmae" then max Floor score
                else score
        }

    /// Scores of all measures that judge. Errors: means of other measures, or over another number of perturbations.
    let compute prediction baseline replicate : Result<AnchoredScore list, CoExprError> =
        result {
            do! Scoring.requireComparable prediction baseline
            do! Scoring.requireComparable prediction replicate

            return [
                for name, value in prediction.Means do
                    match MetricRegistry.tryFind name with
                    | Some entry when entry.Best <> BestValue.Nothing ->
                        score name value (Scoring.meanOf name baseline) (Scoring.meanOf name replicate)
                    | _ -> ()
            ]
        }

    /// The plain mean; NaN of none.
    let average (scores: AnchoredScore list) =
        if scores.IsEmpty then
            nan
        else
            scores |> List.averageBy (fun score -> score.Score)
