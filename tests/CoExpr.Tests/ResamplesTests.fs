namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

module ResamplesTests =

    [<Property>]
    let ``a bootstrap draws as many cells as there are`` seed (PositiveInt cells) (NonNegativeInt index) =
        let weights = Resamples.draw seed Draw.Bootstrap cells index
        (weights.Length, Array.sum weights) = (cells, cells) && Array.min weights >= 0

    [<Property>]
    let ``a subsample draws its share of the cells, each at most once`` seed (PositiveInt cells) (percent: byte) =
        let share = float (percent % 101uy) / 100.0
        let weights = Resamples.draw seed (Draw.Subsample share) cells 3

        let drawn =
            int (System.Math.Round(share * float cells, System.MidpointRounding.AwayFromZero))

        Array.sum weights = drawn
        && weights |> Array.forall (fun weight -> weight = 0 || weight = 1)

    [<Property>]
    let ``a permutation has every cell once`` seed (NonNegativeInt cells) (NonNegativeInt index) =
        Array.sort (Resamples.permutation seed cells index) = [| 0 .. cells - 1 |]

    [<Property>]
    let ``a resample does not depend on how many are drawn`` seed (PositiveInt cells) =
        use many = Resamples.weights 3 seed Draw.Bootstrap cells 0 70
        use few = Resamples.weights 1 seed Draw.Bootstrap cells 65 2
        Expect.equal (cells, cells) (many.Total 66, few.Total 1)
        let all = Resamples.permutations 2 seed cells 5
        Expect.equal (Resamples.permutation seed cells 4) all[4]

    [<Test>]
    let ``draws, seeds and purposes give resamples of their own`` () =
        let cells = 500

        let drawn = [
            Resamples.draw 1UL Draw.Bootstrap cells 0
            Resamples.draw 1UL Draw.Bootstrap cells 1
            Resamples.draw 2UL Draw.Bootstrap cells 0
            Resamples.draw 1UL (Draw.Subsample 0.5) cells 0
            Resamples.draw 1UL (Draw.Subsample 0.5) cells 1
            Resamples.permutation 1UL cells 0
            Resamples.permutation 1UL cells 1
            Resamples.permutation 2UL cells 0
        ]

        Expect.equal drawn.Length (List.distinct drawn).Length

    // Of N cells drawn with replacement, (1 − 1/N)^N → 1/e are never drawn, and a cell's number of draws has the variance
    // 1 − 1/N. Over 200 resamples of 500 cells their standard errors are 0.001 and 0.005.
    [<Test>]
    let ``bootstraps leave out one cell in e, and are as spread as they should be`` () =
        let weights =
            Array.init 200 (Resamples.draw 7UL Draw.Bootstrap 500)
            |> Array.concat
            |> Array.map float

        let absent =
            weights |> Array.averageBy (fun weight -> if weight = 0.0 then 1.0 else 0.0)

        let variance =
            weights |> Array.averageBy (fun weight -> (weight - 1.0) * (weight - 1.0))

        Assert.That(absent, Is.EqualTo(System.Math.Pow(1.0 - 1.0 / 500.0, 500.0)).Within 0.005)
        Assert.That(variance, Is.EqualTo(0.998).Within 0.025)

    // Every cell should be drawn equally often: here 100 times of 200, with a standard deviation of 7.
    [<Test>]
    let ``subsamples favour no cell`` () =
        let draws = Array.init 200 (Resamples.draw 7UL (Draw.Subsample 0.5) 100)

        let times =
            Array.init 100 (fun cell -> draws |> Array.sumBy (fun weights -> weights[cell]))

        Assert.That(times, Is.All.InRange(70, 130))

    [<Test>]
    let ``a share that is none is refused`` () =
        for share in [ -0.1; 1.1; nan ] do
            Expect.refused "is not from 0 to 1" (fun () -> Resamples.draw 1UL (Draw.Subsample share) 5 0)
