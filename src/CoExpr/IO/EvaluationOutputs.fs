namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// What a ceiling is made of, if one is wanted.
type CeilingChoice = { Halves: CeilingHalves; Seed: uint64 }

/// What is made of an evaluation.
type EvaluationPlan = {
    Options: EvaluationOptions
    /// The test by which tables are made where none are supplied; None: measures of tables are then left out.
    Test: DifferentialTest option
    /// Whether the real cells are evaluated against themselves, too.
    Ceiling: CeilingChoice option
    /// Whether the mean response is evaluated as a prediction, too.
    Baseline: bool
    Intervals: IntervalOptions
    /// The column of cell types, each of which is evaluated for itself.
    CellTypes: string option
    /// A page with figures.
    Report: string option
}

/// A prediction with what it is held against.
type EvaluationFindings = {
    Model: Evaluated
    Intervals: MetricInterval[]
    Baseline: EvaluationResult option
    Ceiling: EvaluationResult option
}

/// One file to be written: its name, and what writes it to a path.
type internal Output = { Path: string; Write: string -> unit }

/// The files of evaluations.
[<RequireQualifiedAccess>]
module internal EvaluationOutputs =

    /// A file of a folder, with what stands before its name. "/" would make a folder of it (as cell-eval has it).
    let named (folder: string) (before: string list) (name: string) =
        let parts =
            before
            |> List.filter (String.IsNullOrEmpty >> not)
            |> List.map (fun part -> part.Replace('/', '-').Replace('\\', '-'))

        Path.Combine(folder, String.Join("_", parts @ [ name ]))

    /// Every file that an evaluation may write but the record of the run.
    let private fileNames = [
        "results.csv"
        "agg_results.csv"
        "results.tsv"
        "aggregates.tsv"
        "costs.tsv"
        "results.json"
        "real_de.csv"
        "pred_de.csv"
        for yardstick in [ "ceiling"; "baseline" ] do
            $"{yardstick}_results.csv"
            $"agg_{yardstick}_results.csv"
    ]

    /// Refuses parts of an evaluation, each with what stands before the names of its files, if one would overwrite another's
    /// files, as a/b and a-b would. `kind` is what the parts are.
    let requireDistinct option value kind (parts: (string * string list) list) =
        [
            for part, before in parts do
                for name in fileNames -> named "" before name, part
        ]
        |> List.groupBy fst
        |> List.tryFind (fun (_, same) -> same.Length > 1)
        |> function
            | None -> Ok()
            | Some(file, same) ->
                let parts = String.Join(" and ", same |> List.map snd)

                Error(
                    CoExprError.BadOption(option, value, $"{kind} {parts} would both write {file}; rename one of them")
                )

    let private pdex = {
        Columns = DifferentialColumns.Pdex
        RankGenesGroups = false
    }

    let json value path =
        File.WriteAllText(path, Json.write value + "\n")

    /// Tables of results of something: the wide one, its aggregates.
    let private pair at (prefix: string) (result: EvaluationResult) = [
        {
            Path = at $"{prefix}results.csv"
            Write = fun path -> EvaluationFile.writeWide path result
        }
        {
            Path = at $"agg_{prefix}results.csv"
            Write = fun path -> EvaluationFile.writeAggregates path result
        }
    ]

    /// The tables of measures: as cell-eval has them, tidy, with intervals, with costs, as JSON.
    let measures at (result: EvaluationResult) intervals =
        pair at "" result
        @ [
            {
                Path = at "results.tsv"
                Write = fun path -> EvaluationFile.writeTidy path result
            }
            {
                Path = at "aggregates.tsv"
                Write = fun path -> EvaluationFile.writeIntervals path result intervals
            }
            {
                Path = at "costs.tsv"
                Write = fun path -> EvaluationFile.writeCosts path result
            }
            {
                Path = at "results.json"
                Write = json (EvaluationFile.toJson result intervals)
            }
        ]

    let private ownTable progress at name (table: OwnTable) =
        let path = at name
        let summary = table.Summary

        let write temporary =
            let source =
                RowSource.ofRanges summary.Perturbations.Length summary.GeneTable.Names.Length table.Rows

            DifferentialFile.writeRows progress pdex [] summary source path temporary

        { Path = path; Write = write }

    /// All files of one prediction, or of one cell type of it.
    let ofFindings progress at (found: EvaluationFindings) =
        measures at found.Model.Result found.Intervals
        @ (match found.Model.Own with
           | Some(real, predicted) -> [
               ownTable progress at "real_de.csv" real
               ownTable progress at "pred_de.csv" predicted
             ]
           | None -> [])
        @ (found.Ceiling |> Option.map (pair at "ceiling_") |> Option.defaultValue [])
        @ (found.Baseline |> Option.map (pair at "baseline_") |> Option.defaultValue [])

    /// Writes all files or none.
    /// All of them or none, and none over an input.
    let writeAll (inputs: string list) (outputs: Output list) =
        let paths = outputs |> List.map _.Path

        RunFiles.refuseInputs inputs paths
        |> Result.bind (fun () ->
            AtomicFile.writeAll paths (fun temporaries ->
                for output, temporary in List.zip outputs temporaries do
                    output.Write temporary))

    let makeFolder (folder: string) =
        try
            Directory.CreateDirectory folder |> ignore
            Ok()
        with
        | :? IOException
        | :? UnauthorizedAccessException as error -> Error(CoExprError.CannotWrite(folder, error.Message))

    /// Whether files of these names could be written into a folder, told before anything is read. The folder is made when
    /// there are results.
    let check (folder: string) (names: string list) =
        if Directory.Exists folder then
            AtomicFile.checkAll (names |> List.map (fun name -> Path.Combine(folder, name)))
        elif File.Exists folder then
            Error(CoExprError.CannotWrite(folder, "it is a file; give a folder."))
        else
            AtomicFile.check (folder.TrimEnd(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))

    let private isIn (folder: string) (path: string) =
        Path.GetDirectoryName(Path.GetFullPath path) = Path.TrimEndingDirectorySeparator(Path.GetFullPath folder)

    /// Whether a page could be written; into the folder of the results, too, which may not be there yet.
    let checkReport (folder: string) report =
        match report with
        | None -> Ok()
        | Some path ->
            CoexpressionFile.checkReport path
            |> Result.bind (fun () ->
                if isIn folder path && not (Directory.Exists folder) then
                    Ok()
                else
                    AtomicFile.check path)

    let read progress (reading: InputOptions) path =
        Input.read
            {
                reading with
                    Read = {
                        reading.Read with
                            Progress = progress
                    }
            }
            path

    let private scaleName choice =
        match choice with
        | ScaleChoice.Detect -> "auto"
        | ScaleChoice.Given ExpressionScale.Counts -> "counts"
        | ScaleChoice.Given ExpressionScale.Logarithms -> "log"
        | ScaleChoice.Given ExpressionScale.AsTheyAre -> "as-is"

    let private caseName value = (sprintf "%A" value).ToLowerInvariant()

    /// Options by name, as records of runs have them.
    let options (plan: EvaluationPlan) : (string * Json) list =
        let options = plan.Options

        [
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
            "de-test",
            Json.Text(
                plan.Test
                |> Option.map DifferentialTest.name
                |> Option.defaultValue OwnTables.Nothing
            )
            "resamples", Json.Number(float plan.Intervals.Resamples)
            "level", Json.Number plan.Intervals.Level
            "baseline", Json.Flag plan.Baseline
            match plan.CellTypes with
            | Some column -> "cell-types", Json.Text column
            | None -> ()
            match plan.Ceiling with
            | Some choice -> "ceiling", Json.Text(caseName choice.Halves)
            | None -> ()
            "seed", Json.Text(string plan.Intervals.Seed)
        ]

    /// File names and hashes of inputs.
    let hashes progress (files: (string * string) list) = [
        for kind, file in files do
            $"{kind}_file", Json.Text(Path.GetFileName(file.TrimEnd('/', '\\')))
            $"{kind}_sha256", Json.Text(RunRecord.hash progress file)
    ]

    let texts values =
        Json.List [ for value in values -> Json.Text value ]

    /// The hash of the first input.
    let firstHash (hashes: (string * Json) list) =
        match hashes with
        | _ :: (_, Json.Text hash) :: _ -> hash
        | _ -> ""

    /// A prediction beside its baseline and its ceiling, with intervals.
    let findings (plan: EvaluationPlan) (baseline, ceiling) (evaluated: Evaluated) = {
        Model = evaluated
        Intervals = Intervals.ofResult plan.Options.Sides.Threads plan.Intervals evaluated.Result
        Baseline = baseline
        Ceiling = ceiling
    }

    /// What the real cells are held against: the mean response as a prediction of them, and one half as one of the other.
    let yardsticks progress (plan: EvaluationPlan) (real: RealSide) =
        result {
            let! baseline =
                if plan.Baseline then
                    RealSide.baseline progress plan.Options MeanOf.AllLabels real
                    |> Result.map (fun found -> Some found.Result)
                else
                    Ok None

            let! ceiling =
                match plan.Ceiling with
                | Some choice ->
                    Ceiling.evaluate progress choice.Halves choice.Seed plan.Test plan.Options real.Real.Cells
                    |> Result.map Some
                | None -> Ok None

            return baseline, ceiling
        }
