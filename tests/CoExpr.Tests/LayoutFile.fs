namespace CoExpr.Tests

open System
open CoExpr
open CoExpr.Hdf5
open CoExpr.IO

/// How a matrix lies in its file.
type Layout =
    | ByCell
    | ByGene
    | Dense

/// .h5ad files of a small matrix, one row of values per cell.
[<RequireQualifiedAccess>]
module LayoutFile =

    let private counts (values: float32[][]) genes =
        SparseCounts.OfDense(values.Length, genes, Array.concat values)

    /// A file as AnnData writes one whose matrix is compressed by gene, which this library does not write.
    let private writeByGene (cells: Table) (genes: Table) (values: float32[][]) (path: string) =
        let byGene = (counts values (Table.rows genes)).ByGene
        let storage = Hdf5Storage(Threads = 1)
        use file = Hdf5File.Create path
        H5Writing.table storage file.Root "obs" cells
        H5Writing.table storage file.Root "var" genes
        let matrix = file.Root.CreateGroup "X"
        matrix.Attributes.WriteText("encoding-type", "csc_matrix")
        matrix.Attributes.WriteText("encoding-version", "0.1.0")
        matrix.Attributes.WriteNumbers("shape", [| values.LongLength; int64 (Table.rows genes) |])
        matrix.Write("indptr", ReadOnlySpan byGene.Starts, storage) |> ignore
        matrix.Write("indices", ReadOnlySpan byGene.Indices, storage) |> ignore
        matrix.Write("data", ReadOnlySpan byGene.Values, storage) |> ignore
        file.Close()

    let private writeWith matrix cells genes path =
        let parts = {
            AnnDataParts.ofTables cells genes with
                Matrix = Some matrix
        }

        AnnData.write 1 path parts |> Expect.ok

    /// Writes cells and genes with their values in this layout.
    let write layout (cells: Table) (genes: Table) (values: float32[][]) path =
        match layout with
        | ByCell -> writeWith (MatrixPart.Counts(counts values (Table.rows genes))) cells genes path
        | ByGene -> writeByGene cells genes values path
        | Dense ->
            let rows =
                MatrixPart.RowsSingle(values.LongLength, int64 (Table.rows genes), Seq.ofArray values)

            writeWith rows cells genes path
