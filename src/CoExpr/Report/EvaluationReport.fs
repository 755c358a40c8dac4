namespace CoExpr

open System

/// What a report of evaluations shows.
type EvaluationReportContent = {
    Models: ReportedModel[]
    /// The mean response as a prediction.
    Baseline: EvaluationResult option
    /// The real cells against themselves.
    Ceiling: EvaluationResult option
    /// Each further model less the first, or the one that was named.
    Differences: PairedDifference[]
}

/// The report of one prediction or several, as one self-contained page.
[<RequireQualifiedAccess>]
module EvaluationReport =

    let private text = Markup.Text

    let private perturbations (count: int) =
        Wording.counted (int64 count) "perturbation"

    let private names content =
        content.Models
        |> Array.collect (fun model -> model.Result.Columns |> Array.map (fun column -> column.Name))
        |> Array.distinct

    let private number (value: float) =
        if Double.IsNaN value then "–" else Wording.score value

    let private meanIn (result: EvaluationResult option) name =
        result
        |> Option.bind (fun found -> found.Columns |> Array.tryFind (fun column -> column.Name = name))
        |> Option.map (fun column -> (Aggregates.ofColumn column).MeanOfNumbers)

    let private valueCell value shown =
        Html.numberCell (if Double.IsNaN value then -infinity else value) shown

    let private yardstickCell result name =
        match meanIn result name with
        | None -> valueCell nan ""
        | Some value -> valueCell value (number value)

    let private mark verdict =
        match verdict with
        | Verdict.Better -> " ▲"
        | Verdict.Worse -> " ▼"
        | Verdict.Undecided
        | Verdict.Nothing -> ""

    let private verdictOf content model name =
        content.Differences
        |> Array.tryFind (fun one -> one.Model = model && one.Interval.Name = name)
        |> Option.map (fun one -> mark one.Verdict)
        |> Option.defaultValue ""

    let private modelCell content name (model: ReportedModel) =
        match model.Intervals |> Array.tryFind (fun interval -> interval.Name = name) with
        | None -> valueCell nan ""
        | Some interval ->
            let sortable =
                if Double.IsNaN interval.Value then
                    -infinity
                else
                    interval.Value

            let shown = number interval.Value + verdictOf content model.Name name

            match Html.numberCell sortable shown with
            | Markup.Element(cell, attributes, children) when not (Double.IsNaN interval.Low) ->
                let range = $"{number interval.Low} to {number interval.High}"
                Markup.Element(cell, attributes, children @ [ Markup.styled "span" "range" [ text range ] ])
            | cell -> cell

    let private bestWord name =
        match MetricRegistry.tryFind name |> Option.map (fun entry -> entry.Best) with
        | Some BestValue.One -> "1"
        | Some BestValue.Zero -> "0"
        | _ -> ""

    let private metricRow content name =
        let cell words = Markup.element "td" [ text words ]

        Markup.element "tr" [
            Markup.Element("th", [ "scope", "row" ], [ text name ])
            cell (bestWord name)
            if content.Baseline.IsSome then
                yardstickCell content.Baseline name
            for model in content.Models do
                modelCell content name model
            if content.Ceiling.IsSome then
                yardstickCell content.Ceiling name
        ]

    let private metricHeads content = [
        "Measure", "", "none"
        "Best", "", "none"
        if content.Baseline.IsSome then
            "Mean response", "number", "none"
        for model in content.Models do
            model.Name, "number", "none"
        if content.Ceiling.IsSome then
            "Ceiling", "number", "none"
    ]

    let private against content =
        content.Differences
        |> Array.tryHead
        |> Option.map (fun one ->
            $" ▲ better and ▼ worse than {one.Against}, where the interval of the paired difference leaves out 0.")
        |> Option.defaultValue ""

    let private metricTable content =
        let head =
            Markup.element "thead" [ Markup.element "tr" (metricHeads content |> List.map Html.sortableHead) ]

        let caption =
            "Means over the perturbations that have a number, below each the interval of draws of perturbations."
            + against content

        {
            Heading = "Measures"
            Content = [
                Html.search "Search measures" "measures"
                Html.tableOf "measures" "measures" caption head [ for name in names content -> metricRow content name ]
                Html.reading (
                    "The mean response is one prediction for every perturbation: what does not beat it tells perturbations not "
                    + "apart. The ceiling is the real cells as a prediction of themselves; of halves that share no cell each side "
                    + "has half the cells, so that a good model can lie above it. Intervals say how a mean would vary over other perturbations, not over other cells. "
                    + "What is one number of all perturbations has an interval only where it is known what it is made of."
                )
            ]
        }

    let private warningsOf content = [
        for model in content.Models do
            for words in model.Result.Warnings ->
                if content.Models.Length = 1 then
                    words
                else
                    $"{model.Name}: {words}"
    ]

    let private notesOf content =
        content.Models
        |> Array.map (fun model -> model.Name, model.Result.Notes)
        |> Comparison.said

    let private list items =
        Markup.element "ul" [ for item in items -> Markup.element "li" [ text item ] ]

    let private cautions content =
        match warningsOf content, notesOf content with
        | [], [] -> []
        | warnings, notes -> [
            {
                Heading = "Before trusting a score"
                Content = [
                    if warnings.IsEmpty then
                        Markup.element "p" [ text "Nothing about the predictions gave rise to a warning." ]
                    else
                        list warnings
                    if not notes.IsEmpty then
                        Markup.styled "p" "reading" [ text (String.Join(" ", notes)) ]
                ]
            }
          ]

    let private chosen id words heading nothing figure =
        match figure with
        | Some(choices, figure) -> Html.chosenFigure id words choices figure
        | None -> Html.notice heading nothing

    let private distributions content =
        EvaluationFigures.distributions content.Models
        |> chosen "distributions" "Measure" "Distributions" "No measure has a number for any perturbation."

    let private places content =
        match EvaluationFigures.places content.Models with
        | Some(choices, figure) -> [ Html.chosenFigure "places" "Distance" choices figure ]
        | None -> []

    let private curves content =
        match EvaluationFigures.curves content.Models with
        | Some figure -> [ Html.figure "precision-recall" figure ]
        | None -> []

    let private failures (heading: string, words) = Html.notice heading words

    let private worst content =
        match WorstPerturbations.rows content.Models with
        | [||] -> failures ("Worst perturbations", "No measure that judges has a number for any perturbation.")
        | rows -> WorstPerturbations.section "worst" content.Models rows

    let private summary content =
        let first = content.Models[0].Result
        let measures = (names content).Length

        let subject =
            if content.Models.Length = 1 then
                content.Models[0].Name
            else
                $"{content.Models.Length} models"

        let warnings = int64 (warningsOf content).Length

        let warned =
            if warnings = 0L then
                ""
            else
                ", with " + Wording.counted warnings "warning"

        $"{subject} by {measures} measures over {perturbations first.Perturbations.Length}{warned}."

    /// The page of an evaluation, under the name of its real cells, with the facts of the run. What there is nothing of is
    /// left out, or said in a sentence. Throws ArgumentException without a model.
    let page source facts content =
        if content.Models.Length = 0 then
            invalidArg (nameof content) "there is no model to show"

        Html.page "evaluation report" source (summary content) facts [
            yield! cautions content
            metricTable content
            distributions content
            yield! places content
            yield! curves content
            worst content
        ]
