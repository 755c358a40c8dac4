namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module ProfileErrorsTests =

    let private x, y = [| 1.0; 2.0; 4.0; 5.0 |], [| 2.0; 2.0; 1.0; 7.0 |]

    [<Test>]
    let ``have the values of an example by hand`` () =
        Expect.equal 3.5 (ProfileErrors.meanSquare x y)
        Expect.equal 1.5 (ProfileErrors.meanAbsolute x y)
        // Deviations (−2, −1, 1, 2) and (−1, −1, −2, 4): 9 over the root of 10 times 22.
        Assert.That(ProfileErrors.pearson x y, Is.EqualTo(9.0 / sqrt 220.0).Within 1e-15)
        // Ranks 1 2 3 4 and 2.5 2.5 1 4.
        Expect.equal [| 2.5; 2.5; 1.0; 4.0 |] (ProfileErrors.ranks y)
        Assert.That(ProfileErrors.spearman x y, Is.EqualTo(1.5 / sqrt (5.0 * 4.5)).Within 1e-15)

    [<Test>]
    let ``what is constant or short or NaN has no correlation`` () =
        Expect.equal nan (ProfileErrors.pearson [| 3.0; 3.0 |] [| 1.0; 2.0 |])
        Expect.equal nan (ProfileErrors.pearson [| 1.0; 2.0 |] [| 0.1; 0.1 |])
        Expect.equal nan (ProfileErrors.pearson [| 1.0 |] [| 2.0 |])
        Expect.equal nan (ProfileErrors.pearson [| 1.0; nan |] [| 1.0; 2.0 |])
        Expect.equal nan (ProfileErrors.spearman [| 1.0; nan; 3.0 |] [| 1.0; 2.0; 3.0 |])
        Expect.equal nan (ProfileErrors.meanSquare [| nan |] [| 1.0 |])

    [<Test>]
    let ``profiles of unlike length are refused`` () =
        Expect.refused "1 values where 2 were expected" (fun () -> ProfileErrors.meanSquare [| 1.0; 2.0 |] [| 1.0 |])

    let private floats (values: (int8 * int8)[]) =
        values |> Array.map (fun (a, _) -> float a), values |> Array.map (fun (_, b) -> float b)

    let private near (a: float) b = a.Equals b || abs (a - b) < 1e-9

    [<Property>]
    let ``correlations agree with their definitions`` (NonEmptyArray pairs) =
        let x, y = floats pairs

        near (PerturbationEvaluation.pearson x y) (ProfileErrors.pearson x y)
        && near (PerturbationEvaluation.spearman x y) (ProfileErrors.spearman x y)

    [<Property>]
    let ``errors do not change when both profiles move, and a correlation not with its unit`` (NonEmptyArray pairs) =
        let x, y = floats pairs
        let moved = Array.map (fun value -> value + 8.0)

        ProfileErrors.meanSquare (moved x) (moved y) = ProfileErrors.meanSquare x y
        && ProfileErrors.meanAbsolute (moved x) (moved y) = ProfileErrors.meanAbsolute x y
        && near (ProfileErrors.pearson x y) (ProfileErrors.pearson (Array.map (fun v -> 4.0 * v + 1.0) x) y)

    [<Test>]
    let ``agree with cell-eval on random cells`` () =
        let profiles = EvaluationGolden.profiles.Value

        for column in Evaluation.ofProfiles ControlSource.Predicted profiles do
            EvaluationGolden.agrees "random_expected.json" column.Name profiles.Perturbations column

    [<Test>]
    let ``of effects agree with cell-eval where a prediction is nothing`` () =
        let ties = EvaluationGolden.ties.Value
        let own = Array.init ties.Perturbations.Length id

        ProfileErrors.pearsons own ties.Genes.Length ties.Predicted ties.Real
        |> MetricColumn.full "pearson_delta"
        |> EvaluationGolden.agrees "ties_expected.json" "pearson_delta" ties.Perturbations
