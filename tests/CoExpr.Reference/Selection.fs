namespace CoExpr.Reference

open System

/// Which pairs of a full list are kept, by sorting all of it.
module Selection =

    type Pair = {
        A: int
        B: int
        Score: float
        Cells: int
    }

    /// Of each gene the k strongest pairs, ties by the partner's name; a pair is kept if either gene keeps it.
    let top k (strength: float -> float) (names: string[]) (pairs: Pair list) =
        let keptBy gene =
            pairs
            |> List.filter (fun pair -> pair.A = gene || pair.B = gene)
            |> List.sortWith (fun p q ->
                let partner pair =
                    names[if pair.A = gene then pair.B else pair.A]

                match compare (strength q.Score) (strength p.Score) with
                | 0 -> String.CompareOrdinal(partner p, partner q)
                | order -> order)
            |> List.truncate k

        [ 0 .. names.Length - 1 ] |> List.collect keptBy |> List.distinct |> List.sort

    let atLeast least (strength: float -> float) (pairs: Pair list) =
        pairs |> List.filter (fun pair -> strength pair.Score >= least) |> List.sort
