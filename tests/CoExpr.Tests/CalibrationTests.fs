namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// Controls against controls: which groups are made of them, and that they are tested as perturbations are.
module CalibrationTests =

    let private splits least seed count medianCells controls =
        Calibration.splits least seed count medianCells controls |> Expect.ok

    [<Property>]
    let ``no control is in two splits, and one share of the controls is left over`` (seed: uint64) =
        let controls, count = 40 + int (seed % 60UL), 1 + int (seed % 7UL)
        let made = splits 2 seed count 1000 controls
        let members = made |> Array.collect _.Members

        Array.length made = count
        && members = Array.distinct members
        && members |> Array.forall (fun cell -> cell >= 0 && cell < controls)
        && made |> Array.forall (fun fake -> fake.Members.Length = controls / (count + 1))

    [<Test>]
    let ``splits have the cells of the median perturbation where there are enough controls`` () =
        let sizes medianCells count =
            splits 2 1UL count medianCells 100
            |> Array.map _.Members.Length
            |> Array.distinct

        Expect.equal [| 10 |] (sizes 10 4)
        Expect.equal [| 10 |] (sizes 10 9)
        Expect.equal [| 9 |] (sizes 10 10)
        Expect.equal [| 50 |] (sizes 60 1)
        Expect.equal [| "split 1"; "split 2" |] (splits 2 1UL 2 5 50 |> Array.map _.Name)

    [<Test>]
    let ``a seed gives the same splits again, another seed others`` () =
        Expect.equal (splits 2 7UL 3 20 200) (splits 2 7UL 3 20 200)

        let first seed =
            splits 2 seed 3 20 200 |> Array.head |> _.Members

        Assert.That(first 8UL, Is.Not.EqualTo(first 7UL))
        Assert.That(first 7UL, Is.Not.EqualTo [| 0..19 |])

    [<Test>]
    let ``too few controls to split are refused with both numbers`` () =
        splits 2 1UL 4 50 10 |> Array.length |> Expect.equal 4

        Calibration.splits 2 1UL 4 50 9
        |> Expect.says [
            "9 controls to split into 4 fake perturbations"
            "at least 10"
            "--calibrate"
        ]

        Calibration.splits 5 1UL 4 50 24 |> Expect.says [ "24 controls"; "at least 25" ]

    [<Test>]
    let ``the median of an even number of sizes is the lower of the middle two`` () =
        Expect.equal 3 (Calibration.median [| 9; 1; 3; 4 |])
        Expect.equal 4 (Calibration.median [| 9; 1; 4 |])

    [<Test>]
    let ``guides are taken whole, those of most cells first`` () =
        let guides = [| "b"; "a"; "b"; null; "c"; "a"; "d"; "d"; "d" |]

        let names most =
            Calibration.ofGuides 2 "guide" most guides
            |> Expect.ok
            |> Array.map (fun fake -> fake.Name, fake.Members)

        Expect.equal [| "d", [| 6; 7; 8 |]; "a", [| 1; 5 |]; "b", [| 0; 2 |] |] (names None)
        Expect.equal [| "d", [| 6; 7; 8 |] |] (names (Some 1))

    [<Test>]
    let ``controls without a guide of two cells are refused, and a guide that all have`` () =
        for guides in [ [| "a"; "b"; "c" |]; [| null; null |]; [| "a"; "a"; "a" |] ] do
            Calibration.ofGuides 2 "guide" None guides
            |> Expect.says [ "column guide"; $"Of {guides.Length} controls"; "at least 1" ]

    let private calibration log10P = {
        Names = log10P |> Array.mapi (fun i _ -> $"split {i + 1}")
        Cells = log10P |> Array.map (fun _ -> 10)
        ControlCells = 100
        MedianCells = 10
        Log10P = log10P
    }

    [<Test>]
    let ``rates count p-values up to and at the level`` () =
        let made = calibration [| [| -3.0; log10 0.05; -1.0; 0.0 |]; [| -0.5 |] |]
        Expect.equal 0.4 (Calibration.rate 0.05 made)
        Expect.equal 0.2 (Calibration.rate 0.01 made)
        Expect.equal [| 0.5; 0.0 |] (Calibration.rates 0.05 made)
        Expect.equal 5L (Calibration.tests made)

    [<Test>]
    let ``a warning is given above 7 in 100`` () =
        let withLow low =
            calibration [| Array.init 100 (fun i -> if i < low then -2.0 else -0.1) |]

        Expect.equal None (Calibration.warning (withLow 7))

        match Calibration.warning (withLow 8) with
        | Some words ->
            for part in [ "100 tests"; "8.0 %"; "5.0 %" ] do
                Assert.That(words, Does.Contain part)
        | None -> Assert.Fail "no warning"

    /// Counts of 60 cells: 40 controls, and 20 of a perturbation that changes one gene.
    let private screen =
        let draws = Random.stream 11UL (Purpose.named "calibration test") 0

        {
            Cells =
                Array.init 60 (fun cell ->
                    Array.init 12 (fun gene ->
                        let most = if gene = 0 && cell >= 40 then 9 else 3
                        if gene = 11 then 0.0f else float32 (1 + draws.Below most)))
            Genes = 12
            Labels = Array.init 60 (fun cell -> if cell < 40 then "control" else "a")
            Batches = Array.init 60 (fun cell -> $"g{cell % 4}")
        }

    let private tests = [
        DifferentialTest.RankSum RankSum.standard
        DifferentialTest.Welch WelchT.standard
        DifferentialTest.NegativeBinomial NegativeBinomialScreen.defaults
    ]

    /// The same comparison with the group labelled by hand in a screen of controls alone.
    let private byHand options (members: int[]) =
        let labelled = {
            screen with
                Cells = Array.take 40 screen.Cells
                Labels = Array.init 40 (fun cell -> if Array.contains cell members then "fake" else "control")
                Batches = Array.take 40 screen.Batches
        }

        let rows = (Screen.compute options labelled).Rows
        // The last gene has no counts.
        Array.take 11 rows.Log10P |> Array.sort

    [<Test>]
    let ``a split is tested as a perturbation among the controls is`` () =
        for test in tests do
            let options = { Screen.options with Test = test }
            let fakes = FakePerturbations.Splits(2, 5UL)

            let found =
                Screen.compute
                    {
                        options with
                            Calibration = Some fakes
                    }
                    screen

            let made = splits 2 5UL 2 20 40
            Expect.equal (made |> Array.map (fun fake -> byHand options fake.Members)) found.Calibration.Value.Log10P
            Expect.equal [| 13; 13 |] found.Calibration.Value.Cells
            Expect.equal 20 found.Calibration.Value.MedianCells
            Expect.equal 40 found.Calibration.Value.ControlCells
            // What is found of the perturbations stays the same.
            Expect.equal (Screen.compute options screen).Rows.PValue found.Rows.PValue

    [<Test>]
    let ``a guide is tested against the controls of other guides`` () =
        let options = { Screen.options with Test = tests[0] }
        let fakes = FakePerturbations.Guides("batch", None)

        let found =
            (Screen.compute
                {
                    options with
                        Calibration = Some fakes
                }
                screen)
                .Calibration.Value

        Expect.equal [| "g0"; "g1"; "g2"; "g3" |] found.Names
        Expect.equal (byHand options [| 1..4..39 |]) found.Log10P[1]

    [<Test>]
    let ``calibration needs a control, a group and a column that is there`` () =
        let attempt options =
            DifferentialExpression.compute Progress.none options (Screen.cells screen)

        let split count = {
            Screen.options with
                Calibration = Some(FakePerturbations.Splits(count, 0UL))
        }

        attempt { split 2 with Control = None }
        |> Expect.says [ "--calibrate"; "control" ]

        attempt (split 0) |> Expect.says [ "--calibrate 0"; "1 or more" ]
        attempt (split 30) |> Expect.says [ "40 controls"; "at least 62" ]

        attempt {
            Screen.options with
                Calibration = Some(FakePerturbations.Guides("gide", None))
        }
        |> Expect.says [ "column gide"; "batch" ]
