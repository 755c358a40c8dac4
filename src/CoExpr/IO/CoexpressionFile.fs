namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// Co-expression scores as files.
[<RequireQualifiedAccess>]
module CoexpressionFile =

    type private Format =
        | H5ad
        | Table
        | SparseArchive
        | DenseArray

    let private formatOf (path: string) =
        let name = path.ToLowerInvariant()
        let ends (ending: string) = name.EndsWith ending

        if ends ".h5ad" then
            Ok H5ad
        elif [ ".tsv"; ".csv"; ".tsv.gz"; ".csv.gz" ] |> List.exists ends then
            Ok Table
        elif ends ".npz" then
            Ok SparseArchive
        elif ends ".npy" then
            Ok DenseArray
        else
            Error(CoExprError.BadOption("--output", path, "a name in .h5ad, .tsv, .csv (.gz), .npz or .npy is needed"))

    /// Whether scores can be written under this name, told before the work is done.
    let checkFormat path = formatOf path |> Result.map ignore

    let private rowsOf (progress: Progress) (scores: PairScores) (value: Partner -> float) =
        seq {
            for gene in 0 .. scores.Genes.Length - 1 do
                progress.Token.ThrowIfCancellationRequested()
                let row = Array.zeroCreate<float> scores.Genes.Length

                for partner in scores.Partners gene do
                    row[partner.Gene] <- value partner

                row
        }

    let private genePairs progress (scores: PairScores) =
        let genes = scores.Genes.Length

        match scores.Store with
        | PairStore.Kept kept ->
            let cells = kept.Cells |> Array.map int64

            [
                "mi", MatrixPart.Sparse(genes, genes, kept.Starts, kept.Partners, kept.Scores)
                "mi_cells", MatrixPart.SparseIntegers(genes, genes, kept.Starts, kept.Partners, cells)
            ]
        | PairStore.Squares _
        | PairStore.Rows _ ->
            let size = int64 genes

            [
                "mi", MatrixPart.Rows(size, size, rowsOf progress scores (fun partner -> float partner.Score))
                "mi_cells", MatrixPart.Rows(size, size, rowsOf progress scores (fun partner -> float partner.Cells))
            ]

    let private unstructured (facts: (string * string) list) =
        let texts = [
            for name, value in facts -> name.Replace("/", " per "), Unstructured.Text value
        ]

        [ "coexpr", Unstructured.Group texts ]

    let private writeH5ad progress facts (result: CoexpressionResult) path =
        let parts = {
            AnnDataParts.ofTables result.CellTable result.GeneTable with
                GenePairs = genePairs progress result.Scores
                Unstructured = unstructured facts
        }

        AnnData.write result.Options.Threads path parts |> CoExprError.unwrap

    let private writeTable (progress: Progress) (result: CoexpressionResult) path =
        let scores = result.Scores

        let advance =
            Progress.counter progress "writing" "genes" (int64 scores.Genes.Length)

        DelimitedTable.writeInPlace path [ "gene_a"; "gene_b"; "mi"; "cells" ] (fun writer ->
            for gene in 0 .. scores.Genes.Length - 1 do
                for partner in PairScores.strongest result.Options.Strength scores gene do
                    if partner.Gene > gene then
                        writer.Text scores.Genes[gene]
                        writer.Text scores.Genes[partner.Gene]
                        writer.Number(float partner.Score)
                        writer.Integer(int64 partner.Cells)
                        writer.EndRow()

                advance 1L)

    let private compressed (scores: PairScores) =
        match scores.Store with
        | PairStore.Kept kept -> kept
        | PairStore.Squares _
        | PairStore.Rows _ ->
            let partners = Array.init scores.Genes.Length scores.Partners

            {
                Starts = partners |> Array.map (fun row -> int64 row.Length) |> Array.scan (+) 0L
                Partners = partners |> Array.collect (Array.map (fun partner -> partner.Gene))
                Scores = partners |> Array.collect (Array.map (fun partner -> float partner.Score))
                Cells = partners |> Array.collect (Array.map (fun partner -> partner.Cells))
            }

    let private writeSparse (result: CoexpressionResult) path =
        let kept = compressed result.Scores
        let names = result.Scores.Genes
        let scores = NpyArray.Float([ kept.Scores.Length ], kept.Scores)

        Npz.writeInPlace
            path
            (Npz.sparse names.Length kept.Starts kept.Partners scores
             @ [
                 "cells", NpyArray.Integer([ kept.Cells.Length ], kept.Cells)
                 "genes", NpyArray.Text names
             ])

    let private writeDense (progress: Progress) (result: CoexpressionResult) path =
        let genes = result.Scores.Genes.Length
        let advance = Progress.counter progress "writing" "genes" (int64 genes)

        Npy.writeRowsInPlace path genes genes (fun gene (row: float[]) ->
            Array.Clear row

            for partner in result.Scores.Partners gene do
                row[partner.Gene] <- float partner.Score

            advance 1L)

    /// Writes to exactly this path, in place, in the format of `named`: for AtomicFile.writeAll.
    let writeInPlace progress facts (result: CoexpressionResult) named path =
        match formatOf named |> CoExprError.unwrap with
        | H5ad -> writeH5ad progress facts result path
        | Table -> writeTable progress result path
        | SparseArchive -> writeSparse result path
        | DenseArray -> writeDense progress result path

    /// Writes the scores in the format of the name's ending: .h5ad with varp["mi"] and varp["mi_cells"] (sparse, or dense
    /// where every pair was kept); .tsv or .csv (.gz) with the columns gene_a, gene_b, mi, cells, each pair once; .npz as
    /// scipy.sparse.save_npz, with the names of the genes; .npy, genes x genes, 0 where a pair was not kept. The file
    /// appears complete or not at all.
    let write progress (result: CoexpressionResult) path : Result<unit, CoExprError> =
        checkFormat path
        |> Result.bind (fun () -> AtomicFile.write path (writeInPlace progress [] result path))

    /// Whether a report can be written under this name: it is a page whatever its name says.
    let checkReport (path: string) : Result<unit, CoExprError> =
        if path.EndsWith(".html", StringComparison.OrdinalIgnoreCase) then
            Ok()
        else
            Error(CoExprError.BadOption("--report", path, "a name in .html is needed"))

    /// Writes the report as one self-contained page, which appears complete or not at all.
    let writeReport facts (result: CoexpressionResult) path : Result<unit, CoExprError> =
        let page =
            CoexpressionSummary.report (Path.GetFileName result.Source) facts result
            |> Report.coexpression

        checkReport path
        |> Result.bind (fun () -> AtomicFile.write path (fun temporary -> File.WriteAllText(temporary, page)))
