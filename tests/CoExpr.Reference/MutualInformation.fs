namespace CoExpr.Reference

/// Mutual information of two genes from their levels in every cell.
module MutualInformation =

    /// The cells that count: all, or those that express at least one of the two.
    let private counted eitherOnly (a: int[]) (b: int[]) =
        Array.zip a b |> Array.filter (fun (x, y) -> not eitherOnly || x > 0 || y > 0)

    let private sizes pick cells =
        cells |> Array.countBy pick |> Array.map snd

    /// M · MI · 2^30 as the sum of table entries F, and M.
    let numerator (entry: int -> int64) eitherOnly a b =
        let cells = counted eitherOnly a b
        let sum pick = sizes pick cells |> Array.sumBy entry
        sum id - sum fst - sum snd + entry cells.Length, cells.Length

    /// Σ p(a,b) log2 (p(a,b) / (p(a) p(b))) in floating point, bits.
    let floating eitherOnly a b =
        let cells = counted eitherOnly a b
        let n = float cells.Length
        let rows = Array.countBy fst cells |> dict
        let columns = Array.countBy snd cells |> dict

        cells
        |> Array.countBy id
        |> Array.sumBy (fun ((x, y), count) ->
            float count / n
            * System.Math.Log2(float count * n / (float rows[x] * float columns[y])))

    /// Σ p log2 (1/p) of one gene's levels among the cells that count for a pair.
    let entropyOfFirst eitherOnly a b =
        let cells = counted eitherOnly a b

        sizes fst cells
        |> Array.sumBy (fun count ->
            let p = float count / float cells.Length
            -p * System.Math.Log2 p)
