namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module CorrelationTests =

    let private x = [| 0.0f; 1.0f; 2.0f; 5.0f |]

    [<Test>]
    let ``has the sign of small examples`` () =
        Expect.equal 1 (Correlation.sign x [| 0.0f; 0.0f; 1.0f; 1.0f |])
        Expect.equal -1 (Correlation.sign x [| 3.0f; 2.0f; 1.0f; 0.0f |])
        Expect.equal 0 (Correlation.sign x [| 4.0f; 4.0f; 0.0f; 4.0f |])

    [<Test>]
    let ``a constant gene has no sign`` () =
        Expect.equal 0 (Correlation.sign (Array.init 50 (fun i -> float32 i * 0.1f)) (Array.create 50 0.7f))
        Expect.equal 0 (Correlation.sign [||] [||])
        Expect.equal 0 (Correlation.sign [| 3.0f |] [| 5.0f |])

    [<Test>]
    let ``the smallest and the largest singles are told apart`` () =
        let tiny = Single.Epsilon
        Expect.equal -1 (Correlation.sign [| Single.MaxValue; 0.0f |] [| 0.0f; tiny |])

        Expect.equal
            1
            (Correlation.sign [| Single.MaxValue; Single.MaxValue; MathF.BitDecrement Single.MaxValue |] [|
                tiny
                tiny
                0.0f
            |])

    [<Test>]
    let ``refuses genes over different cells`` () =
        Expect.refused "3 cells where 4 were expected" (fun () -> Correlation.sign x [| 1.0f; 2.0f; 3.0f |])

    [<Property>]
    let ``is the sign of the covariance in fractions`` (genes: SmallGenes) =
        for a, b in Oracle.pairs genes do
            Expect.equal (Oracle.sign a b genes) (Correlation.sign genes.Values[a] genes.Values[b])

    [<Property>]
    let ``is symmetric, and turns with either gene`` (genes: SmallGenes) =
        for a, b in Oracle.pairs genes do
            let x, y = genes.Values[a], genes.Values[b]
            Expect.equal (Correlation.sign x y) (Correlation.sign y x)
            Expect.equal (-(Correlation.sign x y)) (Correlation.sign (Array.map (~-) x) y)

    [<Property>]
    let ``of a gene with itself is 1 unless it is constant`` (genes: SmallGenes) =
        for x in genes.Values do
            Expect.equal (if (Array.distinct x).Length > 1 then 1 else 0) (Correlation.sign x x)

    [<Property>]
    let ``doubling a gene changes nothing`` (genes: SmallGenes) =
        let doubled = Array.map (fun x -> if abs x < 1e38f then x * 2.0f else x)

        for a, b in Oracle.pairs genes do
            if genes.Values[a] |> Array.forall (fun x -> abs x < 1e38f) then
                Expect.equal
                    (Correlation.sign genes.Values[a] genes.Values[b])
                    (Correlation.sign (doubled genes.Values[a]) genes.Values[b])
