namespace CoExpr

open System
open CoExpr.Kernels

/// Counts gene by gene, for comparing groups of cells: the cells are put in an order in which those of a group follow one
/// another, and a gene's entries are listed in that order. Group g owns the positions from Starts[g] to before
/// Starts[g + 1]; cells without a label have no position, and entries of 0 are left out.
type GroupedGenes = {
    /// One per group.
    Labels: string[]
    /// One more than there are groups; the last is the number of positions.
    Starts: int[]
    /// The group that the others are compared with, if one was named.
    Control: int option
    /// The number in the input of the cell at each position; increasing within a group.
    Cells: int[]
    /// The group of each position.
    GroupOf: int[]
    /// Lines are genes, indices positions. A block of genes shares the entries of the whole, so that the first line need
    /// not start at 0.
    Genes: Compressed
    /// Whether every value is a whole number from 0 to 2^24, as counts are.
    Integer: bool
} with

    /// The number of cells of one group.
    member this.Size(group: int) =
        this.Starts[group + 1] - this.Starts[group]

[<RequireQualifiedAccess>]
module GroupedGenes =

    /// Genes per block of work.
    let private blockGenes = 64

    let private requireAscending (counts: SparseCounts) (groups: Groups) =
        for group in 0 .. groups.Labels.Length - 1 do
            for at in groups.Starts[group] .. groups.Starts[group + 1] - 1 do
                let cell = groups.Order[at]

                if uint32 cell >= uint32 counts.Cells then
                    invalidArg (nameof groups) $"cell {cell} is not from 0 to {counts.Cells - 1}"

                if at > groups.Starts[group] && groups.Order[at - 1] >= cell then
                    invalidArg
                        (nameof groups)
                        $"cell {cell} follows cell {groups.Order[at - 1]} in group {groups.Labels[group]}; cells of a group must increase"

    let private groupOfPositions (starts: int[]) =
        Array.init (starts.Length - 1) (fun group -> Array.create (starts[group + 1] - starts[group]) group)
        |> Array.concat

    /// Entries by gene from entries by cell. Threads take ranges of positions, and the counts of the threads before tell
    /// each where its entries of a gene begin: the outcome does not depend on their number.
    let private ofCells threads (order: int[]) genes (byCell: Compressed) : Compressed =
        let threads = max 1 (min threads (byCell.Indices.Length / 65536))

        let bound t =
            int (int64 order.Length * int64 t / int64 threads)

        let each work =
            Schedule.blocks threads threads ignore (fun () t ->
                work t (bound t) (ReadOnlyMemory(order, bound t, bound (t + 1) - bound t)))

        let counts = Array.init threads (fun _ -> Array.zeroCreate<int> genes)

        each (fun t _ cells -> GroupOrder.Count(byCell.Starts, byCell.Indices, byCell.Values, cells.Span, counts[t]))

        let starts = Array.zeroCreate<int64>(genes + 1)
        let places = Array.init threads (fun _ -> Array.zeroCreate<int64> genes)

        for gene in 0 .. genes - 1 do
            starts[gene + 1] <- starts[gene]

            for t in 0 .. threads - 1 do
                places[t][gene] <- starts[gene + 1]
                starts[gene + 1] <- starts[gene + 1] + int64 (counts[t][gene])

        let positions, values =
            Array.zeroCreate<int>(int starts[genes]), Array.zeroCreate<float32>(int starts[genes])

        each (fun t first cells ->
            GroupOrder.Scatter(
                byCell.Starts,
                byCell.Indices,
                byCell.Values,
                cells.Span,
                first,
                places[t],
                positions,
                values
            ))

        {
            Starts = starts
            Indices = positions
            Values = values
        }

    /// Entries by gene, sorted anew within each gene.
    let private ofGenes threads cells (order: int[]) (groupOf: int[]) groups (byGene: Compressed) : Compressed =
        let positionOf, groupOfCell =
            Array.create cells GroupOrder.None, Array.zeroCreate<int> cells

        order
        |> Array.iteri (fun position cell ->
            positionOf[cell] <- position
            groupOfCell[cell] <- groupOf[position])

        let kept = Array.zeroCreate<int64> byGene.Lines

        let keptOf gene =
            if order.Length = cells then
                GroupOrder.Kept(byGene.ValuesOf gene)
            else
                GroupOrder.Kept(byGene.IndicesOf gene, byGene.ValuesOf gene, positionOf)

        Schedule.ranges threads blockGenes byGene.Lines (fun first next ->
            for gene in first .. next - 1 do
                kept[gene] <- int64 (keptOf gene))

        let starts = Array.scan (+) 0L kept
        let entries = int starts[byGene.Lines]

        let positions, values =
            Array.zeroCreate<int> entries, Array.zeroCreate<float32> entries

        let room () =
            struct (Array.zeroCreate<int>(groups + 1), Array.zeroCreate<float32> order.Length)

        let blocks = (byGene.Lines + blockGenes - 1) / blockGenes

        Schedule.blocks threads blocks room (fun (struct (places, laid)) block ->
            for gene in block * blockGenes .. min byGene.Lines ((block + 1) * blockGenes) - 1 do
                let at, length = int starts[gene], int kept[gene]

                GroupOrder.Sort(
                    byGene.IndicesOf gene,
                    byGene.ValuesOf gene,
                    positionOf,
                    groupOfCell,
                    places,
                    laid,
                    Span(positions, at, length),
                    Span(values, at, length)
                ))

        {
            Starts = starts
            Indices = positions
            Values = values
        }

    /// Puts the counts in the order of the groups, from whichever view of them there is: nothing is made dense. The
    /// outcome has the same bits for every number of threads. Throws ArgumentException for groups over other cells, and for
    /// groups whose cells do not increase.
    let create threads (counts: SparseCounts) (groups: Groups) : GroupedGenes =
        requireAscending counts groups
        let groupOf = groupOfPositions groups.Starts

        let genes =
            if counts.IsByGene then
                ofGenes threads counts.Cells groups.Order groupOf groups.Labels.Length counts.ByGene
            else
                ofCells threads groups.Order counts.Genes counts.ByCell

        {
            Labels = groups.Labels
            Starts = groups.Starts
            Control = groups.Control
            Cells = groups.Order
            GroupOf = groupOf
            Genes = genes
            Integer = counts.Integer
        }

    /// The genes from `first` to before `next`, over the same entries. Throws ArgumentException where there are no such
    /// genes.
    let block first next (genes: GroupedGenes) : GroupedGenes =
        if first < 0 || next < first || next > genes.Genes.Lines then
            invalidArg (nameof next) $"genes {first} to before {next} of {genes.Genes.Lines}"

        {
            genes with
                Genes.Starts = Array.sub genes.Genes.Starts first (next - first + 1)
        }

    /// Where each group begins among the entries of one gene, and their number: one more than there are groups.
    let bounds gene (genes: GroupedGenes) : int[] =
        let bounds = Array.zeroCreate<int> genes.Starts.Length
        GroupOrder.Bounds(genes.Genes.IndicesOf gene, genes.Starts, bounds)
        bounds

    /// Values of the cells of the input in the order of the positions: size factors, totals, batches.
    let arrange (values: 'a[]) (genes: GroupedGenes) : 'a[] =
        genes.Cells |> Array.map (fun cell -> values[cell])
