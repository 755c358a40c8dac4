namespace CoExpr.IO

open System
open CoExpr

/// Comparisons of bulk samples as tables.
[<RequireQualifiedAccess>]
module BulkFile =

    /// What each comparison says of a gene.
    let private compared: (string * (BulkResult -> float)) list = [
        "log2_fold_change", _.Log2FoldChange
        "lfc_se", _.StandardError
        "stat", _.Statistic
        "p_value", _.PValue
        "p_adjusted", _.AdjustedPValue
    ]

    let private ofShrunken pick (result: BulkResult) =
        result.Shrunken |> Option.map pick |> Option.defaultValue nan

    let private shrunken: (string * (BulkResult -> float)) list = [
        "shrunken_log2_fold_change", ofShrunken _.Log2FoldChange
        "shrunken_se", ofShrunken _.StandardError
        "s_value", _.SValue
    ]

    /// With those of shrinkage where it was asked for.
    let private numbersOf (fit: BulkFit) =
        if fit.Options.Shrink then compared @ shrunken else compared

    let private ofGene = [
        "base_variance"
        "dispersion_gene"
        "dispersion_trend"
        "dispersion_posterior"
        "dispersion"
        "dispersion_outlier"
        "max_cooks"
        "replaced"
        "iterations"
        "fit"
        "outcome"
    ]

    let private fitWord status =
        match status with
        | FitStatus.Converged -> "converged"
        | FitStatus.ByOptimizer -> "by_optimizer"
        | FitStatus.NotConverged -> "not_converged"
        | FitStatus.AllZero -> "no_counts"

    /// The word for an outcome in tables: tested, no_counts, no_counts_compared, outlying_count, below_filter,
    /// not_converged, unbounded.
    let outcomeWord outcome =
        match outcome with
        | BulkOutcome.Tested -> "tested"
        | BulkOutcome.NoCounts -> "no_counts"
        | BulkOutcome.NoCountsCompared -> "no_counts_compared"
        | BulkOutcome.OutlyingCount -> "outlying_count"
        | BulkOutcome.BelowFilter -> "below_filter"
        | BulkOutcome.NotConverged -> "not_converged"
        | BulkOutcome.Unbounded -> "unbounded"

    /// What is not known is an empty field; why, `outcome` says.
    let private number (writer: DelimitedWriter) value =
        if Double.IsNaN value then
            writer.Missing()
        else
            writer.Number value

    let private writeGene (writer: DelimitedWriter) (gene: BulkGene) (result: BulkResult) =
        for value in
            [
                gene.BaseVariance
                gene.GeneDispersion
                gene.TrendDispersion
                gene.PosteriorDispersion
                gene.Dispersion
            ] do
            number writer value

        writer.Flag gene.IsDispersionOutlier
        number writer gene.MaxCooks
        writer.Flag gene.IsReplaced
        writer.Integer(int64 gene.Fit.Iterations)
        writer.Text(fitWord gene.Fit.Status)
        writer.Text(outcomeWord result.Outcome)

    let private writeRow numbers (writer: DelimitedWriter) (gene: BulkGene) (result: BulkResult) =
        writer.Text result.Gene
        writer.Text result.Contrast
        number writer result.BaseMean

        for _, value in numbers do
            number writer (value result)

        writeGene writer gene result
        writer.EndRow()

    let private writeRows path (fit: BulkFit) (comparisons: BulkComparison list) =
        let numbers = numbersOf fit

        DelimitedTable.writeInPlace
            path
            ("gene" :: "contrast" :: "base_mean" :: List.map fst numbers @ ofGene)
            (fun writer ->
                for comparison in comparisons do
                    Array.iter2 (writeRow numbers writer) fit.Genes comparison.Results)

    let private geneTable (fit: BulkFit) (comparisons: BulkComparison list) : Table =
        let genes = fit.Genes

        let numbers name (value: BulkGene -> float) =
            name, Column.Float(Array.map value genes)

        let flags name (value: BulkGene -> bool) =
            name, Column.Flag(Array.map value genes, [||])

        {
            Names = fit.Counts.Genes
            Columns = [|
                "base_mean", Column.Float(comparisons.Head.Results |> Array.map _.BaseMean)
                numbers "base_variance" _.BaseVariance
                numbers "dispersion_gene" _.GeneDispersion
                numbers "dispersion_trend" _.TrendDispersion
                numbers "dispersion_posterior" _.PosteriorDispersion
                numbers "dispersion" _.Dispersion
                flags "dispersion_outlier" _.IsDispersionOutlier
                numbers "max_cooks" _.MaxCooks
                flags "replaced" _.IsReplaced
                "iterations", Column.Integer(genes |> Array.map (fun gene -> int64 gene.Fit.Iterations), [||])
                "fit", Column.Text(genes |> Array.map (fun gene -> fitWord gene.Fit.Status))
            |]
        }

    let private outcomes = [|
        BulkOutcome.Tested
        BulkOutcome.NoCounts
        BulkOutcome.NoCountsCompared
        BulkOutcome.OutlyingCount
        BulkOutcome.BelowFilter
        BulkOutcome.NotConverged
        BulkOutcome.Unbounded
    |]

    let private outcomeCode (result: BulkResult) =
        float (Array.IndexOf(outcomes, result.Outcome))

    /// Contrasts x genes: fold changes in X, the rest in layers.
    let private writeH5ad path facts (fit: BulkFit) (comparisons: BulkComparison list) =
        let matrix (value: BulkResult -> float) =
            MatrixPart.Dense {
                Rows = comparisons.Length
                Columns = fit.Genes.Length
                Values =
                    [| for comparison in comparisons -> comparison.Results |> Array.map value |]
                    |> Array.concat
            }

        let contrasts: Table = {
            Names = [| for comparison in comparisons -> comparison.Contrast |]
            Columns = [||]
        }

        AnnData.write fit.Options.Threads path {
            AnnDataParts.ofTables contrasts (geneTable fit comparisons) with
                Matrix = Some(matrix _.Log2FoldChange)
                Layers = [
                    for name, value in List.tail (numbersOf fit) do
                        name, matrix value
                    "outcome", matrix outcomeCode
                ]
                Unstructured = [
                    "outcome_names", Unstructured.Texts(outcomes |> Array.map outcomeWord)
                    "coexpr",
                    Unstructured.Group [
                        for (name: string), (value: string) in facts ->
                            name.Replace("/", " per "), Unstructured.Text value
                    ]
                ]
        }
        |> CoExprError.unwrap

    let private isH5ad (path: string) =
        path.EndsWith(".h5ad", StringComparison.OrdinalIgnoreCase)

    let private tables = [ ".tsv"; ".csv"; ".tsv.gz"; ".csv.gz" ]

    let private requireEnding option (path: string) endings words : Result<unit, CoExprError> =
        if
            endings
            |> List.exists (fun (ending: string) -> path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
        then
            Ok()
        else
            Error(CoExprError.BadOption(option, path, $"a name in {words} is needed"))

    /// Whether results can be written under this name, told before the work is done.
    let checkFormat path =
        requireEnding "--output" path (".h5ad" :: tables) ".h5ad, .tsv or .csv (.gz)"

    /// Whether a table of samples can be.
    let checkTable path =
        requireEnding "--size-factors-to" path tables ".tsv or .csv (.gz)"

    /// Writes to exactly this path, in place, in the format of `named`: for AtomicFile.writeAll.
    let writeInPlace facts (fit: BulkFit) (comparisons: BulkComparison list) (named: string) path =
        if isH5ad named then
            writeH5ad path facts fit comparisons
        else
            writeRows path fit comparisons

    /// Writes the results to a file that appears when complete: .tsv or .csv (.gz) with one row per gene and contrast, or
    /// .h5ad, contrasts x genes, with the fold changes in X and the rest in layers. CannotWrite; BadOption for a name of
    /// another ending.
    let write path (fit: BulkFit) (comparisons: BulkComparison list) : Result<unit, CoExprError> =
        checkFormat path
        |> Result.bind (fun () -> AtomicFile.write path (writeInPlace [] fit comparisons path))

    /// Samples with their size factors where there is one per sample.
    let sampleTable (fit: BulkFit) (samples: Table) =
        if fit.Factors.Length = fit.Design.Size then
            Table.withColumn "size_factor" (Column.Float fit.Factors) samples
        else
            samples

    /// Writes them to exactly this path, one row per sample.
    let writeSamplesInPlace (fit: BulkFit) (samples: Table) path =
        DelimitedTable.writeTableInPlace path "sample" (sampleTable fit samples)

    /// Size factors, and cells per sample where they are known, one row per sample.
    let writeSamples path (fit: BulkFit) (samples: Table) : Result<unit, CoExprError> =
        DelimitedTable.writeTable path "sample" (sampleTable fit samples)
