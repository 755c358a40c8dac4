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
