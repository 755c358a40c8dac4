namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module ScatterProductsTests =

    let private sums (values: GeneValues) first last gene from =
        let tile = ScatterProducts(values, first, last)
        let sums = Array.create (last - first + 2) 77.0
        tile.Sum(gene, from, tile.StartsFrom(from, Array.create values.Cells -1), Span sums)
        sums

    /// Σ x·y in double precision, cell by cell.
    let private inOrder (x: float32[]) (y: float32[]) =
        Array.fold2 (fun sum a b -> sum + float a * float b) 0.0 x y

    [<Test>]
    let ``sums a small example`` () =
        let genes = {
            Cells = 4
            Levels = [||]
            Highest = [||]
            Values = [|
                [| 1.0f; 2.0f; 0.0f; 4.0f |]
                [| 5.0f; 0.0f; 7.0f; 0.5f |]
                [| 0.0f; 3.0f; 1.0f; -1.0f |]
            |]
        }

        Expect.equal [| 7.0; 2.0; 77.0; 77.0 |] (sums (SmallGenes.values genes) 1 3 0 0)

    [<Property>]
    let ``is the sum over cells in order, to the bit`` (genes: SmallGenes) (a: byte) (b: byte) (skipped: byte) =
        let values = SmallGenes.values genes
        let first = int a % (genes.Count + 1)
        let last = first + int b % (genes.Count - first + 1)
        let from = int skipped % (genes.Count + 1)

        for gene in 0 .. genes.Count - 1 do
            let expected =
                Array.init (last - first) (fun i ->
                    if first + i < from then
                        0.0
                    else
                        inOrder genes.Values[gene] genes.Values[first + i])

            Expect.equal (Array.append expected [| 77.0; 77.0 |]) (sums values first last gene from)

    [<Property>]
    let ``is the same from a to b as from b to a`` (genes: SmallGenes) =
        let values = SmallGenes.values genes

        let table =
            Array.init genes.Count (fun gene -> (sums values 0 genes.Count gene 0)[.. genes.Count - 1])

        Expect.equal table (Array.transpose table)
