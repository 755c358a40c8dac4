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

    /// Tiles of at most so many entries and genes, and of at least one gene. `expressed` has the entries of each gene.
    let create (mostEntries: int64) mostGenes (expressed: int[]) : TilePlan =
        if mostGenes < 1 then
            invalidArg (nameof mostGenes) $"{mostGenes} is below 1"

        let order =
            Array.init expressed.Length id |> Array.sortBy (fun gene -> expressed[gene])

        let tiles, tile = ResizeArray<int[]>(), ResizeArray<int>()
        let mutable entries = 0L

        for gene in order do
            let own = int64 expressed[gene]

            if tile.Count > 0 && (tile.Count = mostGenes || entries + own > mostEntries) then
                tiles.Add(tile.ToArray())
                tile.Clear()
                entries <- 0L

            tile.Add gene
            entries <- entries + own

        if tile.Count > 0 then
            tiles.Add(tile.ToArray())

        { Tiles = tiles.ToArray() }

[<RequireQualifiedAccess>]
module TileScores =

    /// The kept pairs once each, by the numbers that `genes` gives them: handed to a sink that keeps what is kept of all.
    let offer (genes: int[]) (scores: KeptPairs) (sink: PairSink) =
        for gene in 0 .. genes.Length - 1 do
            for at in int scores.Starts[gene] .. int scores.Starts[gene + 1] - 1 do
                if scores.Partners[at] > gene then
                    sink.Offer(genes[gene], genes[scores.Partners[at]], scores.Scores[at], scores.Cells[at])

    /// Scores the pairs of a tile, the first `first` genes, with another, the rest; or of one with itself where there is no
    /// rest. Genes have numbers of their own in the result, as in `binned` and `values`. A sink's K strongest partners within two tiles are all that can be
    /// among the K strongest of all, so what is left out here is left out there.
    let compute
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
                Nullable()
            else
                Nullable(PairRange(0, first, first, genes))

        let task = PairTask(options.Cells, values, Coexpression.partsOf options, pairs)

        PairSink.create options.Keep options.Strength (Array.init genes id) names
        |> Coexpression.scoreAll advance options binned task
