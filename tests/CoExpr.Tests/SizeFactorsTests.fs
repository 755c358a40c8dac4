namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.NUnit
open CoExpr

/// Genes and cells as matrices of counts.
[<RequireQualifiedAccess>]
module Counts =
    /// From one line of values per cell.
    let ofCells genes (cells: float32[][]) =
        SparseCounts.OfDense(cells.Length, genes, Array.concat cells)

    /// The values of small genes without their signs, one line per cell.
    let lines (genes: SmallGenes) =
        Array.init genes.Cells (fun cell -> genes.Values |> Array.map (fun gene -> min 1e15f (abs gene[cell])))

    let ofSmall (genes: SmallGenes) = ofCells genes.Count (lines genes)

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module SizeFactorsTests =

    let private three =
        Counts.ofCells 2 [| [| 1.0f; 2.0f |]; [| 0.0f; 0.0f |]; [| 0.0f; 9.0f |] |]

    [<Test>]
    let ``of a small example`` () =
        Expect.equal [| 3.0; 0.0; 9.0 |] (SizeFactors.totals three)
        Expect.equal [| 0.75; 0.0; 2.25 |] (SizeFactors.librarySize three)

    [<Test>]
    let ``are 0 where nothing was counted`` () =
        Expect.equal [| 0.0; 0.0 |] (SizeFactors.librarySize (Counts.ofCells 1 [| [| 0.0f |]; [| 0.0f |] |]))
        Expect.equal [||] (SizeFactors.librarySize (Counts.ofCells 1 [||]))

    [<Property>]
    let ``a total is the sum of a cell's values`` (genes: SmallGenes) =
        Expect.equal
            (Counts.lines genes
             |> Array.map (Array.fold (fun sum value -> sum + float value) 0.0))
            (SizeFactors.totals (Counts.ofSmall genes))

    [<Property>]
    let ``their mean is 1 unless nothing was counted`` (genes: SmallGenes) =
        let factors = SizeFactors.librarySize (Counts.ofSmall genes)
        let total = Array.sum (SizeFactors.totals (Counts.ofSmall genes))
        let expected = if total > 0.0 then float genes.Cells else 0.0
        abs (Array.sum factors - expected) <= 1e-9 * (1.0 + expected)

    [<Property>]
    let ``counting four times as deeply changes none`` (genes: SmallGenes) =
        let deeper = {
            genes with
                Values = genes.Values |> Array.map (Array.map (fun x -> 4.0f * min 1e14f (abs x)))
        }

        let shallow = {
            genes with
                Values = genes.Values |> Array.map (Array.map (fun x -> min 1e14f (abs x)))
        }

        SizeFactors.librarySize (Counts.ofSmall deeper) = SizeFactors.librarySize (Counts.ofSmall shallow)

    // Geometric means 2 and 6; ratios 1/2 and 1/2 in the first cell, 2 and 2 in the second.
    [<Test>]
    let ``medians of ratios by hand`` () =
        let counts = Counts.ofCells 3 [| [| 1.0f; 3.0f; 0.0f |]; [| 4.0f; 12.0f; 5.0f |] |]

        let near (expected: float[]) (actual: float[]) =
            Array.iter2 (fun (a: float) b -> Assert.That(abs (a - b), Is.LessThan 1e-12)) expected actual

        near [| 0.5; 2.0 |] (SizeFactors.medianOfRatios counts |> Expect.ok)
        // The third gene has √5 with ln 0 as 0; ratios of the second cell 2, 2, √5, of the first ½, ½.
        near [| 0.5; 2.0 |] (SizeFactors.positiveCounts counts)
        // Over counts above 0 the third gene has 5: ratios of the second cell 2, 2, 1.
        near [| 0.5; 2.0 |] (SizeFactors.nonZeroRatios counts)

    [<Test>]
    let ``cells without counts and genes that no cell shares`` () =
        let counts =
            Counts.ofCells 2 [| [| 2.0f; 0.0f |]; [| 0.0f; 8.0f |]; [| 0.0f; 0.0f |] |]

        Expect.says [ "0 genes with a count in every cell"; "library sizes" ] (SizeFactors.medianOfRatios counts)
        let positive = SizeFactors.positiveCounts counts
        // 2^(1 − 1/3) and 8^(1 − 1/3) = 4, over their geometric mean 2^(4/3).
        Assert.That(abs (positive[0] - 2.0 ** (-2.0 / 3.0)), Is.LessThan 1e-12)
        Assert.That(abs (positive[1] - 2.0 ** (2.0 / 3.0)), Is.LessThan 1e-12)
        Assert.That(positive[2], Is.NaN)
        Expect.equal [| 1.0; 1.0; 1.0 |] (SizeFactors.nonZeroRatios counts)
        Expect.equal [| 0; 1 |] (SizeFactors.cellsWithCounts counts)

        // What is no count is not passed over as if it were nothing.
        Counts.ofCells 2 [| [| nanf; 0.0f |]; [| 0.0f; -1.0f |]; [| 0.0f; 0.0f |] |]
        |> SizeFactors.cellsWithCounts
        |> Expect.equal [| 0; 1 |]

    // Totals of genes 1, 21, 5, 5: without the highest quarter 2, 9 of cells; without the half all but the first gene.
    [<Test>]
    let ``library sizes without the highest genes`` () =
        let counts =
            Counts.ofCells 4 [| [| 0.0f; 1.0f; 2.0f; 0.0f |]; [| 1.0f; 20.0f; 3.0f; 5.0f |] |]

        Expect.equal [| 4.0 / 11.0; 18.0 / 11.0 |] (SizeFactors.trimmedLibrarySize 0.25 counts)
        // The first cell has none but the trimmed counts.
        let plain = SizeFactors.librarySize counts
        Expect.equal [| plain[0]; 2.0 |] (SizeFactors.trimmedLibrarySize 0.5 counts)
        Expect.equal (SizeFactors.librarySize counts) (SizeFactors.trimmedLibrarySize 0.2 counts)
        Expect.refused "1 is not from 0 to below 1" (fun () -> SizeFactors.trimmedLibrarySize 1.0 counts)
