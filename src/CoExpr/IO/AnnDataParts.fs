namespace CoExpr.IO

open CoExpr

/// A matrix on its way into a file, in the precision that it will have there.
[<RequireQualifiedAccess>]
type MatrixPart =
    /// Sparse, by cell.
    | Counts of SparseCounts
    /// Dense, float64.
    | Dense of Matrix
    /// Sparse, by row: starts (one more than rows), indices, values.
    | Sparse of rows: int * columns: int * starts: int64[] * indices: int[] * values: float[]
    /// Sparse whole numbers, by row.
    | SparseIntegers of rows: int * columns: int * starts: int64[] * indices: int[] * values: int64[]
    /// Dense, float64, in blocks of whole rows that are made as they are written, so that the whole is never in memory.
    | Rows of rows: int64 * columns: int64 * blocks: seq<float[]>
    /// The same in float32.
    | RowsSingle of rows: int64 * columns: int64 * blocks: seq<float32[]>

[<RequireQualifiedAccess>]
module MatrixPart =
    /// Rows and columns.
    let shape part =
        match part with
        | MatrixPart.Counts counts -> int64 counts.Cells, int64 counts.Genes
        | MatrixPart.Dense matrix -> int64 matrix.Rows, int64 matrix.Columns
        | MatrixPart.Sparse(rows, columns, _, _, _)
        | MatrixPart.SparseIntegers(rows, columns, _, _, _) -> int64 rows, int64 columns
        | MatrixPart.Rows(rows, columns, _)
        | MatrixPart.RowsSingle(rows, columns, _) -> rows, columns

/// Anything that goes with a result: its options, its tables.
[<RequireQualifiedAccess>]
type Unstructured =
    | Text of string
    | Float of float
    | Integer of int64
    | Flag of bool
    | Texts of string[]
    | Floats of float[]
    | Integers of int64[]
    | Flags of bool[]
    | Matrix of MatrixPart
    | Table of Table
    /// Records with a number in each field, as numpy's structured arrays: fields of one length.
    | NumberRecords of (string * float[]) list
    /// Records with a text in each field.
    | TextRecords of (string * string[]) list
    | Group of (string * Unstructured) list

/// What an .h5ad file is made of. Names within each list are unique and have no slash.
type AnnDataParts = {
    /// X, cells x genes; a file may do without.
    Matrix: MatrixPart option
    /// obs.
    CellTable: Table
    /// var.
    GeneTable: Table
    /// Cells x genes.
    Layers: (string * MatrixPart) list
    /// obsm, one row per cell.
    CellMatrices: (string * MatrixPart) list
    /// varm, one row per gene.
    GeneMatrices: (string * MatrixPart) list
    /// obsp, cells x cells.
    CellPairs: (string * MatrixPart) list
    /// varp, genes x genes.
    GenePairs: (string * MatrixPart) list
    /// uns.
    Unstructured: (string * Unstructured) list
}

[<RequireQualifiedAccess>]
module AnnDataParts =
    /// The two tables alone.
    let ofTables cellTable geneTable = {
        Matrix = None
        CellTable = cellTable
        GeneTable = geneTable
        Layers = []
        CellMatrices = []
        GeneMatrices = []
        CellPairs = []
        GenePairs = []
        Unstructured = []
    }

    /// Counts and tables; layers and embeddings are left behind, since they may not be in memory.
    let ofCells (cells: Cells) = {
        ofTables cells.CellTable cells.GeneTable with
            Matrix = Some(MatrixPart.Counts cells.Counts)
    }

    let private requireShape what (rows, columns) part =
        let found = MatrixPart.shape part
        let fits wanted size = wanted = -1L || wanted = size

        if not (fits rows (fst found) && fits columns (snd found)) then
            let side size =
                if size = -1L then "any" else string size

            invalidArg what $"{fst found} x {snd found} where {side rows} x {side columns} were expected"

    /// Throws ArgumentException unless all shapes agree.
    let check parts =
        let cells, genes =
            int64 (Table.rows parts.CellTable), int64 (Table.rows parts.GeneTable)

        let each kind shape matrices =
            for name, part in matrices do
                requireShape $"{kind}/{name}" shape part

        each "X" (cells, genes) [ for part in Option.toList parts.Matrix -> "", part ]
        each "layers" (cells, genes) parts.Layers
        each "obsm" (cells, -1L) parts.CellMatrices
        each "varm" (genes, -1L) parts.GeneMatrices
        each "obsp" (cells, cells) parts.CellPairs
        each "varp" (genes, genes) parts.GenePairs
