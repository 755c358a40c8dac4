namespace CoExpr

open System
open CoExpr.Kernels

/// The rows of a few genes while one thread tests them: gene by gene, and within a gene group by group, the control's too.
/// What a gene's tests share stands together, and stays in the cache, where the places of one gene in all rows of a screen
/// are far apart.
type internal GeneRows = {
    Groups: int
    /// The row of the gene at a place in the block and a group is at place · groups + group.
    Rows: ContrastRows
}

[<RequireQualifiedAccess>]
module internal GeneRows =

    /// Genes in a block: a column of so many fills a line of the cache.
    [<Literal>]
    let Genes = 8

    /// A block without numbers.
    let create groups further = {
        Groups = groups
        Rows = ContrastRows.create groups Genes further
    }

    /// Takes all numbers out again.
    let clear block =
        for column in ContrastRows.tested block.Rows do
            Array.Fill(column, nan)

        Array.Fill(block.Rows.Status, RowStatus.Tested)

    /// The part of a column that is one gene's.
    let ofGene block at (column: float[]) =
        column.AsSpan(at * block.Groups, block.Groups)

    /// Puts the first genes of a block to their places among all genes from one of these on: each of these groups into a row.
    /// The further columns must be the same.
    let copyTo (groups: int[]) (rows: int[]) count block first genes (target: ContrastRows) =
        let places = rows |> Array.map (fun row -> row * genes + first)

        Array.iter2
            (fun (source: float[]) (target: float[]) ->
                Transpose.Pick<float>(source, block.Groups, groups, count, places, target))
            (ContrastRows.tested block.Rows)
            (ContrastRows.tested target)

        Transpose.Pick<RowStatus>(block.Rows.Status, block.Groups, groups, count, places, target.Status)
