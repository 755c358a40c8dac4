namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

module PartitionAgreementTests =

    let private measures = [
        "ami", PartitionAgreement.adjustedInformation
        "nmi", PartitionAgreement.normalizedInformation
        "ari", PartitionAgreement.adjustedRand
    ]

    [<Test>]
    let ``agree with scikit-learn`` () =
        for one in (FurtherGolden.part "partitions").EnumerateArray() do
            let labels name =
                FurtherGolden.row one name |> Array.map int

            for name, measure in measures do
                Assert.That(
                    measure (labels "first") (labels "second"),
                    Is.EqualTo(FurtherGolden.number one name).Within 1e-12,
                    name
                )

    // Pairs together: 3 in the first, 4 in the second, 2 in both of 15; by chance 0.8. (2 − 0.8) / (3.5 − 0.8) = 4/9.
    [<Test>]
    let ``the Rand index of an example by hand`` () =
        let found =
            PartitionAgreement.adjustedRand [| 0; 0; 1; 1; 2; 2 |] [| 0; 0; 1; 2; 2; 2 |]

        Assert.That(found, Is.EqualTo(4.0 / 9.0).Within 1e-15)

    // H = ln 2 twice, I = 0: parts that cross each other say nothing.
    [<Test>]
    let ``crossing halves share nothing, and less than chance would`` () =
        let first, second = [| 0; 0; 1; 1 |], [| 0; 1; 0; 1 |]
        Assert.That(PartitionAgreement.normalizedInformation first second, Is.EqualTo(0.0).Within 1e-15)
        Assert.That(PartitionAgreement.adjustedRand first second, Is.EqualTo(-0.5).Within 1e-15)
        // Halves of four agree wholly in 2 of 6 draws: E I = ln 2 / 3, and (0 − 1/3) / (1 − 1/3).
        Assert.That(PartitionAgreement.adjustedInformation first second, Is.EqualTo(-0.5).Within 1e-12)

    let private labels (values: NonEmptyArray<byte>) =
        values.Get |> Array.map (fun value -> int value % 4)

    [<Property(MaxTest = 100)>]
    let ``a partition agrees with itself, however it is numbered`` values =
        let first = labels values
        let other = first |> Array.map (fun label -> 17 - 3 * label)
        measures |> List.forall (fun (_, measure) -> measure first other = 1.0)

    [<Property(MaxTest = 100)>]
    let ``both sides are alike, and nothing is above 1`` values (seed: int) =
        let first = labels values
        let random = System.Random seed

        let second =
            first
            |> Array.map (fun label -> if random.Next 3 = 0 then random.Next 4 else label)

        measures
        |> List.forall (fun (_, measure) ->
            let found = measure first second
            abs (found - measure second first) < 1e-9 && found <= 1.0 + 1e-12)

    [<Test>]
    let ``items must be the same`` () =
        Expect.refused "2 items where 3 were expected" (fun () ->
            PartitionAgreement.adjustedRand [| 0; 0; 1 |] [| 0; 1 |])
