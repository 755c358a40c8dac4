namespace CoExpr.IO

open System
open System.Runtime.CompilerServices
open System.Text
open CoExpr

/// What the first two lines of a delimited file say of the others.
type private DelimitedLayout = {
    Delimiter: byte
    /// The names of the columns of values.
    Names: string[]
    /// Whether each row begins with its name.
    HasRowNames: bool
}

/// Matrices and tables as text with delimiters: .tsv, .csv, .txt, packed by gzip or not.
[<RequireQualifiedAccess>]
module Delimited =

    /// What a row is if nothing else is said.
    let usualRows = RowsAre.Cells

    let private withoutGz (path: string) =
        if path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) then
            path.Substring(0, path.Length - 3)
        else
            path

    /// The delimiter that goes with the ending of a name: a comma for .csv, a tab for every other.
    let delimiterOf (path: string) =
        if (withoutGz path).EndsWith(".csv", StringComparison.OrdinalIgnoreCase) then
            ','B
        else
            '\t'B

    /// The delimiter of the name's ending if the header has it, else the one that the header has most of.
    let private delimiterIn path (header: ReadOnlySpan<byte>) =
        let usual = delimiterOf path

        if header.Contains usual then
            usual
        else
            let mutable best = usual
            let mutable most = 0

            for candidate in "\t,; "B do
                let count = header.Count candidate

                if count > most then
                    best <- candidate
                    most <- count

            best

    /// Headers under which the first column is one of names, even of names that are numbers.
    let private headsOfNames =
        set [
            ""
            "barcode"
            "barcodes"
            "cell"
            "cell_id"
            "cells"
            "gene"
            "gene_id"
            "gene_name"
            "genes"
            "id"
            "index"
            "name"
            "symbol"
            "unnamed: 0"
        ]

    let private isNumber (field: string) =
        let mutable value = 0.0

        field <> ""
        && NumberText.tryParse (ReadOnlySpan(Encoding.UTF8.GetBytes field)) &value

    let private unknown (lines: TextLines) reason : 'a =
        raise (CoExprFailure(CoExprError.UnknownFormat(lines.Path, reason)))

    /// Comments, as some programs put before the header, begin with # and a blank or another #.
    let private isComment (line: ReadOnlySpan<byte>) =
        line.IsEmpty || line.StartsWith "# "B || line.StartsWith "##"B

    let private nextContent (lines: TextLines) =
        let mutable found = lines.Next()

        while found && lines.Line.IsEmpty do
            found <- lines.Next()

        found

    let private nextHeader (lines: TextLines) =
        let mutable found = lines.Next()

        while found && isComment lines.Line do
            found <- lines.Next()

        if not found then
            unknown lines "the file is empty; a header of names is expected."

    /// Where the field of the line that begins at `first` ends.
    let private fieldEnd (lines: TextLines) delimiter first =
        match Fields.endOf lines.Line delimiter first with
        | -1 -> lines.Damaged "a quote is not closed on its line."
        | ending -> ending

    /// All fields of the line as texts.
    let private split (lines: TextLines) delimiter =
        let fields = ResizeArray<string>()
        let mutable first = 0

        while first <= lines.Line.Length do
            let ending = fieldEnd lines delimiter first
            fields.Add(Fields.text (lines.Line.Slice(first, ending - first)))
            first <- ending + 1

        fields.ToArray()

    let private ragged (lines: TextLines) expected found : 'a =
        lines.Damaged $"{found} fields, where {expected} are expected."

    /// R leaves the head of the column of names out; others leave it empty, or name it.
    let private layoutOf (lines: TextLines) delimiter (header: string[]) (first: string[]) =
        let names hasRowNames skipped = {
            Delimiter = delimiter
            Names = Array.skip skipped header
            HasRowNames = hasRowNames
        }

        if first.Length = header.Length + 1 then
            names true 0
        elif first.Length <> header.Length then
            ragged lines header.Length first.Length
        elif
            headsOfNames.Contains(header[0].ToLowerInvariant())
            || not (isNumber first[0] || first[0] = "")
        then
            names true 1
        elif Array.forall isNumber header then
            unknown lines "its first line holds nothing but numbers; a header of names is expected there."
        else
            names false 0

    /// Moves to the first row of values, if there is one.
    let private readLayout (lines: TextLines) =
        nextHeader lines
        let delimiter = delimiterIn lines.Path lines.Line
        let header = split lines delimiter

        if nextContent lines then
            layoutOf lines delimiter header (split lines delimiter), true
        else
            let hasRowNames = headsOfNames.Contains(header[0].ToLowerInvariant())

            {
                Delimiter = delimiter
                Names = (if hasRowNames then Array.skip 1 header else header)
                HasRowNames = hasRowNames
            },
            false

    let private noNumber (lines: TextLines) rowsAre layout row column (text: string) : 'a =
        let gene, cell =
            match rowsAre with
            | RowsAre.Cells -> layout.Names[column], row
            | RowsAre.Genes -> row, layout.Names[column]

        lines.Damaged $"gene {gene}, cell {cell}: {text} is not a number."

    let private wrongWidth (lines: TextLines) layout : 'a =
        let names = if layout.HasRowNames then 1 else 0
        ragged lines (layout.Names.Length + names) (split lines layout.Delimiter).Length

    /// Adds the values of the line from `first` on to the rows.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    let private readValues (lines: TextLines) rowsAre layout (rows: SparseRows) (row: string) (first: int) =
        let line = lines.Line
        let mutable at = first
        let mutable column = 0

        while at <= line.Length do
            if column = layout.Names.Length then
                wrongWidth lines layout

            // Most values are 0, and this is the whole of what they cost.
            if
                at < line.Length
                && line[at] = '0'B
                && (at + 1 = line.Length || line[at + 1] = layout.Delimiter)
            then
                at <- at + 2
            else
                let ending = fieldEnd lines layout.Delimiter at
                let text = Fields.content (line.Slice(at, ending - at))
                let mutable value = 0.0

                if not (NumberText.tryParse text &value) then
                    noNumber lines rowsAre layout row column (NumberText.quoted text)

                rows.Add(column, float32 value)
                at <- ending + 1

            column <- column + 1

        if column < layout.Names.Length then
            wrongWidth lines layout

        rows.EndRow()

    let private readRow (lines: TextLines) rowsAre layout (rows: SparseRows) (names: ResizeArray<string>) =
        if layout.HasRowNames then
            let ending = fieldEnd lines layout.Delimiter 0
            names.Add(Fields.text (lines.Line.Slice(0, ending)))
            readValues lines rowsAre layout rows names[names.Count - 1] (ending + 1)
        else
            readValues lines rowsAre layout rows $"{rows.Rows + 1}" 0

    let private readAll progress rowsAre path =
        use lines = new TextLines(path, progress)
        let layout, hasRows = readLayout lines
        let rows, names = SparseRows path, ResizeArray<string>()
        let mutable more = hasRows

        while more do
            readRow lines rowsAre layout rows names
            more <- nextContent lines

        let rowNames =
            if layout.HasRowNames then
                names.ToArray()
            else
                MatrixNames.rows rowsAre rows.Rows

        let counts = rows.ToCounts(rowsAre, layout.Names.Length)
        NamedMatrix.create path rowsAre counts (Table.ofNames rowNames) (Table.ofNames layout.Names)

    /// Reads a matrix with a header of names: genes over columns where rows are cells (the usual), or the other way
    /// round. A first column of names is recognised by its head, which is empty, left out or a word such as "gene",
    /// or by its first name, which is no number; without one the rows are cell_1, ... or gene_1, ...
    ///
    /// The delimiter goes by the ending, unless the header has none of it: then by the header. Quotes as in RFC 4180,
    /// within a line. Empty fields, NA and NaN are NaN, inf is infinity: methods refuse them where they must. Values
    /// are rounded to single precision; only those that are not 0 take memory.
    ///
    /// FileNotFound; UnknownFormat for a file without a header; DamagedFile, with the line, for a row of another length
    /// than the header, and for a field that is no number, with its gene and cell.
    let read (rowsAre: RowsAre) (progress: Progress) (path: string) : Result<Cells, CoExprError> =
        InputFile.reading path (fun () -> readAll progress rowsAre path |> CoExprError.unwrap)

    /// What is in the file, for a person: labels and texts. Reads all of it.
    let contents rowsAre progress path : Result<(string * string) list, CoExprError> =
        read rowsAre progress path |> Result.map (NamedMatrix.describe "delimited text")
