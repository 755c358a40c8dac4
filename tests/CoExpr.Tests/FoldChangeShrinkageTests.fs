namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

module FoldChangeShrinkageTests =

    let private near tolerance (expected: float) (actual: float) =
        Assert.That(abs (actual - expected) <= tolerance, $"{expected:R} was expected, not {actual:R}")

    let private objective scale (m: float) (e: float) (b: float) =
        (b - m) ** 2.0 / (2.0 * e * e) + log (1.0 + (b / scale) ** 2.0)

    // From the specification: a search that starts at 0 stops in the wrong mode, at 0.0009.
    [<Test>]
    let ``the global mode, not the nearest to 0`` () =
        near 5e-4 2.889 (FoldChangeShrinkage.shrink 0.01 3.0 0.4).LogFold
        Expect.equal 0.0 (FoldChangeShrinkage.shrink 0.3 0.0 0.5).LogFold
        // b³ − 2b² + (1 + 2·½)b − 2 = (b − 2)(b² + 2) + … at S = 1, v = ½: f(b) = b³ − 2b² + 2b − 2, root 1.5437.
        near 1e-12 1.5436890126920763 (FoldChangeShrinkage.shrink 1.0 2.0 (sqrt 0.5)).LogFold

    [<Property(MaxTest = 500)>]
    let ``the mode is the lowest of a search`` (NormalFloat m) (NormalFloat e) (NormalFloat s) =
        let m, e, s =
            5.0 * Math.Tanh(m / 5.0), 0.02 + abs (Math.Tanh e), 0.003 + abs (Math.Tanh s)

        let found = FoldChangeShrinkage.shrink s m e

        let lowest =
            Seq.init 4001 (fun i -> m * float i / 4000.0)
            |> Seq.map (objective s m e)
            |> Seq.min

        Assert.That(objective s m e found.LogFold <= lowest + 1e-9 * (1.0 + abs lowest))
        Assert.That(found.Deviation > 0.0)

    [<Property>]
    let ``shrinkage is odd and never goes beyond the estimate`` (NormalFloat m) (NormalFloat e) =
        let e = 0.01 + abs e

        let plus, minus =
            FoldChangeShrinkage.shrink 0.2 m e, FoldChangeShrinkage.shrink 0.2 -m e

        near (1e-9 * (1.0 + abs m)) plus.LogFold -minus.LogFold
        Assert.That(plus.LogFold * m >= 0.0 && abs plus.LogFold <= abs m * (1.0 + 1e-12))

    [<Test>]
    let ``the scale of a prior`` () =
        // Equal errors of 0.1: A is the mean square less 0.01.
        let estimates = [| 0.3; -0.5; 0.2; 0.0 |]
        near 1e-9 (sqrt (0.38 / 4.0 - 0.01)) (EffectPrior.scale estimates (Array.create 4 0.1))
        // Less spread than the errors explain; more than fits; nothing to go by.
        near 1e-12 1e-3 (EffectPrior.scale [| 0.01; -0.02 |] [| 0.5; 0.5 |])
        Expect.equal 1.0 (EffectPrior.scale [| 90.0; -80.0 |] [| 0.5; 0.5 |])
        near 1e-12 1e-3 (EffectPrior.scale [| nan; 1.0 |] [| 0.5; infinity |])
        // An estimate without a finite error does not count.
        near 1e-9 (sqrt (0.125 - 0.01)) (EffectPrior.scale [| 0.3; -0.4; 9.0; nan |] [| 0.1; 0.1; nan; 0.5 |])

    [<Test>]
    let ``s-values are running means`` () =
        let found = EffectPrior.sValues [| 0.3; 0.1; nan; 0.5; 0.1 |]
        near 1e-15 (0.5 / 3.0) found[0]
        near 1e-15 0.1 found[1]
        Assert.That(found[2], Is.NaN)
        near 1e-15 0.25 found[3]
        near 1e-15 0.1 found[4]
        Expect.equal [||] (EffectPrior.sValues [||])

    [<Test>]
    let ``deviations are from the curvature at the mode`` () =
        for m, e, scale in [ 2.0, 0.7, 1.0; 3.0, 0.4, 0.01; -0.2, 0.3, 0.5 ] do
            let found = FoldChangeShrinkage.shrink scale m e
            let h = 1e-4
            let f = objective scale m e

            let curvature =
                (f (found.LogFold + h) - 2.0 * f found.LogFold + f (found.LogFold - h))
                / (h * h)

            near 1e-5 (1.0 / sqrt curvature) found.Deviation
            near 1e-12 (NormalTail.upper (abs found.LogFold / found.Deviation)) found.FalseSign

    [<Test>]
    let ``a group without counts is told by its mean, whatever its status`` () =
        // Estimates and errors of five genes; the last has no perturbed cell with a count, and a sure test.
        let shrunken status =
            let rows = ContrastRows.create 1 5 [ ContrastRows.StandardError ]
            [| 1.0; -0.5; 0.2; 0.8; -6.0 |].CopyTo(rows.LogFoldChange, 0)
            [| 0.2; 0.2; 0.2; 0.2; 2.8 |].CopyTo(rows.Named ContrastRows.StandardError, 0)
            [| 5.0; -2.5; 1.0; 4.0; -8.0 |].CopyTo(rows.Statistic, 0)
            [| 1.0; 1.0; 1.0; 1.0; 0.0 |].CopyTo(rows.Mean, 0)
            Array.fill rows.ReferenceMean 0 5 1.0
            rows.Status[4] <- status
            (FoldChangeShrinkage.ofRows 1 1 5 rows).Named FoldChangeShrinkage.Shrunken

        let expected = shrunken RowStatus.ZeroInPerturbed
        // 6 / 8 is the error that the statistic implies.
        Assert.That(expected[4], Is.LessThan -4.0)
        Expect.equal expected (shrunken RowStatus.BelowFilter)
        Expect.equal expected (shrunken RowStatus.OutlyingCount)
