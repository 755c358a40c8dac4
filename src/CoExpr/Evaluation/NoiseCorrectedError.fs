namespace CoExpr

open System

/// The error of predicted profiles less what is sampling noise, over the size of the real effects less theirs: cell-eval2's
/// expr_mse_unbiased_capped_norm.
///
///     Σ N / Σ D  over perturbations, within 0 and 1,
///     N = (|b̂ − b|² − ρ min(Ĉ, C) − C) / G,   D = (|b − b₀|² − C − C₀) / G,
///
/// b̂ the predicted profile, b the real one, b₀ the real control's, C their variances summed over the genes that count, and
/// ρ = min(1, Σ |b̂ − mean b̂|² / Σ min(Ĉ, C)): a submission may claim noise of its own only as far as its profiles differ.
type NoiseCorrected = {
    /// 1, the worst value, where it is not defined.
    Value: float
    /// Whether the real effects together are larger than their noise.
    IsDefined: bool
    /// Perturbations that take part.
    Perturbations: int
    /// Those of them whose own effect is no larger than its noise.
    WithinNoise: int
}

[<RequireQualifiedAccess>]
module NoiseCorrectedError =

    /// What one perturbation brings.
    type private Terms = {
        Error: float
        Spread: float
        Shared: float
        Noise: float
        Effect: float
        Genes: float
    }

    let private over (kept: bool[]) (term: int -> float) =
        let mutable sum = 0.0

        for gene in 0 .. kept.Length - 1 do
            if kept[gene] then
                sum <- sum + term gene

        sum

    let private squared (value: float) = value * value

    /// A prediction of one cell has no variance to claim.
    let private claimed own noise =
        if Double.IsNaN noise then 0.0 else min own noise

    let private terms kept (predicted: float[], predictedNoise: float[]) (real: float[], noise: float[]) control mean =
        let (controlProfile: float[]), (controlNoise: float[]) = control
        let ownNoise = over kept (fun gene -> noise[gene])

        {
            Error = over kept (fun gene -> squared (predicted[gene] - real[gene]))
            Spread = over kept (fun gene -> squared (predicted[gene] - (mean: float[])[gene]))
            Shared = over kept (fun gene -> predictedNoise[gene]) |> claimed ownNoise
            Noise = ownNoise
            Effect =
                over kept (fun gene -> squared (real[gene] - controlProfile[gene]) - controlNoise[gene])
                - ownNoise
            Genes = over kept (fun _ -> 1.0)
        }

    let private meanOf genes (rows: float[][]) =
        Array.init genes (fun gene -> rows |> Array.averageBy (fun row -> row[gene]))

    let private ratio (all: Terms[]) =
        let shared = all |> Array.sumBy (fun one -> one.Shared)

        let rho =
            if shared > 0.0 then
                min 1.0 (Array.sumBy (fun one -> one.Spread) all / shared)
            else
                1.0

        let error =
            all
            |> Array.sumBy (fun one -> (one.Error - rho * one.Shared - one.Noise) / one.Genes)

        let effect = all |> Array.sumBy (fun one -> one.Effect / one.Genes)

        {
            // A prediction that is no number, and effects within their noise: the worst value, so that nothing is gained by them.
            Value =
                if effect > 0.0 && Double.IsFinite error then
                    Math.Clamp(error / effect, 0.0, 1.0)
                else
                    1.0
            IsDefined = effect > 0.0
            Perturbations = all.Length
            WithinNoise = all |> Array.filter (fun one -> not (one.Effect > 0.0)) |> Array.length
        }

    /// The error of the predicted groups but the control, each against the real group of its label; genes of `leftOut` (by
    /// prediction, in their order) do not count. Real groups of one cell have no variance and are left out; a predicted one
    /// claims no noise, so that nothing is gained by predicting one cell. Not defined where no group is left.
    let compute control (leftOut: int[][]) (predicted: Comparators) (real: Comparators) =
        let part side label =
            let group = Comparators.indexOf side label
            Comparators.row side side.Profiles group, Comparators.row side side.Variances group

        let labels = predicted.Labels |> Array.filter ((<>) control)
        let sides = labels |> Array.map (fun label -> part predicted label, part real label)
        let mean = meanOf real.Genes (sides |> Array.map (fst >> fst))

        let found =
            sides
            |> Array.mapi (fun at (ofPrediction, truth) ->
                let kept = Array.create real.Genes true

                for gene in leftOut[at] do
                    kept[gene] <- false

                terms kept ofPrediction truth (part real control) mean)
            |> Array.filter (fun one -> not (Double.IsNaN one.Effect))

        ratio found
