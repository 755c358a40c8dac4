namespace CoExpr.IO

open System
open CoExpr

/// Comparisons of bulk samples as tables.
[<RequireQualifiedAccess>]
module BulkFile =

    let private plain = [
        "gene"
        "contrast"
        "base_mean"
        "log2_fold_change"
        "lfc_se"
        "stat"
        "p_value"
        "p_adjusted"
    ]

    let private shrunken = [ "shrunken_log2_fold_change"; "shrunken_se"; "s_value" ]

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

    let private writeShrunken (writer: DelimitedWriter) (result: BulkResult) =
        match result.Shrunken with
        | Some shrunken ->
            number writer shrunken.Log2FoldChange
            number writer shrunken.StandardError
        | None ->
            writer.Missing()
            writer.Missing()

        number writer result.SValue

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

    let private writeRow shrinks (writer: DelimitedWriter) (gene: BulkGene) (result: BulkResult) =
        writer.Text result.Gene
        writer.Text result.Contrast

        for value in
            [
                result.BaseMean
                result.Log2FoldChange
                result.StandardError
                result.Statistic
                result.PValue
                result.AdjustedPValue
            ] do
            number writer value

        if shrinks then
            writeShrunken writer result

        writeGene writer gene result
        writer.EndRow()

    let private endings = [ ".tsv"; ".csv"; ".tsv.gz"; ".csv.gz" ]

    /// Whether results can be written under this name, told before the work is done.
    let checkFormat (path: string) : Result<unit, CoExprError> =
        if
            endings
            |> List.exists (fun ending -> path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
        then
            Ok()
        else
            Error(CoExprError.BadOption("--output", path, "a name in .tsv or .csv (.gz) is needed"))

    /// Whether all outputs of a run can be written, none of them over another or over an input: told before the work is
    /// done.
    let check (inputs: string list) (outputs: string list) : Result<unit, CoExprError> =
        let all each paths =
            (Ok(), paths)
            ||> List.fold (fun before path -> before |> Result.bind (fun () -> each path))

        result {
            do! all checkFormat outputs
            do! AtomicFile.checkAll outputs
            do! all (fun input -> RunFiles.refuseInput input outputs) inputs
        }

    /// Writes one row per gene and contrast, to a file that appears when complete. CannotWrite; BadOption for a name of
    /// another ending than .tsv or .csv (.gz).
    let write path (fit: BulkFit) (comparisons: BulkComparison list) : Result<unit, CoExprError> =
        result {
            do! checkFormat path
            let shrinks = fit.Options.Shrink
            let header = plain @ (if shrinks then shrunken else []) @ ofGene

            return!
                DelimitedTable.write path header (fun writer ->
                    for comparison in comparisons do
                        Array.iter2 (writeRow shrinks writer) fit.Genes comparison.Results)
        }

    /// Size factors, and cells per sample where they are known, one row per sample.
    let writeSamples path (fit: BulkFit) (samples: Table) : Result<unit, CoExprError> =
        let table =
            if fit.Factors.Length = fit.Design.Size then
                Table.withColumn "size_factor" (Column.Float fit.Factors) samples
            else
                samples

        DelimitedTable.writeTable path "sample" table
