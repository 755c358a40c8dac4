namespace CoExpr.IO

open System

/// The fields of one line of a table.
[<RequireQualifiedAccess>]
module internal FieldRow =

    /// Where the field of the line that begins at `first` ends; a quote that is not closed is a DamagedFile.
    let fieldEnd (lines: TextLines) delimiter first =
        match Fields.endOf lines.Line delimiter first with
        | -1 -> lines.Damaged "a quote is not closed on its line."
        | ending -> ending

    /// All fields as texts.
    let split (lines: TextLines) delimiter =
        let fields = ResizeArray<string>()
        let mutable first = 0

        while first <= lines.Line.Length do
            let ending = fieldEnd lines delimiter first
            fields.Add(Fields.text (lines.Line.Slice(first, ending - first)))
            first <- ending + 1

        fields.ToArray()

    /// Where each field begins, and one past the end of the last; a line of another number of fields is a DamagedFile.
    let starts (lines: TextLines) delimiter (starts: int[]) =
        let mutable first, field = 0, 0

        while first <= lines.Line.Length do
            if field < starts.Length - 1 then
                starts[field] <- first

            first <- fieldEnd lines delimiter first + 1
            field <- field + 1

        if field <> starts.Length - 1 then
            lines.Damaged $"{field} fields, where {starts.Length - 1} are expected."

        starts[field] <- first

    /// The bytes of a field.
    let content (line: ReadOnlySpan<byte>) (starts: int[]) field =
        Fields.content (line.Slice(starts[field], starts[field + 1] - 1 - starts[field]))
