namespace CoExpr

/// The values of one measure, one per perturbation. Not defined for a perturbation at all (absent, an empty field) is
/// another thing than defined and not a number (NaN).
type MetricColumn = {
    Name: string
    Values: float[]
    IsAbsent: bool[]
}

[<RequireQualifiedAccess>]
module MetricColumn =

    /// A value for every perturbation.
    let full name values = {
        Name = name
        Values = values
        IsAbsent = Array.create values.Length false
    }

    /// Values for some perturbations.
    let partial name (values: float option[]) = {
        Name = name
        Values = values |> Array.map (Option.defaultValue nan)
        IsAbsent = values |> Array.map Option.isNone
    }

    /// One value of all perturbations together.
    let scalar name perturbations value =
        full name (Array.create perturbations value)

    /// The values that there are, NaN among them.
    let present column =
        Array.zip column.Values column.IsAbsent
        |> Array.filter (snd >> not)
        |> Array.map fst
