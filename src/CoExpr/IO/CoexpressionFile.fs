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

    /// Whether what is said of pairs beside their scores can be written under this name: an array has room for one value of
    /// a pair.
    let checkColumns (options: CoexpressionOptions) path : Result<unit, CoExprError> =
        let refuse asked =
            Error(CoExprError.BadOption("--output", path, $"{asked} a name in .h5ad, .tsv, .csv (.gz) or .npz"))

        match formatOf path with
        | Ok DenseArray when PairResampling.isWanted options.Resampling -> refuse "--bootstraps and --permutations need"
        | Ok DenseArray when options.PValues -> refuse "--p-values needs"
        | _ -> Ok()

    let private rowsOf (progress: Progress) (scores: PairScores) (value: Partner -> float) =
        seq {
            for gene in 0 .. scores.Genes.Length - 1 do
                progress.Token.ThrowIfCancellationRequested()
                let row = Array.zeroCreate<float> scores.Genes.Length

                for partner in scores.Partners gene do
                    row[partner.Gene] <- value partner

                row
        }

    /// p and q of a kept pair and the base-10 logarithm of p.
    let private testOf (tests: PairTests) (scores: PairScores) a b =
        let information = scores.TryInformation(a, b).Value

        struct (tests.PValue(a, b, information), tests.Log10PValue(a, b, information), tests.QValue(a, b, information))

    /// In a sparse matrix a pair that was not kept reads as 0: so would a logarithm of 1, not a p of 0.
    let private evidence tests scores a b =
        let struct (_, log10P, q) = testOf tests scores a b
        struct (0.0 - log10P, 0.0 - log10 q)

    let private sparseEvidence name (scores: PairScores) (kept: KeptPairs) tests =
        let genes = scores.Genes.Length

        let p, q =
            Array.zeroCreate<float> kept.Partners.Length, Array.zeroCreate<float> kept.Partners.Length

        for gene in 0 .. genes - 1 do
            for at in int kept.Starts[gene] .. int kept.Starts[gene + 1] - 1 do
                let struct (ofP, ofQ) = evidence tests scores gene kept.Partners[at]
                p[at] <- ofP
                q[at] <- ofQ

        [
            $"{name}_neg_log10_p", MatrixPart.Sparse(genes, genes, kept.Starts, kept.Partners, p)
            $"{name}_neg_log10_q", MatrixPart.Sparse(genes, genes, kept.Starts, kept.Partners, q)
        ]

    let private denseEvidence progress name (scores: PairScores) tests =
        let size = int64 scores.Genes.Length

        let rows pick =
            Seq.init scores.Genes.Length (fun gene ->
                progress.Token.ThrowIfCancellationRequested()

                Array.init scores.Genes.Length (fun other ->
                    if other = gene then
                        0.0
                    else
                        pick (evidence tests scores gene other)))

        [
            $"{name}_neg_log10_p", MatrixPart.Rows(size, size, rows (fun struct (p, _) -> p))
            $"{name}_neg_log10_q", MatrixPart.Rows(size, size, rows (fun struct (_, q) -> q))
        ]

    let private genePairs progress (result: CoexpressionResult) =
        let scores = result.Scores
        let genes = scores.Genes.Length
        let name = Coexpression.scoreName result.Options

        match scores.Store with
        | PairStore.Kept kept ->
            let cells = kept.Cells |> Array.map int64

            [
                name, MatrixPart.Sparse(genes, genes, kept.Starts, kept.Partners, kept.Scores)
                $"{name}_cells", MatrixPart.SparseIntegers(genes, genes, kept.Starts, kept.Partners, cells)
                yield! Option.toList result.Tests |> List.collect (sparseEvidence name scores kept)
                for column, values in PairResampling.columns result.Resampling do
                    $"{name}_{column}", MatrixPart.Sparse(genes, genes, kept.Starts, kept.Partners, values)
            ]
        | PairStore.Squares _
        | PairStore.Rows _ ->
            let size = int64 genes

            [
                name, MatrixPart.Rows(size, size, rowsOf progress scores (fun partner -> partner.Score))
                $"{name}_cells",
                MatrixPart.Rows(size, size, rowsOf progress scores (fun partner -> float partner.Cells))
                yield! Option.toList result.Tests |> List.collect (denseEvidence progress name scores)
            ]

    let private unstructured (facts: (string * string) list) =
        let texts = [
            for name, value in facts -> name.Replace("/", " per "), Unstructured.Text value
        ]

        [ "coexpr", Unstructured.Group texts ]

    let private writeH5ad progress facts (result: CoexpressionResult) path =
        let parts = {
            AnnDataParts.ofTables result.CellTable result.GeneTable with
                GenePairs = genePairs progress result
                Unstructured = unstructured facts
        }

        AnnData.write result.Options.Threads path parts |> CoExprError.unwrap

    let private writeTable (progress: Progress) (result: CoexpressionResult) path =
        let scores = result.Scores

        let advance =
            Progress.counter progress "writing" "genes" (int64 scores.Genes.Length)

        let resampled = PairResampling.columns result.Resampling

        let header = [
            "gene_a"
            "gene_b"
            Coexpression.scoreName result.Options
            "cells"
            if result.Tests.IsSome then
                "p"
                "log10_p"
                "q"
            yield! List.map fst resampled
        ]

        DelimitedTable.writeInPlace path header (fun writer ->
            for gene in 0 .. scores.Genes.Length - 1 do
                for partner in PairScores.strongest result.Options.Strength scores gene do
                    if partner.Gene > gene then
                        writer.Text scores.Genes[gene]
                        writer.Text scores.Genes[partner.Gene]
                        writer.Number(partner.Score)
                        writer.Integer(int64 partner.Cells)

                        match result.Tests with
                        | Some tests ->
                            let struct (p, log10P, q) = testOf tests scores gene partner.Gene
                            writer.Number p
                            writer.Number log10P
                            writer.Number q
                        | None -> ()

                        for _, values in resampled do
                            writer.Number values[scores.Place(gene, partner.Gene)]

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
                Scores = partners |> Array.collect (Array.map (fun partner -> partner.Score))
                Cells = partners |> Array.collect (Array.map (fun partner -> partner.Cells))
                Information =
                    match scores.TryInformation(0, 1) with
                    | ValueNone -> [||]
                    | ValueSome _ ->
                        partners
                        |> Array.mapi (fun gene row ->
                            row
                            |> Array.map (fun partner -> float (scores.TryInformation(gene, partner.Gene).Value)))
                        |> Array.concat
            }

    /// p, its logarithm and q, in the order of the scores.
    let private testArrays scores (kept: KeptPairs) tests =
        let found = [|
            for gene in 0 .. kept.Starts.Length - 2 do
                for at in int kept.Starts[gene] .. int kept.Starts[gene + 1] - 1 ->
                    testOf tests scores gene kept.Partners[at]
        |]

        let floats pick =
            NpyArray.Float([ found.Length ], Array.map pick found)

        [
            "p", floats (fun struct (p, _, _) -> p)
            "log10_p", floats (fun struct (_, log10P, _) -> log10P)
            "q", floats (fun struct (_, _, q) -> q)
        ]

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
                 for name, values in PairResampling.columns result.Resampling do
                     name, NpyArray.Float([ values.Length ], values)
             ]
             @ (Option.toList result.Tests |> List.collect (testArrays result.Scores kept)))

    let private writeDense (progress: Progress) (result: CoexpressionResult) path =
        let genes = result.Scores.Genes.Length
        let advance = Progress.counter progress "writing" "genes" (int64 genes)

        Npy.writeRowsInPlace path genes genes (fun gene (row: float[]) ->
            Array.Clear row

            for partner in result.Scores.Partners gene do
                row[partner.Gene] <- partner.Score

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
    /// scipy.sparse.save_npz, with the names of the genes; .npy, genes x genes, 0 where a pair was not kept. In place of
    /// "mi" stands the name of the measure. With p-values, tables and .npz have p, log10_p and q, and .h5ad has
    /// varp["mi_neg_log10_p"] and varp["mi_neg_log10_q"]. The file appears complete or not at all.
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
