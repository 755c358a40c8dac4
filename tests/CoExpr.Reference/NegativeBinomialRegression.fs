namespace CoExpr.Reference

/// Regression of negative binomial counts on a dense matrix, as textbooks have it: every cell a row, every intercept and
/// covariate a column, least squares with weights made anew until nothing changes.
module NegativeBinomialRegression =

    /// x of A x = b by elimination with the largest pivot, and ln |det A|.
    let solve (a: float[][]) (b: float[]) =
        let n = b.Length
        let rows = Array.init n (fun i -> Array.append a[i] [| b[i] |])
        let mutable logDeterminant = 0.0

        for at in 0 .. n - 1 do
            let best = Seq.maxBy (fun i -> abs (rows[i][at])) (seq { at .. n - 1 })
            let row = rows[best]
            rows[best] <- rows[at]
            rows[at] <- row
            logDeterminant <- logDeterminant + log (abs (row[at]))

            for i in 0 .. n - 1 do
                if i <> at then
                    let factor = rows[i][at] / row[at]
                    rows[i] <- Array.map2 (fun v p -> v - factor * p) rows[i] row

        Array.init n (fun i -> rows[i][n] / rows[i][i]), logDeterminant

    let private predictors (x: float[][]) (beta: float[]) =
        x |> Array.map (fun row -> Array.map2 (*) row beta |> Array.sum)

    /// Fitted means.
    let means (x: float[][]) (sizes: float[]) beta =
        Array.map2 (fun s eta -> s * exp eta) sizes (predictors x beta)

    /// Σ w x xᵀ.
    let crossProduct (x: float[][]) (weights: float[]) =
        let p = x[0].Length

        Array.init p (fun i ->
            Array.init p (fun j -> Array.fold2 (fun sum (row: float[]) w -> sum + w * row[i] * row[j]) 0.0 x weights))

    /// Fisher's information.
    let information alpha x sizes beta =
        means x sizes beta
        |> Array.map (fun mu -> mu / (1.0 + alpha * mu))
        |> crossProduct x

    let logLikelihood alpha x sizes beta counts =
        Array.map2 (NegativeBinomial.logMass alpha) (means x sizes beta) counts
        |> Array.sum

    /// Twice what the likelihood lacks of that of means equal to the counts.
    let deviance alpha x sizes beta (counts: float[]) =
        let full = counts |> Array.sumBy (fun y -> NegativeBinomial.logMass alpha y y)
        2.0 * (full - logLikelihood alpha x sizes beta counts)

    /// Coefficients of largest likelihood; alpha 0 is Poisson's.
    let fit alpha (x: float[][]) sizes (counts: float[]) =
        let p = x[0].Length

        let step (beta: float[]) =
            let eta = predictors x beta
            let mu = Array.map2 (fun s e -> s * exp e) sizes eta
            let w = mu |> Array.map (fun mu -> mu / (1.0 + alpha * mu))
            let z = Array.map3 (fun e mu y -> e + (y - mu) / mu) eta mu counts

            let right =
                Array.init p (fun i -> Seq.sum (Seq.init x.Length (fun c -> x[c][i] * w[c] * z[c])))

            fst (solve (crossProduct x w) right)

        let mutable beta =
            // ln of counts, none below a tenth, on the columns by ordinary least squares.
            let z = Array.map2 (fun s y -> log ((y + 0.1) / s)) sizes counts

            let right =
                Array.init p (fun i -> Seq.sum (Seq.init x.Length (fun c -> x[c][i] * z[c])))

            fst (solve (crossProduct x (Array.create x.Length 1.0)) right)

        for _ in 1..300 do
            let next = step beta
            let size = Array.map2 (fun a b -> abs (a - b)) next beta |> Array.max
            let share = if size > 2.0 then 2.0 / size else 1.0
            beta <- Array.map2 (fun a b -> b + share * (a - b)) next beta

        beta

    /// Profile likelihood of alpha with means at Poisson estimates, less half of ln det of the information.
    let profile x sizes poisson counts alpha =
        let _, logDeterminant =
            solve (information alpha x sizes poisson) (Array.zeroCreate (Array.length poisson))

        logLikelihood alpha x sizes poisson counts - 0.5 * logDeterminant

    /// ln alpha of its maximum: a fine search, then thirds.
    let dispersion x sizes counts =
        let poisson = fit 0.0 x sizes counts

        let f logAlpha =
            profile x sizes poisson counts (exp logAlpha)

        let low, high = log 1e-6, log 300.0
        let step = (high - low) / 60.0
        let best = Seq.init 61 (fun i -> low + step * float i) |> Seq.maxBy f

        let rec narrow low high =
            if high - low < 1e-7 then
                0.5 * (low + high)
            else
                let a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
                if f a > f b then narrow low b else narrow a high

        narrow (max low (best - step)) (min high (best + step))
