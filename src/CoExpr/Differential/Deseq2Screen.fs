namespace CoExpr

open System

/// DESeq2's analysis of each comparison of a screen by itself.
type Deseq2Options = {
    /// The false discovery rate that independent filtering is made for.
    Alpha: float
}

/// The cells of two groups as if they were samples, with the design ~ group, for each row of a screen: `BulkExpression` with
/// DESeq2's defaults (Love, Huber and Anders 2014). Medians of ratios, or poscounts where every gene misses in some cell; a
/// parametric trend; posterior modes; Wald tests; outlying counts replaced; Cook's distances; independent filtering. Fitted
/// means are not let below 0.5, which draws fold changes of weak genes towards 0.
[<RequireQualifiedAccess>]
module Deseq2Screen =

    /// DESeq2's level of 0.1.
    let defaults = { Alpha = 0.1 }

    /// Names of further columns beside the standard error: the mean of counts over size factors, DESeq2's dispersions (final,
    /// of the gene alone, of the trend), and the largest Cook's distance of a cell whose count was not replaced.
    let further =
        ContrastRows.StandardError :: "base_mean" :: ScreenDispersions.names
        @ [ NegativeBinomialScreen.CooksDistance ]

    [<Literal>]
    let private Group = "group"

    /// The counts of some cells, dense.
    let private countsOf (chosen: int[]) (cells: Cells) =
        let placeOf = Array.create cells.Counts.Cells -1
        chosen |> Array.iteri (fun place cell -> placeOf[cell] <- place)
        let values = Array.zeroCreate<float>(cells.Counts.Genes * chosen.Length)
        let byGene = cells.Counts.ByGene

        for gene in 0 .. cells.Counts.Genes - 1 do
            let places = byGene.IndicesOf gene
            let counts = byGene.ValuesOf gene

            for at in 0 .. places.Length - 1 do
                if placeOf[places[at]] >= 0 then
                    values[gene * chosen.Length + placeOf[places[at]]] <- float counts[at]

        let names = chosen |> Array.map (fun cell -> cells.CellTable.Names[cell])
        SampleCounts.create cells.Source cells.GeneTable.Names names values

    /// ~ group over these cells, the reference first.
    let private designOf (counts: SampleCounts) (labels: string[]) reference =
        Formula.parse $"~ {Group}"
        |> Result.bind (fun formula ->
            Design.create counts.Source [ Group, reference ] formula {
                Names = counts.Samples
                Columns = [| Group, Column.Text labels |]
            })

    let private hasCompleteGene (counts: SampleCounts) =
        Seq.init counts.Genes.Length id
        |> Seq.exists (fun gene ->
            let mutable complete = true

            for value in counts.Of gene do
                complete <- complete && value > 0.0

            complete)

    /// A comparison as DESeq2 has it.
    type private Made = {
        Fit: BulkFit
        Comparison: BulkComparison
        Counts: SampleCounts
        /// Of each cell whether it is of the reference.
        IsReference: bool[]
        IsPositive: bool
    }

    let private make threads options (groups: Groups) (cells: Cells) (pair: ComparedGroups) =
        let own, reference = groups.Labels[pair.Group], groups.Labels[pair.Reference.Value]
        let others = Groups.members pair.Reference.Value groups
        let chosen = Array.append others (Groups.members pair.Group groups) |> Array.sort

        let isReference =
            chosen |> Array.map (fun cell -> Array.BinarySearch(others, cell) >= 0)

        result {
            let! counts = countsOf chosen cells

            let! design =
                designOf counts (isReference |> Array.map (fun is -> if is then reference else own)) reference

            let isPositive = not (hasCompleteGene counts)

            let! fit =
                BulkExpression.fit
                    {
                        DesignOptions.deseq2 with
                            Factors =
                                (if isPositive then
                                     SampleFactors.PositiveCounts
                                 else
                                     SampleFactors.MedianOfRatios)
                            Alpha = options.Alpha
                            Threads = threads
                    }
                    design
                    counts

            let! comparison = BulkExpression.compare fit (Contrast.Levels(Group, own, reference))

            return {
                Fit = fit
                Comparison = comparison
                Counts = counts
                IsReference = isReference
                IsPositive = isPositive
            }
        }

    /// The share of the cells with a count, of the reference or of the others.
    let private fraction made isReference gene =
        let counts = made.Counts.Of gene
        let mutable cells, stored = 0, 0

        for at in 0 .. counts.Length - 1 do
            if made.IsReference[at] = isReference then
                cells <- cells + 1

                if counts[at] > 0.0 then
                    stored <- stored + 1

        float stored / float cells

    let private statusOf (rows: ContrastRows) place outcome =
        match outcome with
        | BulkOutcome.NoCounts
        | BulkOutcome.NoCountsCompared -> RowStatus.AllZero
        | BulkOutcome.OutlyingCount -> RowStatus.OutlyingCount
        | BulkOutcome.BelowFilter -> RowStatus.BelowFilter
        | BulkOutcome.NotConverged -> RowStatus.NotConverged
        | BulkOutcome.Tested
        | BulkOutcome.Unbounded ->
            if Double.IsNaN rows.QValue[place] then
                RowStatus.BelowFilter
            elif rows.Fraction[place] = 0.0 then
                RowStatus.ZeroInPerturbed
            elif rows.ReferenceFraction[place] = 0.0 then
                RowStatus.ZeroInReference
            else
                RowStatus.Tested

    let private fillTest (rows: ContrastRows) place (found: BulkResult) =
        rows.Effect[place] <- found.Log2FoldChange
        rows.LogFoldChange[place] <- found.Log2FoldChange
        rows.Statistic[place] <- found.Statistic
        rows.PValue[place] <- found.PValue
        rows.QValue[place] <- found.AdjustedPValue
        (rows.Named ContrastRows.StandardError)[place] <- found.StandardError

        if not (Double.IsNaN found.PValue) then
            let struct (_, log10Upper) = NormalTail.upperAndLog10 (abs found.Statistic)
            rows.Log10P[place] <- min 0.0 (log10 2.0 + log10Upper)

    let private fillGene (rows: ContrastRows) place (gene: BulkGene) =
        (rows.Named "base_mean")[place] <- gene.BaseMean
        (rows.Named NegativeBinomialScreen.CooksDistance)[place] <- gene.MaxCooks

        List.iter2 (fun name value -> (rows.Named name)[place] <- value) ScreenDispersions.names [
            gene.Dispersion
            gene.GeneDispersion
            gene.TrendDispersion
        ]

        match gene.Fit.Coefficients with
        | [| intercept; change |] ->
            rows.ReferenceMean[place] <- exp intercept
            rows.Mean[place] <- exp (intercept + change)
        | _ -> ()

    let private fillRow made (rows: ContrastRows) row =
        let genes = made.Counts.Genes.Length

        for gene in 0 .. genes - 1 do
            let place = row * genes + gene
            let found = made.Comparison.Results[gene]
            rows.Fraction[place] <- fraction made false gene
            rows.ReferenceFraction[place] <- fraction made true gene
            fillGene rows place made.Fit.Genes[gene]
            fillTest rows place found
            rows.Status[place] <- statusOf rows place found.Outcome

    let private size (groups: Groups) group =
        groups.Starts[group + 1] - groups.Starts[group]

    let private leaveOut (rows: ContrastRows) genes row =
        Array.fill rows.Status (row * genes) genes RowStatus.TooFewCells

    let private among (groups: Groups) (pair: ComparedGroups) error =
        let both = $"{groups.Labels[pair.Group]} and {groups.Labels[pair.Reference.Value]}"

        match error with
        | CoExprError.TooFew(what, found, needed, advice) ->
            CoExprError.TooFew($"{what} (among the cells of {both})", found, needed, advice)
        | other -> other

    let private note (groups: Groups) (pairs: ComparedGroups[]) (positive: int list) =
        let names = positive |> List.map (fun row -> groups.Labels[pairs[row].Group])

        match names with
        | [] -> []
        | _ ->
            let shown = String.Join(", ", List.truncate 5 names)

            let more =
                if names.Length > 5 then
                    $" and {names.Length - 5} more"
                else
                    ""

            [
                $"No gene has a count in every cell of {names.Length} of {pairs.Length} comparisons ({shown}{more}): their size factors are DESeq2's poscounts, where DESeq2 itself stops."
            ]

    /// Fills in the rows of every pair, q included; a sentence for a person where size factors are poscounts. Rows of genes
    /// without counts have no numbers, as in DESeq2.
    ///
    /// Errors: those of `NegativeBinomialScreen.contrast`; a cell that has no size factor; a level that is not from 0 to 1.
    let internal compute
        (progress: Progress)
        threads
        minimumCells
        (options: Deseq2Options)
        (groups: Groups)
        (pairs: ComparedGroups[])
        (cells: Cells)
        : Result<struct (ContrastRows * string list), CoExprError> =
        result {
            let! _ = NegativeBinomialScreen.requireControl minimumCells groups
            let! cells = NegativeBinomialScreen.requireCounts cells
            let rows = ContrastRows.create pairs.Length cells.Counts.Genes further

            let advance = Progress.counter progress "tests" "comparisons" (int64 pairs.Length)

            let test row (pair: ComparedGroups) =
                progress.Token.ThrowIfCancellationRequested()
                let least = max minimumCells 2

                let isPositive =
                    if min (size groups pair.Group) (size groups pair.Reference.Value) < least then
                        leaveOut rows cells.Counts.Genes row
                        false
                    else
                        let made =
                            make threads options groups cells pair
                            |> Result.mapError (among groups pair)
                            |> CoExprError.unwrap

                        fillRow made rows row
                        made.IsPositive

                advance 1L
                isPositive

            let! positive = CoExprError.protect (fun () -> pairs |> Array.mapi test)

            let ofPositive =
                positive |> Array.indexed |> Array.filter snd |> Array.map fst |> Array.toList

            return struct (rows, note groups pairs ofPositive)
        }
