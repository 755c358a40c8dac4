namespace CoExpr

open System
open CoExpr.Kernels

/// The ways of computing pair scores. Which one is used never changes a bit of the result.
[<RequireQualifiedAccess>]
module Backend =

    /// One gene's levels, one per cell, 0 where it is not expressed.
    let private dense (genes: BinnedGenes) gene =
        let levels = Array.zeroCreate<byte> genes.Cells

        for at in int genes.Starts[gene] .. int genes.Starts[gene + 1] - 1 do
            levels[genes.CellOf[at]] <- genes.LevelOf[at]

        levels

    let private denseValues (genes: GeneValues) gene =
        let values = Array.zeroCreate<float32> genes.Cells

        for at in int genes.Starts[gene] .. int genes.Starts[gene + 1] - 1 do
            values[genes.CellOf[at]] <- genes.Values[at]

        values

    /// Added in double precision, cell after cell.
    let private products (x: float32[]) (y: float32[]) =
        Array.fold2 (fun sum x y -> sum + float x * float y) 0.0 x y

    let private scoreJoint table (task: PairTask) joint (block: PairBlock) at =
        let struct (numerator, cells) = MutualInformation.numerator table task.Cells joint
        block.Numerators[at] <- numerator
        block.Cells[at] <- cells
        block.Both[at] <- JointHistogram.both joint
        block.Occupied[at] <- JointHistogram.occupied (JointHistogram.counted task.Cells joint)

    let private scorePair table (task: PairTask) levels (values: float32[][]) row column (block: PairBlock) =
        let at = (row - block.FirstRow) * block.Width + column - block.FirstColumn
        scoreJoint table task (JointHistogram.create (Array.item row levels) (Array.item column levels)) block at

        block.Signs[at] <-
            if task.Wants PairParts.Signs then
                sbyte (Correlation.sign values[row] values[column])
            else
                1y

        if task.Wants PairParts.Products then
            block.Products[at] <- products values[row] values[column]

    let private referenceWorker (genes: BinnedGenes) (task: PairTask) =
        let table = EntropyTable.Create genes.Cells
        let levels = Array.init genes.Genes (dense genes)

        let values =
            if isNull task.Values then
                [||]
            else
                Array.init genes.Genes (denseValues task.Values)

        {
            new IPairWorker with
                member _.Score(range, block) =
                    block.Reset(range.FirstRow, range.EndRow, range.FirstColumn, range.EndColumn)

                    for row in range.FirstRow .. range.EndRow - 1 do
                        for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 do
                            scorePair table task levels values row column block

                member _.Dispose() = ()
        }

    /// The composition of Discretization, JointHistogram, MutualInformation and Correlation as they read: every pair's
    /// table from all cells. Slow, and what the others are held against.
    let reference = {
        new IPairBackend with
            member _.Name = "reference"

            member _.Open(genes, task, _) =
                let pairs = task.PairsOf genes.Genes

                let blocks = [|
                    for row in pairs.FirstRow .. pairs.EndRow - 1 -> PairRange(row, row + 1, pairs.FirstColumn, pairs.EndColumn)
                |]

                {
                    new IPairKernel with
                        member _.Blocks = blocks
                        member _.NewWorker() = referenceWorker genes task
                        member _.Dispose() = ()
                }
    }

    /// Scattered histograms and table look-ups on the processor, blocked for its caches.
    let cpu: IPairBackend = ScatterBackend()

    /// A backend by its name on the command line; "auto" is the fastest at hand.
    let find (name: string) : Result<IPairBackend, CoExprError> =
        match name with
        | "auto"
        | "cpu" -> Ok cpu
        | "reference" -> Ok reference
        | "gpu" ->
            Error(
                CoExprError.BadOption(
                    "--backend",
                    name,
                    "this version computes on the processor; use auto, cpu or reference"
                )
            )
        | _ -> Error(CoExprError.UnknownLabel("--backend", name, [ "auto"; "cpu"; "reference" ]))
