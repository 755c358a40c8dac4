namespace CoExpr

open System

/// What is known of one gene before anything is compared.
type BulkGene = {
    Gene: string
    /// Of counts over factors.
    BaseMean: float
    BaseVariance: float
    /// The gene's own dispersion (Cox and Reid 1987).
    GeneDispersion: float
    /// What the trend gives a gene of this mean; NaN without a trend.
    TrendDispersion: float
    /// The mode of the posterior, the trend being the prior; NaN without a trend.
    PosteriorDispersion: float
    /// The one that the tests use.
    Dispersion: float
    /// Whether its own dispersion is so far above the trend that the gene keeps it.
    IsDispersionOutlier: bool
    /// The largest Cook's distance of a sample with two or more replicates beside it; NaN where there is none.
    MaxCooks: float
    /// Whether an outlying count was replaced.
    IsReplaced: bool
    Fit: GeneRegression
    /// Of the reduced design of a likelihood-ratio test; NaN without one.
    ReducedLogLikelihood: float
}

/// Why a gene has a p, or has none.
[<RequireQualifiedAccess>]
type BulkOutcome =
    | Tested
    /// No counts at all: everything is NaN.
    | NoCounts
    /// No counts in the levels compared: fold change 0 and p 1.
    | NoCountsCompared
    /// A count is an outlier by its Cook's distance: p is NaN.
    | OutlyingCount
    /// The mean is below the filter's threshold: p stands, its adjusted p is NaN.
    | BelowFilter
    /// The fit did not converge; the numbers are where it stopped.
    | NotConverged
    /// One of the levels compared has no counts: the estimate is a bound that the ridge or the floor of means sets, and a
    /// Wald test of it means nothing. A likelihood-ratio test does.
    | Unbounded

/// The comparison of one gene. Fold changes and errors are log2.
type BulkResult = {
    Gene: string
    Contrast: string
    BaseMean: float
    Log2FoldChange: float
    StandardError: float
    Statistic: float
    PValue: float
    AdjustedPValue: float
    /// With the estimate's shrinkage, if that was asked for.
    Shrunken: ShrunkenFoldChange option
    /// The share of wrong signs among this gene and all surer ones; NaN without shrinkage.
    SValue: float
    Outcome: BulkOutcome
}

/// A design fitted to all genes.
type BulkFit = {
    Design: Design
    Options: DesignOptions
    /// With outlying counts replaced.
    Counts: SampleCounts
    /// One per sample, or genes x samples of them.
    Factors: float[]
    Trend: DispersionTrend option
    Prior: DispersionPrior option
    Genes: BulkGene[]
    /// Cook's distance from which a count is an outlier; infinity for none.
    CooksCutoff: float
    /// Of each gene, whether its outlying count is exceeded by three others: then it is no outlier (in designs of two groups).
    IsExceeded: bool[]
}

/// A comparison of all genes.
type BulkComparison = {
    Contrast: string
    /// One per gene, in their order.
    Results: BulkResult[]
    /// What the independent filter chose, if it was asked.
    Filter: FilterChoice option
    /// Scale of the prior of shrunken fold changes, natural logarithms; NaN without shrinkage.
    PriorScale: float
}

/// Differential expression of bulk samples, or of sums of cells, with any design: size factors, dispersions shrunken towards
/// a trend, negative-binomial regression, Wald or likelihood-ratio tests, as DESeq2 has them (Love, Huber and Anders 2014).
[<RequireQualifiedAccess>]
module BulkExpression =

    /// What the dispersions of all genes say of one another's.
    type private Shared = {
        Trend: DispersionTrend
        Prior: DispersionPrior
    }

    /// One thread's room for one gene after another.
    type private Room = {
        Space: RegressionSpace
        Reduced: RegressionSpace option
        Counts: float[]
        Factors: float[]
        /// Means that dispersions are estimated around.
        Means: float[]
    }

    let private room options design samples = {
        Space = RegressionSpace(design, options.Regression)
        Reduced =
            match options.Test with
            | BulkTest.LikelihoodRatio reduced -> Some(RegressionSpace(reduced, options.Regression))
            | BulkTest.Wald -> None
        Counts = Array.zeroCreate samples
        Factors = Array.zeroCreate samples
        Means = Array.zeroCreate samples
    }

    let private isEmpty (room: Room) = room.Counts |> Array.forall ((=) 0.0)

    let private normalized (room: Room) = Array.map2 (/) room.Counts room.Factors

    let private variance (values: float[]) =
        let mean = Array.average values

        (values |> Array.sumBy (fun value -> (value - mean) * (value - mean)))
        / float (values.Length - 1)

    let private degrees (design: Design) = design.Size - design.Width

    /// The least of two quick estimates, both of them without a likelihood: around linear means not below 1, and from mean
    /// and variance over all samples.
    let private startingDispersion design (room: Room) =
        let values = normalized room
        let ones = Array.create values.Length 1.0
        room.Space.LinearMeans(values, ones, 1.0, room.Means)

        let terms =
            Array.map2 (fun y m -> ((y - m) * (y - m) - m) / (m * m)) values room.Means

        let rough = max 0.0 (Array.sum terms / float (degrees design))
        let mean = Array.average values
        let inverse = room.Factors |> Array.averageBy (fun factor -> 1.0 / factor)
        let moments = (variance values - inverse * mean) / (mean * mean)
        Math.Clamp(min rough moments, CoxReidDispersion.Smallest, CoxReidDispersion.largest design)

    /// Means to estimate the dispersion around: of groups where the design is one of groups, else of a first regression.
    let private setMeans (options: DesignOptions) (design: Design) (room: Room) start =
        let floor = options.Regression.SmallestMean

        if design.Groups = design.Width then
            room.Space.LinearMeans(room.Counts, room.Factors, floor, room.Means)
        else
            let fit = room.Space.Fit(room.Counts, room.Factors, start)
            fit.Means |> Array.iteri (fun at mean -> room.Means[at] <- max floor mean)

    let private geneDispersion (options: DesignOptions) design room =
        let start = startingDispersion design room
        setMeans options design room start
        CoxReidDispersion.ofGene options.Search design (DispersionSpace(design, room.Counts, room.Means)) start

    /// One gene's trend, posterior and final dispersion, and whether it is an outlier. The means are those of its own one.
    let private drawn (options: DesignOptions) design room shared mean own =
        let trend = MeanDispersionTrend.at shared.Trend mean
        let start = if own > 0.1 * trend then own else trend
        let space = DispersionSpace(design, room.Counts, room.Means)

        let posterior =
            CoxReidDispersion.withPrior options.Search design space trend shared.Prior.Variance start

        let isOutlier = log own > log trend + 2.0 * sqrt shared.Prior.ObservedVariance

        struct (trend, posterior, (if isOutlier then own else posterior), isOutlier)

    let private nothing (space: RegressionSpace) gene : BulkGene = {
        Gene = gene
        BaseMean = 0.0
        BaseVariance = 0.0
        GeneDispersion = nan
        TrendDispersion = nan
        PosteriorDispersion = nan
        Dispersion = nan
        IsDispersionOutlier = false
        MaxCooks = nan
        IsReplaced = false
        Fit = space.Nothing
        ReducedLogLikelihood = nan
    }

    /// What genes say of their dispersions alone.
    type private OwnDispersions = {
        /// One per gene; NaN where it has no counts.
        Values: float[]
        /// Means that they were estimated around, genes x samples; empty where dispersions are given.
        Means: float[]
    }

    /// The dispersion of one gene, from what is known of all. The posterior's means are those that the gene's own
    /// dispersion was estimated around, and are in the room.
    let private dispersionOf options design room (shared: Shared option) mean own =
        match options.Dispersions, shared with
        | None, Some shared -> drawn options design room shared mean own
        | _ -> struct (nan, nan, own, false)

    let private fitGene options design room shared gene own : BulkGene =
        let values = normalized room
        let mean = Array.average values

        let struct (trend, posterior, final, isOutlier) =
            dispersionOf options design room shared mean own

        {
            Gene = gene
            BaseMean = mean
            BaseVariance = variance values
            GeneDispersion = own
            TrendDispersion = trend
            PosteriorDispersion = posterior
            Dispersion = final
            IsDispersionOutlier = isOutlier
            MaxCooks = nan
            IsReplaced = false
            Fit = room.Space.Fit(room.Counts, room.Factors, final)
            ReducedLogLikelihood =
                match room.Reduced with
                | Some reduced -> reduced.Fit(room.Counts, room.Factors, final).LogLikelihood
                | None -> nan
        }

    /// Runs work for these genes on several threads.
    let private forGenes options design (counts: SampleCounts) factors (genes: int[]) (work: Room -> int -> unit) =
        let block = GeneralizedLinearModel.BlockGenes
        let samples = counts.Samples.Length

        Schedule.blocks
            options.Threads
            ((genes.Length + block - 1) / block)
            (fun () -> room options design samples)
            (fun room at ->
                for gene in genes[at * block .. min genes.Length ((at + 1) * block) - 1] do
                    GeneralizedLinearModel.load counts factors gene room.Counts room.Factors
                    work room gene)

    let private ownDispersions options design (counts: SampleCounts) factors genes : OwnDispersions =
        let own = Array.create counts.Genes.Length nan

        let means =
            Array.zeroCreate<float>(
                if options.Dispersions.IsSome then
                    0
                else
                    counts.Values.Length
            )

        forGenes options design counts factors genes (fun room gene ->
            if not (isEmpty room) then
                match options.Dispersions with
                | Some given -> own[gene] <- given[gene]
                | None ->
                    own[gene] <- geneDispersion options design room
                    Array.blit room.Means 0 means (gene * room.Means.Length) room.Means.Length)

        { Values = own; Means = means }

    let private baseMeans options design (counts: SampleCounts) factors =
        let means = Array.zeroCreate<float> counts.Genes.Length

        forGenes options design counts factors [| 0 .. means.Length - 1 |] (fun room gene ->
            means[gene] <- Array.average (normalized room))

        means

    /// Trend and prior of all genes; None where dispersions are given, or are to stay each gene's own.
    let private shareDispersions (options: DesignOptions) design (means: float[]) (own: float[]) =
        match options.Dispersions, options.Trend with
        | None, Some kind ->
            let known =
                [| 0 .. own.Length - 1 |]
                |> Array.filter (fun gene -> not (Double.IsNaN own[gene]))

            let pick (values: float[]) =
                known |> Array.map (fun gene -> values[gene])

            MeanDispersionTrend.fit kind (pick means) (pick own)
            |> Result.map (fun trend ->
                let fitted = pick means |> Array.map (MeanDispersionTrend.at trend)

                Some {
                    Trend = trend
                    Prior = DispersionPrior.estimate (degrees design) (pick own) fitted
                })
        | _ -> Ok None

    let private fitGenes
        options
        design
        (counts: SampleCounts)
        factors
        shared
        (own: OwnDispersions)
        genes
        (target: BulkGene[])
        =
        forGenes options design counts factors genes (fun room gene ->
            let name = counts.Genes[gene]

            if own.Means.Length > 0 then
                Array.blit own.Means (gene * room.Means.Length) room.Means 0 room.Means.Length

            target[gene] <-
                if isEmpty room then
                    nothing room.Space name
                else
                    fitGene options design room shared name own.Values[gene])

    /// Cook's distances of one gene's samples; none where it has no counts.
    let private distancesOf design (room: Room) (gene: BulkGene) =
        if isEmpty room then
            Array.create room.Counts.Length nan
        else
            let dispersion = CooksDistance.robustDispersion design (normalized room)
            CooksDistance.distances design dispersion room.Counts gene.Fit

    let private largestOf (among: bool[]) (distances: float[]) =
        let known =
            Array.zip among distances
            |> Array.filter (fun (counts, d) -> counts && not (Double.IsNaN d))
            |> Array.map snd

        if known.Length = 0 then nan else Array.max known

    /// Whether three samples or more have a higher count than the one with the largest distance.
    let private isExceeded (counts: float[]) (distances: float[]) =
        let known = distances |> Array.map (fun d -> if Double.IsNaN d then -1.0 else d)
        let worst = counts[Array.IndexOf(known, Array.max known)]
        (counts |> Array.sumBy (fun count -> if count > worst then 1 else 0)) >= 3

    let private isTwoGroups (design: Design) =
        design.Factors.Length = 1
        && design.Factors[0].Levels.Length = 2
        && design.Width = 2

    /// What Cook's distances say of each gene: its largest one, whether it is exceeded, and its counts with outliers
    /// replaced, if there are any.
    let private judge options design counts factors cutoff (genes: BulkGene[]) =
        let replicated = (design: Design).HasReplicates 3

        let allowed =
            match options.ReplaceFrom with
            | Some least -> design.HasReplicates least
            | None -> Array.create design.Size false

        let judged = Array.create genes.Length struct (nan, false, None)

        forGenes options design counts factors [| 0 .. genes.Length - 1 |] (fun room gene ->
            if not (isEmpty room) then
                let distances = distancesOf design room genes[gene]

                let held =
                    largestOf (Array.map2 (fun a b -> a && not b) replicated allowed) distances

                judged[gene] <-
                    struct (largestOf replicated distances,
                            isTwoGroups design && isExceeded room.Counts distances,
                            CooksDistance.replaced cutoff allowed distances room.Counts room.Factors
                            |> Option.map (fun values -> held, values)))

        judged

    /// Counts with outliers replaced, and the genes that have any.
    let private withReplacements (counts: SampleCounts) judged =
        let values = Array.copy counts.Values
        let samples = counts.Samples.Length

        let genes = [|
            for gene in 0 .. counts.Genes.Length - 1 do
                match judged gene with
                | Some(replaced: float[]) ->
                    Array.blit replaced 0 values (gene * samples) samples
                    gene
                | None -> ()
        |]

        SampleCounts.withValues values counts, genes

    /// Fits genes with outlying counts again, at the trend and the prior of all, and settles every gene's largest distance:
    /// where counts were replaced, samples that allow it no longer count.
    let private replaceOutliers options design counts factors shared (genes: BulkGene[]) cutoff =
        let judged = judge options design counts factors cutoff genes

        let replacement gene =
            let struct (_, _, replaced) = judged[gene]
            replaced |> Option.map snd

        let newCounts, replaced = withReplacements counts replacement

        if replaced.Length > 0 then
            let own = ownDispersions options design newCounts factors replaced
            fitGenes options design newCounts factors shared own replaced genes

        for gene in 0 .. genes.Length - 1 do
            let struct (largest, _, replacement) = judged[gene]

            genes[gene] <- {
                genes[gene] with
                    MaxCooks =
                        match replacement with
                        | Some(held, _) -> held
                        | None -> largest
                    IsReplaced = replacement.IsSome
            }

        newCounts, judged |> Array.map (fun (struct (_, exceeded, _)) -> exceeded)

    let private checkInput (options: DesignOptions) (design: Design) (counts: SampleCounts) =
        let samples, genes = counts.Samples.Length, counts.Genes.Length

        if design.Size <> samples then
            Error(CoExprError.UnequalLengths("samples of the design", samples, design.Size))
        elif
            Array.fold2 (fun same a b -> same && a = b) true design.Samples counts.Samples
            |> not
        then
            Error(
                CoExprError.BadOption("design", design.Text, "its samples must be those of the counts, in their order")
            )
        elif genes = 0 then
            Error(CoExprError.TooFew("genes", 0L, 1L, "The table of counts has none."))
        elif options.Dispersions |> Option.exists (fun given -> given.Length <> genes) then
            Error(CoExprError.UnequalLengths("dispersions", genes, options.Dispersions.Value.LongLength))
        elif
            options.Dispersions
            |> Option.exists (Array.exists (fun d -> not (d >= 0.0 && d < infinity)))
        then
            Error(CoExprError.BadOption("dispersions", "of a gene", "each must be 0 or more and finite"))
        elif degrees design < 1 && options.Dispersions.IsNone then
            let needed = int64 design.Width + 1L

            let advice =
                $"The design {design.Text} has {design.Width} coefficients: without replicates there is nothing to estimate dispersions from. Add samples, leave terms out, or give dispersions."

            Error(CoExprError.TooFew("samples", int64 samples, needed, advice))
        elif counts.Values |> Array.forall ((=) 0.0) then
            Error(CoExprError.TooFew("counts above 0", 0L, 1L, "Every gene is 0 in every sample."))
        else
            DesignOptions.check options design

    /// Fits a design to counts: size factors, dispersions, coefficients, outliers. The same bits for any number of threads,
    /// and for each gene whatever the order of genes.
    ///
    /// Errors: samples of design and counts that differ; no degrees of freedom left for dispersions; size factors that
    /// cannot be had; options outside their range.
    let fit (options: DesignOptions) (design: Design) (counts: SampleCounts) : Result<BulkFit, CoExprError> =
        result {
            do! checkInput options design counts
            let! factors = MedianOfRatios.factors options.Factors counts
            let all = [| 0 .. counts.Genes.Length - 1 |]
            let own = ownDispersions options design counts factors all

            let! shared =
                shareDispersions options design (baseMeans options design counts factors) own.Values

            let genes = Array.zeroCreate<BulkGene> all.Length
            fitGenes options design counts factors shared own all genes
            let cutoff = CooksDistance.cutoff options.Outliers design

            let counts, exceeded =
                replaceOutliers options design counts factors shared genes cutoff

            return {
                Design = design
                Options = options
                Counts = counts
                Factors = factors
                Trend = shared |> Option.map (fun s -> s.Trend)
                Prior = shared |> Option.map (fun s -> s.Prior)
                Genes = genes
                CooksCutoff = cutoff
                IsExceeded = exceeded
            }
        }

    let private toLog2 = 1.0 / Math.Log 2.0

    let private weighted (weights: float[]) (values: float[]) =
        Array.fold2 (fun sum w v -> if w = 0.0 then sum else sum + w * v) 0.0 weights values

    /// sqrt(wᵀ V w).
    let private errorOf (weights: float[]) (covariance: float[]) =
        let width = weights.Length
        let mutable sum = 0.0

        for i in 0 .. width - 1 do
            for j in 0 .. width - 1 do
                if weights[i] <> 0.0 && weights[j] <> 0.0 then
                    sum <- sum + weights[i] * covariance[i * width + j] * weights[j]

        sqrt sum

    let private statistic (fit: BulkFit) (gene: BulkGene) estimate error =
        let free = degrees fit.Design

        match fit.Options.Test with
        | BulkTest.LikelihoodRatio reduced ->
            CoefficientTest.likelihoodRatio
                (fit.Design.Width - reduced.Width)
                gene.Fit.LogLikelihood
                gene.ReducedLogLikelihood
        | BulkTest.Wald ->
            let distribution =
                if fit.Options.StudentT && free > 0 then
                    TestDistribution.StudentT(float free)
                else
                    TestDistribution.Normal

            CoefficientTest.wald distribution fit.Options.Alternative fit.Options.Threshold estimate error

    /// A standard error beyond this (log2) says that the likelihood is flat towards one side.
    [<Literal>]
    let private FlatError = 10.0

    let private isOutlier (fit: BulkFit) gene =
        fit.Genes[gene].MaxCooks > fit.CooksCutoff && not fit.IsExceeded[gene]

    let private hasCounts (fit: BulkFit) gene (among: bool[]) =
        let counts = fit.Counts.Of gene
        let mutable any = false

        for at in 0 .. counts.Length - 1 do
            any <- any || among[at] && counts[at] > 0.0

        any

    /// Whether one of two levels compared has no counts while the other has: their fold change has no maximum of
    /// likelihood. For other contrasts, whether the error is beyond any real one.
    let private isUnbounded (fit: BulkFit) gene contrast error =
        match contrast with
        | Contrast.Levels(factor, level, reference) ->
            let only name =
                Contrast.samples fit.Design (Contrast.Levels(factor, name, name))

            hasCounts fit gene (only level) <> hasCounts fit gene (only reference)
        | _ -> error > FlatError

    let private outcomeOf (fit: BulkFit) gene contrast compared error =
        match fit.Genes[gene].Fit.Status with
        | FitStatus.AllZero -> BulkOutcome.NoCounts
        | _ when not (hasCounts fit gene compared) -> BulkOutcome.NoCountsCompared
        | _ when isOutlier fit gene -> BulkOutcome.OutlyingCount
        | FitStatus.NotConverged -> BulkOutcome.NotConverged
        | _ when isUnbounded fit gene contrast error -> BulkOutcome.Unbounded
        | _ -> BulkOutcome.Tested

    let private resultOf (fit: BulkFit) contrast (weights: float[]) compared at : BulkResult =
        let gene = fit.Genes[at]
        let estimate = toLog2 * weighted weights gene.Fit.Coefficients
        let error = toLog2 * errorOf weights gene.Fit.Covariance
        let outcome = outcomeOf fit at contrast compared error

        let struct (estimate, struct (statistic, p)) =
            match outcome with
            | BulkOutcome.NoCounts -> struct (nan, struct (nan, nan))
            | BulkOutcome.NoCountsCompared -> struct (0.0, struct (0.0, 1.0))
            | _ -> struct (estimate, statistic fit gene estimate error)

        {
            Gene = gene.Gene
            Contrast = Contrast.name contrast
            BaseMean = gene.BaseMean
            Log2FoldChange = estimate
            StandardError = error
            Statistic = statistic
            PValue = if outcome = BulkOutcome.OutlyingCount then nan else p
            AdjustedPValue = nan
            Shrunken = None
            SValue = nan
            Outcome = outcome
        }

    let private adjust (options: DesignOptions) (results: BulkResult[]) =
        let means = results |> Array.map (fun r -> r.BaseMean)
        let pValues = results |> Array.map (fun r -> r.PValue)

        let adjusted, choice =
            if options.IndependentFiltering then
                let adjusted, choice = IndependentFilter.choose options.Alpha means pValues
                adjusted, Some choice
            else
                IndependentFilter.adjust (Array.create pValues.Length true) pValues, None

        let settled =
            Array.map2
                (fun (result: BulkResult) q -> {
                    result with
                        AdjustedPValue = q
                        Outcome =
                            if result.Outcome = BulkOutcome.Tested && Double.IsNaN q then
                                BulkOutcome.BelowFilter
                            else
                                result.Outcome
                })
                results
                adjusted

        settled, choice

    let private shrunken (fit: BulkFit) target scale =
        let shrunk = Array.zeroCreate<ShrunkenFoldChange option> fit.Genes.Length
        let samples = fit.Counts.Samples.Length

        let space () =
            struct (CauchyShrinkage.Posterior(fit.Design, target, scale),
                    Array.zeroCreate<float> samples,
                    Array.zeroCreate<float> samples)

        Schedule.blocks fit.Options.Threads fit.Genes.Length space (fun (struct (posterior, counts, factors)) gene ->
            if fit.Genes[gene].Fit.Status <> FitStatus.AllZero then
                GeneralizedLinearModel.load fit.Counts fit.Factors gene counts factors
                let known = fit.Genes[gene]
                shrunk[gene] <- Some(posterior.Shrink(counts, factors, known.Dispersion, known.Fit.Coefficients)))

        shrunk

    /// Fold changes with their shrinkage, and the scale of its prior.
    let private withShrinkage (fit: BulkFit) target (results: BulkResult[]) =
        let inLn = Math.Log 2.0

        let scale =
            EffectPrior.scale
                (results |> Array.map (fun r -> inLn * r.Log2FoldChange))
                (results |> Array.map (fun r -> inLn * r.StandardError))

        let shrunk = shrunken fit target scale

        let sValues =
            shrunk
            |> Array.map (function
                | Some s -> s.FalseSign
                | None -> nan)
            |> EffectPrior.sValues

        results
        |> Array.mapi (fun at result -> {
            result with
                Shrunken = shrunk[at]
                SValue = sValues[at]
        }),
        scale

    /// The one coefficient that a contrast is, for shrinkage.
    let private single contrast (weights: float[]) =
        match weights |> Array.indexed |> Array.filter (fun (_, w) -> w <> 0.0) with
        | [| at, 1.0 |] -> Ok at
        | _ ->
            let advice =
                "shrinkage needs a contrast that is one coefficient; make the level that is compared with the reference of its factor"

            Error(CoExprError.BadOption("contrast", Contrast.name contrast, advice))

    /// Compares all genes of a fit. UnknownLabel for levels and coefficients that the design does not have; BadOption where
    /// shrinkage was asked for a contrast that is no single coefficient.
    let compare (fit: BulkFit) (contrast: Contrast) : Result<BulkComparison, CoExprError> =
        result {
            let! weights = Contrast.weights fit.Design contrast
            let compared = Contrast.samples fit.Design contrast
            let raw = Array.init fit.Genes.Length (resultOf fit contrast weights compared)
            let results, filter = adjust fit.Options raw

            if fit.Options.Shrink then
                let! target = single contrast weights
                let results, scale = withShrinkage fit target results

                return {
                    Contrast = Contrast.name contrast
                    Results = results
                    Filter = filter
                    PriorScale = scale
                }
            else
                return {
                    Contrast = Contrast.name contrast
                    Results = results
                    Filter = filter
                    PriorScale = nan
                }
        }

    /// Fits a design and makes these comparisons.
    let run options design (contrasts: Contrast list) counts : Result<BulkFit * BulkComparison list, CoExprError> =
        result {
            let! fit = fit options design counts

            let! comparisons =
                (Ok [], contrasts)
                ||> List.fold (fun done' contrast ->
                    result {
                        let! made = done'
                        let! next = compare fit contrast
                        return made @ [ next ]
                    })

            return fit, comparisons
        }
