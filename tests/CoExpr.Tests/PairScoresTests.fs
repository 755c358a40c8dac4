namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

[<Properties(Arbitrary = [| typeof<ManyMadeScores> |])>]
module PairScoresTests =

    let private keeps = [ Keep.Top 2; Keep.AtLeast 1.0; Keep.All ]

    let private kept keep scores =
        MadeScores.keptBy MadeScores.inTurn keep Strength.Score scores

    /// Four genes in a row: 0–1 scores 1, 1–2 scores −2, 2–3 scores 1; no other pair is kept.
    let private row =
        PairScores(
            [| "d"; "c"; "b"; "a" |],
            PairStore.Kept {
                Starts = [| 0L; 1L; 3L; 5L; 6L |]
                Partners = [| 1; 0; 2; 1; 3; 2 |]
                Scores = [| 1.0; 1.0; -2.0; -2.0; 1.0; 1.0 |]
                Cells = [| 10; 10; 20; 20; 30; 30 |]
                Information = [||]
            }
        )

    let private partner gene score cells : Partner = {
        Gene = gene
        Score = score
        Cells = cells
    }

    [<Test>]
    let ``finds pairs and partners of a small example`` () =
        Expect.equal 3L row.PairCount
        Expect.equal (ValueSome(partner 2 -2.0 20)) (row.TryPair(1, 2))
        Expect.equal (ValueSome(partner 1 -2.0 20)) (row.TryPair(2, 1))
        Expect.equal ValueNone (row.TryPair(0, 2))
        Expect.equal ValueNone (row.TryPair(3, 0))
        Expect.equal ValueNone (row.TryPair(1, 1))
        Expect.equal [| partner 0 1.0 10; partner 2 -2.0 20 |] (row.Partners 1)
        Expect.equal (ValueSome 2) (row.TryGene "b")
        Expect.equal ValueNone (row.TryGene "B")
        Expect.equal [| 0.0; -2.0; 0.0; 1.0 |] (PairScores.denseRow row 2)

    [<Test>]
    let ``lists the strongest first`` () =
        let genes strength gene =
            PairScores.strongest strength row gene
            |> Array.map (fun partner -> partner.Gene)

        Expect.equal [| 0; 2 |] (genes Strength.Score 1)
        Expect.equal [| 2; 0 |] (genes Strength.Magnitude 1)

        let pairs =
            PairScores.pairs Strength.Score row
            |> Seq.map (fun struct (gene, p) -> gene, p.Gene)
            |> Seq.toList

        Expect.equal [ 0, 1; 1, 2; 2, 3 ] pairs

    // Scores 1, −2 and 1 in three ranges from −2 to 1.
    [<Test>]
    let ``counts scores by range`` () =
        Expect.equal ([| -2.0; -1.0; 0.0; 1.0 |], [| 1L; 0L; 2L |]) (PairScores.distribution 3 row)

    [<Test>]
    let ``has a distribution without pairs, and with pairs of one score`` () =
        let none =
            PairScores(
                [| "a"; "b" |],
                PairStore.Kept {
                    Starts = [| 0L; 0L; 0L |]
                    Partners = [||]
                    Scores = [||]
                    Cells = [||]
                    Information = [||]
                }
            )

        Expect.equal [| 0L; 0L |] (snd (PairScores.distribution 2 none))

        let one =
            PairScores(
                [| "a"; "b" |],
                PairStore.Kept {
                    Starts = [| 0L; 1L; 2L |]
                    Partners = [| 1; 0 |]
                    Scores = [| 0.5; 0.5 |]
                    Cells = [| 1; 1 |]
                    Information = [||]
                }
            )

        Expect.equal [| 1L; 0L |] (snd (PairScores.distribution 2 one))

    [<Property>]
    let ``are symmetric, and have no diagonal`` (scores: MadeScores) =
        for keep in keeps do
            let kept = kept keep scores

            for a in 0 .. min 20 scores.Names.Length - 1 do
                Expect.equal ValueNone (kept.TryPair(a, a))

                for b in 0 .. scores.Names.Length - 1 do
                    match kept.TryPair(a, b), kept.TryPair(b, a) with
                    | ValueSome p, ValueSome q ->
                        Expect.equal (b, a, p.Score, p.Cells) (p.Gene, q.Gene, q.Score, q.Cells)
                    | p, q -> Expect.equal (ValueNone, ValueNone) (p, q)

    [<Property>]
    let ``a pair is found if and only if its genes are partners`` (scores: MadeScores) =
        for keep in keeps do
            let kept = kept keep scores

            for a in 0 .. min 20 scores.Names.Length - 1 do
                let partners = kept.Partners a

                Expect.equal
                    (partners |> Array.map (fun p -> p.Gene) |> Array.distinct |> Array.sort)
                    (partners |> Array.map (fun p -> p.Gene))

                let found = [|
                    for b in 0 .. scores.Names.Length - 1 do
                        match kept.TryPair(a, b) with
                        | ValueSome partner -> partner
                        | ValueNone -> ()
                |]

                Expect.equal found partners

    [<Property>]
    let ``genes keep their names, and names find their genes`` (scores: MadeScores) =
        let kept = kept Keep.All scores
        Expect.equal scores.Names kept.Genes

        Expect.equal
            [| for number in 0 .. scores.Names.Length - 1 -> ValueSome number |]
            (Array.map kept.TryGene scores.Names)

        Expect.equal ValueNone (kept.TryGene "no such gene")

    [<Property>]
    let ``every kept pair is listed once and counted once`` (scores: MadeScores) (PositiveInt bins) =
        for keep in keeps do
            let kept = kept keep scores

            let listed =
                PairScores.pairs Strength.Magnitude kept
                |> Seq.map (fun struct (a, p) -> a, p.Gene)
                |> Seq.toArray

            Expect.equal kept.PairCount listed.LongLength
            Expect.equal listed.Length (Array.distinct listed).Length
            let edges, counts = PairScores.distribution bins kept
            Expect.equal kept.PairCount (Array.sum counts)
            Expect.equal (bins + 1, bins) (edges.Length, counts.Length)

    [<Property>]
    let ``strongest first, equals by ordinal name`` (scores: MadeScores) =
        let names = scores.Names

        for strength, value in [ Strength.Score, id; Strength.Magnitude, abs ] do
            let kept = kept Keep.All scores

            for gene in 0 .. min 20 names.Length - 1 do
                let strongest = PairScores.strongest strength kept gene

                for p, q in Array.pairwise strongest do
                    let stronger, weaker = value (float p.Score), value (float q.Score)

                    Assert.That(
                        (stronger > weaker
                         || (stronger = weaker && String.CompareOrdinal(names[p.Gene], names[q.Gene]) < 0)),
                        Is.True
                    )

                Expect.equal (kept.Partners gene) (strongest |> Array.sortBy (fun partner -> partner.Gene))

    [<Property>]
    let ``a dense row is 0 where nothing was kept`` (scores: MadeScores) =
        let kept = kept (Keep.Top 2) scores

        for gene in 0 .. min 20 scores.Names.Length - 1 do
            let expected =
                Array.init scores.Names.Length (fun other ->
                    match kept.TryPair(gene, other) with
                    | ValueSome partner -> float partner.Score
                    | ValueNone -> 0.0)

            Expect.equal expected (PairScores.denseRow kept gene)
