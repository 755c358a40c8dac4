namespace CoExpr

open System

/// The order and the specification of a heat map of scores.
[<RequireQualifiedAccess>]
module internal ClusteredHeatMap =

    /// Throws ArgumentException for a matrix of another size or an infinite score.
    let check (names: string[]) (matrix: float[]) =
        if matrix.Length <> names.Length * names.Length then
            invalidArg
                (nameof matrix)
                $"{matrix.Length} scores for {names.Length} genes, which need {names.Length * names.Length}"

        match matrix |> Array.tryFind Double.IsInfinity with
        | Some score -> invalidArg (nameof matrix) $"{score} is no score"
        | None -> ()

    /// Scores above the diagonal, with the genes they belong to; those that were not kept left out.
    let keptPairs n (matrix: float[]) = [|
        for row in 0 .. n - 1 do
            for column in row + 1 .. n - 1 do
                let score = matrix[row * n + column]

                if not (Double.IsNaN score) then
                    struct (row, column, score)
    |]

    /// Strong pairs are near: the highest score minus this one. A pair that was not kept counts as a score of 0.
    let private distances n (matrix: float[]) =
        let scores =
            matrix |> Array.map (fun score -> if Double.IsNaN score then 0.0 else score)

        let highest =
            keptPairs n matrix
            |> Array.fold (fun top (struct (_, _, score)) -> max top score) 0.0

        scores |> Array.map (fun score -> max 0.0 (highest - score))

    /// Both triangles of the new order come from the one above the diagonal of the old.
    let reordered (order: int[]) (matrix: float[]) =
        let n = order.Length

        Array.init (n * n) (fun at ->
            let a, b = order[at / n], order[at % n]
            matrix[min a b * n + max a b])

    /// Genes by their clusters. They are put in order of name first, so that ties do not depend on the file's order.
    let order (names: string[]) (matrix: float[]) =
        let n = names.Length

        let byName =
            [ 0 .. n - 1 ]
            |> List.sortWith (fun a b -> String.CompareOrdinal(names[a], names[b]))
            |> Array.ofList

        let distances = distances n matrix |> reordered byName

        HierarchicalClustering.average n distances
        |> HierarchicalClustering.optimalOrder n distances
        |> Array.map (fun leaf -> byName[leaf])

    /// The score at which colours are full: below it lie 98% of the absolute scores, or else the one pair of a protein
    /// complex that stands far above all others would leave every other cell pale.
    let private fullColour (pairs: struct (int * int * float)[]) =
        let sizes =
            pairs |> Array.map (fun (struct (_, _, score)) -> abs score) |> Array.sort

        match sizes with
        | [||] -> 1.0
        | _ ->
            let quantile = sizes[int (ceil (0.98 * float sizes.Length)) - 1]

            if quantile > 0.0 then quantile
            elif Array.last sizes > 0.0 then Array.last sizes
            else 1.0

    let private colourScale quantity full =
        let range, low =
            if quantity.Signed then
                "diverging", -full
            else
                "heatmap", 0.0

        Json.Object [
            "domain", Json.List [ VegaLite.number low; VegaLite.number full ]
            "range", Json.Text range
            "clamp", Json.Flag true
            // Vega's own way through hue and chroma would take dark blue to orange by way of purple.
            "interpolate", Json.Text "lab"
        ]

    let private colour quantity full =
        VegaLite.field "score" "quantitative" [
            "title", Json.Text(Quantity.title quantity)
            "scale", colourScale quantity full
            "legend",
            Json.Object [
                "orient", Json.Text "top"
                "direction", Json.Text "horizontal"
                "gradientLength", Json.Number 240.0
                "tickCount", Json.Number 5.0
            ]
        ]

    /// Pixels a gene takes: up to 100 genes fit the page's width; more are scrolled, not shrunk past reading.
    let private cellSize genes =
        800 / max 1 genes |> max 8 |> min 28 |> float

    /// A row or a column of genes. Genes are numbered rather than named, so that two of the same name stay two.
    let private geneAxis name (names: string[]) (labels: (string * Json) list) =
        let cell = cellSize names.Length

        VegaLite.field name "ordinal" [
            "title", Json.Null
            "scale",
            Json.Object [
                "domain", Json.List [ for gene in 0 .. names.Length - 1 -> Json.Number(float gene) ]
            ]
            "axis",
            Json.Object(
                [
                    "labelExpr", Json.Text "genes[datum.value]"
                    "labelLimit", Json.Number 120.0
                    "labelFontSize", Json.Number(cell - 1.0 |> max 8.0 |> min 12.0)
                    "labelOverlap", Json.Flag false
                    "ticks", Json.Flag false
                    "domain", Json.Flag false
                ]
                @ labels
            )
        ]

    /// Only one triangle is in the data; each pair is drawn at its two places.
    let private bothTriangles =
        let calculated expression name =
            Json.Object [ "calculate", Json.Text expression; "as", Json.Text name ]

        Json.List [
            calculated "[datum.a, datum.b]" "row"
            calculated "[datum.b, datum.a]" "column"
            Json.Object [ "flatten", Json.List [ Json.Text "row"; Json.Text "column" ] ]
            calculated "genes[datum.row]" "gene"
            calculated "genes[datum.column]" "partner"
        ]

    let private pairRow (struct (row: int, column: int, score: float)) =
        Json.Object [
            "a", Json.Number(float row)
            "b", Json.Number(float column)
            "score", VegaLite.number score
        ]

    let private encoding quantity names full =
        let pair = [ VegaLite.tip "gene" "gene" None; VegaLite.tip "partner" "with" None ]

        Json.Object [
            "y", geneAxis "row" names []
            "x", geneAxis "column" names [ "labelAngle", Json.Number -90.0 ]
            "color", colour quantity full
            "tooltip", Json.List(pair @ [ VegaLite.tip "score" (Quantity.title quantity) (Some ".4~g") ])
        ]

    let spec quantity (names: string[]) pairs =
        let step = Json.Object [ "step", Json.Number(cellSize names.Length) ]
        let genes = names |> Array.map Json.Text |> List.ofArray

        VegaLite.specification [
            "params", Json.List [ Json.Object [ "name", Json.Text "genes"; "value", Json.List genes ] ]
            "width", step
            "height", step
            "data", VegaLite.values (pairs |> Array.map pairRow |> List.ofArray)
            "transform", bothTriangles
            "mark", Json.Object [ "type", Json.Text "rect" ]
            "encoding", encoding quantity names (fullColour pairs)
        ]

    /// The caption's sentence on colours that stand for more than one score; empty if none does.
    let saturation quantity (pairs: struct (int * int * float)[]) =
        let full = fullColour pairs

        let beyond =
            pairs
            |> Array.filter (fun (struct (_, _, score)) -> abs score > full)
            |> Array.length

        if beyond = 0 then
            ""
        else
            let beyond = Wording.counted beyond "pair"
            $" Colours are full at {Quantity.amount quantity full}, passed by {beyond}; tooltips give each score."
