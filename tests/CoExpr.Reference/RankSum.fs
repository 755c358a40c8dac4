namespace CoExpr.Reference

/// The rank-sum test from its definition: every pair of cells is looked at.
module RankSum =

    /// Pairs in which the first has the higher value, ties counting a half.
    let u (perturbed: float[]) (reference: float[]) =
        List.sum [
            for x in perturbed do
                for y in reference ->
                    if x > y then 1.0
                    elif x = y then 0.5
                    else 0.0
        ]

    /// Σ t³ − t over the values of both.
    let ties (perturbed: float[]) (reference: float[]) =
        Array.append perturbed reference
        |> Array.countBy (fun value -> value + 0.0)
        |> Array.sumBy (fun (_, t) -> float t ** 3.0 - float t)

    /// Mean and variance of U where the values are dealt to the cells at random, from the mid-ranks r of all cells: the
    /// variance of a sum of n1 draws without replacement.
    let moments (perturbed: float[]) (reference: float[]) =
        let all = Array.append perturbed reference
        let n, n1 = float all.Length, float perturbed.Length

        let rank value =
            let below = all |> Array.filter (fun other -> other < value) |> Array.length
            let equal = all |> Array.filter (fun other -> other = value) |> Array.length
            float below + (float equal + 1.0) / 2.0

        let ranks = all |> Array.map rank
        let mean = Array.average ranks

        let spread = (ranks |> Array.sumBy (fun r -> (r - mean) * (r - mean))) / (n - 1.0)

        n1 * mean - n1 * (n1 + 1.0) / 2.0, n1 * (n - n1) / n * spread

    /// All ways to choose k of these.
    let rec private choices k items =
        match k, items with
        | 0, _ -> [ [] ]
        | _, [] -> []
        | _, first :: rest ->
            (choices (k - 1) rest |> List.map (fun others -> first :: others))
            @ choices k rest

    /// P(U ≥ u) with n1 perturbed cells and n0 others, no two alike, from every choice of ranks.
    let exactUpper n1 n0 (u: float) =
        let ranks = [ 1 .. n1 + n0 ]

        let us =
            choices n1 ranks
            |> List.map (fun chosen -> List.sum chosen - n1 * (n1 + 1) / 2 |> float)

        float (us |> List.filter (fun other -> other >= u) |> List.length)
        / float us.Length
