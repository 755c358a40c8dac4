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
    abstract Finish: unit -> PairStore

/// A sink that also takes pairs which other sinks have kept.
type PairMerge =
    inherit PairSink
    /// One pair that was scored before, by the numbers that its genes have in the order of the sink.
    abstract Offer: row: int * column: int * score: float * cells: int -> unit

[<AutoOpen>]
module private BlockScore =
    let inline strengthOf strength (score: float) =
        match strength with
        | Strength.Score -> score
        | Strength.Magnitude -> abs score

    /// The plug-in estimate in bits, whatever the score: what p-values are made from.
    let informationAt (block: PairBlock) at =
        float (MutualInformation.bits block.Numerators[at] block.Cells[at])

    let inline eachRow
        (scorer: PairScorer)
        (block: PairBlock)
        ([<InlineIfLambda>] work: int -> int -> float[] -> unit)
        =
        let scores = Array.zeroCreate<float> block.Width

        for row in block.FirstRow .. block.EndRow - 1 do
            let first = max (row + 1) block.FirstColumn

            if first < block.EndColumn then
                scorer.ScoreRow(block, row, first, scores)
                work row first scores

/// Sorting loose pairs into rows, both ways round.
[<RequireQualifiedAccess>]
module private LoosePairs =

    [<Struct>]
    type Loose = {
        A: int
        B: int
        Score: float
        Cells: int
        Information: float
    }

    /// Pairs may come more than once, with the same score.
    let collect (genes: int) withInformation (pairs: Loose[]) : KeptPairs =
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

        let information = Array.zeroCreate<float>(if withInformation then entries else 0)

        let put gene partner (pair: Loose) =
            let place = int places[gene]
            places[gene] <- places[gene] + 1L
            partners[place] <- partner
            scores[place] <- pair.Score
            cells[place] <- pair.Cells

            if withInformation then
                information[place] <- pair.Information

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
            Information = information
        }

/// The k strongest partners of every gene, a heap for each with the weakest kept at its root.
type private TopSink(scorer: PairScorer, withInformation, order: int[], names: string[], k: int, strength: Strength) =
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
    let information = Array.zeroCreate<float>(if withInformation then genes * k else 0)
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

        if withInformation then
            let bits = information[i]
            information[i] <- information[j]
            information[j] <- bits

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

    let put place value score partner cell bits =
        strengths[place] <- value
        scores[place] <- score
        partners[place] <- partner
        cells[place] <- cell

        if withInformation then
            information[place] <- bits

    let insert gene value score partner cell bits =
        let first, size = gene * k, sizes[gene]

        if size < k then
            put (first + size) value score partner cell bits
            sizes[gene] <- size + 1
            rise first size

            if size + 1 = k then
                bars[gene] <- strengths[first]
        elif
            value > strengths[first]
            || (value = strengths[first] && ranks[partner] < ranks[partners[first]])
        then
            put first value score partner cell bits
            sink first k 0
            bars[gene] <- strengths[first]

    let offer gene value score partner cell bits =
        lock locks[gene &&& 255] (fun () -> insert gene value score partner cell bits)

    let offerOf (block: PairBlock) row column gene value score partner =
        let cell = scorer.CellsOf(block, row, column)

        let bits =
            if withInformation then
                informationAt block (PairScorer.At(block, row, column))
            else
                0.0

        offer gene value score partner cell bits

    interface PairSink with
        // A bar only ever rises, so one read without the lock can let a pair through in vain, never keep one out.
        member _.Add block =
            if k > 0 then
                eachRow scorer block (fun row first scores ->
                    for column in first .. block.EndColumn - 1 do
                        let score = scores[column - block.FirstColumn]
                        let value = strengthOf strength score

                        if value >= bars[row] then
                            offerOf block row column row value score column

                        if value >= bars[column] then
                            offerOf block row column column value score row)

        member _.Finish() =
            let loose = [|
                for gene in 0 .. genes - 1 do
                    for at in gene * k .. gene * k + sizes[gene] - 1 ->
                        {
                            LoosePairs.A = order[gene]
                            LoosePairs.B = order[partners[at]]
                            LoosePairs.Score = scores[at]
                            LoosePairs.Cells = cells[at]
                            LoosePairs.Information = if withInformation then information[at] else 0.0
                        }
            |]

            PairStore.Kept(LoosePairs.collect genes withInformation loose)

    interface PairMerge with
        member _.Offer(row, column, score, cells) =
            let value = strengthOf strength score

            if k > 0 && value >= bars[row] then
                offer row value score column cells 0.0

            if k > 0 && value >= bars[column] then
                offer column value score row cells 0.0

/// The pairs of at least some strength.
type private ThresholdSink(scorer: PairScorer, withInformation, order: int[], least: float, strength: Strength) =
    let found = List<LoosePairs.Loose>()

    interface PairSink with
        member _.Add block =
            let own = List<LoosePairs.Loose>()

            eachRow scorer block (fun row first scores ->
                for column in first .. block.EndColumn - 1 do
                    let score = scores[column - block.FirstColumn]

                    if strengthOf strength score >= least then
                        own.Add {
                            A = order[row]
                            B = order[column]
                            Score = score
                            Cells = scorer.CellsOf(block, row, column)
                            Information =
                                if withInformation then
                                    informationAt block (PairScorer.At(block, row, column))
                                else
                                    0.0
                        })

            lock found (fun () -> found.AddRange own)

        member _.Finish() =
            PairStore.Kept(LoosePairs.collect order.Length withInformation (found.ToArray()))

    interface PairMerge with
        member _.Offer(row, column, score, cells) =
            if strengthOf strength score >= least then
                lock found (fun () ->
                    found.Add {
                        A = order[row]
                        B = order[column]
                        Score = score
                        Cells = cells
                        Information = 0.0
                    })

/// Every pair.
type private SquareSink(scorer: PairScorer, withInformation, order: int[]) =
    let side = 256
    let lines = (order.Length + side - 1) / side
    let squares = lines * (lines + 1) / 2
    let scores = Array.init squares (fun _ -> Array.zeroCreate<float>(side * side))
    let cells = Array.init squares (fun _ -> Array.zeroCreate<int>(side * side))

    let information =
        Array.init (if withInformation then squares else 0) (fun _ -> Array.zeroCreate<float>(side * side))

    interface PairSink with
        // Every pair has a place of its own, so no thread is in another's way.
        member _.Add block =
            eachRow scorer block (fun row first found ->
                for column in first .. block.EndColumn - 1 do
                    let low, high = min order[row] order[column], max order[row] order[column]
                    let square = (high / side) * (high / side + 1) / 2 + low / side
                    let place = (low % side) * side + high % side
                    scores[square][place] <- found[column - block.FirstColumn]
                    cells[square][place] <- scorer.CellsOf(block, row, column)

                    if withInformation then
                        information[square][place] <- informationAt block (PairScorer.At(block, row, column)))

        member _.Finish() =
            PairStore.Squares {
                Side = side
                Scores = scores
                Cells = cells
                Information = information
            }

/// Hands blocks on, and takes the p of every pair into the tail.
type private CountingSink(inner: PairSink, tests: PairTests, order: int[]) =
    interface PairSink with
        member _.Add block =
            let found = Array.zeroCreate<float> block.Width

            for row in block.FirstRow .. block.EndRow - 1 do
                let first = max (row + 1) block.FirstColumn

                for column in first .. block.EndColumn - 1 do
                    let bits = informationAt block (PairScorer.At(block, row, column)) * 1.0<bit>
                    found[column - first] <- tests.PValue(order[row], order[column], bits)

                tests.Tail.Add(found, max 0 (block.EndColumn - first))

            inner.Add block

        member _.Finish() = inner.Finish()

/// The pairs whose q is at most a rate. As q is never below p, only pairs of p up to the rate are held until q is known:
/// about that share of all pairs, and those that are found.
type private DiscoverySink(scorer: PairScorer, tests: PairTests, order: int[], rate: float) =
    let candidates = List<struct (float * LoosePairs.Loose)>()

    interface PairSink with
        member _.Add block =
            let own = List<struct (float * LoosePairs.Loose)>()
            let found = Array.zeroCreate<float> block.Width

            eachRow scorer block (fun row first scores ->
                for column in first .. block.EndColumn - 1 do
                    let bits = informationAt block (PairScorer.At(block, row, column))
                    let p = tests.PValue(order[row], order[column], bits * 1.0<bit>)
                    found[column - first] <- p

                    if p <= rate then
                        own.Add(
                            struct (p,
                                    {
                                        A = order[row]
                                        B = order[column]
                                        Score = scores[column - block.FirstColumn]
                                        Cells = scorer.CellsOf(block, row, column)
                                        Information = bits
                                    })
                        )

                tests.Tail.Add(found, block.EndColumn - first))

            lock candidates (fun () -> candidates.AddRange own)

        member _.Finish() =
            let kept = [|
                for struct (p, pair) in candidates do
                    if tests.Tail.QValue p <= rate then
                        pair
            |]

            PairStore.Kept(LoosePairs.collect order.Length true kept)

[<RequireQualifiedAccess>]
module PairSink =
    /// A sink for genes that arrive in this order of their input numbers; `names` are in input order. With `tests` the p
    /// of every pair is taken into their tail, and kept pairs keep their mutual information. Throws ArgumentException for
    /// a false discovery rate without tests.
    let create
        (scorer: PairScorer)
        (tests: PairTests option)
        keep
        strength
        (order: int[])
        (names: string[])
        : PairSink =
        let counted (inner: PairSink) =
            match tests with
            | Some tests -> CountingSink(inner, tests, order) :> PairSink
            | None -> inner

        match keep, tests with
        | Keep.Top k, _ -> counted (TopSink(scorer, tests.IsSome, order, names, k, strength))
        | Keep.AtLeast least, _ -> counted (ThresholdSink(scorer, tests.IsSome, order, least, strength))
        | Keep.All, _ -> counted (SquareSink(scorer, tests.IsSome, order))
        | Keep.FalseDiscoveryRate rate, Some tests -> DiscoverySink(scorer, tests, order, rate)
        | Keep.FalseDiscoveryRate rate, None ->
            invalidArg (nameof tests) $"a false discovery rate of {rate} needs tests"

    /// A sink for pairs of all genes, in input order, that were kept among some of them: what it keeps is what a sink that
    /// is handed every pair keeps. Throws ArgumentException for Keep.All and for a false discovery rate.
    let merge keep strength (names: string[]) : PairMerge =
        let order = Array.init names.Length id

        match keep with
        | Keep.Top k -> TopSink(PairScorer.information, false, order, names, k, strength)
        | Keep.AtLeast least -> ThresholdSink(PairScorer.information, false, order, least, strength)
        | Keep.All
        | Keep.FalseDiscoveryRate _ ->
            invalidArg (nameof keep) $"{keep} is not told from the pairs that were kept of some"

    /// The pairs to keep of pairs that have scores already.
    let select keep strength (scores: PairScores) : PairScores =
        let genes = scores.Genes.Length
        let row = Array.zeroCreate<struct (float * int)> genes

        let scorer = {
            new PairScorer() with
                override _.ScoreRow(_, a, first, found) =
                    for b in first .. genes - 1 do
                        let partner = scores.TryPair(a, b)
                        row[b] <- struct (partner.Value.Score, partner.Value.Cells)
                        found[b - first] <- partner.Value.Score

                override _.CellsOf(_, _, b) =
                    let struct (_, cells) = row[b]
                    cells
        }

        let sink = create scorer None keep strength (Array.init genes id) scores.Genes
        let block = PairBlock()

        for a in 0 .. genes - 2 do
            block.Reset(a, a + 1, a + 1, genes)
            sink.Add block

        PairScores(scores.Genes, sink.Finish())
