namespace CoExpr

open System
open MathNet.Numerics
open CoExpr.Kernels

/// The upper tail of the standard normal distribution.
[<RequireQualifiedAccess>]
module NormalTail =

    /// P(Z ≥ z). Below 1e-308 see log10Upper.
    let upper (z: float) =
        0.5 * SpecialFunctions.Erfc(z / Math.Sqrt 2.0)

    /// The leading terms of Laplace's series φ(z)/z · (1 − 1/z² + 3/z⁴ − …); beyond z = 30 the next is below 1e-13.
    let private logFar (z: float) =
        let v = 1.0 / (z * z)

        let series =
            1.0 - v * (1.0 - 3.0 * v * (1.0 - 5.0 * v * (1.0 - 7.0 * v * (1.0 - 9.0 * v))))

        -0.5 * z * z - log (z * Math.Sqrt(2.0 * Math.PI)) + log series

    /// P(Z ≥ z) and its base-10 logarithm, which does not run out where that is below the smallest double.
    let upperAndLog10 (z: float) =
        let p = upper z
        struct (p, (if z < 30.0 then log10 p else logFar z / log 10.0))

    /// The base-10 logarithm of P(Z ≥ z).
    let log10Upper z =
        let struct (_, log10P) = upperAndLog10 z
        log10P

/// The upper tail of the χ² distribution.
[<RequireQualifiedAccess>]
module ChiSquaredTail =

    /// Γ(a, x) / (x^a e^−x) by its continued fraction, evaluated as Lentz does; for x > a + 1.
    let private fraction a x =
        let tiny = 1e-300
        let mutable b = x + 1.0 - a
        let mutable c = 1.0 / tiny
        let mutable d = 1.0 / b
        let mutable h = d
        let mutable i = 1.0
        let mutable running = true

        while running && i < 100000.0 do
            let step = -i * (i - a)
            b <- b + 2.0
            d <- 1.0 / (step * d + b)
            c <- b + step / c
            let change = d * c
            h <- h * change
            running <- abs (change - 1.0) > 1e-16
            i <- i + 1.0

        h

    let private logTail (a: float) (x: float) =
        (a * log x - x - SpecialFunctions.GammaLn a + log (fraction a x)) / log 10.0

    /// P(χ² ≥ x); 1 without degrees of freedom. 0 below 1e-308: see log10Upper.
    let upper degrees (x: float) =
        if degrees <= 0 || x <= 0.0 then
            1.0
        else
            SpecialFunctions.GammaUpperRegularized(float degrees / 2.0, x / 2.0)

    /// The base-10 logarithm of the same, which does not run out where p is below the smallest double.
    let log10Upper degrees (x: float) =
        let p = upper degrees x

        if p > 1e-290 then
            log10 p
        else
            logTail (float degrees / 2.0) (x / 2.0)

/// The two tails of Student's t distribution, by the incomplete beta function: P(|T| ≥ t) = I_x(ν/2, 1/2), x = ν/(ν + t²).
[<RequireQualifiedAccess>]
module StudentTail =

    /// Where Stirling's series for ln Γ is precise to rounding.
    [<Literal>]
    let private Large = 16.0

    let private stirling (x: float) =
        let v = 1.0 / (x * x)

        (1.0 / 12.0
         - v
           * (1.0 / 360.0
              - v
                * (1.0 / 1260.0 - v * (1.0 / 1680.0 - v * (1.0 / 1188.0 - v * 691.0 / 360360.0)))))
        / x

    /// ln Γ(a + 1/2) − ln Γ(a), without the cancellation of two large logarithms.
    let rec private logGammaHalfStep (a: float) =
        if a < Large then
            logGammaHalfStep (a + 1.0) - DispersionLikelihood.Log1P(0.5 / a)
        else
            a * DispersionLikelihood.Log1P(0.5 / a) + 0.5 * log a - 0.5 + stirling (a + 0.5)
            - stirling a

    /// ln (x^a · (1 − x)^(1/2) / B(a, 1/2)), where 1 − x = t²/(ν + t²).
    let private logFactor (a: float) (logX: float) (rest: float) =
        a * logX + 0.5 * log rest + logGammaHalfStep a - 0.5 * log Math.PI

    /// The continued fraction of I_x(a, b) (Lentz's evaluation), without the factor before it.
    let private fraction (a: float) (b: float) (x: float) =
        let tiny = 1e-300

        let safe value =
            if abs value < tiny then tiny else value

        let mutable c = 1.0
        let mutable d = 1.0 / safe (1.0 - (a + b) * x / (a + 1.0))
        let mutable h = d
        let mutable m = 1.0
        let mutable running = true

        while running && m < 100000.0 do
            let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
            d <- 1.0 / safe (1.0 + even * d)
            c <- safe (1.0 + even / c)
            h <- h * c * d
            let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
            d <- 1.0 / safe (1.0 + odd * d)
            c <- safe (1.0 + odd / c)
            h <- h * c * d
            running <- abs (c * d - 1.0) > 1e-16
            m <- m + 1.0

        h

    /// ln P(|T| ≥ |t|) with ν > 0 degrees of freedom.
    let private logBoth (degrees: float) (t: float) =
        let ratio = t * t / degrees
        let a = degrees / 2.0
        let x, rest = 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)

        let factor () =
            logFactor a (-DispersionLikelihood.Log1P ratio) rest

        if t = 0.0 then
            0.0
        elif Double.IsInfinity t then
            Double.NegativeInfinity
        elif x < (a + 1.0) / (a + 2.5) then
            factor () - log a + log (fraction a 0.5 x)
        else
            log (1.0 - exp (factor () - log 0.5) * fraction 0.5 a rest)

    /// P(|T| ≥ |t|) with ν > 0 degrees of freedom, which need not be whole, and its base-10 logarithm, which does not run
    /// out where that is below the smallest double.
    let bothAndLog10 degrees t =
        let logarithm = logBoth degrees t
        struct (exp logarithm, logarithm / log 10.0)

    /// P(T ≥ t) and its base-10 logarithm from those of P(|T| ≥ |t|).
    let upperOfBoth (t: float) (both: float) log10Both =
        if t < 0.0 then
            let upper = 1.0 - 0.5 * both
            struct (upper, log10 upper)
        else
            struct (0.5 * both, log10Both - log10 2.0)

    /// P(T ≥ t), and its base-10 logarithm.
    let upperAndLog10 degrees t =
        let struct (both, log10Both) = bothAndLog10 degrees t
        upperOfBoth t both log10Both

    /// P(|T| ≥ |t|).
    let both degrees t =
        let struct (p, _) = bothAndLog10 degrees t
        p

    /// The base-10 logarithm of the same.
    let log10Both degrees t =
        let struct (_, log10P) = bothAndLog10 degrees t
        log10P

    /// P(T ≥ t).
    let upper degrees t =
        let struct (p, _) = upperAndLog10 degrees t
        p

    /// The base-10 logarithm of the same.
    let log10Upper degrees t =
        let struct (_, log10P) = upperAndLog10 degrees t
        log10P
