namespace CoExpr

open System

/// One gene of a volcano.
type VolcanoPoint = {
    Gene: int
    /// log2 fold change, drawn at the edge where that is infinite or a pseudocount's.
    X: float
    /// −log10 p, drawn at the top where p is 0.
    Y: float
    IsHit: bool
    /// Whether it stands at an edge instead of at its numbers.
    AtEdge: bool
    IsLabelled: bool
}

/// The points and the specification of volcanoes, of which a reader chooses one.
[<RequireQualifiedAccess>]
module internal Volcano =

    /// Points of all volcanoes together: some 20 bytes each in the page.
    [<Literal>]
    let private Budget = 120_000

    /// No volcano has more, since more are not told apart, or fewer, since fewer do not show its shape.
    let private most, private least = 4000, 60

    [<Literal>]
    let private MostLabels = 15

    /// Points of one volcano, of a screen of so many perturbations.
    let room perturbations =
        Budget / max 1 perturbations |> min most |> max least

    /// The strongest hits, to three quarters of the room, and of the other genes every n-th by p.
    let chosen (result: DifferentialResult) room perturbation =
        let hits, others =
            DifferentialHits.strongest result perturbation
            |> Array.partition (DifferentialHits.isHit result.Rows)

        if hits.Length + others.Length <= room then
            Array.append hits others
        else
            let hits = Array.truncate (room * 3 / 4) hits
            Array.append hits (DifferentialHits.evenly (room - hits.Length) others)

    /// The largest of these that are finite, or 1.
    let private largest values =
        values
        |> Seq.filter Double.IsFinite
        |> Seq.fold max 0.0
        |> fun top -> if top > 0.0 then top else 1.0

    let private placed (result: DifferentialResult) (places: int[]) =
        let rows, genes = result.Rows, result.GeneTable.Names.Length

        let widest =
            places
            |> Seq.filter (DifferentialHits.hasFold rows)
            |> Seq.map (fun place -> abs rows.LogFoldChange[place])
            |> largest

        let highest = places |> Seq.map (fun place -> -rows.Log10P[place]) |> largest

        places
        |> Array.map (fun place ->
            let hasFold = DifferentialHits.hasFold rows place

            let edge =
                if DifferentialHits.isUp rows place then
                    1.1 * widest
                else
                    -1.1 * widest

            let height = -rows.Log10P[place]

            {
                Gene = place % genes
                X = if hasFold then rows.LogFoldChange[place] else edge
                Y = if Double.IsFinite height then height else 1.05 * highest
                IsHit = DifferentialHits.isHit rows place
                AtEdge = not (hasFold && Double.IsFinite height)
                IsLabelled = false
            })

    /// Labels of the strongest hits that lie clear of the label of every stronger one: a seventh of the width apart, or a
    /// thirtieth of the height.
    let private labelled (points: VolcanoPoint[]) =
        let width = points |> Seq.map (fun point -> abs point.X) |> largest
        let height = points |> Seq.map _.Y |> largest
        let taken = ResizeArray<VolcanoPoint>()

        let isClear point =
            taken
            |> Seq.forall (fun other ->
                abs (point.X - other.X) > 2.0 * width / 7.0
                || abs (point.Y - other.Y) > height / 30.0)

        points
        |> Array.map (fun point ->
            if point.IsHit && taken.Count < MostLabels && isClear point then
                taken.Add point
                { point with IsLabelled = true }
            else
                point)

    /// The points of one perturbation, strongest hits first.
    let points (result: DifferentialResult) room perturbation =
        chosen result room perturbation |> placed result |> labelled

    /// Hit, at an edge, labelled: one number instead of three words.
    let private kind point =
        (if point.IsHit then 1.0 else 0.0)
        + (if point.AtEdge then 2.0 else 0.0)
        + (if point.IsLabelled then 4.0 else 0.0)

    /// One row per perturbation with its points as columns, which the page unfolds when they are chosen: a row per point
    /// would take thrice the bytes.
    let private row (numberOf: int -> int) (number: int) (points: VolcanoPoint[]) =
        let column pick =
            Json.List [ for point in points -> pick point ]

        Json.Object [
            "v", Json.Number(float number)
            "g", column (fun point -> Json.Number(float (numberOf point.Gene)))
            "x", column (fun point -> VegaLite.place point.X)
            "y", column (fun point -> VegaLite.place point.Y)
            "k", column (fun point -> Json.Number(kind point))
        ]

    let private calculated expression name =
        Json.Object [ "calculate", Json.Text expression; "as", Json.Text name ]

    let private transforms =
        Json.List [
            Json.Object [ "filter", Json.Text "datum.v === chosen" ]
            Json.Object [
                "flatten", Json.List [ for name in [ "g"; "x"; "y"; "k" ] -> Json.Text name ]
            ]
            calculated "genes[datum.g]" "gene"
            calculated "datum.k % 2 === 0 ? 'no hit' : datum.x < 0 ? 'lower' : 'higher'" "change"
            calculated "floor(datum.k / 2) % 2 === 1 ? 'at the edge' : 'in place'" "where"
            calculated
                "datum.where === 'at the edge' ? 'one group lacks the gene, or p is 0' : format(datum.x, '.3~g')"
                "fold"
        ]

    let private colour =
        VegaLite.field "change" "nominal" [
            "title", Json.Null
            "scale",
            Json.Object [
                "domain", Json.List [ Json.Text "lower"; Json.Text "no hit"; Json.Text "higher" ]
                "range",
                Json.List [
                    Json.Text VegaLite.Blue
                    Json.Text VegaLite.Grey
                    Json.Text VegaLite.Vermilion
                ]
            ]
            "legend", Json.Object [ "orient", Json.Text "top"; "direction", Json.Text "horizontal" ]
        ]

    let private shape =
        VegaLite.field "where" "nominal" [
            "scale",
            Json.Object [
                "domain", Json.List [ Json.Text "in place"; Json.Text "at the edge" ]
                "range", Json.List [ Json.Text "circle"; Json.Text "diamond" ]
            ]
            "legend", Json.Null
        ]

    let private dots =
        Json.Object [
            "mark",
            Json.Object [
                "type", Json.Text "point"
                "filled", Json.Flag true
                "size", Json.Number 26.0
                "opacity", Json.Number 0.75
            ]
            "encoding",
            Json.Object [
                "color", colour
                "shape", shape
                "tooltip",
                Json.List [
                    VegaLite.tip "gene" "gene" None
                    VegaLite.tip "fold" "log2 fold change" None
                    VegaLite.tip "y" "−log10 p" (Some ".4~g")
                    VegaLite.tip "change" "in perturbed cells" None
                ]
            ]
        ]

    /// Names stand away from the middle; those of the edge towards it.
    let private labels side align dx =
        Json.Object [
            "transform",
            Json.List [
                Json.Object [
                    "filter", Json.Text $"datum.k >= 4 && (datum.x < 0) === (datum.where === 'in place') === {side}"
                ]
            ]
            "mark",
            Json.Object [
                "type", Json.Text "text"
                "align", Json.Text align
                "dx", Json.Number dx
                "fontSize", Json.Number 11.0
                "limit", Json.Number 110.0
            ]
            "encoding", Json.Object [ "text", VegaLite.field "gene" "nominal" [] ]
        ]

    let private axis name title more =
        VegaLite.field name "quantitative" ([ "title", Json.Text title ] @ more)

    /// Air beside the outermost points, for their names.
    let private padded = [
        "scale", Json.Object [ "padding", Json.Number 60.0; "zero", Json.Flag true; "nice", Json.Flag false ]
    ]

    let private encoding =
        Json.Object [
            "x", axis "x" "log2 fold change" padded
            "y", axis "y" "−log10 p" [ "scale", Json.Object [ "nice", Json.Flag true ] ]
        ]

    /// Every gene's number among those that any volcano shows, in the order in which they come.
    let private numbering (volcanoes: VolcanoPoint[][]) =
        let shown = volcanoes |> Seq.collect (Seq.map _.Gene) |> Seq.distinct |> Array.ofSeq
        let numberOf = Collections.Generic.Dictionary<int, int>()
        shown |> Array.iteri (fun number gene -> numberOf[gene] <- number)
        shown, numberOf

    /// `order` are perturbations as the reader is to choose from them, the first one shown at first; `volcanoes` are theirs.
    let spec (result: DifferentialResult) (order: int[]) (volcanoes: VolcanoPoint[][]) =
        let shown, numberOf = numbering volcanoes
        let genes = [ for gene in shown -> Json.Text result.GeneTable.Names[gene] ]
        let names = [ for perturbation in order -> Json.Text result.Perturbations[perturbation] ]

        VegaLite.specification [
            "params",
            Json.List [
                VegaLite.variable "genes" (Json.List genes)
                VegaLite.variable "names" (Json.List names)
                VegaLite.variable "chosen" (Json.Number 0.0)
            ]
            "title",
            Json.Object [
                "text", Json.Object [ "expr", Json.Text "names[chosen]" ]
                "anchor", Json.Text "start"
            ]
            "width", Json.Text "container"
            "height", Json.Number 440.0
            "data",
            VegaLite.values [
                for number in 0 .. volcanoes.Length - 1 -> row (fun gene -> numberOf[gene]) number volcanoes[number]
            ]
            "transform", transforms
            "encoding", encoding
            "layer", Json.List [ dots; labels "true" "right" -7.0; labels "false" "left" 7.0 ]
        ]
