namespace CoExpr

/// MRNET: each gene in turn chooses partners, the best first, by score less mean score with those chosen before, while
/// that is above 0. The new score of a pair is the higher of what its two genes chose each other for; 0 where neither did.
[<RequireQualifiedAccess>]
module MinimumRedundancy =

    /// What each gene is chosen for by one gene, 0 where it is not; equals by place. About G steps for each gene chosen.
    let private chosen (rows: float[][]) target =
        let own = rows[target]
        let gains = Array.zeroCreate<float> own.Length
        let redundancy = Array.zeroCreate<float> own.Length
        let free = Array.init own.Length (fun gene -> gene <> target)
        let mutable count, running = 0, true

        while running do
            let mutable best, bestGain = -1, 0.0

            for gene in 0 .. own.Length - 1 do
                if free[gene] then
                    let gain = own[gene] - (if count = 0 then 0.0 else redundancy[gene] / float count)

                    if gain > bestGain then
                        best <- gene
                        bestGain <- gain

            if best < 0 then
                running <- false
            else
                gains[best] <- bestGain
                free[best] <- false
                count <- count + 1

                for gene in 0 .. own.Length - 1 do
                    redundancy[gene] <- redundancy[gene] + rows[best][gene]

        gains

    /// Of the magnitudes of scores. Needs every pair (ArgumentException); up to G³ steps, and 16 G² bytes.
    let apply threads (scores: PairScores) : PairScores =
        let matrix = ScoreMatrix(scores, threads)
        let gains = Array.zeroCreate<float[]> matrix.Genes
        Schedule.ranges threads 1 matrix.Genes (fun gene _ -> gains[gene] <- chosen matrix.Rows gene)
        matrix.Rescored(fun a b -> max (gains[a][b]) (gains[b][a]))
