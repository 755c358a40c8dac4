namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open CoExpr

/// An entry on its way from the line of its cell to the line of its gene.
[<Struct; StructLayout(LayoutKind.Sequential, Pack = 4)>]
type internal MovingEntry = { Gene: int; Cell: int; Value: float32 }

/// Drops the entries of cells, as they come, into one file for each of some neighbouring blocks of genes.
[<Sealed>]
type internal EntryBuckets(paths: string[], bounds: int[]) =

    /// Entries that wait for their file: 24 kB of each.
    [<Literal>]
    static let Waiting = 2048

    let files =
        paths
        |> Array.map (fun path -> new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0))

    let waiting = paths |> Array.map (fun _ -> Array.zeroCreate<MovingEntry> Waiting)
    let counts = Array.zeroCreate<int> paths.Length
    let first = bounds[0]

    /// The bucket of every gene from the first on.
    let bucketOf =
        Array.init paths.Length (fun bucket -> Array.create (bounds[bucket + 1] - bounds[bucket]) bucket)
        |> Array.concat

    let flush bucket =
        files[bucket].Write(MemoryMarshal.AsBytes(ReadOnlySpan(waiting[bucket], 0, counts[bucket])))
        counts[bucket] <- 0

    let add entry bucket =
        if counts[bucket] = Waiting then
            flush bucket

        waiting[bucket][counts[bucket]] <- entry
        counts[bucket] <- counts[bucket] + 1

    /// Takes entries of one cell; those of genes without a bucket are left out.
    member _.Add(cell: int, genes: Span<int>, values: Span<float32>) =
        for at in 0 .. genes.Length - 1 do
            let gene = genes[at]

            if uint32 (gene - first) < uint32 bucketOf.Length then
                add
                    {
                        Gene = gene
                        Cell = cell
                        Value = values[at]
                    }
                    bucketOf[gene - first]

    /// Writes what waits.
    member _.Finish() =
        for bucket in 0 .. paths.Length - 1 do
            flush bucket
            files[bucket].Dispose()

    interface IDisposable with
        member _.Dispose() =
            files |> Array.iter (fun file -> file.Dispose())

/// The genes of an input in blocks of neighbours, each in a file of its own.
type internal GeneBlockIndex = {
    Cells: int
    /// The first gene of every block, and the number of genes.
    Bounds: int[]
    /// Entries of every gene that are stored in the input.
    Entries: int64[]
} with

    member this.Genes = this.Entries.Length
    member this.Blocks = this.Bounds.Length - 1

/// Turning a matrix that need not fit into memory on its side, once: the entries of cells are dropped into one file for each
/// block of genes, and every block is then sorted by itself. A matrix that is stored by gene is read block by block.
[<RequireQualifiedAccess>]
module internal GeneBlockFiles =

    let private indexName = "blocks.index"

    let private blockName (block: int) = $"genes-{block:D5}.bin"

    /// Files that are open at once.
    [<Literal>]
    let private MostBuckets = 64

    /// Entries of a bucket that are read at once.
    [<Literal>]
    let private ReadEntries = 16384

    /// Blocks of neighbours whose genes weigh together at most this much, at least one gene each.
    let bounds (most: int64) (weights: int64[]) : int[] = [|
        for first, _ in GeneTiles.groups most weights do
            first
        weights.Length
    |]

    let private writeBlock (folder: PartsFolder) key block (counts: SparseCounts) =
        let byGene = counts.ByGene

        HashedFile.write (folder.File(blockName block)) key (fun writer ->
            writer.Array byGene.Starts
            writer.Array byGene.Indices
            writer.Array byGene.Values)
        |> CoExprError.unwrap

    /// The genes of a block with all their entries; indices are cells of the input.
    let read (folder: PartsFolder) block : Compressed =
        HashedFile.read (folder.File(blockName block)) (fun reader ->
            let starts = reader.Array<int64>()
            let indices = reader.Array<int>()

            {
                Starts = starts
                Indices = indices
                Values = reader.Array<float32>()
            })

    /// Sorts the entries of a bucket by gene. They come cell by cell, so that those of a gene stay in the order of cells.
    let private sorted (index: GeneBlockIndex) block (path: string) =
        let first, next = index.Bounds[block], index.Bounds[block + 1]
        let starts = index.Entries[first .. next - 1] |> Array.scan (+) 0L
        let places = Array.init (next - first) (fun gene -> int starts[gene])

        let cells, values =
            Array.zeroCreate<int>(int starts[next - first]), Array.zeroCreate<float32>(int starts[next - first])

        use file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0)
        let buffer = Array.zeroCreate<MovingEntry> ReadEntries
        let mutable left = cells.Length

        while left > 0 do
            let count = min left ReadEntries
            file.ReadExactly(MemoryMarshal.AsBytes(Span(buffer, 0, count)))

            for at in 0 .. count - 1 do
                let entry = buffer[at]
                let place = places[entry.Gene - first]
                places[entry.Gene - first] <- place + 1
                cells[place] <- entry.Cell
                values[place] <- entry.Value

            left <- left - count

        let matrix: Compressed = {
            Starts = starts
            Indices = cells
            Values = values
        }

        SparseCounts.OfGenes(index.Cells, next - first, matrix)

    let private turnCells (source: EntryStream.Source) (folder: PartsFolder) key (index: GeneBlockIndex) =
        for first in 0..MostBuckets .. index.Blocks - 1 do
            let next = min index.Blocks (first + MostBuckets)

            // Named as what is half written, which the next run removes if this one is killed.
            let paths =
                [| first .. next - 1 |]
                |> Array.map (fun block -> folder.File $".bucket-{block:D5}.partial.bin")

            use buckets = new EntryBuckets(paths, index.Bounds[first..next])

            EntryStream.visit
                source
                "turning cells to genes"
                (0, source.Cells)
                (EntryVisitor(fun cell genes values -> buckets.Add(cell, genes, values)))

            buckets.Finish()

            for block in first .. next - 1 do
                sorted index block paths[block - first] |> writeBlock folder key block
                File.Delete paths[block - first]

    let private turnGenes (source: EntryStream.Source) folder key (index: GeneBlockIndex) =
        for block in 0 .. index.Blocks - 1 do
            GeneTiles.readGroup source "reading genes" index.Entries (index.Bounds[block], index.Bounds[block + 1])
            |> writeBlock folder key block

    let private clear (folder: PartsFolder) =
        for file in Directory.GetFiles(folder.Path, "*-*.bin") do
            File.Delete file

    let private requireRoom (source: EntryStream.Source) (index: GeneBlockIndex) =
        for block in 0 .. index.Blocks - 1 do
            let entries =
                Array.sum index.Entries[index.Bounds[block] .. index.Bounds[block + 1] - 1]

            if entries > int64 Array.MaxLength then
                raise (
                    CoExprFailure(
                        CoExprError.TooLarge($"{source.Name}: entries of a gene", entries, int64 Array.MaxLength)
                    )
                )

    /// Puts the genes of an input into blocks of at most `most`, as `weigh` weighs each from its number of entries.
    let write (source: EntryStream.Source) (folder: PartsFolder) key most (weigh: int64 -> int64) : GeneBlockIndex =
        clear folder
        let entries = EntryStream.countByGene source

        let index = {
            Cells = source.Cells
            Bounds = bounds most (Array.map weigh entries)
            Entries = entries
        }

        requireRoom source index

        if EntryStream.linesAreCells source then
            turnCells source folder key index
        else
            turnGenes source folder key index

        HashedFile.write (folder.File indexName) key (fun writer ->
            writer.Integer index.Cells
            writer.Array index.Bounds
            writer.Array index.Entries)
        |> CoExprError.unwrap

        index

    let private readIndex path =
        HashedFile.read path (fun reader ->
            let cells = reader.Integer()
            let bounds = reader.Array<int>()

            {
                Cells = cells
                Bounds = bounds
                Entries = reader.Array<int64>()
            })

    /// What is wrong with a block that should be there.
    let private fault (folder: PartsFolder) key (index: GeneBlockIndex) =
        seq { 0 .. index.Blocks - 1 }
        |> Seq.tryPick (fun block ->
            let path = folder.File(blockName block)

            if File.Exists path then
                HashedFile.fault path key |> Option.map (fun fault -> path, fault)
            else
                Some(path, "it is gone"))

    /// Whether blocks that were made for an earlier run are no larger than this run's may be, by much.
    let private fits most weigh (index: GeneBlockIndex) =
        seq { 0 .. index.Blocks - 1 }
        |> Seq.forall (fun block ->
            let first, next = index.Bounds[block], index.Bounds[block + 1]
            let weight = Array.sumBy weigh index.Entries[first .. next - 1]
            next - first = 1 || weight <= most + most / 8L)

    /// Blocks that an earlier run has left, if they are as it wrote them and small enough.
    let tryFind tell (folder: PartsFolder) key most weigh : GeneBlockIndex option =
        let path = folder.File indexName

        if not (File.Exists path) then
            None
        else
            match HashedFile.fault path key with
            | Some fault ->
                tell $"{path} is made again: {fault}."
                None
            | None ->
                let index = readIndex path

                match fault folder key index with
                | Some(block, fault) ->
                    tell $"{block} is made again, and all that rests on it: {fault}."
                    None
                | None when not (fits most weigh index) ->
                    tell $"The parts in {folder.Path} were made with more --memory; they are made again."
                    None
                | None -> Some index
