namespace CoExpr

open System

/// Which test compares the perturbed cells with the reference.
[<RequireQualifiedAccess>]
type DifferentialTest =
    /// Its hypothesis takes the alternative, and its correction, smallest group and threads are those, of the
    /// DifferentialOptions around it.
    | NegativeBinomial of NegativeBinomialOptions
    /// CRISPYx's Wald test of counts, faults included; correction, smallest group and threads as above.
    | Crispyx of CrispyxOptions
    /// DESeq2's analysis of each comparison by itself, its own correction of p included.
    | Deseq2 of Deseq2Options
    | RankSum of RankSumOptions
    | Welch of WelchOptions

[<RequireQualifiedAccess>]
module DifferentialTest =
    /// As the command line and files have it.
    let name test =
        match test with
        | DifferentialTest.NegativeBinomial chosen -> NegativeBinomialTest.name chosen.Test
        | DifferentialTest.Crispyx _ -> "crispyx-wald"
        | DifferentialTest.Deseq2 _ -> "deseq2-wald"
        | DifferentialTest.RankSum _ -> "rank-sum"
        | DifferentialTest.Welch _ -> "welch"

    /// The test of a name, of those given.
    let parse (known: DifferentialTest list) word =
        match known |> List.tryFind (fun test -> name test = word) with
        | Some test -> Ok test
        | None ->
            let words = String.Join(" or ", List.map name known)
            Error(CoExprError.BadOption("--test", word, $"must be {words}"))

    /// Refuses numbers of the user's that are not one for each cell, or for each gene.
    let internal requireLengths (cells: Cells) test : Result<unit, CoExprError> =
        match test with
        | DifferentialTest.NegativeBinomial chosen -> NegativeBinomialScreen.requireLengths chosen cells
        | DifferentialTest.Crispyx chosen -> SizeFactorKind.requireLength cells.Counts.Cells chosen.SizeFactors
        | DifferentialTest.Deseq2 _
        | DifferentialTest.RankSum _
        | DifferentialTest.Welch _ -> Ok()

    /// With the user's numbers of these cells alone.
    let internal takeCells (cells: int[]) test =
        match test with
        | DifferentialTest.NegativeBinomial chosen ->
            DifferentialTest.NegativeBinomial(NegativeBinomialScreen.takeCells cells chosen)
        | DifferentialTest.Crispyx chosen ->
            DifferentialTest.Crispyx {
                chosen with
                    SizeFactors = SizeFactorKind.takeCells cells chosen.SizeFactors
            }
        | DifferentialTest.Deseq2 _
        | DifferentialTest.RankSum _
        | DifferentialTest.Welch _ -> test

    /// What the effect of a row is.
    let effectName test =
        match test with
        | DifferentialTest.NegativeBinomial _
        | DifferentialTest.Crispyx _
        | DifferentialTest.Deseq2 _ -> "log2 fold change of the fitted means"
        | DifferentialTest.RankSum _ -> "area under the ROC curve less 1/2"
        | DifferentialTest.Welch _ -> "difference of the means of the tested values"

    /// What the statistic of a row is, in a word.
    let statisticName test =
        match test with
        | DifferentialTest.NegativeBinomial {
                                                Test = NegativeBinomialTest.QuasiLikelihood
                                            } -> "signed root of F"
        | DifferentialTest.NegativeBinomial _
        | DifferentialTest.Crispyx _
        | DifferentialTest.Deseq2 _
        | DifferentialTest.RankSum _ -> "z"
        | DifferentialTest.Welch _ -> "t"

/// What is compared, and how.
type DifferentialOptions = {
    /// The columns of the cell table that say what was done to each cell; labels of several are joined by "|". Cells
    /// without a label are as if they were not in the input, whatever their values are.
    Perturbation: string list
    /// The label of the cells that each perturbation is compared with; None for all other cells.
    Control: string option
    /// Rows of these in place of those of each perturbation against the control. None of CRISPYx's tests of counts.
    Contrasts: ScreenContrast list
    /// The column of the cell table within whose levels ranks are taken, factor(name) for numbers that are labels; for
    /// rank-sum tests alone.
    Batch: string option
    Test: DifferentialTest
    Values: TestedValues
    Alternative: TwoSampleAlternative
    FoldChange: FoldChange
    /// Added to both means of a fold change.
    Pseudocount: float
    Adjustment: Adjustment
    /// Whether rows of which every cell has the same value count among the tests of the correction, as in scanpy and pdex.
    CountUntestable: bool
    /// The false discovery rate that independent filtering is made for, of each perturbation's genes; None: no filtering.
    /// None of CRISPYx's tests of counts, nor of values that may be below 0.
    IndependentFiltering: float option
    /// Groups with fewer cells are not tested.
    MinimumCells: int
    /// Whether cells whose values add up to 0 are left out, as if they were not in the input.
    LeaveOutEmpty: bool
    /// Controls to test against the other controls in the same way; None: no calibration.
    Calibration: FakePerturbations option
    Threads: int
}

/// What each perturbation changes.
type DifferentialResult = {
    Options: DifferentialOptions
    /// Where the cells came from.
    Source: string
    /// One per row of a table of perturbations; of contrasts their names.
    Perturbations: string[]
    /// The control's label, "rest", or of contrasts "second label".
    Reference: string
    /// One per perturbation.
    Cells: int[]
    /// One per perturbation: the cells that it is compared with.
    ReferenceCells: int[]
    GeneTable: Table
    /// Of all cells of the input.
    CellNames: string[]
    /// Cells of the input that take no part: without a label, or empty where these are left out.
    LeftOut: int
    /// Of negative-binomial tests that estimate one dispersion per gene for the whole screen.
    Dispersions: ScreenDispersions option
    /// If it was asked for.
    Calibration: Calibration option
    /// What a person should know of how it came about, a sentence each.
    Notes: string list
    Rows: ContrastRows
} with

    /// Where a perturbation's row of a gene is in the columns.
    member this.Place(perturbation: int, gene: int) =
        perturbation * this.GeneTable.Names.Length + gene

/// The cells of an input that take part, and what is asked of them.
type internal ComparedCells = {
    Cells: Cells
    /// Their numbers in the input, in its order; None where all of it takes part.
    Kept: int[] option
    /// Every one of the cells is in a group.
    Groups: Groups
    /// With the user's numbers of these cells alone.
    Options: DifferentialOptions
} with

    /// Puts the numbers that cells have in the input in place of those that they have here, in rows of so many perturbations.
    member this.Renumber(perturbations: int, rows: ContrastRows) =
        match this.Kept with
        | Some kept -> NegativeBinomialScreen.renumber kept this.Cells.GeneTable.Names.Length 0 perturbations rows
        | None -> ()

/// What each perturbation of a screen changes, gene by gene.
[<RequireQualifiedAccess>]
module DifferentialExpression =

    /// A likelihood-ratio test of counts, two-sided, against a control that is yet to be named; two-sample tests are of
    /// log-normalised counts.
    let defaults = {
        Perturbation = [ "perturbation" ]
        Control = None
        Contrasts = []
        Batch = None
        Test = DifferentialTest.NegativeBinomial NegativeBinomialScreen.defaults
        Values = TestedValues.LogNormalised 10000.0
        Alternative = TwoSampleAlternative.TwoSided
        FoldChange = FoldChange.Arithmetic
        Pseudocount = 1e-9
        Adjustment = Adjustment.PerPerturbation
        CountUntestable = false
        IndependentFiltering = None
        MinimumCells = 2
        LeaveOutEmpty = false
        Calibration = None
        Threads = Schedule.defaultThreads
    }

    let private invariant (value: float) =
        value.ToString("R", Globalization.CultureInfo.InvariantCulture)

    let private badTarget values =
        match values with
        | TestedValues.LogNormalised target when not (target > 0.0 && Double.IsFinite target) -> Some target
        | _ -> None

    let private isCrispyx test =
        match test with
        | DifferentialTest.Crispyx _ -> true
        | _ -> false

    let private isRankSum test =
        match test with
        | DifferentialTest.RankSum _ -> true
        | _ -> false

    /// Those that are tested: counts, of tests of counts.
    let private valuesOf options =
        match options.Test with
        | DifferentialTest.RankSum _
        | DifferentialTest.Welch _ -> options.Values
        | DifferentialTest.NegativeBinomial _
        | DifferentialTest.Crispyx _
        | DifferentialTest.Deseq2 _ -> TestedValues.LogNormalised 1.0

    /// What DESeq2's analysis decides by itself.
    let private checkDeseq2 (options: DifferentialOptions) =
        let bad option value allowed =
            Error(CoExprError.BadOption(option, value, allowed))

        match options.Test with
        | DifferentialTest.Deseq2 chosen when not (chosen.Alpha > 0.0 && chosen.Alpha < 1.0) ->
            bad "--alpha" (invariant chosen.Alpha) "a false discovery rate above 0 and below 1 is needed"
        | DifferentialTest.Deseq2 _ when options.IndependentFiltering.IsSome ->
            bad "--independent-filtering" "with --compat deseq2" "DESeq2's analysis filters in any case"
        | DifferentialTest.Deseq2 _ when options.Adjustment = Adjustment.OverAll ->
            bad "--q-over" "all" "DESeq2's q are over the genes of each comparison"
        | DifferentialTest.Deseq2 _ when options.CountUntestable ->
            bad "--count-untestable" "with --compat deseq2" "DESeq2's q are over the genes that have a p"
        | DifferentialTest.Deseq2 _ when options.Alternative <> TwoSampleAlternative.TwoSided ->
            bad "--alternative" (TwoSampleAlternative.name options.Alternative) "DESeq2's default test is two-sided"
        | _ -> Ok()

    /// What is wrong with the options, whatever the data.
    let validate (options: DifferentialOptions) : Result<unit, CoExprError> =
        let bad option value allowed =
            Error(CoExprError.BadOption(option, value, allowed))

        match badTarget options.Values with
        | Some target -> bad "--target" (invariant target) "a total above 0 is needed"
        | None ->
            if options.Perturbation.IsEmpty then
                bad "--perturbation" "" "the name of a column of the cell table is needed"
            elif not (options.Pseudocount >= 0.0 && Double.IsFinite options.Pseudocount) then
                bad "--pseudocount" (invariant options.Pseudocount) "a number of 0 or more is needed"
            elif options.MinimumCells < 1 then
                bad "--min-cells" (string options.MinimumCells) "1 or more are needed"
            elif options.Threads < 1 then
                bad "--threads" (string options.Threads) "1 or more are needed"
            elif options.Batch.IsSome && not (isRankSum options.Test) then
                bad
                    "--batch"
                    options.Batch.Value
                    "only the rank-sum test takes strata; tests of counts take --covariates"
            elif not options.Contrasts.IsEmpty && options.Control.IsNone then
                bad
                    "--contrast"
                    (ScreenContrast.name options.Contrasts.Head)
                    "it compares two labels, and --rest one with all others"
            elif not options.Contrasts.IsEmpty && isCrispyx options.Test then
                bad
                    "--contrast"
                    (ScreenContrast.name options.Contrasts.Head)
                    "CRISPYx's test of counts compares with the control alone"
            elif options.IndependentFiltering.IsSome && isCrispyx options.Test then
                bad "--independent-filtering" "with --compat crispyx" "CRISPYx's test of counts has no such filter"
            elif isCrispyx options.Test && options.Alternative <> TwoSampleAlternative.TwoSided then
                bad
                    "--alternative"
                    (TwoSampleAlternative.name options.Alternative)
                    "CRISPYx's test of counts is two-sided"
            else
                checkDeseq2 options
                |> Result.bind (fun () ->
                    RowFilter.validate options.IndependentFiltering options.Adjustment (valuesOf options))
                |> Result.bind (fun () ->
                    match options.Calibration with
                    | Some fakes -> Calibration.validate options.Control fakes
                    | None -> Ok())

    /// What every value must be, and what is said of one that is not.
    let internal valueRule (options: DifferentialOptions) : (float32 -> bool) * string =
        match options.Test, options.Values with
        | DifferentialTest.Deseq2 _, _
        | DifferentialTest.NegativeBinomial _, _ -> NegativeBinomialScreen.valueRule
        | _, TestedValues.LogNormalised _ ->
            (fun value -> value >= 0.0f && value = MathF.Floor value && Single.IsFinite value),
            "Counts are needed, to be normalised; for values that are normalised already give --values log1p, or --values as-is."
        | _ -> Single.IsFinite, "Values must be finite; leave the cell or the gene out."

    /// Refuses what is no number and, where they are to be normalised, what are no counts.
    let private requireValues (options: DifferentialOptions) (cells: Cells) =
        match options.Values with
        | TestedValues.LogNormalised _ when cells.Counts.Integer -> Ok cells
        | _ ->
            let isGood, advice = valueRule options
            cells |> Cells.requireValues isGood advice

    let private requireSome what (count: int) advice =
        if count < 1 then
            Error(CoExprError.TooFew(what, int64 count, 1L, advice))
        else
            Ok()

    let private requireControl (options: DifferentialOptions) (groups: Groups) =
        match groups.Control with
        | Some control when groups.Starts[control + 1] - groups.Starts[control] < options.MinimumCells ->
            let cells = groups.Starts[control + 1] - groups.Starts[control]

            Error(
                CoExprError.TooFew(
                    $"cells of the control {groups.Labels[control]}",
                    int64 cells,
                    int64 options.MinimumCells,
                    "Name a control with more cells, or lower --min-cells."
                )
            )
        | _ -> Ok()

    let private requirePerturbation (options: DifferentialOptions) (groups: Groups) =
        let columns = String.Join(", ", options.Perturbation)

        let others =
            if groups.Control.IsSome then
                groups.Labels.Length - 1
            else
                groups.Labels.Length

        if groups.Control.IsNone && groups.Labels.Length = 1 then
            Error(
                CoExprError.TooFew(
                    $"labels in column {columns}",
                    1L,
                    2L,
                    "A comparison with all other cells needs cells of another label."
                )
            )
        else
            requireSome $"labels beside the control in column {columns}" others "There is nothing to compare."

    /// Batches are labels: of numbers nearly every one would be a batch of its own.
    let private requireLabels word name isFactor column =
        match column with
        | Column.Float _
        | Column.Integer _ when not isFactor ->
            Error(
                CoExprError.BadOption(
                    "--batch",
                    word,
                    $"batches are labels, and the column is of kind {Column.kind column}; write factor({name}) if its numbers are labels. Of numbers that are none, tests of counts can allow (--covariates)"
                )
            )
        | _ -> Ok()

    let private requireComplete word (cells: Cells) column (groups: Groups) =
        match CovariateDesign.missing cells column groups.Order with
        | Some reason -> Error(CoExprError.BadOption("--batch", word, reason))
        | None -> Ok()

    /// The groups of every level of a batch, one level after the other.
    let private stratify batch (cells: Cells) (groups: Groups) =
        result {
            let name, isFactor = CovariateDesign.read batch
            let! column = Cells.column name cells
            do! requireLabels batch name isFactor column
            do! requireComplete batch cells column groups
            let levelOf = Array.init cells.Counts.Cells (fun cell -> Column.text cell column)

            // Of cells in no group nothing is compared: their batches would be strata without cells.
            let levels =
                groups.Order
                |> Array.map (fun cell -> levelOf[cell])
                |> Array.distinct
                |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

            let members = [|
                for level in levels do
                    for group in 0 .. groups.Labels.Length - 1 ->
                        Groups.members group groups |> Array.filter (fun cell -> levelOf[cell] = level)
            |]

            return {
                Labels = [|
                    for level in levels do
                        for label in groups.Labels -> $"{level}|{label}"
                |]
                Order = Array.concat members
                Starts = members |> Array.map Array.length |> Array.scan (+) 0
                Control = None
            }
        }

    let internal strataOf (options: DifferentialOptions) cells groups =
        match options.Batch with
        | None -> Ok groups
        | Some batch -> stratify batch cells groups

    let private scales values totals (grouped: GroupedGenes) =
        match values with
        | TestedValues.LogNormalised target ->
            let totals: float[] = totals ()

            grouped.Cells
            |> Array.map (fun cell -> if totals[cell] > 0.0 then target / totals[cell] else 0.0)
        | TestedValues.AsStored
        | TestedValues.StoredLogs -> [||]

    /// The cells that have a label, of which `counted` says which have counts where the others are left out.
    let private keptCells (options: DifferentialOptions) (counted: unit -> int -> bool) (groups: Groups) =
        let labelled = Array.sort groups.Order

        if options.LeaveOutEmpty then
            Array.filter (counted ()) labelled
        else
            labelled

    /// Two cells of one name are told by their places in the input.
    let private requireUniqueCells (kept: int[]) cells =
        match Cells.requireUniqueCells cells with
        | Error(CoExprError.DuplicateName(source, kind, name, first, second)) ->
            Error(CoExprError.DuplicateName(source, kind, name, kept[first - 1] + 1, kept[second - 1] + 1))
        | found -> Result.map ignore found

    /// Some of the cells, with what is asked of them. Where all are kept nothing is copied.
    let private take (options: DifferentialOptions) (cells: Cells) (groups: Groups) (kept: int[]) =
        if kept.Length = cells.Counts.Cells then
            Ok {
                Cells = cells
                Kept = None
                Groups = groups
                Options = options
            }
        else
            let chosen = Cells.takeCells kept cells

            Groups.create options.Perturbation options.Control chosen
            |> Result.map (fun groups -> {
                Cells = chosen
                Kept = Some kept
                Groups = groups
                Options = {
                    options with
                        Test = DifferentialTest.takeCells kept options.Test
                }
            })

    /// The groups of all cells that have a label, of which there must be some.
    let private groupsOf (options: DifferentialOptions) cells =
        let columns = String.Join(", ", options.Perturbation)

        let none =
            CoExprError.TooFew(
                $"cells with a label in column {columns}",
                0L,
                1L,
                "Name the column that has the labels."
            )

        match Groups.create options.Perturbation options.Control cells with
        | Error(CoExprError.UnknownLabel(_, _, [])) -> Error none
        | Ok groups when groups.Order.Length = 0 -> Error none
        | found -> found

    /// Checks the options, the names and the groups: what every test needs; and takes the cells that take part. `counted`
    /// says which cells have counts, and is asked only where the others are left out; of the counts nothing else is looked
    /// at but their numbers of cells and genes.
    let internal comparedCells
        (counted: unit -> int -> bool)
        (options: DifferentialOptions)
        (cells: Cells)
        : Result<ComparedCells, CoExprError> =
        result {
            do! validate options
            do! requireSome $"cells of {cells.Source}" cells.Counts.Cells "The file is empty."
            do! requireSome $"genes of {cells.Source}" cells.Counts.Genes "The file is empty."
            let! cells = Cells.requireUniqueGenes cells
            do! DifferentialTest.requireLengths cells options.Test
            let! groups = groupsOf options cells
            let kept = keptCells options counted groups
            do! requireSome "labelled cells with counts" kept.Length "All of them would be left out as empty."
            let! compared = take options cells groups kept
            do! requireUniqueCells kept compared.Cells
            do! requireControl options compared.Groups
            do! requirePerturbation options compared.Groups
            return compared
        }

    let private inMemory (options: DifferentialOptions) (cells: Cells) =
        let counted () =
            let totals = SizeFactors.totals cells.Counts
            fun cell -> SizeFactors.hasCounts totals[cell]

        comparedCells counted options cells

    /// Genes in the order of the groups, or of the groups of every stratum, for tests of two samples. `totals` are those of
    /// the cells over all genes.
    let internal testedOf (options: DifferentialOptions) (groups: Groups) (strata: Groups) totals grouped = {
        Grouped = grouped
        Strata = strata.Labels.Length / groups.Labels.Length
        Labels = groups.Labels
        Control = groups.Control
        Values = options.Values
        Scales = scales options.Values totals grouped
        FoldChange = options.FoldChange
        Pseudocount = options.Pseudocount
        Alternative = options.Alternative
        MinimumCells = options.MinimumCells
    }

    let private testedGenes (options: DifferentialOptions) (cells: Cells) (groups: Groups) =
        result {
            let! cells = requireValues options cells
            let! strata = strataOf options cells groups

            return
                GroupedGenes.create options.Threads cells.Counts strata
                |> testedOf options groups strata (fun () -> SizeFactors.totals cells.Counts)
        }

    /// Checks cells and options, and puts the counts in the order of the groups, for tests of two samples.
    let prepare (options: DifferentialOptions) (cells: Cells) : Result<TestedGenes, CoExprError> =
        result {
            let! compared = inMemory options cells
            return! testedGenes options compared.Cells compared.Groups
        }

    /// The groups that tests of two samples take together, and which rows come of it: all of them, or for each reference of
    /// contrasts the groups that are compared with it.
    let internal sampleComparisons (options: DifferentialOptions) groups (pairs: ComparedGroups[]) =
        if options.Contrasts.IsEmpty then
            [| groups, Array.init pairs.Length id |]
        else
            ScreenContrast.byReference pairs
            |> Array.map (fun (reference, rows) ->
                let others = rows |> Array.map (fun row -> pairs[row].Group)
                Groups.choose (Array.append (Option.toArray reference) others) (Some 0) groups, rows)

    /// Rows of several comparisons as one, each of which knows its own.
    let internal gatherRows genes (found: (ContrastRows * int[])[]) : ContrastRows =
        match found with
        | [| rows, _ |] -> rows
        | _ ->
            let count = found |> Array.sumBy (snd >> Array.length)

            let all =
                ContrastRows.create count genes (fst found[0] |> _.Further |> List.map fst)

            for rows, places in found do
                places
                |> Array.iteri (fun row place -> ContrastRows.copyRow genes rows row all place)

            all

    let private compareSamples progress (options: DifferentialOptions) cells groups pairs compute =
        CoExprError.protect (fun () ->
            let rows =
                sampleComparisons options groups pairs
                |> Array.map (fun (chosen, places) ->
                    let tested = testedGenes options cells chosen |> CoExprError.unwrap
                    progress.Token.ThrowIfCancellationRequested()
                    (compute tested: ContrastRows), places)
                |> gatherRows cells.Counts.Genes

            ContrastRows.adjust
                options.Threads
                options.Adjustment
                options.CountUntestable
                pairs.Length
                cells.Counts.Genes
                rows

            rows)

    /// The test's own options, with what is asked of every test.
    let internal negativeBinomial (options: DifferentialOptions) (chosen: NegativeBinomialOptions) = {
        chosen with
            Hypothesis =
                match chosen.Hypothesis with
                | FoldHypothesis.Beyond(_, threshold) -> FoldHypothesis.Beyond(options.Alternative, threshold)
                | within -> within
            Adjustment = options.Adjustment
            CountUntestable = options.CountUntestable
            MinimumCells = options.MinimumCells
            Threads = options.Threads
    }

    let private screenDispersions (found: NegativeBinomialResult) =
        match found.Dispersions with
        | [| screen |] when not (NegativeBinomialScreen.hasOwnDispersions found.Options) ->
            Some(GeneDispersions.toScreen screen)
        | _ -> None

    let private test progress (options: DifferentialOptions) cells groups pairs =
        match options.Test with
        | DifferentialTest.NegativeBinomial chosen ->
            NegativeBinomialScreen.contrast progress (negativeBinomial options chosen) options.Contrasts groups cells
            |> Result.map (fun found -> struct (found.Rows, screenDispersions found, []))
        | DifferentialTest.Deseq2 chosen ->
            Deseq2Screen.compute progress options.Threads options.MinimumCells chosen groups pairs cells
            |> Result.map (fun (struct (rows, notes)) -> struct (rows, None, notes))
        | DifferentialTest.Crispyx chosen ->
            CrispyxScreen.compute progress options.Threads options.MinimumCells options.Adjustment chosen groups cells
            |> Result.map (fun (struct (rows, dispersions)) -> struct (rows, Some dispersions, []))
        | DifferentialTest.RankSum chosen ->
            compareSamples progress options cells groups pairs (RankSum.compute progress options.Threads chosen)
            |> Result.map (fun rows -> struct (rows, None, []))
        | DifferentialTest.Welch chosen ->
            compareSamples progress options cells groups pairs (WelchT.compute progress options.Threads chosen)
            |> Result.map (fun rows -> struct (rows, None, []))

    let private size (groups: Groups) group =
        groups.Starts[group + 1] - groups.Starts[group]

    let private perturbationsOf (groups: Groups) =
        [| 0 .. groups.Labels.Length - 1 |]
        |> Array.filter (fun group -> Some group <> groups.Control)

    /// The cells of each row's group, and of those that it is compared with.
    let internal cellsOf (groups: Groups) (pairs: ComparedGroups[]) : int[] * int[] =
        pairs |> Array.map (fun pair -> size groups pair.Group),
        pairs
        |> Array.map (fun pair ->
            match pair.Reference with
            | Some reference -> size groups reference
            | None -> groups.Order.Length - size groups pair.Group)

    /// q of the rows of these pairs, with independent filtering where it is asked for.
    let internal filterRows (options: DifferentialOptions) groups pairs genes rows =
        match options.IndependentFiltering with
        | Some alpha ->
            let cells, referenceCells = cellsOf groups pairs
            RowFilter.apply options.Threads alpha options.CountUntestable cells referenceCells genes rows
        | None -> ()

    let private nameOf (options: DifferentialOptions) (groups: Groups) (pair: ComparedGroups) =
        if options.Contrasts.IsEmpty then
            groups.Labels[pair.Group]
        else
            ScreenContrast.nameOf groups pair

    let internal resultOf
        (options: DifferentialOptions)
        (cellNames: string[])
        (cells: Cells)
        (groups: Groups)
        (pairs: ComparedGroups[])
        rows
        dispersions
        =
        let sizes, referenceSizes = cellsOf groups pairs

        {
            Options = options
            Source = cells.Source
            Perturbations = pairs |> Array.map (nameOf options groups)
            Reference =
                (if options.Contrasts.IsEmpty then
                     Option.defaultValue "rest" options.Control
                 else
                     "second label")
            Cells = sizes
            ReferenceCells = referenceSizes
            GeneTable = cells.GeneTable
            CellNames = cellNames
            LeftOut = cellNames.Length - groups.Order.Length
            Dispersions = dispersions
            Calibration = None
            Notes = []
            Rows = rows
        }

    let private fakes least medianCells (controls: Cells) kind =
        match kind with
        | FakePerturbations.Splits(count, seed) -> Calibration.splits least seed count medianCells controls.Counts.Cells
        | FakePerturbations.Guides(column, most) ->
            Cells.column column controls
            |> Result.bind (fun guides ->
                Array.init controls.Counts.Cells (fun cell -> Column.text cell guides)
                |> Calibration.ofGuides least column most)

    /// The controls with one group of them against the others.
    let internal withFake controls (fake: FakePerturbation) : Groups =
        let isFake = Array.create controls false
        fake.Members |> Array.iter (fun cell -> isFake[cell] <- true)
        let others = Array.init controls id |> Array.filter (fun cell -> not isFake[cell])

        {
            Labels = [| "other controls"; fake.Name |]
            Order = Array.append others fake.Members
            Starts = [| 0; others.Length; controls |]
            Control = Some 0
        }

    /// What the genes gave that could have had a p below 1.
    let internal testedLog10P (rows: ContrastRows) =
        Array.indexed rows.Log10P
        |> Array.filter (fun (place, _) -> ContrastRows.isTestable rows place)
        |> Array.map snd
        |> Array.sort

    /// Controls, and the groups of them that are taken for perturbations.
    type internal Fakes = {
        Controls: Cells
        /// With the user's numbers of the controls alone.
        Options: DifferentialOptions
        /// Of the perturbations that the fake ones stand for.
        MedianCells: int
        Groups: FakePerturbation[]
    }

    let internal drawFakes (compared: ComparedCells) =
        let options, groups = compared.Options, compared.Groups

        match options.Calibration, groups.Control with
        | Some kind, Some control ->
            let members = Groups.members control groups
            let controls = Cells.takeCells members compared.Cells
            let median = perturbationsOf groups |> Array.map (size groups) |> Calibration.median

            fakes (max 2 options.MinimumCells) median controls kind
            |> Result.map (fun made ->
                Some {
                    Controls = controls
                    Options = {
                        options with
                            Test = DifferentialTest.takeCells members options.Test
                            Contrasts = []
                    }
                    MedianCells = median
                    Groups = made
                })
        | _ -> Ok None

    /// What tests of fake perturbations gave: see `testedLog10P`, for each of them.
    let internal calibrationOf (fakes: Fakes) log10P = {
        Names = fakes.Groups |> Array.map _.Name
        Cells = fakes.Groups |> Array.map _.Members.Length
        ControlCells = fakes.Controls.Counts.Cells
        MedianCells = fakes.MedianCells
        Log10P = log10P
    }

    let private testFake progress (fakes: Fakes) fake =
        let groups = withFake fakes.Controls.Counts.Cells fake

        let struct (rows, _, _) =
            ScreenContrast.compared [] groups
            |> Result.bind (test { progress with Report = ignore } fakes.Options fakes.Controls groups)
            |> CoExprError.unwrap

        testedLog10P rows

    /// Tests each group of the controls against the other controls.
    let private calibrate progress (fakes: Fakes) =
        CoExprError.protect (fun () ->
            let advance =
                Progress.counter progress "calibrating" "fake perturbations" fakes.Groups.Length

            fakes.Groups
            |> Array.map (fun fake ->
                let found = testFake progress fakes fake
                advance 1L
                found)
            |> calibrationOf fakes)

    /// Compares every perturbation with the reference, gene by gene. The same bits for every number of threads.
    ///
    /// Errors: a column or a label that is not there (those there are are listed), a control with too few cells, values
    /// that the test is not defined for, two cells or genes of one name, an empty matrix. What concerns single rows, such
    /// as a perturbation with one cell, is in their status.
    let compute
        (progress: Progress)
        (options: DifferentialOptions)
        (cells: Cells)
        : Result<DifferentialResult, CoExprError> =
        result {
            let! compared = inMemory options cells
            let groups = compared.Groups
            // What cannot be split is told before the work is done.
            let! fakes = drawFakes compared
            let! pairs = ScreenContrast.compared options.Contrasts groups

            let! struct (rows, dispersions, notes) =
                test progress compared.Options compared.Cells groups pairs

            filterRows options groups pairs compared.Cells.Counts.Genes rows
            compared.Renumber(pairs.Length, rows)

            let! calibration =
                match fakes with
                | Some fakes -> calibrate progress fakes |> Result.map Some
                | None -> Ok None

            return {
                resultOf options cells.CellTable.Names compared.Cells groups pairs rows dispersions with
                    Calibration = calibration
                    Notes = notes
            }
        }

    /// Negative-binomial tests of counts: see `NegativeBinomialScreen`.
    let counts progress settings options cells =
        compute
            progress
            {
                options with
                    Test = DifferentialTest.NegativeBinomial settings
            }
            cells

    /// Rank-sum tests: see `RankSum`.
    let rankSum progress settings options cells =
        compute
            progress
            {
                options with
                    Test = DifferentialTest.RankSum settings
            }
            cells

    /// Welch's t-tests: see `WelchT`.
    let welch progress settings options cells =
        compute
            progress
            {
                options with
                    Test = DifferentialTest.Welch settings
            }
            cells
