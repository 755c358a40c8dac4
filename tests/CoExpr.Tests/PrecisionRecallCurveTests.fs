namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module PrecisionRecallCurveTests =

    let private table fdr =
        let count = Array.length fdr

        DeTable.ofNames
            (Array.create count "a")
            (Array.init count (fun gene -> $"g{gene}"))
            (Array.create count 1.0)
            (Array.create count 0.5)
            fdr
        |> DeTable.create DePrecision.Double "made"
        |> Expect.ok

    let private curve real predicted =
        PrecisionRecallCurve.compute (table real) (table predicted)

    [<Test>]
    let ``each threshold has its precision and recall`` () =
        // Positives are genes 0, 1, 3; called in the order 0, then 2, then 1, then the others.
        let found = curve [| 0.01; 0.02; 0.5; 0.04; 0.9 |] [| 1e-6; 1e-2; 1e-4; 1.0; 1.0 |]
        Expect.equal [| 1.0; 0.5; 2.0 / 3.0; 0.6 |] (found |> Array.map _.Precision)
        Expect.equal [| 1.0 / 3.0; 1.0 / 3.0; 2.0 / 3.0; 1.0 |] (found |> Array.map _.Recall)

        for wanted, point in Array.zip [| 1e-6; 1e-4; 1e-2; 1.0 |] found do
            Assert.That(point.Fdr, Is.EqualTo(wanted).Within 1e-9)

    [<Test>]
    let ``genes that the prediction lacks, or has as NaN, are called last`` () =
        let found = curve [| 0.01; 0.5; 0.01 |] [| nan; 1e-3 |]
        Expect.equal [| 0.0; 2.0 / 3.0 |] (found |> Array.map _.Precision)
        Expect.equal [| 0.0; 1.0 |] (found |> Array.map _.Recall)

    [<Test>]
    let ``without positives there is no curve`` () =
        Expect.equal [||] (curve [| 0.5; 0.05 |] [| 0.1; 0.2 |])

    [<Property>]
    let ``recall rises to 1, where precision is the share of positives`` (genes: (byte * byte)[]) =
        let scaled pick =
            genes |> Array.map (fun gene -> float (pick gene: byte) / 255.0)

        let real, predicted = scaled fst, scaled snd
        let found = curve real predicted
        let positives = real |> Array.filter (fun fdr -> fdr < 0.05) |> Array.length

        if positives = 0 then
            found.Length = 0
        else
            let last = Array.last found

            last.Recall = 1.0
            && abs (last.Precision - float positives / float real.Length) < 1e-12
            && found
               |> Array.pairwise
               |> Array.forall (fun (a, b) -> a.Recall <= b.Recall && a.Fdr < b.Fdr)
