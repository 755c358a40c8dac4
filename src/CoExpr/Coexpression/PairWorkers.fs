namespace CoExpr

open System
open System.Collections.Concurrent
open CoExpr.Kernels

/// Orders of genes that do not depend on the file.
[<RequireQualifiedAccess>]
module internal GeneNames =

    /// The place of every gene in the ordinal order of names.
    let ranks (names: string[]) =
        let byName = Array.init names.Length id
        Array.Sort(Array.copy names, byName, StringComparer.Ordinal)
        let ranks = Array.zeroCreate<int> names.Length
        byName |> Array.iteri (fun rank gene -> ranks[gene] <- rank)
        ranks

/// Handing pairs of genes to workers that score many resamples at once.
[<RequireQualifiedAccess>]
module internal PairWorkers =

    /// A worker with room for its scores. `Row` is the gene that it has taken, −1 at first.
    type private Hand(worker: ResamplingWorker) =
        let mutable row = -1
        let numerators = Array.zeroCreate<int64>(worker.Batches * ResampleWeights.Lanes)
        let cells = Array.zeroCreate<int> numerators.Length
        member _.Numerators = numerators
        member _.Cells = cells

        member _.Score(gene, column) =
            if gene <> row then
                worker.Take gene
                row <- gene

            worker.Score(column, Span numerators, Span cells)

    let private withWorkers threads count (newWorker: unit -> ResamplingWorker) (work: Hand -> int -> unit) =
        let workers = ConcurrentBag<ResamplingWorker>()

        let newHand () =
            let worker = newWorker ()
            workers.Add worker
            Hand worker

        try
            Schedule.blocks threads count newHand work
        finally
            for worker in workers do
                worker.Dispose()

    /// Pairs of one block: enough that taking a gene is rare, few enough that threads end together.
    let private blockPairs = 128

    /// Scores every pair, which should come in order of their first gene; `take` is given the pair's place, and the
    /// numerators and numbers of cells of all resamples, which it must not keep; `advance` the pairs done since it was.
    let run threads newWorker (pairs: struct (int * int)[]) (take: int -> int64[] -> int[] -> unit) advance =
        let blocks = (pairs.Length + blockPairs - 1) / blockPairs

        withWorkers threads blocks newWorker (fun hand block ->
            let first, next = block * blockPairs, min pairs.Length ((block + 1) * blockPairs)

            for pair in first .. next - 1 do
                let struct (row, column) = pairs[pair]
                hand.Score(row, column)
                take pair hand.Numerators hand.Cells

            advance (next - first))

    /// Scores each of these genes against all, a gene at a time; `take` is given the place of the gene among them, and the
    /// mutual informations of its partners in bits: partner p in resample i at p · `count` + i, 0 with itself.
    let rows threads newWorker (rows: int[]) genes count (take: int -> float[] -> unit) =
        withWorkers threads rows.Length newWorker (fun hand row ->
            let values = Array.zeroCreate<float>(genes * count)

            for column in 0 .. genes - 1 do
                if column <> rows[row] then
                    hand.Score(rows[row], column)

                    for i in 0 .. count - 1 do
                        values[column * count + i] <- float (MutualInformation.bits hand.Numerators[i] hand.Cells[i])

            take row values)
