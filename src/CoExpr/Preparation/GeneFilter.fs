namespace CoExpr

open System

/// What the entropy of a gene leaves out.
[<RequireQualifiedAccess>]
type EntropyRule =
    /// The zeros, if there are any.
    | WithoutZeros
    /// The smallest value, whatever it is: GeneVector's reading, which drops real counts of genes without zeros.
    | WithoutSmallest

/// Which genes carry enough information to be worth relating.
[<RequireQualifiedAccess>]
module GeneFilter =

    /// The number of cells with a value above 0, one per gene.
    let expressedCells (counts: SparseCounts) =
        let byGene = counts.ByGene

        Array.init counts.Genes (fun gene ->
            let mutable cells = 0

            for value in byGene.ValuesOf gene do
                if value > 0.0f then
                    cells <- cells + 1

            cells)

    /// How many cells have each value of one gene, values increasing; the cells without an entry have 0, as have those
    /// whose entry spells it out.
    let private valueCounts cells (values: Span<float32>) =
        let nonZero = values.ToArray() |> Array.filter (fun value -> value <> 0.0f)
        let distinct = nonZero |> Array.countBy id |> Array.sortBy fst
        let zeros = cells - nonZero.Length

        if zeros = 0 then
            distinct
        else
            Array.append distinct [| 0.0f, zeros |] |> Array.sortBy fst

    let private entropyOfCounts (counts: int[]) : float<nat> =
        let total = counts |> Array.sumBy float

        if total = 0.0 then
            0.0<nat>
        else
            let information =
                counts
                |> Array.sumBy (fun count -> float count / total * log (total / float count))

            information * 1.0<nat>

    /// H = Σ p log(1/p) over the distinct values of each gene that the rule keeps, p their shares of the cells that have
    /// one; one per gene. 0 for a gene of one value, and for a gene without any.
    let entropies rule (counts: SparseCounts) : float<nat>[] =
        let byGene = counts.ByGene
        let entropies = Array.zeroCreate counts.Genes

        Schedule.ranges Schedule.defaultThreads 64 counts.Genes (fun first next ->
            for gene in first .. next - 1 do
                let distinct = valueCounts counts.Cells (byGene.ValuesOf gene)

                let kept =
                    match rule with
                    | EntropyRule.WithoutZeros -> distinct |> Array.filter (fun (value, _) -> value <> 0.0f)
                    | EntropyRule.WithoutSmallest -> Array.skip (min 1 distinct.Length) distinct

                entropies[gene] <- kept |> Array.map snd |> entropyOfCounts)

        entropies

    /// The genes that pass, in file order: expressed in at least so many cells and, if a threshold is given, of an entropy
    /// above it.
    let passing minimumCells (entropyAbove: float<nat> option) rule (counts: SparseCounts) =
        let cells = expressedCells counts

        let informative =
            match entropyAbove with
            | None -> fun _ -> true
            | Some threshold ->
                let entropies = entropies rule counts
                fun gene -> entropies[gene] > threshold

        [| 0 .. counts.Genes - 1 |]
        |> Array.filter (fun gene -> cells[gene] >= minimumCells && informative gene)
