namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

module SignificanceTests =

    let private relative tolerance (expected: float) (actual: float) =
        Assert.That(abs (actual - expected), Is.LessThanOrEqualTo(tolerance * abs expected), $"{expected} {actual}")

    [<Test>]
    let ``p of known quantiles`` () =
        relative 1e-12 0.05 (GTest.pValue 1 3.841458820694124)
        relative 1e-12 0.01 (GTest.pValue 5 15.08627246938899)
        relative 1e-12 (exp -10.0) (GTest.pValue 2 20.0)
        Expect.equal 1.0 (GTest.pValue 0 5.0)
        Expect.equal 1.0 (GTest.pValue 3 0.0)
        // 2 ln 2 · 10 cells · 0.5 bits.
        relative 1e-15 6.931471805599453 (GTest.statistic 0.5<bit> 10)
        Expect.equal 0.0 (GTest.statistic -1e-9<bit> 10)
        Expect.equal 6 (GTest.degrees 3 4)

    [<Test>]
    let ``p of even degrees is a Poisson probability`` () =
        for degrees in 2..2..60 do
            for g in [ 0.01; 0.5; 1.0; 7.0; 30.0; 59.0; 100.0; 400.0; 1000.0 ] do
                relative 1e-11 (Reference.Measures.evenChiSquaredTail degrees g) (GTest.pValue degrees g)

    // With two degrees of freedom p = exp(−g/2), whatever g.
    [<Test>]
    let ``the logarithm of p goes on where p ends`` () =
        for g in [ 1.0; 100.0; 1300.0; 1330.0; 1340.0; 1400.0; 1500.0; 4000.0; 1e6; 1e9 ] do
            relative 1e-13 (-g / 2.0 / log 10.0) (GTest.log10PValue 2 g)

        Expect.equal 0.0 (GTest.pValue 2 4000.0)
        // Four degrees: (1 + g/2) exp(−g/2).
        relative 1e-13 ((-1000.0 + log 1001.0) / log 10.0) (GTest.log10PValue 4 2000.0)

    [<Test>]
    let ``q of a small example`` () =
        // Ranks 2 4 3 1: 0.01 · 4/2, 0.04 · 4/4, 0.03 · 4/3 (as 0.04), 0.005 · 4/1.
        let q = BenjaminiHochberg.adjust [| 0.01; 0.04; 0.03; 0.005 |]
        Array.iter2 (relative 1e-15) [| 0.02; 0.04; 0.04; 0.02 |] q
        Expect.equal [||] (BenjaminiHochberg.adjust [||])
        Expect.equal [| 1.0; 1.0 |] (BenjaminiHochberg.adjust [| 1.0; 1.0 |])
        Expect.refused "1.5 is not from 0 to 1" (fun () -> BenjaminiHochberg.adjust [| 0.5; 1.5 |])
        Expect.refused "NaN is not from 0 to 1" (fun () -> BenjaminiHochberg.adjust [| nan |])

    let private ps (values: (PositiveInt * PositiveInt) list) = [|
        for PositiveInt a, PositiveInt b in values do
            let p = float (min a b) / float (max a b)
            p
            // Far below, too, and twice the same.
            p ** 40.0
            p
    |]

    [<Property>]
    let ``q is the oracle's`` values =
        let ps = ps values
        let expected = Reference.Measures.benjaminiHochberg ps
        Array.iter2 (relative 1e-14) expected (BenjaminiHochberg.adjust ps)

    [<Property>]
    let ``q in a stream is at most 1 in 1,024 above the exact one, and never below`` values =
        let ps = ps values
        let tail = TailCounts()
        // In two parts, the second with room to spare.
        let half = ps.Length / 2
        tail.Add(ps, half)
        tail.Add(Array.append ps[half..] [| 0.5; 0.5 |], ps.Length - half)
        Expect.equal (int64 ps.Length) tail.Total

        for p, exact in Array.zip ps (BenjaminiHochberg.adjust ps) do
            let q = tail.QValue p
            Assert.That(q, Is.GreaterThanOrEqualTo(exact * (1.0 - 1e-14)))
            Assert.That(q, Is.LessThanOrEqualTo(exact * (1.0 + 1.0 / 1024.0 + 1e-14)))

    [<Test>]
    let ``a tail takes p of 0 and of 1, and none after a q`` () =
        let tail = TailCounts()
        tail.Add([| 0.0; 1.0; 5e-324 |], 3)
        Expect.equal 1.0 (tail.QValue 1.0)
        Assert.That(tail.QValue 0.0, Is.LessThan 1e-307)

        let error =
            Expect.throws<InvalidOperationException>(fun () -> tail.Add([| 0.5 |], 1))

        Assert.That(error.Message, Does.Contain "after a q")

    /// 300 cells of 24 genes: the first 8 follow one hidden factor, the others nothing.
    let private cells =
        lazy
            (let random = System.Random 5

             let values = [|
                 for _ in 1..300 do
                     let factor = random.NextDouble()

                     [|
                         for gene in 0..23 do
                             let mean = if gene < 8 then 3.0 * factor * factor else 0.8
                             float32 (Seq.length (Seq.filter (fun _ -> random.NextDouble() < mean / 8.0) [ 1..8 ]))
                     |]
             |]

             let counts = SparseCounts.OfDense(300, 24, Array.concat values)

             Cells.create
                 "made"
                 counts
                 (Table.ofNames (Array.init 300 string))
                 (Table.ofNames (Array.init 24 (fun gene -> $"g{gene}")))
             |> Expect.ok)

    let private tested = {
        Coexpression.defaults with
            Cells = CellsIn.All
            PValues = true
            Keep = Keep.All
            Threads = 2
    }

    let private compute options =
        Coexpression.compute Progress.none options cells.Value |> Expect.ok

    /// p and q of every kept pair.
    let private evidence (result: CoexpressionResult) =
        let tests = result.Tests.Value

        Map [
            for a in 0..23 do
                for partner in result.Scores.Partners a do
                    if partner.Gene > a then
                        let bits = (result.Scores.TryInformation(a, partner.Gene)).Value
                        (a, partner.Gene), (tests.PValue(a, partner.Gene, bits), tests.QValue(a, partner.Gene, bits))
        ]

    let private all = lazy (evidence (compute tested))

    [<Test>]
    let ``q of all pairs of a run is that of the array`` () =
        let pairs = Map.toArray all.Value
        Expect.equal 276 pairs.Length
        let exact = BenjaminiHochberg.adjust (pairs |> Array.map (fun (_, (p, _)) -> p))
        Assert.That(exact |> Array.filter (fun q -> q <= 0.05) |> Array.length, Is.InRange(20, 60))

        for (_, (_, q)), exact in Array.zip pairs exact do
            Assert.That(q, Is.InRange(exact * (1.0 - 1e-14), exact * (1.0 + 1.0 / 1024.0 + 1e-14)))

    [<Test>]
    let ``p and q do not depend on what is kept, on threads, on signs or on the backend`` () =
        let same options =
            let found = evidence (compute options)
            Assert.That(found.Count, Is.GreaterThan 0)

            for KeyValue(pair, expected) in found do
                Expect.equal expected all.Value[pair]

        same { tested with Keep = Keep.Top 3 }

        same {
            tested with
                Keep = Keep.AtLeast 0.05
                Threads = 1
        }

        same {
            tested with
                Keep = Keep.FalseDiscoveryRate 0.1
        }

        same {
            tested with
                Signed = false
                Keep = Keep.Top 2
        }

        same {
            tested with
                Estimator = Estimator.Shrinkage
                Keep = Keep.Top 2
        }

        same {
            tested with
                Measure = Measure.NormalizedInformation NormalizedBy.Joint
        }

        same {
            tested with
                Backend = ScatterBackend(30, 3, 2)
        }

        same {
            tested with
                Backend = Backend.reference
        }

    [<TestCase(0.001)>]
    [<TestCase(0.05)>]
    [<TestCase(0.5)>]
    let ``a false discovery rate keeps the pairs of that q and no others`` (rate: float) =
        let kept =
            evidence (
                compute {
                    tested with
                        Keep = Keep.FalseDiscoveryRate rate
                        PValues = false
                }
            )

        let expected = all.Value |> Map.filter (fun _ (_, q) -> q <= rate)
        Assert.That(expected.Count, Is.InRange(20, 275))
        Expect.equal expected kept

    let private refusals: (string * CoexpressionOptions * string list) list = [
        "either",
        {
            tested with
                Cells = CellsIn.EitherGene
        },
        [ "--p-values yes"; "--cells all is needed"; "depend" ]
        "either, by rate",
        {
            tested with
                Cells = CellsIn.EitherGene
                Keep = Keep.FalseDiscoveryRate 0.05
        },
        [ "--fdr 0.05"; "--cells all is needed" ]
        "correlation",
        {
            tested with
                Measure = Measure.Pearson
        },
        [ "--p-values"; "--measure pearson" ]
        "transform",
        {
            tested with
                Transform = Transform.ContextLikelihood
        },
        [ "--p-values"; "--transform clr" ]
        "rate 0",
        {
            tested with
                Keep = Keep.FalseDiscoveryRate 0.0
        },
        [ "--fdr 0"; "between 0 and 1" ]
        "rate 1",
        {
            tested with
                Keep = Keep.FalseDiscoveryRate 1.0
        },
        [ "--fdr 1"; "between 0 and 1" ]
        "rate NaN",
        {
            tested with
                Keep = Keep.FalseDiscoveryRate nan
        },
        [ "--fdr NaN"; "between 0 and 1" ]
        "estimator",
        {
            Coexpression.defaults with
                Measure = Measure.Jaccard
                Estimator = Estimator.MillerMadow
        },
        [ "--estimator miller-madow"; "--measure jaccard" ]
    ]

    let refused = refusals |> List.map (fun (name, _, _) -> name)

    [<TestCaseSource("refused")>]
    let ``what has no test is refused`` (refusal: string) =
        let _, options, parts = refusals |> List.find (fun (name, _, _) -> name = refusal)
        Expect.says parts (Coexpression.compute Progress.none options cells.Value)
