namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module SignificanceScoresTests =

    /// gene, fold change, p-value, FDR
    let private table (rows: (string * string * float * float * float) list) =
        DeTable.ofNames
            [| for target, _, _, _, _ in rows -> target |]
            [| for _, gene, _, _, _ in rows -> gene |]
            [| for _, _, change, _, _ in rows -> change |] [| for _, _, _, p, _ in rows -> p |] [|
                for _, _, _, _, fdr in rows -> fdr
            |]
        |> DeTable.create DePrecision.Double "table"
        |> Expect.ok

    let private only real predicted =
        (SignificanceScores.compute 1 0.05 Map.empty (table real) (table predicted))[0]

    // Ten genes and the target. Real: a, b, c, d. Predicted: a, b (wrong way), e. a's target is "a" in none.
    [<Test>]
    let ``scores of an example by hand`` () =
        let row gene change fdr = "t", gene, change, fdr, fdr

        let rest = [ for gene in [ "f"; "g"; "h"; "i"; "j" ] -> row gene 0.1 0.9 ]

        let real =
            [
                row "a" 2.0 0.01
                row "b" 1.0 0.01
                row "c" -1.0 0.01
                row "d" 3.0 0.01
                row "e" 0.5 0.5
                row "t" -9.0 0.0
            ]
            @ rest

        let predicted =
            [
                row "a" 1.0 0.001
                row "b" -1.0 0.04
                row "c" -2.0 0.3
                row "d" 1.0 0.2
                row "e" 1.0 0.01
                row "t" -9.0 0.0
            ]
            @ rest

        let found = only real predicted
        Expect.equal (4, 3) (found.RealSignificant, found.PredictedSignificant)
        // a and e change as they should: 2 of the longer list of 4.
        Expect.equal 0.5 found.FidelityYield
        // Surest first: a, b, d, c. Only the first is right without fail.
        Expect.equal 0.25 found.Reach
        Expect.equal (2.0 / 5.0) found.Jaccard
        Expect.equal None found.FoldChangeError
        // TP 2, FP 1, FN 2, TN 5.
        Assert.That(found.Informedness, Is.EqualTo(2.0 / 4.0 + 5.0 / 6.0 - 1.0).Within 1e-15)
        Assert.That(found.Markedness, Is.EqualTo(2.0 / 3.0 + 5.0 / 7.0 - 1.0).Within 1e-15)
        Assert.That(found.Correlation, Is.EqualTo((10.0 - 2.0) / sqrt (4.0 * 6.0 * 3.0 * 7.0)).Within 1e-15)

    /// Ten significant genes with changes 1 .. 10, and two that are not.
    let private ten change fdr = [
        for at in 1..10 do
            yield "t", $"g{at:D2}", change at, 0.001 * float at, fdr at
        yield "t", "x", 0.0, 0.9, 0.9
        yield "t", "y", 0.0, 0.9, 0.9
    ]

    let private truth = ten float (fun _ -> 0.01)

    [<Test>]
    let ``fold changes are compared over the real list, none where the prediction has none`` () =
        let half = ten (fun at -> float at / 2.0) (fun _ -> 0.01)
        Expect.equal (Some 0.5) (only truth half).FoldChangeError
        Expect.equal (Some 0.0) (only truth truth).FoldChangeError
        let without = half |> List.filter (fun (_, gene, _, _, _) -> gene <> "g10")
        // Halves of 1 .. 9, and all of 10, of 55.
        Assert.That((only truth without).FoldChangeError.Value, Is.EqualTo(32.5 / 55.0).Within 1e-15)

        let infinite =
            ten (fun at -> if at = 10 then infinity else float at) (fun _ -> 0.01)

        Assert.That((only truth infinite).FoldChangeError.Value, Is.EqualTo(10.0 / 55.0).Within 1e-15)

    // Nine right and one wrong of ten is pure enough; the wrong one first is not until the tenth.
    [<Test>]
    let ``the reach is the deepest start that is nine tenths right`` () =
        let wrongAt place =
            ten (fun at -> if at = place then -1.0 else 1.0) (fun at -> 0.001 * float at)

        Expect.equal 1.0 (only truth (wrongAt 10)).Reach
        Expect.equal 1.0 (only truth (wrongAt 1)).Reach

        let two =
            ten (fun at -> if at = 5 || at = 8 then 0.0 else 1.0) (fun at -> 0.001 * float at)

        Expect.equal 0.4 (only truth two).Reach

    [<Test>]
    let ``a perfect prediction has the best of each`` () =
        let found = only truth truth
        Expect.equal (1.0, 1.0, 1.0) (found.FidelityYield, found.Reach, found.Jaccard)
        Expect.equal (1.0, 1.0) (found.Informedness, found.Markedness)
        Assert.That(found.Correlation, Is.EqualTo(1.0).Within 1e-15)

    [<Test>]
    let ``calling nothing or everything has the worst of what it leaves undefined`` () =
        let nothing = only truth (ten float (fun _ -> 0.9))
        Expect.equal (0.0, 0.0) (nothing.FidelityYield, nothing.Jaccard)
        Expect.equal (0.0, -1.0, -1.0) (nothing.Informedness, nothing.Markedness, nothing.Correlation)
        let quiet = ten float (fun _ -> 0.9)
        let both = only quiet quiet
        Expect.equal (0.0, 0.0, 1.0) (both.FidelityYield, both.Reach, both.Jaccard)
        Expect.equal (-1.0, -1.0, -1.0) (both.Informedness, both.Markedness, both.Correlation)

    [<Test>]
    let ``the gene that is perturbed does not count, by its name or by a map`` () =
        let rows = [ "t", "t", -5.0, 0.0, 0.0; "t", "u", 1.0, 0.0, 0.01; "t", "v", 1.0, 0.5, 0.5 ]

        let count map =
            let scores = SignificanceScores.compute 1 0.05 map (table rows) (table rows)
            scores[0].RealSignificant

        Expect.equal 1 (count Map.empty)
        Expect.equal 1 (count (Map [ "t", "u" ]))
        Expect.equal 2 (count (Map [ "t", "elsewhere" ]))

    let private drawn (seed: int) =
        let random = System.Random seed

        table [
            for target in [ "a"; "b"; "c" ] do
                for gene in 0..19 do
                    target, $"g{gene}", float (random.Next(-3, 4)), random.NextDouble(), random.NextDouble() / 8.0
        ]

    [<Property(MaxTest = 40)>]
    let ``threads change nothing, and measures keep within their range`` (seed: int) =
        let real, predicted = drawn seed, drawn (seed + 1)

        let compute threads =
            SignificanceScores.compute threads 0.05 Map.empty real predicted

        let found = compute 1

        found = compute 3
        && found
           |> Array.forall (fun one ->
               let share value = value >= 0.0 && value <= 1.0
               let signed value = value >= -1.0 && value <= 1.0

               List.forall share [ one.FidelityYield; one.Reach; one.Jaccard ]
               && List.forall signed [ one.Informedness; one.Markedness; one.Correlation ])

    // Matthews's correlation is Pearson's of truth and call; its square the product of the other two.
    [<Property(MaxTest = 40)>]
    let ``the correlation is the geometric mean of informedness and markedness`` (seed: int) =
        SignificanceScores.compute 1 0.05 Map.empty (drawn seed) (drawn (seed + 1))
        |> Array.forall (fun one ->
            one.Correlation = -1.0
            || abs (one.Correlation * one.Correlation - one.Informedness * one.Markedness) < 1e-12)

module AnchoredScoringTests =

    let private prediction = [
        "pds_cosine", 0.8
        "lfc_nmae", 9.0
        "expr_mse_unbiased_capped_norm", 0.4
        "de_nsig_counts_real", 3.0
    ]

    let private baseline = [
        "pds_cosine", 0.5
        "lfc_nmae", 1.0
        "expr_mse_unbiased_capped_norm", 1.0
        "de_nsig_counts_real", 4.0
    ]

    let private replicate = [
        "pds_cosine", 0.9
        "lfc_nmae", 0.4
        "expr_mse_unbiased_capped_norm", 0.04
        "de_nsig_counts_real", 5.0
    ]

    let private means source means = {
        Source = source
        Perturbations = None
        Means = means
    }

    let private compute prediction baseline replicate =
        AnchoredScoring.compute (means "p.csv" prediction) (means "b.csv" baseline) (means "r.csv" replicate)

    [<Test>]
    let ``scores go from the baseline's 0 to the replicate's 1, whichever way is better`` () =
        let scores = compute prediction baseline replicate |> Expect.ok

        Expect.equal
            [ "pds_cosine"; "lfc_nmae"; "expr_mse_unbiased_capped_norm" ]
            (scores |> List.map (fun one -> one.Name))

        let values = scores |> List.map (fun one -> one.Score)
        // (0.8 − 0.5) / 0.4; 8 / −0.6 is cut at −6; −0.6 / −0.96.
        FurtherGolden.near 1e-14 [ 0.75; -6.0; 0.625 ] values
        Assert.That(AnchoredScoring.average scores, Is.EqualTo(-4.625 / 3.0).Within 1e-14)

    [<Test>]
    let ``NaN scores as the baseline does, and all must have the same measures`` () =
        let spoilt = ("pds_cosine", nan) :: List.tail prediction

        let scores = compute spoilt baseline replicate |> Expect.ok

        Expect.equal 0.0 scores.Head.Score

        compute prediction baseline (List.tail replicate)
        |> Expect.says [ "1 only in p.csv (pds_cosine), 0 only in r.csv" ]

        AnchoredScoring.compute
            {
                means "p.csv" prediction with
                    Perturbations = Some 3L
            }
            (means "b.csv" baseline)
            {
                means "r.csv" replicate with
                    Perturbations = Some 4L
            }
        |> Expect.says [ "those of r.csv: 3 where 4" ]

    [<Test>]
    let ``a replicate no better than the baseline leaves no way to go, and does not rule the mean`` () =
        let scores = compute prediction baseline baseline |> Expect.ok
        Expect.equal [ 0.0; 0.0; 0.0 ] (scores |> List.map _.Score)
