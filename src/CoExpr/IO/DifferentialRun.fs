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
        "shrink", Json.Flag chosen.Shrink
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
        | DifferentialTest.Crispyx _ -> ()
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

    /// The rows with a q of at most 0.05.
    let hits (result: DifferentialResult) =
        result.Rows.QValue |> Array.filter (fun q -> q <= 0.05) |> Array.length

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

    let private course (result: DifferentialResult) = [
        match result.Calibration with
        | None -> ()
        | Some calibration ->
            "calibration", calibrationJson calibration

            match Calibration.warning calibration with
            | Some words -> "notes", Json.List [ Json.Text $"Warning: {words}" ]
            | None -> ()
    ]

    let private record (paths: DifferentialPaths) reading output (result: DifferentialResult) hash seconds : RunRecord =
        let flagged status =
            result.Rows.Status |> Array.filter ((=) status) |> Array.length |> int64

        {
            Command = "de"
            Input = paths.Input
            InputHash = hash
            Options = optionsOf reading output result.Options
            Course = course result
            Counts = [
                "perturbations", int64 result.Perturbations.Length
                "genes", int64 result.GeneTable.Names.Length
                "cells left out", int64 result.LeftOut
                "rows with q of at most 0.05", int64 (hits result)
                for status in Enum.GetValues<RowStatus>() do
                    if status <> RowStatus.Tested && flagged status > 0L then
                        $"rows {RowStatus.text status}", flagged status
            ]
            Backend = "cpu"
            Threads = result.Options.Threads
            Seconds = seconds
        }

    let private outputs (paths: DifferentialPaths) =
        paths.Output :: RunFiles.recordOf paths.Output :: Option.toList paths.Report

    let private checkReport (report: string option) =
        match report with
        | Some path -> CoexpressionFile.checkReport path
        | None -> Ok()

    /// What can be refused before anything is read.
    let private checkBefore output (paths: DifferentialPaths) options =
        result {
            do! DifferentialExpression.validate options
            do! DifferentialFile.check output paths.Output
            do! checkReport paths.Report
            do! AtomicFile.checkAll (outputs paths)
            do! RunFiles.refuseInput paths.Input (outputs paths)
        }

    let private writeAll progress (paths: DifferentialPaths) output record (result: DifferentialResult) =
        AtomicFile.writeAll (outputs paths) (fun temporaries ->
            DifferentialFile.writeInPlace progress output (RunRecord.facts record) result paths.Output temporaries[0]
            File.WriteAllText(temporaries[1], Json.write (RunRecord.toJson record) + "\n")

            if paths.Report.IsSome then
                let page =
                    DifferentialReport.page (Path.GetFileName paths.Input) (RunRecord.facts record) result

                File.WriteAllText(temporaries[2], page))

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

            let! groups = Groups.create options.Perturbation None cells
            do! DifferentialFile.checkLabels output groups.Labels

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
