namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr
open CoExpr.IO

/// What the tests have in common: values, means, fold changes, status, correction, and what is refused.
module DifferentialExpressionTests =

    /// Four cells a group; gene by gene.
    let private screen (genes: (float32 list * float32 list) list) = {
        Cells =
            Array.init 8 (fun cell ->
                genes
                |> List.map (fun (perturbed, control) -> (perturbed @ control)[cell])
                |> List.toArray)
        Genes = genes.Length
        Labels = Array.init 8 (fun cell -> if cell < 4 then "a" else "control")
        Batches = Array.create 8 "x"
    }

    let private zero = [ 0.0f; 0.0f; 0.0f; 0.0f ]
    let private one = [ 1.0f; 1.0f; 1.0f; 1.0f ]
    let private mixed = [ 0.0f; 1.0f; 2.0f; 5.0f ]

    [<Test>]
    let ``every row says what it is`` () =
        let made =
            screen [ zero, zero; one, one; zero, mixed; mixed, zero; mixed, one; zero, one ]

        let status test =
            (Screen.compute { Screen.options with Test = test } made).Rows.Status

        let both = [|
            RowStatus.AllZero
            RowStatus.AllTied
            RowStatus.ZeroInPerturbed
            RowStatus.ZeroInReference
            RowStatus.Tested
        |]

        Expect.equal
            (Array.append both [| RowStatus.ZeroInPerturbed |])
            (status (DifferentialTest.RankSum RankSum.standard))

        let none = RowStatus.NoVariance

        Expect.equal
            (Array.append both [| none |])
            (status (
                DifferentialTest.Welch {
                    WelchT.standard with
                        ConstantGroups = true
                }
            ))

        Expect.equal
            [| RowStatus.AllZero; RowStatus.AllTied; none; none; none; none |]
            (status (DifferentialTest.Welch WelchT.standard))

    [<Test>]
    let ``no number is missing without a reason`` () =
        let made = screen [ zero, zero; one, one; zero, one; mixed, one ]

        for test in
            [
                DifferentialTest.RankSum RankSum.standard
                DifferentialTest.Welch WelchT.standard
            ] do
            let rows = (Screen.compute { Screen.options with Test = test } made).Rows

            for place in 0..3 do
                if rows.Status[place] <> RowStatus.NoVariance then
                    for column in [ rows.PValue; rows.Log10P; rows.QValue; rows.Statistic; rows.Effect ] do
                        Assert.That(Double.IsFinite column[place], $"{test} {place}")

    // Total counts of 4 and 2: CP10k of gene 0 is 2,500 and 5,000.
    let private shallow = {
        Cells = [| [| 1.0f; 3.0f |]; [| 1.0f; 1.0f |] |]
        Genes = 2
        Labels = [| "a"; "control" |]
        Batches = [| "x"; "x" |]
    }

    [<Test>]
    let ``counts are brought to the same total, then log1p is taken`` () =
        let result =
            Screen.compute
                {
                    Screen.options with
                        Values = TestedValues.LogNormalised 10000.0
                        Test = DifferentialTest.RankSum { RankSum.standard with Exact = false }
                }
                shallow

        Expect.equal [| 2500.0; 7500.0 |] result.Rows.Mean
        Expect.equal [| 5000.0; 5000.0 |] result.Rows.ReferenceMean
        Assert.That(result.Rows.LogFoldChange[0], Is.EqualTo(-1.0).Within 1e-12)
        Expect.equal [| 0.0; 1.0 |] (result.Rows.Named RankSum.UStatistic)

    [<Test>]
    let ``means of either kind`` () =
        let made = screen [ [ 1.0f; 3.0f; 0.0f; 0.0f ], one ]

        let mean values foldChange =
            (Screen.compute
                {
                    Screen.options with
                        Values = values
                        FoldChange = foldChange
                }
                made)
                .Rows.Mean[0]

        Assert.That(mean TestedValues.AsStored FoldChange.Arithmetic, Is.EqualTo 1.0)
        Assert.That(mean TestedValues.AsStored FoldChange.Geometric, Is.EqualTo 1.0)
        let expected = (Math.E + Math.Exp 3.0 - 2.0) / 4.0
        Assert.That(mean TestedValues.StoredLogs FoldChange.Arithmetic, Is.EqualTo(expected).Within 1e-14)
        Assert.That(mean TestedValues.StoredLogs FoldChange.Geometric, Is.EqualTo(Math.E - 1.0).Within 1e-14)

    [<Test>]
    let ``the correction leaves out what could not be found, unless asked`` () =
        let made = screen [ zero, zero; [ 7.0f; 8.0f; 9.0f; 6.0f ], zero; mixed, one ]

        let q adjustment countUntestable =
            let rows =
                (Screen.compute
                    {
                        Screen.options with
                            Adjustment = adjustment
                            CountUntestable = countUntestable
                    }
                    made)
                    .Rows

            rows.QValue |> Array.map (fun q -> Math.Round(q / rows.PValue[1], 9)), rows.QValue[0]

        for adjustment in [ Adjustment.PerPerturbation; Adjustment.OverAll ] do
            let without, ofZero = q adjustment false
            Expect.equal 2.0 without[1]
            Expect.equal 1.0 ofZero
            Expect.equal 3.0 (Array.item 1 (fst (q adjustment true)))

    [<Test>]
    let ``over all perturbations there are more tests`` () =
        let made = {
            Cells =
                [| 1.0f; 2.0f; 3.0f; 4.0f; 5.0f; 6.0f; 7.0f; 8.0f; 9.0f |]
                |> Array.map Array.singleton
            Genes = 1
            Labels = Array.init 9 (fun cell -> [| "control"; "a"; "b" |][cell / 3])
            Batches = Array.create 9 "x"
        }

        let q adjustment =
            (Screen.compute
                {
                    Screen.options with
                        Adjustment = adjustment
                }
                made)
                .Rows.QValue

        // Both are exactly 2 / 20, and one test each.
        Expect.equal [| 0.1; 0.1 |] (q Adjustment.PerPerturbation |> Array.map (fun q -> Math.Round(q, 12)))
        Expect.equal [| 0.1; 0.1 |] (q Adjustment.OverAll |> Array.map (fun q -> Math.Round(q, 12)))

    [<Test>]
    let ``a perturbation with one cell is flagged, not refused`` () =
        let made = {
            screen [ mixed, one ] with
                Labels = [| "a"; "b"; "b"; "b"; "control"; "control"; "control"; "control" |]
        }

        let result = Screen.compute { Screen.options with MinimumCells = 2 } made
        Expect.equal [| "a"; "b" |] result.Perturbations
        Expect.equal [| 1; 3 |] result.Cells
        Expect.equal RowStatus.TooFewCells result.Rows.Status[0]
        Assert.That(Double.IsNaN result.Rows.PValue[0] && Double.IsNaN result.Rows.QValue[0])
        Expect.equal RowStatus.Tested result.Rows.Status[1]

    let private refused options parts screen =
        Screen.cells screen
        |> DifferentialExpression.compute Progress.none options
        |> Expect.says parts

    [<Test>]
    let ``a label that is absent is told with those there are`` () =
        screen [ mixed, one ]
        |> refused
            {
                Screen.options with
                    Control = Some "contrl"
            }
            [ "contrl is not known"; "known: a, control"; "Did you mean control?" ]

        screen [ mixed, one ]
        |> refused
            {
                Screen.options with
                    Perturbation = [ "pertubation" ]
            }
            [ "column pertubation of the cell table; present: perturbation, batch" ]

    [<Test>]
    let ``cells without a batch are refused, not left out`` () =
        {
            screen [ mixed, one ] with
                Batches = [| "x"; "x"; "y"; ""; "x"; "y"; ""; "y" |]
        }
        |> refused
            {
                Screen.options with
                    Batch = Some "batch"
            }
            [ "--batch batch"; "no value for 2 of 8 cells"; "c3" ]

    [<Test>]
    let ``a control of one cell is refused`` () =
        {
            screen [ mixed, one ] with
                Labels = [| "a"; "b"; "b"; "b"; "a"; "a"; "a"; "control" |]
        }
        |> refused { Screen.options with MinimumCells = 2 } [
            "1 cells of the control control"
            "at least 2 are needed"
            "lower --min-cells"
        ]

    [<Test>]
    let ``what leaves nothing to compare is refused`` () =
        let controls = {
            screen [ mixed, one ] with
                Labels = Array.create 8 "control"
        }

        controls
        |> refused Screen.options [ "0 labels beside the control"; "nothing to compare" ]

        controls
        |> refused { Screen.options with Control = None } [ "1 labels in column perturbation"; "at least 2" ]

    [<Test>]
    let ``values without an order, and fractions where counts are needed, are refused`` () =
        let counts = {
            Screen.options with
                Values = TestedValues.LogNormalised 10000.0
        }

        screen [ [ 1.0f; Single.NaN; 0.0f; 0.0f ], one ]
        |> refused Screen.options [ "gene g0 has the value NaN in cell c1"; "must be finite" ]

        screen [ [ 1.0f; 0.5f; 0.0f; 0.0f ], one ]
        |> refused counts [ "gene g0 has the value 0.5 in cell c1"; "--values log1p" ]

        screen [ [ 1.0f; -1.0f; 0.0f; 0.0f ], one ] |> refused counts [ "the value -1" ]

    [<Test>]
    let ``two cells of one name are refused`` () =
        let cells = Screen.cells (screen [ mixed, one ])

        {
            cells with
                CellTable.Names = [| "c0"; "c1"; "c2"; "c3"; "c4"; "c5"; "c1"; "c7" |]
        }
        |> DifferentialExpression.compute Progress.none Screen.options
        |> Expect.says [ "cell c1 stands at two places, 2 and 7" ]

    [<Test>]
    let ``options out of range are refused`` () =
        let refuses options parts =
            refused options parts (screen [ mixed, one ])

        refuses
            {
                Screen.options with
                    Pseudocount = -1.0
            }
            [ "--pseudocount -1"; "0 or more" ]

        refuses { Screen.options with MinimumCells = 0 } [ "--min-cells 0"; "1 or more" ]
        refuses { Screen.options with Threads = 0 } [ "--threads 0" ]

        refuses
            {
                Screen.options with
                    Perturbation = []
            }
            [ "--perturbation" ]

        refuses
            {
                Screen.options with
                    Values = TestedValues.LogNormalised 0.0
            }
            [ "--target 0"; "above 0" ]

    [<Test>]
    let ``cells without a label are left out, and told`` () =
        let made = {
            screen [ mixed, one ] with
                Labels = [| "a"; null; "a"; "a"; "control"; "control"; null; "control" |]
        }

        let result = Screen.compute Screen.options made
        Expect.equal 2 result.LeftOut
        Expect.equal [| 3 |] result.Cells
        Expect.equal [| 3 |] result.ReferenceCells

    let private golden name =
        TestData.golden (IO.Path.Combine("differential-expression", "crispyx", name))

    /// Columns by name of a table of CRISPYx; an empty field is NaN.
    let private crispyx name =
        use file = IO.File.OpenRead(golden name)

        use unpacked =
            new IO.Compression.GZipStream(file, IO.Compression.CompressionMode.Decompress)

        use reader = new IO.StreamReader(unpacked)

        let lines =
            reader.ReadToEnd().TrimEnd().Split '\n'
            |> Array.map (fun line -> line.TrimEnd().Split ',')

        fun (column: string) (row: int) ->
            match lines[row + 1][Array.IndexOf(lines[0], column)] with
            | "" -> nan
            | text -> Double.Parse(text, Globalization.CultureInfo.InvariantCulture)

    /// On the values that it was given, made by numpy: where two ratios are equal, numpy's logarithms may differ in the
    /// last bit, and then are no tie.
    let private compute test =
        let cells = Input.read Input.standard (golden "lognorm.h5ad") |> Expect.ok

        let options = {
            DifferentialExpression.defaults with
                Control = Some "ctrl"
                Test = test
                Values = TestedValues.StoredLogs
                FoldChange = FoldChange.Geometric
        }

        DifferentialExpression.compute Progress.none options cells |> Expect.ok

    let private differences test name =
        let result = compute test
        let theirs, rows = crispyx name, result.Rows

        let largest column (ours: float[]) relative =
            Seq.max (
                seq {
                    for place in 0 .. ours.Length - 1 do
                        let theirs: float = theirs column place

                        if not (Double.IsNaN theirs) then
                            let scale = if relative then abs theirs else max 1.0 (abs theirs)
                            abs (ours[place] - theirs) / scale
                }
            )

        result,
        [
            "effect", largest "effect" rows.Effect false
            "z_score", largest "z_score" rows.Statistic false
            "pvalue", largest "pvalue" rows.PValue true
            "pvalue_adj", largest "pvalue_adj" rows.QValue true
            "logfoldchanges", largest "logfoldchanges" rows.LogFoldChange false
            "pts", largest "pts" rows.Fraction false
            "pts_rest", largest "pts_rest" rows.ReferenceFraction false
        ]

    /// What CRISPYx makes of means it makes in single precision: they are off by some 1e-6, and its t with them.
    let private agrees allowed (differences: (string * float) list) =
        for name, difference in differences do
            TestContext.Out.WriteLine $"{name}: largest difference {difference}"
            Assert.That(difference, Is.LessThan(allowed name: float), name)

    // Its p is one of erfc, without continuity; its g7, zero throughout, has no numbers, and here a p of 1.
    [<Test>]
    let ``CRISPYx's rank-sum test says the same`` () =
        let settings = {
            RankSum.standard with
                Continuity = false
                Exact = false
        }

        let result, differences =
            differences (DifferentialTest.RankSum settings) "crispyx_wilcoxon.csv.gz"

        agrees (fun name -> if name = "logfoldchanges" then 1e-5 else 1e-6) differences
        let theirs = crispyx "crispyx_wilcoxon.csv.gz" "u_statistic"

        for place in 0 .. result.Rows.PValue.Length - 1 do
            if Double.IsNaN(theirs place) then
                Expect.equal RowStatus.AllZero result.Rows.Status[place]
            else
                Expect.equal (theirs place) (result.Rows.Named(RankSum.UStatistic)[place])

    // From the counts: ranks differ where numpy's rounding made ties of unequal values or broke ties of equal ones.
    [<Test>]
    let ``from the counts the same, up to ties that rounding made`` () =
        let test = DifferentialTest.RankSum RankSum.standard

        let ours =
            Input.read Input.standard (golden "counts.h5ad")
            |> Expect.ok
            |> DifferentialExpression.compute Progress.none {
                DifferentialExpression.defaults with
                    Control = Some "ctrl"
                    Test = test
            }
            |> Expect.ok

        Array.iter2
            (fun (u: float) (other: float) -> Assert.That(u, Is.EqualTo(other).Within 1.0))
            (ours.Rows.Named RankSum.UStatistic)
            ((compute test).Rows.Named RankSum.UStatistic)

    [<Test>]
    let ``CRISPYx's t-test says the same, to its single precision`` () =
        let allowed name =
            match name with
            | "pts"
            | "pts_rest" -> 1e-6
            | "effect"
            | "logfoldchanges" -> 1e-5
            | "z_score" -> 1e-4
            | _ -> 1e-2

        differences
            (DifferentialTest.Welch {
                WelchT.standard with
                    ConstantGroups = true
            })
            "crispyx_t.csv.gz"
        |> snd
        |> agrees allowed
