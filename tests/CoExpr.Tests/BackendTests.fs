namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 60)>]
module BackendTests =

    /// Tiles and blocks of one, of a few and of all genes; tiles that end by counters and tiles that end by genes.
    let private backends: IPairBackend list = [
        Backend.reference
        Backend.cpu
        ScatterBackend(1, 1, 1)
        ScatterBackend(20, 3, 2)
        ScatterBackend(300, 1024, 5)
        ScatterBackend(12288, 2, 3)
        ScatterBackend(12288, 4, 1)
    ]

    /// Numerator, cells and sign of every pair, and how often it was scored; one worker and one block for all.
    let private scoreAll (backend: IPairBackend) (genes: BinnedGenes) task threads =
        let scores = Array2D.create genes.Genes genes.Genes (0L, 0, 0y)
        let visits = Array2D.zeroCreate genes.Genes genes.Genes
        use kernel = backend.Open(genes, task, threads)
        use worker = kernel.NewWorker()
        let block = PairBlock()

        for range in kernel.Blocks do
            worker.Score(range, block)
            Expect.equal range (PairRange(block.FirstRow, block.EndRow, block.FirstColumn, block.EndColumn))

            for row in range.FirstRow .. range.EndRow - 1 do
                for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 do
                    let at = (row - range.FirstRow) * block.Width + column - range.FirstColumn
                    scores[row, column] <- block.Numerators[at], block.Cells[at], block.Signs[at]
                    visits[row, column] <- visits[row, column] + 1

        scores, visits

    let private expected convention signed genes = [
        for row, column in Oracle.pairs genes ->
            let numerator, cells = Oracle.numerator convention row column genes
            (row, column), (numerator, cells, (if signed then sbyte (Oracle.sign row column genes) else 1y))
    ]

    let private agrees convention signed genes =
        let binned = SmallGenes.binned genes
        let task = PairTask(convention, (if signed then SmallGenes.values genes else null))
        let expected = expected convention signed genes

        for backend in backends do
            let scores, visits = scoreAll backend binned task 2

            for (row, column), score in expected do
                Expect.equal (backend.Name, row, column, score) (backend.Name, row, column, scores[row, column])
                Expect.equal (backend.Name, row, column, 1) (backend.Name, row, column, visits[row, column])

    [<Property>]
    let ``every backend and every tile gives the oracle's bits, over cells of either gene`` (genes: SmallGenes) =
        agrees CellsIn.EitherGene true genes

    [<Property>]
    let ``every backend and every tile gives the oracle's bits, over all cells`` (genes: SmallGenes) =
        agrees CellsIn.All true genes

    [<Property>]
    let ``without values every sign is 1`` (genes: SmallGenes) =
        agrees CellsIn.EitherGene false genes
        agrees CellsIn.All false genes

    // The signs that are left over from a signed task must not show through an unsigned one, nor the other way round.
    [<Test>]
    let ``a block that was used before leaves no trace`` () =
        let genes = {
            Cells = 3
            Levels = [| [| 1uy; 0uy; 2uy |]; [| 0uy; 1uy; 1uy |]; [| 2uy; 1uy; 0uy |] |]
            Highest = [| 2uy; 1uy; 2uy |]
            Values = [| [| 1.0f; 0.0f; 2.0f |]; [| 0.0f; 1.0f; 1.0f |]; [| 2.0f; 1.0f; 0.0f |] |]
        }

        let binned = SmallGenes.binned genes
        let block = PairBlock()
        block.Reset(0, 10, 0, 10)
        Array.fill block.Numerators 0 100 -5L
        Array.fill block.Cells 0 100 -5
        Array.fill block.Signs 0 100 -1y
        use kernel = Backend.cpu.Open(binned, PairTask(CellsIn.EitherGene, null), 1)
        use worker = kernel.NewWorker()
        Assert.That(kernel.Blocks.Count, Is.EqualTo 1)
        worker.Score(kernel.Blocks[0], block)
        Expect.equal [| 1y; 1y; 1y |] [| block.Signs[1]; block.Signs[2]; block.Signs[5] |]
        Expect.equal (Oracle.numerator CellsIn.EitherGene 1 2 genes) (block.Numerators[5], block.Cells[5])

    [<TestCase("auto", "cpu")>]
    [<TestCase("cpu", "cpu")>]
    [<TestCase("reference", "reference")>]
    let ``is found by its name`` (asked: string, name: string) =
        Expect.equal name (Expect.ok (Backend.find asked)).Name

    [<TestCase("refrence", "--backend", "refrence", "auto, cpu, reference", "Did you mean reference?")>]
    [<TestCase("gpu", "--backend gpu", "auto, cpu or reference", "", "")>]
    let ``says which names there are`` (asked: string, a: string, b: string, c: string, d: string) =
        Expect.says [ a; b; c; d ] (Backend.find asked |> Result.map (fun backend -> backend.Name))

    [<TestCase(0, 1, 1)>]
    [<TestCase(1, 0, 1)>]
    [<TestCase(1, 1, 0)>]
    let ``refuses tiles and blocks of nothing`` (counters: int, tileGenes: int, rows: int) =
        let genes = BinnedGenes(0, [| 0L |], [||], [||], [||])

        Assert.Throws<System.ArgumentOutOfRangeException>(
            System.Action(fun () ->
                (ScatterBackend(counters, tileGenes, rows) :> IPairBackend).Open(genes, PairTask(CellsIn.All, null), 1)
                |> ignore)
        )
        |> ignore
