namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.IO
open CoExpr.Kernels

/// A small matrix, the options it is scored with, and how it is cut.
type TiledCase = {
    Values: float32[][]
    Layout: Layout
    Options: CoexpressionOptions
    Sizes: TileSizes
}

[<RequireQualifiedAccess>]
module TiledCase =

    let private value negatives =
        Gen.frequency [
            5, Gen.constant 0.0f
            4, Gen.choose (1, 4) |> Gen.map float32
            1,
            Gen.elements (
                if negatives then
                    [ -1.0f; -0.5f; 0.25f ]
                else
                    [ 0.25f; 1e6f ]
            )
        ]

    let private keep =
        Gen.oneof [
            Gen.choose (1, 4) |> Gen.map Keep.Top
            Gen.elements [ 0.0; 0.3; 1.0 ] |> Gen.map (fun bits -> Keep.AtLeast bits)
            Gen.constant Keep.All
        ]

    let private sizes =
        gen {
            let! tileBytes = Gen.choose (1, 2000)
            let! tileGenes = Gen.choose (1, 5)
            let! groupEntries = Gen.choose (1, 40)
            let! blockEntries = Gen.choose (1, 20)
            let! squareEntries = Gen.choose (1, 30)

            return {
                TileBytes = int64 tileBytes
                TileGenes = tileGenes
                GroupEntries = int64 groupEntries
                BlockEntries = blockEntries
                SquareEntries = squareEntries
            }
        }

    let private measure =
        Gen.frequency [
            3, Gen.constant (Measure.MutualInformation, Estimator.PlugIn)
            1,
            Gen.elements [
                Measure.MutualInformation, Estimator.MillerMadow
                Measure.MutualInformation, Estimator.Shrinkage
                Measure.NormalizedInformation NormalizedBy.Mean, Estimator.PlugIn
                Measure.NormalizedInformation NormalizedBy.Joint, Estimator.Shrinkage
                Measure.Pearson, Estimator.PlugIn
                Measure.Spearman, Estimator.PlugIn
                Measure.Cosine, Estimator.PlugIn
                Measure.Jaccard, Estimator.PlugIn
            ]
        ]

    let private options negatives =
        gen {
            let! keep = keep
            let! measure, estimator = measure
            let! signed = Gen.elements [ true; false ]
            let! cells = Gen.elements [ CellsIn.EitherGene; CellsIn.All ]
            let! strength = Gen.elements [ Strength.Score; Strength.Magnitude ]
            let! bins = Gen.choose (2, 4)
            let! least = Gen.choose (1, 3)
            let! entropy = Gen.elements [ None; None; Some 0.4<nat> ]

            return {
                Coexpression.defaults with
                    Bins = bins
                    Signed = signed
                    Measure = measure
                    Estimator = estimator
                    Cells = cells
                    Strength = strength
                    Keep = keep
                    MinimumCells = least
                    EntropyAbove = entropy
                    Negatives = (if negatives then Negatives.AsZero else Negatives.Refuse)
                    Threads = 2
            }
        }

    let arbitrary =
        gen {
            let! cells = Gen.choose (1, 30)
            let! genes = Gen.choose (1, 14)
            let! negatives = Gen.frequency [ 3, Gen.constant false; 1, Gen.constant true ]
            let! values = Gen.arrayOfLength cells (Gen.arrayOfLength genes (value negatives))
            let! layout = Gen.elements [ ByCell; ByGene; Dense ]
            let! options = options negatives
            let! sizes = sizes

            return {
                Values = values
                Layout = layout
                Options = options
                Sizes = sizes
            }
        }

type ManyTiledCases =
    static member Any() = Arb.fromGen TiledCase.arbitrary

[<Properties(Arbitrary = [| typeof<ManyTiledCases> |], MaxTest = 60)>]
module TiledRunTests =

    let private names genes =
        // So that names are in another order than numbers.
        Array.init genes (fun gene -> $"gene{(gene * 7 + 3) % 100}-{gene}")

    let private tables (values: float32[][]) =
        Table.ofNames (Array.init values.Length (fun cell -> $"cell{cell + 1}")), Table.ofNames (names values[0].Length)

    let private counts (values: float32[][]) =
        SparseCounts.OfDense(values.Length, values[0].Length, Array.concat values)

    let private write layout (values: float32[][]) path =
        let cells, genes = tables values
        LayoutFile.write layout cells genes values path

    let private inMemory options (values: float32[][]) path =
        let cells, genes = tables values

        Cells.create path (counts values) cells genes
        |> Expect.ok
        |> Coexpression.compute Progress.none options

    let private inParts options sizes path =
        CoexpressionRun.computeInParts
            Progress.none
            ReadOptions.standard
            options
            sizes
            (path + ".parts")
            false
            ignore
            path

    let private listed (result: CoexpressionResult) =
        let scores = result.Scores

        [
            for gene in 0 .. scores.Genes.Length - 1 do
                for partner in scores.Partners gene ->
                    gene, partner.Gene, BitConverter.DoubleToInt64Bits(float partner.Score), partner.Cells
        ],
        result.GeneTable,
        result.CellTable,
        result.Cells,
        result.InputGenes,
        result.PairsScored,
        scores.PairCount

    let private ends (result: CoexpressionResult) =
        result.Counting
        |> Array.map (fun one -> one.FirstColumn, one.EndColumn)
        |> Array.distinct

    let private areAlike (first: Result<CoexpressionResult, CoExprError>) second =
        match first, second with
        | Ok first, Ok second -> Expect.equal (listed first) (listed second)
        | Error first, Error second -> Expect.equal (CoExprError.describe first) (CoExprError.describe second)
        | _ -> Assert.Fail $"{first} and {second}"

    [<Property>]
    let ``the result is that of memory, to the bit, however small the parts`` case =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            write case.Layout case.Values path
            areAlike (inMemory case.Options case.Values path) (inParts case.Options case.Sizes path)
            Expect.equal false (Directory.Exists(path + ".parts")))

    let private everything = {
        Coexpression.defaults with
            Keep = Keep.All
            MinimumCells = 1
            Threads = 1
    }

    /// Three genes to a tile: five tiles, 15 pairs of tiles.
    let private small = {
        TileBytes = 100000L
        TileGenes = 3
        GroupEntries = 40L
        BlockEntries = 16
        SquareEntries = 30
    }

    /// 25 cells x 14 genes, all expressed.
    let private sample =
        let random = System.Random 5
        Array.init 25 (fun _ -> Array.init 14 (fun _ -> float32 (random.Next 3)))

    let private stopWhen (reached: ProgressStep -> bool) =
        let stop = new Threading.CancellationTokenSource()

        {
            Token = stop.Token
            Report =
                fun step ->
                    if reached step then
                        stop.Cancel()
        }

    let private attempt progress resume tell options path =
        CoexpressionRun.computeInParts progress ReadOptions.standard options small (path + ".parts") resume tell path

    let private stopped reached options path =
        let stop = Expect.throws<ResumableStopException>

        let error =
            stop (fun () -> attempt (stopWhen reached) false ignore options path |> ignore)

        Expect.equal (path + ".parts") error.Folder
        Assert.That(error.Message, Does.Contain "--resume")

    let private withSample (test: string -> unit) =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            write ByCell sample path
            test path)

    let private pairsFiles path =
        Directory.GetFiles(path + ".parts", "pairs-*.bin") |> Array.sort

    let private resumed options path =
        let notes = ResizeArray<string>()
        let result = attempt Progress.none true notes.Add options path
        areAlike (inMemory options sample path) result
        Expect.equal false (Directory.Exists(path + ".parts"))
        List.ofSeq notes

    [<TestCase(1)>]
    [<TestCase(30)>]
    [<TestCase(60)>]
    [<TestCase(90)>]
    let ``a run that was stopped goes on where it was`` (pairs: int) =
        withSample (fun path ->
            stopped (fun step -> step.Unit = "pairs" && step.Done >= int64 pairs) everything path
            let finished = (pairsFiles path).Length
            let notes = resumed everything path

            let taken =
                notes
                |> List.filter (fun note -> note.StartsWith $"{finished} of 15 parts are taken")

            Expect.equal (if finished = 0 then 0 else 1) taken.Length)

    [<Test>]
    let ``a run that was stopped before its genes were ready begins anew`` () =
        withSample (fun path ->
            stopped (fun step -> step.Stage.StartsWith "turning" || step.Stage = "counting") everything path
            Expect.equal [||] (pairsFiles path)
            Expect.equal [] (resumed everything path))

    let private flip at (path: string) =
        let bytes = File.ReadAllBytes path
        let at = if at < 0 then bytes.Length + at else at
        bytes[at] <- bytes[at] ^^^ 1uy
        File.WriteAllBytes(path, bytes)

    let private cut length (path: string) =
        use file = File.OpenWrite path
        file.SetLength length

    let private damages: (string * (string -> unit) * string) list = [
        "a bit of its scores", flip 60, "not those that were written"
        "a bit of its hash", flip -1, "not those that were written"
        "a bit of its key", flip 10, "not those that were written"
        "its end", (fun path -> cut (FileInfo(path).Length - 5L) path), "not those that were written"
        "all but its first bytes", cut 20L, "cut short"
        "everything", cut 0L, "cut short"
    ]

    let damaged = damages |> List.map (fun (name, _, _) -> name)

    let private finishedButMerged options path =
        stopped (fun step -> step.Stage = "merging") options path
        Expect.equal 15 (pairsFiles path).Length

    [<TestCaseSource("damaged")>]
    let ``a part that has lost something is made again`` (what: string) =
        let _, damage, reason = damages |> List.find (fun (name, _, _) -> name = what)

        withSample (fun path ->
            finishedButMerged everything path
            let victim = (pairsFiles path)[7]
            damage victim
            let notes = resumed everything path
            Assert.That(notes[0], Does.Contain(Path.GetFileName victim).And.Contain("made again").And.Contain reason)

            Expect.equal
                1
                (notes
                 |> List.filter (fun note -> note.StartsWith "14 of 15 parts")
                 |> List.length))

    [<TestCase("genes.bin")>]
    [<TestCase("genes.index")>]
    let ``genes that have lost something are made again, and all their pairs`` (name: string) =
        withSample (fun path ->
            finishedButMerged everything path
            flip 50 (Path.Combine(path + ".parts", name))
            let notes = resumed everything path
            Expect.equal 1 notes.Length
            Assert.That(notes[0], Does.Contain name))

    [<Test>]
    let ``a part of another run with the same name is not taken`` () =
        withSample (fun path ->
            finishedButMerged everything path
            let foreign = File.ReadAllBytes((pairsFiles path)[3])
            let own = path + ".parts"
            Directory.Move(own, path + ".first")
            finishedButMerged { everything with Bins = 3 } path
            File.WriteAllBytes((pairsFiles path)[3], foreign)
            let notes = resumed { everything with Bins = 3 } path
            Assert.That(notes[0], Does.Contain "it belongs to other work"))

    // What a transform, a test, a rectangle or a resample says of a pair depends on genes or cells of other parts.
    let private whole: (string * CoexpressionOptions) list = [
        "--transform clr",
        {
            everything with
                Transform = Transform.ContextLikelihood
        }
        "--p-values yes",
        {
            everything with
                PValues = true
                Cells = CellsIn.All
        }
        "--fdr 0.1",
        {
            everything with
                Keep = Keep.FalseDiscoveryRate 0.1
                Cells = CellsIn.All
        }
        "--regulators 1",
        {
            everything with
                Regulators = Some [| "gene3-0" |]
        }
        "--bootstraps 4",
        {
            everything with
                Resampling = {
                    PairResampling.none with
                        Bootstraps = 4
                }
        }
        "--permutations 3",
        {
            everything with
                Resampling = {
                    PairResampling.none with
                        Permutations = 3
                }
        }
    ]

    [<Test>]
    let ``what needs all genes at once is refused in parts, and by the plan with both sizes`` () =
        withSample (fun path ->
            for option, options in whole do
                Expect.ok (inMemory options sample path) |> ignore
                Expect.says [ option; "all genes in memory" ] (attempt Progress.none false ignore options path)
                Expect.equal false (Directory.Exists(path + ".parts"))

                let large: InputSize = {
                    Cells = 1000000L
                    Genes = 5000L
                    Entries = 250000000L
                }

                let needed = MemoryPlan.text (MemoryPlan.inMemoryBytes options large)

                Expect.says
                    [ option; needed; "1024M may be used"; "--memory" ]
                    (MemoryPlan.create options large true (1L <<< 30))

                Expect.equal None (MemoryPlan.create options large true (1L <<< 50) |> Expect.ok).Sizes)

    [<Test>]
    let ``a function is scored in parts but not resumed`` () =
        withSample (fun path ->
            let options = {
                everything with
                    Measure = Measure.custom "both" (fun joint -> float (JointHistogram.both joint))
            }

            areAlike (inMemory options sample path) (attempt Progress.none false ignore options path)
            Expect.says [ "--resume"; "both" ] (attempt Progress.none true ignore options path))

    let private isExplained = Simd.Current() <> SimdPath.Scalar

    let private counted (result: CoexpressionResult) =
        result.Counting |> Array.sumBy (fun one -> one.Pairs)

    [<Test>]
    let ``a run says how its pairs were counted, in parts by their places in the whole`` () =
        withSample (fun path ->
            let memory = inMemory everything sample path |> Expect.ok
            let parts = attempt Progress.none false ignore everything path |> Expect.ok

            if isExplained then
                // The pairs of 14 genes; those of four tiles of 3 genes and one of 2, with themselves and each other.
                Expect.equal (14L * 13L / 2L, [| 0, 14 |]) (counted memory, ends memory)
                Expect.equal [| 0, 3; 3, 6; 6, 9; 9, 12; 12, 14 |] (ends parts)
                Expect.equal (4L * 3L + 1L + 6L * 9L + 4L * 6L) (counted parts)

            let reference =
                inMemory
                    {
                        everything with
                            Backend = Backend.reference
                    }
                    sample
                    path
                |> Expect.ok

            Expect.equal [||] reference.Counting)

    [<Test>]
    let ``without memory for bit planes pairs are scattered, with the same scores`` () =
        withSample (fun path ->
            let scattered =
                inMemory
                    {
                        everything with
                            Backend = CpuBackend().Within 0L
                    }
                    sample
                    path

            areAlike (inMemory everything sample path) scattered

            for one in (Expect.ok scattered).Counting do
                Expect.equal CountingMethod.Scatter one.Method)

    let private others: (string * CoexpressionOptions) list = [
        "--bins 10, not 9", { everything with Bins = 9 }
        "--cells either, not all", { everything with Cells = CellsIn.All }
        "--signed true, not false", { everything with Signed = false }
        "without --top", { everything with Keep = Keep.Top 3 }
        "--by score, not magnitude",
        {
            everything with
                Strength = Strength.Magnitude
        }
        "--min-cells 1, not 2", { everything with MinimumCells = 2 }
        "--entropy-above",
        {
            everything with
                EntropyAbove = Some 0.1<nat>
        }
        "--bin-edges exact, not numpy",
        {
            everything with
                Edges = QuantileEdges.NumPy
        }
    ]

    [<Test>]
    let ``parts of other options or another input are refused, and what differs is named`` () =
        withSample (fun path ->
            finishedButMerged everything path

            for words, options in others do
                Expect.says [ "--resume"; words; "in.h5ad.parts" ] (attempt Progress.none true ignore options path)

            File.Copy(path, path + ".kept")
            write ByCell (Array.rev sample) path
            Expect.says [ "another input" ] (attempt Progress.none true ignore everything path)
            File.Move(path + ".kept", path, true)
            Expect.equal 1 (resumed everything path).Length)

    [<Test>]
    let ``parts of a stopped run are neither used nor replaced unasked`` () =
        withSample (fun path ->
            finishedButMerged everything path
            Expect.says [ "in.h5ad.parts"; "--resume" ] (attempt Progress.none false ignore everything path)
            Expect.equal 15 (pairsFiles path).Length)

    [<Test>]
    let ``a folder of other files is left alone`` () =
        withSample (fun path ->
            Directory.CreateDirectory(path + ".parts") |> ignore
            File.WriteAllText(path + ".parts/thesis.txt", "all of it")
            File.WriteAllText(path + ".parts/data.txt", "all of it")
            Expect.says [ "other files" ] (attempt Progress.none true ignore everything path)
            Expect.equal "all of it" (File.ReadAllText(path + ".parts/thesis.txt")))

    [<Test>]
    let ``two processes do not work with the same parts`` () =
        withSample (fun path ->
            finishedButMerged everything path

            using (new FileStream(path + ".parts/lock", FileMode.Open, FileAccess.ReadWrite, FileShare.None)) (fun _ ->
                Expect.says [ "another process" ] (attempt Progress.none true ignore everything path))

            Expect.equal 1 (resumed everything path).Length)

    [<Test>]
    let ``parts that were cut for more memory are scored again`` () =
        withSample (fun path ->
            finishedButMerged everything path
            let notes = ResizeArray<string>()
            let smaller = { small with TileGenes = 2 }

            CoexpressionRun.computeInParts
                Progress.none
                ReadOptions.standard
                everything
                smaller
                (path + ".parts")
                true
                notes.Add
                path
            |> areAlike (inMemory everything sample path)

            Expect.equal 1 notes.Count
            Assert.That(notes[0], Does.Contain "more --memory"))

    [<TestCase(50)>]
    [<TestCase(0)>]
    let ``pbmc3k in parts is pbmc3k in memory`` (top: int) =
        let path = TestData.require "pbmc3k_raw.h5ad"

        let options = {
            Coexpression.defaults with
                Keep = (if top > 0 then Keep.Top top else Keep.AtLeast 0.5)
                MinimumCells = 40
        }

        let sizes = {
            TileBytes = 15_000_000L
            TileGenes = 3000
            GroupEntries = 600_000L
            BlockEntries = 100_000
            SquareEntries = 100_000
        }

        let whole =
            AnnData.read ReadOptions.standard path
            |> Result.bind (Coexpression.compute Progress.none options)

        TestData.temporaryFolder (fun folder ->
            CoexpressionRun.computeInParts
                Progress.none
                ReadOptions.standard
                options
                sizes
                (Path.Combine(folder, "parts"))
                false
                ignore
                path
            |> areAlike whole)
