namespace CoExpr

open System
open CoExpr.Gpu
open CoExpr.Kernels

/// What the CPU backend takes beside the genes themselves, from the sizes of its arrays. Genes are counted in tiles of 512
/// columns, against 256 rows at a time.
[<RequireQualifiedAccess>]
module internal KernelMemory =

    let private columns, private rows = 512L, 256L

    /// Cells of one block of bit planes, each of which has a row of zeros more.
    [<Literal>]
    let private BlockCells = 12288L

    let private partsOf size (total: int64) = (total + size - 1L) / size

    /// Bins of a gene; with more than these another kernel is used, which has no bit planes.
    let private levels (options: CoexpressionOptions) = int64 (min options.Bins 15)

    let private workers (options: CoexpressionOptions) genes =
        min (int64 options.Threads) (partsOf columns genes * partsOf rows genes)

    let private pairsOfBlock genes = min columns genes * min rows genes

    /// Bytes that workers have of their own: what is said of a block of pairs (32 a pair), sums under way.
    let ofWorkers options genes =
        workers options genes * (32L * pairsOfBlock genes + (2L <<< 20))

    /// Bytes of the bit planes of one tile: 64 for every cell and level.
    let planesOfTile options cells =
        levels options * (cells + partsOf BlockCells cells + 1L) * 64L

    /// Bytes of bit planes of so many tiles, and of the counts that workers make from them.
    let ofPlanes options cells genes tiles =
        tiles * planesOfTile options cells
        + workers options genes * levels options * levels options * pairsOfBlock genes

    /// Tiles that may be in use at once when all pairs of so many genes are scored. Tile k has 2(k + 1) blocks of rows, so m
    /// tiles have m(m + 1) at least: as many as threads work on, and one that is begun.
    let tilesOfAll threads genes =
        let most = 1.0 + ceil ((sqrt (1.0 + 4.0 * float threads) - 1.0) / 2.0)
        max 1L (min (partsOf columns genes) (1L + int64 most))

    /// The same where two tiles of a plan are scored against each other, which may have few rows.
    let tilesOfPair threads genes =
        max 1L (min (partsOf columns genes) (1L + int64 threads))

    /// The backend with no more than this for the bit planes of one tile, which changes no result.
    let rec within bytes (backend: IPairBackend) : IPairBackend =
        match backend with
        | :? AutomaticBackend as either -> either.With(within bytes either.Processor)
        | :? CpuBackend as cpu -> cpu.Within bytes
        | other -> other
