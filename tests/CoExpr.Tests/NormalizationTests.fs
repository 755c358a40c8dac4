namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module NormalizationTests =

    let private dense (counts: SparseCounts) =
        let lines =
            Array.init counts.Cells (fun _ -> Array.zeroCreate<float32> counts.Genes)

        for cell in 0 .. counts.Cells - 1 do
            let line = counts.ByCell
            let values = line.ValuesOf(cell).ToArray()

            line.IndicesOf(cell).ToArray()
            |> Array.iteri (fun at gene -> lines[cell][gene] <- values[at])

        lines

    // scanpy's normalize_total then log1p, written down once more: each cell over its total, times the target.
    let private scanpy target (lines: float32[][]) =
        let totals = lines |> Array.map (Array.sumBy float)
        let counted = totals |> Array.filter (fun total -> total > 0.0) |> Array.sort
        let n = counted.Length

        let target =
            match target with
            | Some target -> target
            | None when n = 0 -> 0.0
            | None -> (counted[(n - 1) / 2] + counted[n / 2]) / 2.0

        Array.map2
            (fun line total ->
                line
                |> Array.map (fun x ->
                    if total > 0.0 then
                        Math.Log(1.0 + float x / total * target)
                    else
                        0.0))
            lines
            totals

    let private near (expected: float[][]) (actual: float32[][]) =
        Array.iter2
            (Array.iter2 (fun (e: float) (a: float32) ->
                if not (abs (e - float a) <= 1e-6 * (1.0 + abs e)) then
                    Assert.Fail $"{a} where {e} was expected"))
            expected
            actual

    // Totals 2, 4, 0 and 10: the median of those above 0 is 4.
    let private four = [| [| 2.0f; 0.0f |]; [| 1.0f; 3.0f |]; [| 0.0f; 0.0f |]; [| 0.0f; 10.0f |] |]

    [<Test>]
    let ``brings cells to the median of those that have counts`` () =
        let values = dense (Normalization.log1p TargetSum.Median (Counts.ofCells 2 four))
        let log (x: float) = float32 (Math.Log x)

        Expect.equal
            [|
                [| log 5.0; 0.0f |]
                [| log 2.0; log 4.0 |]
                [| 0.0f; 0.0f |]
                [| 0.0f; log 5.0 |]
            |]
            values

    [<Test>]
    let ``the median of an even number of cells lies half way`` () =
        let values =
            dense (Normalization.log1p TargetSum.Median (Counts.ofCells 2 [| four[0]; four[1] |]))

        Expect.equal [| float32 (Math.Log 4.0); 0.0f |] (Array.head values)

    [<Test>]
    let ``brings cells to a given sum`` () =
        let values =
            dense (Normalization.log1p (TargetSum.Counts 100.0) (Counts.ofCells 2 four))

        Expect.equal [| float32 (Math.Log 26.0); float32 (Math.Log 76.0) |] (Array.item 1 values)

    [<TestCase(0.0)>]
    [<TestCase(-1.0)>]
    [<TestCase(Double.NaN)>]
    [<TestCase(Double.PositiveInfinity)>]
    let ``refuses a sum that is not above 0`` (sum: float) =
        Expect.refused (string sum) (fun () -> Normalization.log1p (TargetSum.Counts sum) (Counts.ofCells 2 four))

    [<Property>]
    let ``is scanpy's`` (genes: SmallGenes) =
        let counts = Counts.ofSmall genes
        near (scanpy None (Counts.lines genes)) (dense (Normalization.log1p TargetSum.Median counts))
        near (scanpy (Some 1e4) (Counts.lines genes)) (dense (Normalization.log1p (TargetSum.Counts 1e4) counts))

    [<Property>]
    let ``a cell's depth does not show`` (genes: SmallGenes) =
        let lines = Counts.lines genes |> Array.map (Array.map (min 1e10f))

        let deeper =
            lines
            |> Array.mapi (fun cell -> Array.map (fun x -> x * float32 (1 <<< (cell % 9))))

        let normal cells =
            dense (Normalization.log1p (TargetSum.Counts 1e4) (Counts.ofCells genes.Count cells))

        normal lines = normal deeper
