namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module GeneFilterTests =

    let private signed (genes: SmallGenes) =
        Counts.ofCells
            genes.Count
            (if genes.Count = 0 then
                 Array.create genes.Cells [||]
             else
                 Array.transpose genes.Values)

    let private near (expected: float[]) (actual: float<nat>[]) =
        Array.iter2 (fun (e: float) (a: float<nat>) -> Assert.That(float a, Is.EqualTo(e).Within 1e-12)) expected actual
        Expect.equal expected.Length actual.Length

    // Genes: (0, 1, 1, 2, 3), its entropy without zeros ½ log 2 + 2 · ¼ log 4; (2, 2, 2, 2, 5), no zeros;
    // (0, 0, 0, 0, 0); (−1, 0, 0, 4, 4).
    let private four =
        Counts.ofCells 4 [|
            [| 0.0f; 2.0f; 0.0f; -1.0f |]
            [| 1.0f; 2.0f; 0.0f; 0.0f |]
            [| 1.0f; 2.0f; 0.0f; 0.0f |]
            [| 2.0f; 2.0f; 0.0f; 4.0f |]
            [| 3.0f; 5.0f; 0.0f; 4.0f |]
        |]

    [<Test>]
    let ``counts the cells above 0`` () =
        Expect.equal [| 4; 5; 0; 2 |] (GeneFilter.expressedCells four)

    [<Test>]
    let ``entropy without zeros`` () =
        let ln2 = log 2.0
        let fifth = -0.8 * log 0.8 - 0.2 * log 0.2
        let third = -(1.0 / 3.0) * log (1.0 / 3.0) - 2.0 / 3.0 * log (2.0 / 3.0)
        near [| 1.5 * ln2; fifth; 0.0; third |] (GeneFilter.entropies EntropyRule.WithoutZeros four)

    [<Test>]
    let ``entropy without the smallest value`` () =
        near [| 1.5 * log 2.0; 0.0; 0.0; log 2.0 |] (GeneFilter.entropies EntropyRule.WithoutSmallest four)

    // A sparse file may spell zeros out; they are zeros all the same.
    [<Test>]
    let ``stored zeros are zeros`` () =
        let stored =
            SparseCounts.OfCells(
                4,
                1,
                {
                    Starts = [| 0L; 1L; 2L; 3L; 3L |]
                    Indices = [| 0; 0; 0 |]
                    Values = [| 0.0f; 1.0f; 2.0f |]
                }
            )

        near [| log 2.0 |] (GeneFilter.entropies EntropyRule.WithoutZeros stored)
        near [| log 2.0 |] (GeneFilter.entropies EntropyRule.WithoutSmallest stored)
        Expect.equal [| 2 |] (GeneFilter.expressedCells stored)

    [<Test>]
    let ``GeneVector's rule gives GeneVector's entropies`` () =
        near Golden.entropies.Value (GeneFilter.entropies EntropyRule.WithoutSmallest Golden.cells.Value.Counts)

    [<Property>]
    let ``entropies are those of the definition`` (genes: SmallGenes) =
        near
            (genes.Values |> Array.map GeneEntropy.withoutZeros)
            (GeneFilter.entropies EntropyRule.WithoutZeros (signed genes))

        if genes.Cells > 0 then
            near
                (genes.Values |> Array.map GeneEntropy.withoutSmallest)
                (GeneFilter.entropies EntropyRule.WithoutSmallest (signed genes))

    [<Property>]
    let ``entropy lies from 0 to the log of the number of values`` (genes: SmallGenes) =
        let most (gene: float32[]) =
            log (float (max 1 (gene |> Array.filter (fun x -> x <> 0.0f) |> Array.distinct).Length))

        Array.forall2
            (fun (entropy: float<nat>) gene -> entropy >= 0.0<nat> && float entropy <= most gene + 1e-12)
            (GeneFilter.entropies EntropyRule.WithoutZeros (signed genes))
            genes.Values

    // Entropies here: 1.0397 (= 1.5 log 2), 0.5004, 0 and 0.6365; cells 4, 5, 0 and 2.
    [<Test>]
    let ``genes pass by cells and by entropy`` () =
        let rule = EntropyRule.WithoutZeros
        Expect.equal [| 0; 1; 3 |] (GeneFilter.passing 1 None rule four)
        Expect.equal [| 0; 1; 2; 3 |] (GeneFilter.passing 0 None rule four)
        Expect.equal [| 0; 1 |] (GeneFilter.passing 4 None rule four)
        Expect.equal [| 1 |] (GeneFilter.passing 5 None rule four)
        Expect.equal [| 0; 3 |] (GeneFilter.passing 1 (Some 0.6<nat>) rule four)
        Expect.equal [| 0 |] (GeneFilter.passing 4 (Some 0.6<nat>) rule four)
        // The other rule drops the four twos of the second gene.
        Expect.equal [| 0; 3 |] (GeneFilter.passing 1 (Some 0.0<nat>) EntropyRule.WithoutSmallest four)

    [<Test>]
    let ``a gene at the threshold does not pass`` () =
        let two = Counts.ofCells 1 [| [| 1.0f |]; [| 2.0f |] |]
        let entropy = (GeneFilter.entropies EntropyRule.WithoutZeros two)[0]
        Expect.equal [||] (GeneFilter.passing 1 (Some entropy) EntropyRule.WithoutZeros two)

    [<Property>]
    let ``exactly the genes above both bounds pass, in order`` (genes: SmallGenes) (cells: byte) (cut: byte) =
        let minimum, threshold = int cells % 12, float (cut % 20uy) / 10.0 * 1.0<nat>
        let entropies = GeneFilter.entropies EntropyRule.WithoutZeros (signed genes)

        let expected =
            [| 0 .. genes.Count - 1 |]
            |> Array.filter (fun gene ->
                (genes.Values[gene] |> Array.filter (fun x -> x > 0.0f)).Length >= minimum
                && entropies[gene] > threshold)

        Expect.equal expected (GeneFilter.passing minimum (Some threshold) EntropyRule.WithoutZeros (signed genes))
