namespace CoExpr

open System
open CoExpr.Kernels

/// Makes scores of what a kernel says of pairs. Genes are numbered as the kernel has them.
[<AbstractClass>]
type PairScorer() =
    /// Scores the pairs of gene `row` with the genes from `first` on into `scores`, each at its column less the block's first.
    abstract ScoreRow: block: PairBlock * row: int * first: int * scores: float[] -> unit
    /// The number of cells that a pair's score is made from.
    abstract CellsOf: block: PairBlock * row: int * column: int -> int

    /// The place of a pair in the arrays of its block.
    static member inline At(block: PairBlock, row, column) =
        (row - block.FirstRow) * block.Width + column - block.FirstColumn

/// Mutual information in bits, signed as the block says: the plug-in estimate.
type private InformationScorer() =
    inherit PairScorer()

    override _.ScoreRow(block, row, first, scores) =
        let line = (row - block.FirstRow) * block.Width

        for column in first - block.FirstColumn .. block.Width - 1 do
            let at = line + column
            // Adding 0 turns the −0 of a sign times nothing into 0.
            scores[column] <-
                float block.Signs[at]
                * float (MutualInformation.bits block.Numerators[at] block.Cells[at])
                + 0.0

    override _.CellsOf(block, row, column) =
        block.Cells[PairScorer.At(block, row, column)]

/// Entropies of genes within the cells of a pair, as M · H · 2^30, from whole-number facts of each gene alone.
///
/// Of the M cells of a pair, those that express gene A do so at its own level sizes, whatever the other gene: only cells
/// that express neither are ever left out. The rest of the M are its level 0. So
///
///     M · H(A) = M log2 M − Σ s log2 s − (M − n_A) log2 (M − n_A)        with s its level sizes, n_A = Σ s,
///
/// and under the convention of either gene M = n_A + n_B − K, K being the cells that express both.
[<Sealed>]
type internal GeneEntropies(genes: BinnedGenes) =
    let table = EntropyTable.Shared genes.Cells

    let sizes gene =
        ReadOnlySpan(genes.LevelSizes, genes.LevelStarts[gene], genes.LevelStarts[gene + 1] - genes.LevelStarts[gene])

    let expressed = Array.init genes.Genes genes.Expressed

    let sums =
        Array.init genes.Genes (fun gene ->
            let mutable sum = 0L

            for size in sizes gene do
                sum <- sum + table[size]

            sum)

    let levels =
        Array.init genes.Genes (fun gene ->
            let mutable occupied = 0

            for size in sizes gene do
                if size > 0 then
                    occupied <- occupied + 1

            occupied)

    /// M · H · 2^30 of a gene within M cells.
    member _.Numerator(gene, cells) =
        table[cells] - sums[gene] - table[cells - expressed[gene]]

    /// Its levels that are not empty within M cells.
    member _.Occupied(gene, cells) =
        levels[gene] + (if cells > expressed[gene] then 1 else 0)

/// Information by any estimator that needs no more than counts of occupied bins, divided by an entropy or not.
type private CorrectedScorer(genes: GeneEntropies, measure, estimator, signed) =
    inherit PairScorer()

    /// Half a nat, in the unit of numerators: what each occupied bin beyond the first adds to M · H.
    let bias =
        match estimator with
        | Estimator.MillerMadow -> float (1L <<< EntropyTable.Scale) / (2.0 * Math.Log 2.0)
        | _ -> 0.0

    let entropy gene cells =
        float (genes.Numerator(gene, cells))
        + bias * float (genes.Occupied(gene, cells) - 1)

    let over (information: float) entropy =
        if entropy > 0.0 then information / entropy else 0.0

    let score (information: float) (block: PairBlock) at row column =
        let cells = block.Cells[at]

        match measure with
        | Measure.NormalizedInformation NormalizedBy.Minimum ->
            over information (min (entropy row cells) (entropy column cells))
        | Measure.NormalizedInformation NormalizedBy.Mean ->
            over information ((entropy row cells + entropy column cells) / 2.0)
        | Measure.NormalizedInformation NormalizedBy.Joint ->
            over information (entropy row cells + entropy column cells - information)
        | _ -> information / (float cells * float (1L <<< EntropyTable.Scale))

    // I = H(A) + H(B) − H(A,B), so its bins beyond the first are (K_A − 1) + (K_B − 1) − (K − 1).
    let information (block: PairBlock) at row column =
        let plugIn = float block.Numerators[at]

        if bias = 0.0 then
            plugIn
        else
            let cells = block.Cells[at]

            let bins =
                genes.Occupied(row, cells) + genes.Occupied(column, cells)
                - block.Occupied[at]
                - 1

            plugIn + bias * float bins

    override _.ScoreRow(block, row, first, scores) =
        for column in first .. block.EndColumn - 1 do
            let at = PairScorer.At(block, row, column)

            scores[column - block.FirstColumn] <-
                if block.Cells[at] = 0 then
                    0.0
                else
                    let score = score (information block at row column) block at row column

                    // An estimate below 0 says that nothing is shared; a sign would turn it into a score above 0.
                    if signed then
                        float block.Signs[at] * max 0.0 score + 0.0
                    else
                        score

    override _.CellsOf(block, row, column) =
        block.Cells[PairScorer.At(block, row, column)]

/// Sums of the values of genes over all cells, those not stored being 0, as the correlation coefficient takes them.
[<Sealed>]
type internal GeneMoments(values: GeneValues) =

    let entries gene =
        ReadOnlySpan(values.Values, int values.Starts[gene], int (values.Starts[gene + 1] - values.Starts[gene]))

    let n = float values.Cells

    /// Whether sums of squares, and so all sums of products with another such gene, are whole numbers that double precision
    /// holds. A gene's own values say so, whichever other genes are scored with it.
    let isExact gene =
        let mutable whole = true

        for value in entries gene do
            whole <- whole && value = MathF.Truncate value

        whole && values.Norms[gene] * values.Norms[gene] < 9.0e15

    let exact = Array.init values.Genes isExact

    let squares =
        Array.init values.Genes (fun gene ->
            let mutable sum = 0.0

            for value in entries gene do
                sum <- sum + float value * float value

            sum)

    let isConstant gene =
        let own = entries gene
        let mutable constant = true
        let first = if own.Length = 0 then 0.0f else own[0]

        for value in own do
            constant <- constant && value = first

        constant && (own.Length = values.Cells || first = 0.0f)

    /// a·b − c·d, where rounding of the two products is made good (Kahan; Jeannerod, Louvet and Muller 2013).
    static member DifferenceOfProducts(a: float, b: float, c: float, d: float) =
        let product = c * d
        Math.FusedMultiplyAdd(a, b, -product) + Math.FusedMultiplyAdd(-c, d, product)

    member _.Means = Array.map (fun sum -> sum / n) values.Sums
    member _.Exact(gene) = exact[gene]
    member _.Squares = squares
    member _.Constant = Array.init values.Genes isConstant

    /// N Σx² − (Σx)² = N Σ(x − mean)², of which the second loses nothing to cancellation; exactly 0 where constant.
    member this.Variations =
        let means, constant = this.Means, this.Constant

        Array.init values.Genes (fun gene ->
            if constant[gene] then
                0.0
            elif exact[gene] then
                GeneMoments.DifferenceOfProducts(n, squares[gene], values.Sums[gene], values.Sums[gene])
            else
                let mean = means[gene]
                let own = entries gene
                let mutable sum = float (values.Cells - own.Length) * mean * mean

                for value in own do
                    let from = float value - mean
                    sum <- sum + from * from

                n * sum)

/// Pearson's r = (N Σxy − Σx Σy) / √((N Σx² − (Σx)²)(N Σy² − (Σy)²)), over all cells.
type private PearsonScorer(values: GeneValues) =
    inherit PairScorer()
    let n = float values.Cells
    let moments = GeneMoments values
    let means, variations = moments.Means, moments.Variations

    /// Σ(x − mean x)(y − mean y) times N, cell by cell: for pairs of which the difference would lose digits.
    let centred a b =
        let mutable i, j = int values.Starts[a], int values.Starts[b]
        let endA, endB = int values.Starts[a + 1], int values.Starts[b + 1]
        let meanA, meanB = means[a], means[b]
        let mutable sum, seen = 0.0, 0

        while i < endA || j < endB do
            let cellA = if i < endA then values.CellOf[i] else Int32.MaxValue
            let cellB = if j < endB then values.CellOf[j] else Int32.MaxValue
            let mutable x, y = -meanA, -meanB

            if cellA <= cellB then
                x <- x + float values.Values[i]
                i <- i + 1

            if cellB <= cellA then
                y <- y + float values.Values[j]
                j <- j + 1

            sum <- sum + x * y
            seen <- seen + 1

        n * (sum + float (values.Cells - seen) * (meanA * meanB))

    // Sums of N products that round are off by about √N roundoffs of |x||y| (rule of thumb of Higham 2002, 2.6).
    let roundoff = (sqrt n + 4.0) / float (1L <<< 53) * n

    let covariation a b products scale =
        let difference =
            GeneMoments.DifferenceOfProducts(n, products, values.Sums[a], values.Sums[b])

        if
            (moments.Exact a && moments.Exact b)
            || roundoff * values.Norms[a] * values.Norms[b] <= 2e-13 * scale
        then
            difference
        else
            centred a b

    override _.ScoreRow(block, row, first, scores) =
        for column in first .. block.EndColumn - 1 do
            let at = PairScorer.At(block, row, column)
            let scale = sqrt (variations[row] * variations[column])

            scores[column - block.FirstColumn] <-
                if scale = 0.0 then
                    0.0
                else
                    Math.Clamp(covariation row column block.Products[at] scale / scale, -1.0, 1.0)

    override _.CellsOf(_, _, _) = values.Cells

/// Σxy / √(Σx² Σy²).
type private CosineScorer(values: GeneValues) =
    inherit PairScorer()
    let squares = (GeneMoments values).Squares

    override _.ScoreRow(block, row, first, scores) =
        for column in first .. block.EndColumn - 1 do
            let at = PairScorer.At(block, row, column)
            let scale = sqrt (squares[row] * squares[column])

            scores[column - block.FirstColumn] <-
                if scale = 0.0 then
                    0.0
                else
                    Math.Clamp(block.Products[at] / scale, -1.0, 1.0)

    override _.CellsOf(_, _, _) = values.Cells

/// Cells that express both genes over cells that express either.
type private JaccardScorer(genes: BinnedGenes) =
    inherit PairScorer()
    let expressed = Array.init genes.Genes genes.Expressed

    override _.ScoreRow(block, row, first, scores) =
        for column in first .. block.EndColumn - 1 do
            let both = block.Both[PairScorer.At(block, row, column)]
            let either = expressed[row] + expressed[column] - both
            scores[column - block.FirstColumn] <- if either = 0 then 0.0 else float both / float either

    override _.CellsOf(block, row, column) =
        expressed[row] + expressed[column]
        - block.Both[PairScorer.At(block, row, column)]

/// What JointBackend put in the place of the sum of products.
type private GivenScorer(signed) =
    inherit PairScorer()

    override _.ScoreRow(block, row, first, scores) =
        for column in first .. block.EndColumn - 1 do
            let at = PairScorer.At(block, row, column)

            scores[column - block.FirstColumn] <-
                if signed then
                    float block.Signs[at] * max 0.0 block.Products[at] + 0.0
                else
                    block.Products[at]

    override _.CellsOf(block, row, column) =
        block.Cells[PairScorer.At(block, row, column)]

[<RequireQualifiedAccess>]
module PairScorer =

    /// Mutual information in bits by the plug-in estimate, with the signs of the block.
    let information: PairScorer = InformationScorer()

    /// Reads what was put in the place of the sums of products, as JointBackend does.
    let given: PairScorer = GivenScorer false

    /// The scorer of a measure for genes in the kernel's order. `values` are those that the kernel multiplies: ranks for
    /// Spearman's correlation; null where the measure needs none.
    let create measure estimator signed (genes: BinnedGenes) (values: GeneValues) : PairScorer =
        match measure, estimator with
        | Measure.Custom _, _ -> given
        | Measure.MutualInformation, Estimator.PlugIn -> information
        | (Measure.MutualInformation | Measure.NormalizedInformation _), Estimator.Shrinkage -> GivenScorer signed
        | (Measure.MutualInformation | Measure.NormalizedInformation _), _ ->
            CorrectedScorer(GeneEntropies genes, measure, estimator, signed)
        | (Measure.Pearson | Measure.Spearman), _ -> PearsonScorer values
        | Measure.Cosine, _ -> CosineScorer values
        | Measure.Jaccard, _ -> JaccardScorer genes
