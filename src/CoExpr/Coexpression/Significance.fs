namespace CoExpr

open System
open CoExpr.Kernels

/// The G-test of independence of two binned genes (Wilks 1938): with M cells and mutual information I, G = 2 ln 2 · M · I
/// is about χ² distributed under independence, with (rows − 1)(columns − 1) degrees of freedom, counting the rows and
/// columns that are not empty. It is a test only where all cells count: leaving out the cells that express neither gene
/// makes independent genes depend on each other.
[<RequireQualifiedAccess>]
module GTest =

    /// G of so much information from so many cells; information below 0, which is rounding, counts as 0.
    let statistic (information: float<bit>) cells =
        max 0.0 (2.0 * Math.Log 2.0 * float cells * float information)

    /// (rows − 1)(columns − 1).
    let degrees rows columns = (rows - 1) * (columns - 1)

    /// P(χ² ≥ g), the chance of so high a G or a higher; 1 without degrees of freedom. 0 below 1e-308: see log10PValue.
    let pValue degrees g = ChiSquaredTail.upper degrees g

    /// The base-10 logarithm of the same, which does not run out where p is below the smallest double.
    let log10PValue degrees g = ChiSquaredTail.log10Upper degrees g

/// The false discovery rate of Benjamini and Hochberg (1995). It bounds the expected share of false ones among the pairs
/// called, for tests that are independent or positively dependent (Benjamini and Yekutieli 2001).
[<RequireQualifiedAccess>]
module BenjaminiHochberg =

    /// q of each p: the smallest rate at which it is called, min over r ≥ its rank of p_(r) · m / r. Throws
    /// ArgumentException for a p that is not from 0 to 1.
    let adjust (pValues: float[]) : float[] =
        match pValues |> Array.tryFind (fun p -> not (p >= 0.0 && p <= 1.0)) with
        | Some p -> invalidArg (nameof pValues) $"{p} is not from 0 to 1"
        | None -> ()

        let order = Array.init pValues.Length id
        Array.Sort(Array.copy pValues, order)
        let adjusted = Array.zeroCreate<float> pValues.Length
        let mutable lowest = 1.0

        for rank in pValues.Length .. -1 .. 1 do
            let at = order[rank - 1]
            // The ratio first: it is 1 for the highest p, which is then its own q to the bit.
            lowest <- min lowest (pValues[at] * (float pValues.Length / float rank))
            adjusted[at] <- lowest

        adjusted

/// Benjamini and Hochberg's q of any p among many, of which only how many lie in each of a million narrow ranges is kept:
/// 8 MB, however many there are.
///
/// Ranges are cut by the leading bits of the double: 1,024 to each power of 2. A range is taken at its upper edge e, so
/// that q = min over ranges from p's own on of m · e / (number of p below e). That is never less than the exact q, and
/// more by at most 1 / 1,024 of it (for p above 1e-307).
[<Sealed>]
type TailCounts() =
    static let shift = 52 - 10

    static let rangeOf (p: float) =
        int (BitConverter.DoubleToInt64Bits p >>> shift)

    static let upperEdge range =
        min 1.0 (BitConverter.Int64BitsToDouble(int64 (range + 1) <<< shift))

    let counts = Array.zeroCreate<int64>(rangeOf 1.0 + 1)
    let gate = obj ()

    let adjusted =
        lazy
            (let total = Array.sum counts
             let qs = Array.zeroCreate<float> counts.Length
             let below = Array.scan (+) 0L counts
             let mutable lowest = 1.0

             for range in counts.Length - 1 .. -1 .. 0 do
                 if counts[range] > 0L then
                     lowest <- min lowest (upperEdge range * float total / float below[range + 1])

                 qs[range] <- lowest

             qs)

    /// Takes in the first `count` values of an array, from any thread. Not after a q was asked for.
    member _.Add(pValues: float[], count) =
        if adjusted.IsValueCreated then
            invalidOp "p-values cannot be added after a q was asked for"

        lock gate (fun () ->
            for at in 0 .. count - 1 do
                let range = rangeOf pValues[at]
                counts[range] <- counts[range] + 1L)

    /// How many were taken in.
    member _.Total = Array.sum counts

    /// q of a p that was taken in.
    member _.QValue(p: float) = adjusted.Value[rangeOf p]

/// G-tests of the pairs of a run over all cells.
[<Sealed>]
type PairTests(cells: int, levels: int[], tail: TailCounts) =

    /// `levels`: of each gene its levels that are not empty, "not expressed" among them. `tail`: the p of all pairs.
    member _.Cells = cells
    member _.Tail = tail
    member _.Degrees(a: int, b: int) = GTest.degrees levels[a] levels[b]

    member this.PValue(a, b, information) =
        GTest.pValue (this.Degrees(a, b)) (GTest.statistic information cells)

    member this.Log10PValue(a, b, information) =
        GTest.log10PValue (this.Degrees(a, b)) (GTest.statistic information cells)

    /// At most 1/1,024 above the exact q; see TailCounts.
    member this.QValue(a, b, information) =
        tail.QValue(this.PValue(a, b, information))
