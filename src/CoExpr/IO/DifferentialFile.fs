namespace CoExpr.IO

open System
open CoExpr

/// How tables name what is in them.
[<RequireQualifiedAccess>]
type DifferentialColumns =
    /// One name for one thing; see docs/differential-expression.md.
    | Standard
    /// As pdex 0.2.5 names its table, which cell-eval reads.
    | Pdex

/// How results are written.
type DifferentialOutput = {
    /// Of tables.
    Columns: DifferentialColumns
    /// Whether .h5ad also has uns["rank_genes_groups"], as scanpy leaves it.
    RankGenesGroups: bool
}

/// What perturbations change, as files.
[<RequireQualifiedAccess>]
module DifferentialFile =

    /// Columns of our own, and nothing more.
    let standard = {
        Columns = DifferentialColumns.Standard
        RankGenesGroups = false
    }

    type private Format =
        | H5ad
        | Table

    let private formatOf (path: string) =
        let name = path.ToLowerInvariant()

        if name.EndsWith ".h5ad" then
            Ok H5ad
        elif [ ".tsv"; ".csv"; ".tsv.gz"; ".csv.gz" ] |> List.exists name.EndsWith then
            Ok Table
        else
            Error(CoExprError.BadOption("--output", path, "a name in .h5ad, .tsv or .csv (.gz) is needed"))

    /// Whether results can be written under this name in this way, told before the work is done.
    let check (output: DifferentialOutput) path : Result<unit, CoExprError> =
        match formatOf path with
        | Error error -> Error error
        | Ok H5ad when output.Columns = DifferentialColumns.Pdex ->
            Error(CoExprError.BadOption("--columns", "pdex", "a table has columns; give a name in .tsv or .csv (.gz)"))
        | Ok Table when output.RankGenesGroups ->
            Error(CoExprError.BadOption("--rank-genes-groups", path, "a name in .h5ad is needed"))
        | Ok _ -> Ok()

    /// The records that scanpy expects have a field for each perturbation, whose names and types HDF5 keeps in a header of
    /// 64 kB: a name, and some 64 bytes beside it.
    let private HeaderBytes, private FieldBytes = 60_000, 64

    /// Whether perturbations of these labels fit into scanpy's records, told before they are tested.
    let checkLabels (output: DifferentialOutput) (labels: string[]) : Result<unit, CoExprError> =
        let needed =
            labels
            |> Array.sumBy (fun label -> FieldBytes + Text.Encoding.UTF8.GetByteCount label)

        if output.RankGenesGroups && needed > HeaderBytes then
            Error(
                CoExprError.BadOption(
                    "--rank-genes-groups",
                    $"of {labels.Length} perturbations",
                    $"HDF5 has room for about {HeaderBytes * labels.Length / needed} in scanpy's records; leave it out, the layers hold the same"
                )
            )
        else
            Ok()

    /// What is missing is an empty field.
    let private field (writer: DelimitedWriter) value =
        if Double.IsNaN value then
            writer.Missing()
        else
            writer.Number value

    let private standardHeader (rows: RowSource) = [
        "perturbation"
        "gene"
        "effect"
        "log2_fold_change"
        "statistic"
        "p"
        "log10_p"
        "q"
        "mean"
        "reference_mean"
        "fraction"
        "reference_fraction"
        "cells"
        "reference_cells"
        yield! rows.Further
        "status"
    ]

    let private standardRow
        (result: DifferentialResult)
        (rows: ContrastRows)
        (writer: DelimitedWriter)
        perturbation
        gene
        place
        =
        writer.Text result.Perturbations[perturbation]
        writer.Text result.GeneTable.Names[gene]
        field writer rows.Effect[place]
        field writer rows.LogFoldChange[place]
        field writer rows.Statistic[place]
        field writer rows.PValue[place]
        field writer rows.Log10P[place]
        field writer rows.QValue[place]
        field writer rows.Mean[place]
        field writer rows.ReferenceMean[place]
        field writer rows.Fraction[place]
        field writer rows.ReferenceFraction[place]
        writer.Integer(int64 result.Cells[perturbation])
        writer.Integer(int64 result.ReferenceCells[perturbation])

        for name, values in rows.Further do
            if name = NegativeBinomialScreen.CooksCell && not (Double.IsNaN values[place]) then
                writer.Text result.CellNames[int values[place]]
            else
                field writer values[place]

        writer.Text(RowStatus.text rows.Status[place])
        writer.EndRow()

    let private pdexHeader = [
        "target"
        "feature"
        "target_mean"
        "ref_mean"
        "target_membership"
        "ref_membership"
        "fold_change"
        "log2_fold_change"
        "percent_change"
        "p_value"
        "statistic"
        "fdr"
    ]

    /// (target − reference) / (reference + pseudocount), 0 where both are 0.
    let private percentChange (result: DifferentialResult) (rows: ContrastRows) place =
        let mean, reference = rows.Mean[place], rows.ReferenceMean[place]
        let below = reference + result.Options.Pseudocount
        if mean = reference then 0.0 else (mean - reference) / below

    /// pdex's statistic is U; a method without one has its own.
    let private pdexStatistic (rows: ContrastRows) =
        rows.Further
        |> List.tryFind (fst >> (=) RankSum.UStatistic)
        |> Option.map snd
        |> Option.defaultValue rows.Statistic

    let private pdexRow (result: DifferentialResult) (rows: ContrastRows) =
        let statistic = pdexStatistic rows

        fun (writer: DelimitedWriter) perturbation gene place ->
            writer.Text result.Perturbations[perturbation]
            writer.Text result.GeneTable.Names[gene]
            field writer rows.Mean[place]
            field writer rows.ReferenceMean[place]
            writer.Integer(int64 result.Cells[perturbation])
            writer.Integer(int64 result.ReferenceCells[perturbation])
            // pdex 0.2.5 gives the logarithm under both names.
            field writer rows.LogFoldChange[place]
            field writer rows.LogFoldChange[place]
            field writer (percentChange result rows place)
            field writer rows.PValue[place]
            field writer statistic[place]
            field writer rows.QValue[place]
            writer.EndRow()

    let private writeTable progress (output: DifferentialOutput) (result: DifferentialResult) (source: RowSource) path =
        let header, rowOf =
            match output.Columns with
            | DifferentialColumns.Standard -> standardHeader source, standardRow result
            | DifferentialColumns.Pdex -> pdexHeader, pdexRow result

        let advance =
            Progress.counter progress "writing" "perturbations" (int64 result.Perturbations.Length)

        DelimitedTable.writeInPlace path header (fun writer ->
            for perturbation in 0 .. result.Perturbations.Length - 1 do
                let struct (rows, first) = source.Of perturbation
                let row = rowOf rows

                for gene in 0 .. result.GeneTable.Names.Length - 1 do
                    row writer perturbation gene (first + gene)

                advance 1L)

    /// Whether a table of dispersions can be written under this name, of tests that have one, told before the work is done.
    let checkDispersions (options: DifferentialOptions) path : Result<unit, CoExprError> =
        let bad reason =
            Error(CoExprError.BadOption("--dispersions-to", path, reason))

        match formatOf path, options.Test with
        | Ok Table, DifferentialTest.NegativeBinomial chosen when NegativeBinomialScreen.hasOwnDispersions chosen ->
            bad "each comparison has dispersions of its own: they are columns of the results"
        | Ok Table,
          DifferentialTest.NegativeBinomial {
                                                Dispersion = DispersionSource.Screen _
                                            }
        | Ok Table, DifferentialTest.Crispyx _ -> Ok()
        | Ok Table, DifferentialTest.NegativeBinomial _ ->
            bad "the dispersions are given, and there is nothing to tell of them"
        | Ok Table, test -> bad $"--test {DifferentialTest.name test} has no dispersions"
        | _ -> bad "a name in .tsv or .csv (.gz) is needed"

    let private writeDispersion (found: ScreenDispersions) (names: string[]) (writer: DelimitedWriter) gene =
        writer.Text names[gene]
        field writer found.Means[gene]
        field writer found.GeneWise[gene]
        field writer found.Trend[gene]
        field writer found.Final[gene]
        writer.Text(ScreenDispersions.status found gene)
        writer.EndRow()

    /// Writes a row for each gene to exactly this path, in place: its mean count per size factor of 1, its dispersion alone,
    /// the trend's at that mean, the final one, and the status of the first.
    let writeDispersionsInPlace (found: ScreenDispersions) (names: string[]) path =
        let header = [ "gene"; "mean"; "dispersion_raw"; "dispersion_trend"; "dispersion"; "status" ]

        DelimitedTable.writeInPlace path header (fun writer ->
            Seq.iter (writeDispersion found names writer) (seq { 0 .. names.Length - 1 }))

    /// Columns for the genes of .h5ad. The input's of the same name are kept under another.
    let private withDispersions (result: DifferentialResult) =
        match result.Dispersions, result.Options.Test with
        | Some found, DifferentialTest.NegativeBinomial _ ->
            let own = ScreenDispersions.columns found

            let kept =
                result.GeneTable.Columns
                |> Array.map (fun (name, column) ->
                    (if List.exists (fst >> (=) name) own then
                         $"{name}_of_input"
                     else
                         name),
                    column)

            {
                result.GeneTable with
                    Columns = Array.append kept [| for name, values in own -> name, Column.Float values |]
            }
        | _ -> result.GeneTable

    /// Under the names that CRISPYx gives them.
    let private layers (source: RowSource) = [
        "z_score", RowColumn.Statistic
        "pvalue", RowColumn.PValue
        "pvalue_adj", RowColumn.QValue
        "logfoldchanges", RowColumn.LogFoldChange
        "pts", RowColumn.Fraction
        "pts_rest", RowColumn.ReferenceFraction
        for i, name in List.indexed source.Further do
            name, RowColumn.Further i
        "log10_pvalue", RowColumn.Log10P
        "mean", RowColumn.Mean
        "mean_rest", RowColumn.ReferenceMean
        "status", RowColumn.Status
    ]

    let private statusNames = Enum.GetValues<RowStatus>() |> Array.map RowStatus.text

    /// The places of one perturbation's genes, highest statistic first, as scanpy has them; those without one last.
    let private strongest (result: DifferentialResult) perturbation =
        Array.init result.GeneTable.Names.Length (fun gene -> result.Place(perturbation, gene))
        |> Array.sortBy (fun place ->
            let statistic = result.Rows.Statistic[place]

            if Double.IsNaN statistic then
                Double.PositiveInfinity
            else
                -statistic)

    let private rankGenesGroups (result: DifferentialResult) =
        let genes = result.GeneTable.Names
        let order = Array.init result.Perturbations.Length (strongest result)

        let fields pick =
            result.Perturbations
            |> Array.mapi (fun i label -> label, order[i] |> Array.map pick)
            |> Array.toList

        let numbers (values: float[]) =
            Unstructured.NumberRecords(fields (fun place -> values[place]))

        Unstructured.Group [
            "params",
            Unstructured.Group [
                "groupby", Unstructured.Text(String.Join("|", result.Options.Perturbation))
                "reference", Unstructured.Text result.Reference
                "method", Unstructured.Text(DifferentialTest.name result.Options.Test)
                "corr_method", Unstructured.Text "benjamini-hochberg"
                "use_raw", Unstructured.Flag false
            ]
            "names", Unstructured.TextRecords(fields (fun place -> genes[place % genes.Length]))
            "scores", numbers result.Rows.Statistic
            "pvals", numbers result.Rows.PValue
            "pvals_adj", numbers result.Rows.QValue
            "logfoldchanges", numbers result.Rows.LogFoldChange
        ]

    let private unstructured (output: DifferentialOutput) (facts: (string * string) list) (result: DifferentialResult) = [
        "method", Unstructured.Text(DifferentialTest.name result.Options.Test)
        "control_label", Unstructured.Text result.Reference
        "perturbation_column", Unstructured.Text(String.Join("|", result.Options.Perturbation))
        "effect", Unstructured.Text(DifferentialTest.effectName result.Options.Test)
        "statistic", Unstructured.Text(DifferentialTest.statisticName result.Options.Test)
        "status_names", Unstructured.Texts statusNames
        "coexpr",
        Unstructured.Group [
            for name, value in facts -> name.Replace("/", " per "), Unstructured.Text value
        ]
        if output.RankGenesGroups then
            "rank_genes_groups", rankGenesGroups result
    ]

    let private perturbationTable (result: DifferentialResult) =
        let integers (values: int[]) =
            Column.Integer(Array.map int64 values, [||])

        {
            Names = result.Perturbations
            Columns = [|
                "cells", integers result.Cells
                "reference_cells", integers result.ReferenceCells
            |]
        }

    let private writeH5ad output facts (result: DifferentialResult) (source: RowSource) path =
        let parts = {
            AnnDataParts.ofTables (perturbationTable result) (withDispersions result) with
                Matrix = Some(source.Matrix RowColumn.Effect)
                Layers = layers source |> List.map (fun (name, column) -> name, source.Matrix column)
                Unstructured = unstructured output facts result
        }

        AnnData.write result.Options.Threads path parts |> CoExprError.unwrap

    /// The same as `writeInPlace` with rows that may lie elsewhere than in the result.
    let internal writeRows progress output facts result source named path =
        match formatOf named |> CoExprError.unwrap with
        | H5ad -> writeH5ad output facts result source path
        | Table -> writeTable progress output result source path

    /// Writes to exactly this path, in place, in the format of `named`: for AtomicFile.writeAll.
    let writeInPlace progress output facts (result: DifferentialResult) named path =
        let source = RowSource.ofRows result.GeneTable.Names.Length result.Rows
        writeRows progress output facts result source named path

    /// Writes the results in the format of the name's ending: .tsv or .csv (.gz) with a row for each gene of each
    /// perturbation; .h5ad, perturbations x genes, with the effect in X and the rest in layers named as CRISPYx names
    /// them. The file appears complete or not at all.
    let write progress output (result: DifferentialResult) path : Result<unit, CoExprError> =
        check output path
        |> Result.bind (fun () -> AtomicFile.write path (writeInPlace progress output [] result path))
