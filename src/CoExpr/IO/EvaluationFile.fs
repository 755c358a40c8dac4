namespace CoExpr.IO

open System
open CoExpr

/// Results of an evaluation as files.
[<RequireQualifiedAccess>]
module EvaluationFile =

    let private writeValue (writer: DelimitedWriter) (column: MetricColumn) row =
        if column.IsAbsent[row] then
            writer.Missing()
        else
            writer.Number column.Values[row]

    /// One row per perturbation and one column per measure, as cell-eval's results.csv: an empty field where a measure is not
    /// defined, NaN where it is not a number.
    let writeWide (path: string) (result: EvaluationResult) =
        let names = [ for column in result.Columns -> column.Name ]

        DelimitedTable.writeInPlace path ("perturbation" :: names) (fun writer ->
            for row in 0 .. result.Perturbations.Length - 1 do
                writer.Text result.Perturbations[row]

                for column in result.Columns do
                    writeValue writer column row

                writer.EndRow())

    /// What cell-eval's agg_results.csv has, in its order, and below it what it has not.
    let private statistics: (string * (Aggregate -> float)) list = [
        "count", (fun one -> float one.Count)
        "null_count", (fun one -> float one.Absent)
        "mean", (fun one -> one.Mean)
        "std", (fun one -> one.StandardDeviation)
        "min", (fun one -> one.Minimum)
        "25%", (fun one -> one.LowerQuartile)
        "50%", (fun one -> one.Median)
        "75%", (fun one -> one.UpperQuartile)
        "max", (fun one -> one.Maximum)
        "nan_count", (fun one -> float one.NotNumbers)
        "mean_of_numbers", (fun one -> one.MeanOfNumbers)
    ]

    /// One row per statistic and one column per measure, as cell-eval's agg_results.csv, and two rows more: how many values are
    /// NaN, and the mean of the others.
    let writeAggregates (path: string) (result: EvaluationResult) =
        let aggregates = result.Columns |> Array.map Aggregates.ofColumn

        DelimitedTable.writeInPlace path ("statistic" :: [ for one in aggregates -> one.Name ]) (fun writer ->
            for name, value in statistics do
                writer.Text name

                for one in aggregates do
                    writer.Number(value one)

                writer.EndRow())

    let private status (column: MetricColumn) row =
        if column.IsAbsent[row] then "absent"
        elif Double.IsNaN column.Values[row] then "not a number"
        else "ok"

    /// One row per perturbation and measure: perturbation, measure, value, and whether it is defined.
    let writeTidy (path: string) (result: EvaluationResult) =
        DelimitedTable.writeInPlace path [ "perturbation"; "metric"; "value"; "status" ] (fun writer ->
            for row in 0 .. result.Perturbations.Length - 1 do
                for column in result.Columns do
                    writer.Text result.Perturbations[row]
                    writer.Text column.Name
                    writeValue writer column row
                    writer.Text(status column row)
                    writer.EndRow())

    let private aggregateToJson one =
        Json.Object [ for name, value in statistics -> name, Json.Number(value one) ]

    let private columnToJson (column: MetricColumn) =
        Json.List [
            for row in 0 .. column.Values.Length - 1 ->
                if column.IsAbsent[row] then
                    Json.Null
                else
                    Json.Number column.Values[row]
        ]

    let private texts values =
        Json.List [ for value in values -> Json.Text value ]

    /// Everything as one JSON value; NaN and what is not defined are null, which the statistics tell apart.
    let toJson (result: EvaluationResult) =
        Json.Object [
            "perturbations", texts result.Perturbations
            "metrics", Json.Object [ for column in result.Columns -> column.Name, columnToJson column ]
            "aggregates",
            Json.Object [
                for column in result.Columns -> column.Name, aggregateToJson (Aggregates.ofColumn column)
            ]
            "notes", texts result.Notes
            "warnings", texts result.Warnings
            "seconds", Json.Object [ for name, seconds in result.Seconds -> name, Json.Number seconds ]
        ]

    let private numberIn (lines: TextLines) name (text: string) =
        let mutable value = 0.0

        if NumberText.tryParse (ReadOnlySpan(Text.Encoding.UTF8.GetBytes text)) &value then
            value
        else
            lines.Damaged $"{name}: \"{text}\" is not a number."

    let private readMeans progress path =
        use lines = new TextLines(path, progress)

        if not (lines.Next()) then
            raise (CoExprFailure(CoExprError.UnknownFormat(path, "the file is empty.")))

        let delimiter = Delimited.delimiterOf path
        let header = FieldRow.split lines delimiter
        let mutable means = None

        while means.IsNone && lines.Next() do
            let fields = FieldRow.split lines delimiter

            if fields[0] = "mean" then
                if fields.Length <> header.Length then
                    lines.Damaged $"{fields.Length} fields, where {header.Length} are expected."

                means <-
                    Some [
                        for at in 1 .. header.Length - 1 -> header[at], numberIn lines header[at] fields[at]
                    ]

        match means with
        | Some means -> means
        | None -> raise (CoExprFailure(CoExprError.MissingPart(path, "row mean", [])))

    /// The row of means of an agg_results.csv, ours or cell-eval's, by name of measure.
    let readAggregates progress path : Result<(string * float) list, CoExprError> =
        InputFile.reading path (fun () -> readMeans progress path)

    let private addTarget (lines: TextLines) targets (fields: string[]) =
        if fields.Length <> 2 then
            lines.Damaged $"{fields.Length} fields, where a perturbation and its gene are expected."

        if Map.containsKey fields[0] targets then
            lines.Damaged $"{fields[0]} stands there twice."

        Map.add fields[0] fields[1] targets

    let private readPairs progress path =
        use lines = new TextLines(path, progress)
        let delimiter = Delimited.delimiterOf path
        let mutable targets = Map.empty

        while lines.Next() do
            if not lines.Line.IsEmpty then
                targets <- addTarget lines targets (FieldRow.split lines delimiter)

        targets

    /// Which gene each perturbation targets: two columns without a header.
    let readTargets progress path : Result<Map<string, string>, CoExprError> =
        InputFile.reading path (fun () -> readPairs progress path)

    /// metric and from_baseline, as cell-eval's score writes them, with avg_score as the last row; beside them what they came
    /// from, and the score without the cut at 0.
    let writeScores (path: string) (scores: ScoredMetric list) : Result<unit, CoExprError> =
        let header = [ "metric"; "from_baseline"; "prediction"; "baseline"; "uncut" ]

        DelimitedTable.write path header (fun writer ->
            for score in scores do
                writer.Text score.Name
                writer.Number score.Score
                writer.Number score.Prediction
                writer.Number score.Baseline
                writer.Number score.Uncut
                writer.EndRow()

            writer.Text "avg_score"
            writer.Number(Scoring.average scores)

            for _ in 1..3 do
                writer.Missing()

            writer.EndRow())
