namespace CoExpr

open System
open CoExpr.Kernels

/// Euclidean distances between all cells of two populations, and within each: one matrix serves several measures.
type CellPairs = {
    /// First x second.
    Between: float[]
    /// First x first, and second x second.
    WithinFirst: float[]
    WithinSecond: float[]
    /// |x|² of the cells of each.
    FirstSquares: float[]
    SecondSquares: float[]
}

/// Distances between two populations of cells by all pairs of cells (Székely & Rizzo 2013; Gretton et al. 2012).
[<RequireQualifiedAccess>]
module CellDistances =

    let private distances (first: PerturbedPopulation) (second: PerturbedPopulation) =
        Array.init (first.Cells * second.Cells) (fun at ->
            let x = PerturbedPopulation.cell first (at / second.Cells)
            RowDistance.Of(DistanceKind.L2, x, PerturbedPopulation.cell second (at % second.Cells), Simd.Current()))

    let private squares (population: PerturbedPopulation) =
        Array.init population.Cells (fun cell ->
            let mutable sum = 0.0

            for value in PerturbedPopulation.cell population cell do
                sum <- sum + value * value

            sum)

    let pairs (first: PerturbedPopulation) (second: PerturbedPopulation) : CellPairs = {
        Between = distances first second
        WithinFirst = distances first first
        WithinSecond = distances second second
        FirstSquares = squares first
        SecondSquares = squares second
    }

    let private mean (values: float[]) = Array.sum values / float values.Length

    /// Over pairs of different cells: a cell and itself are no pair.
    let private meanOfOthers (cells: int) (values: float[]) =
        Array.sum values / (float cells * float (cells - 1))

    /// 2 mean |x − y| − mean |x − x'| − mean |y − y'|, the means within over pairs of different cells (pertpy's E-distance, the
    /// U-statistic): 0 on average for two draws of one population, and below 0 at times. NaN for a population of one cell.
    let energy (pairs: CellPairs) =
        2.0 * mean pairs.Between
        - meanOfOthers pairs.FirstSquares.Length pairs.WithinFirst
        - meanOfOthers pairs.SecondSquares.Length pairs.WithinSecond

    /// mean |x − y|.
    let meanPairwise (pairs: CellPairs) = mean pairs.Between

    /// mean k(x, x') + mean k(y, y') − 2 mean k(x, y), each over all pairs; k of the squared distance and both squared norms.
    let private discrepancy (kernel: float -> float -> float -> float) (pairs: CellPairs) =
        let average (distances: float[]) (rows: float[]) (columns: float[]) =
            let mutable sum = 0.0

            for at in 0 .. distances.Length - 1 do
                let square = distances[at] * distances[at]
                sum <- sum + kernel square rows[at / columns.Length] columns[at % columns.Length]

            sum / float distances.Length

        average pairs.WithinFirst pairs.FirstSquares pairs.FirstSquares
        + average pairs.WithinSecond pairs.SecondSquares pairs.SecondSquares
        - 2.0 * average pairs.Between pairs.FirstSquares pairs.SecondSquares

    let private product square x y = (x + y - square) / 2.0

    /// Maximum mean discrepancy with the kernel x·y: the squared distance of the means.
    let linearDiscrepancy pairs = discrepancy product pairs

    /// With the kernel exp(−γ |x − y|²).
    let gaussianDiscrepancy gamma pairs =
        discrepancy (fun square _ _ -> exp (-gamma * square)) pairs

    /// With the kernel (x·y)².
    let quadraticDiscrepancy pairs =
        discrepancy
            (fun square x y ->
                let dot = product square x y
                dot * dot)
            pairs
