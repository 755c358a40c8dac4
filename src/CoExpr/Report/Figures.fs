namespace CoExpr

open System

/// The report's figures, as Vega-Lite specifications made from plain arrays.
///
/// Colours of heat maps are named ranges ("heatmap", "diverging"), to which the page gives a light and a dark form.
[<RequireQualifiedAccess>]
module Figures =

    /// Blue and vermilion stay apart in every common colour blindness, on light and on dark ground (Okabe and Ito 2008).
    [<Literal>]
    let private Blue = "#0072b2"

    [<Literal>]
    let private Vermilion = "#d55e00"

    let private checkHistogram (edges: float[]) (counts: int64[]) =
        if counts.Length = 0 || edges.Length <> counts.Length + 1 then
            invalidArg
                (nameof edges)
                $"{edges.Length} edges for {counts.Length} bins; needs a bin, and an edge more than bins"

        for low, high in Array.pairwise edges do
            if not (low < high && Double.IsFinite low && Double.IsFinite high) then
                invalidArg (nameof edges) $"the edge {high} does not lie above the edge {low} before it"

        for count in counts do
            if count < 0L then
                invalidArg (nameof counts) $"{count} pairs in a bin"

    /// One row for each bin that is not empty: its edges, its pairs, and the pairs in it and above it.
    let private bars (edges: float[]) (counts: int64[]) = [
        let fromHere = Array.scanBack (+) counts 0L

        for bin in 0 .. counts.Length - 1 do
            if counts[bin] > 0L then
                Json.Object [
                    "low", VegaLite.number edges[bin]
                    "high", VegaLite.number edges[bin + 1]
                    "pairs", Json.Number(float counts[bin])
                    "above", Json.Number(float fromHere[bin])
                    "shareAbove", VegaLite.number (float fromHere[bin] / float fromHere[0])
                ]
    ]

    /// Where bars stand on the logarithmic axis: below 1, so that a single pair still has a bar.
    [<Literal>]
    let private BarFoot = 0.6

    /// A tenth of an octave of air above the longest bar.
    [<Literal>]
    let private Headroom = 1.3

    let private pairAxis (counts: int64[]) =
        let most = counts |> Array.fold max 1L |> float

        let powers =
            [ 0 .. int (floor (log10 most)) ] |> List.map (fun power -> 10.0 ** float power)

        VegaLite.field "pairs" "quantitative" [
            "title", Json.Text "Pairs of genes (log scale)"
            "scale",
            Json.Object [
                "type", Json.Text "log"
                "domain", Json.List [ Json.Number BarFoot; Json.Number(most * Headroom) ]
                "nice", Json.Flag false
            ]
            "axis",
            Json.Object [
                "values", Json.List(powers |> List.map Json.Number)
                "format", Json.Text "~s"
            ]
        ]

    let private binAxis quantity (edges: float[]) =
        VegaLite.field "low" "quantitative" [
            "title", Json.Text(Quantity.title quantity)
            "scale",
            Json.Object [
                "domain", Json.List [ Json.Number edges[0]; Json.Number(Array.last edges) ]
                "nice", Json.Flag false
                "zero", Json.Flag false
            ]
            "axis", Json.Object [ "grid", Json.Flag false; "tickCount", Json.Number 8.0 ]
        ]

    let private barColour quantity =
        let negative =
            Json.Object [ "test", Json.Text "datum.low + datum.high < 0"; "value", Json.Text Blue ]

        if quantity.Signed then
            Json.Object [ "condition", negative; "value", Json.Text Vermilion ]
        else
            Json.Object [ "value", Json.Text Blue ]

    let private barTips =
        Json.List [
            VegaLite.tip "low" "score from" (Some ".4~g")
            VegaLite.tip "high" "to" (Some ".4~g")
            VegaLite.tip "pairs" "pairs" (Some ",")
            VegaLite.tip "above" "pairs from here up" (Some ",")
            VegaLite.tip "shareAbove" "share of all pairs" (Some ".3~%")
        ]

    let private distributionSpec quantity edges counts =
        VegaLite.specification [
            "width", Json.Text "container"
            "height", Json.Number 260.0
            "data", VegaLite.values (bars edges counts)
            // A pixel of ground between the bars.
            "mark", Json.Object [ "type", Json.Text "rect"; "x2Offset", Json.Number -1.0 ]
            "encoding",
            Json.Object [
                "x", binAxis quantity edges
                "x2", Json.Object [ "field", Json.Text "high" ]
                "y", pairAxis counts
                "y2", Json.Object [ "datum", Json.Number BarFoot ]
                "color", barColour quantity
                "tooltip", barTips
            ]
        ]

    /// The number of pairs in each bin of scores, on a logarithmic axis; `edges` is one longer than `counts` and rises. A
    /// bin without pairs has no bar. Throws ArgumentException for edges or counts that are no histogram.
    let scoreDistribution quantity (edges: float[]) (counts: int64[]) =
        checkHistogram edges counts
        let pairs = Wording.counted (Array.sum counts) "pair"

        let sides =
            if quantity.Signed then
                " Blue lies below 0, orange above."
            else
                ""

        {
            Title = $"How {quantity.Name} is distributed"
            Caption = $"{Quantity.title quantity} of {pairs} of genes, in {counts.Length} bins.{sides}"
            Reading =
                "Each bar counts the pairs whose score lies between its two edges. The axis of counts is logarithmic, or the few "
                + "strong pairs at the end would not be seen beside the many near zero. A long tail that stands clear of the bulk "
                + "is where to look for co-expression. Point at a bar to read how many pairs a threshold there would keep."
            Spec = distributionSpec quantity edges counts
        }

    let private checkMatrix (names: string[]) (matrix: float[]) =
        if matrix.Length <> names.Length * names.Length then
            invalidArg
                (nameof matrix)
                $"{matrix.Length} scores for {names.Length} genes, which need {names.Length * names.Length}"

        match matrix |> Array.tryFind Double.IsInfinity with
        | Some score -> invalidArg (nameof matrix) $"{score} is no score"
        | None -> ()

    /// Scores above the diagonal, with the genes they belong to; those that were not kept left out.
    let private keptPairs n (matrix: float[]) = [|
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
    let private reordered (order: int[]) (matrix: float[]) =
        let n = order.Length

        Array.init (n * n) (fun at ->
            let a, b = order[at / n], order[at % n]
            matrix[min a b * n + max a b])

    /// Genes by their clusters. They are put in order of name first, so that ties do not depend on the file's order.
    let private clusteredOrder (names: string[]) (matrix: float[]) =
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

            if quantile > 0.0 then
                quantile
            else
                max 1.0 (Array.last sizes)

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

    /// Pixels a gene takes: about 700 for all, and letters never too small to read.
    let private cellSize genes =
        700 / max 1 genes |> max 11 |> min 28 |> float

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
                    "labelFontSize", Json.Number(min 12.0 (cell - 1.0))
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

    let private heatMapEncoding quantity names full =
        let pair = [ VegaLite.tip "gene" "gene" None; VegaLite.tip "partner" "with" None ]

        Json.Object [
            "y", geneAxis "row" names []
            "x", geneAxis "column" names [ "labelAngle", Json.Number -90.0 ]
            "color", colour quantity full
            "tooltip", Json.List(pair @ [ VegaLite.tip "score" (Quantity.title quantity) (Some ".4~g") ])
        ]

    let private heatMapSpec quantity (names: string[]) pairs =
        let step = Json.Object [ "step", Json.Number(cellSize names.Length) ]
        let genes = names |> Array.map Json.Text |> List.ofArray

        VegaLite.specification [
            "params", Json.List [ Json.Object [ "name", Json.Text "genes"; "value", Json.List genes ] ]
            "width", step
            "height", step
            "data", VegaLite.values (pairs |> Array.map pairRow |> List.ofArray)
            "transform", bothTriangles
            "mark", Json.Object [ "type", Json.Text "rect" ]
            "encoding", heatMapEncoding quantity names (fullColour pairs)
        ]

    let private saturation quantity (pairs: struct (int * int * float)[]) =
        let full = fullColour pairs

        let beyond =
            pairs
            |> Array.filter (fun (struct (_, _, score)) -> abs score > full)
            |> Array.length

        if beyond = 0 then
            ""
        else
            let beyond = Wording.counted beyond "pair"
            $" Colours are full at {Quantity.amount quantity full}, beyond which {beyond} lie; tooltips give each score."

    /// Every pair of some genes as a coloured square. `matrix` is names × names, row by row, of which the part above the
    /// diagonal is read; NaN is a pair that was not kept and stays blank, as does the diagonal. Genes stand in the order of
    /// average-linkage clusters with the best order of leaves, which does not depend on the order they are given in.
    /// Throws ArgumentException for a matrix of another size or an infinite score.
    let clusteredHeatMap quantity (names: string[]) (matrix: float[]) =
        checkMatrix names matrix
        let order = clusteredOrder names matrix
        let names = order |> Array.map (fun gene -> names[gene])
        let pairs = reordered order matrix |> keptPairs names.Length
        let shown = Wording.counted pairs.Length "pair"

        {
            Title = "Genes by cluster"
            Caption =
                $"{Quantity.title quantity} of {shown} among {names.Length} genes, clustered by average linkage. "
                + $"Blank: the diagonal, and pairs that were not kept.{saturation quantity pairs}"
            Reading =
                "Rows and columns are the same genes in the same order, so the map mirrors at its diagonal. Genes that score highly with "
                + "each other stand side by side and form blocks: candidates for one programme, cell type or complex. Which block stands next to which "
                + "is the order that keeps neighbours similar, and says nothing more. A block may also come from a mixture of cell types "
                + "rather than from regulation within one."
            Spec = heatMapSpec quantity names pairs
        }
