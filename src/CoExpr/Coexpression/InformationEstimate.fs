namespace CoExpr

open System

/// Entropies of two genes and of both together, in bits.
[<Struct>]
type PairEntropies = {
    OfA: float<bit>
    OfB: float<bit>
    OfBoth: float<bit>
}

/// Mutual information of one joint histogram by each estimator, in floating point.
[<RequireQualifiedAccess>]
module InformationEstimate =

    /// Added in order of size, so that it is the same for a histogram and its transpose.
    let private entropy (frequencies: float[]) =
        let mutable sum = 0.0

        for p in Array.sort frequencies do
            if p > 0.0 then
                sum <- sum - p * Math.Log2 p

        sum * 1.0<bit>

    /// The occupied rows and columns, as numbers of levels.
    let private occupied (sums: int[]) = [|
        for level in 0 .. sums.Length - 1 do
            if sums[level] > 0 then
                level
    |]

    /// How far frequencies are drawn towards 1/K each: λ = (1 − Σ p²) / ((M − 1) Σ (1/K − p)²), at most 1
    /// (Hausser and Strimmer 2009, equation 8).
    let intensity cells (frequencies: float[]) =
        let target = 1.0 / float frequencies.Length
        let frequencies = Array.sort frequencies
        let spread = frequencies |> Array.sumBy (fun p -> (target - p) * (target - p))
        let noise = 1.0 - Array.sumBy (fun p -> p * p) frequencies

        if cells <= 1 || spread = 0.0 then
            1.0
        else
            Math.Clamp(noise / (float (cells - 1) * spread), 0.0, 1.0)

    /// Entropies of the frequencies drawn towards equal ones. The table's bins are its occupied rows by its occupied
    /// columns; that of cells which express neither gene is no bin where it cannot be filled (`hasNeither` false).
    let shrunken hasNeither (joint: JointHistogram) : PairEntropies =
        let rows, columns =
            occupied (JointHistogram.rowSums joint), occupied (JointHistogram.columnSums joint)

        let bins = [|
            for row in rows do
                for column in columns do
                    if hasNeither || row > 0 || column > 0 then
                        struct (row, column)
        |]

        let cells = JointHistogram.total joint

        if cells = 0 then
            {
                OfA = 0.0<bit>
                OfB = 0.0<bit>
                OfBoth = 0.0<bit>
            }
        else
            let observed =
                bins
                |> Array.map (fun struct (row, column) ->
                    float joint.Counts[row * joint.Columns + column] / float cells)

            let intensity = intensity cells observed
            let target = intensity / float bins.Length
            let drawn = observed |> Array.map (fun p -> target + (1.0 - intensity) * p)
            let a, b = Array.zeroCreate<float> joint.Rows, Array.zeroCreate<float> joint.Columns

            bins
            |> Array.iteri (fun bin struct (row, column) ->
                a[row] <- a[row] + drawn[bin]
                b[column] <- b[column] + drawn[bin])

            {
                OfA = entropy a
                OfB = entropy b
                OfBoth = entropy drawn
            }

    /// I = H(A) + H(B) − H(A,B), or that over an entropy; 0 where that entropy is 0.
    let score measure (entropies: PairEntropies) : float =
        let information = float (entropies.OfA + entropies.OfB - entropies.OfBoth)

        let over (entropy: float<bit>) =
            if entropy > 0.0<bit> then
                information / float entropy
            else
                0.0

        match measure with
        | Measure.NormalizedInformation NormalizedBy.Minimum -> over (min entropies.OfA entropies.OfB)
        | Measure.NormalizedInformation NormalizedBy.Mean -> over ((entropies.OfA + entropies.OfB) / 2.0)
        | Measure.NormalizedInformation NormalizedBy.Joint -> over entropies.OfBoth
        | _ -> information
