namespace CoExpr

open System

/// A model as a report shows it.
type ReportedModel = {
    Name: string
    Result: EvaluationResult
    /// Of the columns of the result.
    Intervals: MetricInterval[]
    /// The tables that measures were taken of, real and predicted.
    Tables: (DeTable * DeTable) option
}

/// The figures of evaluations, as Vega-Lite specifications; None where there is nothing to draw.
[<RequireQualifiedAccess>]
module EvaluationFigures =

    /// Colours that stay apart in common colour blindness, on light and dark ground (Okabe and Ito 2008).
    let private colours = [
        VegaLite.Blue
        VegaLite.Vermilion
        "#009e73"
        "#cc79a7"
        "#e69f00"
        "#56b4e9"
    ]

    let private texts values =
        Json.List [ for value in values -> Json.Text value ]

    /// Models by colour, in their order; the legend is left out for one.
    let private colour (models: ReportedModel[]) =
        VegaLite.field "model" "nominal" [
            "title", Json.Null
            "scale",
            Json.Object [
                "domain", texts [ for model in models -> model.Name ]
                "range", texts [ for at in 0 .. models.Length - 1 -> colours[at % colours.Length] ]
            ]
            "legend",
            (if models.Length = 1 then
                 Json.Null
             else
                 Json.Object [
                     "orient", Json.Text "top"
                     "direction", Json.Text "horizontal"
                     "labelLimit", Json.Number 240.0
                     "columns", Json.Number 4.0
                 ])
        ]

    let private values (column: MetricColumn) =
        MetricColumn.present column |> Array.filter Double.IsFinite

    /// Measures that differ between perturbations, in the order of the first model that has them.
    let private variable (models: ReportedModel[]) =
        models
        |> Array.collect (fun model ->
            model.Result.Columns
            |> Array.filter (fun column -> not column.OfAll && (values column).Length > 0)
            |> Array.map (fun column -> column.Name))
        |> Array.distinct

    let private columnOf name (model: ReportedModel) =
        model.Result.Columns
        |> Array.tryFind (fun column -> column.Name = name)
        |> Option.map values
        |> Option.defaultValue [||]

    /// Bins of a histogram.
    [<Literal>]
    let private Bins = 30

    /// Edges from the least to the greatest value of all models.
    let private edges (columns: float[][]) =
        let all = Array.concat columns
        let low, high = Array.min all, Array.max all
        let low, high = if low = high then low - 0.5, high + 0.5 else low, high
        Array.init (Bins + 1) (fun edge -> low + (high - low) * float edge / float Bins)

    /// The bin of a value; the last one holds its upper edge, too.
    let private binOf (edges: float[]) value =
        let place = (value - edges[0]) / (edges[Bins] - edges[0]) * float Bins
        Math.Clamp(int (floor place), 0, Bins - 1)

    let private shares edges (values: float[]) =
        let counts = Array.zeroCreate<int> Bins

        for value in values do
            let bin = binOf edges value
            counts[bin] <- counts[bin] + 1

        counts

    let private histogramRows (models: ReportedModel[]) number name = [
        let columns = models |> Array.map (columnOf name)
        let edges = edges columns

        for model, column in Array.zip models columns do
            if column.Length > 0 then
                let counts = shares edges column

                // The line goes on to the upper edge of the last bin.
                for at in 0..Bins do
                    let bin = min at (Bins - 1)

                    Json.Object [
                        "v", Json.Number(float number)
                        "model", Json.Text model.Name
                        "low", VegaLite.place edges[at]
                        "from", VegaLite.place edges[bin]
                        "to", VegaLite.place edges[bin + 1]
                        "count", Json.Number(float counts[bin])
                        "share", VegaLite.place (float counts[bin] / float column.Length)
                    ]
    ]

    let private chosenTitle names = [
        "params",
        Json.List [
            VegaLite.variable "names" (texts names)
            VegaLite.variable "chosen" (Json.Number 0.0)
        ]
        "title",
        Json.Object [
            "text", Json.Object [ "expr", Json.Text "names[chosen]" ]
            "anchor", Json.Text "start"
        ]
    ]

    let private axis name title more =
        VegaLite.field name "quantitative" ([ "title", Json.Text title ] @ more)

    let private noZero = [ "scale", Json.Object [ "zero", Json.Flag false; "nice", Json.Flag false ] ]

    let private distributionSpec models (names: string[]) rows =
        VegaLite.specification (
            chosenTitle names
            @ [
                "width", Json.Text "container"
                "height", Json.Number 280.0
                "data", VegaLite.values rows
                "transform", Json.List [ Json.Object [ "filter", Json.Text "datum.v === chosen" ] ]
                "mark",
                Json.Object [
                    "type", Json.Text "area"
                    "interpolate", Json.Text "step-after"
                    "line", Json.Object [ "strokeWidth", Json.Number 1.5; "interpolate", Json.Text "step-after" ]
                    "fillOpacity", Json.Number 0.22
                ]
                "encoding",
                Json.Object [
                    "x", axis "low" "Value" noZero
                    "y",
                    axis "share" "Share of perturbations" [
                        "stack", Json.Null
                        "axis", Json.Object [ "format", Json.Text "%" ]
                    ]
                    "color", colour models
                    "tooltip",
                    Json.List [
                        VegaLite.tip "model" "model" None
                        VegaLite.tip "from" "from" (Some ".4~g")
                        VegaLite.tip "to" "to" (Some ".4~g")
                        VegaLite.tip "count" "perturbations" (Some ",")
                    ]
                ]
            ]
        )

    /// How each measure is distributed over perturbations, one of them at a time, and the measures to choose from.
    let distributions (models: ReportedModel[]) =
        match variable models with
        | [||] -> None
        | names ->
            let rows = [
                for number in 0 .. names.Length - 1 do
                    yield! histogramRows models number names[number]
            ]

            Some(
                names,
                {
                    Title = "How a measure is distributed over perturbations"
                    Caption =
                        $"Perturbations by value, in {Bins} bins from the least to the greatest value of any model. Perturbations without a number are left out."
                    Reading =
                        "A mean hides whether all perturbations are predicted middling, or some well and some not at all: two "
                        + "peaks say the latter. Where the best value is 1, weight should lie at the right end; for errors, whose best "
                        + "value is 0, at the left."
                    Spec = distributionSpec models names rows
                }
            )

    let private distances = [
        "discrimination_score_l1", "L1"
        "discrimination_score_l2", "L2"
        "discrimination_score_cosine", "cosine"
    ]

    /// Tenths of all places.
    [<Literal>]
    let private Places = 10

    /// The share of predictions whose own perturbation is in each tenth of the places, the nearest first.
    let private placeRows (models: ReportedModel[]) number name = [
        for model in models do
            let scores = columnOf name model

            if scores.Length > 0 then
                let counts = Array.zeroCreate<int> Places

                for score in scores do
                    let tenth = Math.Clamp(int (floor ((1.0 - score) * float Places)), 0, Places - 1)
                    counts[tenth] <- counts[tenth] + 1

                for at in 0 .. Places - 1 do
                    Json.Object [
                        "v", Json.Number(float number)
                        "model", Json.Text model.Name
                        "tenth", Json.Text $"{10 * at}–{10 * (at + 1)} %%"
                        "count", Json.Number(float counts[at])
                        "share", VegaLite.place (float counts[at] / float scores.Length)
                    ]
    ]

    let private chance =
        Json.Object [
            "mark",
            Json.Object [
                "type", Json.Text "rule"
                "color", Json.Text VegaLite.Grey
                "strokeDash", Json.List [ Json.Number 5.0; Json.Number 4.0 ]
                "strokeWidth", Json.Number 1.5
            ]
            "encoding", Json.Object [ "y", Json.Object [ "datum", Json.Number(1.0 / float Places) ] ]
        ]

    let private placeBars (models: ReportedModel[]) =
        let tenths = [ for at in 0 .. Places - 1 -> $"{10 * at}–{10 * (at + 1)} %%" ]

        Json.Object [
            "mark", Json.Object [ "type", Json.Text "bar" ]
            "encoding",
            Json.Object [
                "x",
                VegaLite.field "tenth" "ordinal" [
                    "title", Json.Text "Place of the own perturbation among all, nearest first"
                    "sort", texts tenths
                    "axis", Json.Object [ "labelAngle", Json.Number 0.0; "ticks", Json.Flag false ]
                ]
                "xOffset", VegaLite.field "model" "nominal" [ "sort", texts [ for model in models -> model.Name ] ]
                "y", axis "share" "Share of predictions" [ "axis", Json.Object [ "format", Json.Text "%" ] ]
                "color", colour models
                "tooltip",
                Json.List [
                    VegaLite.tip "model" "model" None
                    VegaLite.tip "tenth" "place" None
                    VegaLite.tip "count" "predictions" (Some ",")
                    VegaLite.tip "share" "share" (Some ".1%")
                ]
            ]
        ]

    /// Where the own perturbation stands among all, by each distance, and the distances to choose from.
    let places (models: ReportedModel[]) =
        let shown =
            distances
            |> List.filter (fun (name, _) -> models |> Array.exists (fun model -> (columnOf name model).Length > 0))
            |> List.toArray

        if shown.Length = 0 then
            None
        else
            let rows = [
                for number in 0 .. shown.Length - 1 do
                    yield! placeRows models number (fst shown[number])
            ]

            let titles = shown |> Array.map (fun (_, title) -> $"{title} distance")

            let spec =
                VegaLite.specification (
                    chosenTitle titles
                    @ [
                        "width", Json.Text "container"
                        "height", Json.Number 260.0
                        "data", VegaLite.values rows
                        "transform", Json.List [ Json.Object [ "filter", Json.Text "datum.v === chosen" ] ]
                        "layer", Json.List [ placeBars models; chance ]
                    ]
                )

            Some(
                titles,
                {
                    Title = "Where predictions find their own perturbation"
                    Caption =
                        "For each prediction the place of its own real effect among all real effects, by distance from the prediction, in tenths. Dashed: what chance gives."
                    Reading =
                        "Predictions that tell perturbations apart have their own among the nearest: a tall bar at the left. Bars "
                        + "at the height of the line are those of a prediction that is the same for every perturbation, however "
                        + "small its errors are."
                    Spec = spec
                }
            )

    let private curveRows (models: ReportedModel[]) = [
        for model in models do
            match model.Tables with
            | None -> ()
            | Some(real, predicted) ->
                for point in PrecisionRecallCurve.compute real predicted ->
                    Json.Object [
                        "model", Json.Text model.Name
                        "recall", VegaLite.place point.Recall
                        "precision", VegaLite.place point.Precision
                        "fdr", VegaLite.place point.Fdr
                    ]
    ]

    let private unit = [
        "scale", Json.Object [ "domain", Json.List [ Json.Number 0.0; Json.Number 1.0 ] ]
    ]

    let private curveSpec models rows =
        VegaLite.specification [
            "width", Json.Text "container"
            "height", Json.Number 340.0
            "data", VegaLite.values rows
            "mark",
            Json.Object [
                "type", Json.Text "line"
                "strokeWidth", Json.Number 2.0
                "point", Json.Object [ "size", Json.Number 18.0; "filled", Json.Flag true ]
            ]
            "encoding",
            Json.Object [
                "x", axis "recall" "Recall" unit
                "y", axis "precision" "Precision" unit
                "order", VegaLite.field "fdr" "quantitative" []
                "color", colour models
                "tooltip",
                Json.List [
                    VegaLite.tip "model" "model" None
                    VegaLite.tip "fdr" "called up to an FDR of" (Some ".2~g")
                    VegaLite.tip "precision" "precision" (Some ".3~f")
                    VegaLite.tip "recall" "recall" (Some ".3~f")
                ]
            ]
        ]

    /// Precision against recall of what is significant, over all genes of all perturbations.
    let curves (models: ReportedModel[]) =
        match curveRows models with
        | [] -> None
        | rows ->
            Some {
                Title = "Precision against recall"
                Caption =
                    "Genes called by predicted FDR against those with a real FDR below 0.05, over all genes of all perturbations together; each point is one threshold, the last calls every gene."
                Reading =
                    "The right end of every curve is the share of genes that truly change: a curve that stays at that height "
                    + "tells nothing. A curve that begins high and falls late finds what changes before what does not. Point at it "
                    + "for the threshold. Perturbations with many changed genes weigh more here than in the areas of the table, "
                    + "which are means over perturbations."
                Spec = curveSpec models rows
            }
