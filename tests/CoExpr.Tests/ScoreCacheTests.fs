namespace CoExpr.Tests

open System
open System.IO
open System.Threading.Tasks
open FSharp.Reflection
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.IO
open CoExpr.Kernels

/// The faults of caches that gave one input's scores for another's, each shown to be impossible here.
module ScoreCacheTests =

    let private options = {
        Coexpression.defaults with
            MinimumCells = 1
            Keep = Keep.All
    }

    /// For every option, one that changes the result; None for those that cannot.
    let private changes: (string * CoexpressionOptions option) list = [
        "Bins", Some { options with Bins = 9 }
        "Edges",
        Some {
            options with
                Edges = QuantileEdges.NumPy
        }
        "Cells", Some { options with Cells = CellsIn.All }
        "Signed", Some { options with Signed = false }
        "Measure",
        Some {
            options with
                Measure = Measure.NormalizedInformation NormalizedBy.Joint
        }
        "Estimator",
        Some {
            options with
                Estimator = Estimator.MillerMadow
        }
        "Transform",
        Some {
            options with
                Transform = Transform.ContextLikelihood
        }
        "PValues", Some { options with PValues = true }
        "Keep", Some { options with Keep = Keep.Top 2 }
        "Strength",
        Some {
            options with
                Strength = Strength.Magnitude
        }
        "MinimumCells", Some { options with MinimumCells = 2 }
        "EntropyAbove",
        Some {
            options with
                EntropyAbove = Some 0.5<nat>
        }
        "EntropyRule",
        Some {
            options with
                EntropyRule = EntropyRule.WithoutSmallest
        }
        "Negatives",
        Some {
            options with
                Negatives = Negatives.AsZero
        }
        "Regulators",
        Some {
            options with
                Regulators = Some [| "A" |]
        }
        "Resampling",
        Some {
            options with
                Resampling = {
                    PairResampling.none with
                        Bootstraps = 5
                }
        }
        "Threads", None
        // No result of one backend is ever given for another's, though all give the same.
        "Backend",
        Some {
            options with
                Backend = Backend.reference
        }
    ]

    let private key options =
        CoexpressionRun.cacheKey Input.standard options "hash" [| "A"; "B" |] [| "c1"; "c2" |]

    [<Test>]
    let ``every option that changes the result changes the key`` () =
        let fields =
            FSharpType.GetRecordFields typeof<CoexpressionOptions>
            |> Array.map (fun field -> field.Name)
            |> List.ofArray

        // A new option has to be entered here, and so to be thought of.
        Expect.equal fields (List.map fst changes)
        let keys = key options :: (changes |> List.choose snd |> List.map key)
        Expect.equal keys.Length (List.distinct keys).Length
        Expect.equal (key options) (key { options with Threads = 7 })

    [<Test>]
    let ``regulators count by their names, not by how many there are`` () =
        let named names =
            key { options with Regulators = Some names }

        Expect.equal (named [| "A"; "B" |]) (named [| "B"; "A" |])
        Assert.That(named [| "A"; "B" |], Is.Not.EqualTo(named [| "A"; "C" |]))

    [<Test>]
    let ``numbers that differ in their last digit are different options`` () =
        let least bits =
            key {
                options with
                    Keep = Keep.AtLeast bits
            }

        Assert.That(least 0.1, Is.Not.EqualTo(least (Math.BitIncrement 0.1)))

    [<Test>]
    let ``names count in their order, whole, those of cells too`` () =
        let key (genes: string[]) (cells: string[]) =
            CoexpressionRun.cacheKey Input.standard options "hash" genes cells

        let keys = [
            key [| "A"; "B" |] [| "c" |]
            key [| "B"; "A" |] [| "c" |]
            key [| "AB"; "" |] [| "c" |]
            key [| "A" |] [| "B"; "c" |]
            key [| "A"; "B" |] [| "d" |]
            key [| "A,B" |] [| "c" |]
        ]

        Expect.equal keys.Length (List.distinct keys).Length

    let private counts cells genes (values: float32[]) =
        SparseCounts.OfDense(cells, genes, values)

    [<Property(MaxTest = 200)>]
    let ``one value that changes or moves changes the hash of the matrix`` (seed: int) =
        let random = System.Random seed
        let cells, genes = random.Next(1, 9), random.Next(1, 9)
        let values = Array.init (cells * genes) (fun _ -> float32 (random.Next 3))

        let hash values =
            CoexpressionRun.matrixHash 2 (counts cells genes values)

        let at = random.Next values.Length
        let other = Array.updateAt at (values[at] + 1.0f) values
        let turned = CoexpressionRun.matrixHash 2 (counts genes cells values)

        hash values = hash (Array.copy values)
        && hash values <> hash other
        && (cells = genes || turned <> hash values)

    [<Test>]
    let ``a matrix of many values is hashed to its last`` () =
        let values = Array.init (300 * 200) (fun i -> float32 (i % 7))

        let hash values =
            CoexpressionRun.matrixHash 2 (counts 300 200 values)

        for at in [ 0; 29_999; 59_999 ] do
            Assert.That(hash (Array.updateAt at 9.0f values), Is.Not.EqualTo(hash values))

    let private write folder (values: float32[]) =
        let path = Path.Combine(folder, "in.h5ad")

        let parts = {
            AnnDataParts.ofTables
                (Table.ofNames (Array.init 20 string))
                (Table.ofNames (Array.init 10 (fun i -> $"g{i}"))) with
                Matrix = Some(MatrixPart.Counts(counts 20 10 values))
        }

        AnnData.write 1 path parts |> Expect.ok
        path

    let private values = Array.init 200 (fun i -> float32 (i * i % 7 % 3))

    let private attempt folder options =
        let resources = {
            RunResources.standard with
                Cache = Some(Path.Combine(folder, "cache"))
        }

        let paths = {
            Input = Path.Combine(folder, "in.h5ad")
            Output = Path.Combine(folder, "out.tsv")
            Report = None
        }

        CoexpressionRun.runWithin resources Progress.none Input.standard options paths

    /// Runs with a cache; gives the text of the output, and whether anything was scored.
    let private run folder options =
        let struct (record, result) = attempt folder options |> Expect.ok

        File.ReadAllText(Path.Combine(folder, "out.tsv")), result.PairsScored > 0L, RunRecord.notes record

    let private entries folder =
        Directory.GetFiles(Path.Combine(folder, "cache"))

    let private kept = [ Keep.All; Keep.Top 2; Keep.AtLeast 0.1 ]

    [<Test>]
    let ``what a cache has no room for, and functions, are refused`` () =
        let resampled bootstraps permutations = {
            options with
                Resampling = {
                    PairResampling.none with
                        Bootstraps = bootstraps
                        Permutations = permutations
                }
        }

        let refused = [
            "--p-values",
            {
                options with
                    PValues = true
                    Cells = CellsIn.All
            }
            "--fdr",
            {
                options with
                    Keep = Keep.FalseDiscoveryRate 0.1
                    Cells = CellsIn.All
            }
            "--bootstraps", resampled 3 0
            "--permutations", resampled 0 3
            "mine",
            {
                options with
                    Measure = Measure.custom "mine" (fun _ -> 1.0)
            }
        ]

        TestData.temporaryFolder (fun folder ->
            write folder values |> ignore

            for words, options in refused do
                Expect.says [ "--cache"; words ] (attempt folder options)

            Expect.equal false (Directory.Exists(Path.Combine(folder, "cache"))))

    [<Test>]
    let ``transformed scores and those of regulators are kept`` () =
        for options in
            [
                {
                    options with
                        Transform = Transform.ContextLikelihood
                }
                {
                    options with
                        Regulators = Some [| "g1"; "g4" |]
                }
            ] do
            TestData.temporaryFolder (fun folder ->
                write folder values |> ignore
                let first, scored, _ = run folder options
                let second, again, _ = run folder options
                Expect.equal (true, false) (scored, again)
                Expect.equal first second)

    // Among the scores are exact zeros, which a sparse cache would lose.
    [<Test>]
    let ``a hit gives the same output without scoring, exact zeros and all`` () =
        for keep in kept do
            TestData.temporaryFolder (fun folder ->
                write folder values |> ignore
                let options = { options with Keep = keep }
                let first, scored, _ = run folder options
                Expect.equal true scored
                Expect.equal 1 (entries folder).Length
                let second, again, notes = run folder options
                Expect.equal (false, [||]) (again, notes)
                Expect.equal first second

                if keep = Keep.All then
                    Expect.equal (46, true) (first.Split('\n').Length - 1, first.Contains "\t0\t"))

    [<Test>]
    let ``another input or other options are scored`` () =
        TestData.temporaryFolder (fun folder ->
            write folder values |> ignore
            let first, _, _ = run folder options
            let _, scored, _ = run folder { options with Bins = 2 }
            Expect.equal true scored
            write folder (Array.rev values) |> ignore
            let other, scored, _ = run folder options
            Expect.equal true scored
            Assert.That(other, Is.Not.EqualTo first)
            Expect.equal 3 (entries folder).Length)

    [<TestCase(0)>]
    [<TestCase(70)>]
    [<TestCase(-1)>]
    let ``an entry with a wrong bit is made again`` (at: int) =
        TestData.temporaryFolder (fun folder ->
            write folder values |> ignore
            let first, _, _ = run folder options
            let entry = (entries folder)[0]
            let bytes = File.ReadAllBytes entry
            let at = if at < 0 then bytes.Length + at else at
            bytes[at] <- bytes[at] ^^^ 1uy
            File.WriteAllBytes(entry, bytes)
            let second, scored, notes = run folder options
            Expect.equal (true, first) (scored, second)
            Expect.equal 1 notes.Length
            let _, scored, notes = run folder options
            Expect.equal (false, [||]) (scored, notes))

    [<Test>]
    let ``an entry under the name of another is not taken`` () =
        TestData.temporaryFolder (fun folder ->
            write folder values |> ignore
            run folder { options with Bins = 2 } |> ignore
            let foreign = (entries folder)[0]
            let first, _, _ = run folder options
            let own = entries folder |> Array.find ((<>) foreign)
            File.Copy(foreign, own, true)
            let second, scored, notes = run folder options
            Expect.equal (true, first) (scored, second)
            Assert.That(notes[0], Does.Contain "other work"))

    [<Test>]
    let ``several runs at once share a cache`` () =
        TestData.temporaryFolder (fun folder ->
            write folder values |> ignore

            let cells =
                AnnData.read ReadOptions.standard (Path.Combine(folder, "in.h5ad")) |> Expect.ok

            let result = Coexpression.compute Progress.none options cells |> Expect.ok
            let cache = Path.Combine(folder, "cache")
            let key = key options
            let n = result.Scores.Genes.Length

            let cached = {
                Genes = Array.init n id
                Expressed = Array.replicate n 1
                Levels = Array.replicate n 1uy
                Store = result.Scores.Store
            }

            Parallel.For(
                0,
                40,
                fun _ ->
                    ScoreCache.write cache key cached result.Scores.Genes |> Expect.ok
                    let found = ScoreCache.tryRead cache key (fun note -> Assert.Fail note)
                    let scores = PairScores(result.Scores.Genes, found.Value.Store)
                    Expect.equal (result.Scores.Partners 3) (scores.Partners 3)
            )
            |> ignore

            Expect.equal 1 (entries folder).Length)

    [<Test>]
    let ``the cache serves runs in parts and in memory alike`` () =
        TestData.temporaryFolder (fun folder ->
            let path = write folder values
            let whole = AnnData.read ReadOptions.standard path |> Expect.ok
            let hash = CoexpressionRun.matrixHash 1 whole.Counts
            let first, _, _ = run folder options

            Expect.equal
                [|
                    CoexpressionRun.cacheKey Input.standard options hash whole.GeneTable.Names whole.CellTable.Names
                    + ".scores"
                |]
                (entries folder |> Array.map Path.GetFileName)

            Expect.equal true (first.Length > 0))
