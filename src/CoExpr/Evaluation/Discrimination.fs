namespace CoExpr

open System
open System.Collections.Generic
open CoExpr.Kernels

/// The place of a perturbation among real ones that are as far from a prediction.
[<RequireQualifiedAccess>]
type TiePolicy =
    /// By number, as a stable sort puts it.
    | Stable
    /// The mean of the places.
    | MidRank
    /// The first place.
    | Optimistic
    /// The last place.
    | Pessimistic
    /// Where NumPy's unstable sort puts it, as cell-eval has it (`IntroSort`).
    | NumPyLegacy

/// Genes that distances do not count: a prediction is not to be told by the gene that was perturbed.
[<RequireQualifiedAccess>]
type TargetExclusion =
    /// A prediction's distances leave out the gene that it perturbs (cell-eval).
    | Row
    /// All distances leave out the genes that any perturbation perturbs (cell-eval2).
    | Panel
    | Nothing

/// What a rank is divided by.
[<RequireQualifiedAccess>]
type RankDenominator =
    /// The number of real perturbations: the best score is 1, the worst 1/P.
    | All
    /// One less: the worst score is 0.
    | Others

type DiscriminationOptions = {
    Ties: TiePolicy
    Exclusion: TargetExclusion
    Denominator: RankDenominator
    /// The gene that a perturbation targets, where it is not called as the perturbation.
    TargetOf: Map<string, string>
}

/// How well predictions single out their own perturbation by one distance.
type DiscriminationScores = {
    Kind: DistanceKind
    Counts: DistanceCounts
    /// From 0, one per prediction; NaN where a prediction has no distances.
    Ranks: float[]
    /// 1 − rank / P, or / (P − 1).
    Scores: float[]
}

/// The same by a distance that goes by its name.
type NamedScores = {
    Name: string
    Counts: DistanceCounts
    Ranks: float[]
    Scores: float[]
}

/// Discrimination of perturbations: the rank of a prediction's own real effect among all real effects, by distance from the
/// prediction (Wu et al. 2024, cell-eval's discrimination score).
[<RequireQualifiedAccess>]
module Discrimination =

    let defaults = {
        Ties = TiePolicy.Stable
        Exclusion = TargetExclusion.Row
        Denominator = RankDenominator.All
        TargetOf = Map.empty
    }

    /// The columns of the gene that each perturbation targets: none if the gene was not measured, several if it stands at
    /// several places.
    let targets options (genes: string[]) (perturbations: string[]) : int[][] =
        let columns = Dictionary<string, ResizeArray<int>>()

        genes
        |> Array.iteri (fun at gene ->
            if not (columns.ContainsKey gene) then
                columns[gene] <- ResizeArray()

            columns[gene].Add at)

        perturbations
        |> Array.map (fun name ->
            let gene = options.TargetOf |> Map.tryFind name |> Option.defaultValue name

            match columns.TryGetValue gene with
            | true, found -> found.ToArray()
            | _ -> [||])

    /// What of the given targets is of no use here: a word that is misspelt would leave its target in.
    let targetNotes options (genes: string[]) (perturbations: string[]) : string list =
        let unknown (known: string[]) what (names: seq<string>) =
            match Seq.distinct names |> Seq.except known |> Seq.toArray with
            | [||] -> []
            | others ->
                let named =
                    String.Join(", ", Array.truncate 5 others)
                    + (if others.Length > 5 then ", ..." else "")

                [ $"{others.Length} of the targets given {what}: {named}." ]

        unknown perturbations "are for no perturbation that is here" options.TargetOf.Keys
        @ unknown genes "are no gene that is here, so that nothing is left out for them" options.TargetOf.Values

    /// The genes that no distance counts, and of each prediction the further ones that its own do not.
    let leftOut options genes (perturbations: string[]) (own: int[]) : struct (int[] * int[][]) =
        let targets = targets options genes perturbations
        let nothing: int[] = [||]

        match options.Exclusion with
        | TargetExclusion.Row -> nothing, own |> Array.map (fun truth -> targets[truth])
        | TargetExclusion.Panel -> Array.concat targets |> Array.distinct, own |> Array.map (fun _ -> nothing)
        | TargetExclusion.Nothing -> nothing, own |> Array.map (fun _ -> nothing)

    let private task options (genes: string[]) perturbations (own: int[]) (predicted: float[]) (real: float[]) =
        let struct (everywhere, byRow) = leftOut options genes perturbations own
        DistanceRankTask(predicted, real, genes.Length, own, everywhere, byRow, Simd.Current())

    /// Counts of closer and equal real effects by number of distance: L1, L2, cosine, all from one pass over the data.
    let private count threads (task: DistanceRankTask) =
        let counts =
            Array.init (Enum.GetValues<DistanceKind>().Length) (fun _ -> DistanceCounts task.PredictedRows)

        let most = DistanceRankWorker.RowsAtOnce
        // As many blocks as threads can share evenly, where there are few predictions.
        let size = max 1 (min most ((task.PredictedRows + threads - 1) / threads))
        let blocks = (task.PredictedRows + size - 1) / size
        let workers = Collections.Concurrent.ConcurrentBag<DistanceRankWorker>()

        let create () =
            let worker = new DistanceRankWorker(task)
            workers.Add worker
            worker

        try
            Schedule.blocks threads blocks create (fun worker block ->
                worker.Count(block * size, min task.PredictedRows ((block + 1) * size), counts))
        finally
            for worker in workers do
                worker.Dispose()

        counts

    /// The place of the own effect in the order that NumPy's sort gives to all distances.
    let private legacyRank (task: DistanceRankTask) kind row own =
        let distances = Array.zeroCreate<float> task.RealRows
        task.Distances(kind, row, Span distances)
        Array.IndexOf(IntroSort.order distances, own)

    /// The rank that a policy gives to the counts of a prediction; `legacy` is asked where NumPy's sort decides. NaN where a
    /// prediction has no distances.
    let place policy (counts: DistanceCounts) row (legacy: unit -> int) =
        let closer, equal = float counts.Closer[row], counts.Equal[row]

        if equal = 0 then
            nan
        else
            match policy with
            | TiePolicy.Stable -> closer + float counts.EqualBefore[row]
            | TiePolicy.MidRank -> closer + float (equal - 1) / 2.0
            | TiePolicy.Optimistic -> closer
            | TiePolicy.Pessimistic -> closer + float (equal - 1)
            | TiePolicy.NumPyLegacy when equal = 1 -> closer
            | TiePolicy.NumPyLegacy -> float (legacy ())

    /// 1 − rank / P or 1 − rank / (P − 1); a single perturbation leaves nothing to be told from, and P − 1 gives NaN.
    let score denominator perturbations rank =
        match denominator with
        | RankDenominator.All -> 1.0 - rank / float perturbations
        | RankDenominator.Others -> 1.0 - rank / float (perturbations - 1)

    /// Scores of predicted effects (predicted perturbations x genes) against all real effects (perturbations x genes), by
    /// L1, L2 and cosine distance. `own` is the real perturbation of each prediction. The real effects must be finite; a
    /// prediction that is not has rank and score NaN. No matrix of distances is made: memory beside the effects is a few
    /// megabytes per thread. Same bits for any number of threads and any instruction set.
    let compute
        threads
        options
        (genes: string[])
        (perturbations: string[])
        own
        predicted
        real
        : DiscriminationScores[] =
        let task = task options genes perturbations own predicted real

        count threads task
        |> Array.mapi (fun number counts ->
            let kind = enum<DistanceKind> number

            let ranks =
                Array.init own.Length (fun row ->
                    place options.Ties counts row (fun () -> legacyRank task kind row own[row]))

            {
                Kind = kind
                Counts = counts
                Ranks = ranks
                Scores = ranks |> Array.map (score options.Denominator task.RealRows)
            })
