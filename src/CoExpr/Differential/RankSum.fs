namespace CoExpr

open System
open System.Collections.Concurrent
open CoExpr.Kernels

/// How much each stratum of cells counts in a stratified rank-sum test.
[<RequireQualifiedAccess>]
type StratumWeight =
    /// By its number of pairs of cells: the sum of the U (CRISPYx).
    | Unit
    /// U / (cells + 1): the locally most powerful weights against shifts (van Elteren 1960).
    | LocallyBest

/// How a rank-sum test is made.
type RankSumOptions = {
    /// Whether |U − its mean| is lowered by 1/2, as a continuous distribution stands for steps of 1.
    Continuity: bool
    /// Whether the variance of U takes ties into account; scanpy's standard is not to.
    Ties: bool
    /// Whether p is exact where no values are tied and the groups have at most 50 cells together.
    Exact: bool
    Weight: StratumWeight
}

/// The distribution of U under the null hypothesis, without ties.
[<RequireQualifiedAccess>]
module ExactRankSum =

    /// Most cells of both groups together for which p is exact.
    [<Literal>]
    let MostCells = 50

    /// How many of the ways to choose the ranks of n1 cells among n1 + n0 have each U: the coefficients of the Gaussian
    /// binomial, whole numbers below 2^53 for up to MostCells cells.
    let private frequencies n1 n0 : float[] =
        let counts = Array.zeroCreate<float>(n1 * n0 + 1)
        counts[0] <- 1.0

        // Multiplied by 1 − q^(n0 + i), then divided by 1 − q^i, for each i up to n1.
        for i in 1..n1 do
            for u in counts.Length - 1 .. -1 .. n0 + i do
                counts[u] <- counts[u] - counts[u - n0 - i]

            for u in i .. counts.Length - 1 do
                counts[u] <- counts[u] + counts[u - i]

        counts

    let private upperTails = ConcurrentDictionary<struct (int * int), Lazy<float[]>>()

    let private makeTails n1 n0 =
        let counts = frequencies n1 n0
        let total = Array.sum counts

        // Sums of whole numbers below 2^53: their order does not matter.
        Array.scanBack (+) counts 0.0 |> Array.map (fun above -> above / total)

    /// P(U ≥ u), of n1 and n0 cells, for whole u from 0 to n1 · n0.
    let upper n1 n0 (u: int) =
        upperTails.GetOrAdd(struct (n1, n0), (fun (struct (n1, n0)) -> lazy (makeTails n1 n0))).Value[u]

/// The rank-sum test of Wilcoxon (1945), or U test of Mann and Whitney (1947).
///
/// U is the number of pairs of a perturbed cell and a cell of the reference in which the perturbed one has the higher
/// value, ties counting 1/2. Under the null hypothesis its mean is n1 n0 / 2, its variance
///
///     n1 n0 / 12 · ((N + 1) − Σ (t³ − t) / (N (N − 1))),   N = n1 + n0, t cells sharing a value.
///
/// U / (n1 n0) is the area under the ROC curve; the effect is that area less 1/2, from −1/2 to 1/2. The statistic is z. With
/// cells in strata, ranks are taken within each, and z = Σ w (U − mean) / √(Σ w² variance) (van Elteren 1960).
[<RequireQualifiedAccess>]
module RankSum =

    /// Corrected for ties and continuity, exact for few cells without ties; strata by their locally best weights.
    let standard = {
        Continuity = true
        Ties = true
        Exact = true
        Weight = StratumWeight.LocallyBest
    }

    /// n1 n0 / 12 · ((N + 1) − ties / (N (N − 1))); 0 where a group is empty.
    let variance (n1: float) (n0: float) (ties: float) =
        let n = n1 + n0

        if n1 = 0.0 || n0 = 0.0 then
            0.0
        else
            n1 * n0 / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)))

    /// The distance from the mean that is taken off for continuity, so that what is left is no farther than it was.
    let private corrected options alternative (difference: float) =
        if not options.Continuity then
            difference
        else
            match alternative with
            | TwoSampleAlternative.TwoSided -> float (sign difference) * max 0.0 (abs difference - 0.5)
            | TwoSampleAlternative.Greater -> difference - 0.5
            | TwoSampleAlternative.Less -> difference + 0.5

    let private exact alternative n1 n0 (u: float) =
        let upper = ExactRankSum.upper n1 n0
        let u, opposite = int u, n1 * n0 - int u

        let p =
            match alternative with
            | TwoSampleAlternative.TwoSided -> min 1.0 (2.0 * upper (max u opposite))
            | TwoSampleAlternative.Greater -> upper u
            | TwoSampleAlternative.Less -> upper opposite

        struct (p, log10 p)

    /// What the strata of one row add up to.
    [<Struct>]
    type private Sum = {
        U: float
        Pairs: float
        Difference: float
        Variance: float
        Ties: float
    }

    let private weight options (cells: float) =
        match options.Weight with
        | StratumWeight.Unit -> 1.0
        | StratumWeight.LocallyBest -> 1.0 / (cells + 1.0)

    /// A single stratum has no weight: z would be the same.
    let private add options strata (n1: float) (n0: float) (u: float) ties sum =
        let weight = if strata = 1 then 1.0 else weight options (n1 + n0)

        if n1 = 0.0 || n0 = 0.0 then
            sum
        else
            {
                U = sum.U + u
                Pairs = sum.Pairs + n1 * n0
                Difference = sum.Difference + weight * (u - n1 * n0 / 2.0)
                Variance =
                    sum.Variance
                    + weight * weight * variance n1 n0 (if options.Ties then ties else 0.0)
                Ties = sum.Ties + ties
            }

    let private fillTied (rows: ContrastRows) place =
        rows.Statistic[place] <- 0.0
        rows.PValue[place] <- 1.0
        rows.Log10P[place] <- 0.0

        if rows.Status[place] <> RowStatus.AllZero then
            rows.Status[place] <- RowStatus.AllTied

    let private isExact options strata n1 n0 sum =
        options.Exact
        && strata = 1
        && sum.Ties = 0.0
        && n1 + n0 <= ExactRankSum.MostCells

    /// Fills in the numbers of one row from its sums.
    let private fill (tested: TestedGenes) options (rows: ContrastRows) (u: float[]) place n1 n0 sum =
        rows.Effect[place] <- (sum.U - sum.Pairs / 2.0) / sum.Pairs
        u[place] <- sum.U

        if sum.Variance > 0.0 then
            let z = corrected options tested.Alternative sum.Difference / sqrt sum.Variance

            rows.Statistic[place] <- z

            // The others' p are made of all rows together.
            if isExact options tested.Strata n1 n0 sum then
                let struct (p, log10P) = exact tested.Alternative n1 n0 sum.U
                rows.PValue[place] <- p
                rows.Log10P[place] <- log10P
        else
            fillTied rows place

    /// Of every group of every stratum the cells that it is compared with.
    let private references (tested: TestedGenes) (sizes: int[]) =
        let whole =
            Array.init tested.Strata (fun stratum ->
                Array.sum (Array.sub sizes (stratum * tested.Groups) tested.Groups))

        Array.init sizes.Length (fun at ->
            let stratum = at / tested.Groups

            match tested.Control with
            | Some control -> sizes[stratum * tested.Groups + control]
            | None -> whole[stratum] - sizes[at])

    /// The numbers of cells, U and ties of every stratum of one row.
    let private sumStrata (tested: TestedGenes) options (sizes: int[]) (references: int[]) (kernels: RankSums[]) group =
        let mutable sum = {
            U = 0.0
            Pairs = 0.0
            Difference = 0.0
            Variance = 0.0
            Ties = 0.0
        }

        for stratum in 0 .. tested.Strata - 1 do
            let at, kernel = stratum * tested.Groups + group, kernels[stratum]
            let u = float kernel.TwiceU[group] / 2.0
            sum <- add options tested.Strata (float sizes[at]) (float references[at]) u kernel.Ties[group] sum

        sum

    /// The name among further columns of U of the perturbed cells.
    [<Literal>]
    let UStatistic = "u_statistic"

    let private worker (tested: TestedGenes) options (block: GeneRows) =
        let rows = block.Rows
        let u = rows.Named UStatistic
        let control = Option.defaultValue RankSums.Rest tested.Control

        let whole =
            match tested.Values with
            | TestedValues.LogNormalised _ -> false
            | _ -> tested.Grouped.Integer

        // Steps of U weigh differently in each stratum.
        let options = {
            options with
                Continuity = options.Continuity && tested.Strata = 1
        }

        let sizes =
            Array.init (tested.Strata * tested.Groups) (fun group -> tested.Grouped.Size group)

        let references = references tested sizes
        let kernels = Array.init tested.Strata (fun _ -> RankSums tested.Groups)
        let referenceSizes = TestedGenes.referenceSizes tested

        let test (reader: GeneReader) at =
            for stratum in 0 .. tested.Strata - 1 do
                let first = stratum * tested.Groups

                kernels[stratum]
                    .Rank(
                        reader.Values,
                        ReadOnlySpan(reader.Bounds, first, tested.Groups + 1),
                        ReadOnlySpan(sizes, first, tested.Groups),
                        control,
                        whole
                    )

            for group in 0 .. tested.Groups - 1 do
                let place = at * tested.Groups + group

                if rows.Status[place] <> RowStatus.TooFewCells && tested.Control <> Some group then
                    let sum = sumStrata tested options sizes references kernels group

                    if sum.Pairs = 0.0 then
                        rows.Status[place] <- RowStatus.TooFewCells
                    else
                        fill tested options rows u place reader.Sizes[group] referenceSizes[group] sum

        let tails = TailColumns.normal tested.Alternative

        {
            Test = test
            Finish = fun () -> tails rows
        }

    /// Tests every gene of every perturbation; rows do not have their q-values yet. The same bits for every number of
    /// threads and any division into blocks of genes.
    let compute progress threads options (tested: TestedGenes) : ContrastRows =
        GeneBlocks.run progress threads tested [ UStatistic ] (worker tested options)
