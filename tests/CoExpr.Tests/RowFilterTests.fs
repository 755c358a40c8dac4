namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

/// Independent filtering of screens.
module RowFilterTests =

    let private simulated =
        lazy
            (Simulation.run {
                SimulationOptions.defaults with
                    Cells = 1200
                    Genes = 300
                    Abundance = SimulatedAbundance.Density 0.15
                    Perturbations = {
                        SimulationOptions.defaults.Perturbations with
                            Count = 4
                    }
                    Seed = 21UL
             }
             |> Expect.ok)

    let private options test = {
        DifferentialExpression.defaults with
            Control = Some Simulation.Control
            Test = test
            Threads = 2
    }

    let private run options =
        DifferentialExpression.compute Progress.none options simulated.Value.Cells
        |> Expect.ok

    /// Benjamini and Hochberg's q by definition: the least over all higher ranks of p times tests over rank.
    let private slowQ (p: float[]) at =
        p
        |> Array.filter (fun other -> other >= p[at])
        |> Array.map (fun level ->
            let below = p |> Array.filter (fun other -> other <= level) |> Array.length
            level * float p.Length / float below)
        |> Array.min
        |> min 1.0

    let private tests = [
        DifferentialTest.NegativeBinomial NegativeBinomialScreen.defaults
        DifferentialTest.RankSum RankSum.standard
        DifferentialTest.Welch WelchT.standard
    ]

    [<Test>]
    let ``q is over the genes of a mean above a threshold, and the others have none`` () =
        let mutable filtered = 0

        for test in tests do
            let plain = run (options test)

            let found =
                run {
                    options test with
                        IndependentFiltering = Some 0.1
                }

            let rows = found.Rows

            for row in 0..3 do
                let n1, n0 = float found.Cells[row], float found.ReferenceCells[row]

                let pooled place =
                    (n1 * rows.Mean[place] + n0 * rows.ReferenceMean[place]) / (n1 + n0)

                let places =
                    [| row * 300 .. row * 300 + 299 |]
                    |> Array.filter (fun place -> ContrastRows.isTestable plain.Rows place)

                let out, kept =
                    places
                    |> Array.partition (fun place -> rows.Status[place] = RowStatus.BelowFilter)

                filtered <- filtered + out.Length

                for place in out do
                    Assert.That(rows.QValue[place], Is.NaN)
                    Expect.equal plain.Rows.PValue[place] rows.PValue[place]

                if out.Length > 0 then
                    Assert.That(
                        out |> Array.map pooled |> Array.max,
                        Is.LessThan(kept |> Array.map pooled |> Array.min)
                    )

                let p = kept |> Array.map (fun place -> rows.PValue[place])

                kept
                |> Array.iteri (fun at place ->
                    Expect.equal plain.Rows.Status[place] rows.Status[place]
                    Assert.That(rows.QValue[place], Is.EqualTo(slowQ p at).Within 1e-12))

                let hits (rows: ContrastRows) =
                    places |> Array.filter (fun place -> rows.QValue[place] < 0.1) |> Array.length

                // lowess may give up a few of the findings that noise gave to one threshold.
                Assert.That(hits rows, Is.GreaterThanOrEqualTo(hits plain.Rows - 1))

        Assert.That(filtered, Is.GreaterThan 50)

    // One perturbed cell and 99 controls. Genes 0 to 59 have 10 and up in the one and nothing in the controls, so means of 0.1 and up
    // over all cells, and p from 0.3 on; genes 60 to 119 have 1 in every control, a mean of 0.99, and p of 0.0012 times their
    // rank. At 0.1 these are findings, all of them, once at most 23 of the others are left: 0.1 / 83 > 0.0012.
    [<Test>]
    let ``the mean is over all cells of both groups`` () =
        let rows = ContrastRows.create 1 120 []

        for gene in 0..59 do
            rows.Mean[gene] <- 10.0 + 0.001 * float gene
            rows.ReferenceMean[gene] <- 0.0
            rows.PValue[gene] <- 0.3 + 0.01 * float gene
            rows.Mean[60 + gene] <- 0.0
            rows.ReferenceMean[60 + gene] <- 1.0 + 0.001 * float gene
            rows.PValue[60 + gene] <- 0.0012 * float (gene + 1)

        RowFilter.apply 1 0.1 false [| 1 |] [| 99 |] 120 rows

        let out =
            [| 0..119 |]
            |> Array.filter (fun gene -> rows.Status[gene] = RowStatus.BelowFilter)

        Expect.equal [| 0 .. out.Length - 1 |] out
        Assert.That(out.Length, Is.InRange(37, 60))
        // The largest of 60 and the rest: 0.072 (120 − out) / 60.
        let q = 0.072 * float (120 - out.Length) / 60.0
        Assert.That(rows.QValue[119], Is.EqualTo(q).Within 1e-12)
        Assert.That(rows.QValue[60..] |> Array.forall (fun q -> q < 0.1))

    [<Test>]
    let ``genes of no cell keep their p and q of 1`` () =
        let found =
            run {
                options tests.Head with
                    IndependentFiltering = Some 0.1
            }

        for place in 0 .. found.Rows.PValue.Length - 1 do
            if found.Rows.Status[place] = RowStatus.AllZero then
                Expect.equal (1.0, 1.0) (found.Rows.PValue[place], found.Rows.QValue[place])

    [<Test>]
    let ``what it has no meaning for is refused`` () =
        let refused options =
            match DifferentialExpression.validate options with
            | Error error -> CoExprError.describe error
            | Ok() -> failwith "no error"

        let options = {
            options tests.Head with
                IndependentFiltering = Some 0.1
        }

        Assert.That(
            refused {
                options with
                    IndependentFiltering = Some 1.0
            },
            Is.EqualTo "--alpha 1: a false discovery rate above 0 and below 1 is needed."
        )

        Assert.That(
            refused {
                options with
                    Adjustment = Adjustment.OverAll
            },
            Does.Contain "each perturbation by itself"
        )

        let ranks = {
            options with
                Test = tests[1]
                Values = TestedValues.AsStored
        }

        Assert.That(refused ranks, Does.Contain "--values as-is")

        let crispyx = {
            options with
                Test = DifferentialTest.Crispyx CrispyxScreen.defaults
        }

        Assert.That(refused crispyx, Does.Contain "has no such filter")
