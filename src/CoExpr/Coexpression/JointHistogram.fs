namespace CoExpr

open CoExpr.Kernels

/// Counts of cells by the level of gene a (rows) and the level of gene b (columns), row by row; level 0 is "not expressed".
type JointHistogram = {
    Rows: int
    Columns: int
    /// Rows x Columns counts.
    Counts: int[]
}

/// Counting two discretized genes against each other.
[<RequireQualifiedAccess>]
module JointHistogram =

    /// Counts two genes' levels, one per cell. Throws ArgumentException if they differ in number of cells.
    let create (a: byte[]) (b: byte[]) =
        if a.Length <> b.Length then
            invalidArg (nameof b) $"{b.Length} cells where {a.Length} were expected"

        let levels (gene: byte[]) =
            if gene.Length = 0 then 1 else 1 + int (Array.max gene)

        let rows, columns = levels a, levels b
        let counts = Array.zeroCreate (rows * columns)

        for cell in 0 .. a.Length - 1 do
            let at = int a[cell] * columns + int b[cell]
            counts[at] <- counts[at] + 1

        {
            Rows = rows
            Columns = columns
            Counts = counts
        }

    /// Without the cells that express neither gene.
    let withoutNeither (joint: JointHistogram) = {
        joint with
            Counts = joint.Counts |> Array.updateAt 0 0
    }

    /// By the convention: all cells, or those that express at least one of the genes.
    let counted cells joint =
        match cells with
        | CellsIn.EitherGene -> withoutNeither joint
        | _ -> joint

    /// The number of cells that express both genes.
    let both (joint: JointHistogram) =
        Seq.sum (
            seq {
                for row in 1 .. joint.Rows - 1 do
                    for column in 1 .. joint.Columns - 1 -> joint.Counts[row * joint.Columns + column]
            }
        )

    /// The number of its cells that are not empty.
    let occupied (joint: JointHistogram) =
        joint.Counts |> Array.sumBy (fun count -> if count > 0 then 1 else 0)

    /// The number of cells.
    let total (joint: JointHistogram) = Array.sum joint.Counts

    /// The histogram of gene a alone.
    let rowSums (joint: JointHistogram) =
        Array.init joint.Rows (fun row -> Array.sum joint.Counts[row * joint.Columns .. (row + 1) * joint.Columns - 1])

    /// The histogram of gene b alone.
    let columnSums (joint: JointHistogram) =
        Array.init joint.Columns (fun column ->
            Seq.sum (seq { for row in 0 .. joint.Rows - 1 -> joint.Counts[row * joint.Columns + column] }))
