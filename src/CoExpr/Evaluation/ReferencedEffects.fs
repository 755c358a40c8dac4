namespace CoExpr

open System

/// Measures that do not reward what all perturbations have in common (Viñas Torné et al. 2025, systema): effects measured from
/// the mean of the perturbed profiles, not from the control. All are of profiles, perturbations x genes.
[<RequireQualifiedAccess>]
module ReferencedEffects =

    let private row genes (values: float[]) at = Array.sub values (at * genes) genes

    /// The mean of the profiles of perturbations, each counting alike.
    let reference (profiles: PerturbationProfiles) =
        let genes = profiles.Genes.Length
        let mean = Array.zeroCreate<float> genes

        profiles.Real
        |> Array.iteri (fun at value -> mean[at % genes] <- mean[at % genes] + value)

        mean |> Array.map (fun sum -> sum / float profiles.Perturbations.Length)

    let private less (reference: float[]) (profile: float[]) = Array.map2 (-) profile reference

    /// The genes that a real perturbation moves farthest from the control, at most `count`; equal ones by number.
    let top count (control: float[]) (profile: float[]) =
        let genes = Array.init profile.Length id
        DeAgreement.sortStably (Array.map2 (fun value base' -> -(abs (value - base'))) profile control) genes
        Array.truncate count genes

    let private at (genes: int[]) (values: float[]) =
        genes |> Array.map (fun gene -> values[gene])

    /// Pearson's correlation of x − r with y − r, one per prediction.
    let pearsons (reference: float[]) (profiles: PerturbationProfiles) =
        let genes = profiles.Genes.Length

        profiles.Own
        |> Array.mapi (fun at truth ->
            ProfileErrors.pearson
                (less reference (row genes profiles.Predicted at))
                (less reference (row genes profiles.Real truth)))

    /// The same over the `count` genes that the real perturbation moves farthest from the control. `predictedReference` is what
    /// predictions are measured from.
    let topPearsons count (predictedReference: float[]) (reference: float[]) (profiles: PerturbationProfiles) =
        let genes = profiles.Genes.Length

        profiles.Own
        |> Array.mapi (fun place truth ->
            let real = row genes profiles.Real truth
            let chosen = top count profiles.RealControl real

            ProfileErrors.pearson
                (less predictedReference (row genes profiles.Predicted place) |> at chosen)
                (less reference real |> at chosen))

    /// Real profiles that are strictly farther from a prediction than its own, over all but its own. Euclidean; NaN where a
    /// prediction holds NaN.
    let centroidAccuracies threads (profiles: PerturbationProfiles) =
        let options = {
            Discrimination.defaults with
                Exclusion = TargetExclusion.Nothing
                Ties = TiePolicy.Pessimistic
                Denominator = RankDenominator.Others
        }

        let scores =
            Discrimination.compute
                threads
                options
                profiles.Genes
                profiles.Perturbations
                profiles.Own
                profiles.Predicted
                profiles.Real

        // All places but the last of those that tie, and those before: the strictly farther ones.
        scores[int Kernels.DistanceKind.L2].Scores

    /// The cosine of each effect with the mean of all effects: near 1 where one response is most of all of them.
    let commonDirections genes (effects: float[]) =
        let count = effects.Length / genes
        let mean = Array.zeroCreate<float> genes

        effects
        |> Array.iteri (fun at value -> mean[at % genes] <- mean[at % genes] + value / float count)

        Array.init count (fun at -> ProfileDistances.cosine (row genes effects at) mean)
