namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

/// Predictions against a real side that is made once, with tables that are made here: also those that are to be seen through.
module RealSideTests =

    let private options = PerturbedSample.options

    let private sideOf options =
        RealSide.create Progress.none (Some OwnTables.rankSum) options PerturbedSample.real.Value
        |> Expect.ok

    let private side = lazy (sideOf options)

    let private evaluate predicted =
        RealSide.evaluate Progress.none options side.Value None predicted |> Expect.ok

    let private faithful =
        lazy (evaluate (PerturbedSample.predicted (fun _ row -> row)))

    let private mean name (found: EvaluationResult) =
        (Aggregates.ofColumn (PerturbedSample.column name found)).Mean

    let private warns (words: string) (found: Evaluated) =
        Assert.That(String.Join("\n", found.Result.Warnings), Does.Contain words)

    [<Test>]
    let ``all measures are taken, those of cells as without tables`` () =
        let found = faithful.Value.Result
        Expect.equal 28 found.Columns.Length

        let alone =
            Evaluation.run options (Some(PerturbedSample.real.Value, PerturbedSample.predicted (fun _ row -> row))) None
            |> Expect.ok

        Expect.equal alone.Columns found.Columns[18..]
        Assert.That(found.Notes |> List.last, Does.Contain "tested here, by rank-sum")
        Expect.equal [] found.Warnings
        Assert.That(mean "de_direction_match" found, Is.GreaterThan 0.95)
        Assert.That(mean "roc_auc" found, Is.GreaterThan 0.8)

    [<Test>]
    let ``measures of tables are those of the tables that were made`` () =
        let found = faithful.Value
        let real, predicted = found.Own.Value

        let alone =
            Evaluation.run options None (Some(real.Table, predicted.Table)) |> Expect.ok

        Expect.equal alone.Columns found.Result.Columns[..17]

    [<Test>]
    let ``tests of counts need the predicted control, whose counts are still there`` () =
        let counts seed =
            let labels, rows = PerturbedSample.draw seed
            PerturbedSample.cellsOf "counts" labels PerturbedSample.genes (rows |> Array.map (Array.map floor))

        let evaluate source =
            let options = {
                options with
                    ControlSource = source
                    Profile = EvaluationProfile.De
            }

            RealSide.create Progress.none (OwnTables.parse "wald" |> Expect.ok) options (counts 2)
            |> Result.bind (fun side -> RealSide.evaluate Progress.none options side None (counts 3))

        evaluate ControlSource.Real
        |> Expect.says [
            "--de-test wald: it is a test of counts, and beside the real control predicted cells stand as logarithms"
            "say --control-source predicted"
        ]

        Expect.equal 12 (evaluate ControlSource.Predicted |> Expect.ok).Result.Perturbations.Length

    [<Test>]
    let ``a side serves several predictions, each as if it were alone`` () =
        let first = evaluate (PerturbedSample.predicted (fun _ row -> Array.rev row))
        let second = evaluate (PerturbedSample.predicted (fun _ row -> row))
        Expect.equal faithful.Value.Result.Columns second.Result.Columns
        Assert.That(first.Result.Columns, Is.Not.EqualTo second.Result.Columns)

    [<Test>]
    let ``supplied tables are taken as they are`` () =
        let real, predicted = faithful.Value.Own.Value

        let found =
            RealSide.evaluate
                Progress.none
                options
                side.Value
                (Some(real.Table, predicted.Table))
                (PerturbedSample.predicted (fun _ row -> row))
            |> Expect.ok

        Assert.That found.Own.IsNone
        Expect.equal faithful.Value.Result.Columns found.Result.Columns

    [<Test>]
    let ``threads change no bit`` () =
        let by threads =
            let options = {
                options with
                    Sides = { options.Sides with Threads = threads }
            }

            (RealSide.evaluate
                Progress.none
                options
                (sideOf options)
                None
                (PerturbedSample.predicted (fun _ row -> row))
             |> Expect.ok)
                .Result.Columns

        Expect.equal (by 1) (by 3)

    [<Test>]
    let ``a partial prediction is compared by its own perturbations`` () =
        let labels, rows = PerturbedSample.draw 3

        let kept =
            [| 0 .. labels.Length - 1 |]
            |> Array.filter (fun cell -> List.contains labels[cell] [ "control"; "g4"; "g7" ])

        let some =
            PerturbedSample.cellsOf
                "some"
                (kept |> Array.map (fun cell -> labels[cell]))
                PerturbedSample.genes
                (kept |> Array.map (fun cell -> rows[cell]))

        let options = {
            options with
                Sides = { options.Sides with Partial = true }
        }

        let found =
            RealSide.evaluate Progress.none options side.Value None some |> Expect.ok

        Expect.equal [| "g4"; "g7" |] found.Result.Perturbations
        let whole = faithful.Value.Result
        let at = Array.IndexOf(whole.Perturbations, "g7")

        for name in [ "overlap_at_N"; "roc_auc"; "mae" ] do
            Expect.equal
                (PerturbedSample.column name whole).Values[at]
                (PerturbedSample.column name found.Result).Values[1]

    [<Test>]
    let ``under the real control a bent one changes no table`` () =
        let bent =
            PerturbedSample.predicted (fun label row ->
                if label = "control" then
                    row |> Array.map (fun value -> value / 2.0f)
                else
                    row)

        let by source predicted =
            let options = { options with ControlSource = source }

            (RealSide.evaluate Progress.none options (sideOf options) None predicted
             |> Expect.ok)
                .Own.Value
            |> fun (_, table) -> table.Table.Fdr

        let straight = PerturbedSample.predicted (fun _ row -> row)
        Expect.equal (by ControlSource.Real straight) (by ControlSource.Real bent)
        Assert.That(by ControlSource.Predicted straight, Is.Not.EqualTo(by ControlSource.Predicted bent))

    [<Test>]
    let ``the control pasted finds nothing, and that is said`` () =
        let labels, rows = PerturbedSample.draw 3
        // Each cell is a control cell, and so there is nothing to find.
        let controls =
            Array.zip labels rows
            |> Array.filter (fun (label, _) -> label = "control")
            |> Array.map snd

        let pasted =
            labels |> Array.mapi (fun cell _ -> Array.copy controls[cell % controls.Length])

        let found =
            evaluate (PerturbedSample.cellsOf "pasted" labels PerturbedSample.genes pasted)

        Expect.equal 0.0 (mean "overlap_at_N" found.Result)
        Expect.equal 0.0 (mean "de_sig_genes_recall" found.Result)
        warns "No gene is significant in any prediction" found

    [<Test>]
    let ``one cell for all has areas of one half, and its likeness is said`` () =
        let _, rows = PerturbedSample.draw 3
        let found = evaluate (PerturbedSample.predicted (fun _ _ -> Array.copy rows[0]))

        Expect.equal
            (Array.create 12 0.5)
            ((PerturbedSample.column "roc_auc" found.Result).Values
             |> Array.map (fun v -> if Double.IsNaN v then 0.5 else v))

        warns "far more alike than real ones" found
        warns "12 of 12 predicted effects are 0" found

    [<Test>]
    let ``the mean response is at chance, and finds too much, and that is said`` () =
        let found =
            RealSide.baseline Progress.none options MeanOf.AllLabels side.Value |> Expect.ok

        warns "All 12 predicted effects point the same way" found
        warns "far more alike than real ones" found
        // Cells that are all alike differ surely from the control, whether the gene truly changes or not.
        Assert.That(
            mean "de_nsig_counts_pred" found.Result,
            Is.GreaterThan(mean "de_nsig_counts_real" faithful.Value.Result)
        )

        Assert.That(mean "pearson_delta" found.Result, Is.LessThan(mean "pearson_delta" faithful.Value.Result))

    [<Test>]
    let ``shuffled labels lose what tables and means told`` () =
        let found = evaluate PerturbedSample.shuffled.Value
        Assert.That(mean "overlap_at_N" found.Result, Is.LessThan(mean "overlap_at_N" faithful.Value.Result))
        Assert.That(mean "de_spearman_lfc_sig" found.Result, Is.LessThan 0.7)

    [<Test>]
    let ``effects turned round have good areas, and their signs are said to be wrong`` () =
        let labels, rows = PerturbedSample.draw 3

        let controls =
            Array.zip labels rows
            |> Array.filter (fun (label, _) -> label = "control")
            |> Array.map snd

        let middle =
            Array.init 30 (fun gene -> controls |> Array.averageBy (fun row -> row[gene]))

        let turned label row =
            if label = "control" then
                row
            else
                Array.map2 (fun value centre -> max 0.0f (2.0f * centre - value)) row middle

        let found = evaluate (PerturbedSample.predicted turned)
        Assert.That(mean "roc_auc" found.Result, Is.GreaterThan 0.7)
        Assert.That(mean "de_direction_match" found.Result, Is.LessThan 0.5)
        warns "no more than by chance (de_direction_match)" found

    [<Test>]
    let ``NaN is NaN by cells, nothing found by tables, and that is said`` () =
        let found =
            evaluate (PerturbedSample.predicted (fun label row -> if label = "g3" then Array.create 30 nanf else row))

        let at = Array.IndexOf(found.Result.Perturbations, "g3")

        let value name =
            (PerturbedSample.column name found.Result).Values[at]

        Expect.equal (nan, 0.0, 0.0) (value "mae", value "de_sig_genes_recall", value "de_nsig_counts_pred")
        Assert.That(value "de_nsig_counts_real", Is.GreaterThan 0.0)
        warns "1 predictions hold NaN or infinity and cannot be tested" found
        warns "1 of 12 predictions hold NaN" found
        let whole = mean "de_nsig_counts_pred" faithful.Value.Result
        Assert.That(mean "de_nsig_counts_pred" found.Result, Is.LessThan whole)

    /// The same means, scattered thrice as far: pairs of cells move apart.
    let private scattered factor =
        let labels, rows = PerturbedSample.draw 3

        let means =
            Array.zip labels rows
            |> Array.groupBy fst
            |> Array.map (fun (label, cells) ->
                label, Array.init 30 (fun gene -> cells |> Array.averageBy (fun (_, row) -> row[gene])))
            |> Map.ofArray

        PerturbedSample.predicted (fun label row ->
            Array.map2 (fun value middle -> max 0.0f (middle + factor * (value - middle))) row means[label])

    [<Test>]
    let ``variance blown up is seen by tests and said, though means do not show it`` () =
        let found = evaluate (scattered 4.0f)
        warns "scatter far more than real ones" found
        Assert.That(mean "mae" found.Result, Is.EqualTo(mean "mae" faithful.Value.Result).Within 0.01)

        Assert.That(
            mean "de_nsig_counts_pred" found.Result,
            Is.LessThan(mean "de_nsig_counts_pred" faithful.Value.Result)
        )

    [<Test>]
    let ``variance taken away is said, too`` () =
        let found = evaluate (scattered 0.05f)
        warns "far more alike than real ones" found
        Assert.That(mean "de_nsig_counts_pred" found.Result, Is.GreaterThan(mean "de_nsig_counts_real" found.Result))

    [<Test>]
    let ``spread is the variance summed over genes`` () =
        let cells =
            PerturbedSample.cellsOf "few" [| "a"; "a"; "control" |] [| "x"; "y" |] [|
                [| 1.0f; 0.0f |]
                [| 3.0f; 4.0f |]
                [| 7.0f; 0.0f |]
            |]

        let groups = Groups.create [ "target_gene" ] None cells |> Expect.ok

        let values =
            ExpressionScale.values ExpressionScale.AsTheyAre [| 0; 1 |] cells.Counts

        let bulk = MeanProfiles.compute 1 groups values
        // (1² + 1²) / 2 + (2² + 2²) / 2.
        Expect.equal [| 5.0; 0.0 |] (CellSpread.compute 2 groups values bulk)

    [<Test>]
    let ``a ceiling of halves that share no cell is also given for all cells`` () =
        let ceiling how =
            Ceiling.evaluate Progress.none how 1UL (Some OwnTables.rankSum) options PerturbedSample.real.Value
            |> Expect.ok

        let halves = ceiling CeilingHalves.Disjoint
        let column name = PerturbedSample.column name halves

        for name in Ceiling.correlations do
            let raw, whole = (column name).Values, (column (Ceiling.correctedName name)).Values

            for r, corrected in Array.zip raw whole do
                let wanted = if r > 0.0 then 2.0 * r / (1.0 + r) else nan
                Assert.That(corrected, Is.EqualTo(wanted).Within 1e-15)

        Expect.equal 32 halves.Columns.Length
        Expect.equal 28 (ceiling CeilingHalves.WithReplacement).Columns.Length
        // Spearman (1910), Brown (1910): a test twice as long.
        Assert.That(Ceiling.spearmanBrown 0.5, Is.EqualTo(2.0 / 3.0).Within 1e-15)
        Expect.equal (1.0, nan, nan) (Ceiling.spearmanBrown 1.0, Ceiling.spearmanBrown 0.0, Ceiling.spearmanBrown nan)

    [<Test>]
    let ``stages say what they took`` () =
        let costs = faithful.Value.Result.Costs

        Expect.equal
            [
                "means"
                "real table"
                "predicted table"
                "tables"
                "further tables"
                "profiles"
                "discrimination"
                "E-distance"
                "further measures"
            ]
            (costs |> List.map _.Stage)

        Assert.That(
            costs
            |> List.forall (fun cost -> cost.Seconds >= 0.0 && cost.Allocated >= 0L && cost.Peak > 0L)
        )

        Assert.That(costs |> List.map _.Peak, Is.Ordered)
