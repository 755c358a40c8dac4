namespace CoExpr.Reference

open System

/// Negative-binomial regression of samples as its definition reads: probabilities by the logarithm of the gamma function,
/// maxima by stepping and by numerical derivatives. Slow, and shares no line with what it checks.
[<RequireQualifiedAccess>]
module SampleModel =

    /// ln Γ(x): Γ(x + 1) = x Γ(x) up to 30, from there on Stirling's formula with two corrections.
    let rec logGamma x =
        if x < 30.0 then
            logGamma (x + 1.0) - log x
        else
            (x - 0.5) * log x - x + 0.5 * log (2.0 * Math.PI) + 1.0 / (12.0 * x)
            - 1.0 / (360.0 * x * x * x)

    /// ln P(y) of a negative binomial of mean mu and variance mu + alpha mu²; of a Poisson at alpha = 0.
    let logProbability (alpha: float) (mu: float) (y: float) =
        if alpha = 0.0 then
            y * log mu - mu - logGamma (y + 1.0)
        else
            let r = 1.0 / alpha

            logGamma (y + r) - logGamma r - logGamma (y + 1.0)
            + r * log (r / (r + mu))
            + (if y > 0.0 then y * log (mu / (r + mu)) else 0.0)

    let dot (a: float[]) (b: float[]) = Array.map2 (*) a b |> Array.sum

    /// The log-likelihood of counts with means factor · e^(x b).
    let logLikelihood alpha (rows: float[][]) (factors: float[]) (counts: float[]) (b: float[]) =
        Array.map3 (fun row factor y -> logProbability alpha (factor * exp (dot row b)) y) rows factors counts
        |> Array.sum

    /// A x = b by Gauss and Jordan with the largest pivot first.
    let solve (a: float[][]) (b: float[]) =
        let n = b.Length
        let m = Array.init n (fun i -> Array.append a[i] [| b[i] |])

        for column in 0 .. n - 1 do
            let pivot = [| column .. n - 1 |] |> Array.maxBy (fun row -> abs (m[row][column]))
            let kept = m[pivot]
            m[pivot] <- m[column]
            m[column] <- kept |> Array.map (fun v -> v / kept[column])

            for row in 0 .. n - 1 do
                if row <> column then
                    let factor = m[row][column]
                    m[row] <- Array.map2 (fun v p -> v - factor * p) m[row] m[column]

        m |> Array.map Array.last

    let inverse (a: float[][]) =
        let n = a.Length

        Array.init n (fun j -> solve a (Array.init n (fun i -> if i = j then 1.0 else 0.0)))
        |> Array.transpose

    /// Gauss and Jordan again: the determinant is the product of the pivots.
    let determinant (a: float[][]) =
        let n = a.Length
        let m = a |> Array.map Array.copy
        let mutable product = 1.0

        for column in 0 .. n - 1 do
            let pivot = [| column .. n - 1 |] |> Array.maxBy (fun row -> abs (m[row][column]))
            let kept = m[pivot]
            product <- product * kept[column] * (if pivot = column then 1.0 else -1.0)
            m[pivot] <- m[column]
            m[column] <- kept

            for row in column + 1 .. n - 1 do
                let factor = m[row][column] / kept[column]
                m[row] <- Array.map2 (fun v p -> v - factor * p) m[row] kept

        product

    let gradient (f: float[] -> float) (x: float[]) =
        Array.init x.Length (fun i ->
            let h = 1e-5 * (1.0 + abs x[i])
            let moved by = Array.updateAt i (x[i] + by) x
            (f (moved h) - f (moved -h)) / (2.0 * h))

    let hessian (f: float[] -> float) (x: float[]) =
        let h = 1e-3

        Array.init x.Length (fun i ->
            Array.init x.Length (fun j ->
                let moved s t =
                    let x = Array.updateAt i (x[i] + s * h) x
                    f (Array.updateAt j (x[j] + t * h) x)

                (moved 1.0 1.0 - moved 1.0 -1.0 - moved -1.0 1.0 + moved -1.0 -1.0)
                / (4.0 * h * h)))

    /// The maximum of a concave function by Newton's method on numerical derivatives, steps halved until it rises.
    let maximize (f: float[] -> float) (start: float[]) =
        let mutable x = start

        for _ in 1..60 do
            let step = solve (hessian f x |> Array.map (Array.map (~-))) (gradient f x)
            let candidates = [ for k in 0..30 -> Array.map2 (fun a s -> a + s / pown 2.0 k) x step ]

            match candidates |> List.tryFind (fun y -> f y > f x) with
            | Some better -> x <- better
            | None -> ()

        x

    /// The coefficients that maximise the likelihood.
    let fit alpha rows factors counts =
        let start = Array.zeroCreate<float>(Array.length (Array.head rows))
        start[0] <- log (0.1 + Array.sum counts / Array.sum factors)
        maximize (logLikelihood alpha rows factors counts) start

    /// XᵀWX with W = 1 / (1/mu + alpha).
    let information alpha (rows: float[][]) (means: float[]) =
        let p = rows[0].Length

        Array.init p (fun i ->
            Array.init p (fun j ->
                Array.map2 (fun (row: float[]) mu -> row[i] * row[j] / (1.0 / mu + alpha)) rows means
                |> Array.sum))

    /// The profile likelihood of the dispersion with the adjustment of Cox and Reid.
    let adjustedProfile (rows: float[][]) (means: float[]) (counts: float[]) alpha =
        (Array.map2 (logProbability alpha) means counts |> Array.sum)
        - 0.5 * log (determinant (information alpha rows means))

    /// The best of 20,001 equally spaced values of ln alpha from ln 1e-8 to ln most.
    let dispersion most rows means counts =
        let points = [| for i in 0..20000 -> log 1e-8 + (log most - log 1e-8) * float i / 20000.0 |]

        points
        |> Array.maxBy (fun at -> adjustedProfile rows means counts (exp at))
        |> exp

    /// Minus the log-posterior of apeGLM's model: Cauchy on one coefficient, N(0, 15²) on the others.
    let shrinkageObjective alpha rows factors counts target scale (b: float[]) =
        let penalty =
            b
            |> Array.mapi (fun at value ->
                if at = target then
                    log (1.0 + value * value / (scale * scale))
                else
                    value * value / 450.0)

        Array.sum penalty - logLikelihood alpha rows factors counts b
