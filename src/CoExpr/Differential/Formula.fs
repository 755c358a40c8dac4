namespace CoExpr

open System

/// One variable of a model: a column of the table of samples, taken as it is or as a factor whatever its type.
type FormulaVariable = {
    Column: string
    /// Whether numbers are to count as labels.
    IsFactor: bool
}

/// A model as people write it, `~ batch + condition + batch:condition`, in the notation of Wilkinson and Rogers (1973):
/// a + b for both, a:b for their interaction, a*b for a + b + a:b, 0 + or − 1 for no intercept, factor(a) for a column of
/// numbers that are labels, and `a name` in backticks for a name with blanks or signs.
type Formula = {
    /// As it was written.
    Text: string
    HasIntercept: bool
    /// Each term is the product of its variables; terms of fewer variables come first.
    Terms: FormulaVariable list list
}

[<RequireQualifiedAccess>]
module Formula =

    [<RequireQualifiedAccess>]
    type private Token =
        | Name of string
        | Sign of char

    let private refuse text reason : 'a =
        raise (CoExprFailure(CoExprError.BadOption("design", text, reason)))

    let private isPartOfName letter =
        Char.IsLetterOrDigit letter || letter = '_' || letter = '.'

    let private signs = set "~+-:*()"

    let private quoted (text: string) at =
        match text.IndexOf('`', at + 1) with
        | -1 -> refuse text "a backtick is not closed"
        | ending -> Token.Name(text.Substring(at + 1, ending - at - 1)), ending + 1

    let private word (text: string) at =
        let mutable ending = at

        while ending < text.Length && isPartOfName text[ending] do
            ending <- ending + 1

        if ending = at then
            refuse text $"'{text[at]}' has no meaning here; +, :, * and names (in backticks if need be) have"

        Token.Name(text.Substring(at, ending - at)), ending

    let rec private tokens (text: string) at =
        if at >= text.Length then
            []
        elif Char.IsWhiteSpace text[at] then
            tokens text (at + 1)
        elif signs.Contains text[at] then
            Token.Sign text[at] :: tokens text (at + 1)
        else
            let token, next = (if text[at] = '`' then quoted else word) text at
            token :: tokens text next

    let private plain name = { Column = name; IsFactor = false }

    let private variable text found =
        match found with
        | Token.Name "factor" :: Token.Sign '(' :: Token.Name name :: Token.Sign ')' :: rest ->
            { Column = name; IsFactor = true }, rest
        | Token.Name name :: rest -> plain name, rest
        | _ -> refuse text "the name of a column is expected after ~, +, : and *"

    /// Variables joined by one kind of sign.
    let rec private joined sign text found =
        let first, rest = variable text found

        match rest with
        | Token.Sign next :: more when next = sign ->
            let others, left = joined sign text more
            first :: others, left
        | _ -> [ first ], rest

    /// All products of one or more of the variables, in the order of the variables.
    let private crossed variables =
        (variables, [ [] ])
        ||> List.foldBack (fun one products -> (products |> List.map (fun product -> one :: product)) @ products)
        |> List.filter (List.isEmpty >> not)

    let private term text found =
        let variables, rest = joined '*' text found

        match variables, rest with
        | [ one ], Token.Sign ':' :: more ->
            let others, left = joined ':' text more
            [ one :: others ], left
        | _, Token.Sign((':' | '*') as sign) :: _ -> refuse text $"'{sign}' beside '*' is not read; write the terms out"
        | _ -> crossed variables, rest

    /// What is left after the ~, as whether there is an intercept and the terms.
    let rec private sum text hasIntercept terms found =
        let next rest =
            match rest with
            | [] -> None
            | Token.Sign('+' | '-') :: _ -> Some rest
            | _ -> refuse text "+ is expected between terms"

        let continued hasIntercept terms rest =
            match next rest with
            | None -> hasIntercept, terms
            | Some(Token.Sign '+' :: more) -> sum text hasIntercept terms more
            | Some more -> sum text hasIntercept terms more

        match found with
        | Token.Name "1" :: rest -> continued true terms rest
        | Token.Name "0" :: rest
        | Token.Sign '-' :: Token.Name "1" :: rest -> continued false terms rest
        | Token.Sign '-' :: _ -> refuse text "only - 1 (no intercept) can be taken away"
        | _ ->
            let found, rest = term text found
            continued hasIntercept (terms @ found) rest

    let private columns term =
        term |> List.map (fun v -> v.Column) |> set

    let private checkMargins text terms =
        for term in terms do
            for variable in term do
                if
                    List.length term > 1
                    && not (terms |> List.exists (fun other -> columns other = set [ variable.Column ]))
                then
                    refuse
                        text
                        $"an interaction with {variable.Column} needs {variable.Column} itself; write * for both"

    /// Reads a formula. BadOption, with the formula and what is expected, where it cannot be read, or where an
    /// interaction stands without its variables.
    let parse (text: string) : Result<Formula, CoExprError> =
        CoExprError.protect (fun () ->
            match tokens text 0 with
            | Token.Sign '~' :: [] -> refuse text "a term is expected after ~, such as ~ batch + condition"
            | Token.Sign '~' :: rest ->
                let hasIntercept, terms = sum text true [] rest
                let distinct = terms |> List.distinctBy columns |> List.sortBy List.length
                checkMargins text distinct

                {
                    Text = text
                    HasIntercept = hasIntercept
                    Terms = distinct
                }
            | _ -> refuse text "a design begins with ~, such as ~ batch + condition")
