namespace CoExpr

open System
open System.Collections.Generic
open CoExpr.Kernels

/// Takes in blocks of scored pairs from several threads, in any order, and keeps what is asked for.
///
/// Genes arrive in the kernel's order, by density; `order` gives the number of each in the input. What is kept does not
/// depend on the order of arrival.
type PairSink =
    abstract Add: block: PairBlock -> unit
    /// One pair that was scored before, by the numbers that its genes have in the kernel's order.
    abstract Offer: row: int * column: int * score: float * cells: int -> unit
    abstract Finish: unit -> PairStore

/// The score of one place of a block, in bits.
[<AutoOpen>]
module private BlockScore =
    let inline scoreAt (block: PairBlock) at =
        // Adding 0 turns the −0 of a sign times nothing into 0.
        float block.Signs[at]
        * float (MutualInformation.bits block.Numerators[at] block.Cells[at])
        + 0.0

    let inline strengthOf strength (score: float) =
        match strength with
        | Strength.Score -> score
        | Strength.Magnitude -> abs score

/// Sorting loose pairs into rows, both ways round.
[<RequireQualifiedAccess>]
module private LoosePairs =

    [<Struct>]
    type Loose = {
        A: int
        B: int
        Score: float
        Cells: int
    }

    /// Pairs may come more than once, with the same score.
    let collect (genes: int) (pairs: Loose[]) : KeptPairs =
        let keys =
            pairs
            |> Array.map (fun pair -> int64 (min pair.A pair.B) * int64 genes + int64 (max pair.A pair.B))

        Array.Sort(keys, pairs)

        let unique =
            pairs
            |> Array.indexed
            |> Array.filter (fun (i, _) -> i = 0 || keys[i] <> keys[i - 1])
            |> Array.map snd

        let starts = Array.zeroCreate<int64>(genes + 1)

        for pair in unique do
            starts[pair.A + 1] <- starts[pair.A + 1] + 1L
            starts[pair.B + 1] <- starts[pair.B + 1] + 1L

        for gene in 0 .. genes - 1 do
            starts[gene + 1] <- starts[gene + 1] + starts[gene]

        let places = Array.sub starts 0 genes
        let entries = int starts[genes]

        let partners, scores, cells =
            Array.zeroCreate<int> entries, Array.zeroCreate<float> entries, Array.zeroCreate<int> entries

        let put gene partner (pair: Loose) =
            let place = int places[gene]
            places[gene] <- places[gene] + 1L
            partners[place] <- partner
            scores[place] <- pair.Score
            cells[place] <- pair.Cells

        // Sorted by (lower, higher): a gene first meets its lower partners in order, if those are put in first.
        for pair in unique do
            put (max pair.A pair.B) (min pair.A pair.B) pair

        for pair in unique do
            put (min pair.A pair.B) (max pair.A pair.B) pair

        {
            Starts = starts
            Partners = partners
            Scores = scores
            Cells = cells
        }

/// The k strongest partners of every gene, a heap for each with the weakest kept at its root.
type private TopSink(order: int[], names: string[], k: int, strength: Strength) =
    let genes = order.Length
    let k = min k (max 0 (genes - 1))
    let ranks = Array.zeroCreate<int> genes

    do
        let byName = Array.init genes id
        Array.Sort(Array.map (fun gene -> names[order[gene]]) byName, byName, StringComparer.Ordinal)
        byName |> Array.iteri (fun rank gene -> ranks[gene] <- rank)

    let strengths = Array.zeroCreate<float>(genes * k)
    let scores = Array.zeroCreate<float>(genes * k)
    let partners = Array.zeroCreate<int>(genes * k)
    let cells = Array.zeroCreate<int>(genes * k)
    let sizes = Array.zeroCreate<int> genes
    /// The strength that a partner must reach to be worth a closer look; −∞ until the heap is full.
    let bars = Array.create genes -infinity
    let locks = Array.init 256 (fun _ -> obj ())

    /// Whether the entry at i is weaker than the one at j.
    let weaker i j =
        strengths[i] < strengths[j]
        || (strengths[i] = strengths[j] && ranks[partners[i]] > ranks[partners[j]])

    let swap i j =
        let strength, score, partner, cell = strengths[i], scores[i], partners[i], cells[i]
        strengths[i] <- strengths[j]
        scores[i] <- scores[j]
        partners[i] <- partners[j]
        cells[i] <- cells[j]
        strengths[j] <- strength
        scores[j] <- score
        partners[j] <- partner
        cells[j] <- cell

    let rec rise first at =
        let parent = (at - 1) / 2

        if at > 0 && weaker (first + at) (first + parent) then
            swap (first + at) (first + parent)
            rise first parent

    let rec sink first size at =
        let left, right = 2 * at + 1, 2 * at + 2
        let mutable weakest = at

        if left < size && weaker (first + left) (first + weakest) then
            weakest <- left

        if right < size && weaker (first + right) (first + weakest) then
            weakest <- right

        if weakest <> at then
            swap (first + at) (first + weakest)
            sink first size weakest

    let put place value score partner cell =
        strengths[place] <- value
        scores[place] <- score
        partners[place] <- partner
        cells[place] <- cell

    let insert gene value score partner cell =
        let first, size = gene * k, sizes[gene]

        if size < k then
            put (first + size) value score partner cell
            sizes[gene] <- size + 1
            rise first size

            if size + 1 = k then
                bars[gene] <- strengths[first]
        elif
            value > strengths[first]
            || (value = strengths[first] && ranks[partner] < ranks[partners[first]])
        then
            put first value score partner cell
            sink first k 0
            bars[gene] <- strengths[first]

    let offer gene value score partner cell =
        lock locks[gene &&& 255] (fun () -> insert gene value score partner cell)

    interface PairSink with
        // A bar only ever rises, so one read without the lock can let a pair through in vain, never keep one out.
        member _.Add block =
            if k > 0 then
                for row in block.FirstRow .. block.EndRow - 1 do
                    for column in max (row + 1) block.FirstColumn .. block.EndColumn - 1 do
                        let at = (row - block.FirstRow) * block.Width + column - block.FirstColumn
                        let score = scoreAt block at
                        let value = strengthOf strength score

                        if value >= bars[row] then
                            offer row value score column block.Cells[at]

                        if value >= bars[column] then
                            offer column value score row block.Cells[at]

        member _.Offer(row, column, score, cells) =
            let value = strengthOf strength score

            if k > 0 && value >= bars[row] then
                offer row value score column cells

            if k > 0 && value >= bars[column] then
                offer column value score row cells

        member _.Finish() =
            let loose = [|
                for gene in 0 .. genes - 1 do
                    for at in gene * k .. gene * k + sizes[gene] - 1 ->
                        {
                            LoosePairs.A = order[gene]
                            LoosePairs.B = order[partners[at]]
                            LoosePairs.Score = scores[at]
                            LoosePairs.Cells = cells[at]
                        }
            |]

            PairStore.Kept(LoosePairs.collect genes loose)

/// The pairs of at least some strength.
type private ThresholdSink(order: int[], least: float, strength: Strength) =
    let found = List<LoosePairs.Loose>()

    interface PairSink with
        member _.Add block =
            let own = List<LoosePairs.Loose>()

            for row in block.FirstRow .. block.EndRow - 1 do
                for column in max (row + 1) block.FirstColumn .. block.EndColumn - 1 do
                    let at = (row - block.FirstRow) * block.Width + column - block.FirstColumn
                    let score = scoreAt block at

                    if strengthOf strength score >= least then
                        own.Add {
                            A = order[row]
                            B = order[column]
                            Score = score
                            Cells = block.Cells[at]
                        }

            lock found (fun () -> found.AddRange own)

        member _.Offer(row, column, score, cells) =
            if strengthOf strength score >= least then
                lock found (fun () ->
                    found.Add {
                        A = order[row]
                        B = order[column]
                        Score = score
                        Cells = cells
                    })

        member _.Finish() =
            PairStore.Kept(LoosePairs.collect order.Length (found.ToArray()))

/// Every pair.
type private SquareSink(order: int[]) =
    let side = 256
    let lines = (order.Length + side - 1) / side
    let squares = lines * (lines + 1) / 2
    let scores = Array.init squares (fun _ -> Array.zeroCreate<float>(side * side))
    let cells = Array.init squares (fun _ -> Array.zeroCreate<int>(side * side))

    let put row column score count =
        let low, high = min order[row] order[column], max order[row] order[column]
        let square = (high / side) * (high / side + 1) / 2 + low / side
        let place = (low % side) * side + high % side
        scores[square][place] <- score
        cells[square][place] <- count

    interface PairSink with
        // Every pair has a place of its own, so no thread is in another's way.
        member _.Add block =
            for row in block.FirstRow .. block.EndRow - 1 do
                for column in max (row + 1) block.FirstColumn .. block.EndColumn - 1 do
                    let at = (row - block.FirstRow) * block.Width + column - block.FirstColumn
                    put row column (scoreAt block at) block.Cells[at]

        member _.Offer(row, column, score, count) = put row column score count

        member _.Finish() =
            PairStore.Squares {
                Side = side
                Scores = scores
                Cells = cells
            }

[<RequireQualifiedAccess>]
module PairSink =
    /// A sink for genes that arrive in this order of their input numbers; `names` are in input order.
    let create keep strength (order: int[]) (names: string[]) : PairSink =
        match keep with
        | Keep.Top k -> TopSink(order, names, k, strength)
        | Keep.AtLeast least -> ThresholdSink(order, float least, strength)
        | Keep.All -> SquareSink order
