namespace CoExpr.IO

open System
open System.Globalization
open CoExpr

/// Tables with a header as delimited text: what is known of each sample.
[<RequireQualifiedAccess>]
module TableFile =

    let private missing = set [ ""; "NA"; "NaN"; "nan"; "na"; "N/A" ]

    let private isNumber (text: string) =
        let style = NumberStyles.Float
        Double.TryParse(text, style, CultureInfo.InvariantCulture) |> fst

    let private wholeOf (text: string) =
        Int64.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)

    /// Whole numbers, numbers, or else text: by all values that are not missing.
    let private typed (texts: string[]) =
        let known = texts |> Array.filter (isNull >> not)

        if known.Length > 0 && known |> Array.forall (wholeOf >> fst) then
            Column.Integer(
                texts |> Array.map (fun text -> if isNull text then 0L else snd (wholeOf text)),
                (if known.Length = texts.Length then
                     [||]
                 else
                     texts |> Array.map isNull)
            )
        elif known.Length > 0 && known |> Array.forall isNumber then
            Column.Float(
                texts
                |> Array.map (fun text ->
                    if isNull text then
                        nan
                    else
                        Double.Parse(text, CultureInfo.InvariantCulture))
            )
        else
            Column.Text texts

    let private readRows (lines: TextLines) delimiter width =
        let rows = ResizeArray<string[]>()

        while lines.Next() do
            if not lines.Line.IsEmpty then
                let fields = FieldRow.split lines delimiter

                if fields.Length <> width then
                    lines.Damaged $"{fields.Length} fields, where {width} are expected."

                rows.Add fields

        rows.ToArray()

    let private assemble (header: string[]) (rows: string[][]) =
        let column at =
            rows
            |> Array.map (fun row -> if missing.Contains row[at] then null else row[at])
            |> typed

        {
            Names = rows |> Array.map (fun row -> row[0])
            Columns = [| for at in 1 .. header.Length - 1 -> header[at], column at |]
        }

    let private firstDuplicate (names: string[]) =
        names
        |> Array.indexed
        |> Array.groupBy snd
        |> Array.tryPick (fun (name, places) ->
            if places.Length > 1 then
                Some(name, fst places[0] + 1, fst places[1] + 1)
            else
                None)

    let private requireUnique path kind names =
        match firstDuplicate names with
        | Some(name, first, second) -> raise (CoExprFailure(CoExprError.DuplicateName(path, kind, name, first, second)))
        | None -> ()

    /// Reads a table whose first column holds the names of its rows (.tsv, .csv, .txt, packed by gzip or not). A header one
    /// field shorter than the rows, as R writes it, has no head for the names. Columns of nothing but numbers are numbers;
    /// empty fields and NA are missing.
    ///
    /// FileNotFound; UnknownFormat for an empty file; DamagedFile, with the line, for a row of another length than the
    /// header; DuplicateName of two rows or columns; TooFew for a header without rows.
    let read progress path : Result<Table, CoExprError> =
        InputFile.reading path (fun () ->
            use lines = new TextLines(path, progress)

            if not (lines.Next()) then
                raise (
                    CoExprFailure(CoExprError.UnknownFormat(path, "the file is empty; a header of names is expected."))
                )

            let usual = Delimited.delimiterOf path
            let other = if usual = ','B then '\t'B else ','B

            let delimiter =
                if lines.Line.Contains other && not (lines.Line.Contains usual) then
                    other
                else
                    usual

            let header = FieldRow.split lines delimiter

            if not (lines.Next()) then
                raise (CoExprFailure(CoExprError.TooFew($"rows of {path}", 0L, 1L, "The table holds a header alone.")))

            let first = FieldRow.split lines delimiter

            let header =
                if first.Length = header.Length + 1 then
                    Array.append [| "" |] header
                else
                    header

            if first.Length <> header.Length then
                lines.Damaged $"{first.Length} fields, where {header.Length} are expected."

            let rows = Array.append [| first |] (readRows lines delimiter header.Length)
            requireUnique path "row" (rows |> Array.map (fun row -> row[0]))
            requireUnique path "column" header[1..]
            assemble header rows)
