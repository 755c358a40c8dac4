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
    Statistic: float
    PValue: float
    Log10P: float
    Status: RowStatus
}

/// The tail that a statistic's p is read from.
[<RequireQualifiedAccess; Struct>]
type internal TestTail =
    | Normal
    | Student of degrees: float

    /// P(Z ≥ z) and its base-10 logarithm.
    member this.Upper z =
        match this with
        | TestTail.Normal -> NormalTail.upperAndLog10 z
        | TestTail.Student degrees -> struct (StudentTail.upper degrees z, StudentTail.log10Upper degrees z)

[<RequireQualifiedAccess>]
module internal FoldHypothesis =

    /// A size with the sign of a difference.
    let signed difference (size: float) =
        if difference < 0.0 then -size else size

    /// Statistic, p and its logarithm, from the log-fold change whose side of a threshold counts and the statistic of "the
    /// log-fold change is `shift`", positive where it is more.
    let judge
        hypothesis
        (tail: TestTail)
        logFold
        (statistic: float -> float)
        : struct (float * struct (float * float)) =
        let log2 = log 2.0

        let both z =
            let struct (p, log10P) = tail.Upper z
            struct (min 1.0 (2.0 * p), min 0.0 (Math.Log10 2.0 + log10P))

        match hypothesis with
        | FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, 0.0) ->
            let z = statistic 0.0
            struct (z, both (abs z))
        | FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, threshold) ->
            let bound = threshold * log2

            if abs logFold <= bound then
                struct (0.0, struct (1.0, 0.0))
            else
                let z = statistic (signed logFold bound)
                struct (z, both (abs z))
        | FoldHypothesis.Beyond(TwoSampleAlternative.Greater, threshold) ->
            let z = statistic (threshold * log2)
            struct (z, tail.Upper z)
        | FoldHypothesis.Beyond(TwoSampleAlternative.Less, threshold) ->
            let z = statistic (-threshold * log2)
            struct (z, tail.Upper -z)
        | FoldHypothesis.Within threshold ->
            // Both claims must hold, so the weaker counts.
            let z = min (statistic (-threshold * log2)) (-(statistic (threshold * log2)))
            struct (z, tail.Upper z)

[<RequireQualifiedAccess>]
module internal FoldTest =

    /// Of a gene that no cell of either group has.
    let allZero = {
        LogFold = 0.0
        StandardError = nan
        Statistic = 0.0
        PValue = 1.0
        Log10P = 0.0
        Status = RowStatus.AllZero
    }

    /// Of a fit that did not converge.
    let unsolved logFold error = {
        LogFold = logFold
        StandardError = error
        Statistic = nan
        PValue = nan
        Log10P = nan
        Status = RowStatus.NotConverged
    }

    /// Of a log-fold change with its standard error, and a statistic with p and its logarithm.
    let create status (struct (logFold, error)) (struct (z, struct (p, log10P))) =
        if Double.IsNaN z then
            unsolved logFold error
        else
            {
                LogFold = logFold
                StandardError = error
                Statistic = z
                PValue = p
                Log10P = log10P
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

    /// Fits the gene's groups. `quasiDispersion` divides the likelihood ratio, which then has a tail of so many degrees
    /// of freedom; infinite ones are the normal distribution.
    abstract Fit: dispersion: float * quasiDispersion: float * degrees: float -> unit

    /// The mean count of a group in a cell of size factor 1.
    abstract Mean: group: int -> float

    /// How many cells of a group have a count.
    abstract Stored: group: int -> int

    /// Compares a group with the control.
    abstract Compare: group: int -> FoldTest

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

/// Compares one gene's groups with the control. One serves one thread.
///
/// A group without counts has its maximum at a mean of 0, where its likelihood is 1: the likelihood ratio and the score
/// under the hypothesis are as good there as elsewhere, but the log-fold change is infinite. What is reported is then that
/// of Firth's penalised fits of both groups, about half a count in the empty one; a Wald statistic is of those, too.
[<Sealed>]
type internal FoldTester(nodes: SizeFactorNodes, control: int, test: NegativeBinomialTest, hypothesis: FoldHypothesis) =
    let counts = GeneCounts nodes
    let series = ControlScore()
    let expansions = GroupSeries nodes
    let means = Array.zeroCreate<float> nodes.Groups
    let mutable dispersion = nan
    let mutable controlInformation = nan
    let mutable quasi = 1.0
    let mutable tail = TestTail.Normal

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

    /// Log-fold change and standard error.
    let fold group =
        if means[group] > 0.0 && means[control] > 0.0 then
            let information = GroupFit.Information(nodes, group, dispersion, means[group])
            struct (log means[group] - log means[control], sqrt (1.0 / information + 1.0 / controlInformation))
        else
            let own, reference = penalized group, penalized control

            let precision which mean =
                1.0 / GroupFit.Information(nodes, which, dispersion, mean)

            let logFold = FoldTest.penalised (means[group] = 0.0) (log own) (log reference)
            struct (logFold, sqrt (precision group own + precision control reference))

    /// The counts of the gene that was loaded last.
    member _.Counts = counts

    /// Takes up a gene.
    member _.Load(positions: ReadOnlySpan<int>, values: ReadOnlySpan<float32>, starts: int[]) =
        counts.Load(positions, values, ReadOnlySpan starts, false)

    /// Fits the gene's groups. `quasiDispersion` divides the likelihood ratio, which then has a tail of so many degrees
    /// of freedom; infinite ones are the normal distribution.
    member _.Fit(alpha: float, quasiDispersion: float, degrees: float) =
        dispersion <- max alpha GroupFit.LeastDispersion
        quasi <- quasiDispersion

        tail <-
            if Double.IsInfinity degrees then
                TestTail.Normal
            else
                TestTail.Student degrees

        // Series of the others are to be good at the control's mean, too: near it is what they share under the hypothesis.
        means[control] <- expansions.Mean(counts, control, dispersion, nan)

        for group in 0 .. nodes.Groups - 1 do
            if group <> control then
                means[group] <- expansions.Mean(counts, group, dispersion, means[control])

        if means[control] > 0.0 then
            controlInformation <- GroupFit.Information(nodes, control, dispersion, means[control])
            series.Fit(counts, control, dispersion, means[control])
        else
            series.Clear()

    /// e^β of each group: the mean count in a cell of size factor 1. 0 where there are no counts.
    member _.Means = means

    /// Compares a group with the control.
    member _.Compare group : FoldTest =
        let isZero, isControlZero = means[group] = 0.0, means[control] = 0.0

        if counts.Totals[group] = 0.0 && counts.Totals[control] = 0.0 then
            FoldTest.allZero
        elif Double.IsNaN means[group] || Double.IsNaN means[control] then
            FoldTest.unsolved nan nan
        else
            let struct (logFold, error) = fold group
            let side = FoldTest.ofMaximum test isZero isControlZero logFold

            FoldHypothesis.judge hypothesis tail side (statistic group (struct (logFold, error)))
            |> FoldTest.create (FoldTest.status isZero isControlZero) (struct (logFold, error))

    /// See `IGeneTester.Posterior`.
    member _.Posterior group scale estimate =
        FoldPosterior.Mode(counts, control, series, group, dispersion, ReadOnlySpan means, quasi, scale, estimate)
