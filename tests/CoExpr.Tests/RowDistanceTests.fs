namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr.Kernels
open CoExpr.Reference

module RowDistanceTests =

    let private paths = Enum.GetValues<SimdPath>() |> Array.filter Simd.IsSupported
    let private kinds = Enum.GetValues<DistanceKind>()

    let private distance kind path (x: float[]) (y: float[]) =
        RowDistance.Of(kind, ReadOnlySpan x, ReadOnlySpan y, path)

    let private reference kind =
        match kind with
        | DistanceKind.L1 -> PerturbationEvaluation.l1 []
        | DistanceKind.L2 -> PerturbationEvaluation.l2 []
        | _ -> PerturbationEvaluation.cosine []

    let private draw seed length =
        let random = System.Random(seed: int)
        Array.init length (fun _ -> random.NextDouble() - 0.5)

    [<Test>]
    let ``has the values of small examples`` () =
        let x, y = [| 1.0; 2.0; 2.0 |], [| 1.0; 5.0; -2.0 |]

        for path in paths do
            Expect.equal 7.0 (distance DistanceKind.L1 path x y)
            Expect.equal 5.0 (distance DistanceKind.L2 path x y)
            // x·y = 7, |x| = 3, |y| = √30.
            Assert.That(distance DistanceKind.Cosine path x y, Is.EqualTo(1.0 - 7.0 / (3.0 * sqrt 30.0)).Within 1e-15)

    [<Test>]
    let ``agrees with its definition at every length and has the same bits on every path`` ([<Range(0, 67)>] length) =
        let x, y = draw 1 length, draw 2 length

        for kind in kinds do
            let found = distance kind SimdPath.Scalar x y
            Assert.That(found, Is.EqualTo(reference kind x y).Within 1e-12)

            for path in paths do
                Expect.equal
                    (BitConverter.DoubleToInt64Bits found)
                    (BitConverter.DoubleToInt64Bits(distance kind path x y))

    [<Property>]
    let ``does not care which row is which`` (PositiveInt length) seed =
        let x, y = draw seed length, draw (seed + 1) length

        kinds
        |> Array.forall (fun kind -> distance kind SimdPath.Scalar x y = distance kind SimdPath.Scalar y x)

    [<Property>]
    let ``of a row from itself is nothing`` (PositiveInt length) seed =
        let x = draw seed length

        distance DistanceKind.L1 SimdPath.Scalar x x = 0.0
        && distance DistanceKind.L2 SimdPath.Scalar x x = 0.0
        && distance DistanceKind.Cosine SimdPath.Scalar x x < 1e-15

    [<Test>]
    let ``from a row of zeros the cosine distance is 1, and opposite rows are 2 apart`` () =
        let x = draw 3 20

        for path in paths do
            Expect.equal 1.0 (distance DistanceKind.Cosine path x (Array.zeroCreate 20))
            Assert.That(distance DistanceKind.Cosine path x (Array.map (~-) x), Is.EqualTo(2.0).Within 1e-15)

    [<Test>]
    let ``rows of unlike length are refused`` () =
        Expect.refused "2 values where 3 were expected" (fun () ->
            distance DistanceKind.L1 SimdPath.Scalar (Array.zeroCreate 3) (Array.zeroCreate 2))

    [<Test>]
    let ``a multiple of a line is added at every length`` ([<Range(0, 35)>] length) =
        let line, sums = draw 1 length, draw 2 length
        let wanted = Array.map2 (fun value sum -> sum + 3.0 * value) line sums
        ScaledSum.Add(ReadOnlySpan line, 3.0, Span sums)
        Expect.equal wanted sums
