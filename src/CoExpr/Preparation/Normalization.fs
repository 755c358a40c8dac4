namespace CoExpr

open System

/// The total that each cell is brought to.
[<RequireQualifiedAccess>]
type TargetSum =
    /// The median total of the cells that have any counts.
    | Median
    /// So many counts a cell, such as 10,000.
    | Counts of float

/// Making cells of unlike depth comparable.
[<RequireQualifiedAccess>]
module Normalization =

    /// log(1 + target · x / total of the cell), natural logarithm, rounded to single precision. A cell without counts
    /// stays at 0; values must not be negative, for 1 + x has no logarithm below x = −1 (NaN comes out). Throws
    /// ArgumentException for a target that is not above 0.
    let log1p (target: TargetSum) (counts: SparseCounts) =
        let totals = SizeFactors.totals counts

        let target =
            match target with
            | TargetSum.Median -> totals |> Array.filter (fun total -> total > 0.0) |> OrderStatistics.median
            | TargetSum.Counts sum when sum > 0.0 && Double.IsFinite sum -> sum
            | TargetSum.Counts sum -> invalidArg (nameof target) $"{sum} is not above 0"

        let byCell = counts.ByCell
        let values = Array.zeroCreate<float32> byCell.Values.Length

        Schedule.ranges Schedule.defaultThreads 1024 counts.Cells (fun first next ->
            for cell in first .. next - 1 do
                let scale = if totals[cell] > 0.0 then target / totals[cell] else 0.0

                for at in int byCell.Starts[cell] .. int byCell.Starts[cell + 1] - 1 do
                    values[at] <- float32 (Math.Log(1.0 + float byCell.Values[at] * scale)))

        SparseCounts.OfCells(counts.Cells, counts.Genes, { byCell with Values = values })
