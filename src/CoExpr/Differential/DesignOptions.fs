namespace CoExpr

/// What is tested of a fitted design.
[<RequireQualifiedAccess>]
type BulkTest =
    /// The estimate over its standard error.
    | Wald
    /// The gain in likelihood over a design with fewer terms.
    | LikelihoodRatio of reduced: Design

/// How bulk samples, or sums of cells, are compared.
type DesignOptions = {
    Factors: SampleFactors
    Regression: RegressionOptions
    Search: DispersionSearch
    /// The trend that dispersions are drawn towards; without one each gene keeps its own.
    Trend: TrendKind option
    /// One per gene, if they are known and not to be estimated.
    Dispersions: float[] option
    Test: BulkTest
    /// Student's t with samples − coefficients degrees of freedom for Wald tests, instead of the normal distribution.
    StudentT: bool
    Alternative: Alternative
    /// log2 fold change that a Wald test is against, 0 or more.
    Threshold: float
    /// Genes with an outlying count, among samples of three replicates or more, have no p.
    Outliers: OutlierRule
    /// Outlying counts of samples with at least so many replicates are replaced, and their genes fitted again.
    ReplaceFrom: int option
    /// Whether genes with too low a mean are left out of the adjustment of p.
    IndependentFiltering: bool
    /// The false discovery rate that the filter is chosen for.
    Alpha: float
    /// Whether to shrink fold changes too. Needs contrasts that are single coefficients.
    Shrink: bool
    Threads: int
}

[<RequireQualifiedAccess>]
module DesignOptions =

    /// CoExpr's own: what DESeq2 does, but without its floor of 0.5 for fitted means, with the exact maximum of each
    /// dispersion's likelihood and with step control.
    let standard = {
        Factors = SampleFactors.MedianOfRatios
        Regression = RegressionOptions.standard
        Search = DispersionSearch.Exact
        Trend = Some TrendKind.Parametric
        Dispersions = None
        Test = BulkTest.Wald
        StudentT = false
        Alternative = Alternative.GreaterAbs
        Threshold = 0.0
        Outliers = OutlierRule.FisherQuantile
        ReplaceFrom = Some 7
        IndependentFiltering = true
        Alpha = 0.1
        Shrink = false
        Threads = Schedule.defaultThreads
    }

    /// DESeq2's defaults, its floor of fitted means and its stopping rules included (Love, Huber and Anders 2014).
    let deseq2 = {
        standard with
            Regression = RegressionOptions.deseq2
            Search = DispersionSearch.Ascent
    }

    let private refuse name (value: obj) allowed =
        Error(CoExprError.BadOption(name, string value, allowed))

    let private checkTest options (design: Design) =
        match options.Test with
        | BulkTest.LikelihoodRatio reduced when reduced.Size <> design.Size ->
            Error(CoExprError.UnequalLengths("samples of the reduced design", design.Size, reduced.Size))
        | BulkTest.LikelihoodRatio reduced when reduced.Width >= design.Width || not (Design.isWithin design reduced) ->
            refuse "reduced design" reduced.Text $"it must be a part of the design {design.Text}"
        | BulkTest.LikelihoodRatio _ when options.Threshold <> 0.0 || options.Alternative <> Alternative.GreaterAbs ->
            refuse "threshold" options.Threshold "a likelihood-ratio test knows neither threshold nor direction"
        | _ -> Ok()

    /// Errors of values outside their range, and of a reduced design that is no part of the design.
    let internal check (options: DesignOptions) (design: Design) =
        let t = options.Threshold

        if not (t >= 0.0 && t < infinity) then
            refuse "threshold" t "a log2 fold change of 0 or more is needed"
        elif options.Alternative = Alternative.LessAbs && t = 0.0 then
            refuse "threshold" t "to test that a change is small, a threshold above 0 is needed"
        elif not (options.Alpha > 0.0 && options.Alpha < 1.0) then
            refuse "alpha" options.Alpha "must be above 0 and below 1"
        elif options.ReplaceFrom |> Option.exists (fun least -> least < 3) then
            refuse "replicates to replace from" options.ReplaceFrom.Value "must be 3 or more"
        elif options.Threads < 1 then
            refuse "threads" options.Threads "must be 1 or more"
        else
            match options.Outliers with
            | OutlierRule.Above limit when not (limit > 0.0) -> refuse "Cook's distance" limit "must be above 0"
            | _ ->
                RegressionOptions.check options.Regression
                |> Result.bind (fun _ -> checkTest options design)
