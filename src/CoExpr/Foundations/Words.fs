namespace CoExpr

open System

/// Words of the command line, of options with a few known values.
[<RequireQualifiedAccess>]
module internal Words =

    /// The value of a word, or an error that lists the words.
    let parse option (known: (string * 'a) list) word : Result<'a, CoExprError> =
        match known |> List.tryFind (fst >> (=) word) with
        | Some(_, value) -> Ok value
        | None ->
            let words = String.Join(" or ", List.map fst known)
            Error(CoExprError.BadOption(option, word, $"must be {words}"))

    /// The word of a value.
    let name (known: (string * 'a) list) value =
        known |> List.find (snd >> (=) value) |> fst
