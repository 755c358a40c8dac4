namespace CoExpr.Reference

/// Negative binomials as their definitions read: sums over every cell, ln Γ, and maxima found by looking.
///
/// Counts y have mean mu and variance mu + alpha mu²; size is 1 / alpha.
module NegativeBinomial =

    /// ln Γ(x) for x > 0: Stirling's series from 20 on, and down to x by Γ(x) = Γ(x + 1) / x.
    let rec lnGamma (x: float) =
        if x < 20.0 then
            lnGamma (x + 1.0) - log x
        else
            (x - 0.5) * log x - x + 0.5 * log (2.0 * System.Math.PI) + 1.0 / (12.0 * x)
            - 1.0 / (360.0 * x ** 3.0)
            + 1.0 / (1260.0 * x ** 5.0)

    /// ln P(y).
    let logMass alpha mu (y: float) =
        let size = 1.0 / alpha

        if mu = 0.0 then
            if y = 0.0 then 0.0 else -infinity
        else
            lnGamma (y + size) - lnGamma size - lnGamma (y + 1.0)
            + size * log (size / (size + mu))
            + y * log (mu / (size + mu))

    /// Of cells with size factors s in a group of mean m.
    let logLikelihood alpha m (sizeFactors: float[]) (counts: float[]) =
        Array.map2 (fun s y -> logMass alpha (m * s) y) sizeFactors counts |> Array.sum

    /// Its derivative with respect to ln m: Σ (y − mu) / (1 + alpha mu).
    let score alpha m (sizeFactors: float[]) (counts: float[]) =
        Array.map2 (fun s y -> (y - m * s) / (1.0 + alpha * m * s)) sizeFactors counts
        |> Array.sum

    /// Σ mu / (1 + alpha mu).
    let information alpha m (sizeFactors: float[]) =
        sizeFactors |> Array.sumBy (fun s -> m * s / (1.0 + alpha * m * s))

    /// Where a decreasing function is 0, by halving.
    let root low high (f: float -> float) =
        let rec halve low high steps =
            let middle = 0.5 * (low + high)

            if steps = 0 then middle
            elif f middle > 0.0 then halve middle high (steps - 1)
            else halve low middle (steps - 1)

        halve low high 200

    /// The mean of largest likelihood.
    let mean alpha sizeFactors (counts: float[]) =
        if Array.forall ((=) 0.0) counts then
            0.0
        else
            exp (root -60.0 60.0 (fun beta -> score alpha (exp beta) sizeFactors counts))

    /// The same by iteratively reweighted least squares of one coefficient, as textbooks have it.
    let meanByLeastSquares alpha (sizeFactors: float[]) (counts: float[]) =
        let mutable beta = log (Array.sum counts / Array.sum sizeFactors)

        for _ in 1..500 do
            let mu = sizeFactors |> Array.map (fun s -> s * exp beta)
            let w = mu |> Array.map (fun mu -> mu / (1.0 + alpha * mu))
            let z = Array.map2 (fun mu y -> beta + (y - mu) / mu) mu counts
            beta <- (Array.map2 (*) w z |> Array.sum) / Array.sum w

        exp beta

    /// Of one mean m for the first group and m · fold for the second: the likelihood's maximum, and m.
    let nullFit alpha fold (sizes: float[] * float[]) (counts: float[] * float[]) =
        let total m =
            score alpha m (fst sizes) (fst counts)
            + score alpha (m * fold) (snd sizes) (snd counts)

        let m = exp (root -60.0 60.0 (fun beta -> total (exp beta)))

        let value =
            logLikelihood alpha m (fst sizes) (fst counts)
            + logLikelihood alpha (m * fold) (snd sizes) (snd counts)

        m, value

    /// The log-likelihood lost by supposing that the second group's mean is `fold` times the first's.
    let logRatio alpha fold sizes counts =
        let best which =
            logLikelihood alpha (mean alpha (which sizes) (which counts)) (which sizes) (which counts)

        best fst + best snd - snd (nullFit alpha fold sizes counts)

    /// The log-fold change of largest likelihood times a Cauchy density of this scale, the mean of the first group at its best
    /// for each, and 1 / √curvature there: the best of 1,201 from −15 to 15, then thirds, then a second difference.
    let posterior alpha scale sizes counts =
        let f b =
            logRatio alpha (exp b) sizes counts + log (1.0 + b * b / (scale * scale))

        let rec narrow low high =
            if high - low < 1e-8 then
                0.5 * (low + high)
            else
                let a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
                if f a < f b then narrow low b else narrow a high

        let best = Seq.init 1201 (fun i -> -15.0 + float i / 40.0) |> Seq.minBy f
        let mode = narrow (best - 0.025) (best + 0.025)
        let h = 1e-2 * scale
        mode, 1.0 / sqrt ((f (mode - h) - 2.0 * f mode + f (mode + h)) / (h * h))

    /// The profile likelihood of alpha with group means at Σ y / Σ s, less half the sum of ln information where adjusted.
    let profile adjusted (sizes: float[][]) (counts: float[][]) alpha =
        Array.map2
            (fun s y ->
                let m = Array.sum y / Array.sum s

                if m = 0.0 then
                    0.0
                else
                    logLikelihood alpha m s y
                    - (if adjusted then 0.5 * log (information alpha m s) else 0.0))
            sizes
            counts
        |> Array.sum

    /// The ln alpha of its maximum from ln 1e-6 to ln 300: a fine search, then thirds.
    let dispersion adjusted sizes counts =
        let f logAlpha =
            profile adjusted sizes counts (exp logAlpha)

        let low, high = log 1e-6, log 300.0
        let step = (high - low) / 200.0
        let best = Seq.init 201 (fun i -> low + step * float i) |> Seq.maxBy f

        let rec narrow low high =
            if high - low < 1e-6 then
                0.5 * (low + high)
            else
                let a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
                if f a > f b then narrow low b else narrow a high

        narrow (max low (best - step)) (min high (best + step))
