namespace CoExpr.IO

open System.Collections.Generic
open CoExpr

/// Names of cells and genes where a file has none, or has some twice.
[<RequireQualifiedAccess>]
module MatrixNames =

    /// cell_1, cell_2, ...
    let cells count =
        Array.init count (fun i -> $"cell_{i + 1}")

    /// gene_1, gene_2, ...
    let genes count =
        Array.init count (fun i -> $"gene_{i + 1}")

    /// The names of the rows of a file, if it has none.
    let rows rowsAre count =
        match rowsAre with
        | RowsAre.Cells -> cells count
        | RowsAre.Genes -> genes count

    /// The names of the columns of a file, if it has none.
    let columns rowsAre count =
        match rowsAre with
        | RowsAre.Cells -> genes count
        | RowsAre.Genes -> cells count

    /// The same names, of which the second to the last of the same name get -1, -2, ... as anndata does for the gene
    /// symbols of 10x Genomics; numbers that would make a name that is there are left out.
    let unique (names: string[]) =
        let taken = HashSet<string>(names)
        let seen = HashSet<string>()
        let last = Dictionary<string, int>()

        let rec next name number =
            let candidate = $"{name}-{number}"

            if taken.Add candidate then
                last[name] <- number
                candidate
            else
                next name (number + 1)

        names
        |> Array.map (fun name ->
            if seen.Add name then
                name
            else
                next name (1 + last.GetValueOrDefault(name, 0)))

/// Puts a matrix and names of its rows and columns together.
[<RequireQualifiedAccess>]
module internal NamedMatrix =

    let create path rowsAre (counts: SparseCounts) (rowTable: Table) (columnTable: Table) =
        match rowsAre with
        | RowsAre.Cells -> Cells.create path counts rowTable columnTable
        | RowsAre.Genes -> Cells.create path counts columnTable rowTable

    let private thousands (number: int64) =
        number.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)

    let private firstNames (names: string[]) =
        let shown = names |> Array.truncate 3 |> String.concat ", "
        if names.Length > 3 then shown + ", ..." else shown

    let private columns (table: Table) =
        table.Columns
        |> Array.map (fun (name, column) -> $"{name} ({Column.kind column})")
        |> String.concat ", "

    /// What a person would want to know of a matrix: labels and texts, in order.
    let describe kind (cells: Cells) = [
        let counts = cells.Counts
        let places = int64 counts.Cells * int64 counts.Genes
        let zeros = 100.0 * (1.0 - float counts.Entries / float (max 1L places))
        "kind", kind
        "cells", thousands counts.Cells
        "genes", thousands counts.Genes

        "non-zeros",
        thousands counts.Entries
        + System.String.Format(System.Globalization.CultureInfo.InvariantCulture, " ({0:F1} % zeros)", zeros)

        "values",
        (if counts.Integer then
             "counts"
         else
             "not all are whole numbers from 0")

        "names of cells", firstNames cells.CellTable.Names
        "names of genes", firstNames cells.GeneTable.Names

        if cells.GeneTable.Columns.Length > 0 then
            "columns of genes", columns cells.GeneTable
    ]
