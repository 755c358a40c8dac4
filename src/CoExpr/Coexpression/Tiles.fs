namespace CoExpr

open System
open CoExpr.Kernels

/// Genes in tiles, so that two tiles at a time need to be in memory: every pair of genes is in one pair of tiles.
type TilePlan = {
    /// Genes of each tile. Neighbouring tiles are of like density, since genes are sorted by it, fewest cells first.
    Tiles: int[][]
} with

    /// The pairs of tiles, first ≤ second, in order.
    member plan.Pairs = [|
        for second in 0 .. plan.Tiles.Length - 1 do
            for first in 0..second -> struct (first, second)
    |]

    /// The number of pairs of genes in one pair of tiles.
    member plan.GenePairs(first: int, second: int) =
        let a, b = plan.Tiles[first].LongLength, plan.Tiles[second].LongLength
        if first = second then a * (a - 1L) / 2L else a * b

[<RequireQualifiedAccess>]
module TilePlan =

    /// Where a tile begins in the order of all tiles.
    let firstPlace (plan: TilePlan) tile =
        plan.Tiles |> Seq.take tile |> Seq.sumBy Array.length

    /// Share of cells from which on a gene's values may be laid out for every cell (ScatterProducts: 0.15 of a tile).
    [<Literal>]
    let private DenseFrom = 0.1

    /// Bytes of a gene in memory while its tile is scored, taken together with an equal gene of the other tile: both as
    /// they are loaded, both sorted by level, and one of them laid out by the backend. An entry has a cell (4), a level (1)
    /// and, where values are wanted, a value (4), whose cell stands apart if there may be values below 0 (4), and its rank
    /// (4) if ranks are correlated; sorted by level, a cell (4); laid out, a counter (4), and a gene and its value (8), or a
    /// value for every cell (4).
    let geneBytes (options: CoexpressionOptions) (cells: int) (expressed: int) : int64 =
        let wantsValues = Coexpression.wantsValues options
        let ranks = if options.Measure = Measure.Spearman then 4L else 0L

        let loaded =
            if not wantsValues then 5L
            elif options.Negatives = Negatives.AsZero then 13L
            else 9L

        let sorted = 4L
        let laidOut = if wantsValues then 12L else 4L

        let dense =
            if wantsValues && float expressed > DenseFrom * float cells then
                4L * int64 cells
            else
                0L

        int64 expressed * (2L * (loaded + ranks + sorted) + laidOut) + dense

    /// Tiles of at most so many bytes and genes, and of at least one gene. Of each gene, `bytes` has what it takes and
    /// `expressed` how many cells express it.
    let create (mostBytes: int64) mostGenes (bytes: int64[]) (expressed: int[]) : TilePlan =
        if mostGenes < 1 then
            invalidArg (nameof mostGenes) $"{mostGenes} is below 1"

        let order =
            Array.init expressed.Length id
            |> Array.sortBy (fun gene -> struct (expressed[gene], gene))

        let tiles, tile = ResizeArray<int[]>(), ResizeArray<int>()
        let mutable sum = 0L

        for gene in order do
            let own = bytes[gene]

            if tile.Count > 0 && (tile.Count = mostGenes || sum + own > mostBytes) then
                tiles.Add(tile.ToArray())
                tile.Clear()
                sum <- 0L

            tile.Add gene
            sum <- sum + own

        if tile.Count > 0 then
            tiles.Add(tile.ToArray())

        { Tiles = tiles.ToArray() }

[<RequireQualifiedAccess>]
module TileScores =

    /// The kept pairs once each, by the numbers that `genes` gives them: handed to a sink that keeps what is kept of all.
    let offer (genes: int[]) (scores: KeptPairs) (sink: PairMerge) =
        for gene in 0 .. genes.Length - 1 do
            for at in int scores.Starts[gene] .. int scores.Starts[gene + 1] - 1 do
                if scores.Partners[at] > gene then
                    sink.Offer(genes[gene], genes[scores.Partners[at]], scores.Scores[at], scores.Cells[at])

    /// Scores the pairs of a tile, the first `first` genes, with another, the rest; or of one with itself where there is no
    /// rest. Genes have numbers of their own in the result, as in `binned` and `values`. A sink's K strongest partners within two tiles are all that can be
    /// among the K strongest of all, so what is left out here is left out there.
    let internal compute
        advance
        (options: CoexpressionOptions)
        (names: string[])
        first
        (binned: BinnedGenes)
        (values: GeneValues)
        =
        let genes = binned.Genes

        let pairs =
            if first = genes then
                PairRange(0, genes, 0, genes)
            else
                PairRange(0, first, first, genes)

        Coexpression.scorePairs advance options options.Keep None (Array.init genes id) names binned values pairs
