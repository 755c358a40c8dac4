namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open MathNet.Numerics
open MathNet.Numerics.Distributions
open CoExpr

/// Dispersions from 0 to 100 and means from 1e-9 to 1e4, evenly on a logarithmic scale.
type CountDistribution = { Alpha: float; Mean: float }

type CountDistributions =
    static member Any() =
        gen {
            let! alpha = Gen.choose (-1200, 200)
            let! mean = Gen.choose (-900, 400)

            return {
                Alpha = if alpha < -1000 then 0.0 else 10.0 ** (float alpha / 100.0)
                Mean = 10.0 ** (float mean / 100.0)
            }
        }
        |> Arb.fromGen

module DistributionsTests =

    let private draws = 20_000

    let private stream item =
        Random.stream 20UL (Purpose.named "tests of distributions") item

    let private sample (draw: RandomStream -> 'a) =
        let source = stream 0
        Array.init draws (fun _ -> draw source)

    /// Largest distance of the empirical distribution function from F, times √n. Above 2.0 once in 1,500 samples.
    let private kolmogorov (cdf: float -> float) (values: float[]) =
        let n = float values.Length

        values
        |> Array.sort
        |> Array.mapi (fun i x -> max (abs (cdf x - float i / n)) (abs (cdf x - float (i + 1) / n)))
        |> Array.max
        |> (*) (sqrt n)

    /// Pearson's test of counts against their probabilities, counts in bins that are expected 10 times or more. The
    /// P value.
    let private chiSquare (probability: int -> float) (counts: int64[]) =
        let n = float counts.Length
        let seen = counts |> Array.countBy int |> dict
        let mutable statistic, bins, expected, observed, total = 0.0, 0, 0.0, 0.0, 0.0
        let mutable k = 0

        let close (expected: float) observed =
            statistic <- statistic + (observed - expected) ** 2.0 / expected
            bins <- bins + 1

        while n * (1.0 - total) > 20.0 do
            expected <- expected + n * probability k
            total <- total + probability k

            observed <-
                observed
                + (match seen.TryGetValue k with
                   | true, times -> float times
                   | _ -> 0.0)

            if expected >= 10.0 then
                close expected observed
                expected <- 0.0
                observed <- 0.0

            k <- k + 1

        let above =
            counts |> Array.sumBy (fun count -> if count >= int64 k then 1.0 else 0.0)

        close (expected + n * (1.0 - total)) (observed + above)
        SpecialFunctions.GammaUpperRegularized(0.5 * float (bins - 1), 0.5 * statistic)

    /// How many standard errors the sample's mean and variance are from the true ones. The variance's own variance is
    /// taken from the sample.
    let private momentScores mean variance (values: float[]) =
        let n = float values.Length
        let squares = values |> Array.map (fun x -> (x - mean) ** 2.0)
        let spread = squares |> Array.averageBy (fun s -> (s - variance) ** 2.0)
        (Array.average values - mean) / sqrt (variance / n), (Array.average squares - variance) / sqrt (spread / n)

    /// MathNet takes everything below 1e-15 for 0, where half of the draws of shape 0.02 are; there, the power series.
    let private gammaCdf shape x =
        if x < 1e-9 then
            x ** shape / SpecialFunctions.Gamma(shape + 1.0)
        else
            Gamma.CDF(shape, 1.0, x)

    [<Test>]
    let ``gamma draws have the gamma distribution``
        ([<Values(0.02, 0.3, 0.95, 1.0, 1.5, 10.0, 1000.0, 1e6)>] shape: float)
        =
        let drawn = sample (Distributions.gamma shape)
        Assert.That(kolmogorov (gammaCdf shape) drawn, Is.LessThan 2.0)

    [<Test>]
    let ``gamma draws have mean and variance of their shape`` ([<Values(0.1, 1.0, 7.0)>] shape: float) =
        let mean, variance = momentScores shape shape (sample (Distributions.gamma shape))
        Assert.That(abs mean, Is.LessThan 4.0)
        Assert.That(abs variance, Is.LessThan 4.0)

    [<Test>]
    let ``Poisson draws have the Poisson distribution``
        ([<Values(0.01, 0.5, 3.0, 9.999, 10.0, 11.0, 25.0, 100.0, 1000.0)>] mean: float)
        =
        let drawn = sample (Distributions.poisson mean)
        Assert.That(chiSquare (fun k -> Poisson.PMF(mean, k)) drawn, Is.GreaterThan 1e-3)

    [<Test>]
    let ``Poisson of mean 0 is 0`` () =
        Assert.That(sample (Distributions.poisson 0.0), Is.All.EqualTo 0L)

    [<Test>]
    let ``Poisson draws of a huge mean have its mean and variance`` () =
        let mean, variance =
            momentScores 1e9 1e9 (sample (Distributions.poisson 1e9) |> Array.map float)

        Assert.That(abs mean, Is.LessThan 4.0)
        Assert.That(abs variance, Is.LessThan 4.0)

    let private mass alpha mean k =
        let size = 1.0 / alpha

        exp (
            SpecialFunctions.GammaLn(float k + size)
            - SpecialFunctions.GammaLn size
            - SpecialFunctions.GammaLn(float k + 1.0)
            - size * log (1.0 + alpha * mean)
            + float k * log (alpha * mean / (1.0 + alpha * mean))
        )

    [<Test; Combinatorial>]
    let ``negative binomial draws have that distribution``
        ([<Values(0.05, 0.5, 2.0, 20.0)>] alpha: float)
        ([<Values(0.05, 1.0, 30.0, 300.0)>] mean: float)
        =
        let drawn = sample (Distributions.negativeBinomial alpha mean)
        Assert.That(chiSquare (mass alpha mean) drawn, Is.GreaterThan 1e-3)

    [<Test; Combinatorial>]
    let ``their variance is mean + alpha mean^2``
        ([<Values(0.0, 0.1, 1.0)>] alpha: float)
        ([<Values(0.1, 2.0, 50.0)>] mean: float)
        =
        let drawn = sample (Distributions.negativeBinomial alpha mean) |> Array.map float
        let meanScore, varianceScore = momentScores mean (mean + alpha * mean * mean) drawn
        Assert.That(abs meanScore, Is.LessThan 4.0)
        Assert.That(abs varianceScore, Is.LessThan 4.0)

    // On both sides of the mean at which the method changes.
    [<Test; Combinatorial>]
    let ``positive negative binomial draws have that distribution without its zeros``
        ([<Values(0.0, 0.3, 4.0)>] alpha: float)
        ([<Values(0.01, 1.0, 24.0, 26.0)>] mean: float)
        =
        let whole k =
            if alpha = 0.0 then
                Poisson.PMF(mean, k)
            else
                mass alpha mean k

        let positive k =
            if k = 0 then 0.0 else whole k / (1.0 - whole 0)

        let drawn = sample (Distributions.positiveNegativeBinomial alpha mean)
        Assert.That(chiSquare positive drawn, Is.GreaterThan 1e-3)

    [<Test>]
    let ``dispersion 0 is Poisson, draw for draw`` ([<Values(0.3, 40.0)>] mean: float) =
        let poisson = sample (Distributions.poisson mean)
        Assert.That(sample (Distributions.negativeBinomial 0.0 mean), Is.EqualTo<int64[]> poisson)

    // (1 + 1/2 · 2)^(−2) = 1/4.
    [<TestCase(1.0, 1.0, 0.5)>]
    [<TestCase(0.5, 2.0, 0.75)>]
    [<TestCase(2.0, 4.0, 0.66666666666666663)>]
    [<TestCase(0.0, 0.69314718055994529, 0.5)>]
    [<TestCase(1e-14, 0.69314718055994529, 0.5)>]
    [<TestCase(0.5, 1e-12, 9.9999999999925e-13)>]
    let ``the chance of a count above 0 is 1 − (1 + alpha mean)^(−1/alpha)`` alpha mean (expected: float) =
        Assert.That(Distributions.nonZeroProbability alpha mean, Is.EqualTo(expected).Within(1e-12).Percent)

    [<Property(Arbitrary = [| typeof<CountDistributions> |], MaxTest = 500)>]
    let ``the chance of a count above 0 falls with the dispersion, and is at most the mean`` d =
        let chance = Distributions.nonZeroProbability d.Alpha d.Mean
        let higher = Distributions.nonZeroProbability (2.0 * d.Alpha + 1e-6) d.Mean

        chance > 0.0
        && chance <= min 1.0 d.Mean * (1.0 + 1e-12)
        && higher <= chance * (1.0 + 1e-12)

    [<Property(Arbitrary = [| typeof<CountDistributions> |], MaxTest = 500)>]
    let ``the chance of a count above 0 is that of its definition`` d =
        d.Alpha < 1e-6
        || d.Mean < 1e-4
        || abs (
            Distributions.nonZeroProbability d.Alpha d.Mean
            - (1.0 - (1.0 + d.Alpha * d.Mean) ** (-1.0 / d.Alpha))
        )
            <
            1e-9

    [<Property(Arbitrary = [| typeof<CountDistributions> |], MaxTest = 500)>]
    let ``a positive count is positive, and the same for the same stream`` d (NonNegativeInt item) =
        let first = Distributions.positiveNegativeBinomial d.Alpha d.Mean (stream item)

        first >= 1L
        && first = Distributions.positiveNegativeBinomial d.Alpha d.Mean (stream item)

    [<Test>]
    let ``arguments for which there is no distribution are refused with their value`` () =
        let source = stream 0

        let refused (draw: unit -> obj) part =
            Assert.That(Action(draw >> ignore), Throws.ArgumentException.With.Message.Contains part)

        refused (fun () -> box (Distributions.gamma 0.0 source)) "0 is not above 0"
        refused (fun () -> box (Distributions.gamma nan source)) "NaN is not above 0"
        refused (fun () -> box (Distributions.poisson -1.0 source)) "-1 is not 0 or more"
        refused (fun () -> box (Distributions.poisson infinity source)) "is not 0 or more and finite"
        refused (fun () -> box (Distributions.negativeBinomial -0.5 1.0 source)) "-0.5 is not 0 or more"
        refused (fun () -> box (Distributions.positiveNegativeBinomial 1.0 0.0 source)) "0 is not above 0"
