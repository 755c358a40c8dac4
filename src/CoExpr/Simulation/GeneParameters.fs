namespace CoExpr

/// The mean count of each gene in a cell of size factor 1 that nothing else acts on, and its dispersion.
type internal GeneParameters = { Means: float[]; Dispersions: float[] }

/// Gene means from the options, scaled to a target density where one is given.
[<RequireQualifiedAccess>]
module internal GeneParameters =

    /// Pairs of gene and cell in which the density is estimated, about: its relative error is then near 0.5 %.
    [<Literal>]
    let private Probes = 300_000

    /// The density is met in the probes to this relative error; the probes' own is larger.
    [<Literal>]
    let private Tolerance = 5e-4

    /// ln of the lowest and of the highest median mean that is tried.
    let private range = struct (-46.0, 14.0)

    /// Means log-normal about the median; dispersions log-normal about their trend.
    let ofMedian (options: SimulationOptions) (population: Population) (logMedian: float) =
        let trend = options.Dispersion

        let means =
            population.MeanScores
            |> Array.map (fun score -> exp (logMedian + options.GeneMeanSd * score))

        let dispersion mean score =
            (trend.Asymptote + trend.Scale / mean) * exp (trend.Scatter * score)

        {
            Means = means
            Dispersions = Array.map2 dispersion means population.DispersionScores
        }

    /// All cells of a small simulation, a few picked at random of a large one.
    let private probedCells (options: SimulationOptions) gene =
        let perGene = max 16 (Probes / options.Genes)

        if perGene >= options.Cells then
            Array.init options.Cells id
        else
            let draws = Population.probing options.Seed gene
            Array.init perGene (fun _ -> draws.Below options.Cells)

    /// Exposure x fold change of each gene in the probed cells: an array per gene.
    let private probes (options: SimulationOptions) (population: Population) (folds: FoldChanges) =
        let found = Array.zeroCreate<float[]> options.Genes
        let mutable exposure = ValueNone

        for gene in Exposure.geneOrder population do
            let current = Exposure.forGene options population gene exposure
            exposure <- ValueSome current
            folds.Load gene

            found[gene] <-
                probedCells options gene
                |> Array.map (fun cell -> current.ByCell[cell] * folds.Of cell)

        found

    let private density (probes: float[][]) parameters =
        let ofGene gene (multipliers: float[]) =
            let mean, dispersion = parameters.Means[gene], parameters.Dispersions[gene]

            multipliers
            |> Array.averageBy (fun multiplier -> Distributions.nonZeroProbability dispersion (mean * multiplier))

        probes |> Array.mapi ofGene |> Array.average

    let private unreachable target (reached: float) =
        let culture = System.Globalization.CultureInfo.InvariantCulture

        CoExprError.BadOption(
            "density",
            string<float> target,
            "cannot be reached with this dispersion; at most "
            + reached.ToString("0.###", culture)
            + " is"
        )

    /// Bisection on the logarithm of the median: the density rises with it.
    let private bisect options population probes target =
        let at logMedian =
            density probes (ofMedian options population logMedian)

        let struct (lowest, highest) = range

        let rec halve low high =
            let middle = 0.5 * (low + high)
            let reached = at middle

            if abs (reached - target) <= Tolerance * target || high - low < 1e-9 then
                middle
            elif reached < target then
                halve middle high
            else
                halve low middle

        let most = at highest

        if most < target then
            Error(unreachable target most)
        else
            Ok(halve lowest highest)

    /// The parameters, and the fraction of the matrix that is expected to be above 0.
    let create (options: SimulationOptions) population folds : Result<struct (GeneParameters * float), CoExprError> =
        let probes = probes options population folds

        let logMedian =
            match options.Abundance with
            | SimulatedAbundance.MedianMean mean -> Ok(log mean)
            | SimulatedAbundance.Density target -> bisect options population probes target

        logMedian
        |> Result.map (fun found ->
            let parameters = ofMedian options population found
            struct (parameters, density probes parameters))
