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
        for path in Enum.GetValues<ResamplingPath>() do
            if ResamplingPaths.Supports path then
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
    let private agrees (worker: ResamplingWorker) (genes: SmallGenes) count (expected: int -> int -> int -> int64 * int) =
        let looked = [ 0; 1; 62; 63; 64; count - 1 ] |> List.filter (fun i -> i < count) |> List.distinct

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
        let weights = Array.init (random.Next(1, 70)) (fun _ -> someWeights random genes.Cells)
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
                use kernel = new ResamplingKernel(SmallGenes.binned genes, drawn, convention, path, 2)
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
                use kernel = new PermutationKernel(SmallGenes.binned genes, orders, convention, path)
                use worker = kernel.NewWorker()
                agrees worker genes orders.Length oracle
