namespace CoExpr

open System
open System.Collections.Generic

/// What a submission to the Virtual Cell Challenge must look like.
type ChallengeOptions = {
    /// The column of the cell table that names each cell's perturbation, and what the submission calls it.
    Column: string
    ColumnOut: string
    Control: string
    /// The column of cell types, if they are to be kept, and what the submission calls it.
    CellTypes: string option
    CellTypesOut: string option
    Values: ScaleChoice
    /// The genes that the Challenge asks for; None for any number.
    ExpectedGenes: int option
    /// The cells that it allows; None for any number.
    MostCells: int option
    Threads: int
}

/// Cells as a submission has them: genes in the order of a list, labels and values alone.
type ChallengeCells = {
    CellTable: Table
    GeneTable: Table
    /// Cells x genes on the scale of logarithms, by cell.
    Starts: int64[]
    Indices: int[]
    Values: float[]
    /// What was done that a reader should know.
    Notes: string list
}

[<RequireQualifiedAccess>]
module ChallengeCells =

    /// As the Challenge of 2025 has it.
    let defaults = {
        Column = "target_gene"
        ColumnOut = "target_gene"
        Control = "non-targeting"
        CellTypes = None
        CellTypesOut = None
        Values = ScaleChoice.Detect
        ExpectedGenes = Some 18080
        MostCells = Some 200000
        Threads = Schedule.defaultThreads
    }

    let private requireCells options (cells: Cells) =
        match options.MostCells with
        | Some most when cells.Counts.Cells > most ->
            Error(CoExprError.TooLarge($"cells of {cells.Source}", int64 cells.Counts.Cells, int64 most))
        | _ -> Ok()

    let private countNotes options (genes: string[]) =
        match options.ExpectedGenes with
        | Some expected when expected <> genes.Length -> [
            $"The list has {genes.Length} genes, where the Challenge asks for {expected}: the list was taken."
          ]
        | _ -> []

    /// The place of each of the cells' genes in the list, and whether the order had to be changed.
    let private placesIn (genes: string[]) (cells: Cells) =
        let own = cells.GeneTable.Names
        let places = Dictionary<string, int>()
        genes |> Array.iteri (fun at gene -> places[gene] <- at)
        let missing = Array.except own genes |> Array.toList
        let extra = own |> Array.filter (places.ContainsKey >> not) |> Array.toList

        if not (missing.IsEmpty && extra.IsEmpty) then
            Error(
                CoExprError.DifferentNames(
                    "The genes",
                    "the list",
                    missing,
                    cells.Source,
                    extra,
                    "A submission has exactly the genes of the list; their order does not matter."
                )
            )
        elif own = genes then
            Ok([| 0 .. own.Length - 1 |], [])
        else
            Ok(
                own |> Array.map (fun gene -> places[gene]),
                [ "The genes came in another order and were put in that of the list." ]
            )

    let private labels column (cells: Cells) =
        result {
            let! found = Cells.column column cells
            let labels = Array.init cells.Counts.Cells (fun cell -> Column.text cell found)

            return!
                match labels |> Array.tryFindIndex String.IsNullOrEmpty with
                | None -> Ok labels
                | Some cell ->
                    Error(
                        CoExprError.DamagedFile(
                            cells.Source,
                            $"cell {cells.CellTable.Names[cell]} has no label in column {column}; a submission needs one for each."
                        )
                    )
        }

    let private requireControl options source (labels: string[]) =
        if Array.contains options.Control labels then
            Ok()
        else
            let known =
                labels
                |> Array.countBy id
                |> Array.sortBy (fun (_, cells) -> -cells)
                |> Array.map fst

            Error(CoExprError.UnknownLabel($"{source}: control", options.Control, Array.toList known))

    let private cellTable options (cells: Cells) (perturbations: string[]) =
        let table =
            Table.ofNames (Array.init perturbations.Length string)
            |> Table.withColumn options.ColumnOut (Column.categories perturbations)

        let typesOut =
            options.CellTypes
            |> Option.map (fun column -> defaultArg options.CellTypesOut column)

        match options.CellTypes with
        | None -> Ok table
        | Some _ when typesOut = Some options.ColumnOut ->
            Error(
                CoExprError.BadOption(
                    "--cell-types-out",
                    options.ColumnOut,
                    "that is what the column of perturbations is called (--column-out)"
                )
            )
        | Some column ->
            labels column cells
            |> Result.map (fun types -> table |> Table.withColumn typesOut.Value (Column.categories types))

    /// Entries by cell, genes rising.
    let private entries (values: CellValues) =
        let genes, read =
            Array.zeroCreate<int> values.Most, Array.zeroCreate<float> values.Most

        let rows =
            Array.init values.Cells (fun cell ->
                let count = values.Read cell genes read
                let ofCell, numbers = Array.sub genes 0 count, Array.sub read 0 count
                Array.Sort(ofCell, numbers)
                ofCell, numbers)

        rows |> Array.map (fun (genes, _) -> int64 genes.Length) |> Array.scan (+) 0L,
        rows |> Array.collect fst,
        rows |> Array.collect snd

    /// The cells of a submission with the genes of a list, in its order. Errors: genes that only the list or only the cells
    /// have, both lists; a gene twice; more cells than allowed; no such column or control; a cell without a label; values
    /// outside their scale.
    let create options (genes: string[]) (cells: Cells) : Result<ChallengeCells, CoExprError> =
        result {
            do! requireCells options cells
            let! cells = Cells.requireUniqueGenes cells
            let! place, orderNotes = placesIn genes cells
            let! perturbations = labels options.Column cells
            do! requireControl options cells.Source perturbations
            let! table = cellTable options cells perturbations
            let! scale = ExpressionScale.settle false options.Values cells

            let starts, indices, values =
                ExpressionScale.values scale place cells.Counts |> entries

            return {
                CellTable = table
                GeneTable = Table.ofNames genes
                Starts = starts
                Indices = indices
                Values = values
                Notes =
                    countNotes options genes
                    @ orderNotes
                    @ [ $"Values: {ExpressionScale.describe scale}." ]
            }
        }
