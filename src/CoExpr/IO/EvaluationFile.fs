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

    /// A number, or an empty field for one that cannot be told.
    let private told (writer: DelimitedWriter) value =
        if Double.IsNaN value then
            writer.Missing()
        else
            writer.Number value

    let private writeRange (writer: DelimitedWriter) (interval: MetricInterval) =
        told writer interval.Low
        told writer interval.High
        writer.Integer(int64 interval.Resamples)

    let private writeInterval (writer: DelimitedWriter) (interval: MetricInterval) =
        writer.Number interval.Value
        writeRange writer interval

    let private intervalHead = [ "low"; "high"; "resamples" ]

    /// One row per measure: its aggregates, the last of which leaves out what is NaN, and the interval of draws of
    /// perturbations around that one; empty where there is none.
    let writeIntervals (path: string) (result: EvaluationResult) (intervals: MetricInterval[]) =
        let header = [ "metric" ] @ List.map fst statistics @ intervalHead

        DelimitedTable.writeInPlace path header (fun writer ->
            for column, interval in Array.zip result.Columns intervals do
                let aggregate = Aggregates.ofColumn column
                writer.Text column.Name

                for _, value in statistics do
                    writer.Number(value aggregate)

                writeRange writer interval
                writer.EndRow())

    /// The stage in which a measure is taken.
    let private stageOf (costs: StageCost list) (name: string) =
        let isFurther (entry: MetricEntry) =
            name = "clustering_agreement"
            || not (List.contains EvaluationProfile.Full entry.Profiles)

        let stage =
            match MetricRegistry.tryFind name with
            | Some entry when entry.FromTables && isFurther entry -> "further tables"
            | Some entry when entry.FromTables -> "tables"
            | Some entry when isFurther entry -> "further measures"
            | _ when name.StartsWith("discrimination_score", StringComparison.Ordinal) -> "discrimination"
            | _ when name = "pearson_edistance" -> "E-distance"
            | _ -> "profiles"

        costs
        |> List.tryFind (fun cost -> cost.Stage = name)
        |> Option.orElse (costs |> List.tryFind (fun cost -> cost.Stage = stage))

    /// What each measure took: the stage in which it is taken, with how many others, and what that stage cost. Stages without
    /// measures, as the making of means and tables, follow.
    let writeCosts (path: string) (result: EvaluationResult) =
        let stages =
            result.Columns
            |> Array.map (fun column -> column.Name, stageOf result.Costs column.Name)

        let shared (cost: StageCost) =
            stages |> Array.filter (fun (_, stage) -> stage = Some cost) |> Array.length

        let header = [
            "metric"
            "stage"
            "metrics_of_stage"
            "seconds"
            "allocated_bytes"
            "peak_memory_bytes"
        ]

        DelimitedTable.writeInPlace path header (fun writer ->
            let row (name: string) (cost: StageCost) =
                writer.Text name
                writer.Text cost.Stage
                writer.Integer(int64 (shared cost))
                writer.Number cost.Seconds
                writer.Integer cost.Allocated
                writer.Integer cost.Peak
                writer.EndRow()

            for name, stage in stages do
                Option.iter (row name) stage

            for cost in result.Costs do
                if shared cost = 0 then
                    row "" cost)

    let private aggregateToJson (interval: MetricInterval) one =
        Json.Object [
            for name, value in statistics do
                name, Json.Number(value one)

            "low", Json.Number interval.Low
            "high", Json.Number interval.High
            "resamples", Json.Number(float interval.Resamples)
        ]

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
    let toJson (result: EvaluationResult) (intervals: MetricInterval[]) =
        Json.Object [
            "perturbations", texts result.Perturbations
            "metrics", Json.Object [ for column in result.Columns -> column.Name, columnToJson column ]
            "aggregates",
            Json.Object [
                for column, interval in Array.zip result.Columns intervals ->
                    column.Name, aggregateToJson interval (Aggregates.ofColumn column)
            ]
            "notes", texts result.Notes
            "warnings", texts result.Warnings
            "seconds",
            Json.Object [
                for name, seconds in StageCost.seconds result.Costs -> name, Json.Number seconds
            ]
        ]

    let private numberIn (lines: TextLines) name (text: string) =
        let mutable value = 0.0

        if NumberText.tryParse (ReadOnlySpan(Text.Encoding.UTF8.GetBytes text)) &value then
            value
        else
            lines.Damaged $"{name}: \"{text}\" is not a number."

    /// The rows of an agg_results.csv by statistic, each with its numbers by measure; an empty field is None.
    let private readStatistics progress path =
        use lines = new TextLines(path, progress)

        if not (lines.Next()) then
            raise (CoExprFailure(CoExprError.UnknownFormat(path, "the file is empty.")))

        let delimiter = Delimited.delimiterOf path
        let header = FieldRow.split lines delimiter
        let rows = ResizeArray()

        let number (fields: string[]) at =
            header[at],
            (if fields[at] = "" then
                 nan
             else
                 numberIn lines header[at] fields[at])

        while lines.Next() do
            if not lines.Line.IsEmpty then
                let fields = FieldRow.split lines delimiter

                if fields.Length <> header.Length then
                    lines.Damaged $"{fields.Length} fields, where {header.Length} are expected."

                if List.contains fields[0] [ "count"; "null_count"; "mean" ] then
                    rows.Add(fields[0], List.init (header.Length - 1) (fun at -> number fields (at + 1)))

        Seq.toList rows

    let private meansOf path rows : EvaluationMeans =
        let tryFind name =
            rows |> List.tryFind (fst >> (=) name) |> Option.map snd

        let first name =
            tryFind name |> Option.bind List.tryHead |> Option.map (snd >> int64)

        match tryFind "mean" with
        | None ->
            raise (
                CoExprFailure(
                    CoExprError.UnknownFormat(
                        path,
                        "it has no row mean, as an agg_results.csv has, where the means of an evaluation are."
                    )
                )
            )
        | Some means -> {
            Source = path
            // Those for which a measure is defined, and those for which it is not.
            Perturbations = Option.map2 (+) (first "count") (first "null_count")
            Means = means
          }

    /// The means of an agg_results.csv, ours or cell-eval's, and the number of perturbations that they are of. NaN where a
    /// measure is defined for none.
    let readAggregates progress path : Result<EvaluationMeans, CoExprError> =
        InputFile.reading path (fun () -> readStatistics progress path |> meansOf path)

    let private readWideRows progress path =
        use lines = new TextLines(path, progress)

        if not (lines.Next()) then
            raise (CoExprFailure(CoExprError.UnknownFormat(path, "the file is empty.")))

        let delimiter = Delimited.delimiterOf path
        let header = FieldRow.split lines delimiter

        if header[0] <> "perturbation" then
            raise (CoExprFailure(CoExprError.MissingPart(path, "column perturbation", Array.toList header)))

        let rows = ResizeArray<string * float option[]>()

        while lines.Next() do
            if not lines.Line.IsEmpty then
                let fields = FieldRow.split lines delimiter

                if fields.Length <> header.Length then
                    lines.Damaged $"{fields.Length} fields, where {header.Length} are expected."

                let value at =
                    if fields[at] = "" then
                        None
                    else
                        Some(numberIn lines header[at] fields[at])

                rows.Add((fields[0], Array.init (header.Length - 1) (fun at -> value (at + 1))))

        header[1..], rows.ToArray()

    /// Measures that are one number of all perturbations, which a table has in every row.
    let private ofAll =
        set [
            "de_spearman_sig"
            "pearson_edistance"
            "clustering_agreement"
            "expr_mse_unbiased_capped_norm"
        ]

    /// What de_spearman_sig is made of stands in the table.
    let private countsIn (columns: MetricColumn[]) =
        let find name =
            columns |> Array.tryFind (fun column -> column.Name = name)

        match find "de_spearman_sig", find "de_nsig_counts_real", find "de_nsig_counts_pred" with
        | Some whole, Some real, Some predicted -> [
            {
                PooledMetric.Name = whole.Name
                Statistic = PooledStatistic.Spearman
                Real = real.Values
                Predicted = predicted.Values
                Absent = Array.map2 (fun absent count -> absent || count = 0.0) real.IsAbsent real.Values
            }
          ]
        | _ -> []

    let private modelOf path name (metrics: string[]) (rows: (string * float option[])[]) =
        let rows = rows |> Array.sortWith (fun (a, _) (b, _) -> String.CompareOrdinal(a, b))

        let perturbations = rows |> Array.map fst

        match Cells.firstDuplicate path "perturbation" perturbations with
        | Some error -> Error error
        | None ->
            let columns =
                metrics
                |> Array.mapi (fun at metric -> {
                    MetricColumn.partial metric (rows |> Array.map (fun (_, values) -> values[at])) with
                        OfAll = ofAll.Contains metric
                })

            Ok {
                Name = name
                Perturbations = perturbations
                Columns = columns
                Pooled = countsIn columns
            }

    /// A results.csv, ours or cell-eval's, as the results of a model of this name. FileNotFound; MissingPart for a table
    /// without perturbations; DamagedFile with the line; DuplicateName for a perturbation that stands there twice.
    let readWide progress name path : Result<ComparedModel, CoExprError> =
        InputFile.reading path (fun () -> readWideRows progress path)
        |> Result.bind (fun (metrics, rows) -> modelOf path name metrics rows)

    /// One row per model and one column per measure.
    let writeModels (path: string) (comparison: ModelComparison) =
        DelimitedTable.writeInPlace path ("model" :: List.ofArray comparison.Metrics) (fun writer ->
            for model, values in Array.zip comparison.Models comparison.Values do
                writer.Text model.Name

                for interval in values do
                    writer.Number interval.Value

                writer.EndRow())

    /// One row per model and measure, with intervals.
    let writeModelValues (path: string) (comparison: ModelComparison) =
        let header = [ "model"; "metric"; "perturbations"; "value" ] @ intervalHead

        DelimitedTable.writeInPlace path header (fun writer ->
            for model, values in Array.zip comparison.Models comparison.Values do
                for interval in values do
                    writer.Text model.Name
                    writer.Text interval.Name
                    writer.Integer(int64 interval.Perturbations)
                    writeInterval writer interval
                    writer.EndRow())

    /// One row per model and measure: the model less the one it is compared with, and what that says.
    let writeDifferences (path: string) (comparison: ModelComparison) =
        let header =
            [ "model"; "against"; "metric"; "perturbations"; "difference" ]
            @ intervalHead
            @ [ "verdict" ]

        DelimitedTable.writeInPlace path header (fun writer ->
            for one in comparison.Differences do
                writer.Text one.Model
                writer.Text one.Against
                writer.Text one.Interval.Name
                writer.Integer(int64 one.Interval.Perturbations)
                writeInterval writer one.Interval
                writer.Text(Comparison.verdictName one.Verdict)
                writer.EndRow())

    let private intervalToJson (interval: MetricInterval) = [
        "value", Json.Number interval.Value
        "low", Json.Number interval.Low
        "high", Json.Number interval.High
        "perturbations", Json.Number(float interval.Perturbations)
        "resamples", Json.Number(float interval.Resamples)
    ]

    /// Models and differences as one JSON value.
    let comparisonToJson (comparison: ModelComparison) =
        Json.Object [
            "models",
            Json.Object [
                for model, values in Array.zip comparison.Models comparison.Values ->
                    model.Name,
                    Json.Object [
                        for interval in values -> interval.Name, Json.Object(intervalToJson interval)
                    ]
            ]
            "differences",
            Json.List [
                for one in comparison.Differences ->
                    Json.Object(
                        [
                            "model", Json.Text one.Model
                            "against", Json.Text one.Against
                            "metric", Json.Text one.Interval.Name
                        ]
                        @ intervalToJson one.Interval
                        @ [ "verdict", Json.Text(Comparison.verdictName one.Verdict) ]
                    )
            ]
        ]

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
