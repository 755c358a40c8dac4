namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO

module EvaluationTests =

    let private real = PerturbedSample.real
    let private options = PerturbedSample.options

    let private run predicted =
        Evaluation.run options (Some(real.Value, predicted)) None |> Expect.ok

    let private column = PerturbedSample.column

    let private mean name result =
        (Aggregates.ofColumn (column name result)).Mean

    let private faithful = lazy (run (PerturbedSample.predicted (fun _ row -> row)))

    /// No distance counts a gene that any perturbation targets: that of a row alone tells perturbations without content.
    let private fairly predicted =
        let discrimination = {
            options.Discrimination with
                Exclusion = TargetExclusion.Panel
        }

        Evaluation.run
            {
                options with
                    Discrimination = discrimination
            }
            (Some(real.Value, predicted))
            None
        |> Expect.ok

    let private warns (words: string) result =
        Assert.That(String.Join("\n", (result: EvaluationResult).Warnings), Does.Contain words)

    [<Test>]
    let ``a prediction that is another draw of the same cells is good by every measure, without a warning`` () =
        let found = faithful.Value
        Expect.equal 12 found.Perturbations.Length
        Assert.That(mean "pearson_delta" found, Is.GreaterThan 0.95)
        Assert.That(mean "mse" found, Is.LessThan 0.01)

        for distance in [ "l1"; "l2"; "cosine" ] do
            Expect.equal 1.0 (mean $"discrimination_score_{distance}" found)

        Assert.That(mean "pearson_edistance" found, Is.GreaterThan 0.5)
        Expect.equal [] found.Warnings

    [<Test>]
    let ``measures come in the order of cell-eval, and those of tables are left out with a note`` () =
        let found = faithful.Value

        Expect.equal
            [|
                "pearson_delta"
                "mse"
                "mae"
                "mse_delta"
                "mae_delta"
                "discrimination_score_l1"
                "discrimination_score_l2"
                "discrimination_score_cosine"
                "pearson_edistance"
                "clustering_agreement"
            |]
            (found.Columns |> Array.map (fun column -> column.Name))

        Assert.That(found.Notes |> List.last, Does.Contain "18 measures of differential expression are left out")

    [<Test>]
    let ``profiles choose measures, and some can be skipped`` () =
        let names profile skipped =
            MetricRegistry.chosen profile skipped
            |> Expect.ok
            |> List.map (fun entry -> entry.Name)

        Expect.equal 28 (names EvaluationProfile.Full []).Length
        Expect.equal 18 (names EvaluationProfile.De []).Length

        Expect.equal
            [ "overlap_at_N"; "mae"; "discrimination_score_l1" ]
            (names EvaluationProfile.VirtualCellChallenge [])

        Expect.equal
            [ "overlap_at_N"; "mae" ]
            (names EvaluationProfile.VirtualCellChallenge [ "discrimination_score_l1" ])

        Expect.equal [ "discrimination_score_l1" ] (names EvaluationProfile.Discrimination [])
        Expect.equal 8 (names EvaluationProfile.Minimal []).Length

        for name in MetricRegistry.profileNames do
            Expect.equal name (MetricRegistry.parseProfile name |> Expect.ok |> MetricRegistry.profileName)

        MetricRegistry.parseProfile "ful" |> Expect.says [ "Did you mean full?" ]

        MetricRegistry.chosen (EvaluationProfile.Named [ "mse"; "mae" ]) [ "mae"; "mse" ]
        |> Expect.says [ "--skip-metrics mae,mse"; "leaves no measure" ]

        MetricRegistry.chosen EvaluationProfile.Full [ "maee" ]
        |> Expect.says [ "maee is not known"; "Did you mean mae?" ]

    [<Test>]
    let ``the control pasted for every perturbation is undefined or at chance, and that is said`` () =
        let _, rows = PerturbedSample.draw 3
        let found = fairly (PerturbedSample.predicted (fun _ _ -> Array.copy rows[0]))
        Expect.equal (Array.create 12 nan) (column "pearson_delta" found).Values
        // Every distance ties: the place among the ties is the place among the labels.
        Assert.That(mean "discrimination_score_cosine" found, Is.EqualTo(13.0 / 24.0).Within 1e-12)
        warns "12 of 12 predicted effects are 0" found
        warns "By Cosine distance 12 of 12 predictions are as far from another perturbation" found
        warns "By L1 distance the predictions do not find their own perturbation more often than chance" found

    [<Test>]
    let ``one response for every perturbation is at chance, and that is said`` () =
        let _, rows = PerturbedSample.draw 3
        let response = rows[20]

        let prediction =
            PerturbedSample.predicted (fun label row -> if label = "control" then row else response)

        let found = fairly prediction
        Assert.That(mean "discrimination_score_l2" found, Is.InRange(0.3, 0.7))
        // With its own target out of a row, the response is closer to its own effect than to others, which keep theirs.
        Assert.That(mean "discrimination_score_l2" (run prediction), Is.GreaterThan 0.8)
        warns "All 12 predicted effects point the same way" found
        warns "do not find their own perturbation more often than chance" found

    [<Test>]
    let ``shuffled labels are worse than chance would be, and that is said`` () =
        let found = fairly PerturbedSample.shuffled.Value
        Assert.That(mean "discrimination_score_l1" found, Is.LessThan 0.7)
        Assert.That(mean "pearson_delta" found, Is.LessThan 0.5)
        warns "By L1 distance the predictions do not find their own" found

    [<Test>]
    let ``NaN in a prediction is NaN in its measures and in the means, and that is said`` () =
        let found =
            run (PerturbedSample.predicted (fun label row -> if label = "g3" then Array.create 30 nanf else row))

        let at = Array.IndexOf(found.Perturbations, "g3")

        for name in
            [
                "mae"
                "pearson_delta"
                "discrimination_score_l1"
                "discrimination_score_cosine"
            ] do
            let values = (column name found).Values
            Expect.equal nan values[at]
            Expect.equal 11 (values |> Array.filter Double.IsFinite |> Array.length)
            Expect.equal nan (mean name found)

        Expect.equal (Array.create 12 nan) (column "pearson_edistance" found).Values
        warns "1 of 12 predictions hold NaN" found

    [<Test>]
    let ``effects blown up are said to be`` () =
        let _, rows = PerturbedSample.draw 3
        let control = rows[0]

        let found =
            run (
                PerturbedSample.predicted (fun label row ->
                    if label = "control" then
                        row
                    else
                        Array.map2
                            (fun value base' -> min 14.0f (max 0.0f (base' + 6.0f * (value - base'))))
                            row
                            control)
            )

        warns "far larger than the real ones" found
        Assert.That(mean "mse" found, Is.GreaterThan(10.0 * mean "mse" faithful.Value))

    [<Test>]
    let ``the control can be bent, unless it is the real one`` () =
        let bent =
            PerturbedSample.predicted (fun label row ->
                if label = "control" then
                    row |> Array.map (fun value -> value / 2.0f)
                else
                    row)

        let by source =
            Evaluation.run { options with ControlSource = source } (Some(real.Value, bent)) None
            |> Expect.ok

        Assert.That(mean "mse_delta" (by ControlSource.Predicted), Is.GreaterThan 0.5)
        Assert.That(mean "mse_delta" (by ControlSource.Real), Is.LessThan 0.01)
        Expect.equal (mean "mse" (by ControlSource.Predicted)) (mean "mse" (by ControlSource.Real))

    [<Test>]
    let ``some perturbations can be scored among all`` () =
        let labels, rows = PerturbedSample.draw 3

        let kept =
            [| 0 .. labels.Length - 1 |]
            |> Array.filter (fun cell -> labels[cell] = "control" || labels[cell] = "g4" || labels[cell] = "g7")

        let some =
            PerturbedSample.cellsOf
                "some"
                (kept |> Array.map (fun c -> labels[c]))
                PerturbedSample.genes
                (kept |> Array.map (fun c -> rows[c]))

        let found =
            Evaluation.run
                {
                    options with
                        Sides = { options.Sides with Partial = true }
                }
                (Some(real.Value, some))
                None
            |> Expect.ok

        Expect.equal [| "g4"; "g7" |] found.Perturbations
        let whole = faithful.Value

        for name in [ "mae"; "discrimination_score_l2"; "pearson_delta" ] do
            let of' (result: EvaluationResult) =
                (column name result).Values[Array.IndexOf(result.Perturbations, "g7")]

            Expect.equal (of' whole) (of' found)

    [<Test>]
    let ``threads change nothing`` () =
        let predicted = PerturbedSample.predicted (fun _ row -> row)

        let run threads =
            let options = {
                options with
                    Sides = { options.Sides with Threads = threads }
            }

            let found = Evaluation.run options (Some(real.Value, predicted)) None |> Expect.ok
            found.Columns

        Expect.equal (run 1) (run 5)

    [<Test>]
    let ``tables alone can be evaluated, and must have the same perturbations`` () =
        let tables = EvaluationGolden.tables "tables"
        let found = Evaluation.run options None (Some tables) |> Expect.ok
        Expect.equal 18 found.Columns.Length
        Expect.equal 120 found.Perturbations.Length

        let renamed = {
            snd tables with
                Features = (snd tables).Features |> Array.map (fun gene -> "ENSG-" + gene)
        }

        Evaluation.run options None (Some(fst tables, renamed))
        |> Expect.says [ "0 genes that"; "ENSG-"; "share"; "name genes in the same way" ]

        let without (table: DeTable) = DeTable.restrict [||] table

        let empty = {
            without (fst tables) with
                Features = [||]
        }

        Evaluation.run options None (Some(empty, without (snd tables)))
        |> Expect.says [ "(no gene)"; "name genes in the same way" ]

        // A prediction without rows is one that found nothing, where it may leave perturbations out.
        let partial = {
            options with
                Sides = { options.Sides with Partial = true }
        }

        let nothing = Evaluation.run partial None (Some(fst tables, empty)) |> Expect.ok
        Expect.equal [||] nothing.Perturbations

        // What a partial prediction leaves out takes no part: it is no failure.
        let two = (snd tables).Targets[3..4]

        let some =
            Evaluation.run partial None (Some(fst tables, DeTable.restrict two (snd tables)))
            |> Expect.ok

        Expect.equal two some.Perturbations
        Assert.That(some.Notes.Head, Does.StartWith "118 of the 120 perturbations of")

        for name in [ "overlap_at_N"; "pr_auc"; "de_nsig_counts_real" ] do
            Expect.equal (column name found).Values[3..4] (column name some).Values

        let other = snd (EvaluationGolden.tables "random")

        Evaluation.run options None (Some(fst tables, other))
        |> Expect.says [
            "The perturbations of the tables differ"
            "120 only in"
            "10 only in"
            "--partial"
        ]

    [<Test>]
    let ``aggregates are those of the values that there are`` () =
        let found =
            MetricColumn.partial "m" [| Some 1.0; None; Some 4.0; Some 2.0; Some 7.0; Some 3.0 |]
            |> Aggregates.ofColumn

        Expect.equal (5, 1, 0) (found.Count, found.Absent, found.NotNumbers)
        Assert.That(found.Mean, Is.EqualTo(3.4).Within 1e-15)
        // Squares of −2.4, 0.6, −1.4, 3.6, −0.4: 21.2 over 4.
        Assert.That(found.StandardDeviation, Is.EqualTo(sqrt 5.3).Within 1e-15)

        Expect.equal
            (1.0, 2.0, 3.0, 4.0, 7.0)
            (found.Minimum, found.LowerQuartile, found.Median, found.UpperQuartile, found.Maximum)

        let spoilt = Aggregates.ofColumn (MetricColumn.full "m" [| 1.0; nan; 3.0 |])
        Expect.equal (nan, 1, 2.0) (spoilt.Mean, spoilt.NotNumbers, spoilt.MeanOfNumbers)

    let private means source perturbations means = {
        Source = source
        Perturbations = perturbations
        Means = means
    }

    [<Test>]
    let ``scores go from 0 for the baseline to 1 for perfection, cut below`` () =
        let prediction = [
            "mae", 0.02
            "overlap_at_N", 0.3
            "discrimination_score_l1", 0.4
            "roc_auc", nan
            "de_nsig_counts_real", 9.0
        ]

        let baseline = [
            "mae", 0.08
            "overlap_at_N", 0.1
            "discrimination_score_l1", 0.5
            "roc_auc", 0.5
            "de_nsig_counts_real", 8.0
        ]

        let scores =
            Scoring.compute (means "p" (Some 12L) prediction) (means "b" (Some 12L) baseline)
            |> Expect.ok

        let wanted = [
            "mae", 0.75
            "overlap_at_N", 0.2 / 0.9
            "discrimination_score_l1", 0.0
            "roc_auc", 0.0
        ]

        Expect.equal (List.map fst wanted) (scores |> List.map (fun score -> score.Name))

        for (name, score), found in List.zip wanted scores do
            Assert.That(found.Score, Is.EqualTo(score).Within 1e-15, name)

        Assert.That((scores |> List.item 2).Uncut, Is.EqualTo(-0.2).Within 1e-15)
        Assert.That(Scoring.average scores, Is.EqualTo((0.75 + 0.2 / 0.9) / 4.0).Within 1e-15)

        Scoring.compute (means "p.csv" None prediction) (means "b.csv" None (List.tail baseline))
        |> Expect.says [ "The measures differ: 1 only in p.csv (mae), 0 only in b.csv (nothing)" ]

        Scoring.compute (means "p.csv" (Some 11L) prediction) (means "b.csv" (Some 12L) baseline)
        |> Expect.says [ "perturbations of p.csv"; "those of b.csv: 11 where 12" ]

        // What does not tell how many there are cannot be told to differ.
        Scoring.compute (means "p.csv" (Some 11L) prediction) (means "b.csv" None baseline)
        |> Expect.ok
        |> ignore

    [<Test>]
    let ``a score that stands for no number is told`` () =
        let warned prediction baseline =
            Scoring.compute (means "p" None [ "roc_auc", prediction ]) (means "b" None [ "roc_auc", baseline ])
            |> Expect.ok
            |> List.map (fun score -> score.Score, Scoring.warning score)

        Expect.equal [ 0.0, Some "roc_auc: the prediction's mean is NaN, so the score counts as 0." ] (warned nan 0.5)
        Expect.equal [ 0.0, Some "roc_auc: the baseline's mean is NaN, so the score counts as 0." ] (warned 0.5 nan)
        Expect.equal [ 0.0, Some "roc_auc: both means are NaN, so the score counts as 0." ] (warned nan nan)
        Assert.That((warned 1.0 1.0 |> List.head |> snd).Value, Does.Contain "perfect")
        Expect.equal [ 0.0, None ] (warned 0.4 0.5)
        Expect.equal [ 0.5, None ] (warned 0.75 0.5)

    [<Test>]
    let ``aggregates are read with the number of perturbations they are of`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "agg_results.csv")

            let read (lines: string list) =
                File.WriteAllLines(path, lines)
                EvaluationFile.readAggregates Progress.none path

            let whole = [
                "statistic,mae,pr_auc"
                "count,12.0,10.0"
                "null_count,0.0,2.0"
                "mean,0.5,NaN"
                "std,,1"
            ]

            let found = read whole |> Expect.ok
            Expect.equal (Some 12L) found.Perturbations
            Expect.equal [ "mae", 0.5; "pr_auc", nan ] found.Means
            Expect.equal None (read [ whole[0]; whole[3] ] |> Expect.ok).Perturbations

            read whole[..2] |> Expect.says [ "no row mean"; "agg_results.csv" ]

            read [ whole[0]; "count,1" ] |> Expect.says [ "2 fields, where 3 are expected" ])

    [<Test>]
    let ``a perfect prediction scores 1 by every measure`` () =
        let perfect = [
            for entry in MetricRegistry.all -> entry.Name, (if entry.Best = BestValue.Zero then 0.0 else 1.0)
        ]

        let middling = perfect |> List.map (fun (name, _) -> name, 0.4)

        let scores =
            Scoring.compute (means "p" None perfect) (means "b" None middling) |> Expect.ok

        Expect.equal 66 scores.Length
        Assert.That(scores |> List.forall (fun score -> score.Score = 1.0))

    [<Test>]
    let ``halves that share no cell are all cells once, drawn halves are as large as the whole`` () =
        let groups =
            Groups.create [ "target_gene" ] (Some "control") real.Value |> Expect.ok

        let halves how seed =
            Ceiling.halves how seed groups real.Value |> Expect.ok

        let first, second = halves CeilingHalves.Disjoint 7UL
        Expect.equal (4 + 12 * 2, 4 + 12 * 3) (first.Counts.Cells, second.Counts.Cells)
        let sums (cells: Cells) = SizeFactors.totals cells.Counts
        let both = Array.append (sums first) (sums second) |> Array.sort
        Expect.equal (Array.sort (sums real.Value)) both
        let drawn, _ = halves CeilingHalves.WithReplacement 7UL
        Expect.equal real.Value.Counts.Cells drawn.Counts.Cells
        Expect.equal (sums first) (sums (fst (halves CeilingHalves.Disjoint 7UL)))
        Assert.That(sums first, Is.Not.EqualTo(sums (fst (halves CeilingHalves.Disjoint 8UL))))

    [<Test>]
    let ``the ceiling is above the mean response, and the mean response is at chance`` () =
        let top =
            Ceiling.evaluate Progress.none CeilingHalves.Disjoint 0UL None options real.Value
            |> Expect.ok

        let baseline =
            MeanResponse.cells MeanOf.AllLabels None options.Sides real.Value
            |> Expect.ok
            |> fairly

        Expect.equal 1.0 (mean "discrimination_score_l1" top)
        Assert.That(mean "discrimination_score_l1" baseline, Is.InRange(0.35, 0.7))
        Assert.That(mean "pearson_delta" top, Is.GreaterThan(mean "pearson_delta" baseline))
        Assert.That(mean "mae" top, Is.LessThan(mean "mae" baseline))
        warns "All 12 predicted effects point the same way" baseline

    /// 33 perturbations of two screens.
    let private screen =
        lazy
            (IO.Input.read IO.Input.standard (TestData.require "norman_mcfaline_500g.h5ad")
             |> Expect.ok)

    [<Test>]
    let ``half of a real screen finds itself in the other, and the mean response of it is at chance`` () =
        let options = {
            options with
                Sides = {
                    options.Sides with
                        Column = "perturbation"
                }
        }

        let groups =
            Groups.create [ "perturbation" ] (Some "control") screen.Value |> Expect.ok

        let real, predicted =
            Ceiling.halves CeilingHalves.Disjoint 1UL groups screen.Value |> Expect.ok

        let run predicted =
            Evaluation.run options (Some(real, predicted)) None |> Expect.ok

        let half = run predicted

        let baseline =
            MeanResponse.cells MeanOf.AllLabels None options.Sides real |> Expect.ok |> run

        Assert.That(mean "discrimination_score_l1" half, Is.GreaterThan 0.95)
        Assert.That(mean "pearson_edistance" half, Is.GreaterThan 0.98)
        Expect.equal [] half.Warnings
        Assert.That(mean "discrimination_score_l1" baseline, Is.InRange(0.45, 0.6))
        Assert.That(mean "mse" baseline, Is.GreaterThan(5.0 * mean "mse" half))
        warns "point the same way" baseline

    [<Test>]
    let ``a group of one cell has no halves that share none`` () =
        let cells =
            PerturbedSample.cellsOf
                "few"
                [| "control"; "control"; "a"; "b"; "b" |]
                [| "x" |]
                (Array.init 5 (fun cell -> [| float32 cell |]))

        Ceiling.evaluate Progress.none CeilingHalves.Disjoint 0UL None options cells
        |> Expect.says [ "1 cells of a in few are left where at least 2 are needed" ]

    [<Test>]
    let ``halves say of the whole what Spearman and Brown say`` () =
        Assert.That(Ceiling.spearmanBrown 0.6, Is.EqualTo(0.75).Within 1e-15)
        Expect.equal 1.0 (Ceiling.spearmanBrown 1.0)
        Expect.equal nan (Ceiling.spearmanBrown -0.1)

    // Two perturbations and a control with the means 1, 3 and 8.
    [<Test>]
    let ``the mean response is the mean of means, the control's among them or not`` () =
        let cells =
            PerturbedSample.cellsOf "few" [| "control"; "a"; "b"; "b" |] [| "x"; "y" |] [|
                [| 8.0f; 0.5f |]
                [| 1.0f; 0.5f |]
                [| 2.0f; 0.5f |]
                [| 4.0f; 0.5f |]
            |]

        let baseline which copies =
            MeanResponse.cells which copies options.Sides cells |> Expect.ok

        let all = baseline MeanOf.AllLabels None

        let value (cells: Cells) cell =
            cells.Counts.ByCell.ValuesOf(cell).ToArray()
        // Labels come in order: a, b, b, control.
        Expect.equal [| 4.0f; 0.5f |] (value all 0)
        Expect.equal [| 4.0f; 0.5f |] (value all 2)
        Expect.equal [| 8.0f; 0.5f |] (value all 3)
        Expect.equal [| 2.0f; 0.5f |] (value (baseline MeanOf.Perturbations None) 0)
        Expect.equal 3 (baseline MeanOf.AllLabels (Some 1)).Counts.Cells
