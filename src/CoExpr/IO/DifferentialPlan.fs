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

/// What holding and testing a screen takes, predicted from its size: the arrays of each stage, and what runs in memory were
/// measured to take (docs/larger-than-memory.md).
[<RequireQualifiedAccess>]
module DifferentialPlan =

    /// Numbers of a row of results, and bytes of a number; a row has one for each further column, too.
    let private rowBytes (options: DifferentialOptions) =
        let further =
            match options.Test with
            | DifferentialTest.NegativeBinomial chosen ->
                int64 (NegativeBinomialScreen.further chosen).Length
                + (if chosen.Shrink then 3L else 0L)
            | DifferentialTest.Deseq2 _ -> int64 Deseq2Screen.further.Length
            | _ -> 1L

        8L * (11L + further)

    let private isCounts (options: DifferentialOptions) =
        match options.Test with
        | DifferentialTest.NegativeBinomial _ -> true
        | _ -> false

    /// The comparisons of which dispersions are estimated.
    let private estimations (options: DifferentialOptions) perturbations =
        match options.Test with
        | DifferentialTest.NegativeBinomial {
                                                Dispersion = DispersionSource.EachComparison _
                                            } -> int64 perturbations
        | _ -> 1L

    /// A gene's profile, from which a posterior mode is found.
    let private profileBytes options = if isCounts options then 12288L else 0L

    /// An entry of a block: as it was read, in the order of the groups, and what is left of the last block.
    [<Literal>]
    let private EntryBytes = 26L

    /// Bytes of a gene of a block, from the number of its entries: these, its profile, its rows of results.
    let geneBytes (options: DifferentialOptions) perturbations (entries: int64) : int64 =
        EntryBytes * entries
        + profileBytes options
        + 2L * rowBytes options * int64 perturbations

    /// Of each cell: group and position, total and size factor, their logarithms; and of each thread the longest gene.
    let private cellBytes (options: DifferentialOptions) (size: InputSize) =
        size.Cells
        * (120L + (if isCounts options then 72L else 16L) * int64 options.Threads)

    /// Rules of size factors, and what each thread has of every group.
    let private groupBytes (options: DifferentialOptions) perturbations =
        int64 perturbations * (1200L + 200L * int64 options.Threads)

    /// Dispersions, trend and prior of the genes of one comparison.
    [<Literal>]
    let private DispersionBytes = 900L

    /// All p-values at once, their places and their order.
    let private adjustmentBytes (options: DifferentialOptions) perturbations (size: InputSize) =
        match options.Adjustment with
        | Adjustment.OverAll -> 60L * int64 perturbations * size.Genes
        | Adjustment.PerPerturbation -> 0L

    /// What is there whatever the blocks.
    let private fixedBytes (options: DifferentialOptions) perturbations (size: InputSize) =
        MemoryPlan.runtimeBytes
        + MemoryPlan.tableBytes size
        + cellBytes options size
        + groupBytes options perturbations
        + size.Genes * DispersionBytes
        + adjustmentBytes options perturbations size

    /// One entry in memory from reading to testing: by cell, by gene, in the order of the groups, and garbage.
    let private entryBytesInMemory (options: DifferentialOptions) =
        let calibrating = if options.Calibration.IsSome then 24L else 0L
        (if isCounts options then 36L else 30L) + calibrating

    /// Bytes of a run that holds everything in memory.
    let inMemoryBytes (options: DifferentialOptions) perturbations (size: InputSize) : int64 =
        fixedBytes options perturbations size
        + size.Entries * entryBytesInMemory options
        + size.Genes * profileBytes options
        + size.Genes * int64 perturbations * (rowBytes options + 24L)

    /// Rows of one perturbation as they are put together: read, corrected, shrunk.
    let private perturbationBytes (options: DifferentialOptions) (size: InputSize) = 4L * rowBytes options * size.Genes

    /// What the runtime, the collector and the lists of cells take differs from run to run by about this part of a limit.
    [<Literal>]
    let private Slack = 32L

    /// The least that a run can be asked to keep to: a gene may be expressed in every cell.
    let smallest (options: DifferentialOptions) perturbations (size: InputSize) : int64 =
        let needed =
            fixedBytes options perturbations size
            + max
                (16L <<< 20)
                (max
                    (2L * geneBytes options perturbations (min size.Cells size.Entries))
                    (perturbationBytes options size))

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

    let private seconds (options: DifferentialOptions) perturbations (size: InputSize) passes =
        let struct (entry, row) = testSeconds options
        let rows = float perturbations * float size.Genes
        let entries = float size.Entries
        let repeated = float (estimations options perturbations)

        1.0
        + entries * readSeconds * passes
        + rows * writeSeconds
        + (entries * entry * (if repeated > 1.0 then max 1.0 (repeated / 2.0) else 1.0)
           + rows * row)
          / float (max 1 options.Threads)

    let private diskBytes options perturbations (size: InputSize) =
        20L * size.Entries
        + 2L * rowBytes options * int64 perturbations * size.Genes
        + 220L * size.Genes * estimations options perturbations

    let private inMemory options perturbations (size: InputSize) limit = {
        Limit = limit
        Bytes = inMemoryBytes options perturbations size
        Seconds = seconds options perturbations size 1.0
        Sizes = None
        Blocks = 1
        DiskBytes = 0L
    }

    let private inParts options perturbations (size: InputSize) limit =
        let free = limit - limit / Slack - fixedBytes options perturbations size

        let sizes = {
            BlockBytes = max 1L (min (free / 2L) (24L <<< 30))
            BlockEntries = int (max 65536L (min (1L <<< 22) (free / 64L)))
            RowBytes = max 1L (free / 2L)
        }

        let whole =
            EntryBytes * size.Entries + size.Genes * geneBytes options perturbations 0L

        {
            Limit = limit
            Bytes = min limit (inMemoryBytes options perturbations size)
            Seconds = seconds options perturbations size 4.0
            Sizes = Some sizes
            Blocks =
                int (min size.Genes ((whole + sizes.BlockBytes - 1L) / sizes.BlockBytes))
                |> max 1
            DiskBytes = diskBytes options perturbations size
        }

    /// Everything in memory where that fits, blocks of genes otherwise. `whole` names what needs all rows at once, if
    /// anything that is wanted does. BadOption if the limit is too small, with the least that works.
    let create
        (options: DifferentialOptions)
        (whole: struct (string * string * string) option)
        perturbations
        (size: InputSize)
        canStream
        (limit: int64)
        : Result<DifferentialPlan, CoExprError> =
        let all = inMemory options perturbations size limit
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
            | None when limit >= smallest options perturbations size -> Ok(inParts options perturbations size limit)
            | None -> MemoryPlan.tooSmall limit (min all.Bytes (smallest options perturbations size))

    /// The same where parts of an earlier run are to be used, whether or not everything would fit.
    let createParts options perturbations (size: InputSize) limit : Result<DifferentialPlan, CoExprError> =
        if limit >= smallest options perturbations size then
            Ok(inParts options perturbations size limit)
        else
            MemoryPlan.tooSmall limit (smallest options perturbations size)

    /// A line for a person.
    let describe plan =
        MemoryPlan.expected plan.Bytes plan.Seconds plan.Limit plan.Sizes.IsSome

    /// How the run goes about its input, in a sentence.
    let explain plan =
        match plan.Sizes with
        | None -> "Counts and results are held in memory."
        | Some _ ->
            $"The counts are turned once into about {plan.Blocks} blocks of genes, which are read again for sums, for dispersions and for tests; parts take about {MemoryPlan.text plan.DiskBytes} of disk."
