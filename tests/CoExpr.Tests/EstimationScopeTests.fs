namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

/// Size factors and dispersions of each comparison's own cells.
module EstimationScopeTests =

    let private cells =
        (Simulation.run {
            SimulationOptions.defaults with
                Cells = 500
                Genes = 60
                Abundance = SimulatedAbundance.Density 0.4
                Perturbations = {
                    SimulationOptions.defaults.Perturbations with
                        Count = 4
                }
                Seed = 9UL
         }
         |> Expect.ok)
            .Cells

    let private labels =
        let column = Cells.column "perturbation" cells |> Expect.ok
        Array.init 500 (fun cell -> Column.text cell column)

    let private own = Array.init 500 (fun cell -> 0.5 + float (cell % 9) / 8.0)

    let private options chosen = {
        DifferentialExpression.defaults with
            Control = Some Simulation.Control
            Test = DifferentialTest.NegativeBinomial chosen
            Threads = 2
    }

    let private compute options cells =
        DifferentialExpression.compute Progress.none options cells |> Expect.ok

    let private same (a: float[]) (b: float[]) =
        Expect.equal (Array.map BitConverter.DoubleToInt64Bits a) (Array.map BitConverter.DoubleToInt64Bits b)

    let private sameRow (whole: DifferentialResult) row (alone: DifferentialResult) =
        let sub (values: float[]) = values[row * 60 .. row * 60 + 59]
        let rows, own = whole.Rows, alone.Rows

        for a, b in
            [
                own.LogFoldChange, rows.LogFoldChange
                own.Statistic, rows.Statistic
                own.PValue, rows.PValue
                own.QValue, rows.QValue
                own.Mean, rows.Mean
                own.ReferenceMean, rows.ReferenceMean
                own.Named ContrastRows.StandardError, rows.Named ContrastRows.StandardError
            ] do
            same a (sub b)

        Expect.equal own.Status rows.Status[row * 60 .. row * 60 + 59]

    let private settings = [
        NegativeBinomialScreen.defaults
        {
            NegativeBinomialScreen.defaults with
                SizeFactors = SizeFactorKind.PositiveCounts
                Test = NegativeBinomialTest.Wald
                Shrink = true
        }
        {
            NegativeBinomialScreen.defaults with
                SizeFactors = SizeFactorKind.NonZeroRatios
                Test = NegativeBinomialTest.QuasiLikelihood
        }
        {
            NegativeBinomialScreen.defaults with
                Test = NegativeBinomialTest.Score
                Dispersion = DispersionSource.Given(Array.create 60 0.2)
        }
    ]

    let private ofScope chosen =
        options {
            chosen with
                Scope = EstimationScope.Comparison
        }

    /// The cells of some labels, in the order of the input.
    let private placesOf some =
        [| 0..499 |] |> Array.filter (fun cell -> List.contains labels[cell] some)

    [<Test>]
    let ``the same bits as a file of these cells alone`` () =
        for chosen in settings do
            let found = compute (ofScope chosen) cells

            for row in 0..3 do
                let few = placesOf [ found.Perturbations[row]; Simulation.Control ]
                sameRow found row (compute (options chosen) (Cells.takeCells few cells))

    [<Test>]
    let ``with covariates, contrasts and size factors of one's own, too`` () =
        let batch =
            Column.Text(Array.init 500 (fun cell -> if cell % 7 < 3 then "x" else "y"))

        let cells = {
            cells with
                CellTable.Columns = Array.append cells.CellTable.Columns [| "batch", batch; "own", Column.Float own |]
        }

        let chosen factors = {
            NegativeBinomialScreen.defaults with
                SizeFactors = factors
                Covariates = {
                    CovariateOptions.none with
                        Columns = [ "batch" ]
                }
        }

        let some = (compute (options NegativeBinomialScreen.defaults) cells).Perturbations
        let contrast = { Label = some[2]; Reference = some[1] }
        let few = placesOf [ some[1]; some[2] ]

        let found factors = {
            ofScope (chosen factors) with
                Contrasts = [ { Label = some[0]; Reference = some[3] }; contrast ]
        }

        let alone =
            compute
                {
                    options (chosen (SizeFactorKind.Column "own")) with
                        Control = Some some[1]
                }
                (Cells.takeCells few cells)

        sameRow (compute (found (SizeFactorKind.Column "own")) cells) 1 alone
        sameRow (compute (found (SizeFactorKind.Given own)) cells) 1 alone

    [<Test>]
    let ``each row has its dispersions beside it`` () =
        let found = compute (ofScope NegativeBinomialScreen.defaults) cells
        Assert.That found.Dispersions.IsNone

        for row in 0..3 do
            let few = placesOf [ found.Perturbations[row]; Simulation.Control ]

            let alone =
                compute (options NegativeBinomialScreen.defaults) (Cells.takeCells few cells)

            for name, values in ScreenDispersions.columns alone.Dispersions.Value do
                let all = found.Rows.Named name
                same values all[row * 60 .. row * 60 + 59]

    [<Test>]
    let ``a screen's cells say something else`` () =
        let whole = compute (options NegativeBinomialScreen.defaults) cells
        let found = compute (ofScope NegativeBinomialScreen.defaults) cells
        Assert.That(found.Rows.Mean, Is.Not.EqualTo whole.Rows.Mean)

    [<Test>]
    let ``what is wrong among the cells of a row says which`` () =
        let everywhere =
            Array.init 500 (fun cell -> if labels[cell] = Simulation.Control then "x" else "y")

        let cells = {
            cells with
                CellTable.Columns = Array.append cells.CellTable.Columns [| "batch", Column.Text everywhere |]
        }

        let chosen = {
            NegativeBinomialScreen.defaults with
                Covariates = {
                    CovariateOptions.none with
                        Columns = [ "batch" ]
                }
        }

        match DifferentialExpression.compute Progress.none (ofScope chosen) cells with
        | Error error -> Assert.That(CoExprError.describe error, Does.Contain "among the cells of ")
        | Ok _ -> Assert.Fail()
