namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module ProfileDistancesTests =

    let private draw (seed: int) count levels =
        let random = System.Random seed
        Array.init count (fun _ -> float (random.Next levels))

    [<Test>]
    let ``distances of an example by hand`` () =
        let x, y = [| 1.0; 2.0; 5.0 |], [| 1.0; 4.0; 4.0 |]
        Assert.That(ProfileDistances.euclidean x y, Is.EqualTo(sqrt 5.0).Within 1e-15)
        Assert.That(ProfileDistances.rootMeanSquare x y, Is.EqualTo(sqrt (5.0 / 3.0)).Within 1e-15)
        Assert.That(ProfileDistances.cosine x y, Is.EqualTo(29.0 / sqrt (30.0 * 33.0)).Within 1e-14)
        // Σ (y − 3)² = 6.
        Assert.That(ProfileDistances.determination x y, Is.EqualTo(1.0 / 6.0).Within 1e-15)
        // Two of three pairs run the same way; one ties in y.
        Assert.That(ProfileDistances.kendall x y, Is.EqualTo(2.0 / sqrt 6.0).Within 1e-15)
        Expect.equal 3.0 (ProfileDistances.kendallDistance [| 1.0; 2.0; 3.0 |] [| 9.0; 5.0; 1.0 |])

    [<Test>]
    let ``what is constant or nothing has none`` () =
        let flat, y = Array.create 3 2.0, [| 1.0; 4.0; 4.0 |]
        Expect.equal nan (ProfileDistances.kendall flat y)
        Expect.equal nan (ProfileDistances.kendall [| nan; 1.0; 2.0 |] y)
        Expect.equal nan (ProfileDistances.determination y flat)
        Expect.equal nan (ProfileDistances.cosine (Array.zeroCreate 3) y)

    [<Test>]
    let ``Kendall's correlation agrees with SciPy`` () =
        let all = FurtherGolden.part "kendall"

        Assert.That(
            ProfileDistances.kendall (FurtherGolden.row all "x") (FurtherGolden.row all "y"),
            Is.EqualTo(FurtherGolden.number all "tau").Within 1e-14
        )

    [<Property(MaxTest = 100)>]
    let ``Kendall's correlation counts pairs`` (seed: int) =
        let count = 2 + abs (seed % 30)
        let x, y = draw seed count 6, draw (seed + 1) count 9
        let found, wanted = ProfileDistances.kendall x y, SuiteMeasures.kendall x y
        (Double.IsNaN found && Double.IsNaN wanted) || abs (found - wanted) < 1e-14

    [<Property(MaxTest = 50)>]
    let ``Kendall's correlation is of orders alone, and turns with one`` (seed: int) =
        let x, y = draw seed 20 8, draw (seed + 7) 20 8
        let found = ProfileDistances.kendall x y

        found = ProfileDistances.kendall (Array.map exp x) y
        && found = -(ProfileDistances.kendall (Array.map (~-) x) y)
        && found = ProfileDistances.kendall y x
