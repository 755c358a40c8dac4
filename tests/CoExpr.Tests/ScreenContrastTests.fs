namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

[<Properties(Arbitrary = [| typeof<ManyScreens> |], MaxTest = 100)>]
module ScreenContrastTests =

    /// Two labels with a comma between them.
    let private vs words = ScreenContrast.parse words |> Expect.ok

    /// 40 cells each of a, b, c and 60 controls; genes 0 to 11 by counts that differ, 12 in none of a, 13 in no cell of a or b.
    let private sample =
        let random = System.Random 11

        let labels =
            Array.init 180 (fun cell ->
                if cell % 3 = 0 then
                    "control"
                else
                    [| "a"; "b"; "c" |][(cell / 2) % 3])

        let count label gene =
            match label, gene with
            | "a", 12 -> 0
            | ("a" | "b"), 13 -> 0
            | "b", _ -> random.Next(2 + gene) * random.Next 3
            | _ -> random.Next(1 + gene) * random.Next 2

        {
            Cells =
                labels
                |> Array.map (fun label -> Array.init 15 (fun gene -> float32 (1 + count label gene)))
            Genes = 15
            Labels = labels
            Batches = Array.init 180 (fun cell -> if cell % 5 < 2 then "x" else "y")
        }
        |> fun screen -> {
            screen with
                // One is added above so that no cell is empty; genes from 12 on keep their zeros.
                Cells =
                    screen.Cells
                    |> Array.map (
                        Array.mapi (fun gene value -> if gene >= 12 && gene < 14 then value - 1.0f else value)
                    )
        }

    let private cells = Screen.cells sample

    let private groups =
        Groups.create [ "perturbation" ] (Some "control") cells |> Expect.ok

    let private alpha = 0.4

    let private ofCounts test dispersion = {
        NegativeBinomialScreen.defaults with
            Test = test
            Dispersion = dispersion
            SizeFactors = SizeFactorKind.LibrarySize
            Threads = 2
    }

    let private given = DispersionSource.Given(Array.create 15 alpha)

    let private run options contrasts =
        NegativeBinomialScreen.contrast Progress.none options (List.map vs contrasts) groups cells
        |> Expect.ok

    let private tests = [
        NegativeBinomialTest.LikelihoodRatio
        NegativeBinomialTest.Wald
        NegativeBinomialTest.Score
        NegativeBinomialTest.QuasiLikelihood
    ]

    /// Size factors and counts of a gene in the cells of one label.
    let private ofLabel label gene =
        let factors = SizeFactors.librarySize cells.Counts

        let members = [| 0..179 |] |> Array.filter (fun cell -> sample.Labels[cell] = label)

        members |> Array.map (fun cell -> factors[cell]),
        members |> Array.map (fun cell -> float (sample.Cells[cell][gene]))

    [<Test>]
    let ``fold changes and likelihood ratios are those of the two groups alone`` () =
        let rows =
            (run (ofCounts NegativeBinomialTest.LikelihoodRatio given) [ "a,b"; "c,b" ]).Rows

        for row, label in [ 0, "a"; 1, "c" ] do
            for gene in 0..11 do
                let place = row * 15 + gene
                let own, ownCounts = ofLabel label gene
                let other, otherCounts = ofLabel "b" gene

                let fold =
                    NegativeBinomial.mean alpha own ownCounts
                    / NegativeBinomial.mean alpha other otherCounts

                let ratio =
                    NegativeBinomial.logRatio alpha 1.0 (other, own) (otherCounts, ownCounts)

                Assert.That(rows.LogFoldChange[place], Is.EqualTo(Math.Log2 fold).Within(1e-7))
                Assert.That(rows.Statistic[place] ** 2.0, Is.EqualTo(2.0 * ratio).Within(1e-6))
                Assert.That(sign rows.Statistic[place], Is.EqualTo(sign (log fold)))
                Expect.equal RowStatus.Tested rows.Status[place]

    [<Test>]
    let ``the same as a screen whose control is the reference`` () =
        for test in tests do
            for dispersion in
                [
                    given
                    DispersionSource.EachComparison GeneDispersions.standard
                    DispersionSource.Screen GeneDispersions.standard
                ] do
                if not (test = NegativeBinomialTest.QuasiLikelihood && dispersion = given) then
                    let options = ofCounts test dispersion
                    let rows = (run options [ "a,b"; "c,b"; "c,control"; "b,a" ]).Rows
                    let against control = { groups with Control = Some control }

                    let other control =
                        (NegativeBinomialScreen.compute Progress.none options (against control) cells
                         |> Expect.ok)
                            .Rows

                    let ofA, ofB, usual = other 0, other 1, other 3

                    // Labels are a, b, c, control: of those against b, a is the first row and c the second.
                    for row, there, expected in [ 0, 0, ofB; 1, 1, ofB; 2, 2, usual; 3, 0, ofA ] do
                        let sub first (values: float[]) = values[first * 15 .. first * 15 + 14]
                        Expect.equal (sub there expected.PValue) (sub row rows.PValue)
                        Expect.equal (sub there expected.LogFoldChange) (sub row rows.LogFoldChange)
                        Expect.equal (sub there expected.Mean) (sub row rows.Mean)
                        Expect.equal (sub there expected.ReferenceFraction) (sub row rows.ReferenceFraction)

                        Expect.equal
                            expected.Status[there * 15 .. there * 15 + 14]
                            rows.Status[row * 15 .. row * 15 + 14]

    [<Test>]
    let ``covariates are allowed for in contrasts, too`` () =
        let options = {
            ofCounts NegativeBinomialTest.Wald given with
                Covariates = {
                    CovariateOptions.none with
                        Columns = [ "batch" ]
                }
        }

        let rows = (run options [ "a,b" ]).Rows

        let usual =
            (NegativeBinomialScreen.compute Progress.none options groups cells |> Expect.ok).Rows

        // Of one model for all groups: a over b is a over control less b over control.
        for gene in 0..11 do
            let expected = usual.LogFoldChange[gene] - usual.LogFoldChange[15 + gene]
            Assert.That(rows.LogFoldChange[gene], Is.EqualTo(expected).Within 1e-6)

    [<Test>]
    let ``turned around, fold changes change their sign alone`` () =
        for test in tests do
            let found =
                run (ofCounts test (DispersionSource.Screen GeneDispersions.standard)) [ "a,c"; "c,a" ]

            for gene in 0..14 do
                let rows = found.Rows
                Assert.That(rows.LogFoldChange[gene], Is.EqualTo(-rows.LogFoldChange[15 + gene]).Within 1e-9)
                // The control's score is a Chebyshev series of either group in turn.
                Assert.That(rows.Log10P[gene], Is.EqualTo(rows.Log10P[15 + gene]).Within 1e-5)

    [<Test>]
    let ``groups without counts are told`` () =
        let rows =
            (run (ofCounts NegativeBinomialTest.LikelihoodRatio given) [ "a,c"; "c,a"; "a,b" ]).Rows

        Expect.equal RowStatus.ZeroInPerturbed rows.Status[12]
        Expect.equal RowStatus.ZeroInReference rows.Status[15 + 12]
        Expect.equal RowStatus.AllZero rows.Status[30 + 13]

    [<Test>]
    let ``dispersions of the screen do not depend on the contrasts`` () =
        let options =
            ofCounts NegativeBinomialTest.LikelihoodRatio (DispersionSource.Screen GeneDispersions.standard)

        let few, usual = run options [ "b,c"; "a,b" ], run options []
        Expect.equal usual.Dispersions[0].Final few.Dispersions[0].Final
        Expect.equal usual.Dispersions[0].Trend few.Dispersions[0].Trend

    /// The cells of some labels alone.
    let private only labels (screen: Screen) =
        let kept =
            [| 0 .. screen.Cells.Length - 1 |]
            |> Array.filter (fun cell -> List.contains screen.Labels[cell] labels)

        {
            screen with
                Cells = kept |> Array.map (fun cell -> screen.Cells[cell])
                Labels = kept |> Array.map (fun cell -> screen.Labels[cell])
                Batches = kept |> Array.map (fun cell -> screen.Batches[cell])
        }

    let private same (a: float[]) (b: float[]) =
        Expect.equal (Array.map BitConverter.DoubleToInt64Bits a) (Array.map BitConverter.DoubleToInt64Bits b)

    [<Property>]
    let ``of two samples, the same as in a file of those cells alone``
        (screen: Screen)
        (ofRanks: bool)
        (batches: bool)
        =
        let options = {
            Screen.options with
                Test =
                    (if ofRanks then
                         DifferentialTest.RankSum RankSum.standard
                     else
                         DifferentialTest.Welch WelchT.standard)
                Batch = (if ofRanks && batches then Some "batch" else None)
        }

        if Array.contains "b" screen.Labels then
            let found =
                Screen.compute
                    {
                        options with
                            Contrasts = [ vs "b,control"; vs "b,a"; vs "a,b" ]
                    }
                    screen

            Expect.equal [| "b vs control"; "b vs a"; "a vs b" |] found.Perturbations

            for row, labels, control in [ 0, [ "b"; "control" ], "control"; 1, [ "a"; "b" ], "a"; 2, [ "a"; "b" ], "b" ] do
                let alone =
                    Screen.compute { options with Control = Some control } (only labels screen)

                let sub (values: float[]) =
                    values[row * screen.Genes .. (row + 1) * screen.Genes - 1]

                Expect.equal alone.Cells[0] found.Cells[row]
                Expect.equal alone.ReferenceCells[0] found.ReferenceCells[row]
                same alone.Rows.Statistic (sub found.Rows.Statistic)
                same alone.Rows.PValue (sub found.Rows.PValue)
                same alone.Rows.QValue (sub found.Rows.QValue)
                same alone.Rows.LogFoldChange (sub found.Rows.LogFoldChange)
                same (snd alone.Rows.Further.Head) (sub (snd found.Rows.Further.Head))

    let private refused contrasts (options: DifferentialOptions) =
        match DifferentialExpression.compute Progress.none { options with Contrasts = contrasts } cells with
        | Error error -> CoExprError.describe error
        | Ok _ -> failwith "no error"

    // Labels keep their blanks, so that " a" and "a" are told apart; "A vs B" against "C" and "A" against "B vs C" are not.
    [<Test>]
    let ``rows have names of their own`` () =
        let groups: Groups = {
            Labels = [| " a"; "A"; "A vs B"; "B vs C"; "C"; "a" |]
            Order = [| 0..5 |]
            Starts = [| 0..6 |]
            Control = None
        }

        let named contrasts =
            ScreenContrast.compared (List.map vs contrasts) groups
            |> Result.map (Array.map (ScreenContrast.nameOf groups))

        Expect.equal [| " a vs C"; "a vs C" |] (named [ " a,C"; " a ,C" ] |> Expect.ok)

        named [ "A vs B,C"; "A,B vs C" ]
        |> Expect.says [ "A vs B vs C"; "2 contrasts have this name" ]

    [<Test>]
    let ``bad contrasts are named`` () =
        let options = {
            DifferentialExpression.defaults with
                Control = Some "control"
        }

        Assert.That(
            refused [ vs "a,contrl" ] options,
            Does.StartWith("--contrast: contrl is not known").And.EndsWith "Did you mean control?"
        )

        Assert.That(refused [ vs "a,a" ] options, Does.Contain "a vs a: a label does not differ from itself")
        Assert.That(refused [ vs "a,b"; vs "c,b"; vs "a,b" ] options, Does.Contain "a vs b: it is given 2 times")

        Assert.That(
            refused [ vs "a,b"; vs " a,b " ] options,
            Does.Contain "a vs b: 2 contrasts have this name: rows could not be told apart"
        )

        Assert.That(refused [ vs "a,b" ] { options with Control = None }, Does.Contain "--rest")

        let crispyx = {
            options with
                Test = DifferentialTest.Crispyx CrispyxScreen.defaults
        }

        Assert.That(refused [ vs "a,b" ] crispyx, Does.Contain "the control alone")

        for words in [ "a"; "a,b,c"; ",b"; "a, "; "\"a,b\""; "\"a,b"; "\" \",b" ] do
            match ScreenContrast.parse words with
            | Error error -> Assert.That(CoExprError.describe error, Does.StartWith $"--contrast {words}: two labels")
            | Ok _ -> Assert.Fail words

        Expect.equal (Ok { Label = "a,x"; Reference = "b" }) (ScreenContrast.parse "a,x\tb")
        // With a tab between them labels are as they are written, quotes too.
        Expect.equal (Ok { Label = "\"a\""; Reference = "b" }) (ScreenContrast.parse "\"a\"\tb")

    [<Test>]
    let ``calibration is of controls whatever the contrasts`` () =
        let rates contrasts =
            let options = {
                DifferentialExpression.defaults with
                    Control = Some "control"
                    Contrasts = contrasts
                    Calibration = Some(FakePerturbations.Splits(1, 3UL))
            }

            let found = DifferentialExpression.compute Progress.none options cells |> Expect.ok
            found.Calibration.Value.ControlCells, found.Calibration.Value.Names

        Expect.equal (rates []) (rates [ vs "a,b" ])

    [<Test>]
    let ``a label is taken as it is written, else without the blanks around it`` () =
        let labelled = {
            sample with
                Labels = sample.Labels |> Array.map (fun label -> if label = "c" then "a " else label)
        }

        let groups =
            Groups.create [ "perturbation" ] (Some "control") (Screen.cells labelled)
            |> Expect.ok

        let pair words =
            ScreenContrast.compared [ vs words ] groups |> Expect.ok |> Array.head

        let labelsOf words =
            let found = pair words
            groups.Labels[found.Group], groups.Labels[found.Reference.Value]

        Expect.equal ("a", "b") (labelsOf "a, b")
        Expect.equal ("a ", "b") (labelsOf "a ,b")
        Expect.equal ("a ", "a") (labelsOf "a \ta")
        Expect.equal "a vs b" (ScreenContrast.nameOf groups (pair "a, b"))

    [<Test>]
    let ``a label with commas is put in quotes`` () =
        let labels = [| "a,b"; "b"; "a"; "b,control"; "control" |]

        let groups =
            Groups.create
                [ "perturbation" ]
                (Some "control")
                (Screen.cells {
                    sample with
                        Labels = Array.init 180 (fun cell -> labels[cell % 5])
                })
            |> Expect.ok

        let labelsOf words =
            let found = ScreenContrast.compared [ vs words ] groups |> Expect.ok |> Array.head
            groups.Labels[found.Group], groups.Labels[found.Reference.Value]

        // Without quotes both would be a,b,control.
        Expect.equal ("a,b", "control") (labelsOf "\"a,b\",control")
        Expect.equal ("a", "b,control") (labelsOf "a, \"b,control\"")
        Expect.equal "a,b vs b" (ScreenContrast.name (vs "\"a,b\",b"))
