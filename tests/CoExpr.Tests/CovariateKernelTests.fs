namespace CoExpr.Tests

open System
open System.Runtime.Intrinsics
open NUnit.Framework
open CoExpr.Kernels
open CoExpr.Tests

module CovariateKernelTests =

    module Oracle = CoExpr.Reference.NegativeBinomialRegression
    module One = CoExpr.Reference.NegativeBinomial

    let private near tolerance (expected: float) (actual: float) what =
        Assert.That(
            abs (expected - actual) <= tolerance * (1.0 + abs expected),
            $"{what}: expected {expected:R}, is {actual:R}"
        )

    let private alphas = [ 1e-12; 0.02; 0.5; 3.0 ]

    let private samples = [
        for seed in 1..4 do
            let cells = [| 40; 17; 8 + seed; 30 |]
            CovariateSample.ofStrata seed cells [| 2.0; 1.0; 4.0 |] [| 0.8; -0.5 |]
            CovariateSample.ofStrata (10 + seed) cells [| 0.2; 0.3 |] [| 0.3; 0.9 |]
            CovariateSample.ofNumbers (20 + seed) cells [| 2.0; 9.0; 0.6 |] [| 1.5; 0.4 |]
    ]

    let private hasStrata (sample: CovariateSample) =
        sample.Columns[0] |> Array.distinct |> Array.length < 4

    /// Over cells, and over strata where there are any.
    let private units sample = [
        CovariateSample.cells sample
        if hasStrata sample then
            CovariateSample.strata sample
    ]

    let private fitted alpha (units: CovariateUnits) =
        let at = CovariateCoefficients(units.Groups, units.Columns)
        CovariateFit.Start(units, at)
        Assert.That(CovariateFit(units).Solve(at, alpha, TiedIntercept.Free()))
        at

    [<Test>]
    let ``exponentials are right to two units of the last place`` () =
        let random = System.Random 5

        for _ in 1..20000 do
            let x = 1400.0 * (random.NextDouble() - 0.5)
            let x = if random.Next 2 = 0 then x else x / 200.0
            let found = (Lanes8.Exp(Vector512.Create x)).GetElement 3
            let expected = Math.Exp x
            Assert.That(abs (found - expected) <= 4.5e-16 * expected, $"e^{x}: {expected:R} {found:R}")

    [<Test>]
    let ``exponentials at their edges`` () =
        let exp x =
            (Lanes8.Exp(Vector512.Create(x: float))).GetElement 0

        Expect.equal 1.0 (exp 0.0)
        Expect.equal (exp 700.0) (exp 900.0)
        Expect.equal (exp -700.0) (exp -1e9)
        Assert.That(exp -700.0 > 0.0)

    // 0 to 67 cells: nothing, less than eight, whole eights and every remainder.
    [<Test>]
    let ``sums are those of the definition at every length`` ([<Range(0, 67)>] length: int) =
        let sample =
            CovariateSample.ofNumbers length [| length; 67 - length |] [| 1.5 |] [| 0.7; -0.3 |]

        let units = CovariateSample.cells sample
        let alpha, slopes, intercepts = 0.3, [| 0.4; -0.2 |], [| 0.3; -0.1 |]

        let mean cell =
            sample.Sizes[cell]
            * exp (
                intercepts[sample.GroupOf[cell]]
                + slopes[0] * sample.Columns[0][cell]
                + slopes[1] * sample.Columns[1][cell]
            )

        let sums = GroupSums 2

        for group in 0..1 do
            let members = [| 0..66 |] |> Array.filter (fun cell -> sample.GroupOf[cell] = group)
            let sum f = members |> Array.sumBy f
            let x i cell = sample.Columns[i][cell]
            let r cell = 1.0 / (1.0 + alpha * mean cell)

            let score cell =
                (sample.Counts[cell] - mean cell) * r cell

            let weight cell =
                mean cell * (1.0 + alpha * sample.Counts[cell]) * r cell * r cell

            let agree (score: int -> float) weight =
                near 1e-12 (sum score) sums.Score "score"
                near 1e-12 (sum weight) sums.Weight "weight"

                for i in 0..1 do
                    near 1e-12 (sum (fun cell -> score cell * x i cell)) sums.ScoreX[i] "score x"
                    near 1e-12 (sum (fun cell -> weight cell * x i cell)) sums.WeightX[i] "weight x"

                    for j in 0..i do
                        let both cell = weight cell * x i cell * x j cell
                        near 1e-12 (sum both) sums.WeightXX[2 * i + j] "weight x x"

            units.Newton(group, alpha, intercepts[group], ReadOnlySpan slopes, sums)
            agree score weight
            units.Hold(ReadOnlySpan intercepts, ReadOnlySpan slopes)
            let none _ = 0.0
            units.Weights(group, alpha, WeightKind.Expected, sums)
            agree none (fun cell -> mean cell * r cell)
            units.Weights(group, alpha, WeightKind.Slope, sums)
            agree none (fun cell -> -(mean cell) * r cell * (1.0 - r cell))
            units.Weights(group, alpha, WeightKind.Curvature, sums)
            agree none (fun cell -> mean cell * r cell * (1.0 - r cell) * (1.0 - 2.0 * r cell))
            let found = units.Intercept(group, alpha, intercepts[group], ReadOnlySpan slopes)
            near 1e-12 (sum score) found.Score "intercept's score"
            near 1e-12 (sum weight) found.Observed "observed"
            near 1e-12 (sum (fun cell -> mean cell * r cell)) found.Expected "expected"
            near 1e-12 (sum (fun cell -> mean cell * r cell * r cell)) found.Slope "slope of the expected"

    [<Test>]
    let ``likelihood ratios are differences of log-masses`` () =
        for sample in samples do
            for alpha in [ 0.02; 0.5; 3.0 ] do
                for units in units sample do
                    let a, b = [| 0.5; -0.4 |], [| -0.1; 0.3 |]

                    for group in 0..3 do
                        let value intercept (slopes: float[]) =
                            [| 0 .. sample.Sizes.Length - 1 |]
                            |> Array.filter (fun cell -> sample.GroupOf[cell] = group)
                            |> Array.sumBy (fun cell ->
                                let eta =
                                    intercept
                                    + slopes[0] * sample.Columns[0][cell]
                                    + slopes[1] * sample.Columns[1][cell]

                                One.logMass alpha (sample.Sizes[cell] * exp eta) sample.Counts[cell])

                        near
                            1e-9
                            (value 0.7 a - value -0.2 b)
                            (units.LogRatio(group, alpha, 0.7, ReadOnlySpan a, -0.2, ReadOnlySpan b))
                            "ratio"

    [<Test>]
    let ``strata are as exact as their rules promise`` () =
        for sample in samples |> List.filter hasStrata do
            let cells, strata = CovariateSample.cells sample, CovariateSample.strata sample

            for alpha in alphas do
                let a, b = fitted alpha cells, fitted alpha strata

                Array.iter2 (fun x y -> near 1e-9 x y "coefficient") (CovariateSample.flat a) (CovariateSample.flat b)

    [<Test>]
    let ``coefficients and deviances are those of dense least squares`` () =
        for sample in samples do
            let x = CovariateSample.matrix sample

            for alpha in alphas do
                let expected = Oracle.fit alpha x sample.Sizes sample.Counts

                for units in units sample do
                    let found = fitted alpha units |> CovariateSample.flat
                    Array.iter2 (fun e f -> near 1e-8 e f "coefficient") expected found

                    if alpha > 1e-6 then
                        let deviance beta =
                            Oracle.deviance alpha x sample.Sizes beta sample.Counts

                        near 1e-8 (deviance expected) (deviance found) "deviance"

    [<Test>]
    let ``variances of differences are those of the inverse of the whole information`` () =
        for sample in samples do
            let x = CovariateSample.matrix sample

            for units in units sample do
                let at = fitted 0.5 units
                units.Hold(ReadOnlySpan at.Intercepts, ReadOnlySpan at.Slopes)
                let information = CovariateInformation units
                information.Load(at, 0.5, -1)
                let whole = Oracle.information 0.5 x sample.Sizes (CovariateSample.flat at)

                for group in 1..3 do
                    let difference =
                        Array.init 6 (fun i ->
                            if i = group then 1.0
                            elif i = 0 then -1.0
                            else 0.0)

                    let inverse, _ = Oracle.solve whole difference
                    near 1e-9 (inverse[group] - inverse[0]) (information.Variance(group, 0)) "variance"

    let private profile (units: CovariateUnits) =
        let profile = CovariateProfile units
        profile.Load(fitted 1e-12 units, -1)
        profile

    [<Test>]
    let ``profiles are those of full sums and whole determinants`` () =
        for sample in samples do
            let x = CovariateSample.matrix sample
            let poisson = Oracle.fit 0.0 x sample.Sizes sample.Counts
            let reference = Oracle.profile x sample.Sizes poisson sample.Counts

            for units in units sample do
                let profile = profile units
                let scale = 1.0 + Array.sum sample.Counts

                for logAlpha in [ log 1e-3; -3.0; -1.0; 0.0; 2.0 ] do
                    let expected = reference (exp logAlpha) - reference 0.3
                    let actual = profile.At(logAlpha, true).Value - profile.At(log 0.3, true).Value
                    // The grid's bound, as without covariates.
                    Assert.That(abs (expected - actual) <= 2e-6 * scale, $"{expected} {actual}")
                    let alone = (profile :> IDispersionProfile).ValueAt(logAlpha, true)
                    near 1e-12 (profile.At(logAlpha, true).Value) alone "value alone"

    [<Test>]
    let ``slopes and curvatures of profiles are those of their values`` () =
        for sample in samples do
            for units in units sample do
                let profile = profile units
                let scale = 1.0 + Array.sum sample.Counts

                for logAlpha in [ -6.0; -3.0; -1.0; 0.0; 2.0 ] do
                    let at x = profile.At(x, true)
                    let h = 1e-4
                    let slope = ((at (logAlpha + h)).Value - (at (logAlpha - h)).Value) / (2.0 * h)
                    let curvature = ((at (logAlpha + h)).Slope - (at (logAlpha - h)).Slope) / (2.0 * h)
                    Assert.That(abs (slope - (at logAlpha).Slope) <= 1e-7 * scale)
                    Assert.That(abs (curvature - (at logAlpha).Curvature) <= 1e-7 * scale)

    [<Test>]
    let ``dispersions are those of dense search`` () =
        let differences = [
            for sample in samples do
                let expected =
                    Oracle.dispersion (CovariateSample.matrix sample) sample.Sizes sample.Counts

                for units in units sample do
                    let fit =
                        DispersionFit.Maximize(
                            profile units,
                            true,
                            (Array.zeroCreate<float> DispersionFit.Points).AsSpan()
                        )

                    if fit.AtBound = 0 && fit.Information > 0.5 then
                        abs (fit.LogDispersion - expected)
        ]

        TestContext.Out.WriteLine $"{differences.Length} ln dispersions, largest difference {List.max differences}"
        Assert.That(differences.Length, Is.GreaterThan 8)
        Assert.That(List.max differences, Is.LessThan 5e-4)

    /// The likelihood lost by tying a group to the control, by dense fits.
    let private lost alpha (sample: CovariateSample) group shift =
        let x = CovariateSample.matrix sample
        let full = Oracle.fit alpha x sample.Sizes sample.Counts

        // One column less: cells of the group are in the control's, their means times e^shift.
        let tied =
            x
            |> Array.map (fun row ->
                Array.init 5 (fun i ->
                    let at = if i < group then i else i + 1
                    if i = 0 then row[0] + row[group] else row[at]))

        let sizes =
            Array.map2 (fun s (row: float[]) -> s * exp (shift * row[group])) sample.Sizes x

        let reduced = Oracle.fit alpha tied sizes sample.Counts

        Oracle.logLikelihood alpha x sample.Sizes full sample.Counts
        - Oracle.logLikelihood alpha tied sizes reduced sample.Counts

    [<Test>]
    let ``what a supposition loses is what dense fits lose`` () =
        for sample in samples do
            for alpha in [ 0.02; 0.5 ] do
                for units in units sample do
                    let nulls = CovariateNull(units, CovariateFit units)
                    nulls.Load(fitted alpha units, alpha, 0, false)

                    for group, shift in [ 1, 0.0; 2, 0.3; 3, -0.4 ] do
                        let expected = lost alpha sample group shift
                        let exact = nulls.Lost(group, shift, true)
                        near 1e-8 expected exact.LogRatio "lost"
                        Expect.equal 0.0 exact.Bound
                        let near = nulls.Lost(group, shift, false)

                        Assert.That(
                            abs (near.LogRatio - expected) <= near.Bound + 1e-8,
                            $"{near.LogRatio} {expected} within {near.Bound}"
                        )

                        Assert.That(near.Bound <= 1e-3 * near.LogRatio)

    // With many controls most suppositions need no new fit of all cells, and the bound holds.
    [<Test>]
    let ``suppositions about few cells are found without the others`` () =
        let mutable worst = 0.0

        for seed in 1..6 do
            let sample =
                CovariateSample.ofNumbers seed [| 900; 20; 25; 30; 400 |] [| 1.0; 1.3 |] [| 0.8; 0.3 |]

            let units = CovariateSample.cells sample
            let nulls = CovariateNull(units, CovariateFit units)
            nulls.Load(fitted 0.3 units, 0.3, 0, false)

            for group in 1..3 do
                let near = nulls.Lost(group, 0.0, false)
                let exact = nulls.Lost(group, 0.0, true)
                let error = abs (near.LogRatio - exact.LogRatio)
                Assert.That(error <= near.Bound + 1e-9)
                worst <- max worst (error / exact.LogRatio)

            Assert.That(nulls.Refitted, Is.LessThanOrEqualTo 4)

        TestContext.Out.WriteLine $"largest relative error {worst}"
        Assert.That(worst, Is.GreaterThan 0.0)
        Assert.That(worst, Is.LessThan 1e-3)

    [<Test>]
    let ``the maximum is reached from far away`` () =
        for sample in samples do
            for units in units sample do
                let expected = fitted 0.5 units |> CovariateSample.flat
                let at = CovariateCoefficients(units.Groups, units.Columns)
                Array.fill at.Intercepts 0 4 7.0
                at.Slopes[0] <- -6.0
                at.Slopes[1] <- 5.0
                Assert.That(CovariateFit(units).Solve(at, 0.5, TiedIntercept.Free()))
                Array.iter2 (fun e f -> near 1e-8 e f "coefficient") expected (CovariateSample.flat at)

    [<Test>]
    let ``a known intercept stays, and at its own estimate changes nothing`` () =
        for sample in samples do
            for units in units sample do
                let free = fitted 0.5 units
                let held = CovariateCoefficients(units.Groups, units.Columns)
                CovariateFit.Start(units, held)
                held.Intercepts[0] <- free.Intercepts[0]
                Assert.That(CovariateFit(units).Solve(held, 0.5, TiedIntercept.Free 0))
                Expect.equal free.Intercepts[0] held.Intercepts[0]

                Array.iter2
                    (fun e f -> near 1e-8 e f "coefficient")
                    (CovariateSample.flat free)
                    (CovariateSample.flat held)

    [<Test>]
    let ``a level without a count has a likelihood that no slope betters`` () =
        let sample =
            CovariateSample.ofStrata 3 [| 60; 40; 30; 20 |] [| 1.0; 2.0 |] [| 0.2; 0.3 |]

        let isEmpty cell = sample.Strata[cell] = 2

        let sample = {
            sample with
                Counts = sample.Counts |> Array.mapi (fun cell y -> if isEmpty cell then 0.0 else y)
        }

        for units in units sample do
            let at = fitted 0.5 units
            Assert.That(at.Slopes[1], Is.LessThan -15.0)
            // The other cells alone have the same maximum.
            let x = CovariateSample.matrix sample
            let kept = [| 0 .. x.Length - 1 |] |> Array.filter (isEmpty >> not)

            let pick (values: 'a[]) =
                kept |> Array.map (fun cell -> values[cell])

            let rest = pick x |> Array.map (fun row -> row[..4])
            let expected = Oracle.fit 0.5 rest (pick sample.Sizes) (pick sample.Counts)

            for group in 1..3 do
                near 1e-6 (expected[group] - expected[0]) (at.Intercepts[group] - at.Intercepts[0]) "difference"

            near 1e-6 expected[4] at.Slopes[0] "slope"

    [<Test>]
    let ``a column that no group with counts tells apart gets no slope`` () =
        let sample = CovariateSample.ofStrata 4 [| 40; 30 |] [| 2.0 |] [| 0.2; 0.3 |]
        let first = sample.Columns[0]

        let sample = {
            sample with
                Columns = [| first; first |> Array.map (fun x -> 2.0 * x + 1.0) |]
        }

        let at = fitted 0.5 (CovariateSample.cells sample)
        Expect.equal 0.0 at.Slopes[1]
        Assert.That(Double.IsFinite at.Slopes[0])

    [<Test>]
    let ``Firth's intercept is where the penalised likelihood is highest`` () =
        let sample = CovariateSample.ofStrata 9 [| 30; 25 |] [| 1.0 |] [| 0.4; -0.6 |]
        let groupOf = sample.GroupOf

        let sample = {
            sample with
                Counts = sample.Counts |> Array.mapi (fun cell y -> if groupOf[cell] = 1 then 0.0 else y)
        }

        let slopes = [| 0.4; -0.6 |]

        for units in units sample do
            for group in 0..1 do
                let at = CovariateFirth.Intercept(units, group, 0.5, ReadOnlySpan slopes)

                let value beta =
                    [| 0..54 |]
                    |> Array.filter (fun cell -> groupOf[cell] = group)
                    |> Array.map (fun cell ->
                        let eta =
                            beta + slopes[0] * sample.Columns[0][cell] + slopes[1] * sample.Columns[1][cell]

                        let mu = sample.Sizes[cell] * exp eta
                        One.logMass 0.5 mu sample.Counts[cell], mu / (1.0 + 0.5 * mu))
                    |> Array.unzip
                    |> fun (logs, informations) -> Array.sum logs + 0.5 * log (Array.sum informations)

                Assert.That(value at > value (at + 1e-4) && value at > value (at - 1e-4))
