namespace CoExpr

open System

/// Distances between two populations of cells that look at one gene at a time, averaged over genes (pertpy's, Heumos et al.
/// 2025).
[<RequireQualifiedAccess>]
module GeneDistances =

    /// What keeps a gene without spread from an infinite distance (pertpy's).
    [<Literal>]
    let private LeastDeviation = 1e-8

    let private average
        (first: PerturbedPopulation)
        (second: PerturbedPopulation)
        (distance: float[] -> float[] -> float)
        =
        if first.Genes <> second.Genes then
            invalidArg (nameof second) $"{second.Genes} genes where {first.Genes} were expected"

        let mutable sum = 0.0

        for gene in 0 .. first.Genes - 1 do
            sum <-
                sum
                + distance (PerturbedPopulation.gene first gene) (PerturbedPopulation.gene second gene)

        sum / float first.Genes

    let private squaresAbout mean (values: float[]) =
        values |> Array.sumBy (fun value -> (value - mean) * (value - mean))

    /// KL(p, q) + KL(q, p) of the normal distributions with the means and standard deviations (divisor n, and 1e-8 more) of
    /// both (Jeffreys 1946).
    let symmetricDivergence first second =
        average first second (fun x y ->
            let meanX, meanY = Array.average x, Array.average y

            let deviation mean (values: float[]) =
                sqrt (squaresAbout mean values / float values.Length) + LeastDeviation

            let a, b = deviation meanX x, deviation meanY y
            let apart = (meanX - meanY) * (meanX - meanY)
            (a * a + apart) / (2.0 * b * b) + (b * b + apart) / (2.0 * a * a) - 1.0)

    /// |t| of Welch (1947): the difference of means over √(s² / n + s'² / n'), s with divisor n − 1, and 1e-8 more. NaN for a
    /// population of one cell.
    let welch first second =
        average first second (fun x y ->
            let meanX, meanY = Array.average x, Array.average y

            let variance mean (values: float[]) =
                let deviation =
                    sqrt (squaresAbout mean values / float (values.Length - 1)) + LeastDeviation

                deviation * deviation / float values.Length

            abs (meanX - meanY) / sqrt (variance meanX x + variance meanY y))

    /// The largest difference of the two distribution functions (Kolmogorov 1933; Smirnov 1948).
    let private largestGap (x: float[]) (y: float[]) =
        Array.Sort x
        Array.Sort y
        let mutable i, j, gap = 0, 0, 0.0

        while i < x.Length && j < y.Length do
            let here = min x[i] y[j]

            while i < x.Length && x[i] <= here do
                i <- i + 1

            while j < y.Length && y[j] <= here do
                j <- j + 1

            gap <- max gap (abs (float i / float x.Length - float j / float y.Length))

        gap

    let kolmogorovSmirnov first second = average first second largestGap
