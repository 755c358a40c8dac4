namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

[<Properties(Arbitrary = [| typeof<ManyMadeScores> |], MaxTest = 60)>]
module TransformTests =

    let private everyPair scores =
        MadeScores.keptBy MadeScores.inTurn Keep.All Strength.Score scores

    let private magnitudes (scores: PairScores) = [|
        for a in 0 .. scores.Genes.Length - 1 -> PairScores.denseRow scores a |> Array.map abs
    |]

    let private near (expected: float) (actual: float) =
        Assert.That(actual, Is.EqualTo(expected).Within 1e-12)

    let private each (scores: PairScores) work =
        for a in 0 .. min 12 scores.Genes.Length - 1 do
            for b in 0 .. min 12 scores.Genes.Length - 1 do
                if a <> b then
                    work a b ((scores.TryPair(a, b)).Value)

    [<Property>]
    let ``CLR is the oracle's`` (scores: MadeScores) =
        let given = everyPair scores
        let matrix = magnitudes given

        each (ContextLikelihood.apply 2 given) (fun a b found ->
            if matrix.Length > 2 then
                near (Measures.contextLikelihood matrix a b) found.Score

            Expect.equal (given.TryPair(a, b)).Value.Cells found.Cells)

    /// Scores that are all different, so that no choice is a tie.
    let private distinct genes seed =
        let random = System.Random(seed: int)
        let values = Array2D.init genes genes (fun _ _ -> random.NextDouble())
        let side = 256

        let square = Array.zeroCreate<float>(side * side)

        for a in 0 .. genes - 1 do
            for b in a + 1 .. genes - 1 do
                square[a * side + b] <- values[a, b] * values[a, b]

        PairScores(
            Array.init genes (fun gene -> $"g{gene}"),
            PairStore.Squares {
                Side = side
                Scores = [| square |]
                Cells = [| Array.create (side * side) 7 |]
                Information = [||]
            }
        )

    [<Test>]
    let ``MRNET is the oracle's`` ([<Values(2, 3, 7, 15)>] genes: int, [<Values(1, 2, 3)>] seed: int) =
        let given = distinct genes seed
        let matrix = magnitudes given
        let chosen = Array.init genes (Measures.minimumRedundancy matrix >> Map)

        let gain a b =
            Map.tryFind b chosen[a] |> Option.defaultValue 0.0

        each (MinimumRedundancy.apply 2 given) (fun a b found -> near (max (gain a b) (gain b a)) found.Score)

    /// a–b 0.9, a–c 0.8, b–c 0.7.
    let private three =
        let side = 256
        let square = Array.zeroCreate<float>(side * side)
        square[1] <- 0.9
        square[2] <- -0.8
        square[side + 2] <- 0.7

        PairScores(
            [| "a"; "b"; "c" |],
            PairStore.Squares {
                Side = side
                Scores = [| square |]
                Cells = [| Array.create (side * side) 5 |]
                Information = [||]
            }
        )

    // Of a: mean 0.85, sd √0.005, so z of 0.9 is 0.7071; of b: mean 0.8, sd √0.02, z 0.7071; of c: 0.75, √0.005, and z
    // of 0.8 is 0.7071.
    [<Test>]
    let ``CLR of a small example`` () =
        let scores = ContextLikelihood.apply 1 three
        near 1.0 (scores.TryPair(0, 1)).Value.Score
        near (sqrt 0.5) (scores.TryPair(0, 2)).Value.Score
        near 0.0 (scores.TryPair(1, 2)).Value.Score
        Expect.equal 5 (scores.TryPair(1, 2)).Value.Cells

    // a takes b for 0.9, then c for 0.8 − 0.7; b takes a for 0.9, and c for 0.7 − 0.8 not; c takes a for 0.8, and b for
    // 0.7 − 0.9 not.
    [<Test>]
    let ``MRNET of a small example`` () =
        let scores = MinimumRedundancy.apply 1 three
        near 0.9 (scores.TryPair(0, 1)).Value.Score
        near 0.8 (scores.TryPair(0, 2)).Value.Score
        near 0.0 (scores.TryPair(1, 2)).Value.Score

    [<Test>]
    let ``all pairs are needed`` () =
        let kept = PairSink.select (Keep.AtLeast 0.75) Strength.Score three
        Expect.refused "all pairs" (fun () -> ContextLikelihood.apply 1 kept)
        Expect.refused "all pairs" (fun () -> MinimumRedundancy.apply 1 kept)

    [<Property>]
    let ``selecting afterwards keeps what a run keeps`` (scores: MadeScores) =
        for keep in [ Keep.Top 2; Keep.AtLeast 0.5; Keep.All ] do
            for strength in [ Strength.Score; Strength.Magnitude ] do
                Expect.equal
                    (MadeScores.listed (MadeScores.keptBy MadeScores.inTurn keep strength scores))
                    (MadeScores.listed (PairSink.select keep strength (everyPair scores)))

    [<Property>]
    let ``the order of genes changes no bit`` (scores: MadeScores) =
        let genes = scores.Names.Length

        if genes < 20 then
            let backwards = {
                scores with
                    Names = Array.rev scores.Names
                    Order = scores.Order |> Array.map (fun gene -> genes - 1 - gene)
                    Parts = scores.Parts |> Array.map Array.rev |> Array.rev
            }

            for transform in [ Transform.ContextLikelihood; Transform.MinimumRedundancy ] do
                let here = Transform.apply 1 transform (everyPair scores)
                let there = Transform.apply 2 transform (everyPair backwards)

                each here (fun a b found ->
                    Expect.equal found.Score (there.TryPair(genes - 1 - a, genes - 1 - b)).Value.Score)

    [<Test>]
    let ``names go both ways`` () =
        for name in [ "none"; "clr"; "mrnet" ] do
            Expect.equal name (Transform.name (Expect.ok (Transform.parse name)))

        Expect.says [ "--transform"; "clrr"; "Did you mean clr?" ] (Transform.parse "clrr")
