namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

/// Cells without a label, whatever their values are: everything is as if they were not in the input.
[<Properties(Arbitrary = [| typeof<ManyPartsCases> |], MaxTest = 150)>]
module UnlabelledCellsTests =

    let private isLabelled (label: string) = not (String.IsNullOrWhiteSpace label)

    let private labelledOf (screen: Screen) =
        [| 0 .. screen.Cells.Length - 1 |]
        |> Array.filter (fun cell -> isLabelled screen.Labels[cell])

    /// Labels are missing in every way, and every other cell without one has values that no test of counts takes.
    let private spoilt (screen: Screen) =
        let blank, wild = [| null; ""; " \t" |], [| nanf; 0.5f; -2.0f; infinityf; 0.0f |]

        let value cell gene value =
            if isLabelled screen.Labels[cell] || cell % 2 = 0 then
                value
            else
                wild[(cell + gene) % wild.Length]

        {
            screen with
                Labels =
                    screen.Labels
                    |> Array.mapi (fun cell label -> if isLabelled label then label else blank[cell % 3])
                Cells = screen.Cells |> Array.mapi (fun cell row -> Array.mapi (value cell) row)
        }

    /// The screen with these of its cells alone, which keep their names.
    let private only (chosen: int[]) screen =
        Cells.takeCells chosen (Screen.cells screen)

    let private pick (chosen: int[]) (values: 'a[]) =
        chosen |> Array.map (fun cell -> values[cell])

    let private own cell = 0.5 + float (cell % 9) / 8.0

    /// Numbers of one's own for these cells: offsets, and size factors in place of library sizes. Cook's distances are
    /// looked at where they can be.
    let private withOwn (chosen: int[]) (options: DifferentialOptions) =
        match options.Test with
        | DifferentialTest.NegativeBinomial counts -> {
            options with
                Test =
                    DifferentialTest.NegativeBinomial {
                        counts with
                            Outliers =
                                (if counts.Covariates.IsNone then
                                     CountOutliers.Flagged
                                 else
                                     CountOutliers.Ignored)
                            Covariates.Offsets = counts.Covariates.Offsets |> Array.map (pick chosen)
                            SizeFactors =
                                match counts.SizeFactors with
                                | SizeFactorKind.LibrarySize -> SizeFactorKind.Given(Array.map own chosen)
                                | other -> other
                    }
          }
        | _ -> options

    /// What is found of the whole, as it would be told of the labelled cells alone.
    let private asAlone (chosen: int[]) (alone: Result<DifferentialResult, CoExprError>) (found: DifferentialResult) =
        let names = found.CellNames

        for name, values in found.Rows.Further do
            if name = NegativeBinomialScreen.CooksCell then
                for place in 0 .. values.Length - 1 do
                    if not (Double.IsNaN values[place]) then
                        values[place] <- float (Array.IndexOf(chosen, int values[place]))

        {
            found with
                CellNames = pick chosen names
                LeftOut = found.LeftOut - (names.Length - chosen.Length)
                Options =
                    match alone with
                    | Ok alone -> alone.Options
                    | Error _ -> found.Options
        }

    let private compute options cells =
        DifferentialExpression.compute Progress.none options cells

    let private everyCell (screen: Screen) = [| 0 .. screen.Cells.Length - 1 |]

    let private isAsAlone options (screen: Screen) attempt =
        let chosen = labelledOf screen
        let alone = compute (withOwn chosen options) (only chosen screen)

        attempt (withOwn (everyCell screen) options)
        |> Result.map (asAlone chosen alone)
        |> ResultBits.areAlike alone

    [<Property>]
    let ``in memory everything is as without them, to the bit`` case =
        let screen = spoilt case.Screen
        isAsAlone case.Options screen (fun options -> compute options (Screen.cells screen))

    [<Property(MaxTest = 60)>]
    let ``in parts everything is as without them, to the bit`` case =
        let screen = spoilt case.Screen
        let cells = Screen.cells screen

        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            LayoutFile.write case.Layout cells.CellTable cells.GeneTable screen.Cells path

            let inParts options =
                DifferentialRun.computeInParts
                    Progress.none
                    ReadOptions.standard
                    options
                    case.Sizes
                    (path + ".parts")
                    false
                    ignore
                    path

            // Messages name the file.
            let chosen = labelledOf screen

            let alone =
                compute (withOwn chosen case.Options) {
                    only chosen screen with
                        Source = path
                }

            inParts (withOwn (everyCell screen) case.Options)
            |> Result.map (asAlone chosen alone)
            |> ResultBits.areAlike alone)

    /// 150 cells, of which 30 have no label, x 14 genes; a gene in every cell.
    let private sample =
        let random = System.Random 5

        {
            Cells =
                Array.init 150 (fun _ ->
                    Array.init 14 (fun gene ->
                        if gene = 13 then
                            float32 (1 + random.Next 4)
                        else
                            float32 (random.Next(2 + gene) * random.Next 2)))
            Genes = 14
            Labels = Array.init 150 (fun cell -> [| "control"; "a"; null; "control"; "b" |][cell % 5])
            Batches = Array.init 150 (fun cell -> if cell % 7 < 3 then "x" else "y")
        }
        |> spoilt

    let private ofCounts counts =
        DifferentialTest.NegativeBinomial counts

    let private options test = {
        DifferentialExpression.defaults with
            Control = Some "control"
            Test = test
            Threads = 2
    }

    let private given chosen =
        SizeFactorKind.Given(Array.map own chosen)

    /// Tests that are made in memory alone, of these cells.
    let private tests chosen = [
        DifferentialTest.Crispyx CrispyxScreen.defaults
        DifferentialTest.Crispyx {
            CrispyxScreen.defaults with
                SizeFactors = given chosen
        }
        DifferentialTest.Deseq2 Deseq2Screen.defaults
        for factors in [ given chosen; SizeFactorKind.PositiveCounts ] do
            ofCounts {
                NegativeBinomialScreen.defaults with
                    SizeFactors = factors
                    Scope = EstimationScope.Comparison
                    Outliers = CountOutliers.Flagged
            }

            ofCounts {
                NegativeBinomialScreen.defaults with
                    SizeFactors = factors
                    Shrink = FoldShrinkage.ByCounts
            }
    ]

    [<Test>]
    let ``so it is of tests that are made in memory alone, and of controls against controls`` () =
        let chosen = labelledOf sample
        Expect.equal 120 chosen.Length

        List.zip (tests (everyCell sample)) (tests chosen)
        |> List.iter (fun (test, testOfChosen) ->
            for contrasts, calibration in
                [
                    [], Some(FakePerturbations.Splits(2, 3UL))
                    [ { Label = "b"; Reference = "a" } ], None
                ] do
                let asked test = {
                    options test with
                        Contrasts =
                            (match test with
                             | DifferentialTest.Crispyx _ -> []
                             | _ -> contrasts)
                        Calibration = calibration
                }

                let alone = compute (asked testOfChosen) (only chosen sample)
                let found = compute (asked test) (Screen.cells sample)
                ResultBits.areAlike alone (Result.map (asAlone chosen alone) found)
                Assert.That((Expect.ok found).LeftOut, Is.EqualTo 30))

    // Totals of 4 and 2, so size factors of 4/3 and 2/3: means are 1 and 3 over 4/3, 1 and 1 over 2/3. The cells between
    // them would make another mean total, and no test takes their values.
    [<Test>]
    let ``by hand, with NaN and fractions in cells without a label`` () =
        let screen = {
            Cells = [| [| 1.0f; 3.0f |]; [| nanf; 100.0f |]; [| 0.5f; -1.0f |]; [| 1.0f; 1.0f |] |]
            Genes = 2
            Labels = [| "a"; null; " "; "control" |]
            Batches = [| "x"; null; ""; "x" |]
        }

        let found test =
            (compute
                {
                    options test with
                        MinimumCells = 1
                        Values = TestedValues.LogNormalised 10000.0
                }
                (Screen.cells screen)
             |> Expect.ok)
                .Rows

        let counts =
            found (
                ofCounts {
                    NegativeBinomialScreen.defaults with
                        SizeFactors = SizeFactorKind.LibrarySize
                        Dispersion = DispersionSource.Given [| 0.1; 0.1 |]
                        MinimumCells = 1
                }
            )

        let near (expected: float[]) (actual: float[]) =
            Array.iter2 (fun (e: float) a -> Assert.That(abs (e - a), Is.LessThan 1e-9)) expected actual

        near [| 0.75; 2.25 |] counts.Mean
        near [| 1.5; 1.5 |] counts.ReferenceMean

        for test in
            [
                DifferentialTest.RankSum RankSum.standard
                DifferentialTest.Welch WelchT.standard
            ] do
            let rows = found test
            near [| 2500.0; 7500.0 |] rows.Mean
            near [| 5000.0; 5000.0 |] rows.ReferenceMean

    [<Test>]
    let ``nothing is copied where every cell has a label`` () =
        let chosen = only (labelledOf sample) sample
        let asked = options (DifferentialTest.RankSum RankSum.standard)

        let compared =
            DifferentialExpression.comparedCells (fun () _ -> false) asked chosen
            |> Expect.ok

        Expect.equal None compared.Kept
        Assert.That(obj.ReferenceEquals(chosen, compared.Cells))
        Assert.That(obj.ReferenceEquals(asked, compared.Options))

    [<Test>]
    let ``lengths are told in cells of the input`` () =
        let refused counts parts =
            compute (options (ofCounts counts)) (Screen.cells sample) |> Expect.says parts

        let few = {
            NegativeBinomialScreen.defaults with
                SizeFactors = SizeFactorKind.Given(Array.create 120 1.0)
        }

        for scope in [ EstimationScope.Screen; EstimationScope.Comparison ] do
            refused { few with Scope = scope } [ "size factors: 120 where 150 were expected" ]

            refused
                {
                    NegativeBinomialScreen.defaults with
                        Scope = scope
                        Covariates.Offsets = Array.init 14 (fun gene -> Array.create (150 - gene / 4) 0.1)
                }
                [ "offsets of gene g4: 149 where 150 were expected" ]

        compute
            (options (
                DifferentialTest.Crispyx {
                    CrispyxScreen.defaults with
                        SizeFactors = few.SizeFactors
                }
            ))
            (Screen.cells sample)
        |> Expect.says [ "size factors: 120 where 150 were expected" ]

    [<Test>]
    let ``a size factor or an offset that no cell can have is of nobody where the cell has no label`` () =
        let withBad value = {
            NegativeBinomialScreen.defaults with
                SizeFactors =
                    SizeFactorKind.Given(sample.Labels |> Array.map (fun l -> if isLabelled l then 1.0 else value))
                Covariates.Offsets =
                    Array.init 14 (fun _ -> sample.Labels |> Array.map (fun l -> if isLabelled l then 0.1 else value))
        }

        let rows value =
            (compute (options (ofCounts (withBad value))) (Screen.cells sample) |> Expect.ok).Rows.PValue

        Expect.equal (rows 1.0) (rows nan)

    [<Test>]
    let ``names must differ among the cells that have a label, which are told by their places in the input`` () =
        let named names =
            let cells = Screen.cells sample

            compute (options (DifferentialTest.RankSum RankSum.standard)) {
                cells with
                    CellTable.Names =
                        cells.CellTable.Names
                        |> Array.mapi (fun cell name ->
                            List.tryFind (fst >> (=) cell) names |> Option.fold (fun _ (_, n) -> n) name)
            }

        // The third cell has no label, the 5th and the 9th have.
        Expect.ok (named [ 2, "c1" ]) |> ignore
        named [ 8, "c4" ] |> Expect.says [ "cell c4 stands at two places, 5 and 9" ]

    [<Test>]
    let ``a screen without any label, or without counts in the labelled cells, says so`` () =
        let rankSum = options (DifferentialTest.RankSum RankSum.standard)

        let unlabelled = {
            Screen.cells sample with
                CellTable =
                    (Screen.cells sample).CellTable
                    |> Table.withColumn "perturbation" (Column.Text(Array.create 150 ""))
        }

        for control in [ rankSum.Control; None ] do
            compute { rankSum with Control = control } unlabelled
            |> Expect.says [ "0 cells with a label in column perturbation" ]

        let empty =
            Screen.cells {
                sample with
                    Cells = sample.Cells |> Array.map (Array.map (fun _ -> 0.0f))
            }

        compute { rankSum with LeaveOutEmpty = true } empty
        |> Expect.says [ "0 labelled cells with counts"; "left out as empty" ]

    [<Test>]
    let ``an empty cell with a value that is no count is refused, not left out`` () =
        let screen = {
            sample with
                Cells =
                    sample.Cells
                    |> Array.mapi (fun cell row -> if cell = 3 then Array.create 14 nanf else row)
        }

        compute
            {
                options (ofCounts NegativeBinomialScreen.defaults) with
                    LeaveOutEmpty = true
            }
            (Screen.cells screen)
        |> Expect.says [ "gene g0 has the value NaN in cell c3" ]
