namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open CoExpr.Kernels
open Microsoft.Win32.SafeHandles

/// Where one gene lies in a file of genes cut into levels.
[<Struct>]
type internal StoredGene = {
    /// Number of the gene in the input.
    Number: int
    /// Where its bytes begin: the cells that express it and their levels; then, if values are wanted, its values, after
    /// their cells unless these are the same.
    Offset: int64
    /// Cells that express it.
    Expressed: int
    /// Entries with a value; 0 where values are not wanted.
    Valued: int
    Levels: byte
}

[<RequireQualifiedAccess>]
module internal StoredGene =
    /// Whether every entry with a value is expressed, so that one list of cells serves both.
    let isShared gene = gene.Valued = gene.Expressed

    let levelsAt gene = gene.Offset + 4L * int64 gene.Expressed

    let valueCellsAt gene = gene.Offset + 5L * int64 gene.Expressed

    let valuesAt gene =
        valueCellsAt gene + (if isShared gene then 0L else 4L * int64 gene.Valued)

    let endOf gene = valuesAt gene + 4L * int64 gene.Valued

/// Genes of an input cut into levels, one after the other in a file, each to be read by itself.
[<Sealed>]
type internal GeneStore(path: string, cells: int, genes: StoredGene[]) =

    let file =
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read ||| FileShare.Delete)

    /// Reads a part of every gene, one after the other: where each begins, and all of them.
    let gather (chosen: StoredGene[]) (count: StoredGene -> int) (place: StoredGene -> int64) =
        let starts = chosen |> Array.map (count >> int64) |> Array.scan (+) 0L
        let values = Array.zeroCreate<'T>(int starts[chosen.Length])

        chosen
        |> Array.iteri (fun i gene ->
            FileSpan.fill file (place gene) (MemoryMarshal.AsBytes(values.AsSpan(int starts[i], count gene))))

        struct (starts, values)

    let values (chosen: StoredGene[]) starts cellOf =
        let valued gene = gene.Valued

        let struct (valueStarts, found: float32[]) =
            gather chosen valued StoredGene.valuesAt

        if Array.forall StoredGene.isShared chosen then
            GeneValues(cells, starts, cellOf, found)
        else
            let place gene =
                if StoredGene.isShared gene then
                    gene.Offset
                else
                    StoredGene.valueCellsAt gene

            let struct (_, valueCells: int[]) = gather chosen valued place
            GeneValues(cells, valueStarts, valueCells, found)

    member _.Cells = cells
    member _.Genes = genes

    /// The genes at these places of the store, in this order; their values too, if they are wanted, and null otherwise.
    member _.Read(places: int[], wantsValues: bool) : struct (BinnedGenes * GeneValues) =
        let chosen = places |> Array.map (fun place -> genes[place])
        let expressed gene = gene.Expressed

        let struct (starts, cellOf: int[]) =
            gather chosen expressed (fun gene -> gene.Offset)

        let struct (_, levelOf: byte[]) = gather chosen expressed StoredGene.levelsAt
        let levels = chosen |> Array.map (fun gene -> gene.Levels)

        struct (BinnedGenes(cells, starts, cellOf, levelOf, levels),
                (if wantsValues then
                     values chosen starts cellOf
                 else
                     Unchecked.defaultof<GeneValues>))

    interface IDisposable with
        member _.Dispose() = file.Dispose()

/// Appends genes to a file that a GeneStore reads.
[<Sealed>]
type internal GeneStoreWriter(stream: HashingWriter) =

    let genes = ResizeArray<StoredGene>()

    /// A gene's expressed cells and their levels; and all its entries, or none if values are not wanted.
    member _.Add(number, cells: Span<int>, levelOf: Span<byte>, levels, valueCells: Span<int>, values: Span<float32>) =
        let gene = {
            Number = number
            Offset = stream.Position
            Expressed = cells.Length
            Valued = values.Length
            Levels = levels
        }

        genes.Add gene
        stream.Values cells
        stream.Values levelOf

        if not (StoredGene.isShared gene) then
            stream.Values valueCells

        stream.Values values

    member _.Genes = genes.ToArray()
