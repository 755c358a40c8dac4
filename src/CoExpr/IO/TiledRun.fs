namespace CoExpr.IO

open System
open System.IO
open CoExpr
open CoExpr.Kernels

/// How much of a matrix and of its pairs is in memory at once.
type TileSizes = {
    /// Most bytes of a tile of genes, as TilePlan.geneBytes counts them; a single gene may have more.
    TileBytes: int64
    /// Most genes of a tile.
    TileGenes: int
    /// Most entries of the genes that are turned to lines at once; a single gene may have more.
    GroupEntries: int64
    /// Entries of the file that are read at once, in whole chunks of it.
    BlockEntries: int
    /// Entries of the square of all pairs that are put together at once; at least a row.
    SquareEntries: int
}

/// Scores of a matrix that need not fit into memory, in parts that outlive the process.
///
/// Genes are cut into levels one group after the other and put into a file; then every pair of tiles of genes is scored
/// by itself, into a file of its own; then these are merged. A file that is there from an earlier run is not made again.
[<RequireQualifiedAccess>]
module internal TiledRun =

    /// What is asked for.
    type Request = {
        Progress: Progress
        Read: ReadOptions
        Options: CoexpressionOptions
        Sizes: TileSizes
        /// Told what a person should know: parts that were found, parts that were damaged.
        Tell: string -> unit
        /// Scores that are known already, by the hash of the matrix and the names of all its genes.
        Known: string -> string[] -> PairStore option
    }

    /// The genes of an input as they lie in a folder.
    type private Prepared = {
        Cells: int
        Matrix: string
        Genes: StoredGene[]
        Plan: TilePlan
    }

    let private indexName, private genesName = "genes.index", "genes.bin"

    let private bytesOf request cells (genes: StoredGene[]) =
        genes
        |> Array.map (fun gene -> TilePlan.geneBytes request.Options cells gene.Expressed)

    let private planOf request cells (genes: StoredGene[]) =
        let expressed = genes |> Array.map (fun gene -> gene.Expressed)
        let sizes = request.Sizes
        TilePlan.create sizes.TileBytes sizes.TileGenes (bytesOf request cells genes) expressed

    let private writeIndex path key prepared (fileHash: byte[]) =
        HashedFile.write path key (fun writer ->
            writer.Integer prepared.Cells
            writer.Text prepared.Matrix
            writer.Array prepared.Genes
            writer.Array fileHash
            writer.Integer prepared.Plan.Tiles.Length
            prepared.Plan.Tiles |> Array.iter writer.Array)

    let private readIndex path =
        HashedFile.read path (fun reader ->
            let cells = reader.Integer()
            let matrix = reader.Text()
            let genes = reader.Array<StoredGene>()
            let fileHash = reader.Array<byte>()
            let tiles = Array.init (reader.Integer()) (fun _ -> reader.Array<int>())

            struct ({
                        Cells = cells
                        Matrix = matrix
                        Genes = genes
                        Plan = { Tiles = tiles }
                    },
                    fileHash))

    /// Whether tiles that were made for an earlier run are no larger than this run's may be, by much.
    let private fits request prepared =
        let bytes = bytesOf request prepared.Cells prepared.Genes
        let sizes = request.Sizes

        prepared.Plan.Tiles
        |> Array.forall (fun tile ->
            tile.Length = 1
            || (Array.sumBy (fun gene -> bytes[gene]) tile
                <= sizes.TileBytes + sizes.TileBytes / 8L
                && tile.Length <= sizes.TileGenes + sizes.TileGenes / 8))

    let private clearPairs (folder: PartsFolder) =
        for file in Directory.GetFiles(folder.Path, "pairs-*.bin") do
            File.Delete file

    /// The same genes, in other tiles if theirs are too large for this run.
    let private refit request (folder: PartsFolder) key prepared fileHash =
        if fits request prepared then
            prepared
        else
            request.Tell $"The parts in {folder.Path} were made with more --memory; their pairs are scored again."
            clearPairs folder

            let smaller = {
                prepared with
                    Plan = planOf request prepared.Cells prepared.Genes
            }

            writeIndex (folder.File indexName) key smaller fileHash |> CoExprError.unwrap
            smaller

    /// Genes that an earlier run has left, if they are as it wrote them.
    let private tryFind request (folder: PartsFolder) key =
        let index, genes = folder.File indexName, folder.File genesName

        if not (File.Exists index && File.Exists genes) then
            None
        else
            match HashedFile.fault index key with
            | Some fault ->
                request.Tell $"{index} is made again: {fault}."
                None
            | None ->
                let struct (prepared, fileHash) = readIndex index

                if HashedFile.hashOf genes = fileHash then
                    Some(refit request folder key prepared fileHash)
                else
                    request.Tell $"{genes} is made again: its bytes are not those that were written."
                    None

    let private cellName path cell =
        match AnnData.cellTable path with
        | Ok table when cell < Table.rows table -> table.Names[cell]
        | _ -> string (cell + 1)

    let private prepare request (folder: PartsFolder) key (source: EntryStream.Source) (geneNames: string[]) =
        // Parts of other tiles than those that are to come.
        clearPairs folder

        let written =
            AtomicFile.write (folder.File genesName) (fun temporary ->
                GeneTiles.write
                    request.Options
                    source
                    request.Sizes.GroupEntries
                    geneNames
                    (cellName source.File.Path)
                    temporary)
            |> CoExprError.unwrap

        let prepared = {
            Cells = source.Cells
            Matrix = written.Matrix
            Genes = written.Genes
            Plan = planOf request source.Cells written.Genes
        }

        writeIndex (folder.File indexName) key prepared written.FileHash
        |> CoExprError.unwrap

        prepared

    let private requireGenes request source inputGenes (prepared: Prepared) =
        prepared.Genes
        |> Array.map (fun gene -> gene.Number)
        |> Coexpression.requirePair request.Options source inputGenes
        |> Result.bind (Coexpression.requireRoom request.Options)
        |> CoExprError.unwrap

    /// Frees what the last tiles took, since the next ones take as much: the collector would wait.
    let private collect (store: GeneStore) =
        let bytes =
            store.Genes |> Array.sumBy (fun gene -> StoredGene.endOf gene - gene.Offset)

        fun () ->
            if bytes > (16L <<< 20) then
                GC.Collect(2, GCCollectionMode.Aggressive, true, true)

    let private scorePair advance request (store: GeneStore) (names: string[]) (plan: TilePlan) file key pair =
        let struct (first, second) = pair
        let rows = plan.Tiles[first]

        let genes =
            if first = second then
                rows
            else
                Array.append rows plan.Tiles[second]

        let localNames = genes |> Array.map (fun gene -> names[gene])

        let struct (binned, values) =
            store.Read(genes, Coexpression.wantsValues request.Options)

        let struct (scores, counting) =
            TileScores.compute advance request.Options localNames rows.Length binned values

        let firstColumn = if first = second then 0 else rows.Length

        TileFiles.write file key localNames rows.Length firstColumn scores
        |> CoExprError.unwrap

        let shift = TilePlan.firstPlace plan second - firstColumn

        CountingUses.shifted shift counting

    let private scoreAll request (folder: PartsFolder) key prepared (names: string[]) =
        use store = new GeneStore(folder.File genesName, prepared.Cells, prepared.Genes)
        let collect = collect store
        let genes = int64 prepared.Genes.Length

        let advance =
            Progress.counter request.Progress "scoring" "pairs" (genes * (genes - 1L) / 2L)

        let fileOf pair = folder.File(TileFiles.name pair)

        let finished, missing =
            prepared.Plan.Pairs
            |> Array.partition (fileOf >> HashedFile.isWhole request.Tell key)

        if finished.Length > 0 then
            request.Tell $"{finished.Length} of {prepared.Plan.Pairs.Length} parts are taken from {folder.Path}."

        for struct (first, second) in finished do
            advance (prepared.Plan.GenePairs(first, second))

        // Every pair of tiles has the table of n log n in common: held here, it is made once.
        let table = EntropyTable.Shared prepared.Cells

        let counting =
            missing
            |> Array.map (fun pair ->
                collect ()
                scorePair advance request store names prepared.Plan (fileOf pair) key pair)

        collect ()
        GC.KeepAlive table
        counting |> Array.concat |> CountingUses.byTile

    let private merge request (folder: PartsFolder) prepared (names: string[]) =
        let fileOf pair = folder.File(TileFiles.name pair)

        match request.Options.Keep with
        | Keep.All ->
            let square = SquareFile.Create(folder.File "square.bin", names.Length)
            TileMerge.square request.Progress prepared.Plan fileOf names.Length request.Sizes.SquareEntries square
            PairStore.Rows square
        | _ -> TileMerge.kept request.Options names prepared.Plan fileOf

    /// What is written in the index is of one file and one way of making it.
    let private keyOf identity =
        HashedFile.keyOf (RunIdentity.write identity)

    let private requireNames path genes geneTable =
        if Table.rows geneTable <> genes then
            raise (CoExprFailure(CoExprError.UnequalLengths($"{path}: names of genes", genes, Table.rows geneTable)))

        match Cells.duplicateGene path geneTable.Names with
        | Some error -> raise (CoExprFailure error)
        | None -> ()

    let private compute request (folder: PartsFolder) identity (file: Hdf5.Hdf5File) =
        let struct (name, stored, geneTable) = AnnData.openMatrix request.Read file

        let source =
            EntryStream.create request.Read file name stored request.Sizes.BlockEntries

        let key = keyOf identity

        requireNames file.Path source.Genes geneTable
        Coexpression.requireRanks request.Options source.Cells |> CoExprError.unwrap

        let prepared =
            tryFind request folder key
            |> Option.defaultWith (fun () -> prepare request folder key source geneTable.Names)

        let kept = requireGenes request file.Path source.Genes prepared
        let expressed = prepared.Genes |> Array.map (fun gene -> gene.Expressed)
        let levels = prepared.Genes |> Array.map (fun gene -> gene.Levels)
        let table = Coexpression.geneTable kept expressed levels geneTable

        let struct (store, counting) =
            match request.Known prepared.Matrix geneTable.Names with
            | Some store -> struct (store, [||])
            | None ->
                let counting = scoreAll request folder key prepared table.Names
                struct (merge request folder prepared table.Names, counting)

        let result: CoexpressionResult = {
            Scores = PairScores(table.Names, store)
            Options = request.Options
            Source = file.Path
            Cells = source.Cells
            InputGenes = source.Genes
            CellTable = Table.ofNames [||]
            GeneTable = table
            PairsScored = int64 kept.Length * int64 (kept.Length - 1) / 2L
            Tests = None
            Resampling = PairResampling.nothing
            Counting = counting
        }

        struct (kept, result)

    let private withCells path (scored: CoexpressionResult) =
        AnnData.cellTable path
        |> Result.bind (fun cells ->
            if Table.rows cells = scored.Cells then
                Ok { scored with CellTable = cells }
            else
                Error(CoExprError.UnequalLengths($"{path}: names of cells", scored.Cells, Table.rows cells)))

    /// Scores the pairs of an .h5ad file, in a folder that is kept if the work is stopped or the disk is full, and that
    /// the caller removes when its results are safe. Gives the numbers of the scored genes, too. The result is that of
    /// `Coexpression.compute` to the bit; its table of cells is read at the end.
    let run request identity (folder: PartsFolder) path : Result<struct (int[] * CoexpressionResult), CoExprError> =
        PartsFolder.guard folder (fun () ->
            result {
                let! struct (kept, scored) = H5.read path (compute request folder identity)
                let! whole = withCells path scored
                return struct (kept, whole)
            })
