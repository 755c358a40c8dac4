namespace CoExpr

open System

/// A log-fold change drawn towards 0 by a prior that spares large ones.
[<Struct>]
type ShrunkenFold = {
    /// The mode of the posterior.
    LogFold: float
    /// 1 / √curvature of −ln posterior there (Laplace).
    Deviation: float
    /// P(the sign is the other one), by that normal approximation.
    FalseSign: float
}

/// Whether fold changes are also given drawn towards 0, and by what.
[<RequireQualifiedAccess>]
type FoldShrinkage =
    | Nothing
    /// The estimate taken as normal about the truth: nothing but rows is needed.
    | ByStatistics
    /// The likelihood of the counts, which far from its maximum is not normal, least of all where a group has no counts.
    /// Takes a second look at every gene.
    | ByCounts

[<RequireQualifiedAccess>]
module FoldShrinkage =

    let private known = [
        "none", FoldShrinkage.Nothing
        "statistics", FoldShrinkage.ByStatistics
        "counts", FoldShrinkage.ByCounts
    ]

    /// As the command line has it.
    let name shrinkage = Words.name known shrinkage

    /// The shrinkage of a name.
    let parse word = Words.parse "--shrink-by" known word

/// Shrinkage of log-fold changes by a Cauchy prior, the estimate taken as normal about the truth (apeglm: Zhu, Ibrahim and
/// Love 2019). Estimates, errors and scales are in one unit, whichever.
[<RequireQualifiedAccess>]
module FoldChangeShrinkage =

    /// −ln posterior up to a constant: (b − m)² / 2v + ln(1 + (b/S)²).
    let private objective (estimate: float) variance scale (b: float) =
        (b - estimate) * (b - estimate) / (2.0 * variance)
        + log (1.0 + (b / scale) * (b / scale))

    /// Newton's steps undo what cancellation costs the closed form.
    let private polish (m: float) c d root =
        let step (b: float) =
            let value = ((b - m) * b + c) * b - d
            let slope = (3.0 * b - 2.0 * m) * b + c
            if slope = 0.0 then b else b - value / slope

        root |> step |> step |> step

    /// Real roots of b³ − m b² + c b − d (Cardano; Viète where there are three).
    let private realRoots (m: float) (c: float) (d: float) =
        let p = c - m * m / 3.0
        let q = -2.0 * m * m * m / 27.0 + m * c / 3.0 - d
        let discriminant = q * q / 4.0 + p * p * p / 27.0

        let shifted =
            if discriminant > 0.0 then
                let root = sqrt discriminant
                [ Math.Cbrt(-q / 2.0 + root) + Math.Cbrt(-q / 2.0 - root) ]
            else
                let radius = 2.0 * sqrt (max 0.0 (-p / 3.0))

                let angle =
                    if radius = 0.0 then
                        0.0
                    else
                        acos (max -1.0 (min 1.0 (3.0 * q / (p * radius)))) / 3.0

                [ for k in 0.0 .. 2.0 -> radius * cos (angle - 2.0 * Math.PI * k / 3.0) ]

        shifted |> List.map (fun x -> polish m c d (x + m / 3.0))

    /// The mode of the posterior: of the stationary points, which solve b³ − m b² + (S² + 2v) b − m S² = 0, the one with
    /// the highest density. Standard error and scale are above 0.
    let shrink (scale: float) (estimate: float) (standardError: float) : ShrunkenFold =
        let variance, s2 = standardError * standardError, scale * scale

        let mode =
            realRoots estimate (s2 + 2.0 * variance) (estimate * s2)
            |> List.minBy (objective estimate variance scale)

        let b2 = mode * mode
        let curvature = 1.0 / variance + 2.0 * (s2 - b2) / ((s2 + b2) * (s2 + b2))
        let deviation = 1.0 / sqrt (max curvature 1e-300)

        {
            LogFold = mode
            Deviation = deviation
            FalseSign = NormalTail.upper (abs mode / deviation)
        }

    /// What CRISPYx 0.1.1 takes for the mode: where Newton's steps from 0 end, halved until the density rises. Of two modes
    /// it is the one near 0, whatever the estimate's certainty; `shrink` finds the higher one.
    let shrinkFromZero (scale: float) (estimate: float) (standardError: float) : ShrunkenFold =
        let variance, s2 = standardError * standardError, scale * scale
        let value = objective estimate variance scale

        let curvature b =
            1.0 / variance + 2.0 * (s2 - b * b) / ((s2 + b * b) * (s2 + b * b))

        let rec halve b slope step share left =
            if left = 0 || value (b + share * step) <= value b + 0.1 * share * step * slope then
                share * step
            else
                halve b slope step (0.5 * share) (left - 1)

        let rec descend b left =
            let slope = (b - estimate) / variance + 2.0 * b / (s2 + b * b)
            let step = -slope / max (abs (curvature b)) (1.0 / (variance + s2))
            let moved = halve b slope step 1.0 10

            if left = 0 || abs moved < 1e-8 then
                b + moved
            else
                descend (b + moved) (left - 1)

        let mode = descend 0.0 99
        let deviation = 1.0 / sqrt (abs (curvature mode))

        {
            LogFold = mode
            Deviation = deviation
            FalseSign = NormalTail.upper (abs mode / deviation)
        }

    /// The names of the columns that `ofRows` adds.
    [<Literal>]
    let Shrunken = "shrunken_log_fold_change"

    [<Literal>]
    let Deviation = "shrunken_standard_deviation"

    [<Literal>]
    let SValue = "s_value"

    /// Where a group has no counts, its penalised mean has a standard error of about 2 however sure the test is: the error
    /// there is the one with which the fold change would have the statistic that it has. Means tell, and not the status,
    /// which may be that of an outlier or of a filter instead.
    let private errorOf (rows: ContrastRows) place estimate error =
        let isWithoutCounts = rows.Mean[place] = 0.0 || rows.ReferenceMean[place] = 0.0

        if isWithoutCounts && abs rows.Statistic[place] > 0.0 then
            min error (abs estimate / abs rows.Statistic[place])
        else
            error

    let private natural (values: float[]) first genes =
        Array.sub values first genes |> Array.map (fun x -> x * log 2.0)

    /// Estimates and standard errors of the genes of a perturbation, natural logarithms.
    let private estimatesOf (rows: ContrastRows) (errors: float[]) first genes =
        let estimates = natural rows.LogFoldChange first genes

        let standardErrors =
            natural errors first genes
            |> Array.mapi (fun gene error -> errorOf rows (first + gene) estimates[gene] error)

        struct (estimates, standardErrors)

    let private isKnown (estimate: float) (error: float) =
        Double.IsFinite estimate && error > 0.0 && Double.IsFinite error

    /// The scale of the prior of each perturbation, from its rows.
    let internal scales threads perturbations genes (rows: ContrastRows) : float[] =
        let errors = rows.Named ContrastRows.StandardError
        let found = Array.zeroCreate<float> perturbations

        Schedule.ranges threads 1 perturbations (fun row _ ->
            let struct (estimates, errors) = estimatesOf rows errors (row * genes) genes
            found[row] <- EffectPrior.scale estimates errors)

        found

    /// Shrunken log2 fold changes, their deviations, s-values.
    let private withColumns (rows: ContrastRows) (columns: float[][]) : ContrastRows = {
        rows with
            Further = rows.Further @ List.zip [ Shrunken; Deviation; SValue ] (List.ofArray columns)
    }

    /// Adds the columns from the mode and its deviation of each row, natural logarithms, NaN where there are none.
    let internal ofModes threads perturbations genes (modes: float[]) (deviations: float[]) (rows: ContrastRows) =
        let toLog2 (values: float[]) =
            values |> Array.map (fun value -> value / log 2.0)

        let sValues = Array.create modes.Length nan

        Schedule.ranges threads 1 perturbations (fun row _ ->
            let first = row * genes

            let falseSigns =
                Array.init genes (fun gene -> NormalTail.upper (abs modes[first + gene] / deviations[first + gene]))

            Array.blit (EffectPrior.sValues falseSigns) 0 sValues first genes)

        withColumns rows [| toLog2 modes; toLog2 deviations; sValues |]

    let private ofPerturbation shrink (rows: ContrastRows) (errors: float[]) first genes (columns: float[][]) =
        let struct (estimates, standardErrors) = estimatesOf rows errors first genes
        let scale = EffectPrior.scale estimates standardErrors
        let falseSigns = Array.create genes nan

        for gene in 0 .. genes - 1 do
            if isKnown estimates[gene] standardErrors[gene] then
                let found: ShrunkenFold = shrink scale estimates[gene] standardErrors[gene]
                columns[0][first + gene] <- found.LogFold / log 2.0
                columns[1][first + gene] <- found.Deviation / log 2.0
                falseSigns[gene] <- found.FalseSign

        Array.blit (EffectPrior.sValues falseSigns) 0 columns[2] first genes

    /// The same by a way to shrink that takes the prior's scale, an estimate and its error.
    let internal ofRowsBy shrink threads perturbations genes (rows: ContrastRows) : ContrastRows =
        let errors = rows.Named ContrastRows.StandardError
        let columns = Array.init 3 (fun _ -> Array.create errors.Length nan)

        Schedule.ranges threads 1 perturbations (fun row _ ->
            ofPerturbation shrink rows errors (row * genes) genes columns)

        withColumns rows columns

    /// Adds to rows with standard errors their shrunken log2 fold changes, the standard deviations of these, and s-values,
    /// each perturbation with a prior of its own. NaN where there is no finite error.
    let ofRows threads perturbations genes (rows: ContrastRows) : ContrastRows =
        ofRowsBy shrink threads perturbations genes rows
