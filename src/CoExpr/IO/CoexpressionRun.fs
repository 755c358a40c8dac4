namespace CoExpr.IO

open System
open System.Diagnostics
open System.IO
open CoExpr
open CoExpr.Kernels

/// The files of one co-expression run.
type CoexpressionPaths = {
    Input: string
    /// In the format of its ending; see CoexpressionFile.write. <output>.run.json is written beside it.
    Output: string
    /// The page with figures, if one is wanted.
    Report: string option
}

/// What a run may use, and what it may use again.
type RunResources = {
    /// Bytes that the process may hold; None for what the machine has.
    Memory: int64 option
    /// Folder for parts of inputs larger than that; None for a folder beside the output.
    Scratch: string option
    /// Whether to take what a run that was stopped has finished.
    Resume: bool
    /// Folder of finished scores, if they are to be kept and used again.
    Cache: string option
    /// Whether the record of the run tells how pairs were counted.
    Explain: bool
}

[<RequireQualifiedAccess>]
module RunResources =
    /// What the machine has, parts beside the output, nothing used again.
    let standard = {
        Memory = None
        Scratch = None
        Resume = false
        Cache = None
        Explain = false
    }

/// A whole run: from an input file to its outputs, with a record of what was done.
[<RequireQualifiedAccess>]
module CoexpressionRun =

    let private number (value: float) = Json.Number value

    let private keepOptions keep =
        match keep with
        | Keep.Top k -> [ "top", number (float k) ]
        | Keep.AtLeast least -> [ "min", number least ]
        | Keep.FalseDiscoveryRate rate -> [ "fdr", number rate ]
        | Keep.All -> [ "all", Json.Flag true ]

    let private ordinal (a: string) b = String.CompareOrdinal(a, b)

    let private optionsOf (reading: InputOptions) (options: CoexpressionOptions) = [
        "bins", number (float options.Bins)
        "bin-edges",
        Json.Text(
            if options.Edges = QuantileEdges.Exact then
                "exact"
            else
                "numpy"
        )
        "cells",
        Json.Text(
            if options.Cells = CellsIn.EitherGene then
                "either"
            else
                "all"
        )
        "measure", Json.Text(Measure.optionName options.Measure)
        if Measure.isInformation options.Measure then
            "estimator", Json.Text(Measure.estimatorName options.Estimator)
            "signed", Json.Flag options.Signed
        if options.Transform <> Transform.None then
            "transform", Json.Text(Transform.name options.Transform)
        if Coexpression.needsTests options then
            "p-values", Json.Flag true
        yield! keepOptions options.Keep
        "by",
        Json.Text(
            if options.Strength = Strength.Score then
                "score"
            else
                "magnitude"
        )
        "min-cells", number (float options.MinimumCells)
        match options.EntropyAbove with
        | Some nats -> "entropy-above", number (float nats)
        | None -> ()
        if options.EntropyRule = EntropyRule.WithoutSmallest then
            "entropy-without-smallest", Json.Flag true
        if options.Negatives = Negatives.AsZero then
            "negative-as-zero", Json.Flag true
        match options.Regulators with
        | Some names ->
            "regulators", number (float names.Length)
            "regulators-sha256", Json.Text(ScoreCache.hashOfNames (names |> Array.distinct |> Array.sortWith ordinal))
        | None -> ()
        if options.Resampling.Bootstraps > 0 then
            "bootstraps", number (float options.Resampling.Bootstraps)
            "confidence", number options.Resampling.Confidence
        if options.Resampling.Permutations > 0 then
            "permutations", number (float options.Resampling.Permutations)
        if PairResampling.isWanted options.Resampling then
            "seed", Json.Text(string options.Resampling.Seed)
        match reading.Read.Matrix with
        | MatrixChoice.Main -> ()
        | MatrixChoice.Layer name -> "layer", Json.Text name
        | MatrixChoice.Raw -> "layer", Json.Text "raw"
    ]

    /// A function has no name that tells it from another one.
    let private refuseCustom option value (options: CoexpressionOptions) =
        match options.Measure with
        | Measure.Custom(name, _) ->
            Error(
                CoExprError.BadOption(
                    option,
                    value,
                    $"{name} is a measure of one's own, which cannot be told from another"
                )
            )
        | _ -> Ok()

    let private checkResume resume options =
        if resume then
            refuseCustom "--resume" "yes" options
        else
            Ok()

    let private requireParts options =
        match Coexpression.needsWhole options with
        | Some(option, value) ->
            Error(CoExprError.BadOption(option, value, "it needs all genes in memory at once, and parts have a few"))
        | None -> Ok()

    /// A cache has scores alone: not what p-values and resamples need of the cells.
    let private checkCache resources (options: CoexpressionOptions) =
        match resources.Cache with
        | None -> Ok()
        | Some folder when Coexpression.needsTests options ->
            Error(CoExprError.BadOption("--cache", folder, "scores with --p-values or --fdr are not kept"))
        | Some folder when PairResampling.isWanted options.Resampling ->
            Error(CoExprError.BadOption("--cache", folder, "scores with --bootstraps or --permutations are not kept"))
        | Some folder -> refuseCustom "--cache" folder options

    /// Scores every pair of the genes of an .h5ad file, in parts that are kept in a folder while the work lasts, in memory
    /// that the sizes alone decide. The result is that of Coexpression.compute to the bit. `tell` is told of parts that
    /// were found or damaged. With `resume`, finished parts that are in the folder are taken; without, the folder must
    /// not have any. The folder is removed when the work is done.
    ///
    /// Errors: those of reading and of Coexpression.compute; options that need all genes at once (transforms, p-values,
    /// regulators, resamples); a folder with parts of another run; a full disk, where the finished parts stay. Raises ResumableStopException when it is stopped.
    let computeInParts (progress: Progress) reading (options: CoexpressionOptions) sizes folder resume tell path =
        result {
            do! Coexpression.validate options
            do! requireParts options
            do! checkResume resume options

            let identity = {
                InputHash = RunRecord.hash progress path
                Options = optionsOf { Input.standard with Read = reading } options
            }

            use! parts = PartsFolder.openFor resume identity folder

            let request: TiledRun.Request = {
                Progress = progress
                Read = { reading with Progress = progress }
                Options = options
                Sizes = sizes
                Tell = tell
                Known = fun _ _ -> None
            }

            let! struct (_, result) = TiledRun.run request identity parts path
            parts.Remove()
            return result
        }

    let private record paths reading (result: CoexpressionResult) course hash seconds = {
        Command = "mi"
        Input = paths.Input
        InputHash = hash
        Options = optionsOf reading result.Options
        Course = course
        Counts = [
            "cells", int64 result.Cells
            "genes in the input", int64 result.InputGenes
            "genes", int64 result.Scores.Genes.Length
            "pairs scored", result.PairsScored
            "pairs kept", result.Scores.PairCount
        ]
        Backend = result.Options.Backend.Name
        Threads = result.Options.Threads
        Seconds = seconds
    }

    let private outputs paths =
        paths.Output :: RunFiles.recordOf paths.Output :: Option.toList paths.Report

    let private checkReport (report: string option) =
        match report with
        | Some path -> CoexpressionFile.checkReport path
        | _ -> Ok()

    /// What can be refused before anything is read.
    let private checkBefore resources paths (options: CoexpressionOptions) =
        result {
            do! Coexpression.validate options
            do! checkResume resources.Resume options
            do! checkCache resources options
            do! CoexpressionFile.checkFormat paths.Output
            do! CoexpressionFile.checkColumns options paths.Output
            do! checkReport paths.Report
            do! AtomicFile.checkAll (outputs paths)
            do! RunFiles.refuseInput paths.Input (outputs paths)
        }

    let private writeAll progress paths record (result: CoexpressionResult) =
        let facts = RunRecord.facts record
        let named = Path.GetFileName paths.Input

        AtomicFile.writeAll (outputs paths) (fun temporaries ->
            CoexpressionFile.writeInPlace progress facts result paths.Output temporaries[0]
            File.WriteAllText(temporaries[1], Json.write (RunRecord.toJson record) + "\n")

            if paths.Report.IsSome then
                File.WriteAllText(temporaries[2], CoexpressionSummary.report named facts result |> Report.coexpression))

    let private ofMatrix (contents: MatrixContents) : InputSize = {
        Cells = contents.Rows
        Genes = contents.Columns
        Entries = contents.Entries |> Option.defaultValue (contents.Rows * contents.Columns)
    }

    let private matrixOf choice (contents: FileContents) =
        match choice with
        | MatrixChoice.Main -> contents.Matrix
        | MatrixChoice.Raw -> contents.Raw
        | MatrixChoice.Layer name -> contents.Layers |> List.tryFind (fun layer -> layer.Name = name)

    /// What an HDF5 file says of its matrix; None if it has none, which reading it will tell.
    let private sizeOfHdf5 (reading: InputOptions) path read =
        match read path with
        | Ok contents -> matrixOf reading.Read.Matrix contents |> Option.map ofMatrix
        | Error _ -> None

    /// What a file of text or an array may hold, guessed from its length: about 8 bytes an entry, or 3 if packed.
    let private guessedSize (path: string) =
        if File.Exists path then
            let bytes = FileInfo(path).Length

            Some {
                Cells = 0L
                Genes = 0L
                Entries =
                    bytes
                    / (if path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) then
                           3L
                       else
                           8L)
            }
        else
            None

    /// The size of an input, and whether it can be read piece by piece.
    let internal sizeOf reading (path: string) =
        let ends (ending: string) =
            path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)

        if not (File.Exists path) then
            None, false
        elif ends ".h5ad" then
            sizeOfHdf5 reading path AnnData.contents, true
        elif (ends ".h5" || ends ".hdf5") && AnnData.isOne path then
            sizeOfHdf5 reading path AnnData.contents, true
        elif ends ".h5" || ends ".hdf5" then
            sizeOfHdf5 reading path TenX.contents, false
        else
            guessedSize path, false

    let internal unknownSize: InputSize = { Cells = 0L; Genes = 0L; Entries = 0L }

    let private nameOf (path: string) = Path.GetFileName(Path.GetFullPath path)

    /// Where the parts of a run are kept. A scratch folder may serve several runs, which the whole path tells apart.
    let internal partsFolder resources (output: string) =
        match resources.Scratch with
        | None -> output + ".parts"
        | Some folder ->
            let path = HashedFile.keyOf (Path.GetFullPath output) |> Convert.ToHexString
            Path.Combine(folder, $"{nameOf output}.{path.Substring(0, 8).ToLowerInvariant()}.parts")

    let internal limitOf resources =
        resources.Memory |> Option.defaultWith MemoryPlan.available

    /// How the run will go about its input, and what it is expected to take: from the sizes that the file states, before it
    /// is read. BadOption for a limit that is too small, with the least that works.
    let plan
        resources
        reading
        (options: CoexpressionOptions)
        (paths: CoexpressionPaths)
        : Result<MemoryPlan, CoExprError> =
        let size, canStream = sizeOf reading paths.Input
        let size = defaultArg size unknownSize

        let hasParts =
            canStream
            && resources.Resume
            && Directory.Exists(partsFolder resources paths.Output)

        if hasParts && (Coexpression.needsWhole options).IsNone then
            MemoryPlan.createParts options size (limitOf resources)
        else
            MemoryPlan.create options size canStream (limitOf resources)

    /// The hash of what a matrix holds: every gene's cells and values, in order. Files that hold the same give the same.
    let matrixHash threads (counts: SparseCounts) =
        ContentHash.ofGenes threads counts.ByGene |> ContentHash.ofMatrix counts.Cells

    /// The key of scores in a cache, from all that they depend on: the hash of the matrix, the names of its genes and cells
    /// in order, the options.
    let cacheKey reading (options: CoexpressionOptions) matrix geneNames cellNames =
        ScoreCache.key matrix geneNames cellNames (optionsOf reading options) options.Backend.Name

    /// What a run goes by.
    type private Job = {
        Progress: Progress
        Reading: InputOptions
        Options: CoexpressionOptions
        Paths: CoexpressionPaths
        Resources: RunResources
        Plan: MemoryPlan
        Notes: ResizeArray<string>
        Seconds: ResizeArray<string * float>
    }

    let private keep job (key: string) (result: CoexpressionResult) genes =
        match job.Resources.Cache with
        | None -> Ok()
        | Some folder ->
            let integers name =
                match Table.tryColumn name result.GeneTable with
                | Some(Column.Integer(values, _)) -> values
                | _ -> [||]

            let cached = {
                Genes = genes
                Expressed = integers "coexpr_cells" |> Array.map int
                Levels = integers "coexpr_bins" |> Array.map byte
                Store = result.Scores.Store
            }

            ScoreCache.write folder key cached result.GeneTable.Names

    let private known job key =
        job.Resources.Cache
        |> Option.bind (fun folder -> ScoreCache.tryRead folder key job.Notes.Add)

    let private ofCached (options: CoexpressionOptions) (cells: Cells) (cached: CachedScores) : CoexpressionResult =
        let table =
            Coexpression.geneTable cached.Genes cached.Expressed cached.Levels cells.GeneTable

        {
            Scores = PairScores(table.Names, cached.Store)
            Options = options
            Source = cells.Source
            Cells = cells.Counts.Cells
            InputGenes = cells.Counts.Genes
            CellTable = cells.CellTable
            GeneTable = table
            PairsScored = 0L
            Tests = None
            Resampling = PairResampling.nothing
            Counting = [||]
        }

    let private numbersOf (names: string[]) (chosen: string[]) =
        let numbers = Collections.Generic.Dictionary<string, int>()
        names |> Array.iteri (fun number name -> numbers[name] <- number)
        chosen |> Array.map (fun name -> numbers[name])

    /// Scores cells that are in memory, or takes the scores from the cache.
    let private computeCells job (cells: Cells) =
        if job.Resources.Cache.IsNone then
            Coexpression.compute job.Progress job.Options cells
        else
            let matrix = matrixHash job.Options.Threads cells.Counts

            let key =
                cacheKey job.Reading job.Options matrix cells.GeneTable.Names cells.CellTable.Names

            match known job key with
            | Some cached -> Ok(ofCached job.Options cells cached)
            | None ->
                result {
                    let! scored = Coexpression.compute job.Progress job.Options cells
                    do! keep job key scored (numbersOf cells.GeneTable.Names scored.GeneTable.Names)
                    return scored
                }

    let private sizeOfCells (counts: SparseCounts) : InputSize = {
        Cells = int64 counts.Cells
        Genes = int64 counts.Genes
        Entries = counts.Entries
    }

    let private inMemory job =
        result {
            let! cells =
                RunFiles.timed "reading" job.Seconds (fun () -> Input.read job.Reading job.Paths.Input)

            do!
                match job.Resources.Memory with
                | Some limit -> MemoryPlan.check job.Options (sizeOfCells cells.Counts) limit
                | None -> Ok()

            return! RunFiles.timed "scoring" job.Seconds (fun () -> computeCells job cells)
        }

    let private requestOf job sizes : TiledRun.Request = {
        Progress = job.Progress
        Read = {
            job.Reading.Read with
                Progress = job.Progress
        }
        Options = job.Options
        Sizes = sizes
        Tell = job.Notes.Add
        Known = fun _ _ -> None
    }

    let private cellNames path =
        (AnnData.cellTable path |> CoExprError.unwrap).Names

    /// Scores an input in parts, or takes the scores from the cache.
    let private computeParts job sizes identity (folder: PartsFolder) =
        let mutable key, hit = "", false

        let find matrix geneNames =
            if job.Resources.Cache.IsSome then
                key <- cacheKey job.Reading job.Options matrix geneNames (cellNames job.Paths.Input)

            let found = if key = "" then None else known job key
            hit <- found.IsSome
            found |> Option.map (fun cached -> cached.Store)

        let request = {
            requestOf job sizes with
                Known = find
        }

        result {
            let! struct (numbers, scored) = TiledRun.run request identity folder job.Paths.Input

            do!
                if key <> "" && not hit then
                    keep job key scored numbers
                else
                    Ok()

            return if hit then { scored with PairsScored = 0L } else scored
        }

    /// What was wanted, and the hash of the input.
    let private compute job (write: string -> CoexpressionResult -> Result<'a, CoExprError>) =
        let hash () =
            RunFiles.timed "hashing the input" job.Seconds (fun () -> RunRecord.hash job.Progress job.Paths.Input)

        match job.Plan.Sizes with
        | None ->
            result {
                let! scored = inMemory job
                return! write (hash ()) scored
            }
        | Some sizes ->
            let identity = {
                InputHash = hash ()
                Options = optionsOf job.Reading job.Options
            }

            let path = partsFolder job.Resources job.Paths.Output

            try
                result {
                    use! folder = PartsFolder.openFor job.Resources.Resume identity path

                    let! scored =
                        RunFiles.timed "scoring" job.Seconds (fun () -> computeParts job sizes identity folder)

                    let! written = write identity.InputHash scored
                    folder.Remove()
                    return written
                }
            with
            | :? ResumableStopException -> reraise ()
            | :? OperationCanceledException -> raise (ResumableStopException path)

    let private useToJson (one: CountingUse) =
        Json.Object [
            "first_gene", number (float one.FirstColumn)
            "end_gene", number (float one.EndColumn)
            "density", number one.Density
            "method", Json.Text(one.Method.ToString())
            "pairs", number (float one.Pairs)
            "predicted_seconds", number one.PredictedSeconds
            "seconds", number one.Seconds
        ]

    let private course job (result: CoexpressionResult) = [
        "expected_memory_bytes", number (float job.Plan.Bytes)
        "expected_seconds", number job.Plan.Seconds
        "memory_limit_bytes", number (float job.Plan.Limit)
        "in_parts", Json.Flag job.Plan.Sizes.IsSome
        if job.Resources.Cache.IsSome then
            "from_cache", Json.Flag(result.PairsScored = 0L)
        if job.Notes.Count > 0 then
            "notes", Json.List [ for note in job.Notes -> Json.Text note ]
        if job.Resources.Explain then
            "counting", Json.List [ for one in result.Counting -> useToJson one ]
    ]

    /// Reads the input, scores its pairs, and writes the outputs, which all appear complete or not at all, within the given
    /// resources. Options and output names are checked before anything is read. What cannot be held in memory at once is
    /// scored in parts, which are kept in a folder until the outputs are there: ResumableStopException tells where.
    let runWithin
        (resources: RunResources)
        (progress: Progress)
        (reading: InputOptions)
        options
        (paths: CoexpressionPaths)
        : Result<struct (RunRecord * CoexpressionResult), CoExprError> =
        result {
            do! checkBefore resources paths options
            let! plan = plan resources reading options paths

            let options = {
                options with
                    Backend = KernelMemory.within plan.PlaneBytes options.Backend
            }

            let job = {
                Progress = progress
                Reading = reading
                Options = options
                Paths = paths
                Resources = resources
                Plan = plan
                Notes = ResizeArray()
                Seconds = ResizeArray()
            }

            return!
                compute job (fun hash result ->
                    let before =
                        record paths reading result (course job result) hash (List.ofSeq job.Seconds)

                    RunFiles.timed "writing" job.Seconds (fun () -> writeAll progress paths before result)
                    |> Result.map (fun () ->
                        struct ({
                                    before with
                                        Seconds = List.ofSeq job.Seconds
                                },
                                result)))
        }

    /// The same with all that the machine has.
    let run progress reading options paths =
        runWithin RunResources.standard progress reading options paths
