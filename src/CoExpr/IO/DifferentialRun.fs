namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// The files of one run of tests.
type DifferentialPaths = {
    Input: string
    /// In the format of its ending; see DifferentialFile.write. <output>.run.json is written beside it.
    Output: string
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

    let private testOptions (options: DifferentialOptions) = [
        "test", Json.Text(DifferentialTest.name options.Test)
        match options.Test with
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

    let private optionsOf (reading: InputOptions) (output: DifferentialOutput) (options: DifferentialOptions) = [
        "perturbation", Json.Text(String.Join("|", options.Perturbation))
        "control", Json.Text(Option.defaultValue "all other cells" options.Control)
        yield! testOptions options
        yield! valueOptions options.Values
        "alternative", Json.Text(TwoSampleAlternative.name options.Alternative)
        "fold-change", Json.Text(FoldChange.name options.FoldChange)
        "pseudocount", number options.Pseudocount
        "q-over",
        Json.Text(
            match options.Adjustment with
            | Adjustment.PerPerturbation -> "perturbation"
            | Adjustment.OverAll -> "all"
        )
        "count-untestable", Json.Flag options.CountUntestable
        "min-cells", number (float options.MinimumCells)
        if output.Columns = DifferentialColumns.Pdex then
            "columns", Json.Text "pdex"
        match reading.Read.Matrix with
        | MatrixChoice.Main -> ()
        | MatrixChoice.Layer name -> "layer", Json.Text name
        | MatrixChoice.Raw -> "layer", Json.Text "raw"
    ]

    /// The rows with a q of at most 0.05.
    let hits (result: DifferentialResult) =
        result.Rows.QValue |> Array.filter (fun q -> q <= 0.05) |> Array.length

    let private record paths reading output (result: DifferentialResult) hash seconds : RunRecord =
        let flagged status =
            result.Rows.Status |> Array.filter ((=) status) |> Array.length |> int64

        {
            Command = "de"
            Input = paths.Input
            InputHash = hash
            Options = optionsOf reading output result.Options
            Course = []
            Counts = [
                "perturbations", int64 result.Perturbations.Length
                "genes", int64 result.GeneTable.Names.Length
                "cells without a label", int64 result.LeftOut
                "rows with q of at most 0.05", int64 (hits result)
                for status in Enum.GetValues<RowStatus>() do
                    if status <> RowStatus.Tested && flagged status > 0L then
                        $"rows {RowStatus.text status}", flagged status
            ]
            Backend = "cpu"
            Threads = result.Options.Threads
            Seconds = seconds
        }

    let private outputs paths = [ paths.Output; RunFiles.recordOf paths.Output ]

    /// What can be refused before anything is read.
    let private checkBefore output paths options =
        result {
            do! DifferentialExpression.validate options
            do! DifferentialFile.check output paths.Output
            do! AtomicFile.checkAll (outputs paths)
            do! RunFiles.refuseInput paths.Input (outputs paths)
        }

    let private writeAll progress paths output record (result: DifferentialResult) =
        AtomicFile.writeAll (outputs paths) (fun temporaries ->
            DifferentialFile.writeInPlace progress output (RunRecord.facts record) result paths.Output temporaries[0]
            File.WriteAllText(temporaries[1], Json.write (RunRecord.toJson record) + "\n"))

    /// Reads the input, compares its perturbations with the reference, and writes the outputs, which all appear complete or
    /// not at all. Options and output names are checked before anything is read.
    let run
        (progress: Progress)
        (reading: InputOptions)
        (options: DifferentialOptions)
        (output: DifferentialOutput)
        (paths: DifferentialPaths)
        : Result<struct (RunRecord * DifferentialResult), CoExprError> =
        let seconds = ResizeArray<string * float>()
        let timed name work = RunFiles.timed name seconds work

        result {
            do! checkBefore output paths options
            let! cells = timed "reading" (fun () -> Input.read reading paths.Input)

            let! found =
                timed "testing" (fun () -> DifferentialExpression.compute progress options cells)

            let hash = timed "hashing the input" (fun () -> RunRecord.hash progress paths.Input)

            let before = record paths reading output found hash (List.ofSeq seconds)
            do! timed "writing" (fun () -> writeAll progress paths output before found)

            return
                struct ({
                            before with
                                Seconds = List.ofSeq seconds
                        },
                        found)
        }
