namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open System.Security.Cryptography
open CoExpr
open CoExpr.Kernels

/// What a matrix holds, as a hash that does not depend on the file around it.
[<RequireQualifiedAccess>]
module internal ContentHash =

    let private bytes (values: Span<'T>) : ReadOnlySpan<byte> =
        Span.op_Implicit (MemoryMarshal.AsBytes values)

    /// SHA-256 of one gene's entries: its cells, then their values.
    let ofGene (cells: Span<int>) (values: Span<float32>) =
        use hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256
        hash.AppendData(bytes cells)
        hash.AppendData(bytes values)
        hash.GetHashAndReset()

    /// Of all genes, in their order.
    let ofGenes threads (byGene: Compressed) =
        let hashes = Array.zeroCreate<byte[]> byGene.Lines

        Schedule.ranges threads 16 byGene.Lines (fun first next ->
            for gene in first .. next - 1 do
                hashes[gene] <- ofGene (byGene.IndicesOf gene) (byGene.ValuesOf gene))

        hashes

    /// Of a matrix of so many cells, from the hashes of its genes.
    let ofMatrix (cells: int) (genes: byte[][]) =
        use hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256
        hash.AppendData(BitConverter.GetBytes cells)
        hash.AppendData(BitConverter.GetBytes genes.Length)
        genes |> Array.iter hash.AppendData
        Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant()

/// What was written of a matrix.
type internal WrittenGenes = {
    /// The genes that passed, in the order of the input.
    Genes: StoredGene[]
    /// Hash of the matrix: ContentHash.ofMatrix.
    Matrix: string
    /// SHA-256 of the file.
    FileHash: byte[]
}

/// Turning a matrix that need not fit into memory on its side: cells to genes, and genes to levels.
///
/// A gene can be cut into levels only when all its cells are known. So the file is read once to count the entries of
/// each gene, and then once for every group of neighbouring genes whose entries fit into memory together.
[<RequireQualifiedAccess>]
module internal GeneTiles =

    /// Neighbouring genes whose entries are together at most `most`, at least one gene each: first, and the one after
    /// the last.
    let groups (most: int64) (counts: int64[]) = [|
        let mutable first, sum = 0, 0L

        for gene in 0 .. counts.Length - 1 do
            if gene > first && sum + counts[gene] > most then
                first, gene
                first <- gene
                sum <- 0L

            sum <- sum + counts[gene]

        if counts.Length > first then
            first, counts.Length
    |]

    /// Drops the entries of cell after cell at the next free places of their genes, those of other genes left out.
    let private scatter (first, next) (places: int[]) (cellOf: int[]) (values: float32[]) =
        EntryVisitor(fun cell genes entries ->
            for at in 0 .. genes.Length - 1 do
                let gene = genes[at]

                if gene >= first && gene < next then
                    let place = places[gene - first]
                    places[gene - first] <- place + 1
                    cellOf[place] <- cell
                    values[place] <- entries[at])

    /// Entries that come gene after gene are in their places already.
    let private append (cellOf: int[]) (values: float32[]) =
        let mutable place = 0

        EntryVisitor(fun _ cells entries ->
            cells.CopyTo(cellOf.AsSpan place)
            entries.CopyTo(values.AsSpan place)
            place <- place + cells.Length)

    /// The genes from `first` to before `next`, whole.
    let readGroup (source: EntryStream.Source) stage (counts: int64[]) (first, next) =
        let starts = counts[first .. next - 1] |> Array.scan (+) 0L
        let entries = starts[next - first]

        if entries > int64 Array.MaxLength then
            raise (
                CoExprFailure(CoExprError.TooLarge($"{source.Name}: entries of a gene", entries, int64 Array.MaxLength))
            )

        let cellOf, values =
            Array.zeroCreate<int>(int entries), Array.zeroCreate<float32>(int entries)

        if EntryStream.linesAreCells source then
            let places = Array.init (next - first) (fun gene -> int starts[gene])
            EntryStream.visit source stage (0, source.Cells) (scatter (first, next) places cellOf values)
        else
            EntryStream.visit source stage (first, next) (append cellOf values)

        let matrix: Compressed = {
            Starts = starts
            Indices = cellOf
            Values = values
        }

        SparseCounts.OfGenes(source.Cells, next - first, matrix)

    /// The value that breaks a rule in the earliest cell, there in the earliest gene: cell, gene, value.
    let firstBad isGood (byGene: Compressed) firstGene =
        let mutable found = ValueNone

        for gene in 0 .. byGene.Lines - 1 do
            let values = byGene.ValuesOf gene
            let mutable at = 0

            while at < values.Length && isGood values[at] do
                at <- at + 1

            if at < values.Length then
                let bad = struct (byGene.IndicesOf(gene)[at], firstGene + gene, values[at])

                match found with
                | ValueSome(struct (cell, _, _)) when cell <= (let struct (c, _, _) = bad in c) -> ()
                | _ -> found <- ValueSome bad

        found

    /// What all genes are checked for while they pass by.
    type Checks(source: string, rules: ((float32 -> bool) * string) list) =
        let earliest = Array.create rules.Length ValueNone

        member _.Look(byGene: Compressed, firstGene) =
            rules
            |> List.iteri (fun rule (isGood, _) ->
                match firstBad isGood byGene firstGene, earliest[rule] with
                | ValueSome(struct (cell, gene, _) as bad), ValueSome(struct (cellBefore, geneBefore, _)) when
                    struct (cell, gene) < struct (cellBefore, geneBefore)
                    ->
                    earliest[rule] <- ValueSome bad
                | (ValueSome _ as bad), ValueNone -> earliest[rule] <- bad
                | _ -> ())

        /// Raises the first error, if there was any.
        member _.Finish(geneNames: string[], cellName: int -> string) =
            rules
            |> List.iteri (fun rule (_, advice) ->
                match earliest[rule] with
                | ValueSome(struct (cell, gene, value)) ->
                    let error =
                        CoExprError.BadValue(source, geneNames[gene], cellName cell, float value, advice)

                    raise (CoExprFailure error)
                | ValueNone -> ())

    let private addGroup (options: CoexpressionOptions) (writer: GeneStoreWriter) firstGene (counts: SparseCounts) =
        let byGene = counts.ByGene

        let passing =
            GeneFilter.passing options.MinimumCells options.EntropyAbove options.EntropyRule counts

        let binned = Discretization.genes options.Threads options.Edges options.Bins counts
        let wantsValues = Coexpression.wantsValues options

        for gene in passing do
            let first, length = int binned.Starts[gene], binned.Expressed gene

            writer.Add(
                firstGene + gene,
                binned.CellOf.AsSpan(first, length),
                binned.LevelOf.AsSpan(first, length),
                binned.Levels[gene],
                (if wantsValues then byGene.IndicesOf gene else Span.Empty),
                (if wantsValues then byGene.ValuesOf gene else Span.Empty)
            )

    /// Cuts the genes that pass into levels and writes them to a file for a GeneStore. Gives where they are, and the hash
    /// of the matrix. Bad values raise what reading the whole matrix would.
    let write
        (options: CoexpressionOptions)
        (source: EntryStream.Source)
        groupEntries
        (geneNames: string[])
        cellName
        (path: string)
        =
        let counts = EntryStream.countByGene source
        let groups = groups groupEntries counts
        let checks = Checks(source.File.Path, Coexpression.valueRules options)
        let hashes = ResizeArray<byte[]>()

        use stream =
            new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 <<< 20)

        use hashing = new HashingWriter(stream)
        let writer = GeneStoreWriter hashing

        groups
        |> Array.iteri (fun i (first, next) ->
            let stage = $"turning genes to lines, group {i + 1} of {groups.Length}"
            let group = readGroup source stage counts (first, next)
            checks.Look(group.ByGene, first)
            hashes.AddRange(ContentHash.ofGenes options.Threads group.ByGene)
            addGroup options writer first group)

        checks.Finish(geneNames, cellName)

        {
            Genes = writer.Genes
            Matrix = ContentHash.ofMatrix source.Cells (hashes.ToArray())
            FileHash = hashing.Hash()
        }
