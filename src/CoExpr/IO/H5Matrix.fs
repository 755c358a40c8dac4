namespace CoExpr.IO

open System
open CoExpr
open CoExpr.Hdf5

/// Matrices of AnnData: compressed by row or by column, or dense; also the form that sparse matrices had before 0.7.
module internal H5Matrix =

    /// Which axis the lines of a compressed matrix are.
    [<RequireQualifiedAccess>]
    type Lines =
        | Rows
        | Columns

    [<RequireQualifiedAccess>]
    type Stored =
        | Sparse of Hdf5Group * Lines * rows: int64 * columns: int64
        | Dense of Hdf5Dataset * rows: int64 * columns: int64
        /// Something that is no matrix, and what.
        | Other of string

    let private encoding (attributes: Hdf5Attributes) =
        match attributes.Text "encoding-type" with
        | null ->
            match attributes.Text "h5sparse_format" with
            | null -> ""
            | format -> format
        | encoding -> encoding

    let private shapeOf (file: Hdf5File) (group: Hdf5Group) =
        let shape =
            match group.Attributes.Numbers<int64> "shape" with
            | null -> group.Attributes.Numbers<int64> "h5sparse_shape"
            | shape -> shape

        match shape with
        | [| rows; columns |] when rows >= 0L && columns >= 0L -> rows, columns
        | _ -> H5.damaged file.Path $"{group.Path.TrimStart '/'} has no attribute with its shape."

    let private ofGroup (file: Hdf5File) (group: Hdf5Group) =
        let encoding = encoding group.Attributes

        let sparse lines =
            Stored.Sparse(group, lines, fst (shapeOf file group), snd (shapeOf file group))

        match encoding with
        | "csr_matrix"
        | "csr_array"
        | "csr" -> sparse Lines.Rows
        | "csc_matrix"
        | "csc_array"
        | "csc" -> sparse Lines.Columns
        | "dataframe" -> Stored.Other "table"
        | "" -> Stored.Other "group"
        | other -> Stored.Other other

    let private ofDataset (dataset: Hdf5Dataset) =
        match List.ofSeq dataset.Shape with
        | _ when encoding dataset.Attributes = "null" -> Stored.Other "nothing"
        | _ when not dataset.Type.IsNumber -> Stored.Other dataset.Type.Name
        | [ rows ] -> Stored.Dense(dataset, rows, 1L)
        | [ rows; columns ] -> Stored.Dense(dataset, rows, columns)
        | axes -> Stored.Other $"array of {axes.Length} axes"

    /// How the matrix at this path is stored; None if nothing is there.
    let find (file: Hdf5File) path =
        match file.Root.KindOf path with
        | Hdf5Member.Group -> Some(ofGroup file (file.Root.Group path))
        | Hdf5Member.Dataset -> Some(ofDataset (file.Root.Dataset path))
        | _ -> None

    /// A field of a dataset of records, which is how obsm and varm were stored before 0.7.
    let ofField (records: Hdf5Dataset) name = ofDataset (records.Field name)

    /// Lines begin at 0, never go back, and end with the last entry.
    let private checkStarts (file: Hdf5File) name (starts: int64[]) lines entries =
        let damaged reason =
            H5.damaged file.Path $"{name}/indptr {reason}"

        if starts.LongLength <> lines + 1L then
            damaged $"has {starts.Length} entries where {lines + 1L} were expected."

        if starts[0] <> 0L then
            damaged $"begins with {starts[0]} instead of 0."

        match Seq.tryFind (fun i -> starts[i] > starts[i + 1]) (seq { 0 .. starts.Length - 2 }) with
        | Some line -> damaged $"falls from {starts[line]} to {starts[line + 1]} at line {line}."
        | None -> ()

        if starts[starts.Length - 1] <> entries then
            damaged $"ends with {starts[starts.Length - 1]} where there are {entries} entries."

    /// The first `count` indices are below `minor`.
    let checkIndices (file: Hdf5File) name threads (indices: int[]) count minor =
        let block = 1 <<< 20

        Schedule.ranges threads block count (fun first next ->
            for at in first .. next - 1 do
                if uint32 indices[at] >= uint32 minor then
                    H5.damaged file.Path $"{name}/indices has {indices[at]} at {at}, outside 0 to {minor - 1}.")

    let fits (file: Hdf5File) name (size: int64) =
        if size > int64 Int32.MaxValue then
            raise (CoExprFailure(CoExprError.TooLarge($"{file.Path}: lines of {name}", size, int64 Int32.MaxValue)))

        int size

    /// Where lines start, checked, and the datasets of the indices and of the values: `lines` lines.
    let lineStarts (file: Hdf5File) (group: Hdf5Group) lines =
        let name = group.Path.TrimStart '/'
        let part name = H5.dataset file.Path group name
        let indices, data = part "indices", part "data"

        if indices.Count <> data.Count then
            H5.damaged file.Path $"{name} has {indices.Count} indices for {data.Count} values."

        let starts = (part "indptr").Read<int64>()
        checkStarts file name starts lines indices.Count
        starts, indices, data

    /// Starts and indices as they are stored, checked, and the dataset of the values: `lines` lines, indices below
    /// `minor`.
    let private structure options (file: Hdf5File) (group: Hdf5Group) lines minor =
        let name = group.Path.TrimStart '/'
        let starts, indices, data = lineStarts file group lines
        let minor = fits file name minor

        let entries = H5.readAll<int> options indices
        checkIndices file name options.Threads entries entries.Length minor
        starts, entries, data

    /// A compressed matrix as it is stored: `lines` lines, indices below `minor`.
    let compressed (options: ReadOptions) (file: Hdf5File) (group: Hdf5Group) lines minor : Compressed =
        let starts, indices, data = structure options file group lines minor

        {
            Starts = starts
            Indices = indices
            Values = H5.readAll<float32> options data
        }

    /// The non-zero entries of some dense rows, appended.
    let private gather (block: float32[]) rows columns (starts: ResizeArray<int64>) (indices: ResizeArray<int>) values =
        for row in 0 .. rows - 1 do
            for column in 0 .. columns - 1 do
                let value = block[row * columns + column]

                // NaN is unequal to 0, and so stays in sight.
                if value <> 0.0f then
                    indices.Add column
                    (values: ResizeArray<float32>).Add value

            starts.Add(int64 indices.Count)

    /// Rows of about so many elements. Whole chunks, since a chunk that lies in two blocks is decompressed twice.
    let blockRows elements (dataset: Hdf5Dataset) columns =
        let chunkRows = if isNull dataset.Chunk then 1 else int dataset.Chunk[0]
        let wanted = max 1 (elements / max 1 columns)
        (wanted + chunkRows - 1) / chunkRows * chunkRows

    /// A dense matrix becomes sparse block by block of rows; the whole of it is never in memory.
    let private sparseOfDense (options: ReadOptions) (dataset: Hdf5Dataset) rows columns : Compressed =
        let blockRows = blockRows (1 <<< 22) dataset columns
        let starts, indices, values = ResizeArray [ 0L ], ResizeArray(), ResizeArray()

        let advance =
            Progress.counter options.Progress $"reading {dataset.Name}" "rows" (int64 rows)

        let block = Array.zeroCreate<float32>(min rows blockRows * columns)

        for first in 0..blockRows .. rows - 1 do
            let count = min blockRows (rows - first)
            let memory = Memory(block, 0, count * columns)
            dataset.ReadRows(int64 first, memory, options.Threads, options.Progress.Token)
            gather block count columns starts indices values
            advance (int64 count)

        {
            Starts = starts.ToArray()
            Indices = indices.ToArray()
            Values = values.ToArray()
        }

    /// Cells are rows, genes columns.
    let counts (options: ReadOptions) (file: Hdf5File) name stored =
        match stored with
        | Stored.Sparse(group, Lines.Rows, cells, genes) ->
            let matrix = compressed options file group cells genes
            SparseCounts.OfCells(fits file name cells, int genes, matrix)
        | Stored.Sparse(group, Lines.Columns, cells, genes) ->
            let matrix = compressed options file group genes cells
            SparseCounts.OfGenes(int cells, fits file name genes, matrix)
        | Stored.Dense(dataset, cells, genes) ->
            let cells, genes = fits file name cells, fits file name genes
            SparseCounts.OfCells(cells, genes, sparseOfDense options dataset cells genes)
        | Stored.Other what -> H5.damaged file.Path $"{name} is no matrix but {what}."

    /// A sparse matrix in full, in double precision.
    let private scatter options file group lines rows columns =
        let major, minor =
            match lines with
            | Lines.Rows -> rows, columns
            | Lines.Columns -> columns, rows

        let starts, indices, data = structure options file group major minor
        let entries = data.Read<float>(options.Threads, options.Progress.Token)
        let values = Array.zeroCreate<float>(int (rows * columns))

        for line in 0 .. starts.Length - 2 do
            for at in int starts[line] .. int starts[line + 1] - 1 do
                let place =
                    match lines with
                    | Lines.Rows -> line * int columns + indices[at]
                    | Lines.Columns -> indices[at] * int columns + line

                values[place] <- values[place] + entries[at]

        values

    let private tableMatrix (table: Table) =
        let numbers =
            table.Columns
            |> Array.choose (fun (_, column) ->
                match column with
                | Column.Float values -> Some values
                | Column.Integer(values, [||]) -> Some(Array.map float values)
                | _ -> None)

        {
            Rows = Table.rows table
            Columns = numbers.Length
            Values =
                Array.init (Table.rows table * numbers.Length) (fun i ->
                    numbers[i % numbers.Length][i / numbers.Length])
        }

    /// Any matrix in full: coordinates, loadings. Of a table, the columns of numbers without missing values.
    let dense (options: ReadOptions) (file: Hdf5File) name stored =
        let full rows columns values =
            if rows * columns > int64 Array.MaxLength then
                raise (CoExprFailure(CoExprError.TooLarge(name, rows * columns, int64 Array.MaxLength)))

            {
                Rows = int rows
                Columns = int columns
                Values = values ()
            }

        match stored with
        | Stored.Dense(dataset, rows, columns) ->
            full rows columns (fun () -> dataset.Read<float>(options.Threads, options.Progress.Token))
        | Stored.Sparse(group, lines, rows, columns) ->
            full rows columns (fun () -> scatter options file group lines rows columns)
        | Stored.Other "table" -> tableMatrix (H5Table.read file name)
        | Stored.Other what -> H5.damaged file.Path $"{name} is no matrix but {what}."

    /// What the matrix is, without its values.
    let contents (file: Hdf5File) name stored =
        let described kind elementType rows columns entries = {
            Name = name
            Kind = kind
            ElementType = elementType
            Rows = rows
            Columns = columns
            Entries = entries
        }

        match stored with
        | Stored.Other what -> described what "" 0L 0L None
        | Stored.Dense(dataset, rows, columns) -> described "dense" dataset.Type.Name rows columns None
        | Stored.Sparse(group, lines, rows, columns) ->
            let data = H5.dataset file.Path group "data"
            let kind = if lines = Lines.Rows then "csr" else "csc"
            described kind data.Type.Name rows columns (Some data.Count)
