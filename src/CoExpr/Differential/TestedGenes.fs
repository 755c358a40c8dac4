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

    /// The cells that each perturbation's group is compared with.
    let referenceSizes (tested: TestedGenes) =
        let sizes = sizes tested

        tested.Perturbations
        |> Array.map (fun group ->
            match tested.Control with
            | Some control -> sizes[control]
            | None -> Array.sum sizes - sizes[group])

/// What is known of the values of one gene in each group, and made anew for each gene. One serves one thread.
[<Sealed>]
type internal GeneReader(tested: TestedGenes) =
    let grouped = tested.Grouped
    let groups = tested.Groups
    let sizes = TestedGenes.sizes tested
    let bounds = Array.zeroCreate<int> grouped.Starts.Length
    let parts = Array.zeroCreate<float>(grouped.Starts.Length - 1)
    let linear = Array.zeroCreate<float> groups
    let stored = Array.zeroCreate<int> groups
    let mutable logarithms = Array.zeroCreate<float32> 0
    let mutable gene = 0

    let isLogNormalised =
        match tested.Values with
        | TestedValues.LogNormalised _ -> true
        | _ -> false

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
        match tested.FoldChange, tested.Values with
        | FoldChange.Arithmetic, TestedValues.LogNormalised _ ->
            GroupMoments.ScaledSums(
                grouped.Genes.IndicesOf gene,
                grouped.Genes.ValuesOf gene,
                tested.Scales,
                bounds,
                parts
            )
        | FoldChange.Arithmetic, TestedValues.StoredLogs -> GroupMoments.LinearSums(values (), bounds, parts)
        | _ -> GroupMoments.Sums(values (), bounds, parts)

    /// Group by group, over the strata in their order.
    let sumGroups () =
        for group in 0 .. groups - 1 do
            linear[group] <- 0.0
            stored[group] <- 0

            for stratum in 0 .. tested.Strata - 1 do
                let at = stratum * groups + group
                linear[group] <- linear[group] + parts[at]
                stored[group] <- stored[group] + bounds[at + 1] - bounds[at]

    /// The mean of a sum over so many cells, as the fold change wants it.
    let mean sum cells =
        let mean = if cells = 0 then nan else sum / float cells

        match tested.FoldChange, tested.Values with
        | FoldChange.Geometric, TestedValues.LogNormalised _
        | FoldChange.Geometric, TestedValues.StoredLogs -> exp mean - 1.0
        | _ -> mean

    let log2Ratio above below =
        Math.Log2((above + tested.Pseudocount) / (below + tested.Pseudocount))

    let perturbations = tested.Perturbations

    /// Sums over all groups before each, and over all from each on: the sum over all others is exact where a difference of
    /// the whole and the own would not be.
    let before, after =
        Array.zeroCreate<float>(groups + 1), Array.zeroCreate<float>(groups + 1)

    let sumOthers () =
        for group in 0 .. groups - 1 do
            before[group + 1] <- before[group] + linear[group]
            let back = groups - 1 - group
            after[back] <- after[back + 1] + linear[back]

    let allCells = Array.sum sizes

    let reference group =
        match tested.Control with
        | Some control -> struct (linear[control], stored[control], sizes[control])
        | None -> struct (before[group] + after[group + 1], Array.sum stored - stored[group], allCells - sizes[group])

    let share stored cells =
        if cells = 0 then nan else float stored / float cells

    let status group (referenceStored: int) referenceCells =
        if sizes[group] < tested.MinimumCells || referenceCells < tested.MinimumCells then
            RowStatus.TooFewCells
        elif stored[group] = 0 && referenceStored = 0 then
            RowStatus.AllZero
        elif stored[group] = 0 then
            RowStatus.ZeroInPerturbed
        elif referenceStored = 0 then
            RowStatus.ZeroInReference
        else
            RowStatus.Tested

    /// Takes up the next gene, and fills in what does not depend on the test: means, fractions, fold changes and status.
    member _.Load(at: int, rows: ContrastRows) =
        gene <- at
        GroupOrder.Bounds(grouped.Genes.IndicesOf gene, grouped.Starts, bounds)

        if isLogNormalised then
            makeLogarithms ()

        sumParts ()
        sumGroups ()
        sumOthers ()

        for row in 0 .. perturbations.Length - 1 do
            let group = perturbations[row]
            let place = row * grouped.Genes.Lines + gene
            let struct (sum, referenceStored, cells) = reference group
            rows.Mean[place] <- mean linear[group] sizes[group]
            rows.ReferenceMean[place] <- mean sum cells
            rows.LogFoldChange[place] <- log2Ratio rows.Mean[place] rows.ReferenceMean[place]
            rows.Fraction[place] <- share stored[group] sizes[group]
            rows.ReferenceFraction[place] <- share referenceStored cells
            rows.Status[place] <- status group referenceStored cells

    /// The values that are tested, group by group.
    member _.Values = values ()

    /// Where each group of each stratum begins among them.
    member _.Bounds = bounds

    /// The cells of each group, all strata together.
    member _.Sizes = sizes

[<RequireQualifiedAccess>]
module internal GeneBlocks =

    /// Genes that a thread takes at a time.
    [<Literal>]
    let private Genes = 16

    /// Runs a test over all genes on several threads: each makes a reader and a worker of its own, and the worker fills in
    /// the places of a gene that the reader has loaded. A row depends on its own gene alone.
    let run progress threads (tested: TestedGenes) rows (makeWorker: unit -> GeneReader -> int -> unit) =
        let genes = tested.Grouped.Genes.Lines
        let advance = Progress.counter progress "testing" "genes" (int64 genes)

        Schedule.blocks
            threads
            ((genes + Genes - 1) / Genes)
            (fun () -> struct (GeneReader tested, makeWorker ()))
            (fun (struct (reader, work)) block ->
                let first, next = block * Genes, min genes ((block + 1) * Genes)

                for gene in first .. next - 1 do
                    reader.Load(gene, rows)
                    work reader gene

                advance (int64 (next - first)))
