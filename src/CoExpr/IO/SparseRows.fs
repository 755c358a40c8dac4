namespace CoExpr.IO

open System
open CoExpr

/// What a row of a file is, where the file itself does not say.
[<RequireQualifiedAccess>]
type RowsAre =
    | Cells
    | Genes

[<RequireQualifiedAccess>]
module RowsAre =
    /// What a column is.
    let other rowsAre =
        match rowsAre with
        | RowsAre.Cells -> RowsAre.Genes
        | RowsAre.Genes -> RowsAre.Cells

/// A sparse matrix as it grows, row after row.
[<Sealed>]
type internal SparseRows(source: string) =
    let mutable indices = Array.zeroCreate<int> 4096
    let mutable values = Array.zeroCreate<float32> 4096
    let mutable count = 0
    let starts = ResizeArray [ 0L ]

    let grow () =
        if count >= Array.MaxLength then
            raise (
                CoExprFailure(
                    CoExprError.TooLarge($"{source}: non-zero entries", int64 count + 1L, int64 Array.MaxLength)
                )
            )

        let size = int (min (int64 Array.MaxLength) (int64 count * 2L))
        Array.Resize(&indices, size)
        Array.Resize(&values, size)

    /// Adds a value to the row; zeros are left out.
    member _.Add(index: int, value: float32) =
        if value <> 0.0f then
            if count = indices.Length then
                grow ()

            indices[count] <- index
            values[count] <- value
            count <- count + 1

    member _.EndRow() = starts.Add(int64 count)

    member _.Rows = starts.Count - 1

    /// The matrix of these rows and so many columns.
    member this.ToCounts(rows: RowsAre, columns: int) =
        let matrix = {
            Starts = starts.ToArray()
            Indices = Array.sub indices 0 count
            Values = Array.sub values 0 count
        }

        match rows with
        | RowsAre.Cells -> SparseCounts.OfCells(this.Rows, columns, matrix)
        | RowsAre.Genes -> SparseCounts.OfGenes(columns, this.Rows, matrix)

/// Entries of a sparse matrix in any order, each with its row and column.
[<Sealed>]
type internal SparseEntries(source: string, expected: int) =
    let mutable rows = Array.zeroCreate<int> expected
    let mutable columns = Array.zeroCreate<int> expected
    let mutable values = Array.zeroCreate<float32> expected
    let mutable count = 0
    let mutable rowsAscend = true
    let mutable columnsAscend = true

    let grow () =
        if count >= Array.MaxLength then
            raise (CoExprFailure(CoExprError.TooLarge($"{source}: entries", int64 count + 1L, int64 Array.MaxLength)))

        let size = int (min (int64 Array.MaxLength) (int64 count * 2L + 16L))
        Array.Resize(&rows, size)
        Array.Resize(&columns, size)
        Array.Resize(&values, size)

    /// Puts the entries of every line together, in the order in which they were added: a counting sort.
    let gather lineCount (lines: int[]) (minor: int[]) =
        let starts = Array.zeroCreate<int64>(lineCount + 1)

        for at in 0 .. count - 1 do
            starts[lines[at] + 1] <- starts[lines[at] + 1] + 1L

        for line in 1..lineCount do
            starts[line] <- starts[line] + starts[line - 1]

        let places = Array.copy starts
        let indices, sorted = Array.zeroCreate<int> count, Array.zeroCreate<float32> count

        for at in 0 .. count - 1 do
            let place = int places[lines[at]]
            places[lines[at]] <- int64 place + 1L
            indices[place] <- minor[at]
            sorted[place] <- values[at]

        {
            Starts = starts
            Indices = indices
            Values = sorted
        }

    /// Adds a value; zeros are left out. Values at one place are added up later.
    member _.Add(row: int, column: int, value: float32) =
        if value <> 0.0f then
            if count = values.Length then
                grow ()

            if count > 0 then
                rowsAscend <- rowsAscend && rows[count - 1] <= row
                columnsAscend <- columnsAscend && columns[count - 1] <= column

            rows[count] <- row
            columns[count] <- column
            values[count] <- value
            count <- count + 1

    /// The matrix, held by the lines that the file had it by.
    member _.ToCounts(rowsAre: RowsAre, rowCount: int, columnCount: int) =
        let byRow = rowsAscend && not columnsAscend

        let matrix =
            if byRow then
                gather rowCount rows columns
            else
                gather columnCount columns rows

        match rowsAre, byRow with
        | RowsAre.Cells, true -> SparseCounts.OfCells(rowCount, columnCount, matrix)
        | RowsAre.Cells, false -> SparseCounts.OfGenes(rowCount, columnCount, matrix)
        | RowsAre.Genes, true -> SparseCounts.OfGenes(columnCount, rowCount, matrix)
        | RowsAre.Genes, false -> SparseCounts.OfCells(columnCount, rowCount, matrix)
