namespace CoExpr

open System
open System.Security.Cryptography
open System.Text

/// A gene that is connected to many others.
type Hub = {
    Gene: string
    /// The sum over its partners of the score's distance from 0 times the cells it is estimated from.
    Strength: float
    /// How many partners it has.
    Degree: int
    /// Some of its partners with their scores, strongest first.
    Neighbours: (string * float)[]
}

/// One part of a page, under its own heading.
type Section = {
    Heading: string
    Content: Markup list
}

/// Self-contained pages: styles, scripts, figures and data in one file that opens without a network.
///
/// Names from files may hold anything. They reach the page as escaped text or escaped JSON only; and the page carries a
/// content security policy that lets a browser run the four scripts that belong there, known by their hash, and load
/// nothing.
[<RequireQualifiedAccess>]
module Html =

    let private text = Markup.Text

    let private attributed name attributes children =
        Markup.Element(name, attributes, children)

    let private plot id (figure: Figure) =
        attributed "div" [
            "class", "plot"
            "id", id
            "data-spec", id + "-spec"
            "role", "img"
            "aria-label", figure.Caption
        ] []

    let internal reading words =
        Markup.styled "p" "reading" [ Markup.element "strong" [ text "How to read this. " ]; text words ]

    /// A figure under its title, with its caption and how it is read. `id` is unique on the page; it names the files
    /// that a reader saves from the figure.
    let figure id (figure: Figure) = {
        Heading = figure.Title
        Content = [
            Markup.element "figure" [
                plot id figure
                Markup.styled "div" "save" []
                Markup.element "figcaption" [ text figure.Caption ]
            ]
            reading figure.Reading
            Markup.code "script" [ "type", "application/json"; "id", id + "-spec" ] (Json.write figure.Spec)
        ]
    }

    /// A field to search in and a list to choose from, first of which is chosen; what is chosen is the number of the choice,
    /// the variable "chosen" of the figure's specification.
    let private chooser id words (choices: string[]) =
        let list = id + "-choice"

        Markup.styled "div" "search choice" [
            attributed "label" [ "for", list ] [ text words ]
            attributed "input" [
                "type", "search"
                "aria-label", $"Search {words.ToLowerInvariant()}"
                "aria-controls", list
                "placeholder", "Search"
            ] []
            attributed "select" [ "id", list; "data-plot", id ] [
                for number in 0 .. choices.Length - 1 ->
                    attributed "option" [ "value", string number ] [ text choices[number] ]
            ]
            attributed "output" [ "aria-live", "polite" ] []
        ]

    /// A figure of one of several things, which the reader chooses by `words`.
    let chosenFigure id words choices shown =
        let section = figure id shown

        {
            section with
                Content = chooser id words choices :: section.Content
        }

    /// A paragraph in place of a figure or table for which there is nothing to show.
    let notice heading words = {
        Heading = heading
        Content = [ Markup.element "p" [ text words ] ]
    }

    let internal sortableHead (title, css, order) =
        attributed "th" [ "scope", "col"; "class", css; "aria-sort", order ] [
            attributed "button" [ "type", "button" ] [ text title ]
        ]

    let private tableHead (quantity: Quantity) =
        let strength =
            if quantity.Unit = "" then
                "Total score"
            else
                $"Total information ({quantity.Unit})"

        Markup.element "thead" [
            Markup.element "tr" [
                sortableHead ("Gene", "", "none")
                sortableHead (strength, "number", "descending")
                sortableHead ("Partners", "number", "none")
                attributed "th" [ "scope", "col" ] [ text "Strongest partners" ]
            ]
        ]

    let internal numberCell (value: float) shown =
        let sortable = value.ToString("R", Globalization.CultureInfo.InvariantCulture)
        attributed "td" [ "class", "number"; "data-value", sortable ] [ text shown ]

    let private partner (name, score) =
        attributed "li" [ "title", name ] [ Markup.name name; Markup.element "span" [ text (Wording.score score) ] ]

    let private hubRow hub =
        Markup.element "tr" [
            attributed "th" [ "scope", "row"; "title", hub.Gene ] [ Markup.name hub.Gene ]
            numberCell hub.Strength (Wording.score hub.Strength)
            numberCell (float hub.Degree) (Wording.count hub.Degree)
            Markup.element "td" [
                Markup.styled "ul" "neighbours" (hub.Neighbours |> Array.map partner |> List.ofArray)
            ]
        ]

    let internal search words table =
        Markup.styled "div" "search" [
            Markup.element "label" [ text words ]
            attributed "input" [ "type", "search"; "aria-label", words; "aria-controls", table ] []
            attributed "output" [ "aria-live", "polite" ] []
        ]

    let internal tableOf id css caption head rows =
        Markup.styled "div" "scroll" [
            attributed "table" [ "id", id; "class", css ] [
                Markup.element "caption" [ text caption ]
                head
                Markup.element "tbody" rows
            ]
        ]

    /// The hubs and their partners as a table that sorts by its columns and can be searched by gene.
    let neighbourTable id (quantity: Quantity) (hubs: Hub[]) =
        let total =
            if quantity.Unit = "" then
                "total score"
            else
                "total information"

        let caption =
            $"The {hubs.Length} genes with the most {total}, and the partners with which each scores highest."

        {
            Heading = "Hubs and their partners"
            Content = [
                search "Search genes" id
                tableOf id "hubs" caption (tableHead quantity) (hubs |> Array.map hubRow |> List.ofArray)
                reading (
                    $"{Wording.sentenceCase total} is the sum over a gene's kept partners of {quantity.Name}, sign left aside, times "
                    + "the number of cells that it is estimated from: a score from thousands of cells weighs more than the "
                    + "same score from three. Highly expressed genes are measured with less noise and so tend to be hubs: "
                    + "compare a hub with genes expressed as widely. Press a column's name to sort by it."
                )
            ]
        }

    // A command line or a hash would otherwise stand as a tall narrow column among short facts.
    let private fact (name, value: string) =
        let css = if value.Length > 28 then "long" else ""

        Markup.styled "div" css [ Markup.element "dt" [ text name ]; Markup.element "dd" [ text value ] ]

    let private factSheet facts = {
        Heading = "This run"
        Content = [ Markup.styled "dl" "facts" (facts |> List.map fact) ]
    }

    let private section { Heading = heading; Content = content } =
        Markup.element "section" (Markup.element "h2" [ text heading ] :: content)

    let private hash (script: string) =
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes script))}'"

    // Vega styles its elements one by one, so styles cannot be listed by hash; images are those a reader saves.
    let private policy scripts =
        let allowed = scripts |> List.map hash |> String.concat " "

        $"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        + "base-uri 'none'; form-action 'none'"

    let private meta attributes = attributed "meta" attributes []

    let private head title scripts =
        Markup.element "head" [
            meta [ "charset", "utf-8" ]
            meta [ "http-equiv", "Content-Security-Policy"; "content", policy scripts ]
            meta [ "name", "viewport"; "content", "width=device-width, initial-scale=1" ]
            attributed "link" [ "rel", "icon"; "href", "data:," ] []
            Markup.element "title" [ text $"{title} – CoExpr" ]
            Markup.code "style" [] (Assets.style ())
        ]

    let private header kind title summary =
        Markup.element "header" [
            Markup.styled "p" "kicker" [ text $"CoExpr · {kind}" ]
            Markup.element "h1" [ Markup.name title ]
            Markup.styled "p" "summary" [ text summary ]
            Markup.element "noscript" [
                Markup.element "p" [ text "The figures need JavaScript; the tables do without." ]
            ]
        ]

    let private footer () =
        Markup.element "footer" [
            Markup.element "p" [
                text "Made by CoExpr. This page loads nothing from a network; it can be kept and sent as it is."
            ]
            Markup.element "details" [
                Markup.element "summary" [ text "Licences of the libraries that draw the figures" ]
                Markup.element "pre" [ text (Assets.notices ()) ]
            ]
        ]

    /// One page: `kind` says which report it is ("co-expression report"), `title` names the data, `summary` says in a
    /// sentence what was computed, `facts` are names and values of the run, shown after the sections. Encode it as UTF-8.
    let page kind title summary (facts: (string * string) list) (sections: Section list) =
        let scripts = Assets.libraries () @ [ Assets.script () ]

        let body =
            Markup.element
                "body"
                ([
                    header kind title summary
                    Markup.element "main" (sections @ [ factSheet facts ] |> List.map section)
                    footer ()
                 ]
                 @ (scripts |> List.map (Markup.code "script" [])))

        "<!DOCTYPE html>\n"
        + Markup.write (attributed "html" [ "lang", "en" ] [ head title scripts; body ])
        + "\n"
