namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module ClusteringAgreementTests =

    let private compute threads genes real predicted =
        ClusteringAgreement.compute threads PartitionMeasure.AdjustedInformation 0UL genes real predicted

    // cell-eval's own is drawn at random; the specification allows 0.1.
    [<Test>]
    let ``agrees with cell-eval on random cells`` () =
        let profiles = EvaluationGolden.profiles.Value

        let found =
            (compute 2 profiles.Genes.Length profiles.Real profiles.Predicted).Value.Score

        let wanted =
            EvaluationGolden.expected "random_expected.json" "clustering_agreement"
            |> List.head
            |> snd

        Assert.That(found, Is.EqualTo(wanted).Within 0.05)

    /// Three groups of ten profiles; noise within the groups.
    let private grouped (seed: int) noise (groupOf: int -> int) =
        let random = System.Random seed

        Array.init 30 (fun row ->
            Array.init 6 (fun gene -> (if gene = groupOf row then 10.0 else 0.0) + noise * random.NextDouble()))
        |> Array.concat

    [<Test>]
    let ``the same groups agree wholly, groups that cross them not at all`` () =
        let real = grouped 1 1.0 (fun row -> row / 10)
        let found = (compute 2 6 real (grouped 2 1.0 (fun row -> row / 10))).Value
        Expect.equal 1.0 found.Score
        Expect.equal (Array.init 30 (fun row -> row / 10)) found.Real
        Assert.That(found.RealModularity, Is.GreaterThan 0.5)
        let crossed = (compute 2 6 real (grouped 2 1.0 (fun row -> row % 3))).Value
        Assert.That(crossed.Score, Is.LessThan 0.15)

    [<Property(MaxTest = 10)>]
    let ``threads change nothing, and no agreement is above the score or the score below 0`` seed =
        let real = grouped seed 20.0 (fun row -> row / 10)
        let predicted = grouped (seed + 1) 30.0 (fun row -> row / 10)
        let found = (compute 1 6 real predicted).Value

        found = (compute 5 6 real predicted).Value
        && found.Score >= 0.0
        && found.Predicted |> Array.forall (fun one -> one.Agreement <= found.Score)
        && (found.Predicted |> Array.map (fun one -> one.Resolution)) = [| 0.2; 0.4; 0.6; 0.8; 1.0; 1.5; 2.0 |]

    [<Test>]
    let ``other measures of agreement can be chosen`` () =
        let real, predicted =
            grouped 1 1.0 (fun row -> row / 10), grouped 2 1.0 (fun row -> row % 3)

        let score measure =
            (ClusteringAgreement.compute 1 measure 0UL 6 real predicted).Value.Score

        Expect.equal 1.0 ((ClusteringAgreement.compute 1 PartitionMeasure.AdjustedRand 0UL 6 real real).Value.Score)
        // An index near 0 counts as one half.
        Assert.That(score PartitionMeasure.AdjustedRand, Is.InRange(0.4, 0.6))
        Assert.That(score PartitionMeasure.NormalizedInformation, Is.LessThan 0.5)

    [<Test>]
    let ``three perturbations are enough, two and NaN are not`` () =
        let three = [| 0.0; 1.0; 3.0 |]
        Assert.That((compute 1 1 three three).IsSome)
        Expect.equal None (compute 1 1 [| 0.0; 1.0 |] [| 0.0; 1.0 |])
        Expect.equal None (compute 1 1 three [| 0.0; nan; 1.0 |])
