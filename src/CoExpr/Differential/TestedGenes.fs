namespace CoExpr

open System
open CoExpr.Kernels

/// The genes of a comparison of groups of cells, and how their values are made.
type TestedGenes = {
    /// Cells by group. Where cells are in strata (batches), the groups of the first stratum come first, then those of the
    /// second; each stratum has as many, of which some may be empty.
    Grouped: GroupedGenes
    /// 1 where there are none.
    Strata: int
    /// The perturbations and the control, in the order of their groups.
    Labels: string[]
    /// The number of the control among them; None for a comparison of each with all others.
    Control: int option
    Values: TestedValues
    /// Of each position what its counts are multiplied by; empty where values are taken as stored.
    Scales: float[]
    FoldChange: FoldChange
    /// Added to both means of a fold change.
    Pseudocount: float
    Alternative: TwoSampleAlternative
    /// Groups with fewer cells are not tested.
    MinimumCells: int
} with

    /// The number of perturbations and controls.
    member this.Groups = this.Labels.Length

    /// The groups that are compared with the reference, in the order of the rows.
    member this.Perturbations = [|
        for group in 0 .. this.Groups - 1 do
            if this.Control <> Some group then
                group
    |]

    /// The number of cells of one group, all strata together.
    member this.Size group =
        Seq.sum (Seq.init this.Strata (fun stratum -> this.Grouped.Size(stratum * this.Groups + group)))

[<RequireQualifiedAccess>]
module TestedGenes =

    /// The cells of every group, all strata together.
    let sizes (tested: TestedGenes) = Array.init tested.Groups tested.Size

    /// The cells that each group is compared with.
    let referenceSizes (tested: TestedGenes) =
        let sizes = sizes tested

        Array.init sizes.Length (fun group ->
            match tested.Control with
            | Some control -> sizes[control]
            | None -> Array.sum sizes - sizes[group])

/// What is known of the values of one gene in each group, and made anew for each gene. One serves one thread.
[<Sealed>]
type internal GeneReader(tested: TestedGenes) =
    let grouped = tested.Grouped
    let groups = tested.Groups
    let sizes = TestedGenes.sizes tested
    let cells = Array.map float sizes
    let bounds = Array.zeroCreate<int> grouped.Starts.Length
    let parts = Array.zeroCreate<float>(grouped.Starts.Length - 1)
    let sums, stored = Array.zeroCreate<float> groups, Array.zeroCreate<float> groups
    let mutable logarithms = Array.zeroCreate<float32> 0
    let mutable gene = 0

    let isLogNormalised =
        match tested.Values with
        | TestedValues.LogNormalised _ -> true
        | _ -> false

    let isLinear = tested.FoldChange = FoldChange.Arithmetic
    let isLogged = isLogNormalised || tested.Values = TestedValues.StoredLogs
    let areTested = not (isLinear && isLogged)

    let values () : ReadOnlySpan<float32> =
        if isLogNormalised then
            ReadOnlySpan(logarithms, 0, grouped.Genes.Length gene)
        else
            Span.op_Implicit (grouped.Genes.ValuesOf gene)

    let makeLogarithms () =
        let length = grouped.Genes.Length gene

        if logarithms.Length < length then
            logarithms <- Array.zeroCreate (2 * length)

        GroupMoments.Logarithms(
            grouped.Genes.IndicesOf gene,
            grouped.Genes.ValuesOf gene,
            tested.Scales,
            logarithms.AsSpan(0, length)
        )

    /// Sums of what is averaged, stratum by stratum.
    let sumParts () =
        if areTested then
            GroupMoments.Sums(values (), bounds, parts)
        elif isLogNormalised then
            GroupMoments.ScaledSums(
                grouped.Genes.IndicesOf gene,
                grouped.Genes.ValuesOf gene,
                tested.Scales,
                bounds,
                parts
            )
        else
            GroupMoments.LinearSums(values (), bounds, parts)

    /// Group by group, over the strata in their order.
    let sumGroups () =
        for group in 0 .. groups - 1 do
            let mutable sum, entries = 0.0, 0

            for stratum in 0 .. tested.Strata - 1 do
                let at = stratum * groups + group
                sum <- sum + parts[at]
                entries <- entries + bounds[at + 1] - bounds[at]

            sums[group] <- sum
            stored[group] <- float entries

    let referenceSums, referenceStored, referenceCells =
        Array.zeroCreate<float> groups, Array.zeroCreate<float> groups, Array.zeroCreate<float> groups

    /// Sums over all groups before each, and over all from each on: the sum over all others is exact where a difference of
    /// the whole and the own would not be.
    let before, after =
        Array.zeroCreate<float>(groups + 1), Array.zeroCreate<float>(groups + 1)

    let sumOthers (own: float[]) (others: float[]) =
        for group in 0 .. groups - 1 do
            before[group + 1] <- before[group] + own[group]
            let back = groups - 1 - group
            after[back] <- after[back + 1] + own[back]

        for group in 0 .. groups - 1 do
            others[group] <- before[group] + after[group + 1]

    let makeReferences () =
        match tested.Control with
        | Some control ->
            Array.Fill(referenceSums, sums[control])
            Array.Fill(referenceStored, stored[control])
        | None ->
            sumOthers sums referenceSums
            sumOthers stored referenceStored

    do
        match tested.Control with
        | Some control -> Array.Fill(referenceCells, cells[control])
        | None -> sumOthers cells referenceCells

    /// The means of sums over so many cells, as the fold change wants them.
    let fillMeans (sums: float[]) (cells: float[]) (means: Span<float>) =
        GroupMoments.Shares(sums, cells, means)

        if isLogged && not isLinear then
            for group in 0 .. means.Length - 1 do
                means[group] <- exp means[group] - 1.0

    let isTooFew =
        Array.map2 (fun own reference -> min own reference < float tested.MinimumCells) cells referenceCells

    let status group =
        if isTooFew[group] then
            RowStatus.TooFewCells
        elif stored[group] > 0.0 then
            if referenceStored[group] > 0.0 then
                RowStatus.Tested
            else
                RowStatus.ZeroInReference
        elif referenceStored[group] > 0.0 then
            RowStatus.ZeroInPerturbed
        else
            RowStatus.AllZero

    /// Takes up a gene, and fills in what does not depend on the test, at its place in a block of genes: means, fractions,
    /// fold changes and status.
    member _.Load(next: int, block: GeneRows, at: int) =
        gene <- next
        GroupOrder.Bounds(grouped.Genes.IndicesOf gene, grouped.Starts, bounds)

        if isLogNormalised then
            makeLogarithms ()

        sumParts ()
        sumGroups ()
        makeReferences ()

        let rows = block.Rows
        let mean = GeneRows.ofGene block at rows.Mean
        let reference = GeneRows.ofGene block at rows.ReferenceMean
        fillMeans sums cells mean
        fillMeans referenceSums referenceCells reference
        GroupMoments.LogRatios(mean, reference, tested.Pseudocount, GeneRows.ofGene block at rows.LogFoldChange)
        GroupMoments.Shares(stored, cells, GeneRows.ofGene block at rows.Fraction)
        GroupMoments.Shares(referenceStored, referenceCells, GeneRows.ofGene block at rows.ReferenceFraction)

        for group in 0 .. groups - 1 do
            rows.Status[at * groups + group] <- status group

    /// The values that are tested, group by group.
    member _.Values = values ()

    /// Their sums over each group, if these are what was averaged: of one stratum.
    member _.Sums = if areTested && tested.Strata = 1 then Some sums else None

    /// Where each group of each stratum begins among them.
    member _.Bounds = bounds

    /// The cells of each group, all strata together.
    member _.Sizes = sizes

/// A test at work on blocks of genes, on one thread.
type internal TwoSampleWorker = {
    /// Tests the gene that the reader has loaded, at its place in the block.
    Test: GeneReader -> int -> unit
    /// What is left to do once all genes of a block are tested.
    Finish: unit -> unit
}

[<RequireQualifiedAccess>]
module internal GeneBlocks =

    /// Runs a test over all genes on several threads: each makes a block of rows, and a reader and a worker that fill it in.
    /// A row depends on its own gene alone.
    let run progress threads (tested: TestedGenes) further (makeWorker: GeneRows -> TwoSampleWorker) =
        let genes, groups = tested.Grouped.Genes.Lines, tested.Perturbations
        let advance = Progress.counter progress "testing" "genes" (int64 genes)
        let rows = ContrastRows.createToFill groups.Length genes further
        let places = Array.init groups.Length id

        let room () =
            let block = GeneRows.create tested.Groups further
            struct (block, GeneReader tested, makeWorker block)

        Schedule.blocks
            threads
            ((genes + GeneRows.Genes - 1) / GeneRows.Genes)
            room
            (fun (struct (block, reader, worker)) number ->
                let first = number * GeneRows.Genes
                let count = min GeneRows.Genes (genes - first)
                GeneRows.clear block

                for at in 0 .. count - 1 do
                    reader.Load(first + at, block, at)
                    worker.Test reader at

                worker.Finish()
                GeneRows.copyTo groups places count block first genes rows
                advance (int64 count))

        rows
