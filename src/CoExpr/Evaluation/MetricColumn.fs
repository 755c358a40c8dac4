namespace CoExpr

/// The values of one measure, one per perturbation. Not defined for a perturbation at all (absent, an empty field) is
/// another thing than defined and not a number (NaN).
type MetricColumn = {
    Name: string
    Values: float[]
    IsAbsent: bool[]
    /// Whether it is one number of all perturbations together, which stands in every row.
    OfAll: bool
}

[<RequireQualifiedAccess>]
module MetricColumn =

    /// A value for every perturbation.
    let full name values = {
        Name = name
        Values = values
        IsAbsent = Array.create values.Length false
        OfAll = false
    }

    /// Values for some perturbations.
    let partial name (values: float option[]) = {
        Name = name
        Values = values |> Array.map (Option.defaultValue nan)
        IsAbsent = values |> Array.map Option.isNone
        OfAll = false
    }

    /// One value of all perturbations together.
    let scalar name perturbations value = {
        full name (Array.create perturbations value) with
            OfAll = true
    }

    /// The values that there are, NaN among them.
    let present column =
        Array.zip column.Values column.IsAbsent
        |> Array.filter (snd >> not)
        |> Array.map fst

    /// Spreads a column over perturbations by name; those that it lacks are absent.
    let onto (perturbations: string[]) (names: string[]) (column: MetricColumn) =
        if names = perturbations then
            column
        else
            let rows = names |> Array.mapi (fun row name -> name, row) |> Map.ofArray

            let at absent value =
                perturbations
                |> Array.map (fun name -> Map.tryFind name rows |> Option.map value |> Option.defaultValue absent)

            {
                column with
                    Values = at nan (fun row -> column.Values[row])
                    IsAbsent = at true (fun row -> column.IsAbsent[row])
            }
