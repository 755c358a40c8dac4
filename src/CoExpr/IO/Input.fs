namespace CoExpr.IO

open System
open System.IO
open CoExpr

/// How a file of any known format is read.
type InputOptions = {
    Read: ReadOptions
    /// What the rows of a table, a Matrix Market file or an array are, if not what its format usually has.
    Rows: RowsAre option
}

/// Cells from a file of any known format, told by its ending.
[<RequireQualifiedAccess>]
module Input =

    type private Format =
        | H5ad
        | Hdf5
        | Market
        | Text
        | Array

    /// The usual reading.
    let standard = {
        Read = ReadOptions.standard
        Rows = None
    }

    let private unpackedExtension (path: string) =
        let name = path.ToLowerInvariant()

        Path.GetExtension(
            if name.EndsWith ".gz" then
                name.Substring(0, name.Length - 3)
            else
                name
        )

    let private known =
        ".h5ad, 10x .h5, .mtx or its folder, .tsv, .csv, .txt (.gz) and .npy are read"

    let private formatOf path =
        if Directory.Exists path then
            Ok Market
        elif not (File.Exists path) then
            Error(CoExprError.FileNotFound path)
        else
            match unpackedExtension path with
            | ".h5ad" -> Ok H5ad
            | ".h5"
            | ".hdf5" -> Ok Hdf5
            | ".mtx" -> Ok Market
            | ".tsv"
            | ".csv"
            | ".tab"
            | ".txt" -> Ok Text
            | ".npy" -> Ok Array
            | "" -> Error(CoExprError.UnknownFormat(path, $"its name has no ending; {known}."))
            | ending -> Error(CoExprError.UnknownFormat(path, $"{ending} is no known ending; {known}."))

    let private refuseLayer (options: InputOptions) path =
        match options.Read.Matrix with
        | MatrixChoice.Main -> Ok()
        | MatrixChoice.Raw -> Error(CoExprError.MissingPart(path, "raw", [ "one matrix" ]))
        | MatrixChoice.Layer name -> Error(CoExprError.MissingPart(path, $"layer {name}", [ "one matrix" ]))

    /// Reads cells: a folder as Matrix Market, a file by its ending. Errors: nothing there, an unknown ending, and what the
    /// format's own reader says.
    let read (options: InputOptions) path : Result<Cells, CoExprError> =
        let progress = options.Read.Progress
        let rows usual = defaultArg options.Rows usual

        let single reader =
            refuseLayer options path |> Result.bind reader

        match formatOf path with
        | Error error -> Error error
        | Ok H5ad -> AnnData.read options.Read path
        | Ok Hdf5 when AnnData.isOne path -> AnnData.read options.Read path
        | Ok Hdf5 -> single (fun () -> TenX.read options.Read path)
        | Ok Market -> single (fun () -> MatrixMarket.read (rows MatrixMarket.usualRows) progress path)
        | Ok Text -> single (fun () -> Delimited.read (rows Delimited.usualRows) progress path)
        | Ok Array -> single (fun () -> Npy.read (rows Npy.usualRows) progress path)

    let private counted (count: int64) =
        count.ToString("N0", Globalization.CultureInfo.InvariantCulture)

    let private matrixLine (matrix: MatrixContents) =
        let shape = $"{counted matrix.Rows} x {counted matrix.Columns}"

        match matrix.Entries with
        | Some entries ->
            let share = float entries / max 1.0 (float matrix.Rows * float matrix.Columns)

            let zeros =
                (100.0 * (1.0 - share)).ToString("0.0", Globalization.CultureInfo.InvariantCulture)

            $"{shape}, {matrix.Kind}, {matrix.ElementType}, {counted entries} stored entries, {zeros} %% not stored"
        | None -> $"{shape}, {matrix.Kind}, {matrix.ElementType}"

    let private columnLine (column: ColumnContents) =
        match column.Levels with
        | Some levels -> $"{column.Kind}, {counted levels} levels"
        | None -> column.Kind

    let private linesOf (contents: FileContents) = [
        "format", contents.Format
        "cells", counted contents.Cells
        "genes", counted contents.Genes
        "matrix", contents.Matrix |> Option.map matrixLine |> Option.defaultValue "none"

        for column in contents.CellColumns do
            $"obs {column.Name}", columnLine column

        for column in contents.GeneColumns do
            $"var {column.Name}", columnLine column

        for matrix in contents.Layers do
            $"layer {matrix.Name}", matrixLine matrix

        for matrix in Option.toList contents.Raw do
            "raw", matrixLine matrix

        for kind, matrices in
            [
                "obsm", contents.CellMatrices
                "varm", contents.GeneMatrices
                "obsp", contents.CellPairs
                "varp", contents.GenePairs
            ] do
            for matrix in matrices do
                $"{kind} {matrix.Name}", matrixLine matrix

        for name in contents.Unstructured do
            $"uns {name}", ""
    ]

    /// What is in a file of any known format, as names and texts for a person. Large arrays of HDF5 files are not read;
    /// text is read whole.
    let describe (options: InputOptions) path : Result<(string * string) list, CoExprError> =
        let rows usual = defaultArg options.Rows usual
        let progress = options.Read.Progress

        match formatOf path with
        | Error error -> Error error
        | Ok H5ad -> AnnData.contents path |> Result.map linesOf
        | Ok Hdf5 when AnnData.isOne path -> AnnData.contents path |> Result.map linesOf
        | Ok Hdf5 -> TenX.contents path |> Result.map linesOf
        | Ok Market -> MatrixMarket.contents (rows MatrixMarket.usualRows) progress path
        | Ok Text -> Delimited.contents (rows Delimited.usualRows) progress path
        | Ok Array -> Npy.contents path
