namespace CoExpr

/// How far the cells of a group scatter about their mean, all genes together.
[<RequireQualifiedAccess>]
module CellSpread =

    let private square (values: CellValues) (genes: int[]) (read: float[]) cell =
        let mutable sum = 0.0

        for at in 0 .. values.Read cell genes read - 1 do
            sum <- sum + read[at] * read[at]

        sum

    let private meanSquare (bulk: MeanProfiles) group =
        let mutable sum = 0.0

        for value in MeanProfiles.row bulk group do
            sum <- sum + value * value

        sum

    /// Σ over genes of the variance within each group, with divisor n: mean |x|² − |mean|². One per group; NaN where a value
    /// is. Same bits for any number of threads.
    let compute threads (groups: Groups) (values: CellValues) (bulk: MeanProfiles) : float[] =
        let spread = Array.zeroCreate<float> groups.Labels.Length

        let room () =
            Array.zeroCreate<int> values.Most, Array.zeroCreate<float> values.Most

        Schedule.blocks threads spread.Length room (fun (genes, read) group ->
            let members = Groups.members group groups
            let total = members |> Array.sumBy (square values genes read)
            spread[group] <- total / float members.Length - meanSquare bulk group)

        spread
