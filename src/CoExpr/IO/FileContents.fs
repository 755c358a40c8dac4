namespace CoExpr.IO

/// One column of a table, without its values.
type ColumnContents = {
    Name: string
    /// "text", "category", "float", "integer", "flag", or what else it is if it is not read.
    Kind: string
    /// Of a category: the number of its levels.
    Levels: int64 option
}

/// One matrix, without its values.
type MatrixContents = {
    Name: string
    /// "csr" (by row), "csc" (by column), "dense", "table", or what else it is if it is not read.
    Kind: string
    /// As numpy names it: "float32", "int64".
    ElementType: string
    Rows: int64
    Columns: int64
    /// Stored entries of a sparse matrix.
    Entries: int64 option
}

/// What is in a file, read without reading any large array.
type FileContents = {
    Path: string
    /// "AnnData 0.1.0", "AnnData before 0.7", "10x version 3".
    Format: string
    /// The main matrix, if the file has one.
    Matrix: MatrixContents option
    Cells: int64
    Genes: int64
    CellColumns: ColumnContents list
    GeneColumns: ColumnContents list
    Layers: MatrixContents list
    /// The matrix before genes were left out (raw), if it was kept.
    Raw: MatrixContents option
    /// Per cell (obsm).
    CellMatrices: MatrixContents list
    /// Per gene (varm).
    GeneMatrices: MatrixContents list
    /// Per pair of cells (obsp).
    CellPairs: MatrixContents list
    /// Per pair of genes (varp).
    GenePairs: MatrixContents list
    /// Names of whatever else was kept (uns).
    Unstructured: string list
}

/// Which matrix of a file becomes the counts.
[<RequireQualifiedAccess>]
type MatrixChoice =
    /// X, or the only matrix of a 10x file.
    | Main
    /// A layer, of the shape of X.
    | Layer of string
    /// The matrix before genes were left out, with its own table of genes.
    | Raw

/// How a file is read.
type ReadOptions = {
    Matrix: MatrixChoice
    Threads: int
    Progress: CoExpr.Progress
}

[<RequireQualifiedAccess>]
module ReadOptions =
    /// The main matrix, on as many threads as the process may use, without a word.
    let standard = {
        Matrix = MatrixChoice.Main
        Threads = CoExpr.Schedule.defaultThreads
        Progress = CoExpr.Progress.none
    }
