namespace CoExpr

open System

/// How a perturbation is predicted beside the others.
type PerturbationStanding = {
    Model: string
    Perturbation: string
    /// The mean over measures of its place among the perturbations of the model: 0 the worst by all, 1 the best by all.
    Standing: float
    /// The measure by which it stands worst.
    WorstBy: string
    /// Values of the measures that the table shows, in their order; NaN for none.
    Values: float[]
}

/// The perturbations that are predicted worst, by all measures together.
[<RequireQualifiedAccess>]
module WorstPerturbations =

    /// Rows that a page still scrolls well.
    [<Literal>]
    let private Most = 200

    /// Measures that the table shows, of those that there are.
    let private shownFirst = [
        "pearson_delta", "Pearson of effects"
        "mae", "MAE"
        "discrimination_score_l1", "Discrimination"
        "overlap_at_N", "DE overlap"
    ]

    let private columnsOf (models: ReportedModel[]) =
        shownFirst
        |> List.filter (fun (name, _) ->
            models
            |> Array.exists (fun model -> model.Result.Columns |> Array.exists (fun column -> column.Name = name)))
        |> List.toArray

    /// What judges, so that more is better; what is the same for all perturbations judges none.
    let private judged (model: ReportedModel) =
        model.Result.Columns
        |> Array.choose (fun column ->
            match MetricRegistry.tryFind column.Name |> Option.map (fun entry -> entry.Best) with
            | Some BestValue.One when not column.OfAll -> Some(column, 1.0)
            | Some BestValue.Zero when not column.OfAll -> Some(column, -1.0)
            | _ -> None)

    /// Places from 0 to 1 of those that have a number, equal ones sharing the mean of theirs; NaN of one alone.
    let private places (column: MetricColumn, sign) =
        let present =
            Array.init column.Values.Length id
            |> Array.filter (fun row -> not column.IsAbsent[row] && not (Double.IsNaN column.Values[row]))

        let ranks =
            present
            |> Array.map (fun row -> sign * column.Values[row])
            |> ProfileErrors.ranks

        let places = Array.create column.Values.Length nan

        present
        |> Array.iteri (fun at row -> places[row] <- (ranks[at] - 1.0) / float (present.Length - 1))

        column.Name, places

    let private standingOf (shown: string[]) (model: ReportedModel) (measured: (string * float[])[]) row =
        let known =
            measured |> Array.filter (fun (_, places) -> Double.IsFinite places[row])

        let valueOf name =
            match
                model.Result.Columns
                |> Array.tryFind (fun column -> column.Name = name && not column.IsAbsent[row])
            with
            | Some column -> column.Values[row]
            | None -> nan

        if known.Length = 0 then
            None
        else
            Some {
                Model = model.Name
                Perturbation = model.Result.Perturbations[row]
                Standing = known |> Array.averageBy (fun (_, places) -> places[row])
                WorstBy = known |> Array.minBy (fun (_, places) -> places[row]) |> fst
                Values = shown |> Array.map valueOf
            }

    /// Every perturbation of every model, the worst first.
    let rows (models: ReportedModel[]) : PerturbationStanding[] =
        let shown = columnsOf models |> Array.map fst

        models
        |> Array.collect (fun model ->
            let measured = judged model |> Array.map places

            [| 0 .. model.Result.Perturbations.Length - 1 |]
            |> Array.choose (standingOf shown model measured))
        |> Array.sortBy (fun row -> row.Standing, row.Perturbation, row.Model)

    let private heads (models: ReportedModel[]) = [
        if models.Length > 1 then
            "Model", "", "none"
        "Perturbation", "", "none"
        "Standing", "number", "ascending"
        "Worst by", "", "none"
        for _, title in columnsOf models do
            title, "number", "none"
    ]

    let private nameCell element attributes (name: string) =
        Markup.Element(element, ("title", name) :: attributes, [ Markup.name name ])

    let private row isOneModel standing =
        Markup.element "tr" [
            if not isOneModel then
                nameCell "td" [] standing.Model
            nameCell "th" [ "scope", "row" ] standing.Perturbation
            Html.numberCell standing.Standing (Wording.score standing.Standing)
            Markup.element "td" [ Markup.Text standing.WorstBy ]
            for value in standing.Values do
                if Double.IsNaN value then
                    Html.numberCell -infinity "–"
                else
                    Html.numberCell value (Wording.score value)
        ]

    /// The section, which sorts by its columns and can be searched.
    let section id (models: ReportedModel[]) (standings: PerturbationStanding[]) =
        let shown = Array.truncate Most standings

        let caption =
            if shown.Length = standings.Length then
                "All perturbations, the worst first."
            else
                $"The {shown.Length} worst of {standings.Length}."

        let head =
            Markup.element "thead" [ Markup.element "tr" (heads models |> List.map Html.sortableHead) ]

        {
            Heading = "Worst perturbations"
            Content = [
                Html.search "Search perturbations" id
                Html.tableOf id "hits" caption head [ for one in shown -> row (models.Length = 1) one ]
                Html.reading (
                    "A perturbation's standing is the mean, over the measures that judge, of its place among the perturbations "
                    + "of its model: 0 is the worst by all of them, 1 the best. Strong effects stand badly by errors and well by "
                    + "discrimination; look at the measures before calling a perturbation hard."
                )
            ]
        }
