namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr
open CoExpr.Kernels

/// Every path and method of the cpu backend against the plain path, where tiles, blocks and counts are many or large.
[<TestFixture>]
module CpuBackendTests =

    /// Genes of which every cell is expressed with some probability, that of the first gene times up to `spread`.
    let private genes count cells density spread levels =
        let random = System.Random 5
        let byGene = Array.zeroCreate<int64>(count + 1)
        let cellOf, levelOf = ResizeArray<int>(), ResizeArray<byte>()

        for gene in 0 .. count - 1 do
            let share = density * (1.0 + (spread - 1.0) * float gene / float count)

            for cell in 0 .. cells - 1 do
                if random.NextDouble() < share then
                    cellOf.Add cell
                    // Low levels are common, as ties make them.
                    levelOf.Add(byte (1 + min (random.Next levels) (random.Next levels)))

            byGene[gene + 1] <- int64 cellOf.Count

        BinnedGenes(cells, byGene, cellOf.ToArray(), levelOf.ToArray(), Array.create count (byte levels))

    let private values (genes: BinnedGenes) =
        GeneValues(genes.Cells, genes.Starts, genes.CellOf, genes.LevelOf |> Array.map float32)

    /// All that a backend says of every pair.
    let private scores (backend: IPairBackend) (genes: BinnedGenes) (task: PairTask) =
        let said = Array2D.zeroCreate genes.Genes genes.Genes
        use kernel = backend.Open(genes, task, 1)
        use worker = kernel.NewWorker()
        let block = PairBlock()

        for range in kernel.Blocks do
            worker.Score(range, block)

            for row in range.FirstRow .. range.EndRow - 1 do
                for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 do
                    said[row, column] <-
                        OraclePair.ofBlock
                            task
                            block
                            ((row - range.FirstRow) * block.Width + column - range.FirstColumn)

        said

    let private differing (a: OraclePair[,]) (b: OraclePair[,]) =
        seq {
            for row in 0 .. Array2D.length1 a - 1 do
                for column in row + 1 .. Array2D.length2 a - 1 do
                    if a[row, column] <> b[row, column] then
                        $"{row}, {column}: {a[row, column]} where {b[row, column]} was expected"
        }
        |> Seq.truncate 3
        |> String.concat Environment.NewLine

    let private paths =
        [ SimdPath.Avx2; SimdPath.Avx512 ] |> List.filter Simd.IsSupported

    let private backends path : IPairBackend list = [
        CpuBackend(Nullable path)
        CpuBackend(Nullable path, 100, 1000, 1L <<< 30, Nullable CountingMethod.BitPlanes)
        CpuBackend(Nullable path, 7, 1 <<< 20, 1L <<< 30, Nullable CountingMethod.BitPlanes)
        CpuBackend(Nullable path, 64, 1 <<< 20, 1L <<< 30, Nullable CountingMethod.Scatter)
    ]

    [<TestCase(700, 90, 0.3, 1.0, 15)>]
    [<TestCase(1100, 70, 0.05, 10.0, 3)>]
    [<TestCase(600, 300, 0.02, 1.0, 10)>]
    [<TestCase(600, 1200, 0.001, 500.0, 5)>]
    [<TestCase(70, 3000, 0.9, 1.0, 4)>]
    [<TestCase(70, 3000, 1.0, 1.0, 1)>]
    [<TestCase(130, 3000, 0.3, 2.0, 10)>]
    [<TestCase(20, 25000, 0.2, 4.0, 10)>]
    [<TestCase(3, 70000, 1.0, 1.0, 2)>]
    [<TestCase(40, 700, 0.5, 2.0, 16)>]
    let ``every path gives the bits of the plain one`` (count: int, cells: int, density: float, spread, levels: int) =
        let genes = genes count cells density spread levels

        let parts =
            PairParts.Information
            ||| PairParts.Occupied
            ||| PairParts.Signs
            ||| PairParts.Products

        for convention in [ CellsIn.EitherGene; CellsIn.All ] do
            let task = PairTask(convention, values genes, parts)
            let expected = scores (CpuBackend(Nullable SimdPath.Scalar)) genes task

            for path in paths do
                for number, backend in List.indexed (backends path) do
                    let found = scores backend genes task
                    Assert.That(differing found expected, Is.Empty, $"{path}, backend {number}, {convention}")

    [<Test>]
    let ``the paths have names, and this processor has the plain one`` () =
        Expect.equal SimdPath.Scalar (Simd.Choose "scalar")
        Expect.equal Simd.Best (Simd.Choose "")
        Expect.equal Simd.Best (Simd.Choose null)
        Assert.That(Simd.IsSupported Simd.Best)

    [<Test>]
    let ``a path that there is not is named, with those that there are`` () =
        let refused =
            Assert.Throws<PlatformNotSupportedException>(Action(fun () -> Simd.Choose "sse9" |> ignore))

        Assert.That(refused.Message, Does.Contain("COEXPR_SIMD is 'sse9'").And.Contain "scalar")
