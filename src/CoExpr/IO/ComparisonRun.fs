namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// A model to compare, and where its cells or its results are.
type NamedFile = { Name: string; Path: string }

/// The files of a comparison.
type ComparisonPaths = {
    /// Real cells; None for results that are finished.
    Real: string option
    /// Predicted cells of each model; without real cells its results.csv, or the folder that holds it.
    Models: NamedFile list
    /// Folder for the tables; made if need be.
    Folder: string
}

/// Several models against one set of real cells, or their finished results side by side.
[<RequireQualifiedAccess>]
module ComparisonRun =

    let private tables = [
        "comparison.csv"
        "comparison.tsv"
        "differences.tsv"
        "comparison.json"
        "run.json"
    ]

    /// A name for a model by its file: without folder and ending; of a results.csv, that of its folder.
    let nameOf (path: string) =
        let trimmed = path.TrimEnd('/', '\\')
        let name = Path.GetFileName trimmed

        if name = "results.csv" then
            match Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath trimmed)) with
            | "" -> name
            | folder -> folder
        else
            Path.GetFileNameWithoutExtension name

    let private requireTwo (models: NamedFile list) =
        if models.Length >= 2 then
            Ok()
        else
            Error(
                CoExprError.TooFew(
                    "models to compare",
                    int64 models.Length,
                    2L,
                    "Give the predictions of two models or more."
                )
            )

    /// Models whose names differ only in what a file cannot be called would overwrite each other's files.
    let private requireNames (models: NamedFile list) =
        match models |> List.countBy _.Name |> List.tryFind (fun (_, times) -> times > 1) with
        | Some(name, times) ->
            Error(CoExprError.BadOption("--names", name, $"{times} models have this name; give each one of its own"))
        | None ->
            models
            |> List.map (fun model -> model.Name, [ model.Name ])
            |> EvaluationOutputs.requireDistinct "--names" (String.Join(",", models |> List.map _.Name)) "the models"

    let private requireKnown against (models: NamedFile list) =
        let names = models |> List.map (fun model -> model.Name)

        match against with
        | Some name when not (List.contains name names) -> Error(CoExprError.UnknownLabel("--against", name, names))
        | _ -> Ok()

    let private isCells (model: NamedFile) =
        model.Path.EndsWith(".h5ad", System.StringComparison.OrdinalIgnoreCase)

    /// Cells are compared with real ones; finished results need none.
    let private requireReal paths =
        match paths.Real, paths.Models |> List.tryFind isCells with
        | None, Some model ->
            let advice =
                $"{model.Path} has cells; name the real ones that they are to be compared with, or give folders of results"

            Error(CoExprError.BadOption("--real", "not given", advice))
        | _ -> Ok()

    /// What models are held against is made of real cells and drawn on the page: no table of a comparison has it.
    let private requirePage (plan: EvaluationPlan) paths =
        let asked =
            [
                if plan.Baseline then
                    "--baseline"
                if plan.Ceiling.IsSome then
                    "--ceiling"
            ]
            |> List.tryHead

        match asked with
        | Some option when paths.Real.IsNone ->
            Error(CoExprError.BadOption(option, "without --real", "it is made of the real cells"))
        | Some option when plan.Report.IsNone ->
            let advice =
                "compare shows it on the page alone; say --report, or take it with evaluate run"

            Error(CoExprError.BadOption(option, "without --report", advice))
        | _ -> Ok()

    let private checkBefore (plan: EvaluationPlan) against paths =
        result {
            do! requireTwo paths.Models
            do! requireNames paths.Models
            do! requireKnown against paths.Models
            do! requireReal paths
            do! requirePage plan paths
            let! _ = MetricRegistry.chosen plan.Options.Profile plan.Options.Skipped
            do! Intervals.validate plan.Intervals

            do!
                match plan.CellTypes with
                | Some column ->
                    Error(
                        CoExprError.BadOption(
                            "--cell-types",
                            column,
                            "evaluate each model by itself with it, and compare the results"
                        )
                    )
                | None -> Ok()

            do! EvaluationOutputs.check paths.Folder tables
            do! EvaluationOutputs.checkReport paths.Folder plan.Report
        }

    /// What was found of the models, and what they are held against.
    type private Found = {
        Compared: ComparedModel[]
        Findings: EvaluationFindings[]
        Baseline: EvaluationResult option
        Ceiling: EvaluationResult option
    }

    /// Evaluates one model after the other against a real side that is made once.
    let private evaluate (progress: Progress) reading (plan: EvaluationPlan) real (models: NamedFile list) =
        result {
            let! cells = EvaluationOutputs.read progress reading real
            let! side = RealSide.create progress plan.Test plan.Options cells
            let! baseline, ceiling = EvaluationOutputs.yardsticks progress plan side

            let one (model: NamedFile) =
                progress.Token.ThrowIfCancellationRequested()

                EvaluationOutputs.read progress reading model.Path
                |> Result.bind (RealSide.evaluate progress plan.Options side None)
                |> Result.map (EvaluationOutputs.findings plan (None, None))

            let! found =
                (Ok [], models)
                ||> List.fold (fun before model ->
                    before
                    |> Result.bind (fun before -> one model |> Result.map (fun found -> found :: before)))

            let found = found |> List.rev |> List.toArray

            return {
                Compared =
                    Array.map2
                        (fun (model: NamedFile) (one: EvaluationFindings) ->
                            Comparison.ofResult model.Name one.Model.Result)
                        (List.toArray models)
                        found
                Findings = found
                Baseline = baseline
                Ceiling = ceiling
            }
        }

    let private resultsOf (path: string) =
        if Directory.Exists path then
            Path.Combine(path, "results.csv")
        else
            path

    let private readFinished progress (models: NamedFile list) =
        (Ok [], models)
        ||> List.fold (fun before model ->
            before
            |> Result.bind (fun before ->
                EvaluationFile.readWide progress model.Name (resultsOf model.Path)
                |> Result.map (fun found -> found :: before)))
        |> Result.map (fun found -> {
            Compared = found |> List.rev |> List.toArray
            Findings = [||]
            Baseline = None
            Ceiling = None
        })

    let private inputs paths = [
        match paths.Real with
        | Some real -> "real", real
        | None -> ()

        for model in paths.Models do
            model.Name,
            (if paths.Real.IsSome then
                 model.Path
             else
                 resultsOf model.Path)
    ]

    let private warnings (found: Found) = [
        for at in 0 .. found.Findings.Length - 1 do
            let model, one = found.Compared[at], found.Findings[at]

            for words in one.Model.Result.Warnings -> $"{model.Name}: {words}"
    ]

    let private notes (found: Found) =
        Array.map2
            (fun (model: ComparedModel) (one: EvaluationFindings) -> model.Name, one.Model.Result.Notes)
            found.Compared[.. found.Findings.Length - 1]
            found.Findings
        |> Comparison.said

    let private recordOf (plan: EvaluationPlan) paths hashes seconds found (comparison: ModelComparison) : RunRecord = {
        Command = "evaluate compare"
        Input = inputs paths |> List.head |> snd
        InputHash = EvaluationOutputs.firstHash hashes
        Options = EvaluationOutputs.options plan
        Course =
            hashes
            @ [
                "notes", EvaluationOutputs.texts (notes found)
                "warnings", EvaluationOutputs.texts (warnings found)
            ]
        Counts = [
            "models", int64 comparison.Models.Length
            "perturbations", int64 comparison.Models[0].Perturbations.Length
            "metrics", int64 comparison.Metrics.Length
        ]
        Backend = "cpu"
        Threads = plan.Options.Sides.Threads
        Seconds = seconds
    }

    /// A result of which nothing but the numbers is known.
    let private bare (model: ComparedModel) : EvaluationResult = {
        Perturbations = model.Perturbations
        Columns = model.Columns
        Cells = struct (0, 0)
        Genes = 0
        Notes = []
        Warnings = []
        Costs = []
        Pooled = model.Pooled
    }

    let private reported (plan: EvaluationPlan) (found: Found) =
        found.Compared
        |> Array.mapi (fun at model ->
            if at < found.Findings.Length then
                {
                    ReportedModel.Name = model.Name
                    Result = found.Findings[at].Model.Result
                    Intervals = found.Findings[at].Intervals
                    Tables = found.Findings[at].Model.Tables
                }
            else
                let result = bare model

                {
                    ReportedModel.Name = model.Name
                    Result = result
                    Intervals = Intervals.ofResult plan.Options.Sides.Threads plan.Intervals result
                    Tables = None
                })

    let private page
        plan
        (paths: ComparisonPaths)
        (record: RunRecord)
        (found: Found)
        (comparison: ModelComparison)
        path
        =
        File.WriteAllText(
            path,
            EvaluationReport.page
                (paths.Real
                 |> Option.map Path.GetFileName
                 |> Option.defaultValue "finished results")
                (RunRecord.facts record)
                {
                    Models = reported plan found
                    Baseline = found.Baseline
                    Ceiling = found.Ceiling
                    Differences = comparison.Differences
                }
        )

    /// Files of each model under its name; the real table once.
    let private ofModels progress paths (found: Found) = [
        for at in 0 .. found.Findings.Length - 1 do
            let name = found.Compared[at].Name

            let own =
                EvaluationOutputs.ofFindings progress (EvaluationOutputs.named paths.Folder [ name ]) found.Findings[at]

            let real = EvaluationOutputs.named paths.Folder [ name ] "real_de.csv"

            for output in own do
                if output.Path <> real then
                    output
                elif at = 0 then
                    {
                        output with
                            Path = EvaluationOutputs.named paths.Folder [] "real_de.csv"
                    }
    ]

    let private outputs progress (plan: EvaluationPlan) paths record found (comparison: ModelComparison) =
        let at = EvaluationOutputs.named paths.Folder []

        let file name write = { Path = at name; Write = write }

        ofModels progress paths found
        @ [
            file "comparison.csv" (fun path -> EvaluationFile.writeModels path comparison)
            file "comparison.tsv" (fun path -> EvaluationFile.writeModelValues path comparison)
            file "differences.tsv" (fun path -> EvaluationFile.writeDifferences path comparison)
            file "comparison.json" (EvaluationOutputs.json (EvaluationFile.comparisonToJson comparison))
            file "run.json" (EvaluationOutputs.json (RunRecord.toJson record))
            match plan.Report with
            | Some report -> {
                Path = report
                Write = page plan paths record found comparison
              }
            | None -> ()
        ]

    /// Compares models: `against` names the one that the others are held against, the first if none. With real cells each
    /// prediction is evaluated, the real side being read, summed, and tested once, and the folder also gets the tables of each
    /// model under its name; without, finished results are read. Gives the record, the comparison, notes and warnings.
    let run progress reading (plan: EvaluationPlan) against paths =
        let seconds = ResizeArray<string * float>()
        let timed name work = RunFiles.timed name seconds work

        result {
            do! checkBefore plan against paths

            let! found =
                timed "evaluating" (fun () ->
                    match paths.Real with
                    | Some real -> evaluate progress reading plan real paths.Models
                    | None -> readFinished progress paths.Models)

            let! comparison =
                timed "comparing" (fun () ->
                    Comparison.compute plan.Options.Sides.Threads plan.Intervals against found.Compared)

            let hashes =
                timed "hashing the inputs" (fun () -> EvaluationOutputs.hashes progress (inputs paths))

            let record = recordOf plan paths hashes (List.ofSeq seconds) found comparison
            do! EvaluationOutputs.makeFolder paths.Folder

            do!
                outputs progress plan paths record found comparison
                |> EvaluationOutputs.writeAll (inputs paths |> List.map snd)

            return struct (record, comparison, notes found, warnings found)
        }
