namespace CoExpr.IO

open System
open System.Diagnostics
open System.IO
open CoExpr

/// The files of one evaluation.
type EvaluationPaths = {
    /// Real cells, and predicted ones.
    Cells: (string * string) option
    /// Tables of differential expression of both.
    Tables: (string * string) option
    /// Folder for the results; made if need be.
    Folder: string
    /// Put before the names of the files, with a line between.
    Prefix: string option
}

/// What a ceiling is made of, if one is wanted.
type CeilingChoice = { Halves: CeilingHalves; Seed: uint64 }

/// A whole evaluation: from input files to a folder of results, with a record of what was done.
[<RequireQualifiedAccess>]
module EvaluationRun =

    let private timed name (seconds: ResizeArray<string * float>) (work: unit -> 'a) =
        let watch = Stopwatch.StartNew()
        let value = work ()
        seconds.Add((name, watch.Elapsed.TotalSeconds))
        value

    /// "/" would make a folder of a prefix (as cell-eval has it).
    let private named paths name =
        match paths.Prefix with
        | None
        | Some "" -> Path.Combine(paths.Folder, name)
        | Some prefix -> Path.Combine(paths.Folder, $"""{prefix.Replace("/", "-")}_{name}""")

    let private resultFiles paths ceiling = [
        named paths "results.csv"
        named paths "agg_results.csv"
        named paths "results.tsv"
        named paths "results.json"
        named paths "run.json"
        if Option.isSome ceiling then
            named paths "ceiling_results.csv"
            named paths "agg_ceiling_results.csv"
    ]

    let private read progress (reading: InputOptions) path =
        Input.read
            {
                reading with
                    Read = {
                        reading.Read with
                            Progress = progress
                    }
            }
            path

    let private readCells progress reading paths =
        match paths.Cells with
        | None -> Ok None
        | Some(real, predicted) ->
            result {
                let! real = read progress reading real
                let! predicted = read progress reading predicted
                return Some(real, predicted)
            }

    let private readTables progress options paths =
        match paths.Tables with
        | None -> Ok None
        | Some(real, predicted) ->
            result {
                let! real = DeTableFile.read options.De.Precision progress real
                let! predicted = DeTableFile.read options.De.Precision progress predicted
                return Some(real, predicted)
            }

    let private scaleName choice =
        match choice with
        | ScaleChoice.Detect -> "auto"
        | ScaleChoice.Given ExpressionScale.Counts -> "counts"
        | ScaleChoice.Given ExpressionScale.Logarithms -> "log"
        | ScaleChoice.Given ExpressionScale.AsTheyAre -> "as-is"

    let private caseName value = (sprintf "%A" value).ToLowerInvariant()

    let private optionsOf options ceiling : (string * Json) list = [
        "column", Json.Text options.Sides.Column
        "control", Json.Text options.Sides.Control
        "values", Json.Text(scaleName options.Sides.Values)
        "partial", Json.Flag options.Sides.Partial
        "profile", Json.Text(MetricRegistry.profileName options.Profile)
        "most-cells", Json.Number(float options.Further.MostCells)
        "skip-metrics", Json.Text(String.Join(",", options.Skipped))
        "control-source", Json.Text(caseName options.ControlSource)
        "ties", Json.Text(caseName options.Discrimination.Ties)
        "exclude", Json.Text(caseName options.Discrimination.Exclusion)
        "denominator", Json.Text(caseName options.Discrimination.Denominator)
        "targets", Json.Number(float options.Discrimination.TargetOf.Count)
        "fdr", Json.Number options.De.Threshold
        "order", Json.Text(caseName options.De.Order)
        "precision", Json.Text(caseName options.De.Precision)
        match ceiling with
        | Some choice ->
            "ceiling", Json.Text(caseName choice.Halves)
            "seed", Json.Text(string choice.Seed)
        | None -> ()
    ]

    /// What the run compared: file names and hashes beside that of the first input, which the record has.
    let private inputs progress paths = [
        for kind, file in
            [
                match paths.Cells with
                | Some(real, predicted) ->
                    "real", real
                    "predicted", predicted
                | None -> ()
                match paths.Tables with
                | Some(real, predicted) ->
                    "real_de", real
                    "predicted_de", predicted
                | None -> ()
            ] do
            $"{kind}_file", Json.Text(Path.GetFileName file)
            $"{kind}_sha256", Json.Text(RunRecord.hash progress file)
    ]

    let private recordOf
        paths
        options
        ceiling
        hashes
        (seconds: ResizeArray<string * float>)
        (result: EvaluationResult)
        =
        let struct (real, predicted) = result.Cells

        let texts values =
            Json.List [ for value in values -> Json.Text value ]

        {
            Command = "evaluate run"
            Input =
                match paths.Cells, paths.Tables with
                | Some(real, _), _
                | None, Some(real, _) -> real
                | None, None -> ""
            InputHash =
                match hashes with
                | (_: string, _) :: (_, Json.Text hash) :: _ -> hash
                | _ -> ""
            Options = optionsOf options ceiling
            Course = hashes @ [ "notes", texts result.Notes; "warnings", texts result.Warnings ]
            Counts = [
                "real_cells", int64 real
                "predicted_cells", int64 predicted
                "genes", int64 result.Genes
                "perturbations", int64 result.Perturbations.Length
                "metrics", int64 result.Columns.Length
            ]
            Backend = "cpu"
            Threads = options.Sides.Threads
            Seconds = List.ofSeq seconds @ result.Seconds
        }

    let private writeAll files record (result: EvaluationResult) (ceiling: EvaluationResult option) =
        AtomicFile.writeAll files (fun temporaries ->
            EvaluationFile.writeWide temporaries[0] result
            EvaluationFile.writeAggregates temporaries[1] result
            EvaluationFile.writeTidy temporaries[2] result
            File.WriteAllText(temporaries[3], Json.write (EvaluationFile.toJson result) + "\n")
            File.WriteAllText(temporaries[4], Json.write (RunRecord.toJson record) + "\n")

            match ceiling with
            | Some ceiling ->
                EvaluationFile.writeWide temporaries[5] ceiling
                EvaluationFile.writeAggregates temporaries[6] ceiling
            | None -> ())

    /// Whether the results could be written, told before anything is read. The folder is made when there are results.
    let private checkOutputs paths ceiling =
        if Directory.Exists paths.Folder then
            AtomicFile.checkAll (resultFiles paths ceiling)
        elif File.Exists paths.Folder then
            Error(CoExprError.CannotWrite(paths.Folder, "it is a file; give a folder."))
        else
            AtomicFile.check (paths.Folder.TrimEnd(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))

    let private makeFolder (folder: string) =
        try
            Directory.CreateDirectory folder |> ignore
            Ok()
        with
        | :? IOException
        | :? UnauthorizedAccessException as error -> Error(CoExprError.CannotWrite(folder, error.Message))

    let private requireInput paths =
        if paths.Cells.IsNone && paths.Tables.IsNone then
            let allowed =
                "give real and predicted cells, or --real-de and --predicted-de, or both"

            Error(CoExprError.BadOption("evaluate", "without input", allowed))
        else
            Ok()

    let private ceilingOf choice options cells =
        match choice, cells with
        | Some choice, Some(real, _) -> Ceiling.run choice.Halves choice.Seed options real |> Result.map Some
        | _ -> Ok None

    /// Reads the inputs, evaluates, and writes results.csv, agg_results.csv, results.tsv, results.json and run.json (and, with a
    /// ceiling, ceiling_results.csv and agg_ceiling_results.csv), all of them or none. Gives the record, the result, the ceiling.
    let run (progress: Progress) reading options ceiling paths =
        let seconds = ResizeArray<string * float>()

        result {
            do! requireInput paths
            let! _ = MetricRegistry.chosen options.Profile options.Skipped
            do! checkOutputs paths ceiling

            let! cells =
                timed "reading cells" seconds (fun () -> readCells progress reading paths)

            let! tables =
                timed "reading tables" seconds (fun () -> readTables progress options paths)

            progress.Token.ThrowIfCancellationRequested()
            let! evaluated = Evaluation.run options cells tables
            progress.Token.ThrowIfCancellationRequested()

            let! top = timed "ceiling" seconds (fun () -> ceilingOf ceiling options cells)

            let hashes = timed "hashing the inputs" seconds (fun () -> inputs progress paths)

            let record = recordOf paths options ceiling hashes seconds evaluated
            do! makeFolder paths.Folder
            do! writeAll (resultFiles paths ceiling) record evaluated top
            return struct (record, evaluated, top)
        }

    let private partsOf (cells: Cells) = AnnDataParts.ofCells cells

    /// Reads real cells and writes those of the mean response as .h5ad, complete or not at all.
    let baseline progress reading which copies (options: SideOptions) (real: string) (output: string) =
        result {
            do!
                if output.EndsWith(".h5ad", StringComparison.OrdinalIgnoreCase) then
                    AtomicFile.check output
                else
                    Error(CoExprError.BadOption("--output", output, "a name in .h5ad is needed"))

            let! cells = read progress reading real
            let! mean = MeanResponse.cells which copies options cells

            return!
                AtomicFile.write output (fun temporary ->
                    AnnData.write options.Threads temporary (partsOf mean) |> CoExprError.unwrap)
        }

    /// Scores one agg_results.csv against that of a baseline, and writes the scores.
    let score progress (prediction: string) (baseline: string) (output: string) =
        result {
            do! AtomicFile.check output
            let! user = EvaluationFile.readAggregates progress prediction
            let! base' = EvaluationFile.readAggregates progress baseline
            let! scores = Scoring.compute prediction user baseline base'
            do! EvaluationFile.writeScores output scores
            return scores
        }
