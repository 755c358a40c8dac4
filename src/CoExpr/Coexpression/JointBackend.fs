namespace CoExpr

open System
open CoExpr.Kernels

/// Scores that need a pair's whole joint histogram, which is made of every pair in turn. The score stands in the place
/// of the sum of products, the rest where a kernel has it.
[<RequireQualifiedAccess>]
module JointBackend =

    let private spread (genes: BinnedGenes) gene (levels: byte[]) =
        Array.Clear levels

        for at in int genes.Starts[gene] .. int genes.Starts[gene + 1] - 1 do
            levels[genes.CellOf[at]] <- genes.LevelOf[at]

    /// The histogram of all cells from the levels of gene a in every cell and the entries of gene b.
    let private histogram (genes: BinnedGenes) a (levels: byte[]) b : JointHistogram =
        let rows, columns = 1 + int genes.Levels[a], 1 + int genes.Levels[b]
        let counts = Array.zeroCreate (rows * columns)

        // Column 0 holds each level's cells until they are found to express b.
        for row in 1 .. rows - 1 do
            counts[row * columns] <- genes.LevelSizes[genes.LevelStarts[a] + row - 1]

        counts[0] <- genes.Cells - genes.Expressed a

        for at in int genes.Starts[b] .. int genes.Starts[b + 1] - 1 do
            let row = int levels[genes.CellOf[at]] * columns
            counts[row] <- counts[row] - 1
            counts[row + int genes.LevelOf[at]] <- counts[row + int genes.LevelOf[at]] + 1

        {
            Rows = rows
            Columns = columns
            Counts = counts
        }

    let private put table (task: PairTask) (score: JointHistogram -> float) joint (block: PairBlock) at =
        let counted = JointHistogram.counted task.Cells joint
        let struct (numerator, cells) = MutualInformation.numerator table task.Cells joint
        block.Numerators[at] <- numerator
        block.Cells[at] <- cells
        block.Both[at] <- JointHistogram.both joint
        block.Occupied[at] <- JointHistogram.occupied counted
        let score = score counted

        if not (Double.IsFinite score) then
            invalidOp $"a measure gave {score} for a pair of genes; it must give a finite number"

        block.Products[at] <- score

    let private products (values: GeneValues) a b =
        let mutable i, j, sum = int values.Starts[a], int values.Starts[b], 0.0

        while i < int values.Starts[a + 1] && j < int values.Starts[b + 1] do
            let cellA, cellB = values.CellOf[i], values.CellOf[j]

            if cellA = cellB then
                sum <- sum + float values.Values[i] * float values.Values[j]

            if cellA <= cellB then
                i <- i + 1

            if cellB <= cellA then
                j <- j + 1

        sum

    let private worker (genes: BinnedGenes) (task: PairTask) score =
        let table = EntropyTable.Shared genes.Cells
        let levels = Array.zeroCreate<byte> genes.Cells

        {
            new IPairWorker with
                member _.Score(range, block) =
                    block.Reset(range.FirstRow, range.EndRow, range.FirstColumn, range.EndColumn)

                    for row in range.FirstRow .. range.EndRow - 1 do
                        spread genes row levels

                        for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 do
                            let at = PairScorer.At(block, row, column)
                            put table task score (histogram genes row levels column) block at

                            block.Signs[at] <-
                                if task.Wants PairParts.Signs then
                                    CorrelationSign.Of(task.Values, row, column, products task.Values row column)
                                else
                                    1y

                member _.Dispose() = ()
        }

    /// A backend that puts `score` of each pair's joint histogram, by the convention of the task, into Products. One row
    /// of pairs is one block. Raises InvalidOperationException where a score is not finite.
    let create (score: JointHistogram -> float) : IPairBackend = {
        new IPairBackend with
            member _.Name = "joint histograms"

            member _.Open(genes, task, _) =
                let pairs = task.PairsOf genes.Genes

                let blocks = [|
                    for row in pairs.FirstRow .. pairs.EndRow - 1 ->
                        PairRange(row, row + 1, pairs.FirstColumn, pairs.EndColumn)
                |]

                {
                    new IPairKernel with
                        member _.Blocks = blocks
                        member _.NewWorker() = worker genes task score
                        member _.Dispose() = ()
                }
    }
