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

/// A whole run: from an input file to its outputs, with a record of what was done.
[<RequireQualifiedAccess>]
module CoexpressionRun =

    let private number (value: float) = Json.Number value

    let private keepOptions keep =
        match keep with
        | Keep.Top k -> [ "top", number (float k) ]
        | Keep.AtLeast bits -> [ "min", number (float bits) ]
        | Keep.All -> [ "all", Json.Flag true ]

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
        "signed", Json.Flag options.Signed
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
        match reading.Read.Matrix with
        | MatrixChoice.Main -> ()
        | MatrixChoice.Layer name -> "layer", Json.Text name
        | MatrixChoice.Raw -> "layer", Json.Text "raw"
    ]

    /// Scores every pair of the genes of an .h5ad file, in parts that are kept in a folder while the work lasts, in memory
    /// that the sizes alone decide. The result is that of Coexpression.compute to the bit. `tell` is told of parts that
    /// were found or damaged. With `resume`, finished parts that are in the folder are taken; without, the folder must
    /// not have any. The folder is removed when the work is done.
    ///
    /// Errors: those of reading and of Coexpression.compute; a folder with parts of another run; a full disk, where the
    /// finished parts stay. Raises ResumableStopException when it is stopped.
    let computeInParts (progress: Progress) reading (options: CoexpressionOptions) sizes folder resume tell path =
        result {
            do! Coexpression.validate options

            let identity = {
                InputHash = RunRecord.hash progress path
                Options = optionsOf { Input.standard with Read = reading } options
            }

            use! parts = PartsFolder.openFor resume identity folder

            let request: TiledRun.Request = {
                Progress = progress
                Read = reading
                Options = options
                Sizes = sizes
                Tell = tell
                Known = fun _ _ -> None
            }

            let! struct (_, result) = TiledRun.run request identity parts path
            parts.Remove()
            return result
        }

    let private record paths reading (result: CoexpressionResult) hash seconds = {
        Command = "mi"
        Input = paths.Input
        InputHash = hash
        Options = optionsOf reading result.Options
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

    let private timed name (seconds: ResizeArray<string * float>) (work: unit -> 'a) =
        let watch = Stopwatch.StartNew()
        let value = work ()
        seconds.Add((name, watch.Elapsed.TotalSeconds))
        value

    let private recordPath (output: string) = output + ".run.json"

    let private outputs paths =
        paths.Output :: recordPath paths.Output :: Option.toList paths.Report

    /// The path with every link on its way followed, so that two names of one file are one.
    let rec private real (path: string) =
        match Path.GetDirectoryName(Path.GetFullPath path) with
        | null -> path
        | folder ->
            let here = Path.Combine(real folder, Path.GetFileName path)

            if isNull (FileInfo here).LinkTarget then
                here
            else
                real (File.ResolveLinkTarget(here, true).FullName)

    let private refuseInput paths =
        let input = real paths.Input

        match outputs paths |> List.tryFind (fun output -> real output = input) with
        | Some output -> Error(CoExprError.CannotWrite(output, "the output would replace the input."))
        | None -> Ok()

    let private checkReport (report: string option) =
        match report with
        | Some path -> CoexpressionFile.checkReport path
        | _ -> Ok()

    /// What can be refused before anything is read.
    let private checkBefore paths (options: CoexpressionOptions) =
        result {
            do! Coexpression.validate options
            do! CoexpressionFile.checkFormat paths.Output
            do! checkReport paths.Report
            do! AtomicFile.checkAll (outputs paths)
            do! if File.Exists paths.Input then refuseInput paths else Ok()
        }

    let private writeAll progress paths record (result: CoexpressionResult) =
        let facts = RunRecord.facts record
        let named = Path.GetFileName paths.Input

        AtomicFile.writeAll (outputs paths) (fun temporaries ->
            CoexpressionFile.writeInPlace progress facts result paths.Output temporaries[0]
            File.WriteAllText(temporaries[1], Json.write (RunRecord.toJson record) + "\n")

            if paths.Report.IsSome then
                File.WriteAllText(temporaries[2], CoexpressionSummary.report named facts result |> Report.coexpression))

    /// Reads the input, scores its pairs, and writes the outputs, which all appear complete or not at all. Options and
    /// output names are checked before anything is read.
    let run
        (progress: Progress)
        (reading: InputOptions)
        options
        (paths: CoexpressionPaths)
        : Result<struct (RunRecord * CoexpressionResult), CoExprError> =
        let seconds = ResizeArray<string * float>()

        result {
            do! checkBefore paths options
            let! cells = timed "reading" seconds (fun () -> Input.read reading paths.Input)

            let! result =
                timed "scoring" seconds (fun () -> Coexpression.compute progress options cells)

            let hash =
                timed "hashing the input" seconds (fun () -> RunRecord.hash progress paths.Input)

            let before = record paths reading result hash (List.ofSeq seconds)
            do! timed "writing" seconds (fun () -> writeAll progress paths before result)

            return
                struct ({
                            before with
                                Seconds = List.ofSeq seconds
                        },
                        result)
        }
