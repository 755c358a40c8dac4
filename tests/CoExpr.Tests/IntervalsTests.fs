namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

/// Intervals over perturbations, and differences of models.
module IntervalsTests =

    let private options: IntervalOptions = {
        Intervals.defaults with
            Resamples = 400
    }

    let private intervalOf sample perturbations =
        (Intervals.compute 2 options perturbations [| "m", sample |])[0]

    [<Test>]
    let ``a draw is of as many perturbations, and the same whoever asks`` () =
        let draw = Intervals.draw 3UL 50 7
        Expect.equal 50 draw.Length
        Assert.That(draw |> Array.forall (fun row -> row >= 0 && row < 50))
        Expect.equal draw (Intervals.draw 3UL 50 7)
        Assert.That(draw, Is.Not.EqualTo(Intervals.draw 3UL 50 8))
        Assert.That(draw, Is.Not.EqualTo(Intervals.draw 4UL 50 7))

    [<Test>]
    let ``the interval of a mean is that of the quantiles of means of draws`` () =
        let values = Array.init 40 (fun at -> float (at * at % 17))
        let found = intervalOf (MetricSample.Mean values) 40

        let means =
            Array.init 400 (fun resample -> Intervals.draw 0UL 40 resample |> Array.averageBy (fun row -> values[row]))
            |> Array.sort

        // (n − 1) p = 399 · 0.025 = 9.975.
        let low = means[9] + 0.975 * (means[10] - means[9])
        Assert.That(found.Low, Is.EqualTo(low).Within 1e-12)
        Assert.That(found.Value, Is.EqualTo(Array.average values).Within 1e-12)
        Expect.equal (40, 400) (found.Perturbations, found.Resamples)

    [<Property(MaxTest = 50)>]
    let ``the interval of equal values is that value`` (NormalFloat value) (PositiveInt perturbations) =
        let found =
            intervalOf (MetricSample.Mean(Array.create (perturbations + 1) 0.25)) (perturbations + 1)

        found.Low = 0.25 && found.High = 0.25 && (value = value)

    [<Test>]
    let ``one perturbation has no interval`` () =
        let found = intervalOf (MetricSample.Mean [| 0.25 |]) 1
        Expect.equal 0.25 found.Value
        Assert.That(found.Low, Is.NaN)
        Assert.That(found.High, Is.NaN)

    [<Property(MaxTest = 50)>]
    let ``a factor of the values is one of the interval`` (values: NormalFloat[]) =
        let values =
            values
            |> Array.map (fun (NormalFloat value) -> float (sign value) * min 1e3 (abs value))

        values.Length <= 1
        || (let one = intervalOf (MetricSample.Mean values) values.Length

            let two =
                intervalOf (MetricSample.Mean(values |> Array.map ((*) 2.0))) values.Length

            two.Low = 2.0 * one.Low && two.High = 2.0 * one.High && one.Low <= one.High)

    [<Test>]
    let ``the standard error of a mean comes out`` () =
        // 2,000 values of 0 and 1: a mean of 0.5 with standard error 0.5 / √2000, so 1.96 of it either way.
        let found =
            intervalOf (MetricSample.Mean(Array.init 2000 (fun at -> float (at % 2)))) 2000

        let half = 1.96 * 0.5 / sqrt 2000.0
        Assert.That(found.High - 0.5, Is.EqualTo(half).Within(0.25 * half))
        Assert.That(0.5 - found.Low, Is.EqualTo(half).Within(0.25 * half))

    [<Test>]
    let ``what is NaN takes no part, and nothing but NaN has no interval`` () =
        let found = intervalOf (MetricSample.Mean [| 1.0; nan; 1.0 |]) 3
        Expect.equal (1.0, 1.0, 1.0, 2) (found.Value, found.Low, found.High, found.Perturbations)
        let nothing = intervalOf (MetricSample.Mean [| nan; nan |]) 2
        Expect.equal (nan, nan, nan, 0) (nothing.Value, nothing.Low, nothing.High, nothing.Resamples)

    [<Test>]
    let ``one number of all has no interval, unless it is known what it is made of`` () =
        let single = intervalOf (MetricSample.Single 0.75) 5
        Expect.equal (0.75, nan, nan) (single.Value, single.Low, single.High)

        let pooled: PooledMetric = {
            Name = "m"
            Statistic = PooledStatistic.Pearson
            Real = [| 1.0; 2.0; 3.0; 4.0; 9.0 |]
            Predicted = [| 1.0; 2.0; 3.0; 5.0; nan |]
            Absent = [| false; false; false; false; true |]
        }

        let found = intervalOf (MetricSample.Pooled pooled) 5
        // Deviations −1.5 −0.5 0.5 1.5 and −1.75 −0.75 0.25 2.25: 6.5 / √(5 · 8.75).
        Assert.That(found.Value, Is.EqualTo(6.5 / sqrt 43.75).Within 1e-12)
        Assert.That(found.Low, Is.LessThan found.Value)
        Assert.That(found.Resamples, Is.LessThan(400).And.GreaterThan 300)

    [<Test>]
    let ``Spearman's correlation of nothing is 1, as cell-eval has it`` () =
        let pooled: PooledMetric = {
            Name = "m"
            Statistic = PooledStatistic.Spearman
            Real = [| 0.0; 0.0 |]
            Predicted = [| 0.0; 3.0 |]
            Absent = [| true; true |]
        }

        Expect.equal 1.0 (PooledMetric.value [| 0; 1 |] pooled)

    [<Test>]
    let ``options outside their range are refused`` () =
        let check options = Intervals.validate options

        check { options with Resamples = -1 } |> Expect.says [ "--resamples -1" ]
        check { options with Level = 1.0 } |> Expect.says [ "--level 1" ]
        check { options with Level = nan } |> Expect.says [ "--level NaN" ]
        check { options with Resamples = 0 } |> Expect.ok

    [<Test>]
    let ``no draws give values without intervals`` () =
        let none: IntervalOptions = { options with Resamples = 0 }

        let found =
            (Intervals.compute 1 none 3 [| "m", MetricSample.Mean [| 1.0; 2.0; 6.0 |] |])[0]

        Expect.equal (3.0, nan, nan) (found.Value, found.Low, found.High)

    [<Test>]
    let ``threads change nothing in intervals of an evaluation`` () =
        let found =
            Evaluation.run
                PerturbedSample.options
                (Some(PerturbedSample.real.Value, PerturbedSample.predicted (fun _ row -> row)))
                None
            |> Expect.ok

        let one, many =
            Intervals.ofResult 1 options found, Intervals.ofResult 5 options found

        // NaN does not equal itself within records.
        let numbers =
            Array.map (fun (interval: MetricInterval) -> [| interval.Value; interval.Low; interval.High |])

        Expect.equal (numbers one) (numbers many)
        let energy = one |> Array.find (fun interval -> interval.Name = "pearson_edistance")
        Assert.That(energy.Low, Is.LessThan(energy.Value).And.GreaterThan -1.0)
        Expect.equal (PerturbedSample.column "pearson_edistance" found).Values[0] energy.Value

    let private model name (values: float[]) : ComparedModel = {
        Name = name
        Perturbations = Array.init values.Length (fun at -> $"p{at}")
        Columns = [| MetricColumn.full "mae" values; MetricColumn.full "roc_auc" values |]
        Pooled = []
    }

    let private compared against models =
        Comparison.compute 2 options against models

    [<Test>]
    let ``paired differences find what lies within the spread of perturbations`` () =
        // Perturbations differ by tens, models by 1 in each.
        let hard = Array.init 30 (fun at -> 10.0 * float (at % 7))

        let found =
            compared None [| model "a" hard; model "b" (hard |> Array.map ((+) 1.0)) |]
            |> Expect.ok

        Expect.equal 2 found.Differences.Length

        for one in found.Differences do
            Expect.equal ("b", "a") (one.Model, one.Against)
            Assert.That(one.Interval.Value, Is.EqualTo(1.0).Within 1e-12)
            Assert.That(one.Interval.Low, Is.EqualTo(1.0).Within 1e-12)
            Assert.That(one.Interval.High, Is.EqualTo(1.0).Within 1e-12)

        Expect.equal [| Verdict.Worse; Verdict.Better |] (found.Differences |> Array.map _.Verdict)
        let turned = compared (Some "b") found.Models |> Expect.ok
        Expect.equal [| "a"; "a" |] (turned.Differences |> Array.map _.Model)
        Expect.equal [| Verdict.Better; Verdict.Worse |] (turned.Differences |> Array.map _.Verdict)

    [<Test>]
    let ``a model less itself is 0, which decides nothing`` () =
        let values = Array.init 12 (fun at -> float (at * 5 % 9))
        let found = compared None [| model "a" values; model "twin" values |] |> Expect.ok

        for one in found.Differences do
            Expect.equal (0.0, 0.0, 0.0) (one.Interval.Value, one.Interval.Low, one.Interval.High)
            Expect.equal Verdict.Undecided one.Verdict

    [<Test>]
    let ``a difference is over the perturbations for which both have a number`` () =
        let found =
            compared None [| model "a" [| 1.0; nan; 5.0 |]; model "b" [| 2.0; 9.0; nan; 7.0 |] |]
            |> Expect.ok

        let one = found.Differences[0].Interval
        Expect.equal (1.0, 1) (one.Value, one.Perturbations)
        // One perturbation has no interval, and a difference no verdict.
        Assert.That(one.Low, Is.NaN)
        Expect.equal Verdict.Nothing found.Differences[0].Verdict
        // So are the values: of its own alone, a model without numbers for what is hard would look better.
        Expect.equal 1.0 found.Values[0].[0].Value
        Expect.equal 2.0 found.Values[1].[0].Value

    [<Test>]
    let ``measures that a model lacks are left out, and bad names are refused`` () =
        let a = model "a" [| 1.0; 2.0 |]

        let fewer = {
            model "b" [| 1.0; 2.0 |] with
                Columns = [| MetricColumn.full "roc_auc" [| 1.0; 2.0 |] |]
        }

        Expect.equal [| "roc_auc" |] (compared None [| a; fewer |] |> Expect.ok).Metrics
        compared None [| a; a |] |> Expect.says [ "--names a: 2 models" ]

        compared (Some "c") [| a; fewer |]
        |> Expect.says [ "--against: c is not known" ]

        compared None [|
            a
            {
                fewer with
                    Perturbations = [| "q0"; "q1" |]
            }
        |]
        |> Expect.says [ "0 perturbations that a, b share" ]

    [<Test>]
    let ``what is not said of all models names those that it is said of`` () =
        Expect.equal
            [ "values"; "a, c: genes"; "b: partial" ]
            (Comparison.said [|
                "a", [ "values"; "genes"; "genes" ]
                "b", [ "values"; "partial" ]
                "c", [ "genes"; "values" ]
            |])

        Expect.equal [ "alone" ] (Comparison.said [| "a", [ "alone" ] |])
        Expect.equal [] (Comparison.said [||])
