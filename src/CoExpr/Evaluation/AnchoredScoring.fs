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
            // What is no number scores as the baseline does: it must not be dropped from the mean.
            Score =
                if Double.IsNaN score then 0.0
                elif name = "lfc_nmae" then max Floor score
                else score
        }

    let private requireSame sourceA (a: (string * float) list) sourceB (b: (string * float) list) =
        let only x y =
            List.except (List.map fst y) (List.map fst x)

        match only a b, only b a with
        | [], [] -> Ok()
        | first, second ->
            let advice = "Evaluate prediction, baseline and replicate with the same profile."
            Error(CoExprError.DifferentNames("The measures", sourceA, first, sourceB, second, advice))

    /// Scores of all measures that judge; the three lists must have the same measures, and name and means stand together.
    let compute
        (source: string, prediction)
        (baselineSource: string, baseline)
        (replicateSource: string, replicate)
        : Result<AnchoredScore list, CoExprError> =
        result {
            do! requireSame source prediction baselineSource baseline
            do! requireSame source prediction replicateSource replicate

            let at (list: (string * float) list) name =
                list |> List.find (fst >> (=) name) |> snd

            return [
                for name, value in prediction do
                    match MetricRegistry.tryFind name with
                    | Some entry when entry.Best <> BestValue.Nothing ->
                        score name value (at baseline name) (at replicate name)
                    | _ -> ()
            ]
        }

    /// The plain mean; NaN of none.
    let average (scores: AnchoredScore list) =
        if scores.IsEmpty then
            nan
        else
            scores |> List.averageBy (fun score -> score.Score)
