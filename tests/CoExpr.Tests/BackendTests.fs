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
        for path in System.Enum.GetValues<SimdPath>() do
            if Simd.IsSupported path then
                CpuBackend(System.Nullable path)
                CpuBackend(System.Nullable path, 1, 1)
                CpuBackend(System.Nullable path, 3, 17, 1L <<< 30, System.Nullable CountingMethod.BitPlanes)
                CpuBackend(System.Nullable path, 5, 64, 1L <<< 30, System.Nullable CountingMethod.Scatter)
        ScatterBackend(1, 1, 1)
        ScatterBackend(20, 3, 2)
        ScatterBackend(300, 1024, 5)
        ScatterBackend(12288, 2, 3)
        ScatterBackend(12288, 4, 1)
    ]

    /// What is said of every pair, and how often it was scored; one worker and one block for all.
    let private scoreAll (backend: IPairBackend) (genes: BinnedGenes) (task: PairTask) threads =
        let scores = Array2D.create genes.Genes genes.Genes None
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
                    scores[row, column] <- Some(OraclePair.ofBlock task block at)
                    visits[row, column] <- visits[row, column] + 1

        scores, visits

    let private parts signed =
        let information = PairParts.Information ||| PairParts.Occupied

        if signed then
            information ||| PairParts.Signs ||| PairParts.Products
        else
            information

    let private agreesOn (pairs: PairRange) convention signed genes =
        let binned = SmallGenes.binned genes
        let values = if signed then SmallGenes.values genes else null
        let task = PairTask(convention, values, parts signed, System.Nullable pairs)

        let wanted (row, column) =
            row >= pairs.FirstRow
            && row < pairs.EndRow
            && column >= pairs.FirstColumn
            && column < pairs.EndColumn

        let expected = [
            for row, column in Oracle.pairs genes -> (row, column), OraclePair.ofGenes task row column genes
        ]

        for backend in backends @ Devices.every.Value do
            let scores, visits = scoreAll backend binned task 2

            for (row, column), score in expected do
                let once = if wanted (row, column) then 1 else 0
                Expect.equal (backend.Name, row, column, once) (backend.Name, row, column, visits[row, column])

                if once = 1 then
                    Expect.equal
                        (backend.Name, row, column, Some score)
                        (backend.Name, row, column, scores[row, column])

    let private agrees convention signed (genes: SmallGenes) =
        agreesOn (PairRange(0, genes.Count, 0, genes.Count)) convention signed genes

    [<Property>]
    let ``every backend scores the pairs of a rectangle and no others`` (genes: SmallGenes) (a: int) (b: int) =
        let within n = abs (n % (genes.Count + 1))
        let rows, columns = min (within a) (within b), max (within a) (within b)
        agreesOn (PairRange(0, columns, rows, genes.Count)) CellsIn.EitherGene true genes
        agreesOn (PairRange(rows, columns, 0, genes.Count)) CellsIn.All true genes
        agreesOn (PairRange(rows, genes.Count, rows, columns)) CellsIn.All false genes

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

    [<Test>]
    let ``the OpenCL device is among the backends`` () =
        Devices.require () |> ignore
        Expect.equal true (Devices.every.Value.Length > 1)

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

        use kernel =
            Backend.cpu.Open(binned, PairTask(CellsIn.EitherGene, null, PairParts.Information), 1)

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

    [<TestCase("refrence",
               "--backend",
               "refrence",
               "auto, cpu, gpu, gpu:N, opencl-cpu, reference",
               "Did you mean reference?")>]
    [<TestCase("gpu:99", "A graphics card for --backend gpu:99", "was not found", "OpenCL", "use --backend auto or cpu")>]
    [<TestCase("gpu:", "--backend gpu:", "gpu or gpu:N", "", "")>]
    [<TestCase("gpu:-1", "--backend gpu:-1", "gpu or gpu:N", "", "")>]
    [<TestCase("gpu:+1", "--backend gpu:+1", "gpu or gpu:N", "", "")>]
    let ``says which names there are`` (asked: string, a: string, b: string, c: string, d: string) =
        Expect.says [ a; b; c; d ] (Backend.find asked |> Result.map (fun backend -> backend.Name))

    [<TestCase(0, 1, 1)>]
    [<TestCase(1, 0, 1)>]
    [<TestCase(1, 1, 0)>]
    let ``refuses tiles and blocks of nothing`` (counters: int, tileGenes: int, rows: int) =
        let genes = BinnedGenes(0, [| 0L |], [||], [||], [||])

        Assert.Throws<System.ArgumentOutOfRangeException>(
            System.Action(fun () ->
                (ScatterBackend(counters, tileGenes, rows) :> IPairBackend)
                    .Open(genes, PairTask(CellsIn.All, null, PairParts.Information), 1)
                |> ignore)
        )
        |> ignore
