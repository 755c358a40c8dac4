namespace CoExpr.Reference

/// Entropy of a gene's distinct values, in nats.
module GeneEntropy =

    let private entropy (values: float32[]) =
        let n = float values.Length

        values
        |> Array.countBy id
        |> Array.sumBy (fun (_, count) -> -(float count / n) * log (float count / n))

    /// Of the values that are not 0.
    let withoutZeros (values: float32[]) =
        values |> Array.filter (fun value -> value <> 0.0f) |> entropy

    /// Of the values that are not the smallest.
    let withoutSmallest (values: float32[]) =
        if values.Length = 0 then
            0.0
        else
            let smallest = Array.min values
            values |> Array.filter (fun value -> value <> smallest) |> entropy
