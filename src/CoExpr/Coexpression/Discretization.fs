namespace CoExpr

open System
open CoExpr.Kernels

/// How a quantile that falls on a value is told from one that falls just above it.
[<RequireQualifiedAccess>]
type QuantileEdges =
    /// By whole numbers, as the definition reads.
    | Exact
    /// In floating point, step by step as NumPy's percentile: there, rounding can lift an edge above the very value
    /// that it falls on, and that value then goes one bin down. For comparison with GeneVector.
    | NumPy

/// Cutting a gene's values into a few ordered levels: 0 for not expressed, then bins of about equally many cells.
///
/// With m expressed cells (value above 0) of U distinct values, there are B = min(bins, U) bins, with edges at the
/// quantiles k/B of the expressed values, k = 1 .. B − 1, interpolated linearly (type 7 of Hyndman and Fan 1996). A value
/// goes to bin 1 + number of edges that it reaches. Ties stay together, so some bins may stay empty.
[<RequireQualifiedAccess>]
module Discretization =

    let private expressed (values: ReadOnlySpan<float32>) =
        let kept = values.ToArray() |> Array.filter (fun value -> value > 0.0f)
        Array.sortInPlace kept
        kept

    let private distinct (sorted: float32[]) =
        let mutable count = min 1 sorted.Length

        for at in 1 .. sorted.Length - 1 do
            if sorted[at] <> sorted[at - 1] then
                count <- count + 1

        count

    /// The smallest expressed value that reaches each edge. An edge at h = (m − 1)k/B that is no whole number lies between
    /// two neighbours among the sorted values, so those that reach it are those from ⌈h⌉ on.
    let private exactEdges bins (sorted: float32[]) =
        let last = int64 (sorted.Length - 1)
        Array.init (bins - 1) (fun k -> float sorted[int ((last * int64 (k + 1) + int64 (bins - 1)) / int64 bins)])

    /// Percentages are multiples of a rounded step, as linspace makes them, and neighbours are subtracted in the single
    /// precision that they come in.
    let private numPyEdges bins (sorted: float32[]) =
        Array.init (bins - 1) (fun k ->
            let h = float (sorted.Length - 1) * (float (k + 1) * (100.0 / float bins) / 100.0)
            let t = h - floor h
            let a = sorted[int h]
            let b = sorted[min (int h + 1) (sorted.Length - 1)]
            let difference = float (b - a)

            if t >= 0.5 then
                float b - difference * (1.0 - t)
            else
                float a + difference * t)

    let private level (edges: float[]) (value: float32) =
        let mutable reached = 0

        while reached < edges.Length && edges[reached] <= float value do
            reached <- reached + 1

        byte (1 + reached)

    /// Writes the level of each value to `levels` and gives the number of bins B, 0 where nothing is expressed. Zero,
    /// negative and NaN values are not expressed. Throws ArgumentException unless bins is from 2 to 255.
    let levelsInto rule bins (values: ReadOnlySpan<float32>) (levels: Span<byte>) : int =
        if bins < 2 || bins > 255 then
            invalidArg (nameof bins) $"{bins} is not from 2 to 255"

        let sorted = expressed values
        let used = min bins (distinct sorted)

        let edges =
            match rule with
            | _ when used = 0 -> [||]
            | QuantileEdges.Exact -> exactEdges used sorted
            | QuantileEdges.NumPy -> numPyEdges used sorted

        for at in 0 .. values.Length - 1 do
            levels[at] <- if values[at] > 0.0f then level edges values[at] else 0uy

        used

    /// The level of each of one gene's values.
    let levels rule bins (values: float32[]) =
        let levels = Array.zeroCreate<byte> values.Length
        levelsInto rule bins (ReadOnlySpan values) (Span levels) |> ignore
        levels

    /// Only entries with a level: those that are expressed.
    let private packed cells (byGene: Compressed) (levels: byte[]) (highest: byte[]) =
        let count = levels |> Array.sumBy (fun level -> if level > 0uy then 1 else 0)
        let starts = Array.zeroCreate<int64> byGene.Starts.Length
        let cellOf, levelOf = Array.zeroCreate<int> count, Array.zeroCreate<byte> count
        let mutable place = 0

        for gene in 0 .. byGene.Lines - 1 do
            for at in int byGene.Starts[gene] .. int byGene.Starts[gene + 1] - 1 do
                if levels[at] > 0uy then
                    cellOf[place] <- byGene.Indices[at]
                    levelOf[place] <- levels[at]
                    place <- place + 1

            starts[gene + 1] <- int64 place

        BinnedGenes(cells, starts, cellOf, levelOf, highest)

    /// Every gene of a matrix, in its order.
    let genes threads rule bins (counts: SparseCounts) : BinnedGenes =
        let byGene = counts.ByGene
        let levels = Array.zeroCreate<byte> byGene.Values.Length
        let highest = Array.zeroCreate<byte> counts.Genes

        Schedule.ranges threads 16 counts.Genes (fun first next ->
            for gene in first .. next - 1 do
                let own = levels.AsSpan(int byGene.Starts[gene], byGene.Length gene)
                highest[gene] <- byte (levelsInto rule bins (Span.op_Implicit (byGene.ValuesOf gene)) own))

        packed counts.Cells byGene levels highest
