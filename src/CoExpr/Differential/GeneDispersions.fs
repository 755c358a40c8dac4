namespace CoExpr

open System
open MathNet.Numerics.Interpolation
open CoExpr.Kernels

/// The dispersions that tests of a screen's counts rest on, one per gene: see `GeneDispersions`.
type ScreenDispersions = {
    Means: float[]
    GeneWise: float[]
    Trend: float[]
    Final: float[]
    /// −1 where the likelihood only rises towards 0, 1 where it only rises towards infinity, else 0.
    AtBound: sbyte[]
    /// Whether the gene is so far above the trend that it keeps its own.
    IsOutlier: bool[]
}

[<RequireQualifiedAccess>]
module ScreenDispersions =

    /// What is to be known of a gene's dispersion, in a word: no_counts, outlier, at_zero, at_infinity or ok.
    let status (found: ScreenDispersions) gene =
        if System.Double.IsNaN found.GeneWise[gene] then "no_counts"
        elif found.IsOutlier[gene] then "outlier"
        elif found.AtBound[gene] < 0y then "at_zero"
        elif found.AtBound[gene] > 0y then "at_infinity"
        else "ok"

    /// The names of final dispersions, those of genes alone and the trend's, as CRISPYx has them.
    let names = [ "dispersion"; "dispersion_raw"; "dispersion_trend" ]

    /// What goes by those names.
    let columns (found: ScreenDispersions) =
        List.zip names [ found.Final; found.GeneWise; found.Trend ]

/// How the dispersion of a typical gene of a screen depends on its mean.
[<RequireQualifiedAccess>]
type ScreenTrend =
    /// Of largest product of likelihoods over the twentieth of the genes with the nearest means, each tempered to the
    /// information that a gene has of its neighbours'. Genes whose own estimate is 0 say their part, too.
    | LocalLikelihood
    /// The median of ln dispersion over the twentieth of the genes with the nearest means, each weighed by its information.
    | RunningMedian
    /// asymptotic + extra / mean, a gamma regression of the dispersions on 1 / mean, each weighed by its information. Too high
    /// where counts are low, since estimates that come out high have more information, and those at 0 none.
    | Parametric
    /// One dispersion for all genes: the weighted median.
    | Constant

/// What a gene's dispersion is taken to be.
[<RequireQualifiedAccess>]
type ScreenShrinkage =
    /// The mode of its profile likelihood times a normal prior of ln dispersion around the trend.
    | PosteriorMode
    /// The mean of the gene's own ln dispersion and the trend's, weighed by their precisions: the same where the profile
    /// is a parabola.
    | Precision
    /// The gene's own.
    | GeneWise
    /// The trend's.
    | Trend

[<RequireQualifiedAccess>]
module ScreenTrend =

    let private known = [
        "local", ScreenTrend.LocalLikelihood
        "median", ScreenTrend.RunningMedian
        "parametric", ScreenTrend.Parametric
        "constant", ScreenTrend.Constant
    ]

    /// As the command line has it.
    let name trend = Words.name known trend

    /// The trend of a name.
    let parse word =
        Words.parse "--dispersion-trend" known word

[<RequireQualifiedAccess>]
module ScreenShrinkage =

    let private known = [
        "mode", ScreenShrinkage.PosteriorMode
        "precision", ScreenShrinkage.Precision
        "none", ScreenShrinkage.GeneWise
        "trend", ScreenShrinkage.Trend
    ]

    /// As the command line has it.
    let name shrinkage = Words.name known shrinkage

    /// The shrinkage of a name.
    let parse word =
        Words.parse "--dispersion-shrinkage" known word

/// How dispersions are estimated.
type GeneDispersionOptions = {
    /// Whether the likelihood is adjusted for the estimated means (Cox and Reid 1987).
    CoxReid: bool
    Trend: ScreenTrend
    Shrinkage: ScreenShrinkage
    /// Genes this many standard deviations above the trend keep their own.
    OutlierDeviations: float
}

/// Dispersions alpha (variance = mu + alpha mu²) of the genes of a screen. NaN where a gene has no counts.
type GeneDispersions = {
    /// The mean over cells of count / size factor.
    Means: float[]
    /// Of largest profile likelihood.
    GeneWise: float[]
    /// Minus the curvature of that likelihood in ln alpha: 1 / the variance of ln alpha, about.
    Information: float[]
    /// −1 where the likelihood only rises towards 0, 1 where it only rises towards infinity, else 0.
    AtBound: sbyte[]
    /// What genes of such a mean have.
    Trend: float[]
    /// Of ln alpha about the trend, sampling error left out.
    PriorVariance: float
    /// Whether the gene is so far above the trend that it keeps its own.
    IsOutlier: bool[]
    /// What tests use. Until a posterior mode is found, from the precisions.
    Final: float[]
    /// The profile at the points of `DispersionFit`, gene by gene.
    Profiles: float[]
}

/// The dispersion of each gene of a screen from its profile likelihood, shrunk towards a trend with the mean by as much as
/// the gene's own information is wanting: ln of a gene's estimate has the variance 1/J of its own curvature J, and
/// tau² + 1/J about the trend, tau² being that of the true dispersions.
[<RequireQualifiedAccess>]
module GeneDispersions =

    /// With the adjustment, local likelihood, posterior modes; outliers from 2 standard deviations on.
    let standard = {
        CoxReid = true
        Trend = ScreenTrend.LocalLikelihood
        Shrinkage = ScreenShrinkage.PosteriorMode
        OutlierDeviations = 2.0
    }

    /// Genes per block of work.
    [<Literal>]
    let internal BlockGenes = 16

    /// The trend is found at so many means, and interpolated between them.
    [<Literal>]
    let private Anchors = 200

    /// Fewer neighbours are not asked.
    [<Literal>]
    let private LeastNeighbours = 100

    /// Nothing found yet.
    let internal empty genes = {
        Means = Array.zeroCreate genes
        GeneWise = Array.create genes nan
        Information = Array.zeroCreate genes
        AtBound = Array.zeroCreate genes
        Trend = Array.create genes nan
        PriorVariance = nan
        IsOutlier = Array.zeroCreate genes
        Final = Array.create genes nan
        Profiles = Array.create (genes * DispersionFit.Points) nan
    }

    /// Takes over what was found of a gene alone.
    let internal record (found: GeneDispersions) gene (fit: DispersionFit) =
        found.GeneWise[gene] <- exp fit.LogDispersion
        found.Information[gene] <- fit.Information
        found.AtBound[gene] <- sbyte fit.AtBound

    /// Estimates of every gene alone, and the profiles that posterior modes are found from: one pass over the counts.
    let internal geneWise (progress: Progress) threads options (nodes: SizeFactorNodes) (genes: GroupedGenes) =
        let found = empty genes.Genes.Lines
        let isMode = options.Shrinkage = ScreenShrinkage.PosteriorMode
        let stored: StoredProfile[] = Array.zeroCreate genes.Genes.Lines

        let advance =
            Progress.counter progress "dispersions" "genes" (int64 genes.Genes.Lines)

        let work (counts: GeneCounts, profile: DispersionProfile) block =
            let first, next =
                block * BlockGenes, min genes.Genes.Lines ((block + 1) * BlockGenes)

            for gene in first .. next - 1 do
                counts.LoadForProfile(genes.Genes.IndicesOf gene, genes.Genes.ValuesOf gene, genes.Starts)
                found.Means[gene] <- counts.MeanOfScaled()

                if counts.Highest > 0.0 then
                    profile.Load counts

                    let values =
                        found.Profiles.AsSpan(gene * DispersionFit.Points, DispersionFit.Points)

                    record found gene (DispersionFit.Maximize(profile, options.CoxReid, values))

                    if isMode then
                        stored[gene] <- profile.Store()

            advance (int64 (next - first))

        let blocks = (genes.Genes.Lines + BlockGenes - 1) / BlockGenes
        Schedule.blocks threads blocks (fun () -> GeneCounts nodes, DispersionProfile nodes) work
        struct (found, stored)

    /// A gene that says something of the trend.
    [<Struct>]
    type private Point = {
        LogMean: float
        LogDispersion: float
        Weight: float
    }

    /// In an order that does not depend on that of the genes.
    let private points (found: GeneDispersions) =
        [|
            for gene in 0 .. found.Means.Length - 1 do
                if found.Information[gene] > 0.0 && found.AtBound[gene] = 0y then
                    {
                        LogMean = log found.Means[gene]
                        LogDispersion = log found.GeneWise[gene]
                        Weight = found.Information[gene]
                    }
        |]
        |> Array.sortBy (fun point -> struct (point.LogMean, point.LogDispersion, point.Weight))

    /// The value with half of the weight below it and half above.
    let private weightedMedian (points: Point[]) =
        let sorted =
            points |> Array.sortBy (fun point -> struct (point.LogDispersion, point.Weight))

        let half = 0.5 * (sorted |> Array.sumBy (fun point -> point.Weight))
        let mutable at, below = 0, sorted[0].Weight

        while below < half && at < sorted.Length - 1 do
            at <- at + 1
            below <- below + sorted[at].Weight

        sorted[at].LogDispersion

    /// Linear between the anchors, constant beyond the outer ones.
    let private interpolate (xs: float[]) (ys: float[]) x =
        match Array.BinarySearch(xs, x) with
        | at when at >= 0 -> ys[at]
        | at ->
            let next = ~~~at

            if next = 0 then
                ys[0]
            elif next = xs.Length then
                ys[next - 1]
            else
                let share = (x - xs[next - 1]) / (xs[next] - xs[next - 1])
                ys[next - 1] + share * (ys[next] - ys[next - 1])

    /// So many of `count` sorted items are neighbours.
    let private window count =
        min count (max LeastNeighbours (count / 20))

    /// ln means at which a trend is found, of sorted ones, with the first and the number of their neighbours there.
    let private anchors (logMeans: float[]) =
        let width = window logMeans.Length
        let count = min Anchors logMeans.Length

        Array.init count (fun i -> logMeans[i * (logMeans.Length - 1) / max 1 (count - 1)])
        |> Array.distinct
        |> Array.map (fun x ->
            let place = logMeans |> Array.findIndex (fun y -> y >= x)
            struct (x, max 0 (min (place - width / 2) (logMeans.Length - width)), width))

    /// A line through what is found at the anchors.
    let private throughAnchors logMeans (find: int -> int -> float) =
        let anchors = anchors logMeans

        let ys = anchors |> Array.map (fun (struct (_, first, width)) -> find first width)

        interpolate (anchors |> Array.map (fun (struct (x, _, _)) -> x)) ys

    let private runningMedian (points: Point[]) =
        throughAnchors (points |> Array.map (fun point -> point.LogMean)) (fun first width ->
            weightedMedian points[first .. first + width - 1])

    /// One step of weighted least squares for gamma values with mean a + b x, whose standard deviation is as their mean.
    let private gammaStep (points: Point[]) (a: float, b: float) =
        let mutable s, sx, sxx, sy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0

        for point in points do
            let x, y = exp -point.LogMean, exp point.LogDispersion
            let fitted = a + b * x
            let ratio = y / fitted

            // Outliers say nothing of the trend.
            if ratio > 1e-4 && ratio < 15.0 then
                let w = point.Weight / (1.0 + point.Weight) / (fitted * fitted)
                s <- s + w
                sx <- sx + w * x
                sxx <- sxx + w * x * x
                sy <- sy + w * y
                sxy <- sxy + w * x * y

        let determinant = s * sxx - sx * sx

        if determinant <= 1e-12 * s * sxx then
            sy / s, 0.0
        else
            max 1e-8 ((sxx * sy - sx * sxy) / determinant), max 0.0 ((s * sxy - sx * sy) / determinant)

    let private parametric (points: Point[]) =
        let start = exp (weightedMedian points), 0.0
        let a, b = Seq.fold (fun fitted _ -> gammaStep points fitted) start (seq { 1..100 })
        fun logMean -> log (a + b * exp -logMean)

    /// The place of the highest value of the natural cubic spline through values at the points of `DispersionFit`.
    let private splineMaximum (values: float[]) =
        let xs = Array.init values.Length DispersionFit.Point
        let spline = CubicSpline.InterpolateNaturalSorted(xs, values)
        let best = Seq.maxBy (fun at -> values[at]) (seq { 0 .. values.Length - 1 })
        let low, high = xs[max 0 (best - 1)], xs[min (xs.Length - 1) (best + 1)]

        Seq.init 201 (fun i -> low + (high - low) * float i / 200.0)
        |> Seq.maxBy spline.Interpolate

    /// Genes with counts by mean; then by what they say, so that their order in the input does not matter.
    let private byMean (found: GeneDispersions) =
        [| 0 .. found.Means.Length - 1 |]
        |> Array.filter (fun gene -> not (Double.IsNaN found.GeneWise[gene]))
        |> Array.sortBy (fun gene -> struct (found.Means[gene], found.GeneWise[gene], found.Information[gene]))

    /// Adds a gene's profile, less its highest value, times 1 / (1 + tau² J): its curvature is then 1 / (tau² + 1/J), the
    /// precision with which the gene's estimate tells the trend.
    let private addTempered (found: GeneDispersions) tau2 (sum: float[]) gene =
        let profile =
            ReadOnlySpan(found.Profiles, gene * DispersionFit.Points, DispersionFit.Points)

        let mutable highest = -infinity

        for value in profile do
            highest <- max highest value

        for at in 0 .. profile.Length - 1 do
            sum[at] <- sum[at] + (profile[at] - highest) / (1.0 + tau2 * found.Information[gene])

    let private localLikelihood (found: GeneDispersions) tau2 (genes: int[]) =
        throughAnchors (genes |> Array.map (fun gene -> log found.Means[gene])) (fun first width ->
            let sum = Array.zeroCreate DispersionFit.Points

            for gene in genes[first .. first + width - 1] do
                addTempered found tau2 sum gene

            splineMaximum sum)

    let private trendOf kind (points: Point[]) =
        match kind with
        | ScreenTrend.Parametric -> parametric points
        | ScreenTrend.Constant ->
            let median = weightedMedian points
            fun _ -> median
        | _ -> runningMedian points

    /// Solves Σ w² (r² − 1/J − tau²) = 0 with w = 1 / (tau² + 1/J) by repeating the weighted mean (Efron and Morris 1973);
    /// residuals beyond three standard deviations are left out, and the last is 0 where they are all due to sampling.
    let private spread (trend: float -> float) (points: Point[]) =
        let step tau2 =
            let mutable sum, weights = 0.0, 0.0

            for point in points do
                let residual = point.LogDispersion - trend point.LogMean
                let variance = tau2 + 1.0 / point.Weight

                if residual * residual < 9.0 * variance then
                    let w = 1.0 / (variance * variance)
                    sum <- sum + w * (residual * residual - 1.0 / point.Weight)
                    weights <- weights + w

            if weights > 0.0 then max 0.0 (sum / weights) else 0.0

        Seq.fold (fun tau2 _ -> step tau2) 1.0 (seq { 1..100 })

    /// Whether a gene is within three standard deviations of a trend.
    let private isNear (found: GeneDispersions) tau2 (trend: float -> float) gene =
        let residual = log found.GeneWise[gene] - trend (log found.Means[gene])
        let j = found.Information[gene]
        found.AtBound[gene] <> 0y || j * residual * residual < 9.0 * (1.0 + j * tau2)

    /// The spread depends on the trend and the other way round, and neither on outliers: three rounds.
    let private localTrend (found: GeneDispersions) points =
        let genes = byMean found

        let round (tau2, near) =
            let trend = localLikelihood found tau2 near
            let tau2 = spread trend points
            trend, tau2, genes |> Array.filter (isNear found tau2 trend)

        let _, tau2, near = round (0.25, genes)
        let _, tau2, near = round (tau2, near)
        let trend, tau2, _ = round (tau2, near)
        struct (trend, tau2)

    let private fitTrend kind found points : struct ((float -> float) * float) =
        if Array.isEmpty points then
            struct ((fun _ -> nan), 0.0)
        elif kind = ScreenTrend.LocalLikelihood then
            localTrend found points
        else
            let trend = trendOf kind points
            struct (trend, spread trend points)

    /// Of own and trend, by precision.
    let private combine (found: GeneDispersions) tau2 gene =
        let own, trend, j =
            log found.GeneWise[gene], log found.Trend[gene], found.Information[gene]

        if tau2 <= 0.0 then
            found.Trend[gene]
        else
            exp ((j * own + trend / tau2) / (j + 1.0 / tau2))

    let private isOutlier options (found: GeneDispersions) tau2 gene =
        let residual = log found.GeneWise[gene] - log found.Trend[gene]
        let j = found.Information[gene]

        found.AtBound[gene] = 0y
        && j > 0.0
        && residual > options.OutlierDeviations * sqrt (tau2 + 1.0 / j)

    let private final options (found: GeneDispersions) tau2 gene =
        match options.Shrinkage with
        | ScreenShrinkage.GeneWise -> found.GeneWise[gene]
        | ScreenShrinkage.Trend -> found.Trend[gene]
        | _ when found.IsOutlier[gene] -> found.GeneWise[gene]
        | _ -> combine found tau2 gene

    /// Puts trend and prior to the estimates of single genes. Where no gene says anything of its dispersion, all are what
    /// they are alone.
    let internal shrink (options: GeneDispersionOptions) (found: GeneDispersions) =
        let points = points found
        let struct (trend, tau2) = fitTrend options.Trend found points

        let ofGenes value =
            Array.init found.Means.Length (fun gene ->
                if Double.IsNaN found.GeneWise[gene] then
                    None
                else
                    Some(value gene))

        let orNaN = Array.map (Option.defaultValue nan)

        let trends =
            ofGenes (fun gene ->
                if points.Length = 0 then
                    found.GeneWise[gene]
                else
                    exp (trend (log found.Means[gene])))
            |> orNaN

        let found = {
            found with
                Trend = trends
                PriorVariance = tau2
        }

        let found = {
            found with
                IsOutlier = ofGenes (isOutlier options found tau2) |> Array.map (Option.defaultValue false)
        }

        {
            found with
                Final = ofGenes (final options found tau2) |> orNaN
        }

    /// The genes from `first` to before `next`.
    let internal block first next (found: GeneDispersions) : GeneDispersions =
        let sub (values: 'a[]) = Array.sub values first (next - first)

        {
            Means = sub found.Means
            GeneWise = sub found.GeneWise
            Information = sub found.Information
            AtBound = sub found.AtBound
            Trend = sub found.Trend
            PriorVariance = found.PriorVariance
            IsOutlier = sub found.IsOutlier
            Final = sub found.Final
            Profiles = Array.sub found.Profiles (first * DispersionFit.Points) ((next - first) * DispersionFit.Points)
        }

    /// Estimates of single genes, block after block, as one; they have no trend yet.
    let internal concat (blocks: GeneDispersions[]) : GeneDispersions =
        let all (part: GeneDispersions -> 'a[]) = blocks |> Array.collect part

        {
            Means = all _.Means
            GeneWise = all _.GeneWise
            Information = all _.Information
            AtBound = all _.AtBound
            Trend = all _.Trend
            PriorVariance = nan
            IsOutlier = all _.IsOutlier
            Final = all _.Final
            Profiles = all _.Profiles
        }

    /// What reports and files have of them: without the profiles, which are many times larger.
    let toScreen (found: GeneDispersions) : ScreenDispersions = {
        Means = found.Means
        GeneWise = found.GeneWise
        Trend = found.Trend
        Final = found.Final
        AtBound = found.AtBound
        IsOutlier = found.IsOutlier
    }

    /// Dispersions that a user has: one per gene, finite and 0 or more.
    let given (genes: string[]) (dispersions: float[]) : Result<float[], CoExprError> =
        if dispersions.Length <> genes.Length then
            Error(CoExprError.UnequalLengths("dispersions", int64 genes.Length, int64 dispersions.Length))
        else
            match dispersions |> Array.tryFindIndex (fun a -> not (a >= 0.0 && a < infinity)) with
            | Some at ->
                let value =
                    dispersions[at].ToString("R", Globalization.CultureInfo.InvariantCulture)

                Error(
                    CoExprError.BadOption(
                        $"dispersion of gene {genes[at]}",
                        value,
                        "dispersions are finite numbers from 0 on"
                    )
                )
            | None -> Ok dispersions
