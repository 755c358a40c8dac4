namespace CoExpr

open System

/// A partition of cells: `Order` lists the cells group by group, and group g owns the places from Starts[g] to before
/// Starts[g + 1]. Cells without a label are in no group.
type Groups = {
    Labels: string[]
    Order: int[]
    Starts: int[]
    /// The group that the others are compared with, if one was named.
    Control: int option
}

[<RequireQualifiedAccess>]
module Groups =

    /// Joins the labels of several columns; a row that lacks one, or has an empty or a blank one, has none.
    let private joined (columns: Column list) rows =
        Array.init rows (fun row ->
            let parts = columns |> List.map (Column.text row)

            if List.exists String.IsNullOrWhiteSpace parts then
                null
            else
                String.Join("|", parts))

    let private ofLabels (labels: string[]) =
        let names =
            labels
            |> Array.filter (isNull >> not)
            |> Array.distinct
            |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

        let code = Collections.Generic.Dictionary<string, int>()
        names |> Array.iteri (fun i name -> code[name] <- i)
        let members = Array.init names.Length (fun _ -> ResizeArray<int>())

        labels
        |> Array.iteri (fun cell label ->
            if not (isNull label) then
                members[code[label]].Add cell)

        {
            Labels = names
            Order = members |> Array.collect (fun cells -> cells.ToArray())
            Starts = members |> Array.map (fun cells -> cells.Count) |> Array.scan (+) 0
            Control = None
        }

    /// The labels, largest group first: of hundreds only the first are told, and a control is among the largest.
    let internal bySize groups =
        groups.Labels
        |> Array.indexed
        |> Array.sortBy (fun (group, _) -> groups.Starts[group] - groups.Starts[group + 1])
        |> Array.map snd
        |> Array.toList

    /// Groups by one or more columns of the cell table (labels of several are joined by "|"), in ordinal order of the
    /// labels, cells of a group in file order. The control, if named, must be one of the labels.
    let create (columns: string list) (control: string option) (cells: Cells) : Result<Groups, CoExprError> =
        let chosen = columns |> List.map (fun name -> Cells.column name cells)

        match
            chosen
            |> List.tryPick (function
                | Error error -> Some error
                | Ok _ -> None)
        with
        | Some error -> Error error
        | None ->
            let columnsFound = chosen |> List.choose Result.toOption
            let groups = ofLabels (joined columnsFound (Table.rows cells.CellTable))

            match control with
            | None -> Ok groups
            | Some label ->
                match Array.tryFindIndex ((=) label) groups.Labels with
                | Some at -> Ok { groups with Control = Some at }
                | None -> Error(CoExprError.UnknownLabel($"{cells.Source}: control", label, bySize groups))

    /// The cells of one group.
    let members group groups =
        groups.Order[groups.Starts[group] .. groups.Starts[group + 1] - 1]

    /// Some of the groups, in this order; the control is at this place among them.
    let internal choose (chosen: int[]) control groups : Groups =
        let cells = chosen |> Array.map (fun group -> members group groups)

        {
            Labels = chosen |> Array.map (fun group -> groups.Labels[group])
            Order = Array.concat cells
            Starts = cells |> Array.map Array.length |> Array.scan (+) 0
            Control = control
        }
