namespace CoExpr.IO

open System
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

/// What an evaluation found: of all cells, and of each type of them if they were split.
type EvaluationOutcome = {
    Record: RunRecord
    /// Of all cell types together, where they were split.
    Whole: EvaluationFindings
    ByType: (string * EvaluationFindings)[]
}

/// A whole evaluation: from input files to a folder of results, with a record of what was done.
[<RequireQualifiedAccess>]
module EvaluationRun =

    let private baseNames paths = [
        let at name =
            Path.GetFileName(EvaluationOutputs.named paths.Folder [ Option.defaultValue "" paths.Prefix ] name)

        for name in
            [
                "results.csv"
                "agg_results.csv"
                "results.tsv"
                "aggregates.tsv"
                "results.json"
                "run.json"
            ] do
            at name
    ]

    let private readCells progress reading paths =
        match paths.Cells with
        | None -> Ok None
        | Some(real, predicted) ->
            result {
                let! real = EvaluationOutputs.read progress reading real
                let! predicted = EvaluationOutputs.read progress reading predicted
                return Some(real, predicted)
            }

    let private readTables progress (options: EvaluationOptions) paths =
        match paths.Tables with
        | None -> Ok None
        | Some(real, predicted) ->
            result {
                let! real = DeTableFile.read options.De.Precision progress real
                let! predicted = DeTableFile.read options.De.Precision progress predicted
                return Some(real, predicted)
            }

    /// Parts with the tables of their types, and what is to be known of types that have no cells.
    let private splitTables progress (options: EvaluationOptions) column paths parts =
        match paths.Tables with
        | None -> Ok(parts, [])
        | Some(real, predicted) ->
            result {
                let! real = DeTableFile.readBy column options.De.Precision progress real
                let! predicted = DeTableFile.readBy column options.De.Precision progress predicted
                let! split = CellTypes.withTables column options.Sides.Partial real predicted parts

                return
                    split,
                    (if List.isEmpty parts then
                         CellTypes.tableNotes real predicted
                     else
                         [])
            }

    /// What is evaluated by itself: everything, or each cell type; and what is to be known of splitting.
    let private parts progress reading (plan: EvaluationPlan) paths =
        result {
            let! cells = readCells progress reading paths

            match plan.CellTypes, cells with
            | None, _ ->
                let! tables = readTables progress plan.Options paths

                let whole = {
                    Name = ""
                    Cells = cells
                    Tables = tables
                }

                return [ whole ], []
            | Some column, Some(real, predicted) ->
                let! split = CellTypes.split column plan.Options.Sides.Partial real predicted
                let! notes = CellTypes.notes column real predicted
                let! parts, _ = splitTables progress plan.Options column paths split
                return parts, notes
            | Some column, None -> return! splitTables progress plan.Options column paths []
        }

    /// Each type has files of its own, and so have all together.
    let private requireFiles (plan: EvaluationPlan) paths (parts: CellTypePart list) =
        match plan.CellTypes with
        | None -> Ok()
        | Some column ->
            let before = Option.defaultValue "" paths.Prefix

            EvaluationOutputs.requireDistinct "--cell-types" column "the types" [
                yield "(all together)", [ before ]
                for part in parts do
                    yield part.Name, [ before; part.Name ]
            ]

    let private evaluate (progress: Progress) (plan: EvaluationPlan) (part: CellTypePart) =
        progress.Token.ThrowIfCancellationRequested()

        result {
            match part.Cells, part.Tables with
            | Some(real, predicted), tables ->
                let! side = RealSide.create progress plan.Test plan.Options real
                let! found = RealSide.evaluate progress plan.Options side tables predicted
                progress.Token.ThrowIfCancellationRequested()
                let! yardsticks = EvaluationOutputs.yardsticks progress plan side
                return EvaluationOutputs.findings plan yardsticks found
            | None, Some tables ->
                let! found = RealSide.evaluateTables plan.Options tables
                return EvaluationOutputs.findings plan (None, None) found
            | None, None ->
                let allowed =
                    "give real and predicted cells, or --real-de and --predicted-de, or both"

                return! Error(CoExprError.BadOption("evaluate", "without input", allowed))
        }

    let private each progress plan parts =
        (Ok [], parts)
        ||> List.fold (fun before part ->
            before
            |> Result.bind (fun before ->
                evaluate progress plan part
                |> Result.map (fun found -> (part.Name, found) :: before)))
        |> Result.map (List.rev >> List.toArray)

    /// All cell types together.
    let private together (plan: EvaluationPlan) notes (found: (string * EvaluationFindings)[]) =
        let pick choose =
            let parts =
                found
                |> Array.choose (fun (name, one) -> choose one |> Option.map (fun result -> name, result))

            if parts.Length = 0 then
                None
            else
                Some(CellTypes.together parts)

        let whole = pick (fun one -> Some one.Model.Result) |> Option.get

        EvaluationOutputs.findings plan (pick _.Baseline, pick _.Ceiling) {
            Result = {
                whole with
                    Notes = notes @ whole.Notes
            }
            Tables = None
            Own = None
        }

    let private inputs paths = [
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
    ]

    /// A profile of measures of cells has nothing to say of tables.
    let private requireMeasures (plan: EvaluationPlan) paths (whole: EvaluationResult) =
        if whole.Columns.Length + whole.Pooled.Length > 0 then
            Ok()
        else
            let needed =
                if paths.Cells.IsNone then
                    "of real and predicted cells"
                else
                    "of tables of differential expression (--de-test, or --real-de and --predicted-de)"

            Error(
                CoExprError.BadOption(
                    "--profile",
                    MetricRegistry.profileName plan.Options.Profile,
                    $"all its measures are {needed}, which are not given"
                )
            )

    let private recordOf (plan: EvaluationPlan) paths hashes seconds (whole: EvaluationResult) : RunRecord =
        let struct (real, predicted) = whole.Cells

        {
            Command = "evaluate run"
            Input = inputs paths |> List.head |> snd
            InputHash = EvaluationOutputs.firstHash hashes
            Options = EvaluationOutputs.options plan
            Course =
                hashes
                @ [
                    // Parts of the time of evaluating, not beside it.
                    "evaluating_seconds",
                    Json.Object [ for stage, time in StageCost.seconds whole.Costs -> stage, Json.Number time ]
                    "notes", EvaluationOutputs.texts whole.Notes
                    "warnings", EvaluationOutputs.texts whole.Warnings
                ]
            Counts = [
                "real_cells", int64 real
                "predicted_cells", int64 predicted
                "genes", int64 whole.Genes
                "perturbations", int64 whole.Perturbations.Length
                "metrics", int64 whole.Columns.Length
            ]
            Backend = "cpu"
            Threads = plan.Options.Sides.Threads
            Seconds = seconds
        }

    let private modelName paths =
        match paths.Cells, paths.Tables with
        | Some(_, predicted), _
        | None, Some(_, predicted) -> Path.GetFileName predicted
        | None, None -> ""

    let private page paths (record: RunRecord) (found: EvaluationFindings) path =
        let reported = {
            ReportedModel.Name = modelName paths
            Result = found.Model.Result
            Intervals = found.Intervals
            Tables = found.Model.Tables
        }

        File.WriteAllText(
            path,
            EvaluationReport.page (Path.GetFileName record.Input) (RunRecord.facts record) {
                Models = [| reported |]
                Baseline = found.Baseline
                Ceiling = found.Ceiling
                Differences = [||]
            }
        )

    let private outputs progress (plan: EvaluationPlan) paths (outcome: EvaluationOutcome) =
        let at before name =
            EvaluationOutputs.named paths.Folder (Option.defaultValue "" paths.Prefix :: before) name

        [
            for cellType, found in outcome.ByType do
                yield! EvaluationOutputs.ofFindings progress (at [ cellType ]) found

            if plan.CellTypes.IsSome then
                yield! EvaluationOutputs.ofFindings progress (at []) outcome.Whole

            {
                Path = at [] "run.json"
                Write = EvaluationOutputs.json (RunRecord.toJson outcome.Record)
            }

            match plan.Report with
            | Some report -> {
                Path = report
                Write = page paths outcome.Record outcome.Whole
              }
            | None -> ()
        ]

    /// What can be refused before anything is read.
    let private checkBefore (plan: EvaluationPlan) paths =
        result {
            let! _ = MetricRegistry.chosen plan.Options.Profile plan.Options.Skipped
            do! Intervals.validate plan.Intervals
            do! EvaluationOutputs.check paths.Folder (baseNames paths)

            do!
                baseNames paths
                |> List.map (fun name -> Path.Combine(paths.Folder, name))
                |> RunFiles.refuseInputs (inputs paths |> List.map snd)

            do! EvaluationOutputs.checkReport paths.Folder plan.Report
        }

    /// Reads the inputs, evaluates, and writes results.csv, agg_results.csv, results.tsv, aggregates.tsv, costs.tsv,
    /// results.json and run.json, all of them or none; real_de.csv and pred_de.csv where tables were made here; with a ceiling
    /// ceiling_results.csv and agg_ceiling_results.csv, and so with a baseline. With cell types every file comes once for each,
    /// its type before its name, and once for all types together.
    let run (progress: Progress) reading (plan: EvaluationPlan) paths : Result<EvaluationOutcome, CoExprError> =
        let seconds = ResizeArray<string * float>()
        let timed name work = RunFiles.timed name seconds work

        result {
            do! checkBefore plan paths
            let! parts, notes = timed "reading" (fun () -> parts progress reading plan paths)
            do! requireFiles plan paths parts
            let! found = timed "evaluating" (fun () -> each progress plan parts)

            let whole =
                match plan.CellTypes with
                | Some _ -> together plan notes found
                | None -> snd found[0]

            do! requireMeasures plan paths whole.Model.Result

            let hashes =
                timed "hashing the inputs" (fun () -> EvaluationOutputs.hashes progress (inputs paths))

            let outcome = {
                Record = recordOf plan paths hashes (List.ofSeq seconds) whole.Model.Result
                Whole = whole
                ByType = found
            }

            do! EvaluationOutputs.makeFolder paths.Folder
            do! EvaluationOutputs.writeAll (inputs paths |> List.map snd) (outputs progress plan paths outcome)
            return outcome
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

            do! RunFiles.refuseInput real [ output ]
            let! cells = EvaluationOutputs.read progress reading real
            let! mean = MeanResponse.cells which copies options cells

            return!
                AtomicFile.write output (fun temporary ->
                    AnnData.write options.Threads temporary (partsOf mean) |> CoExprError.unwrap)
        }

    /// Scores one agg_results.csv against that of a baseline, and writes the scores.
    let score progress (prediction: string) (baseline: string) (output: string) =
        result {
            do!
                if [ ".csv"; ".tsv" ] |> List.exists (fun ending -> output.EndsWith ending) then
                    AtomicFile.check output
                else
                    Error(CoExprError.BadOption("--output", output, "a name in .csv or .tsv is needed"))

            do! RunFiles.refuseInputs [ prediction; baseline ] [ output ]
            let! prediction = EvaluationFile.readAggregates progress prediction
            let! baseline = EvaluationFile.readAggregates progress baseline
            let! scores = Scoring.compute prediction baseline
            do! EvaluationFile.writeScores output scores
            return scores
        }
