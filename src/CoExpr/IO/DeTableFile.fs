namespace CoExpr.IO

open System
open CoExpr

/// Tables of differential expression as delimited text, with the columns of pdex and cell-eval.
[<RequireQualifiedAccess>]
module DeTableFile =

    let private columns = [ "target"; "feature"; "log2_fold_change"; "p_value"; "fdr" ]

    let private missing path name (header: string[]) : 'a =
        raise (CoExprFailure(CoExprError.MissingPart(path, $"column {name}", Array.toList header)))

    /// Where the columns are in the header.
    let private placesIn (lines: TextLines) (header: string[]) =
        columns
        |> List.map (fun name ->
            match Array.IndexOf(header, name) with
            | -1 -> missing lines.Path name header
            | at -> at)
        |> List.toArray

    /// Numbers of one column as they come, and which of them were not there.
    type private Numbers() =
        let values = ResizeArray<float>()
        let absent = ResizeArray<bool>()
        let mutable lacks = false

        member _.Add(lines: TextLines, name, field: ReadOnlySpan<byte>) =
            let mutable value = 0.0

            if field.IsEmpty || field.SequenceEqual "null"B then
                lacks <- true
                values.Add nan
                absent.Add true
            elif NumberText.tryParse field &value then
                values.Add value
                absent.Add false
            else
                lines.Damaged $"{name}: {NumberText.quoted field} is not a number."

        member _.Values = values.ToArray()
        member _.Absent = if lacks then absent.ToArray() else [||]

    let private requireHeader (lines: TextLines) =
        if not (lines.Next()) then
            raise (
                CoExprFailure(
                    CoExprError.UnknownFormat(lines.Path, "the file is empty; a header of names is expected.")
                )
            )

    let private requireName (lines: TextLines) what (name: ReadOnlySpan<byte>) =
        if name.IsEmpty then
            lines.Damaged $"there is no {what}."

    /// Rows, and of each the number of its value in a further column, if one is named.
    let private readRows progress (further: string option) path : struct (DeRows * string[] * int[]) =
        use lines = new TextLines(path, progress)
        requireHeader lines
        let delimiter = Delimited.delimiterOf path
        let header = FieldRow.split lines delimiter
        let places = placesIn lines header
        let starts = Array.zeroCreate<int>(header.Length + 1)
        let targets, features = NameCodes(), NameCodes()
        let target, feature = ResizeArray<int>(), ResizeArray<int>()
        let numbers = Array.init 3 (fun _ -> Numbers())
        let kinds, kind = NameCodes(), ResizeArray<int>()

        let ofKind =
            match further with
            | None -> -1
            | Some name ->
                match Array.IndexOf(header, name) with
                | -1 -> missing lines.Path name header
                | at -> at

        while lines.Next() do
            if not lines.Line.IsEmpty then
                FieldRow.starts lines delimiter starts
                let ofTarget = FieldRow.content lines.Line starts places[0]
                let ofFeature = FieldRow.content lines.Line starts places[1]
                requireName lines "target" ofTarget
                requireName lines "feature" ofFeature
                target.Add(targets.Of ofTarget)
                feature.Add(features.Of ofFeature)

                if ofKind >= 0 then
                    let value = FieldRow.content lines.Line starts ofKind
                    requireName lines further.Value value
                    kind.Add(kinds.Of value)

                for at in 0..2 do
                    numbers[at].Add(lines, columns[at + 2], FieldRow.content lines.Line starts places[at + 2])

        let rows = {
            Targets = targets.Names
            Target = target.ToArray()
            Features = features.Names
            Feature = feature.ToArray()
            Log2FoldChange = numbers[0].Values
            PValue = numbers[1].Values
            Fdr = numbers[2].Values
            NoFoldChange = numbers[0].Absent
            NoFdr = numbers[2].Absent
        }

        struct (rows, kinds.Names, kind.ToArray())

    /// Reads a table: a comma between fields in .csv, a tab in any other, .gz unpacked; the columns target, feature,
    /// log2_fold_change, p_value and fdr in any order among others. An empty field is a missing number, which is not NaN.
    /// FileNotFound; MissingPart for a column; DamagedFile with the line for a field that is no number or a row of another
    /// length; DuplicateName for a gene twice in one perturbation.
    let read precision progress path : Result<DeTable, CoExprError> =
        InputFile.reading path (fun () -> readRows progress None path)
        |> Result.bind (fun (struct (rows, _, _)) -> DeTable.create precision path rows)

    /// One table for each value of a further column, as of cell types, by that value. MissingPart if the table lacks the
    /// column; otherwise the errors of `read`.
    let readBy column precision progress path : Result<Map<string, DeTable>, CoExprError> =
        result {
            let! struct (rows, kinds, kind) =
                InputFile.reading path (fun () -> readRows progress (Some column) path)

            let places =
                Array.indexed kind
                |> Array.groupBy snd
                |> Array.map (fun (kind, places) -> kinds[kind], Array.map fst places)

            return!
                (Ok Map.empty, places)
                ||> Array.fold (fun tables (name, places) ->
                    tables
                    |> Result.bind (fun tables ->
                        DeTable.create precision $"{path} ({name})" (DeRows.take places rows)
                        |> Result.map (fun table -> Map.add name table tables)))
        }
