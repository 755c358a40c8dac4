namespace CoExpr

/// A dense matrix, row by row: coordinates of cells, loadings of genes, scores of pairs.
type Matrix = {
    Rows: int
    Columns: int
    /// Rows x Columns values, one row after the other.
    Values: float[]
}

/// A named matrix that is read when it is first asked for.
type Named<'matrix> = {
    Name: string
    Read: unit -> Result<'matrix, CoExprError>
}

/// Cells with their counts, what is known of each cell and of each gene, and further matrices over the same cells.
type Cells = {
    /// Where it came from, for messages: a path, or a word such as "simulated".
    Source: string
    Counts: SparseCounts
    /// One row per cell (obs).
    CellTable: Table
    /// One row per gene (var).
    GeneTable: Table
    /// Further matrices of the same shape as the counts.
    Layers: Named<SparseCounts> list
    /// Coordinates of the cells, one row per cell (obsm).
    Embeddings: Named<Matrix> list
}

[<RequireQualifiedAccess>]
module Cells =

    /// The first two equal names, as an error that tells their places.
    let internal firstDuplicate source kind (names: string[]) =
        let seen = System.Collections.Generic.Dictionary<string, int>()

        names
        |> Seq.indexed
        |> Seq.tryPick (fun (at, name) ->
            if seen.TryAdd(name, at) then
                None
            else
                Some(CoExprError.DuplicateName(source, kind, name, seen[name] + 1, at + 1)))

    /// Puts the parts together. Tables and counts must agree in length.
    let create source (counts: SparseCounts) cellTable geneTable : Result<Cells, CoExprError> =
        if Table.rows cellTable <> counts.Cells then
            Error(CoExprError.UnequalLengths($"{source}: names of cells", counts.Cells, Table.rows cellTable))
        elif Table.rows geneTable <> counts.Genes then
            Error(CoExprError.UnequalLengths($"{source}: names of genes", counts.Genes, Table.rows geneTable))
        else
            Ok {
                Source = source
                Counts = counts
                CellTable = cellTable
                GeneTable = geneTable
                Layers = []
                Embeddings = []
            }

    /// The first two genes of one name, as an error.
    let internal duplicateGene source names = firstDuplicate source "gene" names

    /// Refuses two genes of one name: a score by name would be of nobody knows which.
    let requireUniqueGenes cells =
        match duplicateGene cells.Source cells.GeneTable.Names with
        | Some error -> Error error
        | None -> Ok cells

    /// Refuses two cells of one name: they are likely the same cell twice.
    let requireUniqueCells cells =
        match firstDuplicate cells.Source "cell" cells.CellTable.Names with
        | Some error -> Error error
        | None -> Ok cells

    /// The first value that fails the test, as an error that names its gene and cell.
    let requireValues (isGood: float32 -> bool) advice (cells: Cells) =
        let byCell = cells.Counts.ByCell

        match byCell.Values |> Array.tryFindIndex (isGood >> not) with
        | None -> Ok cells
        | Some at ->
            let cell = (byCell.Starts |> Array.findIndex (fun start -> start > int64 at)) - 1
            let gene = cells.GeneTable.Names[byCell.Indices[at]]

            Error(
                CoExprError.BadValue(cells.Source, gene, cells.CellTable.Names[cell], float byCell.Values[at], advice)
            )

    /// The cells over another layer's values.
    let withLayer name cells =
        match cells.Layers |> List.tryFind (fun layer -> layer.Name = name) with
        | Some layer -> layer.Read() |> Result.map (fun counts -> { cells with Counts = counts })
        | None ->
            let present = cells.Layers |> List.map (fun layer -> layer.Name)
            Error(CoExprError.MissingPart(cells.Source, $"layer {name}", present))

    /// The column of the cell table of this name, or the list of those that there are.
    let column name cells =
        match Table.tryColumn name cells.CellTable with
        | Some column -> Ok column
        | None ->
            let present = cells.CellTable.Columns |> Array.map fst |> Array.toList
            Error(CoExprError.MissingPart(cells.Source, $"column {name} of the cell table", present))

    /// The genes of this order, with their rows of the gene table. Layers are left behind.
    let takeGenes (order: int[]) cells = {
        cells with
            Counts = cells.Counts.TakeGenes order
            GeneTable = Table.take order cells.GeneTable
            Layers = []
    }

    /// The cells of this order, with their rows of the cell table. Layers and embeddings are left behind.
    let takeCells (order: int[]) cells = {
        cells with
            Counts = cells.Counts.TakeCells order
            CellTable = Table.take order cells.CellTable
            Layers = []
            Embeddings = []
    }
