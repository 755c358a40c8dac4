namespace CoExpr

open System
open System.Collections.Generic
open CoExpr.Kernels

/// The nearest other rows of each row of a matrix.
type Neighbourhoods = {
    /// Neighbours of a row.
    Count: int
    /// Rows x neighbours: numbers of rows, nearest first, those as far by number.
    Nearest: int[]
    Distances: float[]
}

/// The graph of nearest neighbours whose weights say how sure a neighbour is one: UMAP's fuzzy simplicial set (McInnes, Healy
/// & Melville 2018). With ρ the distance of the nearest row that is not at the same place, and k the number of neighbours with
/// the row itself, σ solves
///
///     Σ over the others of  exp(−max(0, d − ρ) / σ) = log2 k,
///
/// each term is the row's weight a of that neighbour, and an edge has a + b − ab of the weights of both its ends.
[<RequireQualifiedAccess>]
module FuzzyGraph =

    /// Steps of the search for σ, and how near to log2 k it must come (UMAP's).
    [<Literal>]
    let private Steps = 64

    [<Literal>]
    let private Tolerance = 1e-5

    /// σ is at least this share of the mean distance (UMAP's).
    [<Literal>]
    let private LeastShare = 1e-3

    /// The `count` nearest other rows of every row, by Euclidean distance, exactly. The values must be finite. Same bits for
    /// any number of threads and any instruction set.
    let neighbourhoods threads count genes (rows: float[]) : Neighbourhoods =
        let task = NearestRowsTask(rows, genes, count, Simd.Current())
        let places = task.Rows * count

        let nearest, distances =
            Array.zeroCreate<int> places, Array.zeroCreate<float> places
        // As many blocks as threads can share evenly, where there are few rows.
        let size =
            max 1 (min NearestRowsWorker.RowsAtOnce ((task.Rows + threads - 1) / threads))

        let workers = Collections.Concurrent.ConcurrentBag<NearestRowsWorker>()

        let create () =
            let worker = new NearestRowsWorker(task)
            workers.Add worker
            worker

        try
            Schedule.blocks threads ((task.Rows + size - 1) / size) create (fun worker block ->
                let first, next = block * size, min task.Rows ((block + 1) * size)
                let start, length = first * count, (next - first) * count
                worker.Find(first, next, nearest.AsSpan(start, length), distances.AsSpan(start, length)))
        finally
            for worker in workers do
                worker.Dispose()

        {
            Count = count
            Nearest = nearest
            Distances = distances
        }

    let private weight rho sigma distance =
        if distance <= rho || sigma = 0.0 then
            1.0
        else
            exp (-(distance - rho) / sigma)

    /// Halving between bounds, doubling while there is no upper one.
    let private solve rho (distances: ReadOnlyMemory<float>) =
        let wanted = Math.Log2(float (distances.Length + 1))
        let mutable low, high, sigma, step, found = 0.0, infinity, 1.0, 0, false

        while not found && step < Steps do
            let mutable sum = 0.0

            for distance in distances.Span do
                sum <- sum + weight rho sigma distance

            if abs (sum - wanted) < Tolerance then
                found <- true
            elif sum > wanted then
                high <- sigma
                sigma <- (low + high) / 2.0
            else
                low <- sigma

                sigma <-
                    if Double.IsPositiveInfinity high then
                        2.0 * sigma
                    else
                        (low + high) / 2.0

            step <- step + 1

        sigma

    let private total (distances: ReadOnlyMemory<float>) =
        let mutable sum = 0.0

        for distance in distances.Span do
            sum <- sum + distance

        sum

    /// ρ and σ of one row. Means are over the neighbours and the row itself.
    let private scale count meanOfAll (distances: ReadOnlyMemory<float>) =
        let rho =
            match distances.ToArray() |> Array.tryFind (fun distance -> distance > 0.0) with
            | Some distance -> distance
            | None -> 0.0

        let mean =
            if rho > 0.0 then
                total distances / float (count + 1)
            else
                meanOfAll

        struct (rho, max (solve rho distances) (LeastShare * mean))

    /// The graph of neighbourhoods.
    let ofNeighbourhoods (near: Neighbourhoods) : WeightedGraph =
        let rows, count = near.Nearest.Length / near.Count, near.Count
        let meanOfAll = total (ReadOnlyMemory near.Distances) / float (rows * (count + 1))
        let weights = Dictionary<struct (int * int), float>()

        for row in 0 .. rows - 1 do
            let distances = ReadOnlyMemory(near.Distances, row * count, count)
            let struct (rho, sigma) = scale count meanOfAll distances

            for at in row * count .. (row + 1) * count - 1 do
                let other = near.Nearest[at]
                let edge = struct (min row other, max row other)
                let own = weight rho sigma near.Distances[at]

                weights[edge] <-
                    match weights.TryGetValue edge with
                    | true, theirs -> theirs + own - theirs * own
                    | _ -> own

        WeightedGraph.ofEdges
            rows
            (weights
             |> Seq.map (fun (KeyValue(struct (a, b), weight)) -> struct (a, b, weight)))
