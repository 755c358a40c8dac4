namespace CoExpr.Tests

open System
open System.Collections.Concurrent
open System.Threading
open NUnit.Framework
open CoExpr
open CoExpr.IO
open CoExpr.Kernels

module CoexpressionTests =

    let private everything = {
        Coexpression.defaults with
            Keep = Keep.All
            MinimumCells = 1
            Threads = 2
    }

    let private compute options cells =
        Coexpression.compute Progress.none options cells

    let private scores options cells =
        (Expect.ok (compute options cells)).Scores

    let private named names (values: float32[][]) =
        let counts = Counts.ofCells (Array.length names) values
        let cellNames = Array.init values.Length (fun cell -> $"cell{cell + 1}")

        Cells.create "made.h5ad" counts (Table.ofNames cellNames) (Table.ofNames names)
        |> Expect.ok

    /// A, B and C over four cells; A and B exclude each other, C is B again with other values.
    let private small = [|
        [| 1.0f; 0.0f; 0.0f |]
        [| 2.0f; 0.0f; 0.0f |]
        [| 0.0f; 4.0f; 1.0f |]
        [| 0.0f; 9.0f; 3.0f |]
    |]

    let private abc values = named [| "A"; "B"; "C" |] values

    /// The genes by name, and every kept pair by the places of its genes in that order, with the bits of its score.
    let private byName (scores: PairScores) =
        let names = Array.copy scores.Genes
        let genes = Array.init names.Length id
        Array.Sort(names, genes, StringComparer.Ordinal)
        let place = Array.zeroCreate names.Length
        genes |> Array.iteri (fun at gene -> place[gene] <- at)

        let pairs = [|
            for at in 0 .. genes.Length - 1 do
                for partner in scores.Partners genes[at] |> Array.sortBy (fun partner -> place[partner.Gene]) do
                    if place[partner.Gene] > at then
                        let bits = BitConverter.DoubleToInt64Bits(float partner.Score)
                        struct (at, place[partner.Gene], bits, partner.Cells)
        |]

        names, pairs

    type private Listed = string[] * struct (int * int * int64 * int)[]

    let private areSame ((names, pairs): Listed) ((otherNames, others): Listed) =
        names = otherNames && pairs.AsSpan().SequenceEqual(others.AsSpan())

    [<Test>]
    let ``scores a small example`` () =
        let result = compute { everything with Bins = 2 } (abc small) |> Expect.ok
        let bits a b = (result.Scores.TryPair(a, b)).Value
        // A has levels 1 and 2, B and C 1 and 2 in the other cells: over 4 cells, rows 1, 1, 2 and columns 2, 1, 1.
        Expect.equal ({ Gene = 1; Score = -1.0; Cells = 4 }: Partner) (bits 0 1)

        Expect.equal ({ Gene = 2; Score = 1.0; Cells = 2 }: Partner) (bits 1 2)

        Expect.equal (4, 3, 3L) (result.Cells, result.InputGenes, result.PairsScored)
        Expect.equal (Some(Column.Integer([| 2L; 2L; 2L |], [||]))) (Table.tryColumn "coexpr_cells" result.GeneTable)
        Expect.equal (Some(Column.Integer([| 2L; 2L; 2L |], [||]))) (Table.tryColumn "coexpr_bins" result.GeneTable)
        Expect.equal "made.h5ad" result.Source

    [<TestCase(true)>]
    [<TestCase(false)>]
    let ``GeneVector's values come out to 5 decimals for every pair`` (signed: bool) =
        let options = {
            everything with
                Signed = signed
                Negatives = Negatives.AsZero
        }

        let result = compute options Golden.cells.Value |> Expect.ok

        let expected =
            if signed then
                Golden.signedBits.Value
            else
                Golden.unsignedBits.Value

        let names = Golden.genes.Value
        // The gene that no cell expresses has no entries.
        Expect.equal (names |> Array.filter ((<>) "ALLZERO")) result.Scores.Genes
        let mutable compared, largest = 0, 0.0

        for a in 0 .. names.Length - 1 do
            for b in 0 .. names.Length - 1 do
                match result.Scores.TryGene names[a], result.Scores.TryGene names[b] with
                | ValueSome i, ValueSome j when i <> j ->
                    let score = float (result.Scores.TryPair(i, j)).Value.Score
                    largest <- max largest (abs (score - expected[a][b]))
                    compared <- compared + 1
                    Expect.equal false (score = 0.0 && Double.IsNegative score)
                | _ -> Expect.equal (names[a], names[b], true) (names[a], names[b], Double.IsNaN(expected[a][b]))

        TestContext.Out.WriteLine $"largest difference from GeneVector: {largest} bit over {compared} entries"
        Expect.equal (13 * 12) compared
        Assert.That(largest, Is.LessThan 0.5000001e-5)

    [<Test>]
    let ``genes and names stay as in the input, whatever their density`` () =
        let values = [|
            [| 1.0f; 0.0f; 0.0f; 2.0f |]
            [| 1.0f; 0.0f; 3.0f; 1.0f |]
            [| 4.0f; 0.0f; 0.0f; 2.0f |]
        |]

        let result =
            compute everything (named [| "full"; "none"; "one"; "all" |] values)
            |> Expect.ok

        Expect.equal [| "full"; "one"; "all" |] result.Scores.Genes
        Expect.equal [| "full"; "one"; "all" |] result.GeneTable.Names
        Expect.equal (Some(Column.Integer([| 3L; 1L; 3L |], [||]))) (Table.tryColumn "coexpr_cells" result.GeneTable)
        Expect.equal (Some(Column.Integer([| 2L; 1L; 2L |], [||]))) (Table.tryColumn "coexpr_bins" result.GeneTable)
        Expect.equal (4, 3L) (result.InputGenes, result.PairsScored)

    let private refusals: (string * CoexpressionOptions * string list) list = [
        "bins below 2", { everything with Bins = 1 }, [ "--bins 1"; "2 to 255" ]
        "bins above 255", { everything with Bins = 256 }, [ "--bins 256"; "2 to 255" ]
        "no thread", { everything with Threads = 0 }, [ "--threads 0"; "1 or more" ]
        "no cell", { everything with MinimumCells = 0 }, [ "--min-cells 0"; "1 or more" ]
        "top of none", { everything with Keep = Keep.Top 0 }, [ "--top 0"; "1 or more" ]
        "a threshold that is no number",
        {
            everything with
                Keep = Keep.AtLeast(nan)
        },
        [ "--min NaN"; "a number is needed" ]
        "an infinite threshold",
        {
            everything with
                Keep = Keep.AtLeast(infinity)
        },
        [ "--min Infinity"; "a number is needed" ]
        "an entropy that is no number",
        {
            everything with
                EntropyAbove = Some(nan * 1.0<nat>)
        },
        [ "--entropy-above NaN"; "nats" ]
        "an entropy beside a top",
        {
            everything with
                Keep = Keep.Top 3
                EntropyAbove = Some(-infinity * 1.0<nat>)
        },
        [ "--entropy-above -Infinity" ]
        "genes in too few cells",
        { everything with MinimumCells = 3 },
        [ "0 genes"; "at least 2"; "3 genes in made.h5ad"; "at least 3 cells" ]
        "genes of too low entropy",
        {
            everything with
                EntropyAbove = Some 0.7<nat>
        },
        [ "0 genes"; "at least 2"; "above 0.7 nats" ]
    ]

    let refused = refusals |> List.map (fun (name, _, _) -> name)

    [<TestCaseSource("refused")>]
    let ``options outside their range are refused`` (refusal: string) =
        let _, options, parts = refusals |> List.find (fun (name, _, _) -> name = refusal)
        Expect.says parts (compute options (abc small))

    [<Test>]
    let ``options at the ends of their range are taken`` () =
        for options in
            [
                { everything with Bins = 2 }
                { everything with Bins = 255 }
                {
                    everything with
                        Keep = Keep.Top 1
                        Threads = 1
                }
                {
                    everything with
                        Keep = Keep.AtLeast 0.0
                        MinimumCells = 2
                }
                {
                    everything with
                        EntropyAbove = Some 0.69<nat>
                }
            ] do
            compute options (abc small) |> Expect.ok |> ignore

    [<Test>]
    let ``one gene is not enough`` () =
        let lone = [| [| 1.0f; 0.0f; 0.0f |]; [| 2.0f; 0.0f; 0.0f |] |]
        Expect.says [ "1 genes"; "at least 2 are needed" ] (compute everything (abc lone))

    let private changed cell gene value =
        small
        |> Array.mapi (fun i line -> if i = cell then Array.updateAt gene value line else line)

    [<TestCase(Single.NaN, "NaN", "finite")>]
    [<TestCase(Single.PositiveInfinity, "Infinity", "finite")>]
    [<TestCase(-1.5f, "-1.5", "negative")>]
    let ``a bad value is named with its gene and cell`` (value: float32, text: string, advice: string) =
        let bad = abc (changed 2 1 value)
        Expect.says [ "made.h5ad"; "gene B"; text; "cell cell3"; advice ] (compute everything bad)

    [<Test>]
    let ``negative values may count as not expressed, but infinities may not`` () =
        let options = {
            everything with
                Negatives = Negatives.AsZero
        }

        let result = compute options (abc (changed 2 1 -1.5f)) |> Expect.ok
        Expect.equal (Some(Column.Integer([| 2L; 1L; 2L |], [||]))) (Table.tryColumn "coexpr_cells" result.GeneTable)
        Expect.says [ "gene B"; "-Infinity"; "finite" ] (compute options (abc (changed 2 1 Single.NegativeInfinity)))

    // B is not expressed in the second cell, whatever is below 0 there, so the information is the same; but 4 Σxy − Σx Σy
    // is 4 (27 + 5v) − 10 (9 + v) = 18 + 10 v.
    [<TestCase(-1.0f, 1)>]
    [<TestCase(-2.0f, -1)>]
    let ``negative values keep their part in the sign`` (value: float32, expected: int) =
        let options = {
            everything with
                Negatives = Negatives.AsZero
        }

        let values = [| [| 9.0f; 3.0f |]; [| value; 5.0f |]; [| 0.0f; 0.0f |]; [| 0.0f; 2.0f |] |]

        let score =
            ((scores options (named [| "B"; "C" |] values)).TryPair(0, 1)).Value.Score

        Expect.equal expected (Math.Sign(float score))

    [<Test>]
    let ``two genes of one name are refused`` () =
        Expect.says [ "made.h5ad"; "gene A"; "1 and 3" ] (compute everything (named [| "A"; "B"; "A" |] small))

    [<TestCase(1)>]
    [<TestCase(2)>]
    [<TestCase(5)>]
    let ``progress adds up to the number of pairs`` (threads: int) =
        let steps = ConcurrentQueue<ProgressStep>()

        let progress = {
            Progress.none with
                Report = steps.Enqueue
        }

        let options = {
            everything with
                Threads = threads
                Negatives = Negatives.AsZero
                Backend = ScatterBackend(30, 3, 2)
        }

        Coexpression.compute progress options Golden.cells.Value |> Expect.ok |> ignore
        let scoring = steps |> Seq.filter (fun step -> step.Unit = "pairs") |> Seq.toArray
        Expect.equal [| 78L |] (scoring |> Array.map (fun step -> step.Total) |> Array.distinct)
        Expect.equal 78L (Array.last scoring).Done

        Expect.equal
            (scoring |> Array.map (fun step -> step.Done) |> Array.sort)
            (scoring |> Array.map (fun step -> step.Done))

        Assert.That(steps |> Seq.exists (fun step -> step.Unit = "genes" && step.Done = 13L), Is.True)

    [<TestCase(1)>]
    [<TestCase(3)>]
    let ``a job that is asked to stop stops`` (threads: int) =
        use stop = new CancellationTokenSource()
        let mutable reports = 0

        let progress = {
            Token = stop.Token
            Report =
                fun step ->
                    if step.Unit = "pairs" then
                        reports <- reports + 1
                        stop.Cancel()
        }

        let options = {
            everything with
                Threads = threads
                Negatives = Negatives.AsZero
                Backend = ScatterBackend(1, 1, 1)
        }

        Assert.Throws<OperationCanceledException>(
            Action(fun () -> Coexpression.compute progress options Golden.cells.Value |> ignore)
        )
        |> ignore

        // Threads that had passed the question may report once more each.
        Assert.That(reports, Is.InRange(1, threads))

    /// A worker counts as closed when it is disposed of.
    let private counting (opened: int ref) (closed: int ref) = {
        new IPairBackend with
            member _.Name = "counting"

            member _.Open(genes, task, threads) =
                let kernel = Backend.cpu.Open(genes, task, threads)

                {
                    new IPairKernel with
                        member _.Blocks = kernel.Blocks

                        member _.NewWorker() =
                            let worker = kernel.NewWorker()
                            Interlocked.Increment opened |> ignore

                            {
                                new IPairWorker with
                                    member _.Score(range, block) = worker.Score(range, block)
                                    member _.Dispose() = Interlocked.Increment closed |> ignore
                            }

                        member _.Dispose() = Interlocked.Increment closed |> ignore
                }
    }

    // A worker on a device holds memory there.
    [<Test>]
    let ``workers and kernels are disposed of`` () =
        let opened, closed = ref 0, ref 0

        compute
            {
                everything with
                    Backend = counting opened closed
            }
            (abc small)
        |> Expect.ok
        |> ignore

        Assert.That(opened.Value, Is.GreaterThan 0)
        Expect.equal (opened.Value + 1) closed.Value

    /// 500 genes of the highest variance of counts, without the rest of the table.
    let private pbmc =
        lazy
            (let path = TestData.require "pbmc3k_raw.h5ad"
             let cells = AnnData.read ReadOptions.standard path |> Expect.ok
             let byGene = cells.Counts.ByGene

             let variance gene =
                 let values = byGene.ValuesOf(gene).ToArray() |> Array.map float
                 let n = float cells.Counts.Cells
                 let mean = Array.sum values / n
                 Array.sumBy (fun x -> x * x) values / n - mean * mean

             let chosen =
                 [| 0 .. cells.Counts.Genes - 1 |]
                 |> Array.sortBy (fun gene -> -(variance gene), gene)
                 |> Array.truncate 500

             Cells.takeGenes chosen cells)

    let private shuffled seed (cells: Cells) =
        let order =
            (Random.stream seed (Purpose.named "test") 0).Permutation cells.Counts.Genes

        Cells.takeGenes order cells

    let private variants: (string * CoexpressionOptions) list = [
        "1 thread", { everything with Threads = 1 }
        "5 threads", { everything with Threads = 5 }
        "tiles of one gene",
        {
            everything with
                Backend = ScatterBackend(1, 1, 64)
        }
        "tiles of 37 genes",
        {
            everything with
                Backend = ScatterBackend(100000, 37, 7)
        }
        "tiles of 500 counters",
        {
            everything with
                Backend = ScatterBackend(500, 1024, 1)
        }
    ]

    [<Test>]
    let ``real cells: the same bits for every number of threads, block and order of genes`` () =
        let cells = pbmc.Value
        let expected = byName (scores everything cells)
        Expect.equal (500 * 499 / 2) (snd expected).Length

        for name, options in variants do
            Assert.That(areSame expected (byName (scores options cells)), Is.True, name)

        Assert.That(areSame expected (byName (scores everything (shuffled 1UL cells))), Is.True, "shuffled")

    [<Test>]
    let ``real cells: the same pairs are kept for every number of threads, block and order of genes`` () =
        let cells = pbmc.Value

        for keep in [ Keep.Top 20; Keep.AtLeast 0.3 ] do
            let expected = byName (scores { everything with Keep = keep } cells)
            Assert.That((snd expected).Length, Is.GreaterThan(200).And.LessThan(500 * 499 / 2))

            for name, options in List.truncate 3 variants do
                let kept = scores { options with Keep = keep }
                Assert.That(areSame expected (byName (kept cells)), Is.True, name)

            let other = byName (scores { everything with Keep = keep } (shuffled 2UL cells))
            Assert.That(areSame expected other, Is.True, "shuffled")

    [<Test>]
    let ``real cells: the reference gives the same bits`` () =
        let cells = pbmc.Value |> Cells.takeGenes [| 0..12..479 |]

        for convention in [ CellsIn.EitherGene; CellsIn.All ] do
            let options = { everything with Cells = convention }

            let slow =
                scores
                    {
                        options with
                            Backend = Backend.reference
                    }
                    cells

            Assert.That(areSame (byName (scores options cells)) (byName slow), Is.True)

    // 10 pairs against the oracle itself, from the file's values to bits.
    [<Test>]
    let ``real cells: the oracle gives the same bits`` () =
        let cells = pbmc.Value
        let all = scores everything cells
        let byGene = cells.Counts.ByGene

        let values gene =
            let line = Array.zeroCreate<float32> cells.Counts.Cells
            let found = byGene.ValuesOf(gene).ToArray()

            byGene.IndicesOf(gene).ToArray()
            |> Array.iteri (fun at cell -> line[cell] <- found[at])

            line

        let random = System.Random 17

        for _ in 1..10 do
            let a, b = random.Next 250, 250 + random.Next 250
            let x, y = values a, values b

            let levels values =
                Reference.Discretization.levels 10 values

            let numerator, cells =
                Reference.MutualInformation.numerator Oracle.entry true (levels x) (levels y)

            let score =
                float (Reference.Correlation.sign x y)
                * (float numerator / (float cells * 1073741824.0))

            let pair = (all.TryPair(a, b)).Value
            Expect.equal (score, cells) (float pair.Score, pair.Cells)
