namespace CoExpr

open System
open CoExpr.Kernels

/// How CRISPYx tests counts.
type CrispyxOptions = {
    SizeFactors: SizeFactorKind
    /// No fitted mean is let below this. Its 0.5 pulls fold changes of weakly expressed genes towards 0, to a sixth at a
    /// mean of 0.05; 1e-6 mends that.
    LeastMean: float
    /// Whether fold changes shrunken as CRISPYx shrinks them, and s-values, are added.
    Shrink: bool
}

/// Negative-binomial tests of a screen as CRISPYx 0.1.1 makes them (`nb_glm_test` with its defaults), faults included: for
/// comparing with its results, not for finding out what a perturbation does. `NegativeBinomialScreen` is right where this
/// is not: see docs/differential-expression.md.
[<RequireQualifiedAccess>]
module CrispyxScreen =

    /// Its defaults: size factors from ratios of counts above 0, means of 0.5 and more, no shrinkage.
    let defaults = {
        SizeFactors = SizeFactorKind.NonZeroRatios
        LeastMean = 0.5
        Shrink = false
    }

    /// Names of its layers, beside those that other tests have.
    let internal further = [
        ContrastRows.StandardError
        "standard_error_ln"
        "logfoldchange_raw"
        "logfoldchange_raw_ln"
        "intercept"
        "dispersion"
        "dispersion_raw"
        "dispersion_trend"
        "converged"
        "iterations"
    ]

    let private smallestDispersion, private largestDispersion = 1e-8, 1e6

    // Dispersions of the screen ------------------------------------------------------------------------------------------

    /// Its dispersion by moments, ((y − mu)² − y) / mu² over cells − 1, around mu = mean(y / s) · mean(s) · s: the mean of s
    /// is there twice, and groups are not told apart.
    let private moments (factors: float[]) (indices: ReadOnlySpan<int>) (values: ReadOnlySpan<float32>) mean =
        let centre = mean * Array.average factors
        let mutable sum = 0.0

        let term (y: float) mu =
            ((y - mu) * (y - mu) - y) / max (mu * mu) 1e-10

        for factor in factors do
            sum <- sum + term 0.0 (centre * factor)

        for at in 0 .. indices.Length - 1 do
            let mu = centre * factors[indices[at]]
            sum <- sum + term (float values[at]) mu - term 0.0 mu

        Math.Clamp(sum / float (max 1 (factors.Length - 1)), smallestDispersion, 10.0)

    let private meanOf (factors: float[]) (indices: ReadOnlySpan<int>) (values: ReadOnlySpan<float32>) =
        let mutable sum = 0.0

        for at in 0 .. indices.Length - 1 do
            sum <- sum + float values[at] / factors[indices[at]]

        sum / float factors.Length

    /// asymptotic + extra / mean by a gamma regression; genes beyond 1e-4 and 15 times a round's trend stay away from all
    /// later rounds.
    let private trendOf (means: float[]) (dispersions: float[]) =
        let rec rounds left (kept: (float * float)[]) (struct (a: float, b: float)) =
            let x, y = kept |> Array.map (fun (mean, _) -> 1.0 / mean), kept |> Array.map snd

            match GammaRegression.fit x y (struct (a, b)) with
            | Some(struct (c, d)) when c > 1e-10 && d > 1e-10 && left > 0 ->
                let rest =
                    kept
                    |> Array.filter (fun (mean, dispersion) ->
                        let ratio = dispersion / (c + d / mean)
                        ratio >= 1e-4 && ratio < 15.0)

                if pown (log (c / a)) 2 + pown (log (d / b)) 2 < 1e-6 || rest.Length < 3 then
                    struct (c, d)
                else
                    rounds (left - 1) rest (struct (c, d))
            | Some found -> found
            | None -> struct (a, b)

        let valid =
            Array.zip means dispersions
            |> Array.filter (fun (mean, _) -> mean > 0.0)
            |> Array.sort

        if valid.Length < 3 then
            let constant =
                if valid.Length = 0 then
                    0.1
                else
                    valid |> Array.map snd |> OrderStatistics.median

            fun _ -> constant
        else
            let struct (a, b) = rounds 20 valid (struct (1.0, 1.0))
            fun mean -> max 1e-8 (a + b / max mean 1e-8)

    /// Of every gene the trend and, half way to it on the logarithm, the dispersion.
    let private dispersions threads (factors: float[]) (genes: GroupedGenes) =
        let count = genes.Genes.Lines
        let means, raw = Array.zeroCreate<float> count, Array.zeroCreate<float> count

        Schedule.ranges threads 16 count (fun first next ->
            for gene in first .. next - 1 do
                let indices: ReadOnlySpan<int> = Span.op_Implicit (genes.Genes.IndicesOf gene)
                let values: ReadOnlySpan<float32> = Span.op_Implicit (genes.Genes.ValuesOf gene)
                means[gene] <- meanOf factors indices values
                raw[gene] <- moments factors indices values means[gene])

        let trend = means |> Array.map (trendOf means raw)

        {
            Means = means
            GeneWise = raw
            Trend = trend
            Final =
                Array.map2
                    (fun (dispersion: float) (trend: float) ->
                        Math.Clamp(exp (0.5 * (log dispersion + log trend)), smallestDispersion, 10.0))
                    raw
                    trend
            AtBound = raw |> Array.map (fun alpha -> if alpha <= smallestDispersion then -1y else 0y)
            IsOutlier = Array.zeroCreate count
        }

    // Regression of one gene -----------------------------------------------------------------------------------------------

    let private ridge, private tolerance, private mostIterations = 1e-6, 1e-6, 25

    let private dispersionOf moment degrees =
        Math.Clamp(moment / float (max 1 degrees), smallestDispersion, largestDispersion)

    /// Intercept and dispersion of the controls, from which every comparison starts.
    let private ofControl leastMean (control: ClampedRegression) (factors: float[]) (counts: float[]) =
        let cells = factors.Length
        let mean = Array.sum counts / float cells / Array.average factors
        let mutable intercept, alpha = log (max mean 1e-10), 0.1
        let mutable left = 10

        while left > 0 do
            let struct (weight, response, _) = control.Sums(counts, intercept, alpha, leastMean)
            let next = response / max weight 1e-10
            let struct (_, _, moment) = control.Sums(counts, next, alpha, leastMean)
            alpha <- dispersionOf moment (cells - 1)
            left <- if abs (next - intercept) < tolerance then 0 else left - 1
            intercept <- next

        struct (intercept, alpha)

    [<Struct>]
    type private Fit = {
        Intercept: float
        LogFold: float
        /// The last at which it had not converged.
        Iterations: int
        Converged: bool
    }

    /// Weighted least squares of both coefficients, a ridge of 1e-6 on the diagonal.
    let private solve (c: struct (float * float * float)) (p: struct (float * float * float)) =
        let struct (controlWeight, controlResponse, _), struct (weight, response, _) = c, p
        let first, second = controlWeight + weight + ridge, weight + ridge
        let determinant = first * second - weight * weight
        let both = controlResponse + response
        struct ((both * second - response * weight) / determinant, (first * response - weight * both) / determinant)

    /// Weights go by the dispersion of the step before. It goes on after convergence until nothing moves, as CRISPYx does
    /// while other genes have not converged.
    let private compare leastMean sums degrees (struct (intercept, alpha)) =
        let mutable a, b, alpha = intercept, 0.0, alpha
        let mutable iteration, unsettled = 0, 0
        let mutable converged, moving = false, true

        while iteration < mostIterations && moving do
            iteration <- iteration + 1
            let struct (control, perturbed) = sums a b alpha leastMean
            let struct (nextA, nextB) = solve control perturbed
            let moved = max (abs (nextA - a)) (abs (nextB - b))
            let struct (_, _, m0), struct (_, _, m1) = control, perturbed
            alpha <- dispersionOf (m0 + m1) degrees
            converged <- converged || moved < tolerance

            if not converged then
                unsettled <- iteration

            moving <- not (moved < 1e-13)
            a <- nextA
            b <- nextB

        {
            Intercept = a
            LogFold = b
            Iterations = unsettled
            Converged = converged
        }

    /// Σ mu / (1 + alpha mu), mu not clamped.
    let private information (factors: float[]) level alpha =
        let mutable sum = 0.0

        for factor in factors do
            let mu = level * factor
            sum <- sum + mu / (1.0 + alpha * mu)

        sum

    /// √ of the second diagonal entry of H M H, M the information and H the inverse of M + ridge.
    let private errorOf control perturbed =
        let whole = control + perturbed
        let determinant = (whole + ridge) * (perturbed + ridge) - perturbed * perturbed
        let h01, h11 = -perturbed / determinant, (whole + ridge) / determinant

        sqrt (
            h01 * (whole * h01 + perturbed * h11)
            + h11 * (perturbed * h01 + perturbed * h11)
        )

    // All genes --------------------------------------------------------------------------------------------------------------

    /// Where its further columns lie in the rows.
    type private FitColumns = {
        StandardError: float[]
        StandardErrorLn: float[]
        Raw: float[]
        RawLn: float[]
        Intercept: float[]
        Dispersion: float[]
        DispersionRaw: float[]
        DispersionTrend: float[]
        Converged: float[]
        Iterations: float[]
    }

    let private columnsOf (rows: ContrastRows) = {
        StandardError = rows.Named ContrastRows.StandardError
        StandardErrorLn = rows.Named "standard_error_ln"
        Raw = rows.Named "logfoldchange_raw"
        RawLn = rows.Named "logfoldchange_raw_ln"
        Intercept = rows.Named "intercept"
        Dispersion = rows.Named "dispersion"
        DispersionRaw = rows.Named "dispersion_raw"
        DispersionTrend = rows.Named "dispersion_trend"
        Converged = rows.Named "converged"
        Iterations = rows.Named "iterations"
    }

    type private Pass = {
        Options: CrispyxOptions
        Genes: GroupedGenes
        Control: int
        Perturbations: int[]
        MinimumCells: int
        Dispersions: ScreenDispersions
        /// Of each group, its cells' in their order.
        Factors: float[][]
        Groups: ClampedRegression[]
        Rows: ContrastRows
        Columns: FitColumns
    }

    let private groupCounts (pass: Pass) (counts: float[][]) gene =
        counts |> Array.iter Array.Clear

        let indices = pass.Genes.Genes.IndicesOf gene
        let values = pass.Genes.Genes.ValuesOf gene

        for at in 0 .. indices.Length - 1 do
            let group = pass.Genes.GroupOf[indices[at]]
            counts[group][indices[at] - pass.Genes.Starts[group]] <- float values[at]

    let private summary (factors: float[]) (counts: float[]) =
        let cells = factors.Length
        let mutable sum, stored = 0.0, 0

        for at in 0 .. cells - 1 do
            sum <- sum + counts[at] / factors[at]

            if counts[at] > 0.0 then
                stored <- stored + 1

        struct (sum / float cells, float stored / float cells)

    let private fillFit (pass: Pass) place gene group (fit: Fit) =
        let rows, columns = pass.Rows, pass.Columns
        let alpha = pass.Dispersions.Final[gene]
        let level = exp fit.Intercept
        let control = information pass.Factors[pass.Control] level alpha

        let error =
            errorOf control (information pass.Factors[group] (level * exp fit.LogFold) alpha)

        let z = fit.LogFold / error
        let struct (upper, log10Upper) = NormalTail.upperAndLog10 (abs z)
        rows.Effect[place] <- fit.LogFold / log 2.0
        rows.LogFoldChange[place] <- fit.LogFold / log 2.0
        rows.Statistic[place] <- z
        rows.PValue[place] <- 2.0 * upper
        rows.Log10P[place] <- log10Upper + log10 2.0
        columns.StandardError[place] <- error / log 2.0
        columns.StandardErrorLn[place] <- error
        columns.Raw[place] <- fit.LogFold / log 2.0
        columns.RawLn[place] <- fit.LogFold
        columns.Intercept[place] <- fit.Intercept

    let private status (pass: Pass) place group total =
        if min (pass.Genes.Size group) (pass.Genes.Size pass.Control) < pass.MinimumCells then
            RowStatus.TooFewCells
        elif total < 1.0 then
            RowStatus.AllZero
        elif NegativeBinomialScreen.isLow (Some LowExpression.standard) pass.Rows place then
            RowStatus.LowExpression
        else
            RowStatus.Tested

    let private fillDispersions (pass: Pass) place gene =
        let columns, found = pass.Columns, pass.Dispersions
        columns.Dispersion[place] <- found.Final[gene]
        columns.DispersionRaw[place] <- found.Final[gene]
        columns.DispersionTrend[place] <- found.Trend[gene]

    let private fit (pass: Pass) (counts: float[][]) group start =
        let control, perturbed = pass.Groups[pass.Control], pass.Groups[group]

        let sums a b alpha leastMean =
            struct (control.Sums(counts[pass.Control], a, alpha, leastMean),
                    perturbed.Sums(counts[group], a + b, alpha, leastMean))

        let degrees = pass.Genes.Size group + pass.Genes.Size pass.Control - 2
        compare pass.Options.LeastMean sums degrees start

    let private testRow (pass: Pass) (counts: float[][]) (struct (reference, referenceFraction)) start row gene =
        let group = pass.Perturbations[row]
        let place = row * pass.Genes.Genes.Lines + gene
        let rows = pass.Rows
        let struct (mean, fraction) = summary pass.Factors[group] counts[group]
        rows.Mean[place] <- mean
        rows.Fraction[place] <- fraction
        rows.ReferenceMean[place] <- reference
        rows.ReferenceFraction[place] <- referenceFraction
        fillDispersions pass place gene
        let total = Array.sum counts[group] + Array.sum counts[pass.Control]
        rows.Status[place] <- status pass place group total

        let found =
            if total < 1.0 then
                {
                    Intercept = nan
                    LogFold = nan
                    Iterations = 0
                    Converged = false
                }
            else
                fit pass counts group start

        pass.Columns.Converged[place] <- if found.Converged then 1.0 else 0.0
        pass.Columns.Iterations[place] <- float found.Iterations

        if rows.Status[place] = RowStatus.Tested then
            if found.Converged then
                fillFit pass place gene group found
            else
                rows.Status[place] <- RowStatus.NotConverged

    let private testGene (pass: Pass) (counts: float[][]) gene =
        groupCounts pass counts gene

        let start =
            ofControl pass.Options.LeastMean pass.Groups[pass.Control] pass.Factors[pass.Control] counts[pass.Control]

        let reference = summary pass.Factors[pass.Control] counts[pass.Control]

        for row in 0 .. pass.Perturbations.Length - 1 do
            testRow pass counts reference start row gene

    let private testAll (progress: Progress) threads (pass: Pass) =
        let genes = pass.Genes.Genes.Lines
        let advance = Progress.counter progress "tests" "genes" (int64 genes)

        let makeCounts () =
            pass.Factors
            |> Array.map (fun factors -> Array.zeroCreate<float>(ClampedRegression.Length factors.Length))

        Schedule.blocks threads genes makeCounts (fun counts gene ->
            testGene pass counts gene
            advance 1L)

    /// Tests every gene of every group against the control group. The same bits for every number of threads and order of
    /// the genes. Rows of a gene without counts, or whose fit does not converge in 25 steps, have no numbers.
    ///
    /// Errors: those of `NegativeBinomialScreen.compute`; BadOption for a least mean that is not above 0.
    let compute
        (progress: Progress)
        threads
        minimumCells
        adjustment
        (options: CrispyxOptions)
        (groups: Groups)
        (cells: Cells)
        : Result<struct (ContrastRows * ScreenDispersions), CoExprError> =
        result {
            do!
                if options.LeastMean > 0.0 && options.LeastMean < infinity then
                    Ok()
                else
                    let given =
                        options.LeastMean.ToString("R", Globalization.CultureInfo.InvariantCulture)

                    Error(CoExprError.BadOption("--min-mean", given, "a mean above 0 is needed"))

            let! control = NegativeBinomialScreen.requireControl minimumCells groups
            let! cells = NegativeBinomialScreen.requireCounts cells
            let! factors = SizeFactors.create options.SizeFactors cells
            do! SizeFactors.requirePositive factors groups.Order cells
            let genes = GroupedGenes.create threads cells.Counts groups
            let arranged = GroupedGenes.arrange factors genes

            let byGroup =
                Array.init groups.Labels.Length (fun group ->
                    arranged[groups.Starts[group] .. groups.Starts[group + 1] - 1])

            let perturbations =
                [| 0 .. groups.Labels.Length - 1 |] |> Array.filter (fun g -> g <> control)

            let rows = ContrastRows.create perturbations.Length cells.Counts.Genes further
            let found = dispersions threads arranged genes

            testAll progress threads {
                Options = options
                Genes = genes
                Control = control
                Perturbations = perturbations
                MinimumCells = minimumCells
                Dispersions = found
                Factors = byGroup
                Groups = byGroup |> Array.map (fun factors -> ClampedRegression(ReadOnlySpan factors))
                Rows = rows
                Columns = columnsOf rows
            }

            let lines, columns = perturbations.Length, cells.Counts.Genes
            ContrastRows.adjust threads adjustment false lines columns rows

            let shrink =
                FoldChangeShrinkage.ofRowsBy FoldChangeShrinkage.shrinkFromZero threads lines columns

            return struct ((if options.Shrink then shrink rows else rows), found)
        }
