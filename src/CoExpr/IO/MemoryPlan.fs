namespace CoExpr.IO

open System
open System.Globalization
open CoExpr

/// How large an input is, as its file says before it is read.
type InputSize = {
    Cells: int64
    Genes: int64
    /// Entries that are stored; of a dense matrix all places, since its zeros are not known yet.
    Entries: int64
}

/// How a run is to go about its input, and what that is expected to take.
type MemoryPlan = {
    /// Bytes that the process may hold.
    Limit: int64
    /// Bytes that it is expected to hold at most.
    Bytes: int64
    /// Seconds that it is expected to take, from rates measured on one machine: a hint.
    Seconds: float
    /// None where everything is held in memory; how it is cut up otherwise.
    Sizes: TileSizes option
    /// Most bytes of the bit planes of a tile of 512 genes; 0 where pairs are to be counted without. See CpuBackend.
    PlaneBytes: int64
}

/// What holding and scoring a matrix takes, predicted from its size.
///
/// The figures are what the arrays of each stage add up to; those of a whole run in memory were measured
/// (docs/larger-than-memory.md).
[<RequireQualifiedAccess>]
module MemoryPlan =

    /// The runtime, its code, the HDF5 library, buffers, and what the collector keeps in hand: with much less it gives up.
    let runtimeBytes = 180L <<< 20

    let private invariant = CultureInfo.InvariantCulture

    let private units = [ 'K', 10; 'M', 20; 'G', 30; 'T', 40 ]

    let private unitOf (text: string) =
        units
        |> List.tryPick (fun (letter, shift) ->
            if text.Length > 1 && Char.ToUpperInvariant text[text.Length - 1] = letter then
                Some(text.Substring(0, text.Length - 1), shift)
            else
                None)

    /// Bytes from a text such as 800M, 1G or 1.5G (K, M, G and T are powers of 1024), or a plain number of bytes.
    let parse (text: string) : Result<int64, CoExprError> =
        let number, shift = unitOf text |> Option.defaultValue (text, 0)

        match Double.TryParse(number, NumberStyles.AllowDecimalPoint, invariant) with
        | true, value when value > 0.0 && value * float (1L <<< shift) < 9e18 ->
            Ok(int64 (value * float (1L <<< shift)))
        | _ -> Error(CoExprError.BadOption("--memory", text, "a size such as 800M, 1G or 1.5G is needed"))

    /// A size as a person says it, rounded up: 640M, 1.5G.
    let text (bytes: int64) =
        let megabytes = (bytes + (1L <<< 20) - 1L) >>> 20

        if megabytes < 10240L then
            megabytes.ToString(invariant) + "M"
        else
            (ceil (float megabytes / 102.4) / 10.0).ToString("0.0", invariant) + "G"

    /// Bytes that this process may have: what the machine or its container has, less a tenth for others.
    let available () =
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 10L * 9L

    /// Names and columns of both tables.
    let internal tableBytes size = 120L * size.Cells + 400L * size.Genes

    /// Bytes per pair that a sink holds at its end: heaps, loose pairs, sorted pairs.
    [<Literal>]
    let private KeptPairBytes = 160L

    /// The scores that are kept, while they are put in order.
    let private resultBytes (options: CoexpressionOptions) size =
        let pairs = size.Genes * size.Genes / 2L

        match options.Keep with
        | Keep.Top k -> size.Genes * min (int64 k) size.Genes * KeptPairBytes
        // Their number is not known before they are found.
        | Keep.AtLeast _ -> size.Genes * min 50L size.Genes * KeptPairBytes
        // Candidates are all pairs of a p up to the rate: that share of all, and those that are found.
        | Keep.FalseDiscoveryRate rate -> int64 (float (pairs * KeptPairBytes) * min 1.0 (rate + 0.1))
        | Keep.All when options.Regulators.IsSome ->
            min pairs (size.Genes * options.Regulators.Value.LongLength) * KeptPairBytes
        | Keep.All when PairResampling.isWanted options.Resampling -> pairs * KeptPairBytes
        | Keep.All -> pairs * (if Coexpression.needsTests options then 20L else 12L)

    /// What transforms and resamples take: the scores of all pairs before and after, how often a cell is in a resample.
    let private furtherBytes (options: CoexpressionOptions) size =
        let pairs = size.Genes * size.Genes / 2L

        let squares =
            if options.Transform = Transform.None then
                0L
            else
                pairs * 24L

        squares + size.Cells * int64 (options.Resampling.Bootstraps + 63)

    /// What a backend has for every cell: the table of n log n and the logarithms it is made from, where lines start.
    let private cellBytes threads size = size.Cells * (48L + 8L * int64 threads)

    /// One entry in memory from reading to scoring: by cell, by gene, cut into levels, sorted, laid out.
    [<Literal>]
    let private EntryBytesInMemory = 79L

    /// Bytes of a run that holds everything in memory, counted without bit planes.
    let inMemoryBytes (options: CoexpressionOptions) size =
        runtimeBytes
        + tableBytes size
        + cellBytes options.Threads size
        + KernelMemory.ofWorkers options size.Genes
        + size.Entries * EntryBytesInMemory
        + resultBytes options size
        + furtherBytes options size

    /// An entry of genes that are turned to lines: cell and value, and the same cut into levels.
    [<Literal>]
    let private GroupEntryBytes = 16L

    /// What is there whatever the tiles.
    let private fixedBytes (options: CoexpressionOptions) size =
        let ending =
            match options.Keep with
            | Keep.All -> size.Genes * 12L * 4L
            | _ -> resultBytes options size

        runtimeBytes
        + tableBytes size
        + KernelMemory.ofWorkers options size.Genes
        + max ending (cellBytes options.Threads size)

    /// What the runtime, the collector and the lists of cells take differs from run to run by about this part of a limit.
    [<Literal>]
    let private Slack = 32L

    /// The least that a run can be asked to keep to: a gene may be expressed in every cell.
    let smallest options size =
        let cells = int (min size.Cells (int64 Int32.MaxValue))

        let needed =
            fixedBytes options size
            + max (16L <<< 20) (2L * TilePlan.geneBytes options cells cells)

        needed + needed / (Slack - 1L) + 1L

    /// Genes of a tile whose pairs, or the best of them, a sink can hold in so many bytes, of two tiles at once.
    let private genesFor keep (bytes: int64) =
        match keep with
        | Keep.Top k -> bytes / (2L * int64 k * KeptPairBytes)
        | Keep.AtLeast _
        | Keep.FalseDiscoveryRate _ -> int64 (sqrt (float bytes / float KeptPairBytes))
        | Keep.All -> int64 (sqrt (float bytes / 24.0))
        |> max 1L
        |> min 1000000L
        |> int

    /// Bytes of one tile's bit planes and of all that come with them, for two tiles of the plan.
    let private planesFor (options: CoexpressionOptions) size genes =
        let genes = min size.Genes (int64 genes)
        let tiles = KernelMemory.tilesOfPair options.Threads genes
        struct (KernelMemory.planesOfTile options size.Cells, KernelMemory.ofPlanes options size.Cells genes tiles)

    let private sizesFor (options: CoexpressionOptions) size free =
        let sinkBytes = free / 5L

        {
            TileBytes = free - sinkBytes
            TileGenes = genesFor options.Keep sinkBytes
            GroupEntries = free / 2L / GroupEntryBytes
            BlockEntries = int (max 65536L (min (1L <<< 22) (free / 64L)))
            SquareEntries = int (min (1L <<< 28) (max size.Genes (free / 4L / 24L)))
        }

    /// Seconds per entry that is read, per pair, per cell in which a pair meets, and for the product of its values there
    /// if they are wanted and scattered; on one thread.
    let private readSeconds, private pairSeconds = 2e-8, 6e-8

    let private meetingSeconds, private productSeconds = 1.5e-9, 3e-9

    /// Genes differ in density, and it is the dense ones that meet: so many times as often as genes of one density would.
    [<Literal>]
    let private Unevenness = 2.5

    let private seconds (options: CoexpressionOptions) size passes hasPlanes =
        let pairs = float size.Genes * float size.Genes / 2.0
        let places = max 1.0 (float size.Cells * float size.Genes)
        let density = float size.Entries / places
        let meetings = pairs * float size.Cells * density * density * Unevenness
        let reading = float size.Entries * readSeconds * passes

        let eachMeeting =
            meetingSeconds
            + (if hasPlanes || not (Coexpression.wantsValues options) then
                   0.0
               else
                   productSeconds)

        1.0
        + (reading + pairs * pairSeconds + meetings * eachMeeting)
          / float (max 1 options.Threads)

    /// Bit planes where there is room for them.
    let private inMemory (options: CoexpressionOptions) size limit =
        let bytes = inMemoryBytes options size
        let tiles = KernelMemory.tilesOfAll options.Threads size.Genes
        let withPlanes = bytes + KernelMemory.ofPlanes options size.Cells size.Genes tiles
        let hasPlanes = withPlanes <= limit

        {
            Limit = limit
            Bytes = if hasPlanes then withPlanes else bytes
            Seconds = seconds options size 1.0 hasPlanes
            Sizes = None
            PlaneBytes =
                if hasPlanes then
                    KernelMemory.planesOfTile options size.Cells
                else
                    0L
        }

    /// Bit planes where they take no more than a third of what is there for tiles.
    let private inParts options size limit =
        let free = limit - fixedBytes options size

        let struct (planes, forPlanes) =
            planesFor options size (sizesFor options size free).TileGenes

        let hasPlanes = forPlanes <= free / 3L
        let sizes = sizesFor options size (if hasPlanes then free - forPlanes else free)
        let passes = 1.0 + ceil (float size.Entries / float (max 1L sizes.GroupEntries))

        {
            Limit = limit
            Bytes = min limit (inMemoryBytes options size)
            Seconds = seconds options size passes hasPlanes
            Sizes = Some sizes
            PlaneBytes = if hasPlanes then planes else 0L
        }

    let internal tooSmall limit needed =
        Error(
            CoExprError.BadOption(
                "--memory",
                text limit,
                $"too little for an input of this size and these options; {text needed} is the least that works"
            )
        )

    /// Everything in memory where that fits, parts otherwise. `limit` is in bytes; `canStream` tells whether the input can
    /// be read piece by piece. BadOption if the limit is too small, with the least that works.
    let create (options: CoexpressionOptions) size canStream (limit: int64) : Result<MemoryPlan, CoExprError> =
        let whole = inMemory options size limit

        if whole.Bytes <= limit then
            Ok whole
        elif (Coexpression.needsWhole options).IsSome then
            let option, value = (Coexpression.needsWhole options).Value

            Error(
                CoExprError.BadOption(
                    option,
                    value,
                    $"it needs all genes in memory at once, {text whole.Bytes}, and {text limit} may be used; see --memory"
                )
            )
        elif canStream && limit >= smallest options size then
            Ok(inParts options size limit)
        elif canStream then
            tooSmall limit (min whole.Bytes (smallest options size))
        else
            Error(
                CoExprError.BadOption(
                    "--memory",
                    text limit,
                    $"this input needs {text whole.Bytes}, since only .h5ad is read piece by piece; write it as .h5ad with Python's anndata, or give that much"
                )
            )

    /// The same where parts of an earlier run are to be used, whether or not everything would fit.
    let createParts (options: CoexpressionOptions) size (limit: int64) : Result<MemoryPlan, CoExprError> =
        if limit >= smallest options size then
            Ok(inParts options size limit)
        else
            tooSmall limit (smallest options size)

    /// Whether a matrix that was read whole can be scored within the limit.
    let check (options: CoexpressionOptions) size limit =
        create options size false limit |> Result.map ignore

    let private duration (seconds: float) =
        if seconds < 90.0 then
            (max 1.0 (round seconds)).ToString("0", invariant) + " s"
        elif seconds < 5400.0 then
            (seconds / 60.0).ToString("0", invariant) + " min"
        else
            (seconds / 3600.0).ToString("0.0", invariant) + " h"

    /// What is expected, in a line for a person.
    let internal expected bytes seconds (limit: int64) inParts =
        let how =
            if inParts then
                $"in parts that fit into {text limit}"
            else
                "everything in memory"

        $"Expected: about {text bytes} of memory and {duration seconds}, {how}."

    /// A line for a person.
    let describe plan =
        expected plan.Bytes plan.Seconds plan.Limit plan.Sizes.IsSome
