namespace CoExpr

open CoExpr.Kernels

/// How size factors are made.
[<RequireQualifiedAccess>]
type SizeFactorKind =
    /// Total counts over their mean.
    | LibrarySize
    /// The same without this share of the genes, from 0 to below 1: those with the most counts, of which a few that a
    /// perturbation changes would change the total.
    | TrimmedLibrarySize of share: float
    /// The median of ratios to geometric means, over genes that every cell has.
    | MedianOfRatios
    /// The same with the logarithm of 0 as 0: DESeq2's "poscounts".
    | PositiveCounts
    /// The same with geometric means of counts above 0: CRISPYx's "sparse".
    | NonZeroRatios
    /// The user's own, one per cell, above 0.
    | Given of float[]
    /// The user's own, in this column of the cell table.
    | Column of string

[<RequireQualifiedAccess>]
module SizeFactorKind =

    let private known = [
        "trimmed", SizeFactorKind.TrimmedLibrarySize 0.05
        "library", SizeFactorKind.LibrarySize
        "ratio", SizeFactorKind.MedianOfRatios
        "poscounts", SizeFactorKind.PositiveCounts
        "non-zero", SizeFactorKind.NonZeroRatios
    ]

    /// As the command line has it; "given" or a column for the user's own.
    let name kind =
        match kind with
        | SizeFactorKind.Given _ -> "given"
        | SizeFactorKind.Column column -> $"column {column}"
        | SizeFactorKind.TrimmedLibrarySize _ -> "trimmed"
        | made -> Words.name known made

    /// The kind of a name.
    let parse word = Words.parse "--size-factors" known word

    /// Refuses factors of the user's that are not one for each of so many cells.
    let internal requireLength (cells: int) kind : Result<unit, CoExprError> =
        match kind with
        | SizeFactorKind.Given factors when factors.Length <> cells ->
            Error(CoExprError.UnequalLengths("size factors", int64 cells, int64 factors.Length))
        | _ -> Ok()

    /// The user's factors of these cells alone.
    let internal takeCells (chosen: int[]) kind =
        match kind with
        | SizeFactorKind.Given factors -> SizeFactorKind.Given(chosen |> Array.map (fun cell -> factors[cell]))
        | made -> made

/// What size factors are made of, from a matrix that may not be in memory.
type internal CountSums = {
    /// The number of cells.
    Cells: int
    /// The sum of each cell's values.
    Totals: unit -> float[]
    /// The sum of each gene's values.
    GeneTotals: unit -> float[]
    /// The sum of each cell's values of the genes that are chosen: one flag per gene.
    TotalsOf: bool[] -> float[]
    /// Of every gene the sum of ln count over the cells with a count, and their number.
    LogSums: unit -> struct (float * int)[]
    /// Of each cell the typical one of ln(count / reference) over its counts above 0, given the logarithms of the genes'
    /// references; genes without one (NaN) say nothing.
    TypicalRatios: (float[] -> float) -> float[] -> float[]
}

/// How deeply each cell was sequenced, relative to the others.
[<RequireQualifiedAccess>]
module SizeFactors =

    /// Gene after gene, so that every cell's values are added in the order in which it holds them.
    let private totalsByGene (weights: float[]) (counts: SparseCounts) =
        let sums = Array.zeroCreate<float> counts.Cells
        let byGene = counts.ByGene

        for gene in 0 .. counts.Genes - 1 do
            // What is multiplied by 0 changes no sum.
            if weights[gene] <> 0.0 then
                ScatteredSums.Add(byGene.IndicesOf gene, byGene.ValuesOf gene, weights[gene], sums)

        sums

    let private totalsByCell (weights: float[]) (counts: SparseCounts) =
        let byCell = counts.ByCell

        Array.init counts.Cells (fun cell ->
            let genes = byCell.IndicesOf cell
            let values = byCell.ValuesOf cell
            let mutable sum = 0.0

            for at in 0 .. genes.Length - 1 do
                sum <- sum + weights[genes[at]] * float values[at]

            sum)

    let private weightedTotals weights (counts: SparseCounts) =
        if counts.IsByGene then
            totalsByGene weights counts
        else
            totalsByCell weights counts

    /// The sum of each cell's values, one per cell: the same bits from either view, of which no other is made.
    let totals (counts: SparseCounts) =
        weightedTotals (Array.create counts.Genes 1.0) counts

    /// Over their mean; 0 where that is.
    let private relative (totals: float[]) =
        let mean = if totals.Length = 0 then 0.0 else Array.average totals
        totals |> Array.map (fun total -> if mean > 0.0 then total / mean else 0.0)

    /// Each cell's total over the mean of all totals, one per cell; their mean is 1. 0 for a cell without counts, and
    /// for every cell where none has any.
    let librarySize (counts: SparseCounts) = relative (totals counts)

    let private geneTotalsByCell (counts: SparseCounts) =
        let sums = Array.zeroCreate<float> counts.Genes
        let byCell = counts.ByCell

        for at in 0 .. byCell.Values.Length - 1 do
            let gene = byCell.Indices[at]
            sums[gene] <- sums[gene] + float byCell.Values[at]

        sums

    let private geneTotalsByGene (counts: SparseCounts) =
        let byGene = counts.ByGene

        let sumInOrder gene =
            let mutable sum = 0.0

            for value in byGene.ValuesOf gene do
                sum <- sum + float value

            sum

        // Whole numbers have the same sum in any order.
        Array.init counts.Genes (fun gene ->
            if counts.Integer then
                ScatteredSums.OfWhole(byGene.ValuesOf gene)
            else
                sumInOrder gene)

    /// The sum of each gene's values: the same bits from either view, of which no other is made.
    let internal geneTotals (counts: SparseCounts) =
        if counts.IsByGene then
            geneTotalsByGene counts
        else
            geneTotalsByCell counts

    /// Cells whose trimmed total is 0 have their plain library size.
    let private ofTrimmed share (sums: CountSums) =
        let totals = sums.GeneTotals()
        let left = int (share * float totals.Length)

        if left = 0 then
            relative (sums.Totals())
        else
            let least = (Array.sortDescending totals)[left - 1]
            let trimmed = sums.TotalsOf(totals |> Array.map (fun total -> total < least))

            if trimmed |> Array.forall (fun total -> total > 0.0) then
                relative trimmed
            else
                (relative trimmed, relative (sums.Totals()))
                ||> Array.map2 (fun trimmed plain -> if trimmed > 0.0 then trimmed else plain)

    /// Of every cell the typical one of ln(count / reference), over its entries above 0; genes without a reference (NaN), the
    /// logarithm of theirs, say nothing.
    let internal typicalRatios (typical: float[] -> float) (references: float[]) (counts: SparseCounts) =
        let byCell = counts.ByCell

        Array.init counts.Cells (fun cell ->
            let genes, values =
                byCell.IndicesOf(cell).ToArray(), byCell.ValuesOf(cell).ToArray()

            typical [|
                for at in 0 .. genes.Length - 1 do
                    if values[at] > 0.0f && not (System.Double.IsNaN references[genes[at]]) then
                        log (float values[at]) - references[genes[at]]
            |])

    /// The median between two logarithms is that of their mean.
    let private medianOfLogs: float[] -> float = OrderStatistics.median >> exp

    /// The median between two ratios is their mean, as in CRISPYx.
    let private medianOfRatio: float[] -> float =
        Array.map exp >> OrderStatistics.median

    /// Of every gene the sum of ln count over the cells with a count, and their number.
    let internal logSums (counts: SparseCounts) =
        let byGene = counts.ByGene

        Array.init counts.Genes (fun gene ->
            let mutable sum, number = 0.0, 0

            for value in byGene.ValuesOf gene do
                if value > 0.0f then
                    sum <- sum + log (float value)
                    number <- number + 1

            struct (sum, number))

    let private ofGeometricMean (factors: float[]) =
        let known = factors |> Array.filter (System.Double.IsNaN >> not)

        let centre =
            if known.Length = 0 then
                1.0
            else
                known |> Array.averageBy log |> exp

        factors |> Array.map (fun factor -> factor / centre)

    /// Those of a matrix in memory.
    let private sumsOf (counts: SparseCounts) : CountSums = {
        Cells = counts.Cells
        Totals = fun () -> totals counts
        GeneTotals = fun () -> geneTotals counts
        TotalsOf =
            fun isChosen ->
                let weights = isChosen |> Array.map (fun chosen -> if chosen then 1.0 else 0.0)
                weightedTotals weights counts
        LogSums = fun () -> logSums counts
        TypicalRatios = fun typical references -> typicalRatios typical references counts
    }

    let private medianOfRatiosOf (sums: CountSums) =
        let references =
            sums.LogSums()
            |> Array.map (fun (struct (sum, number)) -> if number = sums.Cells then sum / float number else nan)

        if sums.Cells = 0 || Array.forall System.Double.IsNaN references then
            Error(
                CoExprError.TooFew(
                    "genes with a count in every cell",
                    0L,
                    1L,
                    "Single cells seldom share a gene: use library sizes, or positive counts (poscounts)."
                )
            )
        else
            Ok(sums.TypicalRatios medianOfLogs references)

    let private positiveCountsOf (sums: CountSums) =
        sums.LogSums()
        |> Array.map (fun (struct (sum, number)) -> if number > 0 then sum / float sums.Cells else nan)
        |> sums.TypicalRatios medianOfLogs
        |> ofGeometricMean

    let private nonZeroRatiosOf (sums: CountSums) =
        let factors =
            sums.LogSums()
            |> Array.map (fun (struct (sum, number)) -> if number > 0 then sum / float number else nan)
            |> sums.TypicalRatios medianOfRatio

        let typical =
            OrderStatistics.median (factors |> Array.filter (System.Double.IsNaN >> not))

        factors
        |> Array.map (fun factor -> if System.Double.IsNaN factor then typical else factor)
        |> ofGeometricMean

    /// Each cell's total over its mean, without this share of the genes (rounded down), those with the highest totals; genes
    /// that tie with the last of them are left out, too. A cell without other counts has its plain library size. Throws
    /// ArgumentException for a share that is not from 0 to below 1.
    let trimmedLibrarySize share (counts: SparseCounts) =
        if not (share >= 0.0 && share < 1.0) then
            invalidArg (nameof share) $"{share} is not from 0 to below 1"

        ofTrimmed share (sumsOf counts)

    /// e^median of ln(count / geometric mean of the gene), over the genes that every cell has (Anders and Huber 2010).
    let medianOfRatios (counts: SparseCounts) : Result<float[], CoExprError> = medianOfRatiosOf (sumsOf counts)

    /// The same with geometric means in which ln 0 counts as 0, over each cell's own counts above 0; scaled to a geometric
    /// mean of 1, as DESeq2's "poscounts". NaN for a cell without counts.
    let positiveCounts (counts: SparseCounts) = positiveCountsOf (sumsOf counts)

    /// The same with geometric means over counts above 0 alone, the median for cells without counts; scaled to a geometric
    /// mean of 1, as CRISPYx's "sparse". Counts of single cells compress these towards 1: library sizes are better.
    let nonZeroRatios (counts: SparseCounts) = nonZeroRatiosOf (sumsOf counts)

    let private given (factors: float[]) (cells: Cells) =
        SizeFactorKind.requireLength cells.Counts.Cells (SizeFactorKind.Given factors)
        |> Result.bind (fun () ->
            match factors |> Array.tryFindIndex (fun s -> not (s > 0.0 && s < infinity)) with
            | Some at ->
                let value =
                    factors[at].ToString("R", System.Globalization.CultureInfo.InvariantCulture)

                Error(
                    CoExprError.BadOption(
                        $"size factor of cell {cells.CellTable.Names[at]}",
                        value,
                        "size factors are finite numbers above 0"
                    )
                )
            | None -> Ok factors)

    let private ofColumn name (cells: Cells) =
        match Cells.column name cells with
        | Error error -> Error error
        | Ok(Column.Float values) -> given values cells
        | Ok(Column.Integer(values, missing)) ->
            let valueOf at (value: int64) =
                if missing.Length > 0 && missing[at] then
                    nan
                else
                    float value

            given (Array.mapi valueOf values) cells
        | Ok other ->
            Error(
                CoExprError.BadOption(
                    "--size-factor-column",
                    name,
                    $"numbers are needed, and the column is of kind {Column.kind other}"
                )
            )

    /// The same as `create` from sums over a matrix; of the cells only the table is looked at.
    let internal createFrom (kind: SizeFactorKind) (sums: CountSums) (cells: Cells) : Result<float[], CoExprError> =
        match kind with
        | SizeFactorKind.LibrarySize -> Ok(relative (sums.Totals()))
        | SizeFactorKind.TrimmedLibrarySize share when share >= 0.0 && share < 1.0 -> Ok(ofTrimmed share sums)
        | SizeFactorKind.TrimmedLibrarySize share ->
            let value = share.ToString("R", System.Globalization.CultureInfo.InvariantCulture)

            Error(CoExprError.BadOption("share of genes left out of library sizes", value, "0 to below 1 is needed"))
        | SizeFactorKind.MedianOfRatios -> medianOfRatiosOf sums
        | SizeFactorKind.PositiveCounts -> Ok(positiveCountsOf sums)
        | SizeFactorKind.NonZeroRatios -> Ok(nonZeroRatiosOf sums)
        | SizeFactorKind.Given factors -> given factors cells
        | SizeFactorKind.Column name -> ofColumn name cells

    /// One per cell of the kind that is asked for. 0 or NaN for a cell without counts, unless the kind has a value for it.
    let create (kind: SizeFactorKind) (cells: Cells) : Result<float[], CoExprError> =
        createFrom kind (sumsOf cells.Counts) cells

    /// Refuses a cell among these that has no size factor above 0, by its name.
    let requirePositive (factors: float[]) (chosen: int[]) (cells: Cells) : Result<unit, CoExprError> =
        match
            chosen
            |> Array.tryFind (fun cell -> not (factors[cell] > 0.0 && factors[cell] < infinity))
        with
        | Some cell ->
            let name = cells.CellTable.Names[cell]

            Error(
                CoExprError.TooFew(
                    $"counts that the size factor of cell {name} is made of",
                    0L,
                    1L,
                    "A cell without counts has no size factor: leave such cells out (--leave-out-empty)."
                )
            )
        | None -> Ok()

    /// Whether a cell of this total has counts. What is no number, or negative, is no count, but not nothing either: it is
    /// for the tests to refuse.
    let internal hasCounts (total: float) = total <> 0.0

    /// The cells that have a count, for leaving out the others.
    let cellsWithCounts (counts: SparseCounts) =
        let totals = totals counts
        [| 0 .. counts.Cells - 1 |] |> Array.filter (fun cell -> hasCounts totals[cell])
