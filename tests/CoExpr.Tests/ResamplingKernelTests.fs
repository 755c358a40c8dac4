namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open FsCheck.FSharp
open CoExpr
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 60)>]
module ResamplingKernelTests =

    let private paths = [
        for path in Enum.GetValues<SimdPath>() do
            if Simd.IsSupported path then
                path
    ]

    let private conventions = [ CellsIn.EitherGene; CellsIn.All ]

    /// Weights of all kinds: none, one, and so many that a byte of a counter runs over.
    let private someWeights (random: System.Random) cells =
        match random.Next 5 with
        | 0 -> Array.zeroCreate cells
        | 1 -> Array.create cells 1
        | 2 -> Array.init cells (fun _ -> if random.Next 30 = 0 then random.Next 256 else 0)
        | 3 -> Array.init cells (fun _ -> if random.Next 10 = 0 then random.Next 70 else 0)
        | _ -> Array.init cells (fun _ -> random.Next 4)

    let private resamples (weights: int[][]) cells =
        let drawn = new ResampleWeights(cells, weights.Length)
        weights |> Array.iteri (fun i line -> drawn.Set(i, ReadOnlySpan line))
        drawn

    /// What a worker says of a pair in its first `count` resamples.
    let private scores (worker: ResamplingWorker) count column =
        let numerators = Array.create (worker.Batches * 64) Int64.MinValue
        let cells = Array.create (worker.Batches * 64) -1
        worker.Score(column, Span numerators, Span cells)
        Array.zip numerators cells |> Array.truncate count

    /// Pairs of the first genes both ways round, in the first resamples, the last, and those where a batch ends.
    let private agrees
        (worker: ResamplingWorker)
        (genes: SmallGenes)
        count
        (expected: int -> int -> int -> int64 * int)
        =
        let looked =
            [ 0; 1; 62; 63; 64; count - 1 ]
            |> List.filter (fun i -> i < count)
            |> List.distinct

        for row in 0 .. min 4 genes.Count - 1 do
            worker.Take row

            for column in 0 .. min 4 genes.Count - 1 do
                if column <> row then
                    let found = scores worker count column

                    for i in looked do
                        Expect.equal (row, column, i, expected row column i) (row, column, i, found[i])

    /// The reference is slow: it is asked once for all paths.
    let private remembered (ask: int -> int -> int -> int64 * int) =
        let known = Collections.Generic.Dictionary<struct (int * int * int), int64 * int>()

        fun row column i ->
            let key = struct (row, column, i)

            if not (known.ContainsKey key) then
                known[key] <- ask row column i

            known[key]

    let private levels gene genes = SmallGenes.levels gene genes

    [<Property>]
    let ``every path gives, in every resample, what the resample's cells written out give`` (genes: SmallGenes) seed =
        let random = System.Random seed

        let weights =
            Array.init (random.Next(1, 70)) (fun _ -> someWeights random genes.Cells)

        use drawn = resamples weights genes.Cells

        for convention in conventions do
            let oracle =
                remembered (fun row column i ->
                    Reference.Resampling.numerator
                        Oracle.entry
                        (convention = CellsIn.EitherGene)
                        weights[i]
                        (levels row genes)
                        (levels column genes))

            for path in paths do
                use kernel =
                    new ResamplingKernel(SmallGenes.binned genes, drawn, convention, path, 2)

                use worker = kernel.NewWorker()
                agrees worker genes weights.Length oracle

    [<Property>]
    let ``every path gives, in every permutation, what the permuted cells give`` (genes: SmallGenes) seed =
        let random = System.Random seed

        let orders =
            Array.init (random.Next(1, 70)) (fun _ ->
                let order = Array.init genes.Cells id
                random.Shuffle order
                order)

        for convention in conventions do
            let oracle =
                remembered (fun row column i ->
                    Reference.Resampling.permuted
                        Oracle.entry
                        (convention = CellsIn.EitherGene)
                        orders[i]
                        (levels row genes)
                        (levels column genes))

            for path in paths do
                use kernel =
                    new PermutationKernel(SmallGenes.binned genes, orders, convention, path)

                use worker = kernel.NewWorker()
                agrees worker genes orders.Length oracle

    [<Test>]
    let ``every path that the processor has is looked at, and others are refused`` () =
        let genes =
            SmallGenes.binned {
                Cells = 1
                Levels = [| [| 1uy |] |]
                Highest = [| 1uy |]
                Values = [||]
            }

        Assert.That(paths, Does.Contain SimdPath.Scalar)
        Assert.That(paths, Does.Contain(Simd.Current()))

        for path in Enum.GetValues<SimdPath>() do
            if not (Simd.IsSupported path) then
                Expect.raises<PlatformNotSupportedException>(fun () ->
                    new PermutationKernel(genes, [| [| 0 |] |], CellsIn.All, path) |> ignore)

    /// Two genes in two cells each, one of them shared: A is in cells 1 and 2, B in cells 2 and 3, and cell 4 has neither.
    let private twoGenes = {
        Cells = 4
        Levels = [| [| 1uy; 1uy; 0uy; 0uy |]; [| 0uy; 1uy; 1uy; 0uy |] |]
        Highest = [| 1uy; 1uy |]
        Values = [||]
    }

    // With weights 1, 0, 1, 2 the genes exclude each other: over the 2 cells of either, 2 log2 2 bits in all; over all 4,
    // cells of 1, 1 and 2, rows of 1 and 3 and columns of 1 and 3: 2 − 2 · 3 log2 3 + 4 log2 4 = 10 − 6 log2 3.
    [<Test>]
    let ``scores a resample by hand`` () =
        for path in paths do
            use drawn = resamples [| [| 1; 0; 1; 2 |] |] 4

            let score convention =
                use kernel =
                    new ResamplingKernel(SmallGenes.binned twoGenes, drawn, convention, path)

                use worker = kernel.NewWorker()
                worker.Take 0
                (scores worker 1 1)[0]

            Expect.equal (2L <<< 30, 2) (score CellsIn.EitherGene)
            let numerator, cells = score CellsIn.All
            Expect.equal 4 cells
            Assert.That(float numerator / float (1 <<< 30), Is.EqualTo(10.0 - 6.0 * Math.Log2 3.0).Within 1e-8)

    // Counts of 64 and more leave the register's table, and those above 255 a byte.
    [<Test>]
    let ``large counts are scored as small ones`` ([<Values(63, 64, 65, 255, 256, 300)>] count: int) =
        let genes = {
            Cells = 3 * count
            Levels = [|
                Array.init (3 * count) (fun cell -> if cell < 2 * count then 1uy else 2uy)
                Array.init (3 * count) (fun cell -> if cell < count then 1uy else 2uy)
            |]
            Highest = [| 2uy; 2uy |]
            Values = [||]
        }

        let weights = [| Array.create (3 * count) 1; Array.create (3 * count) 2 |]
        use drawn = resamples weights (3 * count)

        for path in paths do
            use kernel = new ResamplingKernel(SmallGenes.binned genes, drawn, CellsIn.All, path)
            use worker = kernel.NewWorker()

            agrees worker genes 2 (fun row column i ->
                Reference.Resampling.numerator Oracle.entry false weights[i] (levels row genes) (levels column genes))

    [<Test>]
    let ``bad weights and orders are refused`` () =
        let genes = SmallGenes.binned twoGenes
        use drawn = new ResampleWeights(3, 1)
        Expect.refused "2 weights for 3 cells" (fun () -> drawn.Set(0, ReadOnlySpan [| 1; 2 |]))
        Expect.raises<ArgumentOutOfRangeException>(fun () -> drawn.Set(0, ReadOnlySpan [| 1; 256; 0 |]))
        Expect.raises<ArgumentOutOfRangeException>(fun () -> drawn.Set(0, ReadOnlySpan [| 1; -1; 0 |]))
        Expect.raises<ArgumentOutOfRangeException>(fun () -> drawn.Set(1, ReadOnlySpan [| 1; 1; 0 |]))
        Expect.refused "3 cells for 4" (fun () -> new ResamplingKernel(genes, drawn, CellsIn.All))
        Expect.refused "3 cells for 4" (fun () -> new PermutationKernel(genes, [| [| 0; 1; 2 |] |], CellsIn.All))
