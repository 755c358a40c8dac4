namespace CoExpr.Reference

/// Mutual information in a resample, from the resample's cells written out one by one.
module Resampling =

    /// Each cell's level as often as the cell was drawn.
    let repeated (weights: int[]) (levels: int[]) =
        Array.zip weights levels
        |> Array.collect (fun (times, level) -> Array.replicate times level)

    /// M · MI · 2^30, and M, of two genes in the cells drawn.
    let numerator entry eitherOnly weights a b =
        MutualInformation.numerator entry eitherOnly (repeated weights a) (repeated weights b)

    /// The same with gene a's level of cell π(c) moved to cell c.
    let permuted entry eitherOnly (order: int[]) (a: int[]) b =
        MutualInformation.numerator entry eitherOnly (order |> Array.map (fun cell -> a[cell])) b

    /// (1 + number of null values at least as high as the observed one) / (1 + number of null values).
    let pValue (observed: float) (nulls: float list) =
        let reached = nulls |> List.filter (fun value -> value >= observed) |> List.length
        float (1 + reached) / float (1 + nulls.Length)
