namespace CoExpr

open System

/// Which control cells a predicted effect is measured from.
[<RequireQualifiedAccess>]
type ControlSource =
    /// The predicted ones, as cell-eval has it. A prediction can then be bent by its control.
    | Predicted
    /// The real ones, as cell-eval2 has it.
    | Real

/// Mean profiles of real and predicted perturbations over the same genes, and their controls.
type PerturbationProfiles = {
    /// Real perturbations without the control, in ordinal order.
    Perturbations: string[]
    /// The perturbations that were predicted, in ordinal order, as numbers of real ones.
    Own: int[]
    Genes: string[]
    /// Perturbations x genes.
    Real: float[]
    /// Predicted perturbations x genes, in the order of `Own`.
    Predicted: float[]
    RealControl: float[]
    PredictedControl: float[]
}

/// Effects of perturbations: a perturbation's mean profile less that of the control.
[<RequireQualifiedAccess>]
module Effects =

    let private without control (bulk: MeanProfiles) =
        let at = Array.IndexOf(bulk.Labels, control)

        let rows =
            [| 0 .. bulk.Labels.Length - 1 |] |> Array.filter (fun group -> group <> at)

        let take (row: int) =
            bulk.Means[row * bulk.Genes .. (row + 1) * bulk.Genes - 1]

        rows |> Array.map (fun row -> bulk.Labels[row]), rows |> Array.collect take, take at

    /// Puts two sides together. Both must have the control, and every predicted perturbation must be a real one: it is the
    /// caller who checks labels and says which differ (`PerturbationSides`); here it is an ArgumentException.
    let profiles control (genes: string[]) (real: MeanProfiles) (predicted: MeanProfiles) : PerturbationProfiles =
        for side in [ real; predicted ] do
            if not (Array.contains control side.Labels) then
                invalidArg (nameof control) $"there is no {control} among {side.Labels.Length} labels"

        let perturbations, means, realControl = without control real
        let predictedLabels, predictedMeans, predictedControl = without control predicted

        let own =
            predictedLabels
            |> Array.map (fun label ->
                match Array.BinarySearch(perturbations, label, StringComparer.Ordinal) with
                | at when at >= 0 -> at
                | _ -> invalidArg (nameof predicted) $"{label} is not among the real perturbations")

        {
            Perturbations = perturbations
            Own = own
            Genes = genes
            Real = means
            Predicted = predictedMeans
            RealControl = realControl
            PredictedControl = predictedControl
        }

    let private less (control: float[]) (rows: float[]) =
        let genes = control.Length
        Array.init rows.Length (fun at -> rows[at] - control[at % genes])

    /// The control that predicted effects are measured from.
    let controlOf source profiles =
        match source with
        | ControlSource.Predicted -> profiles.PredictedControl
        | ControlSource.Real -> profiles.RealControl

    /// Real effects, perturbations x genes.
    let real profiles = less profiles.RealControl profiles.Real

    /// Predicted effects, predicted perturbations x genes.
    let predicted source profiles =
        less (controlOf source profiles) profiles.Predicted
