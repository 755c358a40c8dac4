namespace CoExpr

open CoExpr.Kernels

/// Mutual information of two discretized genes, plug-in estimate, in bits.
///
/// I(A;B) = Σ p(a,b) log2 (p(a,b) / (p(a) p(b))), all from the joint histogram of the cells that the convention keeps.
/// It depends on counts alone: no randomness, no threads, no files. In whole numbers until the last division, see
/// EntropyTable.
[<RequireQualifiedAccess>]
module MutualInformation =

    /// M · I · 2^30 as a whole number, and M, the number of cells that count. Both 0 where no cell counts.
    let numerator (table: int64[]) (cells: CellsIn) joint : struct (int64 * int) =
        let counted = JointHistogram.counted cells joint
        let sum = Array.sumBy (fun count -> table[count])
        let total = JointHistogram.total counted

        let numerator =
            sum counted.Counts
            - sum (JointHistogram.rowSums counted)
            - sum (JointHistogram.columnSums counted)
            + table[total]

        struct (numerator, total)

    /// The one division: numerator / (M · 2^30); 0 where no cell counts. Independent genes may come out below 0 by the
    /// rounding of the table, less than 1e-9 bit.
    let bits (numerator: int64) (cells: int) : float<bit> =
        if cells = 0 then
            0.0<bit>
        else
            float numerator / (float cells * float (1L <<< EntropyTable.Scale)) * 1.0<bit>

    /// The mutual information of one joint histogram, within 1e-9 bit. It lies from 0 to the lower of the two entropies,
    /// up to that error.
    let estimate (cells: CellsIn) joint : float<bit> =
        let table = EntropyTable.Create(JointHistogram.total joint)
        let struct (numerator, total) = numerator table cells joint
        bits numerator total
