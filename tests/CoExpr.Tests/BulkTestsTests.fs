namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module TailTests =

    [<Test>]
    let ``tails have their known values, far out too`` () =
        Assert.That(NormalTail.upper 1.959963984540054, Is.EqualTo(0.025).Within 1e-15)
        Assert.That(NormalTail.upper 10.0 / 7.61985302416047e-24, Is.EqualTo(1.0).Within 1e-12)
        Assert.That(StudentTail.upper 5.0 2.570581835636314, Is.EqualTo(0.025).Within 1e-12)
        Assert.That(StudentTail.upper 5.0 -2.570581835636314, Is.EqualTo(0.975).Within 1e-12)
        // One degree of freedom: Cauchy, 1/2 − arctan(t)/π.
        Assert.That(StudentTail.upper 1.0 3.0, Is.EqualTo(0.5 - Math.Atan 3.0 / Math.PI).Within 1e-13)
        Assert.That(ChiSquaredTail.upper 2 5.0, Is.EqualTo(exp -2.5).Within 1e-14)
        Expect.equal 0.0 (StudentTail.upper 3.0 infinity)

    [<Test>]
    let ``the quantile of F is that of tables`` () =
        Assert.That(Tail.fisherQuantile 3.0 10.0 0.99, Is.EqualTo(6.552312557).Within 1e-7)
        Assert.That(Tail.fisherQuantile 2.0 4.0 0.95, Is.EqualTo(6.94427191).Within 1e-7)

module CoefficientTestTests =

    let private wald = CoefficientTest.wald TestDistribution.Normal

    [<Test>]
    let ``of an estimate of two standard errors`` () =
        let struct (statistic, p) = wald Alternative.GreaterAbs 0.0 -2.0 1.0
        Expect.equal -2.0 statistic
        Assert.That(p, Is.EqualTo(0.04550026389635842).Within 1e-15)
        let struct (over, q) = wald Alternative.GreaterAbs 0.5 2.0 1.0
        Expect.equal 1.5 over
        Assert.That(q, Is.EqualTo(2.0 * 0.06680720126885807).Within 1e-14)

    [<Test>]
    let ``alternatives by hand`` () =
        let struct (s1, p1) = wald Alternative.Greater 1.0 2.0 0.5
        Expect.equal 2.0 s1
        Assert.That(p1, Is.EqualTo(0.02275013194817921).Within 1e-15)
        let struct (s2, p2) = wald Alternative.Less 1.0 2.0 0.5
        Expect.equal 0.0 s2
        Assert.That(p2, Is.GreaterThan 0.999)
        let struct (s3, p3) = wald Alternative.LessAbs 2.0 1.0 0.5
        Expect.equal 2.0 s3
        Assert.That(p3, Is.EqualTo(0.02275013194817921).Within 1e-15)
        let struct (s4, _) = wald Alternative.LessAbs 1.0 3.0 0.5
        Expect.equal 0.0 s4

    [<Property>]
    let ``the two sides mirror each other`` (NormalFloat x) (PositiveInt e) =
        let estimate, error = x % 10.0, float e / 7.0
        let struct (a, p) = wald Alternative.Greater 0.5 estimate error
        let struct (b, q) = wald Alternative.Less 0.5 -estimate error
        a = -b && abs (p - q) < 1e-12

    [<Property>]
    let ``a higher threshold is harder to exceed`` (NormalFloat x) =
        let struct (_, low) = wald Alternative.GreaterAbs 0.1 (x % 5.0) 0.3
        let struct (_, high) = wald Alternative.GreaterAbs 0.7 (x % 5.0) 0.3
        low <= high

    [<Test>]
    let ``the likelihood ratio is not below 0`` () =
        let struct (statistic, p) = CoefficientTest.likelihoodRatio 1 -100.0 -99.999999
        Expect.equal 0.0 statistic
        Expect.equal 1.0 p
        let struct (_, q) = CoefficientTest.likelihoodRatio 2 -97.5 -100.0
        Assert.That(q, Is.EqualTo(exp -2.5).Within 1e-14)

module CooksDistanceTests =

    let private design = Bulk.design "~ condition" (Bulk.conditions [ "a", 4; "b", 4 ])

    let private fit counts dispersion =
        (GeneralizedLinearModel.fit 1 RegressionOptions.standard design (Bulk.counts [| counts |]) (Array.create 8 1.0) [|
            dispersion
         |]
         |> Expect.ok)[0]

    [<Test>]
    let ``of equal groups by hand`` () =
        let counts = [| 8.0; 12.0; 10.0; 10.0; 5.0; 5.0; 5.0; 5.0 |]
        let distances = CooksDistance.distances design 0.1 counts (fit counts 0.1)
        // Means 10 and 5, leverages 1/4: (8 − 10)² / (10 + 0.1 · 100) / 2 · (1/4) / (3/4)².
        Assert.That(distances[0], Is.EqualTo(4.0 / 20.0 / 2.0 * 0.25 / 0.5625).Within 1e-6)
        Assert.That(distances[4], Is.EqualTo(0.0).Within 1e-6)

    [<Test>]
    let ``the robust dispersion by hand`` () =
        // a: trimmed to the middle two of 8, 10, 10, 12; deviations 4, 0, 0, 4 trimmed to 0, 4: 1.86 · 2 = 3.72.
        // b: deviations 0. Mean 7.5: (3.72 − 7.5) / 56.25 is below the floor.
        Expect.equal 0.04 (CooksDistance.robustDispersion design [| 8.0; 12.0; 10.0; 10.0; 5.0; 5.0; 5.0; 5.0 |])
        // a: 0, 10, 30, 100: centre 20; deviations 400, 100, 100, 6400: 1.86 · 250 = 465, b less. Mean 20.
        let spread = [| 0.0; 10.0; 30.0; 100.0; 5.0; 5.0; 5.0; 5.0 |]
        Assert.That(CooksDistance.robustDispersion design spread, Is.EqualTo((465.0 - 20.0) / 400.0).Within 1e-12)

    [<Test>]
    let ``outliers are replaced by the trimmed mean where it is allowed`` () =
        let counts = [| 1000.0; 12.0; 10.0; 10.0; 5.0; 6.0; 5.0; 7.0 |]
        let distances = CooksDistance.distances design 0.04 counts (fit counts 0.5)
        let factors = Array.init 8 (fun at -> if at = 0 then 2.0 else 1.0)
        let cutoff = 0.5 * distances[0]

        let replaced =
            CooksDistance.replaced cutoff (Array.create 8 true) distances counts factors
        // 500, 12, 10, 10, 5, 6, 5, 7 without one at each end: 50 / 6, times 2, rounded down.
        Expect.equal (Some(Array.updateAt 0 16.0 counts)) replaced
        Expect.equal None (CooksDistance.replaced cutoff (Array.create 8 false) distances counts factors)
        Expect.equal None (CooksDistance.replaced infinity (Array.create 8 true) distances counts factors)

    [<Test>]
    let ``the cutoff is a quantile of F`` () =
        Assert.That(CooksDistance.cutoff OutlierRule.FisherQuantile design, Is.EqualTo(10.92476650).Within 1e-6)
        Expect.equal 3.0 (CooksDistance.cutoff (OutlierRule.Above 3.0) design)
        Expect.equal infinity (CooksDistance.cutoff OutlierRule.Never design)

module IndependentFilterTests =

    [<Test>]
    let ``leaves genes of no chance out`` () =
        // 100 genes of high means and small p, 900 of low means and p spread over 0 to 1.
        let means =
            Array.init 1000 (fun at -> if at < 100 then 1000.0 + float at else float at / 100.0)

        let p =
            Array.init 1000 (fun at ->
                if at < 100 then
                    0.0005 * float (at + 1)
                else
                    float at / 1000.0)

        let filtered, choice = IndependentFilter.choose 0.1 means p
        let plain = IndependentFilter.adjust (Array.create 1000 true) p

        let found (q: float[]) =
            q |> Array.filter (fun q -> q < 0.1) |> Array.length

        Assert.That(found filtered, Is.EqualTo choice.Rejections)
        Assert.That(found filtered, Is.GreaterThan(found plain))

        for at in 0..999 do
            Expect.equal (means[at] < choice.Threshold) (Double.IsNaN filtered[at])

    [<Test>]
    let ``few findings choose the lowest threshold`` () =
        let adjusted, choice =
            IndependentFilter.choose 0.1 [| 0.0; 1.0; 2.0; 3.0 |] [| nan; 0.001; 0.9; 0.5 |]

        Expect.equal 0.25 choice.Share
        // The quantile at 0.25 is 0.75: three genes.
        Bulk.close 1e-12 [| nan; 0.003; 0.9; 0.75 |] (adjusted)

    [<Property>]
    let ``without means to tell them apart it is Benjamini and Hochberg's`` (values: PositiveInt[]) =
        values.Length = 0
        || (let p = values |> Array.map (fun (PositiveInt v) -> 1.0 / float (v + 1))
            let adjusted, _ = IndependentFilter.choose 0.1 (Array.create p.Length 5.0) p
            adjusted = BenjaminiHochberg.adjust p)

[<Properties(Arbitrary = [| typeof<SmallDesigns> |], MaxTest = 25)>]
module CauchyShrinkageTests =

    let private shrink scale (small: SmallDesign) =
        let design = Bulk.design "~ batch + condition" small.Table
        let counts = Bulk.counts [| small.Counts |]

        let fit =
            (GeneralizedLinearModel.fit 1 RegressionOptions.standard design counts small.Factors [| small.Dispersion |]
             |> Expect.ok)[0]

        let posterior = CauchyShrinkage.Posterior(design, 2, scale)
        design, fit, posterior.Shrink(small.Counts, small.Factors, small.Dispersion, fit.Coefficients)

    [<Property>]
    let ``is the lowest point of the objective along the coefficient`` (small: SmallDesign) =
        let scale = 0.3
        let design, fit, shrunk = shrink scale small

        let objective =
            SampleModel.shrinkageObjective small.Dispersion (Bulk.rows design) small.Factors small.Counts 2 scale

        // The best of the others at each of 41 values of the target.
        let others b =
            let free (x: float[]) = -(objective [| x[0]; x[1]; b |])
            let best = SampleModel.maximize free [| fit.Coefficients[0]; fit.Coefficients[1] |]
            -(free best)

        let reached = others (shrunk.Log2FoldChange * log 2.0)
        let lowest = [ -4.0 .. 0.2..4.0 ] |> List.map others |> List.min

        if not (shrunk.Converged && reached <= lowest + 1e-6) then
            Assert.Fail $"{shrunk}: {reached} where {lowest} can be reached"

    [<Property>]
    let ``draws towards 0, and not at all with a wide prior`` (small: SmallDesign) =
        let _, _, narrow = shrink 1e-3 small
        let design, fit, wide = shrink 1e6 small

        // Without a prior of its own, but with that of the others, which moves it a little where they are nearly collinear.
        let free =
            SampleModel.shrinkageObjective small.Dispersion (Bulk.rows design) small.Factors small.Counts 2 infinity

        let mode = SampleModel.maximize (free >> (~-)) fit.Coefficients
        let unshrunken = mode[2] / log 2.0

        abs narrow.Log2FoldChange <= abs unshrunken + 1e-6
        && abs (wide.Log2FoldChange - unshrunken) < 1e-4 * (1.0 + abs unshrunken)

    [<Property>]
    let ``its error is that of the curvature`` (small: SmallDesign) =
        let design, fit, shrunk = shrink 0.5 small

        let objective =
            SampleModel.shrinkageObjective small.Dispersion (Bulk.rows design) small.Factors small.Counts 2 0.5

        let start = Array.updateAt 2 (shrunk.Log2FoldChange * log 2.0) fit.Coefficients
        let mode = SampleModel.maximize (objective >> (~-)) start
        let covariance = SampleModel.inverse (SampleModel.hessian objective mode)
        let expected = sqrt covariance[2].[2] / log 2.0
        abs (shrunk.StandardError - expected) <= 2e-3 * expected
