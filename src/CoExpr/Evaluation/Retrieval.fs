namespace CoExpr

open System
open CoExpr.Kernels

/// Ranks of predictions by how near they are to a real perturbation (Wu et al. 2024, perturbench): for each real perturbation
/// the place, from 0, of its own prediction among all predictions, over their number. 0 is best, about half is chance. It is
/// discrimination with the sides exchanged; ties take the middle place, the mean of perturbench's shuffling.
[<RequireQualifiedAccess>]
module Retrieval =

    let private options = {
        Discrimination.defaults with
            Exclusion = TargetExclusion.Nothing
            Ties = TiePolicy.MidRank
    }

    let private rows genes (values: float[]) (chosen: int[]) =
        chosen |> Array.collect (fun row -> Array.sub values (row * genes) genes)

    let private isFinite genes (values: float[]) row =
        Array.forall Double.IsFinite (Array.sub values (row * genes) genes)

    /// Ranks of predictions by so many rankings of (own, real rows, predicted rows), over the number of predictions that are finite;
    /// those that are not have NaN.
    let private ranks
        rankings
        genes
        (own: int[])
        (predicted: float[])
        (real: float[])
        (rank: int[] -> float[] -> float[] -> float[][])
        =
        let finite = [| 0 .. own.Length - 1 |] |> Array.filter (isFinite genes predicted)

        let truth = finite |> Array.map (fun row -> own[row])

        let found =
            if finite.Length = 0 then
                Array.create rankings [||]
            else
                rank (Array.init finite.Length id) (rows genes real truth) (rows genes predicted finite)

        found
        |> Array.map (fun found ->
            let result = Array.create own.Length nan

            found
            |> Array.iteri (fun at value -> result[finite[at]] <- value / float finite.Length)

            result)

    /// By L1, L2 and cosine distance, all from one pass.
    let compute threads (genes: string[]) own predicted real : Map<DistanceKind, float[]> =
        let found =
            ranks 3 genes.Length own predicted real (fun places queries candidates ->
                Discrimination.compute threads options genes (Array.map string places) places queries candidates
                |> Array.map _.Ranks)

        Map [
            for kind in [ DistanceKind.L1; DistanceKind.L2; DistanceKind.Cosine ] -> kind, found[int kind]
        ]

    /// By any other distance.
    let by threads distance (genes: string[]) own predicted real =
        ranks 1 genes.Length own predicted real (fun places queries candidates ->
            let scores =
                DiscriminationBy.compute
                    threads
                    options
                    distance
                    genes
                    (Array.map string places)
                    places
                    queries
                    candidates

            [| scores.Ranks |])
        |> Array.head

    /// log2(mean + 0.1) of profiles less that of their control (perturbench's log fold changes); what is infinite is 0, what
    /// is negative NaN.
    let logFoldChanges (control: float[]) (profiles: float[]) =
        let genes = control.Length

        profiles
        |> Array.mapi (fun at value ->
            let change = Math.Log2(value + 0.1) - Math.Log2(control[at % genes] + 0.1)
            if Double.IsInfinity change then 0.0 else change)
