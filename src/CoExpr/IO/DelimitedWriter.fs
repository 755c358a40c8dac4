namespace CoExpr.IO

open System
open System.Globalization
open System.IO
open System.IO.Compression
open System.Text
open CoExpr

/// Rows of delimited text, field after field. Numbers are the shortest that read back to the same number, in the
/// invariant culture; what is missing is an empty field. A row that is not as long as the header is the caller's bug.
[<Sealed>]
type DelimitedWriter internal (stream: Stream, delimiter: byte) =
    // The longest number has 25 letters.
    static let room = 64
    let special = Buffers.SearchValues.Create([| char delimiter; '"'; '\n'; '\r' |])
    let buffer = Array.zeroCreate<byte>(1 <<< 16)
    let mutable filled = 0
    let mutable fields = 0
    let mutable width = -1

    let flush () =
        stream.Write(buffer, 0, filled)
        filled <- 0

    let put (value: byte) =
        if filled = buffer.Length then
            flush ()

        buffer[filled] <- value
        filled <- filled + 1

    let beginField () =
        if buffer.Length - filled < room then
            flush ()

        if fields > 0 then
            put delimiter

        fields <- fields + 1

    let format (value: 'number :> IUtf8SpanFormattable) (style: string) =
        let mutable count = 0

        value.TryFormat(buffer.AsSpan filled, &count, style.AsSpan(), CultureInfo.InvariantCulture)
        |> ignore

        filled <- filled + count

    let word (text: byte[]) =
        text.CopyTo(buffer, filled)
        filled <- filled + text.Length

    let raw (text: string) =
        if Encoding.UTF8.GetMaxByteCount text.Length <= buffer.Length - filled - room then
            filled <- filled + Encoding.UTF8.GetBytes(text, 0, text.Length, buffer, filled)
        else
            flush ()
            stream.Write(Encoding.UTF8.GetBytes text)

    let needsQuotes (text: string) =
        text.AsSpan().ContainsAny special
        || text.Length > 0
           && (Char.IsWhiteSpace text[0] || Char.IsWhiteSpace text[text.Length - 1])

    let infinite isNegative =
        word (if isNegative then "-inf"B else "inf"B)

    /// A text, quoted if it holds the delimiter, a quote or a line break, or begins or ends in a blank; null is empty.
    member _.Text(value: string) =
        beginField ()

        if not (isNull value) then
            raw (
                if needsQuotes value then
                    "\"" + value.Replace("\"", "\"\"") + "\""
                else
                    value
            )

    /// NaN is NaN, infinity inf.
    member _.Number(value: float) =
        beginField ()

        if Double.IsInfinity value then
            infinite (value < 0.0)
        else
            format value "R"

    /// The shortest number that reads back to the same value in single precision.
    member _.Single(value: float32) =
        beginField ()

        if Single.IsInfinity value then
            infinite (value < 0.0f)
        else
            format value "R"

    member _.Integer(value: int64) =
        beginField ()
        format value "D"

    member _.Flag(value: bool) =
        beginField ()
        word (if value then "True"B else "False"B)

    /// An empty field.
    member _.Missing() = beginField ()

    /// Ends the row.
    member _.EndRow() =
        if width >= 0 && fields <> width then
            invalidOp $"a row of {fields} fields under a header of {width}"

        width <- fields
        fields <- 0
        put '\n'B

    member internal _.Finish() = flush ()

/// Tables as delimited text.
[<RequireQualifiedAccess>]
module DelimitedTable =

    let private isPacked (path: string) =
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)

    /// Fastest: on tables of numbers the better levels take three times as long for a tenth less.
    let private create (path: string) : Stream =
        let file =
            new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 <<< 16)

        if isPacked path then
            new GZipStream(file, CompressionLevel.Fastest)
        else
            file

    /// Writes to exactly this path, in place: for `AtomicFile.writeAll`. See `write`.
    let writeInPlace (path: string) (header: string list) (rows: DelimitedWriter -> unit) =
        use stream = create path
        let writer = DelimitedWriter(stream, Delimited.delimiterOf path)
        header |> List.iter writer.Text
        writer.EndRow()
        rows writer
        writer.Finish()

    /// Writes a header and the rows that the callback writes, in a stream, to a file that appears when complete: commas
    /// for .csv, tabs for any other ending, packed for .gz. CannotWrite if it cannot be written.
    let write (path: string) (header: string list) (rows: DelimitedWriter -> unit) : Result<unit, CoExprError> =
        AtomicFile.write path (fun temporary -> writeInPlace temporary header rows)

    let private isMissing (missing: bool[]) row = missing.Length > 0 && missing[row]

    let private writeValue (writer: DelimitedWriter) row column =
        match column with
        | Column.Text values -> writer.Text values[row]
        | Column.Category c ->
            if c.Codes[row] < 0 then
                writer.Missing()
            else
                writer.Text c.Levels[c.Codes[row]]
        | Column.Float values ->
            if Double.IsNaN values[row] then
                writer.Missing()
            else
                writer.Number values[row]
        | Column.Integer(values, missing) ->
            if isMissing missing row then
                writer.Missing()
            else
                writer.Integer values[row]
        | Column.Flag(values, missing) ->
            if isMissing missing row then
                writer.Missing()
            else
                writer.Flag values[row]

    /// Writes a table to exactly this path, in place: its names under `head`, then its columns.
    let writeTableInPlace (path: string) (head: string) (table: Table) =
        let header = head :: (table.Columns |> Array.map fst |> Array.toList)

        writeInPlace path header (fun writer ->
            for row in 0 .. Table.rows table - 1 do
                writer.Text table.Names[row]

                for _, column in table.Columns do
                    writeValue writer row column

                writer.EndRow())

    /// The same to a file that appears when complete.
    let writeTable (path: string) (head: string) (table: Table) : Result<unit, CoExprError> =
        AtomicFile.write path (fun temporary -> writeTableInPlace temporary head table)
