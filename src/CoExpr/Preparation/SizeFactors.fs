namespace CoExpr

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

/// How deeply each cell was sequenced, relative to the others.
[<RequireQualifiedAccess>]
module SizeFactors =

    /// Gene after gene, so that every cell's values are added in the order in which it holds them.
    let private totalsByGene (weights: float[]) (counts: SparseCounts) =
        let sums = Array.zeroCreate<float> counts.Cells
        let byGene = counts.ByGene

        for gene in 0 .. counts.Genes - 1 do
            let cells = byGene.IndicesOf gene
            let values = byGene.ValuesOf gene

            for at in 0 .. cells.Length - 1 do
                sums[cells[at]] <- sums[cells[at]] + weights[gene] * float values[at]

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

    let private overMean (totals: float[]) =
        let mean = if totals.Length = 0 then 0.0 else Array.average totals
        totals |> Array.map (fun total -> if mean > 0.0 then total / mean else 0.0)

    /// Each cell's total over the mean of all totals, one per cell; their mean is 1. 0 for a cell without counts, and
    /// for every cell where none has any.
    let librarySize (counts: SparseCounts) = overMean (totals counts)

    let private geneTotalsByCell (counts: SparseCounts) =
        let sums = Array.zeroCreate<float> counts.Genes
        let byCell = counts.ByCell

        for at in 0 .. byCell.Values.Length - 1 do
            let gene = byCell.Indices[at]
            sums[gene] <- sums[gene] + float byCell.Values[at]

        sums

    let private geneTotalsByGene (counts: SparseCounts) =
        let byGene = counts.ByGene

        Array.init counts.Genes (fun gene ->
            let mutable sum = 0.0

            for value in byGene.ValuesOf gene do
                sum <- sum + float value

            sum)

    /// The sum of each gene's values: the same bits from either view, of which no other is made.
    let private geneTotals (counts: SparseCounts) =
        if counts.IsByGene then
            geneTotalsByGene counts
        else
            geneTotalsByCell counts

    /// Each cell's total over its mean, without this share of the genes (rounded down), those with the highest totals; genes
    /// that tie with the last of them are left out, too. A cell without other counts has its plain library size. Throws
    /// ArgumentException for a share that is not from 0 to below 1.
    let trimmedLibrarySize share (counts: SparseCounts) =
        if not (share >= 0.0 && share < 1.0) then
            invalidArg (nameof share) $"{share} is not from 0 to below 1"

        let totals = geneTotals counts
        let left = int (share * float totals.Length)

        if left = 0 then
            librarySize counts
        else
            let least = (Array.sortDescending totals)[left - 1]

            let weights = totals |> Array.map (fun total -> if total < least then 1.0 else 0.0)

            let trimmed = weightedTotals weights counts

            // A cell with none but those has its plain library size.
            if trimmed |> Array.forall (fun total -> total > 0.0) then
                overMean trimmed
            else
                Array.map2
                    (fun trimmed plain -> if trimmed > 0.0 then trimmed else plain)
                    (overMean trimmed)
                    (librarySize counts)

    /// Of every cell the typical one of ln(count / reference), over its entries above 0; genes without a reference (NaN), the
    /// logarithm of theirs, say nothing.
    let private typicalRatios (typical: float[] -> float) (references: float[]) (counts: SparseCounts) =
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
    let private medianRatios = typicalRatios (OrderStatistics.median >> exp)

    /// Of every gene the sum of ln count over the cells with a count, and their number.
    let private logSums (counts: SparseCounts) =
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

    /// e^median of ln(count / geometric mean of the gene), over the genes that every cell has (Anders and Huber 2010).
    let medianOfRatios (counts: SparseCounts) : Result<float[], CoExprError> =
        let references =
            logSums counts
            |> Array.map (fun (struct (sum, number)) -> if number = counts.Cells then sum / float number else nan)

        if counts.Cells = 0 || Array.forall System.Double.IsNaN references then
            Error(
                CoExprError.TooFew(
                    "genes with a count in every cell",
                    0L,
                    1L,
                    "Single cells seldom share a gene: use library sizes, or positive counts (poscounts)."
                )
            )
        else
            Ok(medianRatios references counts)

    /// The same with geometric means in which ln 0 counts as 0, over each cell's own counts above 0; scaled to a geometric
    /// mean of 1, as DESeq2's "poscounts". NaN for a cell without counts.
    let positiveCounts (counts: SparseCounts) =
        let references =
            logSums counts
            |> Array.map (fun (struct (sum, number)) -> if number > 0 then sum / float counts.Cells else nan)

        medianRatios references counts |> ofGeometricMean

    /// The same with geometric means over counts above 0 alone, the median for cells without counts; scaled to a geometric
    /// mean of 1, as CRISPYx's "sparse". Counts of single cells compress these towards 1: library sizes are better.
    let nonZeroRatios (counts: SparseCounts) =
        let references =
            logSums counts
            |> Array.map (fun (struct (sum, number)) -> if number > 0 then sum / float number else nan)

        // The median between two ratios is their mean, as in CRISPYx.
        let factors =
            typicalRatios (Array.map exp >> OrderStatistics.median) references counts

        let typical =
            OrderStatistics.median (factors |> Array.filter (System.Double.IsNaN >> not))

        factors
        |> Array.map (fun factor -> if System.Double.IsNaN factor then typical else factor)
        |> ofGeometricMean

    let private given (factors: float[]) (cells: Cells) =
        if factors.Length <> cells.Counts.Cells then
            Error(CoExprError.UnequalLengths("size factors", int64 cells.Counts.Cells, int64 factors.Length))
        else
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
            | None -> Ok factors

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

    /// One per cell of the kind that is asked for. 0 or NaN for a cell without counts, unless the kind has a value for it.
    let create (kind: SizeFactorKind) (cells: Cells) : Result<float[], CoExprError> =
        match kind with
        | SizeFactorKind.LibrarySize -> Ok(librarySize cells.Counts)
        | SizeFactorKind.TrimmedLibrarySize share when share >= 0.0 && share < 1.0 ->
            Ok(trimmedLibrarySize share cells.Counts)
        | SizeFactorKind.TrimmedLibrarySize share ->
            let value = share.ToString("R", System.Globalization.CultureInfo.InvariantCulture)

            Error(CoExprError.BadOption("share of genes left out of library sizes", value, "0 to below 1 is needed"))
        | SizeFactorKind.MedianOfRatios -> medianOfRatios cells.Counts
        | SizeFactorKind.PositiveCounts -> Ok(positiveCounts cells.Counts)
        | SizeFactorKind.NonZeroRatios -> Ok(nonZeroRatios cells.Counts)
        | SizeFactorKind.Given factors -> given factors cells
        | SizeFactorKind.Column name -> ofColumn name cells

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

    /// The cells that have a count, for leaving out the others.
    let cellsWithCounts (counts: SparseCounts) =
        let totals = totals counts
        [| 0 .. counts.Cells - 1 |] |> Array.filter (fun cell -> totals[cell] > 0.0)
