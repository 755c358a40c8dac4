namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// Where bulk samples come from.
[<RequireQualifiedAccess>]
type BulkSource =
    /// Every cell of the input is a sample, described by its cell table.
    | OwnColumns
    /// The same, described by a table with a header, whose first column holds the names of the samples.
    | SampleTable of path: string
    /// Sums of the cells that agree in these columns; with fewer cells than the least there is no sample.
    | Pseudobulk of columns: string list * leastCells: int

/// What is compared, and how.
type BulkRequest = {
    Source: BulkSource
    /// Such as "~ batch + condition".
    Design: string
    /// Fewer terms than the design: then likelihood ratios are tested.
    Reduced: string option
    /// The reference level of each column named.
    References: (string * string) list
    Contrasts: Contrast list
    /// Its test is Wald's, unless a reduced design is given.
    Options: DesignOptions
}

/// Where a run reads and writes.
type BulkPaths = {
    Input: string
    Output: string
    /// A table of the samples with their size factors.
    SizeFactors: string option
}

/// What a run found.
type BulkRunResult = {
    Fit: BulkFit
    Comparisons: BulkComparison list
    /// One row per sample.
    Samples: Table
    /// Samples that had too few cells, with how many they had.
    TooSmall: (string * int)[]
    /// Cells that lack a label of one of the columns that they are put together by.
    Unlabelled: int
}

/// Comparisons of bulk samples, from the input to the files that they end in.
[<RequireQualifiedAccess>]
module BulkRun =

    /// Samples as a run takes them, and what was left out of them.
    type private Samples = {
        Counts: SampleCounts
        Table: Table
        TableSource: string
        TooSmall: (string * int)[]
        Unlabelled: int
    }

    let private complete counts table source = {
        Counts = counts
        Table = table
        TableSource = source
        TooSmall = [||]
        Unlabelled = 0
    }

    let private samplesOf progress source (cells: Cells) =
        result {
            match source with
            | BulkSource.OwnColumns ->
                let! counts = SampleCounts.ofCells cells
                return complete counts cells.CellTable cells.Source
            | BulkSource.SampleTable path ->
                let! counts = SampleCounts.ofCells cells
                let! table = TableFile.read progress path
                let! aligned = SampleCounts.align path table counts
                return complete counts aligned path
            | BulkSource.Pseudobulk(columns, least) ->
                let! made = Pseudobulk.create PseudobulkKind.Sum columns least cells
                let! counts = Pseudobulk.counts cells.Source made

                return {
                    complete counts made.Samples cells.Source with
                        TooSmall = made.TooSmall
                        Unlabelled = made.Unlabelled
                }
        }

    /// The design of a formula. References of columns that it does not use are let be if asked for: a reduced design may
    /// lack them.
    let private designOf source references isReduced text table =
        result {
            let! formula = Formula.parse text

            let used = formula.Terms |> Seq.collect (Seq.map _.Column) |> Set.ofSeq

            let references =
                references
                |> List.filter (fun (column, _) -> not isReduced || used.Contains column)

            return! Design.create source references formula table
        }

    /// The designs of two formulas over one table of samples, for messages from `source`.
    let designs
        source
        references
        (design: string)
        (reduced: string option)
        table
        : Result<struct (Design * Design option), CoExprError> =
        result {
            let! full = designOf source references false design table

            match reduced with
            | Some text ->
                let! fewer = designOf source references true text table
                return struct (full, Some fewer)
            | None -> return struct (full, None)
        }

    let private testOf reduced (options: DesignOptions) =
        match reduced with
        | Some design -> {
            options with
                Test = BulkTest.LikelihoodRatio design
          }
        | None -> options

    let private sourceOptions source = [
        match source with
        | BulkSource.OwnColumns -> ()
        | BulkSource.SampleTable path -> "samples", Json.Text(Path.GetFileName path)
        | BulkSource.Pseudobulk(columns, least) ->
            "pseudobulk", Json.Text(String.Join(",", columns))
            "min-cells", Json.Number(float least)
    ]

    let private factorsName factors =
        match factors with
        | SampleFactors.MedianOfRatios -> "ratio"
        | SampleFactors.PositiveCounts -> "poscounts"
        | SampleFactors.LibrarySize -> "library"
        | SampleFactors.Given _
        | SampleFactors.GivenPerGene _ -> "given"

    let private alternativeName alternative =
        match alternative with
        | Alternative.GreaterAbs -> "greater-abs"
        | Alternative.LessAbs -> "less-abs"
        | Alternative.Greater -> "greater"
        | Alternative.Less -> "less"

    let private trendName trend =
        match trend with
        | Some TrendKind.Parametric -> "parametric"
        | Some TrendKind.Local -> "local"
        | Some TrendKind.Mean -> "mean"
        | None -> "none"

    let private optionsOf (request: BulkRequest) = [
        let options = request.Options
        yield! sourceOptions request.Source
        "design", Json.Text request.Design

        for text in Option.toList request.Reduced do
            "reduced", Json.Text text

        for column, level in request.References do
            $"reference {column}", Json.Text level

        "contrasts", Json.Text(String.Join(" ", request.Contrasts |> List.map Contrast.name))
        "size-factors", Json.Text(factorsName options.Factors)

        "dispersion-search",
        Json.Text(
            match options.Search with
            | DispersionSearch.Exact -> "exact"
            | DispersionSearch.Ascent -> "as DESeq2"
        )

        "trend", Json.Text(trendName options.Trend)
        "min-mean", Json.Number options.Regression.SmallestMean
        "student-t", Json.Flag options.StudentT
        "alternative", Json.Text(alternativeName options.Alternative)
        "threshold", Json.Number options.Threshold
        "keep-outliers", Json.Flag(options.Outliers = OutlierRule.Never)
        "replace-from", Json.Number(options.ReplaceFrom |> Option.defaultValue 0 |> float)
        "independent-filtering", Json.Flag options.IndependentFiltering
        "alpha", Json.Number options.Alpha
        "shrink", Json.Flag options.Shrink
    ]

    let private countsOf (request: BulkRequest) (found: BulkRunResult) = [
        "samples", int64 (Table.rows found.Samples)
        "samples of too few cells", int64 found.TooSmall.Length
        "cells without a label", int64 found.Unlabelled
        "genes", int64 found.Fit.Genes.Length
        for comparison in found.Comparisons do
            $"{comparison.Contrast}: genes with adjusted p below alpha",
            comparison.Results
            |> Array.filter (fun result -> result.AdjustedPValue < request.Options.Alpha)
            |> Array.length
            |> int64
    ]

    let private record (paths: BulkPaths) request found hash seconds : RunRecord = {
        Command = "bulk"
        Input = paths.Input
        InputHash = hash
        Options = optionsOf request
        Course = []
        Counts = countsOf request found
        Backend = "cpu"
        Threads = request.Options.Threads
        Seconds = seconds
    }

    let private outputs (paths: BulkPaths) =
        paths.Output
        :: RunFiles.recordOf paths.Output
        :: Option.toList paths.SizeFactors

    let private inputs (paths: BulkPaths) request =
        match request.Source with
        | BulkSource.SampleTable table -> [ paths.Input; table ]
        | _ -> [ paths.Input ]

    let private requireDistinct contrasts =
        match contrasts |> List.countBy id |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(contrast, count) ->
            Error(CoExprError.BadOption("--contrast", Contrast.name contrast, $"it is given {count} times"))
        | None -> Ok()

    let private checkBefore paths request =
        result {
            do! requireDistinct request.Contrasts
            do! BulkFile.checkFormat paths.Output

            do!
                paths.SizeFactors
                |> Option.map BulkFile.checkTable
                |> Option.defaultValue (Ok())

            do! AtomicFile.checkAll (outputs paths)

            do! RunFiles.refuseInputs (inputs paths request) (outputs paths)
        }

    let private writeAll (paths: BulkPaths) record (found: BulkRunResult) =
        AtomicFile.writeAll (outputs paths) (fun temporaries ->
            BulkFile.writeInPlace (RunRecord.facts record) found.Fit found.Comparisons paths.Output temporaries[0]
            File.WriteAllText(temporaries[1], Json.write (RunRecord.toJson record) + "\n")

            if paths.SizeFactors.IsSome then
                BulkFile.writeSamplesInPlace found.Fit found.Samples temporaries[2])

    /// Reads the input, fits the design, makes the comparisons and writes the outputs, which all appear complete or not at
    /// all. Names of outputs are checked before anything is read.
    let run
        (progress: Progress)
        (reading: InputOptions)
        (request: BulkRequest)
        (paths: BulkPaths)
        : Result<struct (RunRecord * BulkRunResult), CoExprError> =
        let seconds = ResizeArray<string * float>()
        let timed name work = RunFiles.timed name seconds work

        result {
            do! checkBefore paths request
            let! cells = timed "reading" (fun () -> Input.read reading paths.Input)

            let! samples = samplesOf progress request.Source cells

            let! struct (design, reduced) =
                designs samples.TableSource request.References request.Design request.Reduced samples.Table

            let! fit, comparisons =
                timed "comparing" (fun () ->
                    BulkExpression.run (testOf reduced request.Options) design request.Contrasts samples.Counts)

            let found = {
                Fit = fit
                Comparisons = comparisons
                Samples = samples.Table
                TooSmall = samples.TooSmall
                Unlabelled = samples.Unlabelled
            }

            let hash = timed "hashing the input" (fun () -> RunRecord.hash progress paths.Input)
            let before = record paths request found hash (List.ofSeq seconds)
            do! timed "writing" (fun () -> writeAll paths before found)

            return
                struct ({
                            before with
                                Seconds = List.ofSeq seconds
                        },
                        found)
        }
