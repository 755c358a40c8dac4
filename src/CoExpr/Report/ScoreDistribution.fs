namespace CoExpr

open System

/// The specification of a histogram of scores.
[<RequireQualifiedAccess>]
module internal ScoreDistribution =

    /// Throws ArgumentException for edges or counts that are no histogram.
    let check (edges: float[]) (counts: int64[]) =
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

    /// Air above the longest bar.
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
            Json.Object [
                "test", Json.Text "datum.low + datum.high < 0"
                "value", Json.Text VegaLite.Blue
            ]

        if quantity.Signed then
            Json.Object [ "condition", negative; "value", Json.Text VegaLite.Vermilion ]
        else
            Json.Object [ "value", Json.Text VegaLite.Blue ]

    let private barTips =
        Json.List [
            VegaLite.tip "low" "score from" (Some ".4~g")
            VegaLite.tip "high" "to" (Some ".4~g")
            VegaLite.tip "pairs" "pairs" (Some ",")
            VegaLite.tip "above" "pairs from here up" (Some ",")
            VegaLite.tip "shareAbove" "share of all pairs" (Some ".3~%")
        ]

    let spec quantity edges counts =
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
