namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

module FurtherMeasuresTests =

    let private options profile = {
        PerturbedSample.options with
            Profile = profile
            // By row alone one response for all finds its own.
            Discrimination = {
                Discrimination.defaults with
                    Exclusion = TargetExclusion.Panel
            }
    }

    let private run profile predicted =
        Evaluation.run (options profile) (Some(PerturbedSample.real.Value, predicted)) None
        |> Expect.ok

    let private faithful =
        lazy (run EvaluationProfile.Extended (PerturbedSample.predicted (fun _ row -> row)))

    let private pasted =
        lazy
            (let _, rows = PerturbedSample.draw 3

             run EvaluationProfile.Extended (PerturbedSample.predicted (fun _ _ -> Array.copy rows[0])))

    let private mean name (result: EvaluationResult) =
        (Aggregates.ofColumn (PerturbedSample.column name result)).MeanOfNumbers

    let private judging =
        MetricRegistry.all
        |> List.filter (fun entry -> not entry.FromTables && entry.Best <> BestValue.Nothing)

    [<Test>]
    let ``the extended profile has every measure of cells, each defined but where cells are too few`` () =
        let found = faithful.Value

        let wanted = MetricRegistry.all |> List.filter (fun entry -> not entry.FromTables)

        Expect.equal [ for entry in wanted -> entry.Name ] [ for column in found.Columns -> column.Name ]

        for column in found.Columns do
            // Five cells of thirty genes have no covariance to divide by, and logarithms no likelihood as counts.
            let isAbsent =
                List.contains column.Name [ "distance_mahalanobis"; "distance_nb_ll" ]

            Expect.equal (Array.create 12 isAbsent) column.IsAbsent
            Assert.That(isAbsent || Array.forall Double.IsFinite column.Values, column.Name)

    [<Test>]
    let ``another draw of the same cells is better than the control by every measure that judges`` () =
        for entry in judging do
            let good, bad = mean entry.Name faithful.Value, mean entry.Name pasted.Value

            if entry.Name <> "distance_mahalanobis" && not (Double.IsNaN bad) then
                match entry.Best with
                | BestValue.One -> Assert.That(good, Is.GreaterThan bad, entry.Name)
                | _ -> Assert.That(good, Is.LessThan bad, entry.Name)

    [<Test>]
    let ``measures can be taken by name, one by one, with the value that all together have`` () =
        let predicted = PerturbedSample.predicted (fun _ row -> row)

        for name in
            [
                "clustering_agreement"
                "discrimination_score_canberra"
                "systema_pearson_reference"
                "perturbench_rank_rmse"
                "distance_kendall"
                "distance_ks"
                "distance_wasserstein"
                "pds_cosine"
            ] do
            let found = run (EvaluationProfile.Named [ name ]) predicted
            Expect.equal [| name |] (found.Columns |> Array.map (fun column -> column.Name))
            Expect.equal (PerturbedSample.column name faithful.Value) found.Columns[0]

    [<Test>]
    let ``a name that is not known is refused with the nearest one`` () =
        MetricRegistry.chosen (EvaluationProfile.Named [ "distance_kendal" ]) []
        |> Expect.says [
            "--metrics"
            "distance_kendal is not known"
            "Did you mean distance_kendall?"
        ]

    [<Test>]
    let ``the challenge of 2026 has six scores`` () =
        let names =
            MetricRegistry.chosen EvaluationProfile.VirtualCellChallenge2026 []
            |> Expect.ok
            |> List.map (fun entry -> entry.Name)
            |> List.sort

        Expect.equal
            [
                "direction_fidelity_yield_raw"
                "direction_reach_raw"
                "expr_mse_unbiased_capped_norm"
                "lfc_nmae"
                "pds_cosine"
                "sig_jaccard"
            ]
            names

    [<Test>]
    let ``tables have the further measures when they are asked for`` () =
        let tables = EvaluationGolden.tables "tables"

        let found =
            Evaluation.run (options EvaluationProfile.Extended) None (Some tables)
            |> Expect.ok

        Expect.equal 25 found.Columns.Length
        let jaccard = PerturbedSample.column "sig_jaccard" found
        Assert.That(jaccard.Values |> Array.forall (fun value -> value >= 0.0 && value <= 1.0))
        Assert.That(jaccard.Values |> Array.exists (fun value -> value > 0.0 && value < 1.0))
        // Recall is TP / real, so Jaccard is TP / (real + called − TP) where no target is among the genes.
        let recall = PerturbedSample.column "de_sig_genes_recall" found

        let count name =
            (PerturbedSample.column name found).Values

        jaccard.Values
        |> Array.iteri (fun row value ->
            let real, called =
                (count "de_nsig_counts_real")[row], (count "de_nsig_counts_pred")[row]

            if real > 0.0 then
                let both = recall.Values[row] * real
                Assert.That(value, Is.EqualTo(both / (real + called - both)).Within 1e-12))

    [<Test>]
    let ``threads change nothing`` () =
        let predicted = PerturbedSample.predicted (fun _ row -> row)

        let columns threads =
            let options = {
                options EvaluationProfile.Extended with
                    Sides = {
                        PerturbedSample.sides with
                            Threads = threads
                    }
            }

            (Evaluation.run options (Some(PerturbedSample.real.Value, predicted)) None
             |> Expect.ok)
                .Columns

        Expect.equal (columns 1) (columns 5)

    [<Test>]
    let ``NaN in a prediction is NaN in its own distances, the worst of the challenge, and no clusters at all`` () =
        let found =
            run
                EvaluationProfile.Extended
                (PerturbedSample.predicted (fun label row -> if label = "g3" then Array.create 30 nanf else row))

        let at = Array.IndexOf(found.Perturbations, "g3")

        let value name =
            (PerturbedSample.column name found).Values[at]

        for name in
            [
                "distance_energy"
                "distance_ks"
                "systema_centroid_accuracy"
                "perturbench_rank_rmse"
                "discrimination_score_canberra"
            ] do
            Expect.equal nan (value name)

            Expect.equal
                11
                ((PerturbedSample.column name found).Values
                 |> Array.filter Double.IsFinite
                 |> Array.length)

        Expect.equal 0.0 (value "pds_cosine")
        Expect.equal 1.0 (value "expr_mse_unbiased_capped_norm")
        Assert.That((PerturbedSample.column "clustering_agreement" found).IsAbsent[0])

        Assert.That(
            found.Warnings,
            Does.Contain
                "clustering_agreement is not defined: it needs finite values, and a predicted profile holds others."
        )

    [<Test>]
    let ``two perturbations have no clusters, for their number alone`` () =
        let two (cells: Cells) =
            // The control, g0 and g1.
            Cells.takeCells [| 0..17 |] cells

        let found =
            Evaluation.run
                (options EvaluationProfile.Full)
                (Some(two PerturbedSample.real.Value, two (PerturbedSample.predicted (fun _ row -> row))))
                None
            |> Expect.ok

        Assert.That(
            found.Warnings,
            Does.Contain "clustering_agreement is not defined: it needs 3 perturbations or more, of which there are 2."
        )

    [<Test>]
    let ``real effects within their noise are said to make a measure the worst`` () =
        let labels, rows = PerturbedSample.draw 2

        let controls =
            Array.zip labels rows |> Array.filter (fun (label, _) -> label = "control")

        let still =
            rows
            |> Array.mapi (fun cell _ -> snd controls[cell % controls.Length])
            |> PerturbedSample.cellsOf "still" labels PerturbedSample.genes

        let found =
            Evaluation.run
                (options (EvaluationProfile.Named [ "expr_mse_unbiased_capped_norm" ]))
                (Some(still, PerturbedSample.predicted (fun _ row -> row)))
                None
            |> Expect.ok

        Expect.equal 1.0 (PerturbedSample.column "expr_mse_unbiased_capped_norm" found).Values[0]

        let said =
            found.Warnings
            |> List.find (fun words -> words.StartsWith "expr_mse_unbiased_capped_norm is 1 whatever is predicted")

        Assert.That(said, Does.Match "real effects of \\d+ of 12 perturbations lie within the noise")

        let sound =
            Evaluation.run
                (options (EvaluationProfile.Named [ "expr_mse_unbiased_capped_norm" ]))
                (Some(PerturbedSample.real.Value, PerturbedSample.predicted (fun _ row -> row)))
                None
            |> Expect.ok

        Assert.That(
            sound.Warnings
            |> List.exists (fun words -> words.Contains "whatever is predicted"),
            Is.False
        )

    [<Test>]
    let ``populations larger than asked for are drawn from, and that is said`` () =
        let options = {
            options (EvaluationProfile.Named [ "distance_energy" ]) with
                Further = {
                    FurtherMeasures.defaults with
                        MostCells = 3
                }
        }

        let found =
            Evaluation.run options (Some(PerturbedSample.real.Value, PerturbedSample.predicted (fun _ row -> row))) None
            |> Expect.ok

        Assert.That(
            String.Join("\n", found.Warnings),
            Does.Contain "of 3 drawn cells where there are more, for 12 of 12"
        )

        Assert.That(found.Columns[0], Is.Not.EqualTo(PerturbedSample.column "distance_energy" faithful.Value))

    [<Test>]
    let ``some perturbations can be predicted alone`` () =
        let labels, rows = PerturbedSample.draw 3

        let kept =
            [| 0 .. labels.Length - 1 |] |> Array.filter (fun cell -> labels[cell] < "g3")

        let some =
            PerturbedSample.cellsOf
                "some"
                (kept |> Array.map (fun cell -> labels[cell]))
                PerturbedSample.genes
                (kept |> Array.map (fun cell -> rows[cell]))

        let options = {
            options EvaluationProfile.Extended with
                Sides = {
                    PerturbedSample.sides with
                        Partial = true
                }
        }

        let found =
            Evaluation.run options (Some(PerturbedSample.real.Value, some)) None
            |> Expect.ok

        let whole = faithful.Value

        for name in
            [
                "distance_energy"
                "systema_centroid_accuracy"
                "discrimination_score_chebyshev"
            ] do
            let value (result: EvaluationResult) =
                (PerturbedSample.column name result).Values[Array.IndexOf(result.Perturbations, "g1")]

            Assert.That(value found, Is.EqualTo(value whole).Within 1e-12, name)
