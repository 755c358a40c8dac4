namespace CoExpr

open CoExpr.Kernels

/// How a kernel counted pairs: tile of genes by tile, and summed.
[<RequireQualifiedAccess>]
module CountingUses =

    let private sum (uses: CountingUse[]) =
        let total (value: CountingUse -> float) = uses |> Array.sumBy value
        let first = uses[0]

        CountingUse(
            first.FirstColumn,
            first.EndColumn,
            first.Density,
            first.Method,
            uses |> Array.sumBy (fun one -> one.Pairs),
            total (fun one -> one.PredictedSeconds),
            total (fun one -> one.Seconds)
        )

    /// One for each tile and method, in their order.
    let byTile (uses: CountingUse[]) =
        uses
        |> Array.groupBy (fun one -> struct (one.FirstColumn, one.EndColumn, one.Method))
        |> Array.sortBy fst
        |> Array.map (snd >> sum)

    /// One for each method, of the columns from the first to the last that it was used for; densities are means over
    /// columns, weighted with their pairs.
    let byMethod (uses: CountingUse[]) =
        uses
        |> Array.groupBy (fun one -> one.Method)
        |> Array.sortBy fst
        |> Array.map (fun (method, own) ->
            let all = sum own
            let weighted = own |> Array.sumBy (fun one -> one.Density * float one.Pairs)

            CountingUse(
                own |> Array.map (fun one -> one.FirstColumn) |> Array.min,
                own |> Array.map (fun one -> one.EndColumn) |> Array.max,
                weighted / float (max 1L all.Pairs),
                method,
                all.Pairs,
                all.PredictedSeconds,
                all.Seconds
            ))

    /// The same of genes that come so many places later.
    let internal shifted places (uses: CountingUse[]) =
        uses
        |> Array.map (fun one ->
            CountingUse(
                one.FirstColumn + places,
                one.EndColumn + places,
                one.Density,
                one.Method,
                one.Pairs,
                one.PredictedSeconds,
                one.Seconds
            ))
