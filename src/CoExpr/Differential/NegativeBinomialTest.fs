namespace CoExpr

open System
open CoExpr.Kernels

/// Which test compares a perturbation's mean with the control's.
[<RequireQualifiedAccess>]
type NegativeBinomialTest =
    /// The signed root of the likelihood ratio.
    | LikelihoodRatio
    /// The log-fold change over its standard error.
    | Wald
    /// Rao's score at the fit under the hypothesis, over its standard deviation.
    | Score
    /// The signed root of the likelihood ratio with the trend's dispersion over the gene's quasi-likelihood dispersion,
    /// shrunk; its square is an F (Lund et al. 2012; Ahlmann-Eltze and Huber 2020).
    | QuasiLikelihood

/// What is claimed of a log2 fold change.
[<RequireQualifiedAccess>]
type FoldHypothesis =
    /// It is beyond the threshold (0 or more): above it, below minus it, or either.
    | Beyond of TwoSampleAlternative * log2Threshold: float
    /// It is nearer to 0 than the threshold (above 0), either way.
    | Within of log2Threshold: float

[<RequireQualifiedAccess>]
module NegativeBinomialTest =
    /// As the command line and files have it.
    let name test =
        match test with
        | NegativeBinomialTest.LikelihoodRatio -> "lrt"
        | NegativeBinomialTest.Wald -> "wald"
        | NegativeBinomialTest.Score -> "score"
        | NegativeBinomialTest.QuasiLikelihood -> "ql"

/// One gene in one perturbation against the control.
[<Struct>]
type internal FoldTest = {
    /// Natural logarithm. Of the penalised means where a group has no counts.
    LogFold: float
    StandardError: float
    /// What p is read from; NaN where the fit did not converge.
    Statistic: float
    Status: RowStatus
}

[<RequireQualifiedAccess>]
module internal FoldHypothesis =

    /// A size with the sign of a difference.
    let signed difference (size: float) =
        if difference < 0.0 then -size else size

    /// The statistic that p is read from, from the log-fold change whose side of a threshold counts and the statistic of
    /// "the log-fold change is `shift`", positive where it is more.
    let statistic hypothesis logFold (statistic: float -> float) =
        let log2 = log 2.0

        match hypothesis with
        | FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, threshold) when threshold > 0.0 ->
            let bound = threshold * log2

            if abs logFold <= bound then
                0.0
            else
                statistic (signed logFold bound)
        | FoldHypothesis.Beyond(TwoSampleAlternative.Less, threshold) -> statistic (-threshold * log2)
        | FoldHypothesis.Beyond(_, threshold) -> statistic (threshold * log2)
        | FoldHypothesis.Within threshold ->
            // Both claims must hold, so the weaker counts.
            min (statistic (-threshold * log2)) (-(statistic (threshold * log2)))

    /// The shift that the statistic is of, whatever the log-fold change; NaN where that decides.
    let shift hypothesis =
        match hypothesis with
        | FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, threshold) when threshold > 0.0 -> nan
        | FoldHypothesis.Beyond(TwoSampleAlternative.Less, threshold) -> -threshold * log 2.0
        | FoldHypothesis.Beyond(_, threshold) -> threshold * log 2.0
        | FoldHypothesis.Within _ -> nan

    /// The tails of the statistic that p is of.
    let alternative hypothesis =
        match hypothesis with
        | FoldHypothesis.Beyond(alternative, _) -> alternative
        | FoldHypothesis.Within _ -> TwoSampleAlternative.Greater

[<RequireQualifiedAccess>]
module internal FoldTest =

    /// Of a natural logarithm.
    let log2e = 1.0 / log 2.0

    /// Takes the numbers of a test out of a row.
    let clear (rows: ContrastRows) (errors: float[]) place =
        rows.Effect[place] <- nan
        rows.LogFoldChange[place] <- nan
        errors[place] <- nan
        rows.Statistic[place] <- nan

    /// Puts a test into a row.
    let fill (rows: ContrastRows) (errors: float[]) place found =
        rows.Effect[place] <- found.LogFold * log2e
        rows.LogFoldChange[place] <- found.LogFold * log2e
        errors[place] <- found.StandardError * log2e
        rows.Statistic[place] <- found.Statistic
        rows.Status[place] <- found.Status

    /// Of a gene that no cell of either group has.
    let allZero = {
        LogFold = 0.0
        StandardError = nan
        Statistic = 0.0
        Status = RowStatus.AllZero
    }

    /// Of a fit that did not converge.
    let unsolved logFold error = {
        LogFold = logFold
        StandardError = error
        Statistic = nan
        Status = RowStatus.NotConverged
    }

    /// Of a log-fold change with its standard error, and a statistic.
    let create status (struct (logFold, error)) z =
        if Double.IsNaN z then
            unsolved logFold error
        else
            {
                LogFold = logFold
                StandardError = error
                Statistic = z
                Status = status
            }

    /// Of penalised ln means: half a count weighs more in few cells than in many, but never to the other side of 0.
    let penalised isZeroInPerturbed own reference =
        if isZeroInPerturbed then
            min 0.0 (own - reference)
        else
            max 0.0 (own - reference)

    /// Of groups that may be without counts.
    let status isZeroInPerturbed isZeroInReference =
        if isZeroInPerturbed then RowStatus.ZeroInPerturbed
        elif isZeroInReference then RowStatus.ZeroInReference
        else RowStatus.Tested

    /// The log-fold change whose side of a threshold counts: of likelihoods it is that of their maximum, which a group
    /// without counts has at minus or plus infinity; of a Wald statistic its own.
    let ofMaximum test isZeroInPerturbed isZeroInReference (logFold: float) =
        if test = NegativeBinomialTest.Wald then logFold
        elif isZeroInPerturbed then -infinity
        elif isZeroInReference then infinity
        else logFold

/// The groups of one gene after another, each to be compared with the control. One serves one thread.
type internal IGeneTester =
    /// Takes up a gene of the screen.
    abstract Load: gene: int -> unit

    /// The ln dispersion of largest profile times a normal density, of the gene that was loaded: from whether Cox and Reid's
    /// adjustment is in, the profile at the points of `DispersionFit`, and the density's mean and variance.
    abstract Mode: coxReid: bool * values: float[] * centre: float * variance: float -> float

    /// Fits the control and these groups of the gene. `quasiDispersion` divides the likelihood ratio.
    abstract Fit: groups: int[] * dispersion: float * quasiDispersion: float -> unit

    /// The mean count of a group that was fitted, in a cell of size factor 1.
    abstract Mean: group: int -> float

    /// Fills in means, fractions, fold changes, standard errors, statistics and status of groups that were fitted, against
    /// the control, at a place in a block of genes.
    abstract Fill: block: GeneRows * at: int * groups: int[] -> unit

    /// The mode of a log-fold change's posterior with a Cauchy prior of this scale, from an estimate: see `FoldPosterior`.
    abstract Posterior: group: int * scale: float * estimate: float -> FoldPosterior

/// The cells that move one gene's comparisons most. One serves one thread.
type internal IGeneCooks =
    /// Takes up a gene of the screen, and the dispersion and means that these groups were fitted with.
    abstract Load: gene: int * dispersion: float * groups: int[] * mean: (int -> float) -> unit

    /// The largest Cook's distance of the cells of a group and the one that it is compared with, beyond which limit it is
    /// one of an outlier.
    abstract Largest: group: int * reference: int * limit: float -> LargestCook

    /// The number in the input of the cell at a position.
    abstract Cell: position: int -> int

/// How the genes of a screen are fitted: by groups alone, or with covariates.
type internal GeneModel = {
    Genes: int
    /// The cells of each group.
    Sizes: int[]
    /// Cells less coefficients, at least 1.
    Degrees: float
    /// Of each gene the coefficients that its dispersion was found at, from which testing starts: null before that. Empty
    /// where groups alone are fitted, which start from nothing.
    Coefficients: CovariateCoefficients[]
    /// Dispersions of every gene alone.
    GeneWise: Progress -> int -> GeneDispersionOptions -> GeneDispersions
    Tester: unit -> IGeneTester
    /// None of models whose cells have leverages of other kinds.
    Cooks: (unit -> IGeneCooks) option
}

/// Compares some of one gene's groups with the control. One serves one thread.
///
/// A group without counts has its maximum at a mean of 0, where its likelihood is 1: the likelihood ratio and the score
/// under the hypothesis are as good there as elsewhere, but the log-fold change is infinite. What is reported is then that
/// of Firth's penalised fits of both groups, about half a count in the empty one; a Wald statistic is of those, too.
[<Sealed>]
type internal FoldTester(nodes: SizeFactorNodes, control: int, test: NegativeBinomialTest, hypothesis: FoldHypothesis) =
    let counts = GeneCounts nodes
    let series = ControlScore()
    let expansions = GroupSeries nodes
    let nulls = NullFits expansions

    let row () = Array.zeroCreate<float> nodes.Groups

    let means, information, lost = row (), row (), row ()
    let folds, errors, roots = row (), row (), row ()
    let stored = row ()
    let cells = Array.init nodes.Groups (nodes.Size >> float)
    let mutable dispersion = nan
    let mutable quasi = 1.0
    let mutable controlPenalized = nan
    let shift = FoldHypothesis.shift hypothesis

    let isLikelihood =
        match test with
        | NegativeBinomialTest.LikelihoodRatio
        | NegativeBinomialTest.QuasiLikelihood -> true
        | NegativeBinomialTest.Wald
        | NegativeBinomialTest.Score -> false

    /// The statistic of "the log-fold change is `shift`", positive where it is more.
    let statistic group (fold: struct (float * float)) shift =
        let struct (logFold, error) = fold

        match test with
        | NegativeBinomialTest.Wald -> (logFold - shift) / error
        | _ ->
            let fit =
                NullFit.Solve(
                    counts,
                    control,
                    series,
                    group,
                    dispersion,
                    ReadOnlySpan means,
                    shift,
                    (test = NegativeBinomialTest.Score),
                    expansions
                )

            let difference = log means[group] - log means[control] - shift

            match test with
            | NegativeBinomialTest.Score -> fit.Score / sqrt fit.Information
            | _ -> FoldHypothesis.signed difference (sqrt (2.0 * fit.LogRatio / quasi))

    let penalized group =
        GroupFit.PenalizedMean(counts, group, dispersion)

    /// All empty groups are compared with the same.
    let penalizedControl () =
        if Double.IsNaN controlPenalized then
            controlPenalized <- penalized control

        controlPenalized

    /// Log-fold change and standard error where one of the groups has no counts.
    let penalizedFold group =
        let own, reference = penalized group, penalizedControl ()

        let precision which mean =
            1.0 / GroupFit.Information(nodes, which, dispersion, mean)

        let logFold = FoldTest.penalised (means[group] = 0.0) (log own) (log reference)
        struct (logFold, sqrt (precision group own + precision control reference))

    let compareEmpty group =
        let isZero = means[group] = 0.0
        let fold = penalizedFold group
        let struct (logFold, _) = fold
        let side = FoldTest.ofMaximum test isZero (means[control] = 0.0) logFold

        FoldHypothesis.statistic hypothesis side (statistic group fold)
        |> FoldTest.create (FoldTest.status isZero (means[control] = 0.0)) fold

    /// Both groups have counts, and their series reach to the fit under the hypothesis.
    let isPlain group =
        isLikelihood
        && means[control] > 0.0
        && means[group] > 0.0
        && not (Double.IsNaN roots[group])

    let compareFull group =
        let fold = struct (folds[group], errors[group])

        FoldHypothesis.statistic hypothesis folds[group] (statistic group fold)
        |> FoldTest.create RowStatus.Tested fold

    let compare group : FoldTest =
        if counts.Totals[group] = 0.0 && counts.Totals[control] = 0.0 then
            FoldTest.allZero
        elif Double.IsNaN means[group] || Double.IsNaN means[control] then
            FoldTest.unsolved nan nan
        elif means[group] > 0.0 && means[control] > 0.0 then
            compareFull group
        else
            compareEmpty group

    let fillMeans (block: GeneRows) at =
        let bounds = counts.Bounds

        for group in 0 .. stored.Length - 1 do
            stored[group] <- float (bounds[group + 1] - bounds[group])

        let rows, ofControl = block.Rows, at * block.Groups + control
        means.CopyTo(GeneRows.ofGene block at rows.Mean)
        (GeneRows.ofGene block at rows.ReferenceMean).Fill(means[control])
        GroupMoments.Shares(stored, cells, GeneRows.ofGene block at rows.Fraction)
        (GeneRows.ofGene block at rows.ReferenceFraction).Fill(rows.Fraction[ofControl])

    /// Of all groups, of which those that are not plain are put right afterwards.
    let fillPlain (block: GeneRows) at (into: float[]) =
        let rows = block.Rows
        GroupMoments.Scale(folds, FoldTest.log2e, GeneRows.ofGene block at rows.Effect)
        GroupMoments.Scale(folds, FoldTest.log2e, GeneRows.ofGene block at rows.LogFoldChange)
        GroupMoments.Scale(errors, FoldTest.log2e, GeneRows.ofGene block at into)
        roots.CopyTo(GeneRows.ofGene block at rows.Statistic)

    /// The counts of the gene that was loaded last.
    member _.Counts = counts

    /// Takes up a gene.
    member _.Load(positions: ReadOnlySpan<int>, values: ReadOnlySpan<float32>, starts: int[]) =
        counts.Load(positions, values, ReadOnlySpan starts, false)

    /// Fits the control and these groups of the gene. `quasiDispersion` divides the likelihood ratio.
    member _.Fit(groups: int[], alpha: float, quasiDispersion: float) =
        dispersion <- max alpha GroupFit.LeastDispersion
        quasi <- quasiDispersion
        controlPenalized <- nan
        expansions.Fit(counts, dispersion, control, ReadOnlySpan groups, means)

        if means[control] > 0.0 then
            GroupFit.Informations(nodes, dispersion, means, information)
            series.Fit(counts, control, dispersion, means[control])

            if isLikelihood && not (Double.IsNaN shift) then
                nulls.Lost(control, means, shift, lost)
            else
                Array.Fill(lost, nan)

            NullFits.Statistics(means, control, information, lost, shift, quasi, folds, errors, roots)
        else
            series.Clear()

    /// e^β of each group: the mean count in a cell of size factor 1. 0 where there are no counts.
    member _.Means = means

    /// See `IGeneTester.Fill`.
    member _.Fill(block: GeneRows, at: int, groups: int[]) =
        let into = block.Rows.Named ContrastRows.StandardError
        fillMeans block at
        fillPlain block at into

        for group in groups do
            if not (isPlain group) then
                FoldTest.fill block.Rows into (at * block.Groups + group) (compare group)

    /// See `IGeneTester.Posterior`.
    member _.Posterior group scale estimate =
        FoldPosterior.Mode(counts, control, series, group, dispersion, ReadOnlySpan means, quasi, scale, estimate)
