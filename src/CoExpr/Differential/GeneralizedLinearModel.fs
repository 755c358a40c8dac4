namespace CoExpr

open System
open CoExpr.Kernels

/// How the coefficients of a negative-binomial regression are found.
type RegressionOptions = {
    /// Fitted means below this are taken as this. DESeq2's 0.5 pulls fold changes of genes with low counts towards 0:
    /// the true fold change comes out multiplied by 0.2 at means below 0.1. 1e-6 does not.
    SmallestMean: float
    /// Precision of a normal prior around 0 on each coefficient, on the scale of log2: what keeps the coefficient of a
    /// group without counts finite.
    Ridge: float
    /// Steps before the fit is given up, or with DESeq2's before another optimiser takes over.
    MaxIterations: int
    /// Newton's steps by the observed information, halved where they would raise the deviance, until fitted log means
    /// change by less than 1e-8; the floor of means then counts in weights alone. Otherwise steps of iteratively reweighted
    /// least squares as they come, until the deviance changes by less than 1e-8 of itself, as DESeq2 does.
    StepControl: bool
}

[<RequireQualifiedAccess>]
module RegressionOptions =

    /// CoExpr's own.
    let standard = {
        SmallestMean = 1e-6
        Ridge = 1e-6
        MaxIterations = 100
        StepControl = true
    }

    /// DESeq2's.
    let deseq2 = {
        standard with
            SmallestMean = 0.5
            StepControl = false
    }

    let internal check options =
        let refuse name (value: float) allowed =
            Error(CoExprError.BadOption(name, string value, allowed))

        if not (options.SmallestMean > 0.0 && options.SmallestMean < infinity) then
            refuse "smallest mean" options.SmallestMean "must be above 0 and finite"
        elif not (options.Ridge >= 0.0 && options.Ridge < infinity) then
            refuse "ridge" options.Ridge "must be 0 or more and finite"
        elif options.MaxIterations < 1 then
            refuse "most iterations" (float options.MaxIterations) "must be 1 or more"
        else
            Ok options

/// What became of the fit of a gene.
[<RequireQualifiedAccess>]
type FitStatus =
    /// Converged as it was asked to.
    | Converged
    /// Plain steps did not converge, and Newton's with step control did instead.
    | ByOptimizer
    /// Not converged; the numbers are where the steps ended.
    | NotConverged
    /// The gene has no counts: there is nothing to fit.
    | AllZero

/// A negative-binomial regression of one gene: ln mean = ln factor + x b.
type GeneRegression = {
    /// b, natural logarithms, one per coefficient.
    Coefficients: float[]
    /// Of b, coefficients x coefficients, row by row.
    Covariance: float[]
    /// Fitted means without a floor, one per sample.
    Means: float[]
    /// Diagonal of the hat matrix, one per sample; they add up to the number of coefficients, but for the ridge.
    Leverages: float[]
    /// With all its terms, natural logarithm.
    LogLikelihood: float
    /// Steps of the method that ended the fit.
    Iterations: int
    Status: FitStatus
}

/// Room to fit one gene after another. Not for several threads at once: give each its own.
[<Sealed>]
type internal RegressionSpace(design: Design, options: RegressionOptions) =
    // e^30 is no count of any sample, and no change of any gene.
    let bound = 30.0
    let ridge = options.Ridge / (Math.Log 2.0 * Math.Log 2.0)
    let width, samples, groups = design.Width, design.Size, design.Groups
    let levels, values = Array.zeroCreate<float> groups, Array.zeroCreate<float> groups
    let weights, other = Array.zeroCreate<float> groups, Array.zeroCreate<float> groups

    let matrix, vector =
        Array.zeroCreate<float>(width * width), Array.zeroCreate<float> width

    let coefficients, proposal =
        Array.zeroCreate<float> width, Array.zeroCreate<float> width

    let means = Array.zeroCreate<float> samples

    /// L of XᵀX, for least squares without weights.
    let plain =
        let sizes = Array.zeroCreate<float> groups
        design.GroupOf |> Array.iter (fun group -> sizes[group] <- sizes[group] + 1.0)
        let factor = Array.zeroCreate<float>(width * width)
        SampleRegression.Information(design.Rows, width, sizes, factor.AsSpan())
        SymmetricSystem.Factor(factor.AsSpan(), width) |> ignore
        factor

    let addRidge () =
        for at in 0 .. width - 1 do
            matrix[at * width + at] <- matrix[at * width + at] + ridge

    let penalty (b: float[]) =
        let mutable sum = 0.0

        for one in b do
            sum <- sum + one * one

        ridge * sum

    let setMeans (factors: float[]) (b: float[]) floor =
        SampleRegression.Predict(design.Rows, width, b, values.AsSpan())

        SampleRegression.Exponentials(values, levels.AsSpan())
        SampleRegression.Means(factors, design.GroupOf, levels, floor, means.AsSpan())

    /// Twice the penalised negative log-likelihood, but for terms that b does not change; leaves the means at b.
    let objective (counts: float[]) (factors: float[]) b floor alpha =
        setMeans factors b floor
        penalty b - 2.0 * SampleRegression.MeanTerms(counts, means, alpha)

    /// Least squares of y on the design, y given as sums per group; b in `target`.
    let leastSquares (sums: float[]) (target: float[]) =
        SampleRegression.Project(design.Rows, width, sums, target.AsSpan())
        SymmetricSystem.Solve(plain, width, target.AsSpan())

    let sumPerGroup (value: int -> float) =
        Array.Clear other

        for at in 0 .. samples - 1 do
            let group = design.GroupOf[at]
            other[group] <- other[group] + value at

    let startAt (counts: float[]) (factors: float[]) =
        sumPerGroup (fun at -> log (counts[at] / factors[at] + 0.1))
        leastSquares other coefficients

    /// The next b by weighted least squares on the working response, in `proposal`; false where they have no solution.
    let tryStep (counts: float[]) (factors: float[]) alpha =
        SampleRegression.Working(counts, factors, means, alpha, design.GroupOf, weights.AsSpan(), other.AsSpan())
        SampleRegression.Information(design.Rows, width, weights, matrix.AsSpan())
        addRidge ()
        SampleRegression.Project(design.Rows, width, other, proposal.AsSpan())
        let solved = SymmetricSystem.Factor(matrix.AsSpan(), width)

        if solved then
            SymmetricSystem.Solve(matrix, width, proposal.AsSpan())

        solved && proposal |> Array.forall Double.IsFinite

    let isOutside (b: float[]) =
        b |> Array.exists (fun one -> abs one > bound)

    /// DESeq2's iterations: how many, and whether they converged.
    let iteratePlainly counts factors alpha constant =
        let mutable iterations = 0
        let mutable running = true
        let mutable converged = false
        let mutable last = nan
        setMeans factors coefficients options.SmallestMean

        while running && iterations < options.MaxIterations do
            iterations <- iterations + 1
            running <- tryStep counts factors alpha && not (isOutside proposal)

            if running then
                Array.blit proposal 0 coefficients 0 width
                setMeans factors coefficients options.SmallestMean

                let deviance = -2.0 * (constant + SampleRegression.MeanTerms(counts, means, alpha))
                converged <- abs (deviance - last) / (abs deviance + 0.1) < 1e-8
                running <- not converged && not (Double.IsNaN deviance)
                last <- deviance

        iterations, converged

    /// The largest change of a fitted log mean from one b to another.
    let change (a: float[]) (b: float[]) =
        let mutable largest = 0.0

        for group in 0 .. groups - 1 do
            let mutable sum = 0.0

            for at in 0 .. width - 1 do
                sum <- sum + design.Rows[group * width + at] * (a[at] - b[at])

            largest <- max largest (abs sum)

        largest

    /// Halves the step from the coefficients to the proposal until the objective does not rise, and gives the objective
    /// there, the means being those of the proposal; NaN where it always rises.
    let shorten counts factors alpha floor before =
        // Rounding alone must not shorten a step.
        let limit = before + 1e-13 * (abs before + 1.0)
        let mutable reached = objective counts factors proposal floor alpha
        let mutable halvings = 0

        while not (reached <= limit) && halvings < 40 do
            halvings <- halvings + 1

            for at in 0 .. width - 1 do
                proposal[at] <- 0.5 * (proposal[at] + coefficients[at])

            reached <- objective counts factors proposal floor alpha

        if reached <= limit then reached else nan

    /// Whether a coefficient at its bound is pushed further out by the gradient.
    let isHeld at =
        abs coefficients[at] >= bound && vector[at] * coefficients[at] > 0.0

    /// Newton's step from the coefficients, those held at a bound left there; in `vector`. In ln μ the likelihood is concave
    /// everywhere, so that the observed information always gives a way up; steps by the expected one can go to and fro
    /// between two sides of the maximum where one count is far out.
    let tryNewtonStep (counts: float[]) alpha =
        SampleRegression.Scores(counts, means, alpha, design.GroupOf, weights.AsSpan(), other.AsSpan())
        SampleRegression.Information(design.Rows, width, weights, matrix.AsSpan())
        addRidge ()
        SampleRegression.Project(design.Rows, width, other, vector.AsSpan())

        for at in 0 .. width - 1 do
            vector[at] <- vector[at] - ridge * coefficients[at]

        for at in 0 .. width - 1 do
            if isHeld at then
                vector[at] <- 0.0

                for j in 0 .. width - 1 do
                    matrix[at * width + j] <- if j = at then 1.0 else 0.0
                    matrix[j * width + at] <- matrix[at * width + j]

        let solved = SymmetricSystem.Factor(matrix.AsSpan(), width)

        if solved then
            SymmetricSystem.Solve(matrix, width, vector.AsSpan())

        solved && vector |> Array.forall Double.IsFinite

    /// Newton's method within ±30, without a floor of the means: how many steps, and whether they converged.
    let optimize counts factors alpha most =
        // So that the logarithm of a mean is finite.
        let floor = 1e-300

        for at in 0 .. width - 1 do
            let start = coefficients[at]

            coefficients[at] <-
                if Double.IsFinite start then
                    Math.Clamp(start, -bound, bound)
                else
                    0.0

        let mutable before = objective counts factors coefficients floor alpha
        let mutable iterations = 0
        let mutable running = true
        let mutable converged = false

        while running && iterations < most do
            iterations <- iterations + 1
            running <- tryNewtonStep counts alpha

            if running then
                for at in 0 .. width - 1 do
                    proposal[at] <- Math.Clamp(coefficients[at] + vector[at], -bound, bound)

                let wanted = change proposal coefficients

                // So short a step of Newton's is right; what it gains is less than the rounding of the objective.
                let reached =
                    if wanted <= 1e-6 then
                        objective counts factors proposal floor alpha
                    else
                        shorten counts factors alpha floor before


                if Double.IsNaN reached then
                    // Only rounding is left to gain.
                    converged <- wanted <= 1e-5
                    running <- false
                else
                    converged <- wanted <= 1e-8
                    running <- not converged
                    before <- reached
                    Array.blit proposal 0 coefficients 0 width

        iterations, converged

    /// (XᵀWX + ridge)⁻¹ XᵀWX (XᵀWX + ridge)⁻¹ and the leverages, W at the floored means; NaN where there is no inverse.
    let spread alpha (covariance: float[]) (leverages: float[]) =
        SampleRegression.WeightsAndSlopes(means, alpha, design.GroupOf, weights.AsSpan(), other.AsSpan())
        SampleRegression.Information(design.Rows, width, weights, matrix.AsSpan())
        let information = Array.copy matrix
        addRidge ()
        let inverse = Array.create (width * width) nan

        if SymmetricSystem.Factor(matrix.AsSpan(), width) then
            SymmetricSystem.Invert(matrix, width, inverse.AsSpan())

        RegressionSpace.Sandwich(width, inverse, information, covariance)

        for group in 0 .. groups - 1 do
            levels[group] <- RegressionSpace.Quadratic(width, inverse, design.Rows.AsSpan(group * width, width))

        for at in 0 .. samples - 1 do
            leverages[at] <- levels[design.GroupOf[at]] * means[at] / (1.0 + alpha * means[at])

    /// A B A of symmetric matrices, of B the lower triangle.
    static member private Sandwich(width: int, a: float[], b: float[], target: float[]) =
        let entry i j =
            if j <= i then b[i * width + j] else b[j * width + i]

        let half = Array.zeroCreate<float>(width * width)

        for i in 0 .. width - 1 do
            for j in 0 .. width - 1 do
                for k in 0 .. width - 1 do
                    half[i * width + j] <- half[i * width + j] + a[i * width + k] * entry k j

        for i in 0 .. width - 1 do
            for j in 0 .. width - 1 do
                let mutable sum = 0.0

                for k in 0 .. width - 1 do
                    sum <- sum + half[i * width + k] * a[k * width + j]

                target[i * width + j] <- sum

    /// xᵀ A x.
    static member private Quadratic(width: int, a: float[], x: Span<float>) =
        let mutable sum = 0.0

        for i in 0 .. width - 1 do
            for j in 0 .. width - 1 do
                sum <- sum + x[i] * a[i * width + j] * x[j]

        sum

    member _.Design = design
    member _.Options = options

    /// Group means of counts over factors, times the factors: what a design of as many groups as coefficients fits. With
    /// fewer coefficients, the least squares fit. `floor`: the smallest mean.
    member _.LinearMeans(counts: float[], factors: float[], floor: float, target: float[]) =
        sumPerGroup (fun at -> counts[at] / factors[at])
        leastSquares other proposal
        SampleRegression.Predict(design.Rows, width, proposal, values.AsSpan())

        for at in 0 .. samples - 1 do
            target[at] <- max floor (values[design.GroupOf[at]] * factors[at])

    /// Moves the coefficients from the start to the maximum.
    member private _.Search(counts: float[], factors: float[], dispersion, constant) =
        let optimized most status =
            let iterations, converged = optimize counts factors dispersion most
            iterations, (if converged then status else FitStatus.NotConverged)

        if options.StepControl then
            optimized options.MaxIterations FitStatus.Converged
        else
            match iteratePlainly counts factors dispersion constant with
            | iterations, true -> iterations, FitStatus.Converged
            | _ -> optimized 500 FitStatus.ByOptimizer

    /// Fits one gene that has counts. `factors`: above 0, one per sample.
    member this.Fit(counts: float[], factors: float[], dispersion: float) : GeneRegression =
        let constant =
            DispersionLikelihood.CountTerms(counts, dispersion)
            - (counts
               |> Array.sumBy (fun y -> MathNet.Numerics.SpecialFunctions.GammaLn(y + 1.0)))

        startAt counts factors

        let iterations, status = this.Search(counts, factors, dispersion, constant)

        let covariance, leverages =
            Array.zeroCreate<float>(width * width), Array.zeroCreate<float> samples

        setMeans factors coefficients options.SmallestMean
        spread dispersion covariance leverages
        setMeans factors coefficients 0.0

        {
            Coefficients = Array.copy coefficients
            Covariance = covariance
            Means = Array.copy means
            Leverages = leverages
            LogLikelihood = constant + SampleRegression.MeanTerms(counts, means, dispersion)
            Iterations = iterations
            Status = status
        }

    /// Of a gene without counts.
    member _.Nothing: GeneRegression = {
        Coefficients = Array.create width nan
        Covariance = Array.create (width * width) nan
        Means = Array.zeroCreate samples
        Leverages = Array.create samples nan
        LogLikelihood = 0.0
        Iterations = 0
        Status = FitStatus.AllZero
    }

/// Negative-binomial regressions of many genes on one design, at fixed dispersions.
[<RequireQualifiedAccess>]
module GeneralizedLinearModel =

    /// Genes per block of work.
    [<Literal>]
    let internal BlockGenes = 16

    /// Copies one gene's counts, and its factors (one per sample, or genes x samples of them).
    let internal load (counts: SampleCounts) (factors: float[]) gene (ofGene: float[]) (factorsOfGene: float[]) =
        let samples = counts.Samples.Length
        (counts.Of gene).CopyTo(ofGene.AsSpan())
        let start = if factors.Length = samples then 0 else gene * samples
        Array.blit factors start factorsOfGene 0 samples

    /// Runs `work space counts factors gene` for all genes on several threads; each thread has a space of its own.
    let internal forGenes
        threads
        design
        options
        (counts: SampleCounts)
        factors
        (work: RegressionSpace -> float[] -> float[] -> int -> unit)
        =
        let samples = counts.Samples.Length
        let blocks = (counts.Genes.Length + BlockGenes - 1) / BlockGenes

        let room () =
            struct (RegressionSpace(design, options), Array.zeroCreate<float> samples, Array.zeroCreate<float> samples)

        Schedule.blocks threads blocks room (fun (struct (space, ofGene, factorsOfGene)) block ->
            for gene in block * BlockGenes .. min counts.Genes.Length ((block + 1) * BlockGenes) - 1 do
                load counts factors gene ofGene factorsOfGene
                work space ofGene factorsOfGene gene)

    let private checkInput (design: Design) (counts: SampleCounts) (factors: float[]) (dispersions: float[]) =
        let samples = counts.Samples.Length

        if design.Size <> samples then
            Error(CoExprError.UnequalLengths("samples of the design", samples, design.Size))
        elif factors.Length <> samples && factors.Length <> counts.Values.Length then
            Error(CoExprError.UnequalLengths("factors", samples, factors.LongLength))
        elif dispersions.Length <> counts.Genes.Length then
            Error(CoExprError.UnequalLengths("dispersions", counts.Genes.Length, dispersions.LongLength))
        elif factors |> Array.exists (fun f -> not (f > 0.0 && f < infinity)) then
            Error(CoExprError.BadOption("factors", "of a sample", "each must be above 0 and finite"))
        elif dispersions |> Array.exists (fun d -> not (d >= 0.0 && d < infinity)) then
            Error(CoExprError.BadOption("dispersions", "of a gene", "each must be 0 or more and finite"))
        else
            Ok()

    /// Fits every gene, one result per gene in their order.
    ///
    /// `factors`: by how much the expected counts of a sample are multiplied (size factors; e^offset), one per sample or
    /// genes x samples. `dispersions`: α of variance = mean + α mean², one per gene; 0 is Poisson. A gene without counts
    /// has the status AllZero and NaN coefficients. The bits do not depend on the threads, nor on the order of genes.
    let fit
        threads
        (options: RegressionOptions)
        (design: Design)
        (counts: SampleCounts)
        (factors: float[])
        (dispersions: float[])
        : Result<GeneRegression[], CoExprError> =
        result {
            let! options = RegressionOptions.check options
            do! checkInput design counts factors dispersions
            let fits = Array.zeroCreate<GeneRegression> counts.Genes.Length

            forGenes threads design options counts factors (fun space ofGene factorsOfGene gene ->
                fits[gene] <-
                    if ofGene |> Array.forall ((=) 0.0) then
                        space.Nothing
                    else
                        space.Fit(ofGene, factorsOfGene, dispersions[gene]))

            return fits
        }
