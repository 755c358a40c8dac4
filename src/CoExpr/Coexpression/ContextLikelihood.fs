namespace CoExpr

/// CLR: z_i = max 0 ((s_ij − mean of s_i·) / sd of s_i·), the gene itself left out and sd with n − 1; the new score of a
/// pair is √(z_i² + z_j²).
[<RequireQualifiedAccess>]
module ContextLikelihood =

    let private moments (row: float[]) own =
        let others = Array.removeAt own row
        let mean = Array.sum others / float others.Length
        let squares = others |> Array.sumBy (fun score -> (score - mean) * (score - mean))

        struct (mean,
                (if others.Length > 1 then
                     sqrt (squares / float (others.Length - 1))
                 else
                     0.0))

    /// Of the magnitudes of scores; a gene whose scores are all the same has z = 0. Needs every pair (ArgumentException).
    let apply threads (scores: PairScores) : PairScores =
        let matrix = ScoreMatrix(scores, threads)
        let moments = matrix.Rows |> Array.mapi (fun gene row -> moments row gene)

        let z gene score =
            let struct (mean, sd) = moments[gene]
            if sd > 0.0 then max 0.0 ((score - mean) / sd) else 0.0

        matrix.Rescored(fun a b ->
            let zA, zB = z a (matrix.Rows[a][b]), z b (matrix.Rows[a][b])
            sqrt (zA * zA + zB * zB))
