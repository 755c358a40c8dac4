namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// The files of one run of tests.
type DifferentialPaths = {
    Input: string
    /// In the format of its ending; see DifferentialFile.write. <output>.run.json is written beside it.
    Output: string
    /// The page with figures, if one is wanted.
    Report: string option
    /// A table of the screen's dispersions, a row for each gene, if one is wanted.
    Dispersions: string option
}

/// What a run of tests has found.
type DifferentialOutcome = {
    /// Without rows if the run went in parts: they are in the output alone.
    Result: DifferentialResult
    InParts: bool
    /// Rows with a q of at most 0.05.
    Hits: int64
    /// Rows without a p: their status says why.
    Untested: int64
}

/// A whole run: from an input file to its outputs, with a record of what was done.
[<RequireQualifiedAccess>]
module DifferentialRun =

    let private number (value: float) = Json.Number value

    let private rankSumOptions (chosen: RankSumOptions) (batch: string option) = [
        "continuity", Json.Flag chosen.Continuity
        "tie-correction", Json.Flag chosen.Ties
        "exact", Json.Flag chosen.Exact
        match batch with
        | Some column ->
            "batch", Json.Text column

            "weights",
            Json.Text(
                match chosen.Weight with
                | StratumWeight.Unit -> "unit"
                | StratumWeight.LocallyBest -> "locally-best"
            )
        | None -> ()
    ]

    let private dispersionOptions source = [
        match source with
        | DispersionSource.Given _ -> "dispersions", Json.Text "given"
        | DispersionSource.Screen chosen
        | DispersionSource.EachComparison chosen ->
            "dispersions",
            Json.Text(
                match source with
                | DispersionSource.EachComparison _ -> "each-comparison"
                | _ -> "screen"
            )

            "cox-reid", Json.Flag chosen.CoxReid
            "dispersion-trend", Json.Text(ScreenTrend.name chosen.Trend)
            "dispersion-shrinkage", Json.Text(ScreenShrinkage.name chosen.Shrinkage)
            "outlier-deviations", number chosen.OutlierDeviations
    ]

    let private negativeBinomialOptions (chosen: NegativeBinomialOptions) = [
        "size-factors", Json.Text(SizeFactorKind.name chosen.SizeFactors)
        if not chosen.Covariates.Columns.IsEmpty then
            "covariates", Json.List [ for column in chosen.Covariates.Columns -> Json.Text column ]
        yield! dispersionOptions chosen.Dispersion
        match chosen.Hypothesis with
        | FoldHypothesis.Beyond(_, threshold) -> "threshold", number threshold
        | FoldHypothesis.Within threshold -> "within", number threshold
        "low-expression-filter", Json.Flag chosen.LowExpression.IsSome
        match chosen.Outliers with
        | CountOutliers.Ignored -> ()
        | outliers -> "cooks", Json.Text(CountOutliers.name outliers)
        if chosen.Scope = EstimationScope.Comparison then
            "scope", Json.Text(EstimationScope.name chosen.Scope)
        "shrink", Json.Text(FoldShrinkage.name chosen.Shrink)
    ]

    let private testOptions (options: DifferentialOptions) = [
        "test", Json.Text(DifferentialTest.name options.Test)
        match options.Test with
        | DifferentialTest.NegativeBinomial chosen -> yield! negativeBinomialOptions chosen
        | DifferentialTest.Crispyx chosen ->
            "compat", Json.Text "crispyx"
            "size-factors", Json.Text(SizeFactorKind.name chosen.SizeFactors)
            "min-mean", number chosen.LeastMean
            "shrink", Json.Flag chosen.Shrink
        | DifferentialTest.Deseq2 chosen ->
            "compat", Json.Text "deseq2"
            "alpha", number chosen.Alpha
        | DifferentialTest.RankSum chosen -> yield! rankSumOptions chosen options.Batch
        | DifferentialTest.Welch chosen ->
            "overestimate-variance", Json.Flag chosen.OverestimateVariance
            "constant-groups", Json.Flag chosen.ConstantGroups
    ]

    let private valueOptions values = [
        "values", Json.Text(TestedValues.name values)
        match values with
        | TestedValues.LogNormalised target -> "target", number target
        | TestedValues.AsStored
        | TestedValues.StoredLogs -> ()
    ]

    /// Negative binomials are of counts, and fold changes of fitted means.
    let private sampleOptions (options: DifferentialOptions) = [
        match options.Test with
        | DifferentialTest.NegativeBinomial _
        | DifferentialTest.Crispyx _
        | DifferentialTest.Deseq2 _ -> ()
        | DifferentialTest.RankSum _
        | DifferentialTest.Welch _ ->
            yield! valueOptions options.Values
            "fold-change", Json.Text(FoldChange.name options.FoldChange)
            "pseudocount", number options.Pseudocount
    ]

    let private calibrationOptions fakes = [
        match fakes with
        | None -> ()
        | Some(FakePerturbations.Splits(count, seed)) ->
            "calibrate", number (float count)
            "seed", Json.Text(string seed)
        | Some(FakePerturbations.Guides(column, most)) ->
            "guide", Json.Text column

            match most with
            | Some most -> "calibrate", number (float most)
            | None -> ()
    ]

    let private optionsOf (reading: InputOptions) (output: DifferentialOutput) (options: DifferentialOptions) = [
        "perturbation", Json.Text(String.Join("|", options.Perturbation))
        "control", Json.Text(Option.defaultValue "all other cells" options.Control)
        if not options.Contrasts.IsEmpty then
            "contrasts",
            Json.List [
                for contrast in options.Contrasts ->
                    Json.List [ Json.Text contrast.Label; Json.Text contrast.Reference ]
            ]
        yield! testOptions options
        yield! sampleOptions options
        "alternative", Json.Text(TwoSampleAlternative.name options.Alternative)
        "q-over",
        Json.Text(
            match options.Adjustment with
            | Adjustment.PerPerturbation -> "perturbation"
            | Adjustment.OverAll -> "all"
        )
        "count-untestable", Json.Flag options.CountUntestable
        match options.IndependentFiltering with
        | Some alpha -> "independent-filtering", number alpha
        | None -> ()
        "min-cells", number (float options.MinimumCells)
        "leave-out-empty-cells", Json.Flag options.LeaveOutEmpty
        yield! calibrationOptions options.Calibration
        if output.Columns = DifferentialColumns.Pdex then
            "columns", Json.Text "pdex"
        match reading.Read.Matrix with
        | MatrixChoice.Main -> ()
        | MatrixChoice.Layer name -> "layer", Json.Text name
        | MatrixChoice.Raw -> "layer", Json.Text "raw"
    ]

    let private calibrationJson (calibration: Calibration) =
        let cells = [ for count in calibration.Cells -> number (float count) ]
        let rates = Calibration.rates 0.05 calibration

        Json.Object [
            "false_positive_rate_0.05", number (Calibration.rate 0.05 calibration)
            "false_positive_rate_0.01", number (Calibration.rate 0.01 calibration)
            "tests", number (float (Calibration.tests calibration))
            "control_cells", number (float calibration.ControlCells)
            "median_perturbation_cells", number (float calibration.MedianCells)
            "groups", Json.List [ for name in calibration.Names -> Json.Text name ]
            "group_cells", Json.List cells
            "group_rates_0.05", Json.List [ for rate in rates -> number rate ]
        ]

    /// What a run goes by.
    type private Job = {
        Progress: Progress
        Reading: InputOptions
        Options: DifferentialOptions
        Output: DifferentialOutput
        Paths: DifferentialPaths
        Resources: RunResources
        Plan: DifferentialPlan
        Notes: ResizeArray<string>
        Seconds: ResizeArray<string * float>
    }

    let private notes job (result: DifferentialResult) = [
        yield! job.Notes
        yield! result.Notes
        match result.Calibration |> Option.bind Calibration.warning with
        | Some words -> $"Warning: {words}"
        | None -> ()
    ]

    let private course job (result: DifferentialResult) = [
        "expected_memory_bytes", number (float job.Plan.Bytes)
        "expected_seconds", number job.Plan.Seconds
        "memory_limit_bytes", number (float job.Plan.Limit)
        "in_parts", Json.Flag job.Plan.Sizes.IsSome
        match result.Calibration with
        | None -> ()
        | Some calibration -> "calibration", calibrationJson calibration
        match notes job result with
        | [] -> ()
        | notes -> "notes", Json.List [ for note in notes -> Json.Text note ]
    ]

    let private record job (result: DifferentialResult) (rows: RowCounts) hash : RunRecord = {
        Command = "de"
        Input = job.Paths.Input
        InputHash = hash
        Options = optionsOf job.Reading job.Output result.Options
        Course = course job result
        Counts = [
            "perturbations", int64 result.Perturbations.Length
            "genes", int64 result.GeneTable.Names.Length
            "cells", int64 result.CellNames.Length
            "cells used", int64 (result.CellNames.Length - result.LeftOut)
            "cells left out", int64 result.LeftOut
            "rows with q of at most 0.05", rows.Hits
            for status in Enum.GetValues<RowStatus>() do
                if status <> RowStatus.Tested && rows.Statuses[int status] > 0L then
                    $"rows {RowStatus.text status}", rows.Statuses[int status]
        ]
        Backend = "cpu"
        Threads = result.Options.Threads
        Seconds = List.ofSeq job.Seconds
    }

    let private outputs (paths: DifferentialPaths) =
        [ paths.Output; RunFiles.recordOf paths.Output ]
        @ Option.toList paths.Report
        @ Option.toList paths.Dispersions

    let private checkReport (report: string option) =
        match report with
        | Some path -> CoexpressionFile.checkReport path
        | None -> Ok()

    /// Scores of pairs are kept, and no tests.
    let private checkCache resources =
        match resources.Cache with
        | Some folder -> Error(CoExprError.BadOption("--cache", folder, "rows of tests are not kept"))
        | None -> Ok()

    /// What can be refused before anything is read.
    let private checkBefore resources output (paths: DifferentialPaths) options =
        result {
            do! DifferentialExpression.validate options
            do! checkCache resources
            do! DifferentialFile.check output paths.Output
            do! checkReport paths.Report

            do!
                match paths.Dispersions with
                | Some path -> DifferentialFile.checkDispersions options path
                | None -> Ok()

            do! AtomicFile.checkAll (outputs paths)
            do! RunFiles.refuseInput paths.Input (outputs paths)
        }

    let private isOfComparisons test =
        match test with
        | DifferentialTest.NegativeBinomial chosen -> chosen.Scope = EstimationScope.Comparison
        | _ -> false

    /// What needs all counts or all rows in memory at once: the option, its value, and why.
    let private needsWhole (options: DifferentialOptions) (output: DifferentialOutput) =
        if options.Test.IsCrispyx then
            Some(
                struct ("--compat",
                        "crispyx",
                        "its trend of dispersions needs the counts of all genes in memory at once")
            )
        elif options.Test.IsDeseq2 then
            Some(struct ("--compat", "deseq2", "its trends need the counts of all genes in memory at once"))
        elif isOfComparisons options.Test then
            Some(struct ("--scope", "comparison", "its size factors need the counts of all genes in memory at once"))
        elif output.RankGenesGroups then
            Some(struct ("--rank-genes-groups", "yes", "scanpy's records need all rows in memory at once"))
        else
            None

    /// What its cells' table tells of a screen before its counts are read.
    let private shapeOf (options: DifferentialOptions) path canStream =
        let shape () =
            result {
                let! table = AnnData.cellTable path
                let cells = Table.rows table

                let! frame =
                    Cells.create
                        path
                        (SparseCounts.OfGenes(
                            cells,
                            0,
                            {
                                Starts = [| 0L |]
                                Indices = [||]
                                Values = [||]
                            }
                        ))
                        table
                        (Table.ofNames [||])

                return! DifferentialPlan.shapeOf options frame
            }

        match
            (if canStream then
                 shape ()
             else
                 Ok DifferentialPlan.unknownShape)
        with
        | Ok shape -> shape
        // Reading will tell.
        | Error _ -> DifferentialPlan.unknownShape

    /// How the run will go about its input, and what it is expected to take: from the sizes that the file states and the
    /// labels of its cells, before its counts are read. BadOption for a limit that is too small, with the least that works,
    /// and for what needs all rows at once where these do not fit.
    let plan
        resources
        reading
        (options: DifferentialOptions)
        output
        (paths: DifferentialPaths)
        : Result<DifferentialPlan, CoExprError> =
        let size, canStream = CoexpressionRun.sizeOf reading paths.Input
        let size = defaultArg size CoexpressionRun.unknownSize

        let shape = {
            shapeOf options paths.Input canStream with
                HasReport = paths.Report.IsSome
        }

        let limit = CoexpressionRun.limitOf resources

        let hasParts =
            canStream
            && resources.Resume
            && IO.Directory.Exists(CoexpressionRun.partsFolder resources paths.Output)

        let whole = needsWhole options output

        if hasParts && whole.IsNone then
            DifferentialPlan.createParts options shape size limit
        else
            DifferentialPlan.create options whole shape size canStream limit

    /// What a page shows of rows in memory, or of those in parts one perturbation at a time.
    let private highlightsOf job (result: DifferentialResult) (rows: RowSource) =
        if job.Plan.Sizes.IsNone then
            DifferentialHighlights.ofResult result
        else
            DifferentialHighlights.ofRows result (fun perturbation ->
                let struct (own, _) = rows.Of perturbation
                own)

    let private writeAll job record (result: DifferentialResult) rows =
        AtomicFile.writeAll (outputs job.Paths) (fun temporaries ->
            let facts = RunRecord.facts record
            DifferentialFile.writeRows job.Progress job.Output facts result rows job.Paths.Output temporaries[0]

            if job.Paths.Report.IsSome then
                let page =
                    highlightsOf job result rows
                    |> DifferentialReport.pageOf (Path.GetFileName job.Paths.Input) facts

                File.WriteAllText(temporaries[2], page)

            match job.Paths.Dispersions, result.Dispersions with
            | Some _, Some found ->
                DifferentialFile.writeDispersionsInPlace found result.GeneTable.Names (List.last temporaries)
            | _ -> ()

            // Last, because it tells how much memory all of it took.
            File.WriteAllText(temporaries[1], Json.write (RunRecord.toJson record) + "\n"))

    let private timed job name work = RunFiles.timed name job.Seconds work

    let private finish job hash (result: DifferentialResult) rows (counts: RowCounts) =
        let before = record job result counts hash

        timed job "writing" (fun () -> writeAll job before result rows)
        |> Result.map (fun () ->
            struct ({
                        before with
                            Seconds = List.ofSeq job.Seconds
                    },
                    {
                        Result = result
                        InParts = job.Plan.Sizes.IsSome
                        Hits = counts.Hits
                        Untested = counts.Untested
                    }))

    let private hash job =
        timed job "hashing the input" (fun () -> RunRecord.hash job.Progress job.Paths.Input)

    let private sizeOf (counts: SparseCounts) : InputSize = {
        Cells = int64 counts.Cells
        Genes = int64 counts.Genes
        Entries = counts.Entries
    }

    /// Whether a matrix that was read whole can be tested within a limit that was asked for.
    let private checkSize job (cells: Cells) =
        match job.Resources.Memory with
        | None -> Ok()
        | Some limit ->
            result {
                let! shape = DifferentialPlan.shapeOf job.Options cells
                let whole = needsWhole job.Options job.Output

                let shape = {
                    shape with
                        HasReport = job.Paths.Report.IsSome
                }

                let! _ =
                    DifferentialPlan.create job.Options whole shape (sizeOf cells.Counts) false limit

                return ()
            }

    let private rowNames job (groups: Groups) =
        match job.Options.Contrasts with
        | [] -> groups.Labels
        | contrasts -> contrasts |> List.map ScreenContrast.name |> List.toArray

    let private inMemory job =
        result {
            let! cells = timed job "reading" (fun () -> Input.read job.Reading job.Paths.Input)
            let! groups = Groups.create job.Options.Perturbation None cells
            do! DifferentialFile.checkLabels job.Output (rowNames job groups)
            do! checkSize job cells

            let! found =
                timed job "testing" (fun () -> DifferentialExpression.compute job.Progress job.Options cells)

            let hash = hash job
            let rows = RowSource.ofRows found.GeneTable.Names.Length found.Rows
            return! finish job hash found rows (RowCounts.ofRows found.Rows)
        }

    /// What numbers a user has given himself, which options name only.
    let private givenNumbers (options: DifferentialOptions) = [
        let hashOf (values: float[]) =
            values
            |> Array.collect BitConverter.GetBytes
            |> Security.Cryptography.SHA256.HashData
            |> Convert.ToHexString
            |> Json.Text

        match options.Test with
        | DifferentialTest.NegativeBinomial chosen ->
            match chosen.SizeFactors with
            | SizeFactorKind.Given factors -> "size-factors-sha256", hashOf factors
            | SizeFactorKind.TrimmedLibrarySize share -> "trimmed-share", number share
            | _ -> ()

            match chosen.Dispersion with
            | DispersionSource.Given alphas -> "dispersions-sha256", hashOf alphas
            | _ -> ()
        | _ -> ()
    ]

    /// What the parts of a run were made from: how results are written does not matter.
    let private identityOf (reading: InputOptions) options hash = {
        InputHash = hash
        Options = optionsOf reading DifferentialFile.standard options @ givenNumbers options
    }

    let private inParts job sizes =
        let hash = hash job
        let identity = identityOf job.Reading job.Options hash
        let path = CoexpressionRun.partsFolder job.Resources job.Paths.Output

        let request: DifferentialParts.Request = {
            Progress = job.Progress
            Read = {
                job.Reading.Read with
                    Progress = job.Progress
            }
            Options = job.Options
            Sizes = sizes
            Tell = job.Notes.Add
        }

        try
            result {
                use! folder = PartsFolder.openFor job.Resources.Resume identity path
                let watch = Diagnostics.Stopwatch.StartNew()

                let! written =
                    DifferentialParts.run request identity folder job.Paths.Input (fun found ->
                        job.Seconds.Add(("testing", watch.Elapsed.TotalSeconds))
                        finish job hash found.Result found.Rows found.Counts)

                folder.Remove()
                return written
            }
        with
        | :? ResumableStopException -> reraise ()
        | :? OperationCanceledException -> raise (ResumableStopException path)

    /// Reads the input, compares its perturbations with the reference, and writes the outputs, which all appear complete or
    /// not at all, within the given resources. Options and output names are checked before anything is read. What cannot be
    /// held in memory at once is tested in parts, which are kept in a folder until the outputs are there:
    /// ResumableStopException tells where. The outputs have the same bits either way.
    let runWithin
        (resources: RunResources)
        (progress: Progress)
        (reading: InputOptions)
        (options: DifferentialOptions)
        (output: DifferentialOutput)
        (paths: DifferentialPaths)
        : Result<struct (RunRecord * DifferentialOutcome), CoExprError> =
        result {
            do! checkBefore resources output paths options
            let! plan = plan resources reading options output paths

            let job = {
                Progress = progress
                Reading = reading
                Options = options
                Output = output
                Paths = paths
                Resources = resources
                Plan = plan
                Notes = ResizeArray()
                Seconds = ResizeArray()
            }

            return!
                match plan.Sizes with
                | None -> inMemory job
                | Some sizes -> inParts job sizes
        }

    /// The same with all that the machine has.
    let run progress reading options output paths =
        runWithin RunResources.standard progress reading options output paths

    /// Tests a screen in an .h5ad file in blocks of genes, which are kept in a folder while the work lasts, in memory that
    /// the sizes alone decide. The rows are those of DifferentialExpression.compute to the bit. `tell` is told of parts that
    /// were found or damaged. With `resume`, finished parts that are in the folder are taken; without, the folder must not
    /// have any. The folder is removed when the work is done.
    ///
    /// Errors: those of reading and of DifferentialExpression.compute; what each comparison estimates from its own cells alone
    /// (EstimationScope.Comparison), which needs all genes at once; a folder with parts of another run; a full disk, where the
    /// finished parts stay. Raises ResumableStopException when it is stopped.
    let computeInParts (progress: Progress) reading (options: DifferentialOptions) sizes folder resume tell path =
        result {
            do! DifferentialExpression.validate options

            do!
                if isOfComparisons options.Test then
                    Error(CoExprError.BadOption("--scope", "comparison", "it needs the counts of all genes at once"))
                else
                    Ok()

            let identity =
                identityOf { Input.standard with Read = reading } options (RunRecord.hash progress path)

            use! parts = PartsFolder.openFor resume identity folder

            let request: DifferentialParts.Request = {
                Progress = progress
                Read = { reading with Progress = progress }
                Options = options
                Sizes = sizes
                Tell = tell
            }

            let! found =
                DifferentialParts.run request identity parts path (fun found ->
                    let genes = found.Result.GeneTable.Names.Length
                    let perturbations = found.Result.Perturbations.Length
                    let rows = ContrastRows.create perturbations genes found.Rows.Further

                    for perturbation in 0 .. perturbations - 1 do
                        let struct (own, _) = found.Rows.Of perturbation
                        let packed = RowColumn.pack genes 0 own
                        RowColumn.unpack (ReadOnlySpan packed) genes (perturbation * genes) rows

                    Ok { found.Result with Rows = rows })

            parts.Remove()
            return found
        }
