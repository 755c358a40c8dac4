namespace CoExpr.IO

open System
open CoExpr

/// One number of a row of results.
[<RequireQualifiedAccess>]
type internal RowColumn =
    | Effect
    | LogFoldChange
    | Statistic
    | PValue
    | Log10P
    | QValue
    | Mean
    | ReferenceMean
    | Fraction
    | ReferenceFraction
    /// As a number.
    | Status
    | Further of int

/// Rows of results as they lie in files: of each perturbation column after column, of each column gene after gene.
[<RequireQualifiedAccess>]
module internal RowColumn =

    let private ofAll = [
        RowColumn.Effect
        RowColumn.LogFoldChange
        RowColumn.Statistic
        RowColumn.PValue
        RowColumn.Log10P
        RowColumn.QValue
        RowColumn.Mean
        RowColumn.ReferenceMean
        RowColumn.Fraction
        RowColumn.ReferenceFraction
        RowColumn.Status
    ]

    /// The columns of rows with so many further ones.
    let count further = ofAll.Length + further

    /// The place of a column.
    let number column =
        match column with
        | RowColumn.Further i -> ofAll.Length + i
        | other -> List.findIndex ((=) other) ofAll

    /// The numbers of a column in memory.
    let values column (rows: ContrastRows) =
        match column with
        | RowColumn.Effect -> rows.Effect
        | RowColumn.LogFoldChange -> rows.LogFoldChange
        | RowColumn.Statistic -> rows.Statistic
        | RowColumn.PValue -> rows.PValue
        | RowColumn.Log10P -> rows.Log10P
        | RowColumn.QValue -> rows.QValue
        | RowColumn.Mean -> rows.Mean
        | RowColumn.ReferenceMean -> rows.ReferenceMean
        | RowColumn.Fraction -> rows.Fraction
        | RowColumn.ReferenceFraction -> rows.ReferenceFraction
        | RowColumn.Status -> rows.Status |> Array.map (byte >> float)
        | RowColumn.Further i -> snd rows.Further[i]

    /// The numbers of all rows of a block, as they lie in a file: `genes` of each perturbation.
    let pack genes perturbation (rows: ContrastRows) : float[] =
        let columns =
            ofAll @ [ for i in 0 .. rows.Further.Length - 1 -> RowColumn.Further i ]

        let first = perturbation * genes
        let packed = Array.zeroCreate<float>(columns.Length * genes)

        columns
        |> List.iteri (fun i column ->
            match column with
            | RowColumn.Status ->
                for gene in 0 .. genes - 1 do
                    packed[i * genes + gene] <- float (byte rows.Status[first + gene])
            | _ -> Array.blit (values column rows) first packed (i * genes) genes)

        packed

    /// Puts the numbers of one perturbation's genes of a block at a place of rows.
    let unpack (packed: ReadOnlySpan<float>) genes place (rows: ContrastRows) =
        let columns =
            ofAll @ [ for i in 0 .. rows.Further.Length - 1 -> RowColumn.Further i ]

        let mutable i = 0

        for column in columns do
            let from = packed.Slice(i * genes, genes)

            match column with
            | RowColumn.Status ->
                for gene in 0 .. genes - 1 do
                    rows.Status[place + gene] <- LanguagePrimitives.EnumOfValue<byte, RowStatus>(byte from[gene])
            | _ -> from.CopyTo((values column rows).AsSpan(place, genes))

            i <- i + 1

/// Where the rows of results are that are written out.
type internal RowSource = {
    /// Names of further columns.
    Further: string list
    /// The rows of a perturbation, and the place of its first gene in them.
    Of: int -> struct (ContrastRows * int)
    /// A column as perturbations x genes.
    Matrix: RowColumn -> MatrixPart
}

[<RequireQualifiedAccess>]
module internal RowSource =

    /// Rows in memory.
    let ofRows genes (rows: ContrastRows) : RowSource = {
        Further = List.map fst rows.Further
        Of = fun perturbation -> struct (rows, perturbation * genes)
        Matrix =
            fun column ->
                MatrixPart.Dense {
                    Rows = if genes = 0 then 0 else rows.PValue.Length / genes
                    Columns = genes
                    Values = RowColumn.values column rows
                }
    }

    /// Rows that are made by ranges of perturbations; those of the range that was asked for last are kept.
    let ofRanges perturbations genes (ranged: RangedRows) : RowSource =
        let held = ref None

        let rowsOf range =
            match held.Value with
            | Some(known, rows) when known = range -> rows
            | _ ->
                held.Value <- None
                let rows = ranged.Make range
                held.Value <- Some(range, rows)
                rows

        let find (perturbation: int) =
            let range =
                match Array.BinarySearch(ranged.Starts, perturbation) with
                | at when at >= 0 -> at
                | at -> ~~~at - 1

            struct (rowsOf range, (perturbation - ranged.Starts[range]) * genes)

        let line column perturbation =
            let struct (rows, first) = find perturbation
            Array.sub (RowColumn.values column rows) first genes

        {
            Further = List.map fst (rowsOf 0).Further
            Of = find
            Matrix =
                fun column -> MatrixPart.Rows(int64 perturbations, int64 genes, Seq.init perturbations (line column))
        }

    /// Rows in a file, of which those of one perturbation are read at a time.
    let ofFile perturbations genes further (file: NumberRows) : RowSource =
        let columns = RowColumn.count (List.length further)

        let read perturbation =
            let packed = Array.zeroCreate<float>(columns * genes)
            file.Read(int64 perturbation * int64 columns, 0, packed.AsSpan())
            let rows = ContrastRows.create 1 genes further
            RowColumn.unpack (ReadOnlySpan packed) genes 0 rows
            struct (rows, 0)

        let column number perturbation =
            let values = Array.zeroCreate<float> genes
            file.Read(int64 perturbation * int64 columns + int64 number, 0, values.AsSpan())
            values

        {
            Further = further
            Of = read
            Matrix =
                fun wanted ->
                    let number = RowColumn.number wanted
                    MatrixPart.Rows(int64 perturbations, int64 genes, Seq.init perturbations (column number))
        }
