namespace CoExpr

open System
open MathNet.Numerics

/// Random draws from the distributions of counts: gamma, Poisson, negative binomial. Each takes the stream to draw from,
/// so that equal streams give equal draws. All methods are exact: the only error is that of floating point.
///
/// Dispersion is alpha of variance = mean + alpha mean^2, not its reciprocal, the size. 0 is the Poisson distribution.
[<RequireQualifiedAccess>]
module Distributions =

    /// PTRS is defined from this mean on.
    [<Literal>]
    let private SmallestPtrsMean = 10.0

    /// From about this mean on, one gamma and one Poisson draw cost less than the steps of a walk.
    [<Literal>]
    let private LongestWalkMean = 25.0

    /// What is left of a uniform number after this many terms' worth of rounding means nothing.
    [<Literal>]
    let private Negligible = 1e-20

    /// With d = shape − 1/3 and c = 1/sqrt(9d), d (1 + c z)^3 is nearly gamma for a normal z; the rest is rejection.
    let private marsagliaTsang shape (stream: RandomStream) =
        let d = shape - 1.0 / 3.0
        let c = 1.0 / sqrt (9.0 * d)
        let mutable drawn = nan

        while Double.IsNaN drawn do
            let z = stream.Normal()
            let root = 1.0 + c * z
            let v = root * root * root

            if v > 0.0 && log (stream.Uniform()) < 0.5 * z * z + d * (1.0 - v + log v) then
                drawn <- d * v

        drawn

    /// Gamma of this shape (above 0) and scale 1: mean and variance are the shape. Marsaglia and Tsang (2000).
    let gamma (shape: float) (stream: RandomStream) =
        if not (shape > 0.0 && shape < infinity) then
            invalidArg (nameof shape) $"{shape} is not above 0 and finite"
        elif shape >= 1.0 then
            marsagliaTsang shape stream
        else
            // A gamma of shape a is one of shape a + 1 times U^(1/a), section 6 of the paper.
            let larger = marsagliaTsang (shape + 1.0) stream
            larger * Math.Pow(stream.Uniform(), 1.0 / shape)

    /// −ln P(0) = ln(1 + alpha mean) / alpha; the mean itself at alpha = 0. Accurate to the last digits for any alpha.
    let zeroExponent (dispersion: float) (mean: float) =
        let x = dispersion * mean

        if dispersion = 0.0 then
            mean
        elif x > 0.5 then
            log (1.0 + x) / dispersion
        // ln(1 + x) = 2 artanh(x / (2 + x)), which cancels nothing when x is small.
        elif x > 1e-300 then
            2.0 * Math.Atanh(x / (2.0 + x)) / dispersion
        else
            mean

    /// 1 − e^−x = 2t / (1 + t) with t = tanh(x/2), which cancels nothing when x is small.
    let internal complement exponent =
        let t = Math.Tanh(0.5 * exponent)
        2.0 * t / (1.0 + t)

    /// P(count > 0) = 1 − (1 + alpha mean)^(−1/alpha) of a negative binomial; 1 − e^−mean at alpha = 0.
    let nonZeroProbability dispersion mean =
        complement (zeroExponent dispersion mean)

    /// The smallest k ≥ 1 with P(1) + … + P(k) > v, by the recursion
    ///     P(k+1) / P(k) = (1 + alpha k) / (k + 1) · mean / (1 + alpha mean).
    let private walk dispersion mean v =
        let ratio = mean / (1.0 + dispersion * mean)
        let mutable probability = exp (-(zeroExponent dispersion mean)) * ratio
        let mutable left = v - probability
        let mutable count = 1.0

        while left >= 0.0 && probability > Negligible do
            probability <- probability * ratio * (1.0 + dispersion * count) / (count + 1.0)
            left <- left - probability
            count <- count + 1.0

        int64 count

    /// Transformed rejection with a squeeze: PTRS of Hörmann (1993), for means of 10 or more.
    let private ptrs mean (stream: RandomStream) =
        let b = 0.931 + 2.53 * sqrt mean
        let a = -0.059 + 0.02483 * b
        let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
        let squeeze = 0.9277 - 3.6224 / (b - 2.0)
        let mutable drawn = -1.0

        while drawn < 0.0 do
            let u = stream.Uniform() - 0.5
            let v = stream.Uniform()
            let edge = 0.5 - abs u
            let k = floor ((2.0 * a / edge + b) * u + mean + 0.43)

            if edge >= 0.07 && v <= squeeze then
                drawn <- k
            elif k >= 0.0 && (edge >= 0.013 || v <= edge) then
                let height = log (v * inverseAlpha / (a / (edge * edge) + b))

                if height <= k * log mean - mean - SpecialFunctions.GammaLn(k + 1.0) then
                    drawn <- k

        int64 drawn

    let private requireMean (mean: float) =
        if not (mean >= 0.0 && mean < infinity) then
            invalidArg (nameof mean) $"{mean} is not 0 or more and finite"

    /// Poisson of this mean (0 or more). By walking up the distribution below 10, by Hörmann's PTRS (1993) from there on.
    let poisson (mean: float) (stream: RandomStream) : int64 =
        requireMean mean

        if mean >= SmallestPtrsMean then
            ptrs mean stream
        else
            let v = stream.Uniform() - exp -mean
            if v < 0.0 then 0L else walk 0.0 mean v

    let private requireDispersion (dispersion: float) =
        if not (dispersion >= 0.0 && dispersion < infinity) then
            invalidArg (nameof dispersion) $"{dispersion} is not 0 or more and finite"

    /// Negative binomial with variance = mean + alpha mean^2: Poisson of a mean that is gamma with shape 1/alpha.
    let negativeBinomial (dispersion: float) (mean: float) (stream: RandomStream) : int64 =
        requireDispersion dispersion
        let shape = 1.0 / dispersion

        if Double.IsInfinity shape then
            poisson mean stream
        else
            poisson (gamma shape stream * dispersion * mean) stream

    /// A negative binomial count given that it is above 0, from `v`, uniform in (0, P(count > 0)). The stream is only
    /// drawn from where the mean is so large that walking would take longer.
    let internal positiveFrom dispersion mean v (stream: RandomStream) : int64 =
        if mean < LongestWalkMean then
            walk dispersion mean v
        else
            let mutable count = 0L

            while count = 0L do
                count <- negativeBinomial dispersion mean stream

            count

    /// A negative binomial count given that it is above 0. The mean (above 0) is that of the whole distribution.
    let positiveNegativeBinomial (dispersion: float) (mean: float) (stream: RandomStream) : int64 =
        requireDispersion dispersion

        if not (mean > 0.0 && mean < infinity) then
            invalidArg (nameof mean) $"{mean} is not above 0 and finite"

        positiveFrom dispersion mean (stream.Uniform() * nonZeroProbability dispersion mean) stream
