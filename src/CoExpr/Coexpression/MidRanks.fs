namespace CoExpr

open System
open CoExpr.Kernels

/// Ranks of sparse values, as Spearman's correlation takes them.
///
/// Equal values share the mean of their ranks, which is a half or a whole number: twice the rank is
/// 2 · (number of lower values) + (number of equal values) + 1. All zeros of a gene share one rank, and correlation does
/// not change when a constant is subtracted: less the rank of 0, zeros are 0 again and stay unstored.
[<RequireQualifiedAccess>]
module MidRanks =

    /// Twice a rank is at most 2N, and single precision holds whole numbers up to 2^24.
    let MostCells = 1 <<< 23

    /// Of each of a gene's stored values twice its mid-rank among all `cells` values, those not stored being 0, less
    /// twice the rank of 0. Values may be negative or 0; -0 equals 0. Throws ArgumentException for NaN.
    let centredOnZero cells (values: ReadOnlySpan<float32>) : float32[] =
        let stored = values.ToArray()

        if stored |> Array.exists Single.IsNaN then
            invalidArg (nameof values) "NaN has no rank"

        // Adding 0 makes 0 of −0, which would otherwise sort below it.
        let sorted = stored |> Array.map (fun value -> value + 0.0f) |> Array.sort

        let below value = // stored values lower than this one
            let mutable low, high = 0, sorted.Length

            while low < high do
                let middle = (low + high) / 2

                if sorted[middle] < value then
                    low <- middle + 1
                else
                    high <- middle

            low

        let upTo value =
            let mutable low, high = 0, sorted.Length

            while low < high do
                let middle = (low + high) / 2

                if sorted[middle] <= value then
                    low <- middle + 1
                else
                    high <- middle

            low

        let unstored = cells - stored.Length

        // 2 · lower + equal + 1 = (lower) + (lower or equal) + 1.
        let doubled value =
            let lower = below value + (if value > 0.0f then unstored else 0)
            let lowerOrEqual = upTo value + (if value >= 0.0f then unstored else 0)
            lower + lowerOrEqual + 1

        let zero = doubled 0.0f
        stored |> Array.map (fun value -> float32 (doubled (value + 0.0f) - zero))

    /// The same of every gene, in parallel. Throws ArgumentException for more than MostCells cells.
    let ofGenes threads (genes: GeneValues) : GeneValues =
        if genes.Cells > MostCells then
            invalidArg
                (nameof genes)
                $"{genes.Cells} cells are more than the {MostCells} whose ranks single precision holds"

        let ranks = Array.zeroCreate<float32> genes.Values.Length

        Schedule.ranges threads 16 genes.Genes (fun first next ->
            for gene in first .. next - 1 do
                let start, length =
                    int genes.Starts[gene], int (genes.Starts[gene + 1] - genes.Starts[gene])

                let own = centredOnZero genes.Cells (ReadOnlySpan(genes.Values, start, length))
                own.CopyTo(ranks, start))

        GeneValues(genes.Cells, genes.Starts, genes.CellOf, ranks)
