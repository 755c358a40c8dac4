namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

/// A screen, how it lies in its file, what is asked of it, and how it is cut.
type PartsCase = {
    Screen: Screen
    Layout: Layout
    Options: DifferentialOptions
    Sizes: BlockSizes
}

[<RequireQualifiedAccess>]
module PartsCase =

    let private count =
        Gen.frequency [
            6, Gen.constant 0.0f
            5, Gen.choose (1, 3) |> Gen.map float32
            1, Gen.elements [ 20.0f; 1500.0f ]
        ]

    /// Mostly counts, so that tests of counts have something to say; now and then a value that they refuse.
    let private value wild =
        if wild then
            Gen.frequency [ 30, count; 1, Gen.elements [ 0.5f; -1.0f; infinityf; nanf ] ]
        else
            count

    let private screen =
        gen {
            let! count = Gen.choose (6, 40)
            let! genes = Gen.choose (1, 9)
            let! wild = Gen.frequency [ 5, Gen.constant false; 1, Gen.constant true ]
            let! cells = Gen.arrayOfLength count (Gen.arrayOfLength genes (value wild))
            let! empty = Gen.frequency [ 3, Gen.constant false; 1, Gen.constant true ]

            let! labels =
                Gen.arrayOfLength count (Gen.elements [ "a"; "b"; "c"; "control"; null ])

            let! batches = Gen.arrayOfLength count (Gen.elements [ "x"; "y" ])

            return {
                Cells =
                    if empty then
                        cells
                    else
                        cells |> Array.map (fun row -> Array.append row [| 1.0f |])
                Genes = if empty then genes else genes + 1
                Labels =
                    labels
                    |> Array.mapi (fun i label -> if i < 4 then [| "control"; "a" |][i % 2] else label)
                Batches = batches
            }
        }

    let private dispersion genes =
        gen {
            let! trend =
                Gen.elements [
                    ScreenTrend.LocalLikelihood
                    ScreenTrend.RunningMedian
                    ScreenTrend.Parametric
                    ScreenTrend.Constant
                ]

            let! shrinkage =
                Gen.elements [
                    ScreenShrinkage.PosteriorMode
                    ScreenShrinkage.PosteriorMode
                    ScreenShrinkage.Precision
                    ScreenShrinkage.GeneWise
                    ScreenShrinkage.Trend
                ]

            let options = {
                GeneDispersions.standard with
                    Trend = trend
                    Shrinkage = shrinkage
            }

            return!
                Gen.frequency [
                    3, Gen.constant (DispersionSource.Screen options)
                    2, Gen.constant (DispersionSource.EachComparison options)
                    1, Gen.constant (DispersionSource.Given(Array.init genes (fun gene -> float gene / 4.0)))
                ]
        }

    /// Labels alone, or with offsets, which make sums go over cells instead of strata; now and then a known control.
    let private covariates (screen: Screen) =
        gen {
            let! columns = Gen.elements [ [ "batch" ]; [ "batch" ]; [] ]
            let cells = screen.Cells.Length

            let! offsets =
                Gen.frequency [
                    1, Gen.constant [||]
                    1, Gen.arrayOfLength screen.Genes (Gen.arrayOfLength cells (Gen.elements [ -0.5; 0.0; 0.25 ]))
                ]

            let! intercepts =
                Gen.frequency [
                    4, Gen.constant [||]
                    1, Gen.arrayOfLength screen.Genes (Gen.elements [ -1.0; 0.0; 0.5 ])
                ]

            return!
                Gen.frequency [
                    2, Gen.constant CovariateOptions.none
                    1,
                    Gen.constant {
                        Columns = columns
                        Offsets = offsets
                        ControlIntercepts = intercepts
                    }
                ]
        }

    let private counts (screen: Screen) =
        gen {
            let genes = screen.Genes
            let! covariates = covariates screen
            let! dispersion = dispersion genes

            let! sizeFactors =
                Gen.elements [
                    SizeFactorKind.TrimmedLibrarySize 0.05
                    SizeFactorKind.TrimmedLibrarySize 0.4
                    SizeFactorKind.LibrarySize
                    SizeFactorKind.PositiveCounts
                    SizeFactorKind.NonZeroRatios
                    SizeFactorKind.MedianOfRatios
                ]

            let! test =
                Gen.elements [
                    NegativeBinomialTest.LikelihoodRatio
                    NegativeBinomialTest.Wald
                    NegativeBinomialTest.Score
                    NegativeBinomialTest.QuasiLikelihood
                ]

            let! threshold = Gen.elements [ 0.0; 0.0; 0.5 ]
            let! within = Gen.frequency [ 4, Gen.constant false; 1, Gen.constant true ]

            let! shrink =
                Gen.elements [
                    FoldShrinkage.Nothing
                    FoldShrinkage.ByStatistics
                    (if covariates.IsNone then
                         FoldShrinkage.ByCounts
                     else
                         FoldShrinkage.ByStatistics)
                ]

            let! low =
                Gen.frequency [ 4, Gen.constant None; 1, Gen.constant (Some LowExpression.standard) ]

            return
                DifferentialTest.NegativeBinomial {
                    NegativeBinomialScreen.defaults with
                        SizeFactors = sizeFactors
                        Dispersion = dispersion
                        Test = test
                        Hypothesis =
                            (if within then
                                 FoldHypothesis.Within 1.0
                             else
                                 FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, threshold))
                        Shrink = shrink
                        LowExpression = low
                        Covariates = covariates
                }
        }

    let private samples =
        gen {
            let! continuity = Gen.elements [ true; false ]
            let! ties = Gen.elements [ true; false ]
            let! constant = Gen.elements [ true; false ]

            return!
                Gen.elements [
                    DifferentialTest.RankSum {
                        RankSum.standard with
                            Continuity = continuity
                            Ties = ties
                    }
                    DifferentialTest.Welch {
                        WelchT.standard with
                            ConstantGroups = constant
                            OverestimateVariance = ties
                    }
                ]
        }

    let private isRankSum test =
        match test with
        | DifferentialTest.RankSum _ -> true
        | _ -> false

    let private options screen =
        gen {
            let! test = Gen.frequency [ 4, counts screen; 2, samples ]

            let! control =
                Gen.frequency [ 5, Gen.constant (Some "control"); 1, Gen.constant None ]

            let! batch = Gen.elements [ None; Some "batch" ]

            let! values =
                Gen.elements [ TestedValues.LogNormalised 10000.0; TestedValues.AsStored ]

            let! adjustment = Gen.elements [ Adjustment.PerPerturbation; Adjustment.OverAll ]
            let! untestable = Gen.elements [ true; false ]
            let! filtering = Gen.elements [ None; Some 0.1 ]

            let! contrasts =
                Gen.frequency [
                    4, Gen.constant []
                    1,
                    Gen.elements [
                        [ "a", "control" ]
                        [ "b", "a"; "control", "a"; "b", "control" ]
                        [ "a", "a" ]
                    ]
                ]

            let! calibration =
                Gen.frequency [
                    3, Gen.constant None
                    2,
                    Gen.elements [
                        Some(FakePerturbations.Splits(1, 7UL))
                        Some(FakePerturbations.Splits(3, 1UL))
                        Some(FakePerturbations.Guides("batch", None))
                        Some(FakePerturbations.Guides("batch", Some 1))
                    ]
                ]

            let! least = Gen.choose (1, 3)
            let! leaveOut = Gen.elements [ true; false ]

            let! alternative =
                Gen.elements [
                    TwoSampleAlternative.TwoSided
                    TwoSampleAlternative.TwoSided
                    TwoSampleAlternative.Less
                ]

            return {
                DifferentialExpression.defaults with
                    Control = control
                    Batch = (if isRankSum test then batch else None)
                    Test = test
                    Values = values
                    Alternative = alternative
                    Adjustment = adjustment
                    CountUntestable = untestable
                    IndependentFiltering =
                        (if adjustment = Adjustment.OverAll || values = TestedValues.AsStored then
                             None
                         else
                             filtering)
                    Contrasts = [
                        for label, reference in contrasts -> { Label = label; Reference = reference }
                    ]
                    MinimumCells = least
                    LeaveOutEmpty = leaveOut
                    Calibration = (if control.IsSome then calibration else None)
                    Threads = 2
            }
        }

    let private sizes =
        gen {
            let! bytes = Gen.elements [ 1L; 30000L; 60000L; 1000000L ]
            let! entries = Gen.choose (1, 20)
            let! rows = Gen.elements [ 1L; 5000L; 1000000L ]

            return {
                BlockBytes = bytes
                BlockEntries = entries
                RowBytes = rows
            }
        }

    let arbitrary =
        gen {
            let! screen = screen
            let! layout = Gen.elements [ ByCell; ByGene; Dense ]
            let! options = options screen
            let! sizes = sizes

            return {
                Screen = screen
                Layout = layout
                Options = options
                Sizes = sizes
            }
        }

type ManyPartsCases =
    static member Any() = Arb.fromGen PartsCase.arbitrary

[<Properties(Arbitrary = [| typeof<ManyPartsCases> |], MaxTest = 150)>]
module DifferentialPartsTests =

    let private write layout screen path =
        let cells = Screen.cells screen
        LayoutFile.write layout cells.CellTable cells.GeneTable screen.Cells path

    let private inMemory options screen path =
        {
            Screen.cells screen with
                Source = path
        }
        |> DifferentialExpression.compute Progress.none options

    let private attempt progress resume tell sizes options path =
        DifferentialRun.computeInParts progress ReadOptions.standard options sizes (path + ".parts") resume tell path

    [<Property>]
    let ``the result is that of memory, to the bit, however small the parts`` case =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            write case.Layout case.Screen path

            ResultBits.areAlike
                (inMemory case.Options case.Screen path)
                (attempt Progress.none false ignore case.Sizes case.Options path)

            Expect.equal false (Directory.Exists(path + ".parts")))

    /// 60 cells x 20 genes, of which half are controls.
    let private sample =
        let random = System.Random 7

        {
            Cells =
                Array.init 60 (fun _ -> Array.init 20 (fun gene -> float32 (random.Next(1 + gene % 5) * random.Next 2)))
            Genes = 20
            Labels = Array.init 60 (fun cell -> [| "control"; "a"; "control"; "b" |][cell % 4])
            Batches = Array.create 60 "x"
        }

    let private negativeBinomial = {
        DifferentialExpression.defaults with
            Control = Some "control"
            LeaveOutEmpty = true
            Threads = 1
    }

    let private perturbations count = {
        DifferentialPlan.unknownShape with
            Perturbations = count
    }

    /// Four genes to a block, or fewer.
    let private small = {
        BlockBytes = 4L * DifferentialPlan.geneBytes negativeBinomial (perturbations 3) 30L
        BlockEntries = 50
        RowBytes = 1L
    }

    let private stopWhen (reached: ProgressStep -> bool) =
        let stop = new Threading.CancellationTokenSource()

        {
            Token = stop.Token
            Report =
                fun step ->
                    if reached step then
                        stop.Cancel()
        }

    let private stoppedOf options reached path =
        let stop = Expect.throws<ResumableStopException>

        let error =
            stop (fun () -> attempt (stopWhen reached) false ignore small options path |> ignore)

        Expect.equal (path + ".parts") error.Folder

    let private stopped reached path = stoppedOf negativeBinomial reached path

    let private withSample (test: string -> unit) =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            write ByCell sample path
            test path)

    let private files kind path =
        Directory.GetFiles(path + ".parts", $"{kind}-*.bin") |> Array.sort

    let private resumedOf options sizes path =
        let notes = ResizeArray<string>()
        let result = attempt Progress.none true notes.Add sizes options path
        ResultBits.areAlike (inMemory options sample path) result
        Expect.equal false (Directory.Exists(path + ".parts"))
        List.ofSeq notes

    let private resumedWith sizes path = resumedOf negativeBinomial sizes path

    let private resumed path = resumedWith small path

    let private blocks path = (files "genes" path).Length

    [<TestCase("dispersions", 1)>]
    [<TestCase("dispersions", 12)>]
    [<TestCase("tests", 1)>]
    [<TestCase("tests", 12)>]
    [<TestCase("correcting", 1)>]
    let ``a run that was stopped goes on where it was`` (stage: string, reached: int) =
        withSample (fun path ->
            stopped (fun step -> step.Stage = stage && step.Done >= int64 reached) path
            let all = blocks path
            Assert.That(all, Is.InRange(4, 10))

            let expected = [
                for kind in [ "dispersions"; "tests" ] do
                    let finished = (files kind path).Length

                    if finished > 0 then
                        $"{finished} of {all} parts of {kind} are taken from {path}.parts."
            ]

            Assert.That(expected, Is.Not.Empty)
            Expect.equal expected (resumed path))

    let private flip (at: int) (path: string) =
        let bytes = File.ReadAllBytes path
        bytes[at] <- bytes[at] ^^^ 1uy
        File.WriteAllBytes(path, bytes)

    /// Every stage that there is.
    let private everything = {
        negativeBinomial with
            Calibration = Some(FakePerturbations.Splits(2, 1UL))
            Test =
                DifferentialTest.NegativeBinomial {
                    NegativeBinomialScreen.defaults with
                        Shrink = FoldShrinkage.ByCounts
                }
    }

    let private stages = [
        "dispersions"
        "tests"
        "shrinkage"
        "calibration dispersions"
        "calibration tests"
    ]

    [<TestCase("shrinkage", 1)>]
    [<TestCase("shrinkage", 12)>]
    [<TestCase("calibration dispersions", 1)>]
    [<TestCase("calibration tests", 12)>]
    [<TestCase("correcting", 1)>]
    let ``a run that was stopped while it shrank or calibrated goes on there`` (stage: string, reached: int) =
        withSample (fun path ->
            stoppedOf everything (fun step -> step.Stage = stage && step.Done >= int64 reached) path
            let all = blocks path
            Assert.That(all, Is.InRange(4, 10))

            let finished =
                stages
                |> List.map (fun kind -> kind, (files (kind.Replace(' ', '-')) path).Length)

            // Those before are whole, those after have not begun.
            let before = stages |> List.takeWhile ((<>) stage)

            for kind, count in finished do
                if List.contains kind before then
                    Expect.equal (kind, all) (kind, count)
                elif kind <> stage then
                    Expect.equal (kind, 0) (kind, count)

            let expected = [
                for kind, count in finished do
                    if count > 0 then
                        $"{count} of {all} parts of {kind} are taken from {path}.parts."
            ]

            Expect.equal expected (resumedOf everything small path))

    [<TestCase("shrinkage")>]
    [<TestCase("calibration-dispersions")>]
    [<TestCase("calibration-tests")>]
    let ``a part of shrinkage or calibration that has lost something is made again`` (kind: string) =
        withSample (fun path ->
            stoppedOf everything (fun step -> step.Stage = "correcting") path
            let victim = (files kind path)[1]
            flip 60 victim
            let notes = resumedOf everything small path
            Assert.That(notes, Has.Some.EqualTo $"{victim} is made again: its bytes are not those that were written."))

    [<TestCase("lrt")>]
    [<TestCase("each")>]
    [<TestCase("given")>]
    [<TestCase("ql")>]
    [<TestCase("covariates")>]
    [<TestCase("guides")>]
    [<TestCase("contrasts")>]
    [<TestCase("rank-sum")>]
    [<TestCase("welch")>]
    let ``calibration and shrinkage in parts are those of memory, and there is something in them`` (kind: string) =
        let counts = {
            NegativeBinomialScreen.defaults with
                Shrink = FoldShrinkage.ByCounts
        }

        let test =
            match kind with
            | "each" ->
                DifferentialTest.NegativeBinomial {
                    counts with
                        Dispersion = DispersionSource.EachComparison GeneDispersions.standard
                }
            | "given" ->
                DifferentialTest.NegativeBinomial {
                    counts with
                        Dispersion = DispersionSource.Given(Array.init 20 (fun gene -> float gene / 10.0))
                }
            | "ql" ->
                DifferentialTest.NegativeBinomial {
                    counts with
                        Test = NegativeBinomialTest.QuasiLikelihood
                }
            | "covariates" ->
                DifferentialTest.NegativeBinomial {
                    NegativeBinomialScreen.defaults with
                        Covariates = {
                            CovariateOptions.none with
                                Columns = [ "batch" ]
                        }
                }
            | "rank-sum" -> DifferentialTest.RankSum RankSum.standard
            | "welch" -> DifferentialTest.Welch WelchT.standard
            | _ -> DifferentialTest.NegativeBinomial counts

        let screen = {
            sample with
                Batches = Array.init 60 (fun cell -> [| "x"; "y"; "y" |][cell % 3])
        }

        let options = {
            negativeBinomial with
                Test = test
                Contrasts =
                    (if kind = "contrasts" then
                         [ { Label = "a"; Reference = "b" }; { Label = "control"; Reference = "a" } ]
                     else
                         [])
                Calibration =
                    Some(
                        if kind = "guides" then
                            FakePerturbations.Guides("batch", None)
                        else
                            FakePerturbations.Splits(3, 5UL)
                    )
        }

        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            write ByCell screen path
            let found = attempt Progress.none false ignore small options path |> Expect.ok
            ResultBits.areAlike (inMemory options screen path) (Ok found)
            let calibration = found.Calibration.Value
            Expect.equal (if kind = "guides" then 2 else 3) calibration.Names.Length
            Assert.That(calibration.Log10P |> Array.map Array.length, Is.All.GreaterThan 5)

            let shrunken =
                found.Rows.Further |> List.filter (fst >> (=) FoldChangeShrinkage.Shrunken)

            let isCounts = not (List.contains kind [ "covariates"; "rank-sum"; "welch" ])

            Expect.equal isCounts (not shrunken.IsEmpty)

            for _, values in shrunken do
                Assert.That(values |> Array.filter Double.IsFinite |> Array.length, Is.GreaterThan 20))

    [<TestCase("counting")>]
    [<TestCase("turning cells to genes")>]
    let ``a run that was stopped before its genes were ready begins anew`` (stage: string) =
        withSample (fun path ->
            stopped (fun step -> step.Stage = stage) path
            Expect.equal [] (resumed path))

    let private finishedButCorrected path =
        stopped (fun step -> step.Stage = "correcting") path
        Expect.equal (blocks path) (files "tests" path).Length

    [<TestCase("dispersions")>]
    [<TestCase("tests")>]
    let ``a part that has lost something is made again`` (kind: string) =
        withSample (fun path ->
            finishedButCorrected path
            let all = blocks path
            let victim = (files kind path)[1]
            flip 60 victim
            let notes = resumed path
            Assert.That(notes, Has.Some.EqualTo $"{victim} is made again: its bytes are not those that were written.")
            Assert.That(notes, Has.Some.EqualTo $"{all - 1} of {all} parts of {kind} are taken from {path}.parts."))

    [<TestCase("genes-00001.bin")>]
    [<TestCase("blocks.index")>]
    let ``genes that have lost something are made again, and all that rests on them`` (name: string) =
        withSample (fun path ->
            finishedButCorrected path
            flip 50 (Path.Combine(path + ".parts", name))
            let notes = resumed path
            Expect.equal 1 notes.Length
            Assert.That(notes[0], Does.Contain name))

    [<Test>]
    let ``parts that are too large for this run are made again`` () =
        withSample (fun path ->
            finishedButCorrected path

            let less = {
                small with
                    BlockBytes = small.BlockBytes / 2L
            }

            let notes = resumedWith less path
            Expect.equal 1 notes.Length
            Assert.That(notes[0], Does.Contain "were made with more --memory"))

    [<Test>]
    let ``parts of other options or another input are not taken`` () =
        withSample (fun path ->
            finishedButCorrected path

            let resume options =
                attempt Progress.none true ignore small options path

            resume {
                negativeBinomial with
                    MinimumCells = 5
            }
            |> Expect.says [ "--resume"; "--min-cells 2, not 5" ]

            // What it was given by numbers alone.
            resume {
                negativeBinomial with
                    Test =
                        DifferentialTest.NegativeBinomial {
                            NegativeBinomialScreen.defaults with
                                SizeFactors = SizeFactorKind.TrimmedLibrarySize 0.1
                        }
            }
            |> Expect.says [ "--resume"; "0.05, not 0.1" ]

            File.AppendAllText(path, " ")
            resume negativeBinomial |> Expect.says [ "another input" ]

            attempt Progress.none false ignore small negativeBinomial path
            |> Expect.says [ "--resume continues" ])

    [<Test>]
    let ``what cannot be split is told before the counts are turned`` () =
        withSample (fun path ->
            let stages = ResizeArray<string>()

            let progress = {
                Token = Threading.CancellationToken.None
                Report = fun step -> stages.Add step.Stage
            }

            attempt
                progress
                false
                ignore
                small
                {
                    negativeBinomial with
                        LeaveOutEmpty = false
                        Calibration = Some(FakePerturbations.Splits(40, 1UL))
                }
                path
            |> Expect.says [ "controls to split into 40 fake perturbations"; "30"; "82" ]

            Assert.That(stages, Does.Not.Contain "turning cells to genes"))

    [<Test>]
    let ``estimates of each comparison's own cells are refused in parts`` () =
        withSample (fun path ->
            attempt
                Progress.none
                false
                ignore
                small
                {
                    negativeBinomial with
                        Test =
                            DifferentialTest.NegativeBinomial {
                                NegativeBinomialScreen.defaults with
                                    Scope = EstimationScope.Comparison
                            }
                }
                path
            |> Expect.says [ "--scope"; "all genes at once" ])

    let private large: InputSize = {
        Cells = 200000L
        Genes = 8000L
        Entries = 160000000L
    }

    let private plan options whole limit =
        DifferentialPlan.create options whole (perturbations 1000) large true limit

    [<Test>]
    let ``the plan is of memory where all fits, of parts where it does not, and says the least that works`` () =
        let options = { negativeBinomial with Threads = 2 }
        let needed = DifferentialPlan.inMemoryBytes options (perturbations 1000) large
        let least = DifferentialPlan.smallest options (perturbations 1000) large
        Assert.That(least, Is.LessThan(needed / 8L))
        Expect.equal None (plan options None needed |> Expect.ok).Sizes
        let parts = plan options None (needed - 1L) |> Expect.ok
        Assert.That(parts.Sizes.IsSome && parts.Blocks >= 1)
        let smallest = plan options None least |> Expect.ok
        Assert.That(smallest.Blocks, Is.GreaterThan parts.Blocks)
        Assert.That(smallest.Sizes.Value.BlockBytes, Is.LessThan parts.Sizes.Value.BlockBytes)
        Expect.says [ "--memory"; MemoryPlan.text least; "least that works" ] (plan options None (least - 1L))

        Expect.says
            [ "--report page.html: all rows"; MemoryPlan.text needed ]
            (plan options (Some(struct ("--report", "page.html", "all rows"))) (needed - 1L))

        // All p-values at once, for a correction over all.
        let overAll = {
            options with
                Adjustment = Adjustment.OverAll
        }

        Expect.equal (60L * 8000L * 1000L) (DifferentialPlan.inMemoryBytes overAll (perturbations 1000) large - needed)

    [<Test>]
    let ``a page needs all p at once, and where it does not fit it is refused with both numbers`` () =
        // 2,000 perturbations x 30,000 genes: p take 480 MB, and the points of their volcanoes some 50 MB.
        let shape = perturbations 2000
        let drawn = { shape with HasReport = true }

        let size = {
            Cells = 100000L
            Genes = 30000L
            Entries = 3000000L
        }

        let least = DifferentialPlan.smallest negativeBinomial drawn size
        let without = DifferentialPlan.smallest negativeBinomial shape size
        Assert.That(least, Is.GreaterThan(without + (400L <<< 20)))

        let attempt shape limit =
            DifferentialPlan.create negativeBinomial None shape size true limit

        Assert.That((attempt drawn least |> Expect.ok).Sizes.IsSome)
        Assert.That((attempt shape without |> Expect.ok).Sizes.IsSome)

        let words = [
            "--report with --memory"
            "all p-values at once"
            MemoryPlan.text least
            MemoryPlan.text without
        ]

        Expect.says words (attempt drawn (least - 1L))
        Expect.says words (attempt drawn without)

        Expect.says words (DifferentialPlan.createParts negativeBinomial drawn size (least - 1L))

        Expect.says [ "--memory"; "too little"; MemoryPlan.text least ] (attempt drawn (without - 1L))

        let inMemory shape =
            DifferentialPlan.inMemoryBytes negativeBinomial shape size

        // p, 60 points of 400 bytes of each perturbation, and what the page takes beside them.
        Expect.equal (8L * 30000L * 2000L + 400L * 60L * 2000L + 24_000_000L) (inMemory drawn - inMemory shape)

        attempt { drawn with Perturbations = 80000 } (1L <<< 37)
        |> Expect.says [ "--report"; "2400000000"; "2147483591" ]

    [<Test>]
    let ``fake perturbations take rows and time, and shrinking by counts a second look`` () =
        let shape = perturbations 10

        let fakes = {
            shape with
                Fakes = 25
                Controls = 50000
        }

        let weight shape =
            DifferentialPlan.geneBytes negativeBinomial shape 100L
        // Rows of 12 numbers, of fake ones 15, twice.
        Expect.equal (2L * 8L * (15L * 25L - 12L * 10L)) (weight fakes - weight shape)

        let plan options shape =
            DifferentialPlan.createParts options shape large (1L <<< 40) |> Expect.ok

        let more = plan negativeBinomial fakes
        let less = plan negativeBinomial shape
        // A quarter of the entries and all genes, 25 times, at 90 ns and 2 us.
        Assert.That(more.Seconds - less.Seconds, Is.EqualTo(25.0 * (160e6 / 4.0 * 9e-8 + 8000.0 * 2e-6)).Within 1e-6)
        Expect.equal (25L * 8000L * (15L * 8L + 236L)) (more.DiskBytes - less.DiskBytes)

        Expect.equal
            (25L * 8000L * 24L)
            (DifferentialPlan.inMemoryBytes negativeBinomial fakes large
             - DifferentialPlan.inMemoryBytes negativeBinomial shape large)

        let shrunken = plan everything shape
        Assert.That(shrunken.Seconds - less.Seconds, Is.EqualTo(160e6 * 9e-8 + 80000.0 * 2e-5).Within 1e-6)
        // Modes and deviations, and three more columns twice.
        Expect.equal (80000L * (16L + 2L * 24L)) (shrunken.DiskBytes - less.DiskBytes)

    [<Test>]
    let ``DESeq2's analysis holds matrices of the largest comparison`` () =
        let shape = perturbations 3

        let options = {
            negativeBinomial with
                Test = DifferentialTest.Deseq2 Deseq2Screen.defaults
        }

        let bytes options pair =
            DifferentialPlan.inMemoryBytes options { shape with LargestPair = pair } large

        Expect.equal (56L * 8000L * 700L) (bytes options 1700 - bytes options 1000)
        Expect.equal 0L (bytes negativeBinomial 1700 - bytes negativeBinomial 1000)

    [<Test>]
    let ``covariates take memory, and time: numbers for every cell, labels for every entry`` () =
        let seconds shape =
            let made =
                DifferentialPlan.create negativeBinomial None shape large true Int64.MaxValue

            (Expect.ok made).Seconds

        let bytes = DifferentialPlan.inMemoryBytes negativeBinomial
        let none = perturbations 1000
        let labels = { none with Covariates = 3 }
        let numbers = { labels with HasNumbers = true }
        // Three columns: 0.29 us for an entry, or 0.66 us for a cell of a gene, of which there are ten times as many.
        Assert.That(seconds labels - seconds none, Is.EqualTo(160e6 * 2.9e-7).Within 1e-6)
        Assert.That(seconds numbers - seconds none, Is.EqualTo(200_000.0 * 8000.0 * 6.6e-7).Within 1e-6)
        // Three columns thrice, counts, offsets and means of one thread; and coefficients of 1,003 a gene.
        Expect.equal (200_000L * (72L + 80L + 40L) + 8000L * 8L * 1003L) (bytes numbers large - bytes none large)

    [<Test>]
    let ``the shape of a screen tells labels and columns`` () =
        let shape columns =
            let chosen = {
                NegativeBinomialScreen.defaults with
                    Covariates = {
                        CovariateOptions.none with
                            Columns = columns
                    }
            }

            let cells = {
                Screen.cells sample with
                    CellTable =
                        (Screen.cells sample).CellTable
                        |> Table.withColumn "percent" (Column.Float(Array.init 60 float))
            }

            let options = {
                negativeBinomial with
                    Test = DifferentialTest.NegativeBinomial chosen
            }

            let found = DifferentialPlan.shapeOf options cells |> Expect.ok
            found.Perturbations, found.Covariates, found.HasNumbers

        Expect.equal (3, 0, false) (shape [])
        Expect.equal (3, 1, true) (shape [ "percent" ])
        Expect.equal (3, 60, true) (shape [ "percent"; "factor(percent)" ])
        Expect.equal (3, 2, false) (shape [ "perturbation" ])

    // 8 bytes of an entry, 40 of a cell: in memory, and of blocks.
    [<Test>]
    let ``cells that are left out cost a copy of the others`` () =
        let options = {
            negativeBinomial with
                LeaveOutEmpty = false
        }

        let whole = perturbations 1000
        let some = { whole with LeavesOut = true }

        let more =
            DifferentialPlan.inMemoryBytes options some large
            - DifferentialPlan.inMemoryBytes options whole large

        Expect.equal (8L * large.Entries + 40L * large.Cells) more

        Expect.equal
            (8L * 30L)
            (DifferentialPlan.geneBytes options some 30L
             - DifferentialPlan.geneBytes options whole 30L)

        let leavesOut options screen =
            (DifferentialPlan.shapeOf options (Screen.cells screen) |> Expect.ok).LeavesOut

        let unlabelled = {
            sample with
                Labels = sample.Labels |> Array.mapi (fun cell label -> if cell = 59 then " " else label)
        }

        Expect.equal (false, true) (leavesOut options sample, leavesOut options unlabelled)
        Expect.equal true (leavesOut negativeBinomial sample)

    [<Test>]
    let ``the shape of a screen tells its control, its largest comparison and its fake perturbations`` () =
        let shape options =
            let cells =
                Screen.cells {
                    sample with
                        Batches = Array.init 60 (fun cell -> $"g{cell % 8}")
                }

            let found = DifferentialPlan.shapeOf options cells |> Expect.ok
            found.Controls, found.LargestPair, found.Fakes

        let calibrated fakes = {
            negativeBinomial with
                Calibration = Some fakes
        }
        // 30 controls, of four guides; 15 cells of either perturbation.
        Expect.equal (30, 45, 0) (shape negativeBinomial)
        Expect.equal (30, 45, 7) (shape (calibrated (FakePerturbations.Splits(7, 1UL))))
        Expect.equal (30, 45, 4) (shape (calibrated (FakePerturbations.Guides("batch", None))))
        Expect.equal (30, 45, 3) (shape (calibrated (FakePerturbations.Guides("batch", Some 3))))
        Expect.equal (30, 45, 0) (shape (calibrated (FakePerturbations.Guides("none", None))))
        Expect.equal (0, 60, 0) (shape { negativeBinomial with Control = None })

        Expect.equal
            (30, 30, 0)
            (shape {
                negativeBinomial with
                    Contrasts = [ { Label = "a"; Reference = "b" } ]
            })

    [<Test>]
    let ``blocks weigh what is allowed, or have one gene`` () =
        Expect.equal [| 0; 2; 3; 5 |] (GeneBlockFiles.bounds 10L [| 4L; 6L; 11L; 5L; 5L |])
        Expect.equal [| 0 |] (GeneBlockFiles.bounds 10L [||])
