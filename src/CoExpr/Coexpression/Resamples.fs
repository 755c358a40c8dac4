namespace CoExpr

open System
open CoExpr.Kernels

/// How the cells of a resample are drawn.
[<RequireQualifiedAccess>]
type Draw =
    /// As many cells as there are, with replacement (Efron 1979).
    | Bootstrap
    /// This share of the cells, from 0 to 1, without replacement.
    | Subsample of share: float

/// Cells drawn at random. Resample i is a function of (seed, i) alone: of how many others are drawn, or when, nothing
/// depends.
[<RequireQualifiedAccess>]
module Resamples =

    let private bootstrapped = Purpose.named "bootstrap"
    let private subsampled = Purpose.named "subsample"
    let private permuted = Purpose.named "permutation"

    let private withReplacement (stream: RandomStream) cells =
        let weights = Array.zeroCreate<int> cells

        for _ in 1..cells do
            let cell = stream.Below cells
            weights[cell] <- weights[cell] + 1

        weights

    /// How many of the cells a share is, to the nearest.
    let private drawn (share: float) (cells: int) =
        if not (share >= 0.0 && share <= 1.0) then
            invalidArg (nameof share) $"{share} is not from 0 to 1"

        int (Math.Round(share * float cells, MidpointRounding.AwayFromZero))

    // The first places of a Fisher–Yates shuffle.
    let private withoutReplacement (stream: RandomStream) cells count =
        let order = Array.init cells id
        let weights = Array.zeroCreate<int> cells

        for place in 0 .. count - 1 do
            let other = place + stream.Below(cells - place)
            weights[order[other]] <- 1
            order[other] <- order[place]

        weights

    /// How often each cell comes up in resample `index`, one number per cell.
    let draw (seed: uint64) rule cells index : int[] =
        match rule with
        | Draw.Bootstrap -> withReplacement (Random.stream seed bootstrapped index) cells
        | Draw.Subsample share -> withoutReplacement (Random.stream seed subsampled index) cells (drawn share cells)

    /// A random order of the cells, π(c) for every cell c.
    let permutation (seed: uint64) cells index : int[] =
        (Random.stream seed permuted index).Permutation cells

    /// Resamples `first` to `first + count − 1` side by side.
    let weights threads seed rule cells first count : ResampleWeights =
        let resamples = new ResampleWeights(cells, count)
        Schedule.ranges threads 1 count (fun i _ -> resamples.Set(i, ReadOnlySpan(draw seed rule cells (first + i))))
        resamples

    /// Permutations 0 to `count` − 1.
    let permutations threads seed cells count : int[][] =
        let orders = Array.zeroCreate<int[]> count
        Schedule.ranges threads 1 count (fun i _ -> orders[i] <- permutation seed cells i)
        orders
