namespace CoExpr

open System
open System.Globalization

/// What a score measures, as axis titles and captions call it.
type Quantity = {
    /// "mutual information", "Pearson correlation": as in the middle of a sentence.
    Name: string
    /// "bits"; empty for a plain number.
    Unit: string
    /// Whether scores below 0 have a meaning of their own: colours then diverge from 0.
    Signed: bool
}

/// One figure as data: what it is called, what it shows, how it is read, and its Vega-Lite specification.
type Figure = {
    Title: string
    Caption: string
    Reading: string
    Spec: Json
}

/// Numbers and words as the report writes them, whatever the machine's language.
[<RequireQualifiedAccess>]
module internal Wording =

    /// Three significant digits, final zeros included so that numbers of one size line up; 1.2E-05 for the very small.
    let score (value: float) =
        let size = abs value

        if size >= 0.001 && size < 1e6 then
            let decimals = 2 - int (floor (log10 size)) |> max 0
            value.ToString($"N{decimals}", CultureInfo.InvariantCulture)
        else
            value.ToString("G3", CultureInfo.InvariantCulture)

    /// 12,345.
    let count (value: int64) =
        value.ToString("N0", CultureInfo.InvariantCulture)

    /// "1 gene", "2 genes".
    let counted (value: int64) noun =
        if value = 1L then $"1 {noun}" else $"{count value} {noun}s"

    let sentenceCase (words: string) =
        if words = "" then
            ""
        else
            words.Substring(0, 1).ToUpperInvariant() + words.Substring 1

[<RequireQualifiedAccess>]
module Quantity =
    /// For axes and column heads: "Mutual information (bits)".
    let title quantity =
        let name = Wording.sentenceCase quantity.Name

        if quantity.Unit = "" then
            name
        else
            $"{name} ({quantity.Unit})"

    /// For sentences: "0.125 bits", to three significant digits.
    let amount quantity (score: float) =
        if quantity.Unit = "" then
            Wording.score score
        else
            $"{Wording.score score} {quantity.Unit}"

/// The words of Vega-Lite that every figure uses.
[<RequireQualifiedAccess>]
module internal VegaLite =

    /// The version of the language in which every specification is written.
    [<Literal>]
    let Schema = "https://vega.github.io/schema/vega-lite/v6.json"

    let specification parts =
        Json.Object(("$schema", Json.Text Schema) :: parts)

    /// Six significant digits are more than a colour or a tooltip shows, and take half the room of all seventeen.
    let number (value: float) =
        Double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        |> Json.Number

    let field name kind more =
        Json.Object([ "field", Json.Text name; "type", Json.Text kind ] @ more)

    /// A line of a tooltip; a number has a format of d3-format, a name has none.
    let tip name title format =
        match format with
        | Some format -> field name "quantitative" [ "title", Json.Text title; "format", Json.Text format ]
        | None -> field name "nominal" [ "title", Json.Text title ]

    let values rows =
        Json.Object [ "values", Json.List rows ]

    /// Four significant digits place a point.
    let place (value: float) =
        Double.Parse(value.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        |> Json.Number

    /// A variable that the specification's expressions know by name.
    let variable name value =
        Json.Object [ "name", Json.Text name; "value", value ]

    /// Blue and vermilion stay apart in every common colour blindness, on light and dark ground (Okabe and Ito 2008).
    [<Literal>]
    let Blue = "#0072b2"

    [<Literal>]
    let Vermilion = "#d55e00"

    /// Seen on light and on dark ground, and below either colour.
    [<Literal>]
    let Grey = "#8a94a3"
