namespace CoExpr.IO

open System
open CoExpr

/// Blocks of genes that lie in a folder, over all cells of the input or some of them.
[<Sealed>]
type internal BlockReader(folder: PartsFolder, index: GeneBlockIndex, kept: int[] option) =

    let placeOf = kept |> Option.map (Compressed.placesOf index.Cells)

    let cells =
        match kept with
        | Some cells -> cells.Length
        | None -> index.Cells

    member _.Cells = cells
    member _.Genes = index.Genes
    member _.Blocks = index.Blocks

    /// The first gene of a block, or the number of genes for the block after the last.
    member _.First block = index.Bounds[block]

    /// The same blocks over the cells of these numbers in the input.
    member _.Among cells = BlockReader(folder, index, Some cells)

    /// The numbers in the input of the cells that are kept.
    member _.Kept = kept

    member _.Read block : SparseCounts =
        let stored = GeneBlockFiles.read folder block

        let chosen =
            match placeOf with
            | Some places -> Compressed.keep places stored
            | None -> stored

        SparseCounts.OfGenes(cells, chosen.Lines, chosen)

/// What one look at all entries tells.
type internal EntrySums = {
    /// Whether every value is a count: see SparseCounts.Integer.
    Integer: bool
    /// Of each cell.
    Totals: float[]
    /// Of each gene.
    GeneTotals: float[]
    /// The number of entries of each cell.
    CellEntries: int[]
}

/// Sums over a matrix that lies in blocks of genes: the same bits as of SizeFactors over one in memory.
[<RequireQualifiedAccess>]
module internal BlockSums =

    /// Frees what the last block took, since the next takes as much: the collector would wait.
    let collect () =
        GC.Collect(2, GCCollectionMode.Aggressive, true, true)

    /// Takes the blocks in order, one at a time: the number of the first gene, and the counts.
    let each (progress: Progress) stage (reader: BlockReader) (look: int -> SparseCounts -> unit) =
        let advance = Progress.counter progress stage "genes" (int64 reader.Genes)

        for block in 0 .. reader.Blocks - 1 do
            look (reader.First block) (reader.Read block)
            collect ()
            advance (int64 (reader.First(block + 1) - reader.First block))

    /// Looks at every entry, and refuses the first that breaks the rule, as reading the whole matrix would.
    let look progress rule (names: Table) (cells: Table) source (reader: BlockReader) : EntrySums =
        let checks = GeneTiles.Checks(source, [ rule ])

        let totals, entries =
            Array.zeroCreate<float> reader.Cells, Array.zeroCreate<int> reader.Cells

        let geneTotals = Array.zeroCreate<float> reader.Genes
        let mutable integer = true

        each progress "adding up" reader (fun first counts ->
            let byGene = counts.ByGene
            integer <- integer && counts.Integer
            checks.Look(byGene, first)
            Array.blit (SizeFactors.geneTotals counts) 0 geneTotals first byGene.Lines

            for at in 0 .. byGene.Values.Length - 1 do
                let cell = byGene.Indices[at]
                totals[cell] <- totals[cell] + float byGene.Values[at]
                entries[cell] <- entries[cell] + 1)

        checks.Finish(names.Names, (fun cell -> cells.Names[cell]))

        {
            Integer = integer
            Totals = totals
            GeneTotals = geneTotals
            CellEntries = entries
        }

    /// The sum of each cell's values of the genes that are chosen.
    let totalsOf progress (reader: BlockReader) (isChosen: int -> bool) : float[] =
        let totals = Array.zeroCreate<float> reader.Cells

        each progress "adding up" reader (fun first counts ->
            let byGene = counts.ByGene

            for gene in 0 .. byGene.Lines - 1 do
                if isChosen (first + gene) then
                    let cells = byGene.IndicesOf gene
                    let values = byGene.ValuesOf gene

                    for at in 0 .. cells.Length - 1 do
                        totals[cells[at]] <- totals[cells[at]] + float values[at])

        totals

    let private logSums progress (reader: BlockReader) =
        let sums = Array.create reader.Genes (struct (0.0, 0))

        each progress "adding up" reader (fun first counts ->
            Array.blit (SizeFactors.logSums counts) 0 sums first counts.Genes)

        sums

    /// The cells from `first` to before `next` with all their genes, from a pass over the blocks.
    let private cellsOf progress (reader: BlockReader) (entries: int[]) first next =
        let starts = entries[first .. next - 1] |> Array.map int64 |> Array.scan (+) 0L
        let places = Array.init (next - first) (fun cell -> int starts[cell])
        let count = int starts[next - first]
        let genes, values = Array.zeroCreate<int> count, Array.zeroCreate<float32> count

        each progress "ratios" reader (fun firstGene counts ->
            let byGene = counts.ByGene

            for gene in 0 .. byGene.Lines - 1 do
                let cells = byGene.IndicesOf gene
                let found = byGene.ValuesOf gene

                for at in 0 .. cells.Length - 1 do
                    let cell = cells[at] - first

                    if uint32 cell < uint32 places.Length then
                        genes[places[cell]] <- firstGene + gene
                        values[places[cell]] <- found[at]
                        places[cell] <- places[cell] + 1)

        SparseCounts.OfCells(
            next - first,
            reader.Genes,
            {
                Starts = starts
                Indices = genes
                Values = values
            }
        )

    /// Cells are taken in runs with so many entries: a median needs all genes of its cell.
    let private typicalRatios progress reader sums mostEntries typical references =
        GeneTiles.groups mostEntries (Array.map int64 sums.CellEntries)
        |> Array.collect (fun (first, next) ->
            cellsOf progress reader sums.CellEntries first next
            |> SizeFactors.typicalRatios typical references)

    /// What size factors are made of; passes are made when they are needed.
    let countSums progress (reader: BlockReader) (sums: EntrySums) mostEntries : CountSums = {
        Cells = reader.Cells
        Totals = fun () -> sums.Totals
        GeneTotals = fun () -> sums.GeneTotals
        TotalsOf = fun isChosen -> totalsOf progress reader (fun gene -> isChosen[gene])
        LogSums = fun () -> logSums progress reader
        TypicalRatios = typicalRatios progress reader sums mostEntries
    }
