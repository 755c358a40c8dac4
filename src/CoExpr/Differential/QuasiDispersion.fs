namespace CoExpr

open System
open MathNet.Numerics

/// Quasi-likelihood dispersions: by how much a gene varies more than the trend of its mean says, shrunk.
type QuasiDispersions = {
    /// (1 + m alpha) / (1 + m trend), m being the mean count of the gene.
    GeneWise: float[]
    /// What tests divide by: (df0 d0 + df d) / (df0 + df).
    Shrunk: float[]
    /// d0, the typical one.
    PriorValue: float
    /// df0, the degrees of freedom that the prior is worth; infinite where genes differ by no more than chance.
    PriorDegrees: float
    /// df, cells less groups.
    Degrees: float
}

/// The inverse chi-squared prior of variances (Smyth 2004), fitted by maximum likelihood: a gene's estimate over d0 is F
/// distributed with df and df0 degrees of freedom.
[<RequireQualifiedAccess>]
module QuasiDispersions =

    /// What the likelihood has of the values: themselves, their sum and the sum of their logarithms.
    type private Sample = {
        Values: float[]
        Sum: float
        SumOfLogs: float
    }

    /// Σ ln of the density of d = d0 F at d. As df0 grows without bound, d df / d0 is chi-squared. Of each value one logarithm
    /// is taken anew for every d0 and df0.
    let private logLikelihood (df: float) sample logValue (df0: float) =
        let a, b, n = df / 2.0, df0 / 2.0, float sample.Values.Length
        let scale = exp -logValue
        let common = a * (sample.SumOfLogs - n * logValue) - sample.SumOfLogs

        if b > 1e7 then
            n * (a * log a - SpecialFunctions.GammaLn a) + common - a * scale * sample.Sum
        else
            let constant =
                SpecialFunctions.GammaLn(a + b)
                - SpecialFunctions.GammaLn a
                - SpecialFunctions.GammaLn b
                + a * log (a / b)

            let factor = a / b * scale
            let mutable body = 0.0

            for d in sample.Values do
                body <- body + Math.Log(1.0 + factor * d)

            n * constant + common - (a + b) * body

    /// The place of the maximum of a function with one, between bounds, by golden sections.
    let private highest low high (f: float -> float) =
        let golden = (sqrt 5.0 - 1.0) / 2.0
        let lower low high = high - golden * (high - low)
        let upper low high = low + golden * (high - low)

        // Of the two places within, one serves the next section, too.
        let rec narrow low high a b atA atB =
            if high - low < 1e-7 then
                0.5 * (low + high)
            elif atA > atB then
                let next = lower low b
                narrow low b next a (f next) atA
            else
                let next = upper a high
                narrow a high b next atB (f next)

        let a, b = lower low high, upper low high
        narrow low high a b (f a) (f b)

    /// d0 and df0 of largest likelihood. Throws ArgumentException for a value that is not above 0.
    let prior (df: float) (values: float[]) : struct (float * float) =
        if values.Length = 0 then
            struct (1.0, infinity)
        else
            match values |> Array.tryFind (fun d -> not (d > 0.0 && d < infinity)) with
            | Some d -> invalidArg (nameof values) $"{d} is not above 0 and finite"
            | None -> ()

            // The order of the genes must not matter.
            let values = Array.sort values
            let centre = log (Array.average values)

            let sample = {
                Values = values
                Sum = Array.sum values
                SumOfLogs = Array.sumBy log values
            }

            let best logDf0 =
                highest (centre - 5.0) (centre + 5.0) (fun logValue -> logLikelihood df sample logValue (exp logDf0))

            let most = log 1e6

            let logDf0 =
                highest (log 0.1) most (fun logDf0 -> logLikelihood df sample (best logDf0) (exp logDf0))

            let df0 = if logDf0 > most - 1e-3 then infinity else exp logDf0
            struct (exp (best logDf0), df0)

    /// From dispersions and their trend; genes with NaN are left out and get NaN.
    let create (degrees: float) (means: float[]) (dispersions: float[]) (trend: float[]) : QuasiDispersions =
        let own =
            Array.map3 (fun mean alpha trend -> (1.0 + mean * alpha) / (1.0 + mean * trend)) means dispersions trend

        let struct (value, df0) =
            prior degrees (own |> Array.filter (fun d -> not (Double.IsNaN d)))

        let shrunk d =
            if Double.IsInfinity df0 then
                (if Double.IsNaN d then nan else value)
            else
                (df0 * value + degrees * d) / (df0 + degrees)

        {
            GeneWise = own
            Shrunk = Array.map shrunk own
            PriorValue = value
            PriorDegrees = df0
            Degrees = degrees
        }

    /// The genes from `first` to before `next`.
    let internal block first next (quasi: QuasiDispersions) = {
        quasi with
            GeneWise = Array.sub quasi.GeneWise first (next - first)
            Shrunk = Array.sub quasi.Shrunk first (next - first)
    }
