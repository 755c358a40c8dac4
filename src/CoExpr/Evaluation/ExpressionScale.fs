namespace CoExpr

open System

/// What the values of a matrix are, as an evaluation takes them.
[<RequireQualifiedAccess>]
type ExpressionScale =
    /// Counts: brought to the median total of the cells, then ln(1 + x).
    | Counts
    /// ln(1 + x) of normalised counts already.
    | Logarithms
    /// Counts that are compared as they are.
    | AsTheyAre

/// How the scale of a matrix is settled.
[<RequireQualifiedAccess>]
type ScaleChoice =
    /// Counts where no value has a fractional part above 0.001, logarithms otherwise, as cell-eval decides.
    | Detect
    | Given of ExpressionScale

/// The values of cells one cell at a time, in double precision, on the scale that is compared. `Read cell genes values`
/// writes the genes and values of a cell's entries and gives their number, at most `Most`; genes come in any order, each
/// once; what is not written is 0.
type CellValues = {
    Cells: int
    Genes: int
    /// The most entries of a cell.
    Most: int
    Read: int -> int[] -> float[] -> int
}

[<RequireQualifiedAccess>]
module ExpressionScale =

    /// Fractional parts up to here are taken for rounding (cell-eval 0.8.1).
    [<Literal>]
    let private Fraction = 1e-3f

    /// ln(1 + x) of counts of a cell that sum to millions stays below this (cell-eval 0.8.1).
    [<Literal>]
    let private LargestLogarithm = 15.0f

    let private isFractional (value: float32) =
        Single.IsFinite value && value - MathF.Floor value > Fraction

    /// What is done with values of this scale, in words.
    let describe scale =
        match scale with
        | ExpressionScale.Counts -> "counts, brought to the median total and to ln(1 + x)"
        | ExpressionScale.Logarithms -> "logarithms, taken as they are"
        | ExpressionScale.AsTheyAre -> "values as they are"

    /// Counts, unless a stored value has a fractional part above 0.001.
    let detect (counts: SparseCounts) =
        if counts.ByCell.Values |> Array.exists isFractional then
            ExpressionScale.Logarithms
        else
            ExpressionScale.Counts

    /// Refuses values that the scale has no room for, by gene and cell: logarithms below 0 or from 15 on, negative counts,
    /// infinity; NaN, too, unless `allowMissing`, since a prediction may fail in part.
    let private require allowMissing scale (cells: Cells) =
        let isPresent value =
            if Single.IsNaN value then
                allowMissing
            else
                Single.IsFinite value

        let isAllowed (value: float32) =
            match scale with
            | _ when Single.IsNaN value -> allowMissing
            | ExpressionScale.Logarithms -> value >= 0.0f && value < LargestLogarithm
            | ExpressionScale.Counts -> value >= 0.0f && Single.IsFinite value
            | ExpressionScale.AsTheyAre -> isPresent value

        let advice =
            match scale with
            | ExpressionScale.Logarithms ->
                "Logarithms ln(1 + x) of normalised counts are from 0 to below 15; if these are counts, say --values counts."
            | ExpressionScale.Counts -> "Counts must be finite and not negative; are these scaled data?"
            | ExpressionScale.AsTheyAre -> "Values must be finite."

        Cells.requireValues isAllowed advice cells

    /// The scale of these cells, whose values must be fit for it.
    let settle allowMissing choice (cells: Cells) : Result<ExpressionScale, CoExprError> =
        let scale =
            match choice with
            | ScaleChoice.Detect -> detect cells.Counts
            | ScaleChoice.Given scale -> scale

        require allowMissing scale cells |> Result.map (fun _ -> scale)

    let private medianOf (totals: float[]) =
        totals |> Array.filter (fun total -> total > 0.0) |> OrderStatistics.median

    /// What cells are brought to: the median total of the cells that have any (scanpy's normalize_total); NaN of none.
    let medianTotal (counts: SparseCounts) = medianOf (SizeFactors.totals counts)

    /// What each cell's counts are multiplied by: the median of the totals above 0 over the cell's total.
    let private factors (counts: SparseCounts) =
        let totals = SizeFactors.totals counts

        // A cell that holds NaN has no total: its values become NaN, and it does not bear on others.
        let target = medianOf totals

        totals |> Array.map (fun total -> if total > 0.0 then target / total else total)

    /// The most entries of a cell.
    let private most (counts: SparseCounts) =
        Seq.fold (fun most cell -> max most (counts.ByCell.Length cell)) 0 (seq { 0 .. counts.Cells - 1 })

    /// Values by cell, gene g at `place[g]`, each of them converted as it is read.
    let private converted (place: int[]) (counts: SparseCounts) (convert: int -> float -> float) : CellValues =
        let byCell = counts.ByCell

        let read cell (genes: int[]) (values: float[]) =
            let indices = byCell.IndicesOf cell
            let stored = byCell.ValuesOf cell

            for at in 0 .. indices.Length - 1 do
                genes[at] <- place[indices[at]]
                values[at] <- convert cell (float stored[at])

            indices.Length

        {
            Cells = counts.Cells
            Genes = counts.Genes
            Most = most counts
            Read = read
        }

    /// The cells' counts, gene g at `place[g]`: as they are stored, or what logarithms are the logarithms of.
    let amounts scale place counts : CellValues =
        converted
            place
            counts
            (match scale with
             | ExpressionScale.Logarithms -> fun _ value -> Double.ExpM1 value
             | ExpressionScale.Counts
             | ExpressionScale.AsTheyAre -> fun _ value -> value)

    /// The cells' values on this scale, gene g at `place[g]`. Nothing is copied: logarithms are taken as a cell is read, in
    /// double precision.
    let values scale place counts : CellValues =
        converted
            place
            counts
            (match scale with
             | ExpressionScale.Counts ->
                 let factors = factors counts
                 fun cell value -> Double.LogP1(value * factors[cell])
             | ExpressionScale.Logarithms
             | ExpressionScale.AsTheyAre -> fun _ value -> value)

    /// Genes and values of some cells on this scale, in single precision.
    let rows (values: CellValues) (cells: int[]) : (int[] * float32[])[] =
        let genes, read =
            Array.zeroCreate<int> values.Most, Array.zeroCreate<float> values.Most

        cells
        |> Array.map (fun cell ->
            let entries = values.Read cell genes read
            Array.sub genes 0 entries, Array.map float32 (Array.sub read 0 entries))

    /// Rows of genes and values as one matrix.
    let matrix genes (rows: (int[] * float32[])[]) =
        SparseCounts.OfCells(
            rows.Length,
            genes,
            {
                Starts = rows |> Array.map (fun (genes, _) -> int64 genes.Length) |> Array.scan (+) 0L
                Indices = rows |> Array.collect fst
                Values = rows |> Array.collect snd
            }
        )
