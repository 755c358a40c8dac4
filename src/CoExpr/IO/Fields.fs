namespace CoExpr.IO

open System
open System.Text

/// Fields of a line of delimited text, as bytes in place (RFC 4180 within a line).
[<RequireQualifiedAccess>]
module internal Fields =

    [<Literal>]
    let private Quote = '"'B

    // A literal here and there would be a new array each time.
    let private blanks = " \t"B

    /// Where the quoted field that begins at `first` ends: the place after its closing quote, −1 if there is none.
    let private quotedEnd (line: ReadOnlySpan<byte>) (first: int) =
        let mutable at = first + 1
        let mutable ending = -1

        while ending < 0 && at < line.Length do
            if line[at] <> Quote then
                at <- at + 1
            elif at + 1 < line.Length && line[at + 1] = Quote then
                at <- at + 2
            else
                ending <- at + 1

        ending

    let private delimiterFrom (line: ReadOnlySpan<byte>) (delimiter: byte) (first: int) =
        let length = line.Slice(first).IndexOf delimiter
        if length < 0 then line.Length else first + length

    /// Where the field that begins at `first` ends: at its delimiter, or at the end of the line. −1 if a quote is not
    /// closed.
    let endOf (line: ReadOnlySpan<byte>) (delimiter: byte) (first: int) =
        if first < line.Length && line[first] = Quote then
            match quotedEnd line first with
            | -1 -> -1
            | ending -> delimiterFrom line delimiter ending
        else
            delimiterFrom line delimiter first

    /// A field without blanks around it, or without its quotes.
    let content (field: ReadOnlySpan<byte>) =
        let trimmed = field.Trim blanks

        if trimmed.Length >= 2 && trimmed[0] = Quote && trimmed[trimmed.Length - 1] = Quote then
            trimmed.Slice(1, trimmed.Length - 2)
        else
            trimmed

    /// A field as text; doubled quotes within quotes are single ones.
    let text (field: ReadOnlySpan<byte>) =
        let inner = content field
        let text = Encoding.UTF8.GetString inner

        if inner.Length < field.Length && field[0] = Quote then
            text.Replace("\"\"", "\"")
        else
            text
