namespace CoExpr

open System
open System.Text

/// A piece of HTML as plain data. Names from files are hostile until written: only `Verbatim` is written as it is.
[<RequireQualifiedAccess>]
type Markup =
    | Text of string
    | Element of name: string * attributes: (string * string) list * children: Markup list
    /// The inside of a script or style element, in which HTML knows no escapes.
    | Verbatim of string

[<RequireQualifiedAccess>]
module Markup =

    /// Elements that have neither children nor an end tag.
    let private isVoid name =
        List.contains name [ "br"; "input"; "link"; "meta" ]

    // Control characters other than tab and line breaks are not allowed in HTML, escaped or not.
    let private escape (builder: StringBuilder) (text: string) =
        for letter in text do
            match letter with
            | '&' -> builder.Append "&amp;"
            | '<' -> builder.Append "&lt;"
            | '>' -> builder.Append "&gt;"
            | '"' -> builder.Append "&quot;"
            | '\'' -> builder.Append "&#39;"
            | '\t'
            | '\n' -> builder.Append letter
            | _ when Char.IsControl letter -> builder.Append '\uFFFD'
            | _ -> builder.Append letter
            |> ignore

    let rec private append (builder: StringBuilder) markup =
        match markup with
        | Markup.Text text -> escape builder text
        | Markup.Verbatim code -> builder.Append code |> ignore
        | Markup.Element(name, attributes, children) ->
            builder.Append('<').Append(name) |> ignore

            for attribute, value in attributes do
                builder.Append(' ').Append(attribute).Append("=\"") |> ignore
                escape builder value
                builder.Append('"') |> ignore

            builder.Append('>') |> ignore
            children |> List.iter (append builder)

            if not (isVoid name) then
                builder.Append("</").Append(name).Append('>') |> ignore

    /// The HTML, on one line but for the line breaks of its texts.
    let write markup =
        let builder = StringBuilder()
        append builder markup
        builder.ToString()

    /// An element without attributes.
    let element name children = Markup.Element(name, [], children)

    /// An element of this class.
    let styled name css children =
        Markup.Element(name, [ "class", css ], children)

    /// A gene's or file's name: isolated, so that right-to-left letters in it cannot reorder the text around it.
    let name text = element "bdi" [ Markup.Text text ]

    /// A script or style element around code. Throws ArgumentException if the code would end the element early.
    let code element attributes (code: string) =
        let ends = "</" + element

        if
            code.Contains(ends, StringComparison.OrdinalIgnoreCase)
            || code.Contains("<!--", StringComparison.Ordinal)
        then
            invalidArg (nameof code) $"holds {ends} or <!--, which would change where the element ends"

        Markup.Element(element, attributes, [ Markup.Verbatim code ])
