namespace CoExpr

open System

/// All scores of all pairs as rows, genes by name, so that sums do not depend on the order of genes in the input.
[<Sealed>]
type internal ScoreMatrix(scores: PairScores, threads) =
    let genes = scores.Genes.Length
    let order = Array.init genes id
    do Array.Sort(Array.copy scores.Genes, order, StringComparer.Ordinal)

    let rows = Array.init genes (fun _ -> Array.zeroCreate<float> genes)

    do
        Schedule.ranges threads 1 genes (fun first _ ->
            for other in 0 .. genes - 1 do
                if other <> first then
                    match scores.TryPair(order[first], order[other]) with
                    | ValueSome pair -> rows[first][other] <- abs pair.Score
                    | ValueNone -> invalidArg (nameof scores) "scores of all pairs are needed")

    member _.Genes = genes
    /// The magnitude of each score, by place in the order of names; 0 on the diagonal.
    member _.Rows = rows

    /// Every pair again, with a score by place in the order of names.
    member _.Rescored(score: int -> int -> float) =
        let places = Array.zeroCreate<int> genes
        order |> Array.iteri (fun place gene -> places[gene] <- place)
        let side = 256
        let lines = (genes + side - 1) / side

        let squares (value: int -> int -> 'a) =
            Array.init (lines * (lines + 1) / 2) (fun _ -> Array.zeroCreate<'a>(side * side))
            |> fun squares ->
                for low in 0 .. genes - 1 do
                    for high in low + 1 .. genes - 1 do
                        squares[(high / side) * (high / side + 1) / 2 + low / side][(low % side) * side + high % side] <-
                            value low high

                squares

        PairScores(
            scores.Genes,
            PairStore.Squares {
                Side = side
                Scores = squares (fun a b -> score places[a] places[b])
                Cells = squares (fun a b -> scores.TryPair(a, b).Value.Cells)
                Information = [||]
            }
        )
