namespace CoExpr

open System

/// Labels by number: one of a few levels for each row.
type Categories = {
    /// One per row: the index of its level, −1 where it is missing.
    Codes: int[]
    Levels: string[]
    /// Whether the levels have an order (low, middle, high).
    Ordered: bool
}

/// One column of a table, one value per row.
[<RequireQualifiedAccess>]
type Column =
    /// Missing is null.
    | Text of string[]
    | Category of Categories
    /// Missing is NaN.
    | Float of float[]
    /// `missing` is as long as the values, or empty where none is missing.
    | Integer of values: int64[] * missing: bool[]
    /// `missing` is as long as the values, or empty where none is missing.
    | Flag of values: bool[] * missing: bool[]

[<RequireQualifiedAccess>]
module Column =
    /// The number of rows.
    let length column =
        match column with
        | Column.Text values -> values.Length
        | Column.Category categories -> categories.Codes.Length
        | Column.Float values -> values.Length
        | Column.Integer(values, _) -> values.Length
        | Column.Flag(values, _) -> values.Length

    /// "text", "category", "float", "integer" or "flag".
    let kind column =
        match column with
        | Column.Text _ -> "text"
        | Column.Category _ -> "category"
        | Column.Float _ -> "float"
        | Column.Integer _ -> "integer"
        | Column.Flag _ -> "flag"

    let private isMissing (missing: bool[]) row = missing.Length > 0 && missing[row]

    /// One value as text, null where it is missing. Numbers read back to the same number.
    let text row column : string =
        match column with
        | Column.Text values -> values[row]
        | Column.Category c -> if c.Codes[row] < 0 then null else c.Levels[c.Codes[row]]
        | Column.Float values ->
            if Double.IsNaN values[row] then
                null
            else
                values[row].ToString("R", Globalization.CultureInfo.InvariantCulture)
        | Column.Integer(values, missing) -> if isMissing missing row then null else string values[row]
        | Column.Flag(values, missing) ->
            if isMissing missing row then null
            elif values[row] then "True"
            else "False"

    /// The rows of this order, which may repeat or leave out some.
    let take (rows: int[]) column =
        let pick (values: 'a[]) =
            rows |> Array.map (fun row -> values[row])

        let pickMissing (missing: bool[]) =
            if missing.Length = 0 then missing else pick missing

        match column with
        | Column.Text values -> Column.Text(pick values)
        | Column.Category c -> Column.Category { c with Codes = pick c.Codes }
        | Column.Float values -> Column.Float(pick values)
        | Column.Integer(values, missing) -> Column.Integer(pick values, pickMissing missing)
        | Column.Flag(values, missing) -> Column.Flag(pick values, pickMissing missing)

    /// Labels as categories; levels in ordinal order.
    let categories (labels: string[]) =
        let levels =
            labels
            |> Array.filter (isNull >> not)
            |> Array.distinct
            |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

        let code = Collections.Generic.Dictionary<string, int>()
        levels |> Array.iteri (fun i level -> code[level] <- i)

        Column.Category {
            Codes = labels |> Array.map (fun label -> if isNull label then -1 else code[label])
            Levels = levels
            Ordered = false
        }

/// Named rows with typed columns: the cells of a matrix, or its genes. The columns keep their order.
type Table = {
    /// One name per row.
    Names: string[]
    Columns: (string * Column)[]
}

[<RequireQualifiedAccess>]
module Table =
    /// Names alone.
    let ofNames names = { Names = names; Columns = [||] }

    /// The number of rows.
    let rows table = table.Names.Length

    /// The column of this name, if there is one.
    let tryColumn name table =
        table.Columns
        |> Array.tryPick (fun (n, column) -> if n = name then Some column else None)

    /// The table with this column added, or replaced. Throws ArgumentException if it has another number of rows.
    let withColumn name column table =
        if Column.length column <> rows table then
            invalidArg name $"a column of {Column.length column} rows for a table of {rows table}"

        match table.Columns |> Array.tryFindIndex (fun (n, _) -> n = name) with
        | Some at -> {
            table with
                Columns = table.Columns |> Array.updateAt at (name, column)
          }
        | None -> {
            table with
                Columns = Array.append table.Columns [| name, column |]
          }

    /// The rows of this order.
    let take (order: int[]) table = {
        Names = order |> Array.map (fun row -> table.Names[row])
        Columns =
            table.Columns
            |> Array.map (fun (name, column) -> name, Column.take order column)
    }
