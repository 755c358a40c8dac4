namespace CoExpr.IO

open System
open CoExpr

/// How much of a screen is in memory at once.
type BlockSizes = {
    /// Most bytes of a block of genes, as `DifferentialPlan.geneBytes` counts them; a single gene may have more.
    BlockBytes: int64
    /// Entries of the file that are read at once, in whole chunks of it.
    BlockEntries: int
    /// Bytes of the rows that are put together at once; at least those of a perturbation.
    RowBytes: int64
}

/// How tests of a screen are to go about their input, and what that is expected to take.
type DifferentialPlan = {
    /// Bytes that the process may hold.
    Limit: int64
    /// Bytes that it is expected to hold at most.
    Bytes: int64
    /// Seconds that it is expected to take, from rates measured on one machine: a hint.
    Seconds: float
    /// None where everything is held in memory; how it is cut up otherwise.
    Sizes: BlockSizes option
    /// Blocks of genes; 1 where everything is held in memory.
    Blocks: int
    /// Bytes that parts take on the disk while the work lasts.
    DiskBytes: int64
}

/// What of a screen decides how much work it is, beside the size of its counts.
type ScreenShape = {
    /// Labels of its cells, or contrasts if there are more; 0 where they are not known.
    Perturbations: int
    /// Columns of covariates: levels but one, numbers.
    Covariates: int
    /// Whether numbers are among the covariates, for which every cell is visited.
    HasNumbers: bool
    /// Whether cells are without a label, or may be left out as empty: those that take part are then copied.
    LeavesOut: bool
    /// Cells of the control.
    Controls: int
    /// Most cells that a comparison is of.
    LargestPair: int
    /// Groups of controls that are taken for perturbations.
    Fakes: int
    /// Whether a page of figures is made of its rows.
    HasReport: bool
}

/// What holding and testing a screen takes, predicted from its size: the arrays of each stage, and what runs in memory were
/// measured to take (docs/larger-than-memory.md).
[<RequireQualifiedAccess>]
module DifferentialPlan =

    let private covariatesOf (options: DifferentialOptions) =
        match options.Test with
        | DifferentialTest.NegativeBinomial chosen -> chosen.Covariates.Columns
        | _ -> []

    /// What is not known of a screen before it is read.
    let unknownShape = {
        Perturbations = 0
        Covariates = 0
        HasNumbers = false
        LeavesOut = false
        Controls = 0
        LargestPair = 0
        Fakes = 0
        HasReport = false
    }

    let private sizeOf (groups: Groups) label =
        match Array.IndexOf(groups.Labels, label) with
        | -1 -> 0
        | group -> groups.Starts[group + 1] - groups.Starts[group]

    let private largestPair (options: DifferentialOptions) (groups: Groups) =
        match options.Contrasts, options.Control with
        | [], Some control ->
            groups.Labels
            |> Array.filter ((<>) control)
            |> Array.fold (fun most label -> max most (sizeOf groups label)) 0
            |> (+) (sizeOf groups control)
        | [], None -> groups.Order.Length
        | contrasts, _ ->
            contrasts
            |> List.map (fun contrast -> sizeOf groups contrast.Label + sizeOf groups contrast.Reference)
            |> List.max

    /// Guides of too few cells are among them, which are not tested.
    let private fakesOf (options: DifferentialOptions) (groups: Groups) (cells: Cells) =
        match options.Calibration, options.Control with
        | Some(FakePerturbations.Splits(count, _)), _ -> count
        | Some(FakePerturbations.Guides(column, most)), Some control when Array.contains control groups.Labels ->
            match Cells.column column cells with
            | Error _ -> 0
            | Ok guides ->
                Groups.members (Array.IndexOf(groups.Labels, control)) groups
                |> Seq.map (fun cell -> Column.text cell guides)
                |> Seq.filter (isNull >> not)
                |> Seq.distinct
                |> Seq.length
                |> min (Option.defaultValue Int32.MaxValue most)
        | _ -> 0

    /// The shape of a screen from its table of cells. Errors: those of `Groups.create`.
    let shapeOf (options: DifferentialOptions) (cells: Cells) : Result<ScreenShape, CoExprError> =
        result {
            let! groups = Groups.create options.Perturbation None cells

            let struct (columns, hasNumbers) =
                CovariateDesign.width (covariatesOf options) cells.CellTable

            return {
                Perturbations = max groups.Labels.Length options.Contrasts.Length
                Covariates = columns
                HasNumbers = hasNumbers
                LeavesOut = options.LeaveOutEmpty || groups.Order.Length < Table.rows cells.CellTable
                Controls = options.Control |> Option.map (sizeOf groups) |> Option.defaultValue 0
                LargestPair = largestPair options groups
                Fakes = fakesOf options groups cells
                HasReport = false
            }
        }

    /// Numbers of a row of results, and bytes of a number; a row has one for each further column, too.
    let private rowBytes (options: DifferentialOptions) =
        let further =
            match options.Test with
            | DifferentialTest.NegativeBinomial chosen ->
                int64 (NegativeBinomialScreen.further chosen).Length
                + (if chosen.Shrink <> FoldShrinkage.Nothing then 3L else 0L)
            | DifferentialTest.Deseq2 _ -> int64 Deseq2Screen.further.Length
            | _ -> 1L

        8L * (11L + further)

    let private isCounts (options: DifferentialOptions) =
        match options.Test with
        | DifferentialTest.NegativeBinomial _ -> true
        | _ -> false

    /// The comparisons of which dispersions are estimated.
    let private estimations (options: DifferentialOptions) (shape: ScreenShape) =
        match options.Test with
        | DifferentialTest.NegativeBinomial {
                                                Dispersion = DispersionSource.EachComparison _
                                            } -> int64 shape.Perturbations
        | _ -> 1L

    /// A gene's profile, from which a posterior mode is found.
    let private profileBytes options = if isCounts options then 12288L else 0L

    /// A gene's coefficients, from which tests with covariates start.
    let private coefficientBytes (shape: ScreenShape) =
        if shape.Covariates = 0 then
            0L
        else
            8L * int64 (shape.Perturbations + shape.Covariates)

    /// An entry of a cell that takes part where others do not: in a copy without theirs.
    let private copyBytes (shape: ScreenShape) = if shape.LeavesOut then 8L else 0L

    /// Rows of fake perturbations have their dispersions beside them.
    let private fakeRowBytes options = rowBytes options + 24L

    /// An entry of a block: as it was read, in the order of the groups, and what is left of the last block.
    let private blockEntryBytes (shape: ScreenShape) = 26L + copyBytes shape

    /// Bytes of a gene of a block, from the number of its entries: these, its profile, its rows of results.
    let geneBytes (options: DifferentialOptions) (shape: ScreenShape) (entries: int64) : int64 =
        blockEntryBytes shape * entries
        + profileBytes options
        + 2L
          * max (rowBytes options * int64 shape.Perturbations) (fakeRowBytes options * int64 shape.Fakes)
        + 2L * coefficientBytes shape

    /// Of each cell: group and position, total and size factor, their logarithms; and of each thread the longest gene. Where
    /// cells are left out, numbers and places of the others, and their rows of the table.
    let private cellBytes (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) =
        size.Cells
        * (120L
           + (if isCounts options then 72L else 16L) * int64 options.Threads
           + 5L * copyBytes shape)

    /// Columns, what is left of each beside those before it, and in the order of the groups; what is computed with one; and
    /// of each thread counts, offsets and means.
    let private covariateBytes (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) =
        if shape.Covariates = 0 then
            0L
        else
            size.Cells * (24L * int64 shape.Covariates + 80L + 40L * int64 options.Threads)

    /// Rules of size factors, and what each thread has of every group: sums, and its rows of the genes that are tested together.
    let private groupBytes (options: DifferentialOptions) (shape: ScreenShape) =
        let ofThread = 200L + int64 GeneRows.Genes * rowBytes options
        int64 shape.Perturbations * (1200L + ofThread * int64 options.Threads)

    /// Dispersions, trend and prior of the genes of one comparison.
    [<Literal>]
    let private DispersionBytes = 900L

    /// All p-values at once, their places and their order.
    let private adjustmentBytes (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) =
        match options.Adjustment with
        | Adjustment.OverAll -> 60L * int64 shape.Perturbations * size.Genes
        | Adjustment.PerPerturbation -> 0L

    /// p of all fake perturbations, as they are found, sorted and drawn.
    let private calibrationBytes (shape: ScreenShape) (size: InputSize) = 24L * int64 shape.Fakes * size.Genes

    /// A point of a volcano: as it is gathered, as it is written.
    [<Literal>]
    let private PointBytes = 400L

    /// What a page takes beside the points and p-values: figures of their own size, libraries, the page as text.
    [<Literal>]
    let private PageBytes = 24_000_000L

    /// The page of figures: all p at once, the points of all volcanoes.
    let private reportBytes (shape: ScreenShape) (size: InputSize) =
        if shape.HasReport then
            let room = min size.Genes (int64 (Volcano.room shape.Perturbations))

            8L * int64 shape.Perturbations * size.Genes
            + PointBytes * room * int64 shape.Perturbations
            + PageBytes
        else
            0L

    /// Dense matrices of a comparison as DESeq2 makes it: its counts, those of genes with outliers replaced, all counts after that;
    /// means of both fits for dispersions; means and leverages of the final one.
    [<Literal>]
    let private DenseBytes = 56L

    let private denseBytes (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) =
        if options.Test.IsDeseq2 then
            DenseBytes * size.Genes * int64 shape.LargestPair
        else
            0L

    /// What is there whatever the blocks.
    let private fixedBytes (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) =
        MemoryPlan.runtimeBytes
        + MemoryPlan.tableBytes size
        + cellBytes options shape size
        + covariateBytes options shape size
        + groupBytes options shape
        + size.Genes * DispersionBytes
        + adjustmentBytes options shape size
        + calibrationBytes shape size

    /// One entry in memory from reading to testing: by cell, by gene, in the order of the groups, and garbage. How many are
    /// of cells that take part is not known.
    let private entryBytesInMemory (options: DifferentialOptions) (shape: ScreenShape) =
        let calibrating = if options.Calibration.IsSome then 24L else 0L
        (if isCounts options then 36L else 30L) + calibrating + copyBytes shape

    /// Bytes of a run that holds everything in memory.
    let inMemoryBytes (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) : int64 =
        fixedBytes options shape size
        + size.Entries * entryBytesInMemory options shape
        + size.Genes * (profileBytes options + coefficientBytes shape)
        + size.Genes * int64 shape.Perturbations * (rowBytes options + 24L)
        + denseBytes options shape size
        + reportBytes shape size

    /// Rows of one perturbation as they are put together: read, corrected, shrunk.
    let private perturbationBytes (options: DifferentialOptions) (size: InputSize) = 4L * rowBytes options * size.Genes

    /// What the runtime, the collector and the lists of cells take differs from run to run by about this part of a limit.
    [<Literal>]
    let private Slack = 32L

    /// The least that a run can be asked to keep to: a gene may be expressed in every cell.
    let smallest (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) : int64 =
        let needed =
            fixedBytes options shape size
            + max
                (16L <<< 20)
                (max (2L * geneBytes options shape (min size.Cells size.Entries)) (perturbationBytes options size))
            // The page is made when the blocks are done with.
            |> max (
                fixedBytes options shape size
                + reportBytes shape size
                + perturbationBytes options size
            )

        needed + needed / (Slack - 1L) + 1L

    /// Seconds per entry that is read, per entry that is tested, per row, on one thread.
    let private readSeconds, private writeSeconds = 3e-8, 2e-6

    let private testSeconds (options: DifferentialOptions) =
        match options.Test with
        | DifferentialTest.NegativeBinomial _ -> struct (9e-8, 2e-6)
        | DifferentialTest.Crispyx _ -> struct (1e-6, 2e-6)
        | DifferentialTest.Deseq2 _ -> struct (1e-6, 1e-4)
        | DifferentialTest.RankSum _ -> struct (3e-8, 4e-7)
        | DifferentialTest.Welch _ -> struct (1e-8, 6e-7)

    /// Covariates: labels cost entries, numbers every cell of every gene (records of the benchmark `covariates`).
    let private covariateSeconds (shape: ScreenShape) (size: InputSize) =
        let columns = float shape.Covariates

        if shape.Covariates = 0 then
            0.0
        elif shape.HasNumbers then
            (3e-7 + 1.2e-7 * columns) * float size.Cells * float size.Genes
        else
            (2e-7 + 3e-8 * columns) * float size.Entries

    /// Fold changes that are shrunken by counts take a second look at every gene.
    let private looks (options: DifferentialOptions) =
        match options.Test with
        | DifferentialTest.NegativeBinomial { Shrink = FoldShrinkage.ByCounts } -> 2.0
        | _ -> 1.0

    /// Of a posterior: 14 to 30 us.
    let private posteriorSeconds = 2e-5

    /// Of fake perturbations: each is tested against nearly all controls.
    let private calibrationSeconds (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) =
        let struct (entry, row) = testSeconds options
        let share = float shape.Controls / float (max 1L size.Cells)

        float shape.Fakes
        * (share * float size.Entries * entry + float size.Genes * row)

    let private seconds (options: DifferentialOptions) (shape: ScreenShape) (size: InputSize) passes =
        let struct (entry, row) = testSeconds options
        let rows = float shape.Perturbations * float size.Genes
        let entries = float size.Entries
        let repeated = float (estimations options shape)

        1.0
        + entries * readSeconds * passes
        + rows * writeSeconds
        + (looks options
           * entries
           * entry
           * (if repeated > 1.0 then max 1.0 (repeated / 2.0) else 1.0)
           + rows * (row + (looks options - 1.0) * posteriorSeconds)
           + covariateSeconds shape size
           + calibrationSeconds options shape size)
          / float (max 1 options.Threads)

    let private diskBytes options shape (size: InputSize) =
        20L * size.Entries
        + 2L * rowBytes options * int64 shape.Perturbations * size.Genes
        + size.Genes * estimations options shape * (220L + coefficientBytes shape)
        + (if looks options > 1.0 then
               16L * int64 shape.Perturbations * size.Genes
           else
               0L)
        + int64 shape.Fakes
          * size.Genes
          * (fakeRowBytes options
             + if isCounts options then
                   236L + 8L * int64 shape.Covariates
               else
                   0L)

    let private inMemory options shape (size: InputSize) limit = {
        Limit = limit
        Bytes = inMemoryBytes options shape size
        Seconds = seconds options shape size 1.0
        Sizes = None
        Blocks = 1
        DiskBytes = 0L
    }

    let private inParts options shape (size: InputSize) limit =
        let free = limit - limit / Slack - fixedBytes options shape size

        let sizes = {
            BlockBytes = max 1L (min (free / 2L) (24L <<< 30))
            BlockEntries = int (max 65536L (min (1L <<< 22) (free / 64L)))
            RowBytes = max 1L (free / 2L)
        }

        let whole =
            blockEntryBytes shape * size.Entries + size.Genes * geneBytes options shape 0L

        {
            Limit = limit
            Bytes = min limit (inMemoryBytes options shape size)
            Seconds = seconds options shape size 4.0
            Sizes = Some sizes
            Blocks =
                int (min size.Genes ((whole + sizes.BlockBytes - 1L) / sizes.BlockBytes))
                |> max 1
            DiskBytes = diskBytes options shape size
        }

    /// A limit is too small, for the page alone or for all of it.
    let private tooSmall options shape size limit least =
        let without = smallest options { shape with HasReport = false } size

        if limit < without then
            MemoryPlan.tooSmall limit least
        else
            Error(
                CoExprError.BadOption(
                    "--report",
                    $"with --memory {MemoryPlan.text limit}",
                    $"its figures need all p-values at once: {MemoryPlan.text least} is the least that works, and {MemoryPlan.text without} without it"
                )
            )

    /// All p-values of a page are in one array.
    let private checkRows (shape: ScreenShape) (size: InputSize) =
        let rows = int64 shape.Perturbations * size.Genes

        if shape.HasReport && rows > int64 Array.MaxLength then
            Error(CoExprError.TooLarge("rows of results of one report (--report)", rows, int64 Array.MaxLength))
        else
            Ok()

    let private partsOrRefusal options shape size limit least =
        if limit >= smallest options shape size then
            checkRows shape size |> Result.map (fun () -> inParts options shape size limit)
        else
            tooSmall options shape size limit least

    /// Everything in memory where that fits, blocks of genes otherwise. `whole` names what needs all rows at once, if
    /// anything that is wanted does. BadOption if the limit is too small, with the least that works.
    let create
        (options: DifferentialOptions)
        (whole: struct (string * string * string) option)
        (shape: ScreenShape)
        (size: InputSize)
        canStream
        (limit: int64)
        : Result<DifferentialPlan, CoExprError> =
        let all = inMemory options shape size limit
        let text = MemoryPlan.text

        if all.Bytes <= limit then
            Ok all
        else
            match whole with
            | _ when not canStream ->
                Error(
                    CoExprError.BadOption(
                        "--memory",
                        text limit,
                        $"this input needs {text all.Bytes}, since only .h5ad is read piece by piece; write it as .h5ad with Python's anndata, or give that much"
                    )
                )
            | Some(struct (option, value, reason)) ->
                Error(
                    CoExprError.BadOption(
                        option,
                        value,
                        $"{reason}: {text all.Bytes}, and {text limit} may be used; see --memory"
                    )
                )
            | None -> partsOrRefusal options shape size limit (min all.Bytes (smallest options shape size))

    /// The same where parts of an earlier run are to be used, whether or not everything would fit.
    let createParts options shape (size: InputSize) limit : Result<DifferentialPlan, CoExprError> =
        partsOrRefusal options shape size limit (smallest options shape size)

    /// A line for a person.
    let describe plan =
        MemoryPlan.expected plan.Bytes plan.Seconds plan.Limit plan.Sizes.IsSome

    /// How the run goes about its input, in a sentence.
    let explain plan =
        match plan.Sizes with
        | None -> "Counts and results are held in memory."
        | Some _ ->
            $"The counts are turned once into about {plan.Blocks} blocks of genes, which are read again for sums, for dispersions and for tests; parts take about {MemoryPlan.text plan.DiskBytes} of disk."
