namespace CoExpr.IO

open System
open System.IO
open System.Runtime.CompilerServices
open System.Text
open CoExpr

/// How a MatrixMarket file lists its values.
[<RequireQualifiedAccess>]
type private Layout =
    /// One entry a line: row, column, value.
    | Coordinate
    /// One value a line, column after column.
    | Array

/// The first lines of a MatrixMarket file.
type private MatrixMarketHeader = {
    Layout: Layout
    /// The entries have no value, and count as 1.
    IsPattern: bool
    /// Only one half is listed; the other is its mirror image.
    IsSymmetric: bool
    Rows: int
    Columns: int
    Entries: int64
}

/// Sparse matrices in the MatrixMarket text format (Boisvert, Pozo and Remington 1996), alone or with the lists of
/// genes and cells that 10x Genomics puts beside them. Packed by gzip or not.
[<RequireQualifiedAccess>]
module MatrixMarket =

    /// What a row is if nothing else is said: 10x Genomics has genes in rows.
    let usualRows = RowsAre.Genes

    // A literal here and there would be a new array each time.
    let private blanks = " \t"B

    let private unknown (lines: TextLines) reason : 'a =
        raise (CoExprFailure(CoExprError.UnknownFormat(lines.Path, reason)))

    let private readBanner (lines: TextLines) =
        if not (lines.Next()) then
            unknown lines "the file is empty."

        let words =
            Encoding.UTF8
                .GetString(lines.Line.Slice(0, min 200 lines.Line.Length))
                .ToLowerInvariant()
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)

        match words with
        | [| "%%matrixmarket"; "matrix"; layout; field; symmetry |] -> layout, field, symmetry
        | _ ->
            unknown
                lines
                "the first line is no MatrixMarket header, such as %%MatrixMarket matrix coordinate integer general."

    let private layoutOf lines layout =
        match layout with
        | "coordinate" -> Layout.Coordinate
        | "array" -> Layout.Array
        | other -> unknown lines $"its layout is {other}; coordinate and array are read."

    let private isPattern lines field =
        match field with
        | "pattern" -> true
        | "integer"
        | "real"
        | "double" -> false
        | other -> unknown lines $"its values are {other}; integer, real and pattern are read."

    let private isSymmetric lines layout symmetry =
        match layout, symmetry with
        | _, "general" -> false
        | Layout.Coordinate, "symmetric" -> true
        | _, other -> unknown lines $"a matrix that is {other} in this layout is not read; general ones are."

    let private isSkipped (line: ReadOnlySpan<byte>) =
        line.IsEmpty || line[0] = '%'B || (line[0] <= ' 'B && line.Trim(blanks).IsEmpty)

    /// Moves to the next line that is neither a comment nor empty.
    let private nextContent (lines: TextLines) =
        let mutable found = lines.Next()

        while found && isSkipped lines.Line do
            found <- lines.Next()

        found

    let private size (lines: TextLines) what number =
        if number < 0L then
            lines.Damaged $"the {what} is not a whole number: {NumberText.quoted lines.Line}"
        elif number > int64 Array.MaxLength then
            raise (CoExprFailure(CoExprError.TooLarge($"{lines.Path}: {what}", number, int64 Array.MaxLength)))
        else
            int number

    let private readSizes (lines: TextLines) layout =
        if not (nextContent lines) then
            lines.Damaged "the file ends before the line of sizes."

        let mutable at = 0
        let rows = size lines "number of rows" (NumberText.nextWhole lines.Line &at)
        let columns = size lines "number of columns" (NumberText.nextWhole lines.Line &at)

        let entries =
            match layout with
            | Layout.Coordinate -> int64 (size lines "number of entries" (NumberText.nextWhole lines.Line &at))
            | Layout.Array -> int64 rows * int64 columns

        rows, columns, entries

    /// A header that promises more than a file of this size can hold is refused before memory is set aside for it.
    let private requirePlausible (lines: TextLines) layout entries =
        let shortest =
            match layout with
            | Layout.Coordinate -> 4L
            | Layout.Array -> 2L

        let most = lines.LongestText / shortest + 1L

        if entries > most then
            lines.Damaged $"{entries} entries are announced, where a file of this size holds at most {most}."

    let private readHeader (lines: TextLines) =
        let layout, field, symmetry = readBanner lines
        let layout = layoutOf lines layout
        let rows, columns, entries = readSizes lines layout
        requirePlausible lines layout entries

        {
            Layout = layout
            IsPattern = isPattern lines field
            IsSymmetric = isSymmetric lines layout symmetry
            Rows = rows
            Columns = columns
            Entries = entries
        }

    let private outside (lines: TextLines) what number limit : 'a =
        if number < 0L then
            lines.Damaged $"the {what} is not a whole number: {NumberText.quoted lines.Line}"
        else
            lines.Damaged $"{what} {number} is outside 1 to {limit}."

    let private nextIndex (lines: TextLines) what limit (at: byref<int>) =
        let number = NumberText.nextWhole lines.Line &at

        if number < 1L || number > int64 limit then
            outside lines what number limit

        int number - 1

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    let private nextValue (lines: TextLines) (at: byref<int>) =
        let line = lines.Line
        NumberText.skipBlanks line &at
        let text = line.Slice(at, NumberText.wordEnd line at - at)
        let mutable value = 0.0

        if text.IsEmpty then
            lines.Damaged $"the value is missing: {NumberText.quoted line}"
        elif not (NumberText.tryParse text &value) then
            lines.Damaged $"{NumberText.quoted text} is not a number."

        at <- at + text.Length
        value

    let private requireEnd (lines: TextLines) (at: int) =
        if at < lines.Line.Length && not (lines.Line.Slice(at).Trim(blanks).IsEmpty) then
            lines.Damaged $"something follows the value: {NumberText.quoted lines.Line}"

    let private wrongNumber (lines: TextLines) announced found =
        let found = if found > announced then "more" else $"{found}"
        lines.Damaged $"{announced} entries are announced, {found} are in the file."

    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    let private readEntries (lines: TextLines) header rowsAre =
        let entries = SparseEntries(lines.Path, int header.Entries)
        let mutable found = 0L

        while nextContent lines do
            found <- found + 1L

            if found > header.Entries then
                wrongNumber lines header.Entries found

            let mutable at = 0
            let row = nextIndex lines "row" header.Rows &at
            let column = nextIndex lines "column" header.Columns &at
            let value = if header.IsPattern then 1.0 else nextValue lines &at
            requireEnd lines at
            entries.Add(row, column, float32 value)

            if header.IsSymmetric && row <> column then
                entries.Add(column, row, float32 value)

        if found < header.Entries then
            wrongNumber lines header.Entries found

        entries.ToCounts(rowsAre, header.Rows, header.Columns)

    /// The values go down the columns, so that the columns are what grows here row after row.
    let private readArray (lines: TextLines) header rowsAre =
        let columns = SparseRows lines.Path
        let mutable found = 0L

        while nextContent lines do
            if found = header.Entries then
                wrongNumber lines header.Entries (found + 1L)

            let mutable at = 0
            columns.Add(int (found % int64 header.Rows), float32 (nextValue lines &at))
            requireEnd lines at
            found <- found + 1L

            if found % int64 header.Rows = 0L then
                columns.EndRow()

        if found < header.Entries then
            wrongNumber lines header.Entries found

        columns.ToCounts(RowsAre.other rowsAre, header.Rows)

    let private readMatrix progress rowsAre path =
        use lines = new TextLines(path, progress)
        let header = readHeader lines

        match header.Layout with
        | Layout.Coordinate -> readEntries lines header rowsAre
        | Layout.Array -> readArray lines header rowsAre

    let private firstThatIs (paths: string seq) = paths |> Seq.tryFind File.Exists

    let private packedOrNot (path: string) = [ path; path + ".gz" ]

    /// The matrix of a folder: matrix.mtx, or the only .mtx there is.
    let private matrixIn (folder: string) =
        let isMatrix (path: string) =
            path.EndsWith(".mtx", StringComparison.OrdinalIgnoreCase)
            || path.EndsWith(".mtx.gz", StringComparison.OrdinalIgnoreCase)

        match firstThatIs (packedOrNot (Path.Combine(folder, "matrix.mtx"))) with
        | Some path -> path
        | None ->
            match Directory.GetFiles folder |> Array.filter isMatrix with
            | [| path |] -> path
            | found ->
                let reason =
                    $"a folder with a file matrix.mtx or matrix.mtx.gz is expected; {found.Length} files of this kind are in it."

                raise (CoExprFailure(CoExprError.UnknownFormat(folder, reason)))

    /// GSM1_matrix.mtx.gz has its names in GSM1_barcodes.tsv.gz; any other matrix in barcodes.tsv.gz.
    let private beside (matrix: string) (names: string list) =
        let name = Path.GetFileName matrix
        let at = name.LastIndexOf("matrix.mtx", StringComparison.OrdinalIgnoreCase)
        let prefix = if at < 0 then "" else name.Substring(0, at)
        let folder = Path.GetDirectoryName(Path.GetFullPath matrix)

        names
        |> Seq.collect (fun name -> packedOrNot (Path.Combine(folder, prefix + name)))
        |> firstThatIs

    let private readColumns path =
        use lines = new TextLines(path, Progress.none)
        let rows = ResizeArray<string[]>()

        while lines.Next() do
            rows.Add(Encoding.UTF8.GetString(lines.Line).Split '\t')

        rows.ToArray()

    let private column at (rows: string[][]) =
        rows |> Array.map (fun row -> if at < row.Length then row[at] else null)

    /// Identifier, symbol and kind: the table is named by the symbols, made unique as scanpy does.
    let private genesOf (rows: string[][]) =
        let width =
            if rows.Length = 0 then
                1
            else
                rows |> Seq.map Array.length |> Seq.max

        let columns = [|
            if width > 1 then
                "gene_ids", Column.Text(column 0 rows)
            if width > 2 then
                "feature_types", Column.categories (column 2 rows)
        |]

        let symbols =
            column (min 1 (width - 1)) rows
            |> Array.mapi (fun i symbol -> if isNull symbol then rows[i][0] else symbol)

        {
            Names = MatrixNames.unique symbols
            Columns = columns
        }

    let private requireLength (matrix: string) what expected path (table: Table) =
        if Table.rows table <> expected then
            let reason =
                $"it names {Table.rows table} {what}, where {Path.GetFileName matrix} has {expected}; are its rows cells and its columns genes, or the other way round?"

            raise (CoExprFailure(CoExprError.DamagedFile(path, reason)))

        table

    let private genesBeside matrix count =
        match beside matrix [ "features.tsv"; "genes.tsv" ] with
        | Some path -> readColumns path |> genesOf |> requireLength matrix "genes" count path
        | None -> Table.ofNames (MatrixNames.genes count)

    let private cellsBeside matrix count =
        match beside matrix [ "barcodes.tsv" ] with
        | Some path ->
            readColumns path
            |> column 0
            |> Table.ofNames
            |> requireLength matrix "cells" count path
        | None -> Table.ofNames (MatrixNames.cells count)

    let private matrixAt path =
        if Directory.Exists path then matrixIn path else path

    /// Reads a folder in the layout of 10x Genomics (matrix.mtx, features.tsv or genes.tsv, barcodes.tsv; each may end
    /// in .gz), or a single .mtx or .mtx.gz with the names that lie beside it. Without them genes are gene_1, ... and
    /// cells cell_1, ...
    ///
    /// Genes are named by their symbols, of which repeated ones get -1, -2, ...; the column gene_ids has the
    /// identifiers, feature_types the kind. All kinds are kept, antibodies and guides too. Zeros that are listed are
    /// left out, and values at one place are added up. Values are in single precision, NaN and negative ones as they
    /// stand.
    ///
    /// FileNotFound; UnknownFormat for complex, skew-symmetric or other files; DamagedFile, with the line, for a number
    /// that is none, an index outside the matrix, another number of entries than announced, or of names.
    let read (rowsAre: RowsAre) (progress: Progress) (path: string) : Result<Cells, CoExprError> =
        InputFile.reading path (fun () ->
            let matrix = matrixAt path
            let counts = readMatrix progress rowsAre matrix
            let genes, cells = genesBeside matrix counts.Genes, cellsBeside matrix counts.Cells
            Cells.create path counts cells genes |> CoExprError.unwrap)

    /// What is in the file or folder, for a person: labels and texts. Reads all of it.
    let contents rowsAre progress path : Result<(string * string) list, CoExprError> =
        read rowsAre progress path |> Result.map (NamedMatrix.describe "MatrixMarket")
