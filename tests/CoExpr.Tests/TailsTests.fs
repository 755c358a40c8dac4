namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module TailsTests =

    let private near relative (expected: float) (actual: float) =
        Assert.That(actual, Is.EqualTo(expected).Within(relative * abs expected))

    // P(Z ≥ 1.96) and its like, from tables of many digits.
    [<TestCase(0.0, 0.5)>]
    [<TestCase(1.0, 0.15865525393145705)>]
    [<TestCase(-1.0, 0.8413447460685429)>]
    [<TestCase(5.0, 2.8665157187919391e-07)>]
    [<TestCase(10.0, 7.6198530241605261e-24)>]
    [<TestCase(37.0, 5.725571222524577e-300)>]
    let ``of the normal distribution`` (z: float, expected: float) =
        near 1e-12 expected (NormalTail.upper z)
        near 1e-14 (log10 expected) (NormalTail.log10Upper z)

    // −z²/2 − ln(z √(2π)) at 100, less the series 1 − 10^-4 + 3·10^-8.
    [<Test>]
    let ``of the normal distribution beyond the smallest double`` () =
        let expected =
            (-5000.0 - log (100.0 * sqrt (2.0 * Math.PI)) + log (1.0 - 1e-4 + 3e-8 - 15e-12))
            / log 10.0

        Assert.That(NormalTail.upper 100.0, Is.Zero)
        near 1e-14 expected (NormalTail.log10Upper 100.0)

    [<Test>]
    let ``the logarithm is continuous where its series begins`` () =
        let below, above =
            NormalTail.log10Upper (30.0 - 1e-9), NormalTail.log10Upper (30.0 + 1e-9)

        Assert.That(below - above, Is.EqualTo(2e-9 * (30.0 + 1.0 / 30.0) / log 10.0).Within(1e-12))

    // With 1 degree of freedom, a Cauchy variable, P = 1 − 2 atan(t)/π; with 2, P = 1 − t/√(2 + t²).
    [<TestCase(0.01)>]
    [<TestCase(0.7)>]
    [<TestCase(3.0)>]
    [<TestCase(1e6)>]
    let ``of Student's t with one and two degrees of freedom`` (t: float) =
        near 1e-13 (2.0 / Math.PI * atan (1.0 / t)) (StudentTail.both 1.0 t)
        let root = sqrt (2.0 + t * t)
        near 1e-13 (2.0 / (root * (root + t))) (StudentTail.both 2.0 t)

    [<TestCase(3.7, 0.4)>]
    [<TestCase(3.7, 4.0)>]
    [<TestCase(58.2, 1.3)>]
    [<TestCase(58.2, 5.0)>]
    [<TestCase(4000.5, 0.02)>]
    [<TestCase(4000.5, 3.0)>]
    let ``of Student's t, from its density`` (degrees: float, t: float) =
        near 1e-8 (WelchT.both degrees t) (StudentTail.both degrees t)

    [<Test>]
    let ``of Student's t with many degrees of freedom is the normal one`` () =
        for z in [ 0.5; 2.0; 6.0 ] do
            near 1e-6 (2.0 * NormalTail.upper z) (StudentTail.both 1e9 z)

    [<Test>]
    let ``of Student's t beyond the smallest double, and at its ends`` () =
        // P ~ 2/π · t^-1 · … for 200 degrees falls as t^-200.
        let drop = StudentTail.log10Both 200.0 1e4 - StudentTail.log10Both 200.0 1e5
        near 1e-4 200.0 drop
        Expect.equal 1.0 (StudentTail.both 5.0 0.0)
        Expect.equal 0.0 (StudentTail.both 5.0 infinity)

    [<Property>]
    let ``one-sided tails add up to 1, and the lower of them is half the two-sided one`` (a: int, b: int) =
        let degrees, t = 1.0 + float (abs (a % 5000)) / 7.0, float (b % 300) / 30.0
        let upper, lower = StudentTail.upper degrees t, StudentTail.upper degrees -t

        abs (upper + lower - 1.0) < 1e-14
        && abs (2.0 * min upper lower - StudentTail.both degrees t) < 1e-14

    [<Property>]
    let ``the farther out, the less`` (a: int, b: int) =
        let degrees, t = 1.0 + float (abs (a % 5000)) / 7.0, float (abs (b % 300)) / 30.0

        StudentTail.both degrees (t + 0.1) < StudentTail.both degrees t
        && NormalTail.upper (t + 0.1) < NormalTail.upper t
