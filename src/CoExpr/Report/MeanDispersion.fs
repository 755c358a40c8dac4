namespace CoExpr

open System

/// The points and the specification of a figure of dispersions against means.
[<RequireQualifiedAccess>]
module internal MeanDispersion =

    /// Genes that are drawn.
    [<Literal>]
    let private Most = 4000

    /// Genes with a mean and a dispersion, in order of their means: all, or some in even steps.
    let chosen (dispersions: ScreenDispersions) =
        Array.init dispersions.Means.Length id
        |> Array.filter (fun gene ->
            dispersions.Means[gene] > 0.0
            && Double.IsFinite dispersions.Trend[gene]
            && dispersions.Trend[gene] > 0.0
            && dispersions.Final[gene] > 0.0
            && not (Double.IsNaN dispersions.GeneWise[gene]))
        |> Array.sortBy (fun gene -> dispersions.Means[gene])
        |> DifferentialHits.evenly Most

    /// Estimates at 0, which a logarithmic axis does not have, and those far below stand at a hundredth of the lowest trend.
    let floor (dispersions: ScreenDispersions) (genes: int[]) =
        genes |> Seq.map (fun gene -> dispersions.Trend[gene]) |> Seq.min |> (*) 0.01

    let private row floor (names: string[]) (dispersions: ScreenDispersions) gene =
        let drawn value = VegaLite.place (max floor value)

        Json.Object [
            "gene", Json.Text names[gene]
            "mean", VegaLite.place dispersions.Means[gene]
            "own", drawn dispersions.GeneWise[gene]
            "final", drawn dispersions.Final[gene]
            "trend", drawn dispersions.Trend[gene]
        ]

    let private axis name title =
        VegaLite.field name "quantitative" [
            "title", Json.Text title
            "scale", Json.Object [ "type", Json.Text "log"; "nice", Json.Flag false ]
            "axis",
            Json.Object [
                "format", Json.Text "~g"
                "grid", Json.Flag false
                "tickCount", Json.Number 6.0
            ]
        ]

    let private tips =
        Json.List [
            VegaLite.tip "gene" "gene" None
            VegaLite.tip "mean" "mean" (Some ".4~g")
            VegaLite.tip "own" "own estimate" (Some ".4~g")
            VegaLite.tip "final" "tests use" (Some ".4~g")
            VegaLite.tip "trend" "trend" (Some ".4~g")
        ]

    let private names = [ "own estimate"; "tests use"; "trend" ]
    let private colours = [ VegaLite.Grey; VegaLite.Blue; VegaLite.Vermilion ]

    let private colour name =
        Json.Object [
            "datum", Json.Text name
            "type", Json.Text "nominal"
            "title", Json.Null
            "scale",
            Json.Object [
                "domain", Json.List(List.map Json.Text names)
                "range", Json.List(List.map Json.Text colours)
            ]
            "legend",
            Json.Object [
                "orient", Json.Text "top"
                "direction", Json.Text "horizontal"
                "symbolOpacity", Json.Number 1.0
            ]
        ]

    let private layer field name mark =
        Json.Object [
            "mark", Json.Object mark
            "encoding",
            Json.Object [
                "x", axis "mean" "Mean count per cell, over size factor"
                "y", axis field "Dispersion"
                "color", colour name
                "tooltip", tips
            ]
        ]

    let private dots opacity = [
        "type", Json.Text "point"
        "filled", Json.Flag true
        "size", Json.Number 14.0
        "opacity", Json.Number opacity
    ]

    /// `genes` in order of their means; `names` of all genes.
    let spec names dispersions (genes: int[]) =
        let floor = floor dispersions genes

        VegaLite.specification [
            "width", Json.Text "container"
            "height", Json.Number 380.0
            "data", VegaLite.values [ for gene in genes -> row floor names dispersions gene ]
            "layer",
            Json.List [
                layer "own" "own estimate" (dots 0.45)
                layer "final" "tests use" (dots 0.6)
                layer "trend" "trend" [ "type", Json.Text "line"; "strokeWidth", Json.Number 2.5 ]
            ]
        ]
