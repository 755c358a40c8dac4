namespace CoExpr

open System
open CoExpr.Kernels

/// What is done about values below 0, which counts cannot have.
[<RequireQualifiedAccess>]
type Negatives =
    /// The input is refused, with the gene and the cell of the first.
    | Refuse
    /// They count as not expressed, but keep their part in the sign of the correlation: GeneVector's reading.
    | AsZero

/// How co-expression is scored, and which pairs are kept.
type CoexpressionOptions = {
    /// Most bins of a gene's expressed cells, 2 to 255.
    Bins: int
    Edges: QuantileEdges
    /// Which cells a pair's histogram is made from.
    Cells: CellsIn
    /// Whether each score takes the sign of the pair's Pearson correlation over all cells.
    Signed: bool
    Keep: Keep
    Strength: Strength
    /// Genes expressed in fewer cells are left out; 1 or more.
    MinimumCells: int
    /// Genes of no higher entropy are left out.
    EntropyAbove: float<nat> option
    EntropyRule: EntropyRule
    Negatives: Negatives
    Threads: int
    Backend: IPairBackend
}

/// Scores of all pairs, and what they were made from.
type CoexpressionResult = {
    Scores: PairScores
    Options: CoexpressionOptions
    Source: string
    /// Cells of the input.
    Cells: int
    /// Genes of the input, before any were left out.
    InputGenes: int
    /// The cells' rows of the input's cell table.
    CellTable: Table
    /// The kept genes' rows of the input's gene table, with `coexpr_cells` (cells that express the gene) and
    /// `coexpr_bins` (its bins, "not expressed" not counted).
    GeneTable: Table
    /// Pairs that were scored, kept or not.
    PairsScored: int64
}

/// Which genes share information, and how much.
[<RequireQualifiedAccess>]
module Coexpression =

    /// Signed, over the cells that express either gene, 10 bins, the 50 strongest partners of each gene, genes in at least
    /// 3 cells.
    let defaults = {
        Bins = 10
        Edges = QuantileEdges.Exact
        Cells = CellsIn.EitherGene
        Signed = true
        Keep = Keep.Top 50
        Strength = Strength.Score
        MinimumCells = 3
        EntropyAbove = None
        EntropyRule = EntropyRule.WithoutZeros
        Negatives = Negatives.Refuse
        Threads = Schedule.defaultThreads
        Backend = Backend.cpu
    }

    let private invariant (value: float) =
        value.ToString("R", Globalization.CultureInfo.InvariantCulture)

    /// The first option outside its range, named as on the command line, as an error.
    let validate (options: CoexpressionOptions) : Result<unit, CoExprError> =
        let refuse option value allowed =
            Error(CoExprError.BadOption(option, value, allowed))

        if options.Bins < 2 || options.Bins > 255 then
            refuse "--bins" (string options.Bins) "2 to 255 are allowed"
        elif options.Threads < 1 then
            refuse "--threads" (string options.Threads) "1 or more are needed"
        elif options.MinimumCells < 1 then
            refuse
                "--min-cells"
                (string options.MinimumCells)
                "1 or more are needed, for a gene that no cell expresses has no score"
        else
            match options.Keep, options.EntropyAbove with
            | Keep.Top k, _ when k < 1 -> refuse "--top" (string k) "1 or more are needed"
            | Keep.AtLeast least, _ when not (Double.IsFinite(float least)) ->
                refuse "--min" (invariant (float least)) "a number of bits is needed"
            | _, Some threshold when not (Double.IsFinite(float threshold)) ->
                refuse "--entropy-above" (invariant (float threshold)) "a number of nats is needed"
            | _ -> Ok()

    /// What every value must be, and what is said of one that is not; looked for one after the other.
    let internal valueRules options : ((float32 -> bool) * string) list = [
        Single.IsFinite, "Values must be finite."
        if options.Negatives = Negatives.Refuse then
            (fun value -> value >= 0.0f),
            "Values must not be negative; are these scaled data? --negative-as-zero counts such values as not expressed."
    ]

    let private checkValues options (cells: Cells) =
        (Ok cells, valueRules options)
        ||> List.fold (fun checkedCells (isGood, advice) ->
            checkedCells |> Result.bind (Cells.requireValues isGood advice))

    /// The genes that passed, unless they make no pair.
    let internal requirePair options source inputGenes (genes: int[]) =
        if genes.Length >= 2 then
            Ok genes
        else
            let entropy =
                match options.EntropyAbove with
                | Some threshold -> $" and of an entropy above {invariant (float threshold)} nats"
                | None -> ""

            let advice =
                $"Of {inputGenes} genes in {source}, these are expressed in at least {options.MinimumCells} cells{entropy}."

            Error(CoExprError.TooFew("genes", genes.Length, 2L, advice))

    let private chooseGenes options (cells: Cells) =
        GeneFilter.passing options.MinimumCells options.EntropyAbove options.EntropyRule cells.Counts
        |> requirePair options cells.Source cells.Counts.Genes

    /// The partners of all genes are held in one array.
    let internal requireRoom options (genes: int[]) =
        match options.Keep with
        | Keep.Top k ->
            let partners = int64 genes.Length * int64 (min k (genes.Length - 1))

            if partners > int64 Array.MaxLength then
                Error(CoExprError.TooLarge($"--top {k} of {genes.Length} genes", partners, int64 Array.MaxLength))
            else
                Ok genes
        | _ -> Ok genes

    /// Genes by number of expressed cells, fewest first: the kernels take the sparser gene of a pair as the one to visit.
    let private byDensity (binned: BinnedGenes) =
        Array.init binned.Genes id |> Array.sortBy binned.Expressed

    let private takeBinned (order: int[]) (genes: BinnedGenes) =
        let lengths = order |> Array.map (fun gene -> int64 (genes.Expressed gene))
        let starts = Array.scan (+) 0L lengths

        let cellOf, levelOf =
            Array.zeroCreate<int>(int starts[order.Length]), Array.zeroCreate<byte>(int starts[order.Length])

        order
        |> Array.iteri (fun place gene ->
            Array.Copy(genes.CellOf, genes.Starts[gene], cellOf, starts[place], lengths[place])
            Array.Copy(genes.LevelOf, genes.Starts[gene], levelOf, starts[place], lengths[place]))

        BinnedGenes(genes.Cells, starts, cellOf, levelOf, order |> Array.map (fun gene -> genes.Levels[gene]))

    let private pairsIn (range: PairRange) =
        seq { range.FirstRow .. range.EndRow - 1 }
        |> Seq.sumBy (fun row -> int64 (max 0 (range.EndColumn - max (row + 1) range.FirstColumn)))

    /// Scores the pairs of a task into a sink; `advance` is told of the pairs as they are done.
    let internal scoreAll (advance: int64 -> unit) options (genes: BinnedGenes) (task: PairTask) (sink: PairSink) =
        use kernel = options.Backend.Open(genes, task, options.Threads)
        let blocks = kernel.Blocks
        let workers = Collections.Concurrent.ConcurrentBag<IPairWorker>()

        let newWorker () =
            let worker = kernel.NewWorker()
            workers.Add worker
            struct (worker, PairBlock())

        try
            Schedule.blocks options.Threads blocks.Count newWorker (fun (struct (worker, block)) number ->
                worker.Score(blocks[number], block)
                sink.Add block
                advance (pairsIn blocks[number]))
        finally
            for worker in workers do
                worker.Dispose()

        sink.Finish()

    /// The kept genes' rows, with the cells that express each and its bins.
    let internal geneTable (kept: int[]) (expressed: int[]) (levels: byte[]) table =
        let integers values =
            Column.Integer(Array.map int64 values, [||])

        Table.take kept table
        |> Table.withColumn "coexpr_cells" (integers expressed)
        |> Table.withColumn "coexpr_bins" (integers (Array.map int levels))

    /// What a backend must compute of every pair.
    let internal partsOf options =
        if options.Signed then
            PairParts.Information ||| PairParts.Signs
        else
            PairParts.Information

    let private run (progress: Progress) options (cells: Cells) (kept: int[]) =
        let advance = Progress.counter progress "binning" "genes" (int64 kept.Length)

        let counts =
            if kept.Length = cells.Counts.Genes then
                cells.Counts
            else
                cells.Counts.TakeGenes kept

        let binned = Discretization.genes options.Threads options.Edges options.Bins counts
        let order = byDensity binned

        let table =
            geneTable kept (Array.init binned.Genes binned.Expressed) binned.Levels cells.GeneTable

        advance (int64 kept.Length)

        let values =
            if options.Signed then
                let byGene = Compressed.take order counts.ByGene
                GeneValues(counts.Cells, byGene.Starts, byGene.Indices, byGene.Values)
            else
                Unchecked.defaultof<GeneValues>

        let sink = PairSink.create options.Keep options.Strength order table.Names

        let pairs = int64 kept.Length * int64 (kept.Length - 1) / 2L

        let store =
            scoreAll
                (Progress.counter progress "scoring" "pairs" pairs)
                options
                (takeBinned order binned)
                (PairTask(options.Cells, values, partsOf options))
                sink

        {
            Scores = PairScores(table.Names, store)
            Options = options
            Source = cells.Source
            Cells = counts.Cells
            InputGenes = cells.Counts.Genes
            CellTable = cells.CellTable
            GeneTable = table
            PairsScored = pairs
        }

    /// Scores every pair of the genes that pass, by mutual information in bits. Errors: options outside their range, two
    /// genes of one name, values that are not finite or (unless told otherwise) negative, fewer than 2 genes left.
    let compute (progress: Progress) options (cells: Cells) : Result<CoexpressionResult, CoExprError> =
        result {
            do! validate options
            let! cells = Cells.requireUniqueGenes cells
            let! cells = checkValues options cells
            let! kept = chooseGenes options cells |> Result.bind (requireRoom options)
            return run progress options cells kept
        }
