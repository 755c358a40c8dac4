namespace CoExpr.IO

open System
open CoExpr
open CoExpr.Hdf5

/// Takes some neighbouring entries of one line of a matrix: their indices on the other axis, and their values.
type internal EntryVisitor = delegate of line: int * indices: Span<int> * values: Span<float32> -> unit

/// The entries of a matrix in an .h5ad file, block by block, so that the whole is never in memory.
[<RequireQualifiedAccess>]
module internal EntryStream =

    /// A matrix as it lies in its file.
    type Source = {
        Name: string
        File: Hdf5File
        Stored: H5Matrix.Stored
        Cells: int
        Genes: int
        Options: ReadOptions
        /// Entries that are in memory at once, in whole chunks of the file.
        BlockEntries: int
    }

    /// Whether lines are cells; they are genes otherwise.
    let linesAreCells source =
        match source.Stored with
        | H5Matrix.Stored.Sparse(_, H5Matrix.Lines.Columns, _, _) -> false
        | _ -> true

    let create (options: ReadOptions) file name stored blockEntries =
        match stored with
        | H5Matrix.Stored.Sparse(_, _, cells, genes)
        | H5Matrix.Stored.Dense(_, cells, genes) -> {
            Name = name
            File = file
            Stored = stored
            Cells = H5Matrix.fits file name cells
            Genes = H5Matrix.fits file name genes
            Options = options
            BlockEntries = blockEntries
          }
        | H5Matrix.Stored.Other what -> H5.damaged file.Path $"{name} is no matrix but {what}."

    /// Entries that are stored; of a dense matrix all places.
    let stored source =
        match source.Stored with
        | H5Matrix.Stored.Sparse(group, _, _, _) -> (H5.dataset source.File.Path group "data").Count
        | _ -> int64 source.Cells * int64 source.Genes

    /// Entries of a block: as many as wanted, in whole chunks, for a chunk in two blocks is decompressed twice.
    let private blockLength wanted (dataset: Hdf5Dataset) =
        let chunk = if isNull dataset.Chunk then 1L else max 1L dataset.Chunk[0]
        (int64 wanted + chunk - 1L) / chunk * chunk

    /// Hands out the entries from `at` to before `next`, line by line; `line` is that of the first.
    let private visitBlock (starts: int64[]) line at next (indices: int[]) (values: float32[]) (visit: EntryVisitor) =
        let mutable line, from = line, at

        while from < next do
            while starts[line + 1] <= from do
                line <- line + 1

            let until = min next starts[line + 1]
            let first, length = int (from - at), int (until - from)
            visit.Invoke(line, indices.AsSpan(first, length), values.AsSpan(first, length))
            from <- until

        line

    let private sparse source stage group lines width (first: int, next: int) (visit: EntryVisitor) =
        let starts, indices, data = H5Matrix.lineStarts source.File group lines
        let threads, token = source.Options.Threads, source.Options.Progress.Token
        let length = blockLength source.BlockEntries indices
        let last = starts[next]
        let room = int (min length (max 0L (last - starts[first])))

        let indexBlock, valueBlock =
            Array.zeroCreate<int> room, Array.zeroCreate<float32> room

        let advance =
            Progress.counter source.Options.Progress stage "values" (last - starts[first])

        let mutable at, line = starts[first], first

        while at < last do
            let until = min last ((at / length + 1L) * length)
            let count = int (until - at)
            indices.ReadRows(at, Memory(indexBlock, 0, count), threads, token)
            H5Matrix.checkIndices source.File source.Name threads indexBlock count width
            data.ReadRows(at, Memory(valueBlock, 0, count), threads, token)
            line <- visitBlock starts line at until indexBlock valueBlock visit
            at <- until
            advance (int64 count)

    /// The entries of a dense row that are not 0; NaN is unequal to 0, and so stays in sight.
    let private gather (row: Span<float32>) (indices: int[]) (values: float32[]) =
        let mutable count = 0

        for column in 0 .. row.Length - 1 do
            if row[column] <> 0.0f then
                indices[count] <- column
                values[count] <- row[column]
                count <- count + 1

        count

    let private dense source stage (dataset: Hdf5Dataset) (first: int, next: int) (visit: EntryVisitor) =
        let width = source.Genes
        let blockRows = H5Matrix.blockRows source.BlockEntries dataset width
        let block = Array.zeroCreate<float32>(min (next - first) blockRows * width)
        let indices, values = Array.zeroCreate<int> width, Array.zeroCreate<float32> width

        let advance =
            Progress.counter source.Options.Progress stage "rows" (int64 (next - first))

        for row in first..blockRows .. next - 1 do
            let count = min blockRows (next - row)
            let memory = Memory(block, 0, count * width)
            dataset.ReadRows(int64 row, memory, source.Options.Threads, source.Options.Progress.Token)

            for line in 0 .. count - 1 do
                let kept = gather (block.AsSpan(line * width, width)) indices values
                visit.Invoke(row + line, indices.AsSpan(0, kept), values.AsSpan(0, kept))

            advance (int64 count)

    /// Visits the entries of the lines from `first` to before `next`, in the order of the file: a line in one or more
    /// pieces. The spans are used again.
    let visit source stage (first: int, next: int) (visit: EntryVisitor) =
        match source.Stored with
        | H5Matrix.Stored.Sparse(group, H5Matrix.Lines.Rows, rows, columns) ->
            sparse source stage group rows (int columns) (first, next) visit
        | H5Matrix.Stored.Sparse(group, H5Matrix.Lines.Columns, rows, columns) ->
            sparse source stage group columns (int rows) (first, next) visit
        | H5Matrix.Stored.Dense(dataset, _, _) -> dense source stage dataset (first, next) visit
        | H5Matrix.Stored.Other what -> H5.damaged source.File.Path $"{source.Name} is no matrix but {what}."

    /// An upper bound of each gene's entries that are not 0: what a table of starts says, or a count.
    let countByGene source : int64[] =
        match source.Stored with
        | H5Matrix.Stored.Sparse(group, H5Matrix.Lines.Columns, _, genes) ->
            let starts, _, _ = H5Matrix.lineStarts source.File group genes
            Array.init source.Genes (fun gene -> starts[gene + 1] - starts[gene])
        | _ ->
            let counts = Array.zeroCreate<int64> source.Genes

            visit
                source
                "counting"
                (0, source.Cells)
                (EntryVisitor(fun _ genes _ ->
                    for gene in genes do
                        counts[gene] <- counts[gene] + 1L))

            counts
