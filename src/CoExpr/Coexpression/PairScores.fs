namespace CoExpr

open System

/// One partner of a gene: its number, the score of the two in the unit of the measure, and the number of cells that the
/// score is made from.
[<Struct>]
type Partner = { Gene: int; Score: float; Cells: int }

/// Which of two scores is the stronger.
[<RequireQualifiedAccess>]
type Strength =
    /// The higher: the most co-expressed first, opposed genes last.
    | Score
    /// The farther from 0, whatever its sign.
    | Magnitude

/// Which pairs are kept.
[<RequireQualifiedAccess>]
type Keep =
    /// The pairs that are among the so many strongest of at least one of their two genes. Genes of equal score are told
    /// apart by name, in ordinal order, so that the order of genes in the file changes nothing.
    | Top of int
    /// The pairs of at least this strength.
    | AtLeast of float
    /// The pairs whose G-test of independence has a q of at most this.
    | FalseDiscoveryRate of float
    /// Every pair.
    | All

/// Kept pairs by gene: gene g's partners, in increasing order, from Starts[g] to before Starts[g + 1]. Each pair is there
/// twice, once for each of its genes.
type KeptPairs = {
    Starts: int64[]
    Partners: int[]
    Scores: float[]
    Cells: int[]
    /// Mutual information in bits, whatever the score, for p-values; empty where none are asked for.
    Information: float[]
}

/// All pairs, in squares of `Side` x `Side` of which only those on and above the diagonal are held.
type PairSquares = {
    Side: int
    /// Scores of the square in line r and column c ≥ r at place c(c + 1)/2 + r.
    Scores: float[][]
    Cells: int[][]
    /// Mutual information in bits, whatever the score, for p-values; empty where none are asked for.
    Information: float[][]
}

/// All pairs of so many genes, held where they need no memory: in a file.
type IPairRows =
    /// One gene's scores and cells with every gene, in order; what stands at its own place means nothing.
    abstract Row: gene: int -> struct (float[] * int[])
    /// The score and the cells of one pair.
    abstract Pair: a: int * b: int -> struct (float * int)

[<RequireQualifiedAccess>]
type PairStore =
    | Kept of KeptPairs
    | Squares of PairSquares
    | Rows of IPairRows

/// Scores of pairs of genes: symmetric, without the diagonal. Genes keep their names and the order of the input.
[<Sealed>]
type PairScores(genes: string[], store: PairStore) =

    let numbers =
        lazy
            (let numbers = Collections.Generic.Dictionary<string, int>(genes.Length)
             genes |> Array.iteri (fun number name -> numbers[name] <- number)
             numbers)

    let square (squares: PairSquares) a b =
        let row, column = min a b, max a b
        let r, c = row / squares.Side, column / squares.Side
        struct (c * (c + 1) / 2 + r, (row % squares.Side) * squares.Side + column % squares.Side)

    let find (kept: KeptPairs) a b =
        let first = int kept.Starts[a]
        Array.BinarySearch(kept.Partners, first, int kept.Starts[a + 1] - first, b)

    /// Names of the genes.
    member _.Genes = genes
    member _.Store = store

    /// The number of pairs kept, each counted once.
    member _.PairCount =
        match store with
        | PairStore.Kept kept -> kept.Partners.LongLength / 2L
        | PairStore.Squares _
        | PairStore.Rows _ -> genes.LongLength * (genes.LongLength - 1L) / 2L

    /// The number of a gene, if there is one of that name.
    member _.TryGene(name: string) =
        match numbers.Value.TryGetValue name with
        | true, number -> ValueSome number
        | _ -> ValueNone

    /// The pair of two genes by number, if it was kept.
    member _.TryPair(a: int, b: int) =
        if a = b then
            ValueNone
        else
            match store with
            | PairStore.Kept kept ->
                let at = find kept a b

                if at < 0 then
                    ValueNone
                else
                    ValueSome {
                        Gene = b
                        Score = kept.Scores[at]
                        Cells = kept.Cells[at]
                    }
            | PairStore.Squares squares ->
                let struct (block, at) = square squares a b

                ValueSome {
                    Gene = b
                    Score = squares.Scores[block][at]
                    Cells = squares.Cells[block][at]
                }
            | PairStore.Rows rows ->
                let struct (score, cells) = rows.Pair(a, b)

                ValueSome {
                    Gene = b
                    Score = score
                    Cells = cells
                }

    /// The mutual information of a kept pair in bits, whatever its score; nothing where it was not asked for.
    member _.TryInformation(a: int, b: int) : float<bit> voption =
        match store with
        | PairStore.Kept kept when a <> b && kept.Information.Length > 0 ->
            let at = find kept a b

            if at < 0 then
                ValueNone
            else
                ValueSome(kept.Information[at] * 1.0<bit>)
        | PairStore.Squares squares when a <> b && squares.Information.Length > 0 ->
            let struct (block, at) = square squares a b
            ValueSome(squares.Information[block][at] * 1.0<bit>)
        | _ -> ValueNone

    /// The place of the pair among the partners of the first gene, if it was kept as one of a list: see KeptPairs.
    member _.Place(a: int, b: int) =
        match store with
        | PairStore.Kept kept -> find kept a b
        | PairStore.Squares _
        | PairStore.Rows _ -> -1

    /// The partners of a gene, by number, in increasing order.
    member this.Partners(gene: int) : Partner[] =
        match store with
        | PairStore.Kept kept -> [|
            for at in int kept.Starts[gene] .. int kept.Starts[gene + 1] - 1 ->
                {
                    Gene = kept.Partners[at]
                    Score = kept.Scores[at]
                    Cells = kept.Cells[at]
                }
          |]
        | PairStore.Squares _ -> [|
            for other in 0 .. genes.Length - 1 do
                match this.TryPair(gene, other) with
                | ValueSome partner -> partner
                | ValueNone -> ()
          |]
        | PairStore.Rows rows ->
            let struct (scores, cells) = rows.Row gene

            [|
                for other in 0 .. genes.Length - 1 do
                    if other <> gene then
                        {
                            Gene = other
                            Score = scores[other]
                            Cells = cells[other]
                        }
            |]

[<RequireQualifiedAccess>]
module PairScores =

    /// Strongest first; genes of equal strength by name.
    let private byStrength strength (genes: string[]) (a: Partner) (b: Partner) =
        let value (partner: Partner) =
            match strength with
            | Strength.Score -> partner.Score
            | Strength.Magnitude -> abs partner.Score

        match compare (value b) (value a) with
        | 0 -> String.CompareOrdinal(genes[a.Gene], genes[b.Gene])
        | order -> order

    /// A gene's partners among the kept pairs, strongest first.
    let strongest strength (scores: PairScores) gene =
        scores.Partners gene |> Array.sortWith (byStrength strength scores.Genes)

    /// Every kept pair once: the first gene in order, its later partners strongest first. Made as it is read.
    let pairs strength (scores: PairScores) : seq<struct (int * Partner)> =
        seq {
            for gene in 0 .. scores.Genes.Length - 1 do
                for partner in strongest strength scores gene do
                    if partner.Gene > gene then
                        struct (gene, partner)
        }

    /// Each gene's row of the symmetric matrix of scores; 0 on the diagonal and for pairs that were not kept.
    let denseRow (scores: PairScores) gene =
        let row = Array.zeroCreate<float> scores.Genes.Length

        for partner in scores.Partners gene do
            row[partner.Gene] <- partner.Score

        row

    /// How many kept pairs have scores in each of `bins` equal ranges from the lowest score to the highest: the edges, one
    /// more than the ranges, and the counts.
    let distribution bins (scores: PairScores) =
        if bins < 1 then
            invalidArg (nameof bins) $"{bins} is below 1"

        let each (work: float -> unit) =
            for gene in 0 .. scores.Genes.Length - 1 do
                for partner in scores.Partners gene do
                    if partner.Gene > gene then
                        work (partner.Score)

        let mutable low, high = infinity, -infinity

        for gene in 0 .. scores.Genes.Length - 1 do
            for partner in scores.Partners gene do
                low <- min low (partner.Score)
                high <- max high (partner.Score)

        let low, high = (if low <= high then low, high else 0.0, 0.0)
        let width = if high > low then (high - low) / float bins else 1.0
        let counts = Array.zeroCreate<int64> bins

        each (fun score ->
            let bin = min (bins - 1) (int ((score - low) / width))
            counts[bin] <- counts[bin] + 1L)

        Array.init (bins + 1) (fun k -> low + float k * width), counts
