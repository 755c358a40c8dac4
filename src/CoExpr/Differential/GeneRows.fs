namespace CoExpr

open System

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

    let private copy block (groups: int[]) (rows: int[]) count (source: 'a[]) first genes (target: 'a[]) =
        for i in 0 .. groups.Length - 1 do
            let place = rows[i] * genes + first

            for at in 0 .. count - 1 do
                target[place + at] <- source[at * block.Groups + groups[i]]

    /// Puts the first genes of a block to their places among all genes from one of these on: each of these groups into a row.
    /// The further columns must be the same.
    let copyTo groups rows count block first genes (target: ContrastRows) =
        let copy source target =
            copy block groups rows count source first genes target

        Array.iter2
            (fun (source: float[]) target -> copy source target)
            (ContrastRows.tested block.Rows)
            (ContrastRows.tested target)

        for i in 0 .. groups.Length - 1 do
            for at in 0 .. count - 1 do
                target.Status[rows[i] * genes + first + at] <- block.Rows.Status[at * block.Groups + groups[i]]
