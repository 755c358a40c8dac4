namespace CoExpr.IO

open System
open System.IO
open System.IO.Compression
open System.Text
open CoExpr

/// Folders in the layout of 10x Genomics, as other programs read them: `MatrixMarket.read` reads them back.
[<RequireQualifiedAccess>]
module MatrixMarketFolder =

    let private files = [ "matrix.mtx.gz"; "features.tsv.gz"; "barcodes.tsv.gz" ]

    let private writing (path: string) delimiter (before: string) (rows: DelimitedWriter -> unit) =
        use stream = new GZipStream(File.Create path, CompressionLevel.Fastest)
        stream.Write(ReadOnlySpan(Encoding.ASCII.GetBytes before))
        let writer = DelimitedWriter(stream, delimiter)
        rows writer
        writer.Finish()

    let private writeSizes (writer: DelimitedWriter) (counts: SparseCounts) =
        writer.Integer counts.Genes
        writer.Integer counts.Cells
        writer.Integer counts.Entries
        writer.EndRow()

    /// Genes in rows, cell after cell.
    let private writeMatrix path (counts: SparseCounts) =
        let field = if counts.Integer then "integer" else "real"

        writing path ' 'B $"%%%%MatrixMarket matrix coordinate {field} general\n" (fun writer ->
            writeSizes writer counts
            let byCell = counts.ByCell

            for cell in 0 .. counts.Cells - 1 do
                for at in int byCell.Starts[cell] .. int byCell.Starts[cell + 1] - 1 do
                    writer.Integer(int64 byCell.Indices[at] + 1L)
                    writer.Integer(int64 cell + 1L)
                    writer.Single byCell.Values[at]
                    writer.EndRow())

    let private writeGenes path (genes: Table) =
        let shown name row usual =
            match Table.tryColumn name genes with
            | Some column -> Column.text row column
            | None -> usual

        writing path '\t'B "" (fun writer ->
            for row in 0 .. Table.rows genes - 1 do
                writer.Text(shown "gene_ids" row genes.Names[row])
                writer.Text genes.Names[row]
                writer.Text(shown "feature_types" row "Gene Expression")
                writer.EndRow())

    let private writeCells path (cells: Table) =
        writing path '\t'B "" (fun writer ->
            for name in cells.Names do
                writer.Text name
                writer.EndRow())

    let private writeAll (cells: Cells) (paths: string list) =
        writeMatrix paths[0] cells.Counts
        writeGenes paths[1] cells.GeneTable
        writeCells paths[2] cells.CellTable

    let private createFolder (folder: string) =
        try
            Directory.CreateDirectory folder |> ignore
            Ok()
        with
        | :? IOException
        | :? UnauthorizedAccessException as error -> Error(CoExprError.CannotWrite(folder, error.Message))

    /// Writes matrix.mtx.gz (genes in rows), features.tsv.gz and barcodes.tsv.gz into a folder, which is made if it is
    /// not there; all three appear, or none. Identifiers and kinds of genes come from the columns gene_ids and
    /// feature_types where there are such. CannotWrite if it cannot be written.
    let write (folder: string) (cells: Cells) : Result<unit, CoExprError> =
        createFolder folder
        |> Result.bind (fun () ->
            AtomicFile.writeAll (files |> List.map (fun name -> Path.Combine(folder, name))) (writeAll cells))
