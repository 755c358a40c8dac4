namespace CoExpr

/// How deeply each cell was sequenced, relative to the others.
[<RequireQualifiedAccess>]
module SizeFactors =

    /// Gene after gene, so that every cell's values are added in the order in which it holds them.
    let private totalsByGene (counts: SparseCounts) =
        let sums = Array.zeroCreate<float> counts.Cells
        let byGene = counts.ByGene

        for at in 0 .. byGene.Values.Length - 1 do
            let cell = byGene.Indices[at]
            sums[cell] <- sums[cell] + float byGene.Values[at]

        sums

    let private totalsByCell (counts: SparseCounts) =
        let byCell = counts.ByCell

        Array.init counts.Cells (fun cell ->
            let mutable sum = 0.0

            for value in byCell.ValuesOf cell do
                sum <- sum + float value

            sum)

    /// The sum of each cell's values, one per cell: the same bits from either view, of which no other is made.
    let totals (counts: SparseCounts) =
        if counts.IsByGene then
            totalsByGene counts
        else
            totalsByCell counts

    /// Each cell's total over the mean of all totals, one per cell; their mean is 1. 0 for a cell without counts, and
    /// for every cell where none has any.
    let librarySize (counts: SparseCounts) =
        let totals = totals counts
        let mean = if totals.Length = 0 then 0.0 else Array.average totals
        totals |> Array.map (fun total -> if mean > 0.0 then total / mean else 0.0)
