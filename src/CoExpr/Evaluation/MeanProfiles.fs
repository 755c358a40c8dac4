namespace CoExpr

/// Mean profiles of groups of cells.
type MeanProfiles = {
    /// One per group, in ordinal order.
    Labels: string[]
    /// Cells of each group.
    Cells: int[]
    Genes: int
    /// Groups x genes means, one group after the other.
    Means: float[]
}

/// Means of groups of cells straight from sparse rows: nothing is densified but one row of sums per group.
[<RequireQualifiedAccess>]
module MeanProfiles =

    let private addCell (values: CellValues) (genes: int[]) (read: float[]) (sums: float[]) start cell =
        let entries = values.Read cell genes read

        for at in 0 .. entries - 1 do
            let place = start + genes[at]
            sums[place] <- sums[place] + read[at]

    /// The mean of every gene over the cells of each group, zeros included: groups x genes. A group's cells are added one
    /// after the other in the order of the groups, so the bits do not depend on threads. A group of no cells cannot be.
    let compute threads (groups: Groups) (values: CellValues) : MeanProfiles =
        let count, genes = groups.Labels.Length, values.Genes
        let means = Array.zeroCreate<float>(count * genes)

        let room () =
            Array.zeroCreate<int> values.Most, Array.zeroCreate<float> values.Most

        Schedule.blocks threads count room (fun (places, read) group ->
            for at in groups.Starts[group] .. groups.Starts[group + 1] - 1 do
                addCell values places read means (group * genes) groups.Order[at]

            let cells = float (groups.Starts[group + 1] - groups.Starts[group])

            for place in group * genes .. (group + 1) * genes - 1 do
                means[place] <- means[place] / cells)

        {
            Labels = groups.Labels
            Cells = Array.init count (fun group -> groups.Starts[group + 1] - groups.Starts[group])
            Genes = genes
            Means = means
        }

    /// The mean profile of a group, in place.
    let row (bulk: MeanProfiles) group =
        System.ReadOnlySpan(bulk.Means, group * bulk.Genes, bulk.Genes)
