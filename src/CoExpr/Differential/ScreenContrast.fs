namespace CoExpr

/// A comparison of one label of a screen with another: fold changes are of the first over the second.
type ScreenContrast = { Label: string; Reference: string }

/// The groups that a row of results compares, by their numbers; None is all other cells.
[<Struct>]
type internal ComparedGroups = { Group: int; Reference: int option }

/// Which groups of a screen are compared with which: each with the control, or the contrasts that are asked for.
[<RequireQualifiedAccess>]
module ScreenContrast =

    /// As rows have it.
    let name (contrast: ScreenContrast) =
        $"{contrast.Label} vs {contrast.Reference}"

    let private bad value reason =
        Error(CoExprError.BadOption("--contrast", value, reason))

    let private isNamed (label: string) = label.Trim() <> ""

    /// A contrast of two labels with a comma between them, where a label that has commas is in double quotes; or with a tab,
    /// where both are as they are written. BadOption for what is none.
    let parse (words: string) : Result<ScreenContrast, CoExprError> =
        let labels =
            if words.Contains '\t' then
                Some(List.ofArray (words.Split '\t'))
            else
                NameList.tryParse words

        match labels with
        | Some [ label; reference ] when isNamed label && isNamed reference ->
            Ok { Label = label; Reference = reference }
        | _ ->
            bad
                words
                "two labels with a comma between them are needed; a label that has commas itself is put in double quotes (\"A,B\",C), or goes into --contrasts FILE, with a tab between the two"

    /// The label as it is written, or else without the blanks around it.
    let private groupOf (groups: Groups) (label: string) =
        let find label =
            Array.tryFindIndex ((=) label) groups.Labels

        match find label |> Option.orElseWith (fun () -> find (label.Trim())) with
        | Some group -> Ok group
        | None -> Error(CoExprError.UnknownLabel("--contrast", label, Groups.bySize groups))

    let private pairOf groups (contrast: ScreenContrast) =
        result {
            let! group = groupOf groups contrast.Label
            let! reference = groupOf groups contrast.Reference

            return!
                if group = reference then
                    bad (name contrast) "a label does not differ from itself"
                else
                    Ok {
                        Group = group
                        Reference = Some reference
                    }
        }

    /// The name of a pair of groups: their labels, however they were written.
    let internal nameOf (groups: Groups) (pair: ComparedGroups) =
        match pair.Reference with
        | Some reference ->
            name {
                Label = groups.Labels[pair.Group]
                Reference = groups.Labels[reference]
            }
        | None -> groups.Labels[pair.Group]

    let private requireNames groups (pairs: ComparedGroups[]) =
        match
            pairs
            |> Array.countBy (nameOf groups)
            |> Array.tryFind (fun (_, count) -> count > 1)
        with
        | Some(repeated, count) -> bad repeated $"{count} contrasts have this name: rows could not be told apart"
        | None -> Ok pairs

    /// What each row compares: the contrasts, in their order; without any, each group but the control with the control, or
    /// with all other cells. UnknownLabel; BadOption for a label against itself, and for contrasts that
    /// are there twice or have one name.
    let internal compared (contrasts: ScreenContrast list) (groups: Groups) : Result<ComparedGroups[], CoExprError> =
        match contrasts |> List.countBy id |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(contrast, count) -> bad (name contrast) $"it is given {count} times"
        | None when contrasts.IsEmpty ->
            [| 0 .. groups.Labels.Length - 1 |]
            |> Array.filter (fun group -> Some group <> groups.Control)
            |> Array.map (fun group -> {
                Group = group
                Reference = groups.Control
            })
            |> Ok
        | None ->
            contrasts
            |> List.fold
                (fun pairs contrast ->
                    pairs
                    |> Result.bind (fun done' -> pairOf groups contrast |> Result.map (fun pair -> pair :: done')))
                (Ok [])
            |> Result.bind (List.rev >> List.toArray >> requireNames groups)

    /// The rows that share a reference, references in the order in which they come first.
    let internal byReference (pairs: ComparedGroups[]) : (int option * int[])[] =
        pairs
        |> Array.indexed
        |> Array.groupBy (fun (_, pair) -> pair.Reference)
        |> Array.map (fun (reference, rows) -> reference, Array.map fst rows)
