namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

[<Properties(Arbitrary = [| typeof<SmallDesigns> |], MaxTest = 50)>]
module DispersionLikelihoodTests =

    let private near tolerance expected actual =
        if not (abs (expected - actual) <= tolerance * (1.0 + abs expected)) then
            Assert.Fail $"{actual} where {expected} was expected"

    let private value (counts: float[]) (means: float[]) alpha =
        DispersionLikelihood.Value(counts, means, alpha)

    let private slope (counts: float[]) (means: float[]) alpha =
        DispersionLikelihood.Slope(counts, means, alpha)

    /// Fitted means of a test: something smooth that is not the counts.
    let private means (small: SmallDesign) =
        small.Factors |> Array.map (fun f -> 3.0 * f + 0.01)

    [<Test>]
    let ``of one count, by hand`` () =
        // alpha 1 is a geometric distribution: P(2) with mean 1 is 1/8, less the terms −ln 2! + 2 ln 1.
        near 1e-14 (log (1.0 / 8.0) + log 2.0) ((value [| 2.0 |] [| 1.0 |] (1.0)))
        near 1e-14 (log 0.5) ((value [| 0.0 |] [| 1.0 |] (1.0)))

    [<Property>]
    let ``is that of the gamma functions`` (small: SmallDesign) =
        let means = means small

        let expected =
            Array.map2 (SampleModel.logProbability small.Dispersion) means small.Counts
            |> Array.sum

        let free =
            Array.map2 (fun y m -> y * log m - SampleModel.logGamma (y + 1.0)) small.Counts means
            |> Array.sum

        near 1e-9 (expected - free) ((value small.Counts means (small.Dispersion)))

    [<Property>]
    let ``its slope is its derivative`` (small: SmallDesign) =
        let means = means small
        let at' at = value small.Counts means (exp at)
        let at = log small.Dispersion
        let h = 1e-5
        near 1e-5 ((at' (at + h) - at' (at - h)) / (2.0 * h)) ((slope small.Counts means (exp at)))

    [<TestCase(1e-7)>]
    [<TestCase(1e-9)>]
    [<TestCase(1e-11)>]
    let ``becomes that of Poisson as the dispersion goes to 0`` (alpha: float) =
        // ln P = Poisson + alpha ((y − mu)² − y) / 2 + O(alpha²).
        let counts, means = [| 0.0; 3.0; 1000.0 |], [| 2.0; 2.5; 990.0 |]

        let expected =
            Array.map2 (fun y m -> -m + 0.5 * alpha * ((y - m) * (y - m) - y)) counts means
            |> Array.sum

        // 0 + 3 + 1000: the terms y ln mu and ln y! are left out of both.
        let actual = (value counts means (alpha))
        Assert.That(actual, Is.EqualTo(expected).Within(1e-9 + 1e4 * alpha))

    [<Test>]
    let ``holds for huge counts and every size of dispersion`` () =
        for exponent in -12 .. 3 do
            let alpha = 10.0 ** float exponent
            let found = (value [| 1e9; 0.0 |] [| 1.1e9; 1e-6 |] (alpha))
            let steep = (slope [| 1e9; 0.0 |] [| 1.1e9; 1e-6 |] (alpha))
            Assert.That(Double.IsFinite found && Double.IsFinite steep)

        // Across the change from eightfold products to the series, at a size of 10.
        let at alpha = (value [| 7.0 |] [| 3.0 |] (alpha))
        let steep = (slope [| 7.0 |] [| 3.0 |] (0.1))
        near 1e-6 (steep * 2e-6) (at (0.1 * exp 1e-6) - at (0.1 * exp -1e-6))

[<Properties(Arbitrary = [| typeof<SmallDesigns> |], MaxTest = 20)>]
module CoxReidDispersionTests =

    let private found search (design: Design) (small: SmallDesign) =
        let means =
            small.Factors |> Array.map (fun f -> f * (0.5 + Array.average small.Counts))

        let space = DispersionSpace(design, small.Counts, means)
        CoxReidDispersion.ofGene search design space 0.1, means, space

    [<Property>]
    let ``is the maximum of the adjusted likelihood`` (small: SmallDesign) =
        let design = Bulk.design "~ batch + condition" small.Table
        let alpha, means, _ = found DispersionSearch.Exact design small
        let rows = Bulk.rows design
        let profile = SampleModel.adjustedProfile rows means small.Counts
        let best = SampleModel.dispersion 14.0 rows means small.Counts
        // Below 1e-6 the likelihood no longer depends on it.
        alpha <= 1e-6 && best <= 1e-5 || profile alpha >= profile best - 1e-7

    [<Property>]
    let ``ascent comes within a hundredth of the maximum's likelihood`` (small: SmallDesign) =
        let design = Bulk.design "~ condition" small.Table
        let exact, _, space = found DispersionSearch.Exact design small
        let ascended, _, _ = found DispersionSearch.Ascent design small

        let value alpha =
            space.Value(CoxReidDispersion.flat, log alpha)

        value ascended <= value exact + 1e-9 && value ascended >= value exact - 0.05

    [<Property>]
    let ``a prior draws it towards the trend, the more the narrower it is`` (small: SmallDesign) =
        let design = Bulk.design "~ condition" small.Table
        let own, _, space = found DispersionSearch.Exact design small

        let drawn variance =
            CoxReidDispersion.withPrior DispersionSearch.Exact design space 0.2 variance own

        let distance alpha = abs (log (alpha / 0.2))

        distance (drawn 1e-8) < 1e-3
        && distance (drawn 0.1) <= distance (drawn 1.0) + 1e-6

    [<Test>]
    let ``of Poisson counts that vary less is the smallest`` () =
        let design = Bulk.design "~ condition" (Bulk.conditions [ "a", 4; "b", 4 ])
        let counts = Array.create 8 100.0
        let space = DispersionSpace(design, counts, counts)
        Expect.equal 1e-8 (CoxReidDispersion.ofGene DispersionSearch.Exact design space 0.1)

module MeanDispersionTrendTests =

    [<Test>]
    let ``finds the curve that dispersions lie on`` () =
        let means = [| 1.0; 3.0; 10.0; 40.0; 300.0; 2000.0; 9.0; 77.0 |]
        let curve mean = 0.05 + 3.0 / mean

        match
            MeanDispersionTrend.fit TrendKind.Parametric means (means |> Array.map curve)
            |> Expect.ok
        with
        | DispersionTrend.Parametric(asymptotic, extra) ->
            Assert.That(asymptotic, Is.EqualTo(0.05).Within 1e-9)
            Assert.That(extra, Is.EqualTo(3.0).Within 1e-9)
        | other -> Assert.Fail $"{other}"

    [<Test>]
    let ``falls back to a local fit where dispersions rise with the mean`` () =
        let means = Array.init 40 (fun at -> exp (0.2 * float at))
        let dispersions = means |> Array.map (fun mean -> 0.01 * sqrt mean)

        let trend =
            MeanDispersionTrend.fit TrendKind.Parametric means dispersions |> Expect.ok

        Expect.equal "local" (MeanDispersionTrend.kind trend)

        for mean in [ 1.0; 7.0; 500.0 ] do
            Assert.That(MeanDispersionTrend.at trend mean, Is.EqualTo(0.01 * sqrt mean).Within(0.1).Percent)

    [<Test>]
    let ``the mean leaves genes without dispersion out`` () =
        let trend =
            MeanDispersionTrend.fit TrendKind.Mean [| 1.0; 2.0; 3.0 |] [| 1e-8; 0.2; 0.4 |]
            |> Expect.ok

        Assert.That(MeanDispersionTrend.at trend 5.0, Is.EqualTo(0.3).Within 1e-12)

    [<Test>]
    let ``says when no gene varies more than Poisson`` () =
        for kind in [ TrendKind.Parametric; TrendKind.Local; TrendKind.Mean ] do
            MeanDispersionTrend.fit kind [| 5.0; 6.0 |] [| 1e-8; 1e-8 |]
            |> Expect.says [ "genes with a dispersion above 1e-6"; "fixed dispersions" ]

    [<Property>]
    let ``the order of genes changes no bit`` (seed: int) =
        let stream =
            Random.stream (uint64 (abs (int64 seed))) (Purpose.named "trend test") 0

        let means = Array.init 30 (fun _ -> exp (6.0 * stream.Uniform()))

        let dispersions =
            means |> Array.map (fun m -> (0.1 + 1.0 / m) * exp (0.5 * stream.Normal()))

        let fit order kind =
            MeanDispersionTrend.fit kind (order means) (order dispersions)

        [ TrendKind.Parametric; TrendKind.Local; TrendKind.Mean ]
        |> List.forall (fun kind -> fit id kind = fit Array.rev kind)

module DispersionPriorTests =

    [<Test>]
    let ``trigamma has its known values`` () =
        // ψ'(1) = π²/6, ψ'(1/2) = π²/2, ψ'(2) = π²/6 − 1.
        Assert.That(DispersionPrior.trigamma 1.0, Is.EqualTo(Math.PI * Math.PI / 6.0).Within 1e-14)
        Assert.That(DispersionPrior.trigamma 0.5, Is.EqualTo(Math.PI * Math.PI / 2.0).Within 1e-14)
        Assert.That(DispersionPrior.trigamma 2.0, Is.EqualTo(Math.PI * Math.PI / 6.0 - 1.0).Within 1e-14)
        Assert.That(DispersionPrior.trigamma 40.0, Is.EqualTo(0.02531510384).Within 1e-10)
        Expect.refused "0" (fun () -> DispersionPrior.trigamma 0.0)

    [<Test>]
    let ``is the spread of the residuals less their sampling variance`` () =
        // Residuals −1, 0, 1, 2, 3 around 1: deviations 2, 1, 0, 1, 2, median 1.
        let own = [| -1.0; 0.0; 1.0; 2.0; 3.0 |] |> Array.map (fun r -> 0.1 * exp r)
        let prior = DispersionPrior.estimate 10 own (Array.create 5 0.1)
        Assert.That(prior.ObservedVariance, Is.EqualTo(1.4826 * 1.4826).Within 1e-9)
        Assert.That(prior.Variance, Is.EqualTo(1.4826 * 1.4826 - DispersionPrior.trigamma 5.0).Within 1e-9)

    [<Test>]
    let ``is never below a quarter`` () =
        let prior = DispersionPrior.estimate 30 (Array.create 9 0.1) (Array.create 9 0.1)
        Expect.equal 0.25 prior.Variance

    [<TestCase(1, 1.0)>]
    [<TestCase(2, 2.0)>]
    [<TestCase(3, 0.5)>]
    let ``with few degrees of freedom it is matched to the residuals' distribution`` (degrees: int, variance: float) =
        let residuals =
            Array.init 20000 (fun at ->
                let stream = Random.stream 5UL (Purpose.named "prior test") at
                let chi = Seq.init degrees (fun _ -> pown (stream.Normal()) 2) |> Seq.sum
                log (chi / float degrees) + sqrt variance * stream.Normal())

        let found = DispersionPrior.matched degrees residuals
        Assert.That(found, Is.EqualTo(variance).Within 0.15)

module LocalRegressionTests =

    [<Test>]
    let ``gives a quadratic back, with its slope`` () =
        let x = [| 0.0..0.5..10.0 |]
        let y = x |> Array.map (fun x -> 3.0 - 2.0 * x + 0.5 * x * x)

        let struct (value, slope) =
            LocalRegression.at 2 0.7 x y (Array.create x.Length 1.0) 4.2

        Assert.That(value, Is.EqualTo(3.0 - 8.4 + 0.5 * 4.2 * 4.2).Within 1e-10)
        Assert.That(slope, Is.EqualTo(-2.0 + 4.2).Within 1e-10)

    [<Test>]
    let ``lowess gives a line back and lets outliers go`` () =
        let x = [| 0.0 .. 19.0 |]
        let y = x |> Array.map (fun x -> 1.0 + 2.0 * x) |> Array.updateAt 7 500.0
        let fitted = LocalRegression.lowess 0.6 x y

        for at in 0..19 do
            Assert.That(fitted[at], Is.EqualTo(1.0 + 2.0 * x[at]).Within 1e-6)

    // lowess(1:8, c(1, 3, 2, 5, 4, 8, 6, 9), f = 0.5) of R 4.2.2.
    [<Test>]
    let ``lowess gives what R gives`` () =
        let fitted =
            LocalRegression.lowess 0.5 [| 1.0 .. 8.0 |] [| 1.; 3.; 2.; 5.; 4.; 8.; 6.; 9. |]

        let expected: float[] = [|
            1.34794397
            2.14103258
            3.15181724
            3.86321182
            5.42699946
            6.24904119
            7.44043085
            8.44928784
        |]

        Bulk.close 1e-6 expected (fitted)

    [<Test>]
    let ``trimmed means, medians and quantiles by hand`` () =
        Expect.equal 3.0 (OrderStatistics.median [| 9.0; 3.0; 1.0 |])
        Expect.equal 2.0 (OrderStatistics.median [| 3.0; 1.0 |])
        Expect.equal 3.0 (OrderStatistics.trimmedMean 0.2 [| 100.0; 2.0; 3.0; 4.0; -50.0 |])
        Expect.equal 2.5 (OrderStatistics.quantileOfSorted 0.25 [| 1.0; 3.0; 5.0 |] |> fun q -> q + 0.5)
        Assert.That(OrderStatistics.median [||], Is.NaN)
