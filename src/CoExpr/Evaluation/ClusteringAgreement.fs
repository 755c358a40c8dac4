namespace CoExpr

open System

/// What tells how far two partitions agree.
[<RequireQualifiedAccess>]
type PartitionMeasure =
    /// Adjusted mutual information, by the arithmetic mean of the entropies (cell-eval).
    | AdjustedInformation
    | NormalizedInformation
    /// (Adjusted Rand index + 1) / 2.
    | AdjustedRand

/// The communities of predicted profiles at one resolution.
type PredictedClustering = {
    Resolution: float
    Communities: int[]
    Modularity: float
    Agreement: float
}

/// Communities of real profiles and of predicted ones.
type ClusteringComparison = {
    /// The best agreement of any resolution, and at least 0.
    Score: float
    /// Of the real profiles at resolution 1.
    Real: int[]
    RealModularity: float
    Predicted: PredictedClustering[]
}

/// Whether predicted perturbations fall into the same groups as the real ones (cell-eval 0.8.1): communities of the graph of
/// nearest neighbours of the mean profiles, k = min(15, P − 1) with the perturbation itself, by Euclidean distance.
[<RequireQualifiedAccess>]
module ClusteringAgreement =

    /// Neighbours of a perturbation, itself among them.
    [<Literal>]
    let private MostNeighbours = 15

    /// Perturbations that a graph needs: of two, each has no neighbour but itself.
    [<Literal>]
    let LeastPerturbations = 3

    let private resolutions = [| 0.2; 0.4; 0.6; 0.8; 1.0; 1.5; 2.0 |]

    /// The graph of profiles (perturbations x genes).
    let graph threads genes (profiles: float[]) =
        let others = min MostNeighbours (profiles.Length / genes - 1) - 1

        FuzzyGraph.neighbourhoods threads others genes profiles
        |> FuzzyGraph.ofNeighbourhoods

    let private agreement measure real predicted =
        match measure with
        | PartitionMeasure.AdjustedInformation -> PartitionAgreement.adjustedInformation real predicted
        | PartitionMeasure.NormalizedInformation -> PartitionAgreement.normalizedInformation real predicted
        | PartitionMeasure.AdjustedRand -> (PartitionAgreement.adjustedRand real predicted + 1.0) / 2.0

    let private options seed resolution = {
        Leiden.defaults with
            Resolution = resolution
            Seed = seed
    }

    let private predicted measure seed graph real resolution =
        let communities = Leiden.communities (options seed resolution) graph

        {
            Resolution = resolution
            Communities = communities
            Modularity = WeightedGraph.modularity resolution graph communities
            Agreement = agreement measure real communities
        }

    let private isDefined genes (values: float[]) =
        values.Length / genes >= LeastPerturbations
        && Array.forall Double.IsFinite values

    /// Compares the profiles of the same perturbations in the same order (perturbations x genes). None for fewer than three
    /// perturbations and where a value is not finite. Same bits for any number of threads.
    let compute threads measure seed genes (real: float[]) (prediction: float[]) : ClusteringComparison option =
        if real.Length <> prediction.Length then
            invalidArg (nameof prediction) $"{prediction.Length} values where {real.Length} were expected"

        if not (isDefined genes real && isDefined genes prediction) then
            None
        else
            let ofReal = graph threads genes real
            let truth = Leiden.communities (options seed 1.0) ofReal
            let ofPrediction = graph threads genes prediction
            let found = Array.zeroCreate<PredictedClustering> resolutions.Length

            Schedule.blocks threads found.Length ignore (fun () at ->
                found[at] <- predicted measure seed ofPrediction truth resolutions[at])

            Some {
                Score = found |> Array.fold (fun best one -> max best one.Agreement) 0.0
                Real = truth
                RealModularity = WeightedGraph.modularity 1.0 ofReal truth
                Predicted = found
            }
