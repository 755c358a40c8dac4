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
    /// It applies to mutual information only; other measures have the sign that they have.
    Signed: bool
    Measure: Measure
    /// How mutual information is estimated.
    Estimator: Estimator
    /// What is made of the scores of all pairs before those to keep are chosen.
    Transform: Transform
    /// Whether every pair gets a p-value and a q-value, of the G-test of independence; needs CellsIn.All.
    PValues: bool
    Keep: Keep
    Strength: Strength
    /// Genes expressed in fewer cells are left out; 1 or more.
    MinimumCells: int
    /// Genes of no higher entropy are left out.
    EntropyAbove: float<nat> option
    EntropyRule: EntropyRule
    Negatives: Negatives
    /// Only pairs with at least one of these genes are scored; None scores all pairs.
    Regulators: string[] option
    /// What is said of the kept pairs by drawing cells anew.
    Resampling: ResamplingOptions
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
    /// p and q of every pair, where they were asked for.
    Tests: PairTests option
    /// What resamples say of the kept pairs.
    Resampling: PairResampling
    /// How pairs were counted, tile by tile; empty where the backend cannot say, and where scores were known before.
    Counting: CountingUse[]
}

/// Which genes share information, and how much.
[<RequireQualifiedAccess>]
module Coexpression =

    /// Signed mutual information, over the cells that express either gene, 10 bins, the 50 strongest partners of each gene, genes in at least
    /// 3 cells.
    let defaults = {
        Bins = 10
        Edges = QuantileEdges.Exact
        Cells = CellsIn.EitherGene
        Signed = true
        Measure = Measure.MutualInformation
        Estimator = Estimator.PlugIn
        Transform = Transform.None
        PValues = false
        Keep = Keep.Top 50
        Strength = Strength.Score
        MinimumCells = 3
        EntropyAbove = None
        EntropyRule = EntropyRule.WithoutZeros
        Negatives = Negatives.Refuse
        Regulators = None
        Resampling = PairResampling.none
        Threads = Schedule.defaultThreads
        Backend = Backend.cpu
    }

    let private invariant (value: float) =
        value.ToString("R", Globalization.CultureInfo.InvariantCulture)

    let private refuse option value allowed =
        Error(CoExprError.BadOption(option, value, allowed))

    let private checkKeep keep =
        match keep with
        | Keep.Top k when k < 1 -> refuse "--top" (string k) "1 or more are needed"
        | Keep.AtLeast least when not (Double.IsFinite least) -> refuse "--min" (invariant least) "a number is needed"
        | Keep.FalseDiscoveryRate rate when not (rate > 0.0 && rate < 1.0) ->
            refuse "--fdr" (invariant rate) "a rate between 0 and 1, both excluded, is needed"
        | _ -> Ok()

    /// Whether the run needs p-values, to report or to choose by.
    let needsTests options =
        match options.Keep with
        | Keep.FalseDiscoveryRate _ -> true
        | _ -> options.PValues

    /// The first option whose result needs all pairs or all cells at once, with its value as on the command line.
    let internal needsWhole options =
        match options.Transform, options.Keep, options.Resampling with
        | transform, _, _ when transform <> Transform.None -> Some("--transform", Transform.name transform)
        | _, Keep.FalseDiscoveryRate rate, _ -> Some("--fdr", invariant rate)
        | _ when options.PValues -> Some("--p-values", "yes")
        | _ when options.Regulators.IsSome -> Some("--regulators", string options.Regulators.Value.Length)
        | _, _, resampling when resampling.Bootstraps > 0 -> Some("--bootstraps", string resampling.Bootstraps)
        | _, _, resampling when resampling.Permutations > 0 -> Some("--permutations", string resampling.Permutations)
        | _ -> None

    let private checkMeasure options =
        let measure = Measure.optionName options.Measure

        if
            options.Estimator <> Estimator.PlugIn
            && not (Measure.isInformation options.Measure)
        then
            refuse
                "--estimator"
                (Measure.estimatorName options.Estimator)
                $"it estimates mutual information, and --measure {measure} is none"
        else
            Ok()

    let private checkTests options =
        let asked, value =
            match options.Keep with
            | Keep.FalseDiscoveryRate rate -> "--fdr", invariant rate
            | _ -> "--p-values", "yes"

        if not (needsTests options) then
            Ok()
        elif not (Measure.isInformation options.Measure) then
            refuse
                asked
                value
                $"the G-test is a test of mutual information, and --measure {Measure.optionName options.Measure} is none"
        elif options.Cells <> CellsIn.All then
            refuse
                asked
                value
                "--cells all is needed, for leaving out the cells that express neither gene makes independent genes depend on each other"
        elif options.Transform <> Transform.None then
            refuse
                asked
                value
                $"a p-value is one of a pair's own score, and --transform {Transform.name options.Transform} replaces it"
        else
            Ok()

    let private checkGenes options =
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
            match options.EntropyAbove with
            | Some threshold when not (Double.IsFinite(float threshold)) ->
                refuse "--entropy-above" (invariant (float threshold)) "a number of nats is needed"
            | _ -> Ok()

    let private checkRectangle options =
        if options.Regulators.IsSome && options.Transform <> Transform.None then
            refuse
                "--transform"
                (Transform.name options.Transform)
                "it needs the scores of all pairs, and --regulators leaves some out"
        else
            Ok()

    /// Resamples are scored by the plug-in estimate of mutual information.
    let private checkResampling options =
        let plain =
            options.Measure = Measure.MutualInformation
            && options.Estimator = Estimator.PlugIn
            && options.Transform = Transform.None

        if PairResampling.isWanted options.Resampling && not plain then
            let asked =
                if options.Resampling.Bootstraps > 0 then
                    "--bootstraps"
                else
                    "--permutations"

            let count = max options.Resampling.Bootstraps options.Resampling.Permutations

            refuse
                asked
                (string count)
                "resamples are scored by mutual information as it is; --measure mi, --estimator plugin and --transform none are needed"
        else
            PairResampling.validate options.Resampling

    /// The first option outside its range, named as on the command line, as an error.
    let validate (options: CoexpressionOptions) : Result<unit, CoExprError> =
        result {
            do! checkGenes options
            do! checkKeep options.Keep
            do! checkMeasure options
            do! checkTests options
            do! checkRectangle options
            do! checkResampling options
        }

    /// What scores are called in outputs: "mi", "pearson", "mi_clr".
    let scoreName options =
        match options.Transform with
        | Transform.None -> Measure.name options.Measure
        | transform -> $"{Measure.name options.Measure}_{Transform.name transform}"

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

    /// The regulators among the genes that are left, by number; None where all pairs are wanted.
    let private chooseRegulators options (cells: Cells) (kept: int[]) =
        match options.Regulators with
        | None -> Ok None
        | Some names ->
            Regulators.among cells.Source cells.GeneTable.Names kept names
            |> Result.map Some

    /// Genes by number of expressed cells, fewest first: the kernels take the sparser gene of a pair as the one to visit.
    /// Regulators stand before all others, so that their pairs are one rectangle.
    let private byDensity (regulators: int[] option) (binned: BinnedGenes) =
        let isRegulator = Array.create binned.Genes false

        for gene in Option.defaultValue [||] regulators do
            isRegulator[gene] <- true

        Array.init binned.Genes id
        |> Array.sortBy (fun gene -> struct (not isRegulator[gene], binned.Expressed gene, gene))

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

    /// Scores the pairs of a task into a sink; `advance` is told of the pairs as they are done. Gives what was kept, and how
    /// the pairs were counted, if the backend can say.
    let internal scoreAll
        advance
        threads
        (backend: IPairBackend)
        (genes: BinnedGenes)
        (task: PairTask)
        (sink: PairSink)
        =
        use kernel = backend.Open(genes, task, threads)
        let blocks = kernel.Blocks
        let workers = Collections.Concurrent.ConcurrentBag<IPairWorker>()

        let newWorker () =
            let worker = kernel.NewWorker()
            workers.Add worker
            struct (worker, PairBlock())

        try
            Schedule.blocks threads blocks.Count newWorker (fun (struct (worker, block)) number ->
                worker.Score(blocks[number], block)
                sink.Add block
                advance (Regulators.count blocks[number]))
        finally
            for worker in workers do
                worker.Dispose()

        let counting =
            match kernel with
            | :? IExplainedKernel as explained -> Array.ofSeq (explained.Explain())
            | _ -> [||]

        struct (sink.Finish(), counting)

    /// The kept genes' rows, with the cells that express each and its bins.
    let internal geneTable (kept: int[]) (expressed: int[]) (levels: byte[]) table =
        let integers values =
            Column.Integer(Array.map int64 values, [||])

        Table.take kept table
        |> Table.withColumn "coexpr_cells" (integers expressed)
        |> Table.withColumn "coexpr_bins" (integers (Array.map int levels))

    /// Signs are for mutual information only.
    let private isSigned options =
        options.Signed && Measure.isInformation options.Measure

    /// Whether a kernel multiplies the values of genes, for the score or for its sign.
    let internal wantsValues options =
        match options.Measure with
        | Measure.Pearson
        | Measure.Spearman
        | Measure.Cosine -> true
        | _ -> isSigned options

    /// The values that a kernel multiplies, from those of the input.
    let private multiplied options values =
        match options.Measure with
        | Measure.Spearman -> MidRanks.ofGenes options.Threads values
        | _ -> values

    /// Scores that need whole joint histograms have a backend of their own.
    let private backendOf options =
        match options.Measure, options.Estimator with
        | Measure.Custom(_, score), _ -> JointBackend.create score.Invoke
        | measure, Estimator.Shrinkage ->
            let hasNeither = options.Cells = CellsIn.All

            JointBackend.create (InformationEstimate.shrunken hasNeither >> InformationEstimate.score measure)
        | _ -> options.Backend

    let private testsOf options (binned: BinnedGenes) =
        if needsTests options then
            let entropies = GeneEntropies binned

            let levels =
                Array.init binned.Genes (fun gene -> entropies.Occupied(gene, binned.Cells))

            Some(PairTests(binned.Cells, levels, TailCounts()))
        else
            None

    /// What is kept, as the sink is told it: a rectangle, or pairs that are to be resampled, are kept pair by pair.
    let private keepOf options =
        match options.Keep with
        | _ when options.Transform <> Transform.None -> Keep.All
        | Keep.All when options.Regulators.IsSome || PairResampling.isWanted options.Resampling ->
            Keep.AtLeast -infinity
        | keep -> keep

    /// Scores some pairs and keeps some of those. Genes are in the kernel's order, of which `order` has their numbers among
    /// `names`; `values` are those of the input, null where none are wanted.
    let internal scorePairs advance options keep tests order names (genes: BinnedGenes) values pairs =
        let values = multiplied options values
        let parts = Measure.parts (isSigned options) options.Estimator options.Measure
        let task = PairTask(options.Cells, values, parts, Nullable pairs)

        let scorer =
            PairScorer.create options.Measure options.Estimator (isSigned options) genes values

        PairSink.create scorer tests keep options.Strength order names
        |> scoreAll advance options.Threads (backendOf options) genes task

    /// The scores of all pairs or, where nothing is made of them first, of those to keep.
    let private score progress options order (genes: BinnedGenes) values tests pairs names =
        let advance = Progress.counter progress "scoring" "pairs" (Regulators.count pairs)

        let struct (store, counting) =
            scorePairs advance options (keepOf options) tests order names genes values pairs

        let scores = PairScores(names, store)

        if options.Transform = Transform.None then
            struct (scores, counting)
        else
            struct (Transform.apply options.Threads options.Transform scores
                    |> PairSink.select options.Keep options.Strength,
                    counting)

    let private resample progress options binned names regulators store =
        match store, options.Keep, regulators with
        | PairStore.Kept kept, Keep.Top k, Some regulators ->
            let top = Some(struct (k, regulators))
            PairResampling.ofKept progress options.Threads options.Resampling binned options.Cells names top kept
        | PairStore.Kept kept, _, _ ->
            PairResampling.ofKept progress options.Threads options.Resampling binned options.Cells names None kept
        | (PairStore.Squares _ | PairStore.Rows _), _, _ -> PairResampling.nothing

    let private run (progress: Progress) options (cells: Cells) (kept: int[]) regulators =
        let advance = Progress.counter progress "binning" "genes" (int64 kept.Length)

        let counts =
            if kept.Length = cells.Counts.Genes then
                cells.Counts
            else
                cells.Counts.TakeGenes kept

        let binned = Discretization.genes options.Threads options.Edges options.Bins counts
        let order = byDensity regulators binned
        let pairs = Regulators.pairs regulators kept.Length

        let table =
            geneTable kept (Array.init binned.Genes binned.Expressed) binned.Levels cells.GeneTable

        advance (int64 kept.Length)
        let tests = testsOf options binned

        let values =
            if wantsValues options then
                let byGene = Compressed.take order counts.ByGene
                GeneValues(counts.Cells, byGene.Starts, byGene.Indices, byGene.Values)
            else
                Unchecked.defaultof<GeneValues>

        let genes = takeBinned order binned

        let struct (scores, counting) =
            score progress options order genes values tests pairs table.Names

        {
            Scores = scores
            Options = options
            Source = cells.Source
            Cells = counts.Cells
            InputGenes = cells.Counts.Genes
            CellTable = cells.CellTable
            GeneTable = table
            PairsScored = Regulators.count pairs
            Tests = tests
            Resampling = resample progress options binned table.Names regulators scores.Store
            Counting = counting
        }

    let internal requireRanks options (cells: int) =
        if options.Measure = Measure.Spearman && cells > MidRanks.MostCells then
            Error(CoExprError.TooLarge("cells whose ranks are correlated", int64 cells, int64 MidRanks.MostCells))
        else
            Ok()

    /// Scores every pair of the genes that pass by the measure of the options. Errors: options outside their range, two
    /// genes of one name, values that are not finite or (unless told otherwise) negative, fewer than 2 genes left.
    let compute (progress: Progress) options (cells: Cells) : Result<CoexpressionResult, CoExprError> =
        result {
            do! validate options
            do! requireRanks options cells.Counts.Cells
            let! cells = Cells.requireUniqueGenes cells
            let! cells = checkValues options cells
            let! kept = chooseGenes options cells |> Result.bind (requireRoom options)
            let! regulators = chooseRegulators options cells kept
            return run progress options cells kept regulators
        }
