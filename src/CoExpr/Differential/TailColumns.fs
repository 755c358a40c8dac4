namespace CoExpr

open System
open CoExpr.Kernels

/// The p-values of rows that have a statistic and none yet, many at a time.
[<RequireQualifiedAccess>]
module internal TailColumns =

    /// Rows that a thread takes at a time.
    [<Literal>]
    let private Chunk = 2048

    let private log10Of2 = log10 2.0

    /// The side of z whose upper tail is looked at; of two-sided tests one of the two.
    let private side alternative (z: float) =
        match alternative with
        | TwoSampleAlternative.TwoSided -> abs z
        | TwoSampleAlternative.Greater -> z
        | TwoSampleAlternative.Less -> -z

    /// Works on every chunk of rows: `tails` gives p and its logarithm of the statistics of so many rows from a first one.
    let private fill (tails: int -> float[] -> float[] -> float[] -> unit) =
        let room = Array.init 3 (fun _ -> Array.zeroCreate<float> Chunk)
        let statistics, p, log10P = room[0], room[1], room[2]

        fun (rows: ContrastRows) ->
            let length = rows.Statistic.Length

            for first in 0..Chunk .. length - 1 do
                let count = min Chunk (length - first)
                Array.Clear statistics
                Array.blit rows.Statistic first statistics 0 count
                tails first statistics p log10P

                for at in 0 .. count - 1 do
                    if
                        Double.IsNaN rows.PValue[first + at]
                        && not (Double.IsNaN rows.Statistic[first + at])
                    then
                        rows.PValue[first + at] <- p[at]
                        rows.Log10P[first + at] <- log10P[at]

    /// By the standard normal distribution. One function serves one thread.
    let normal alternative : ContrastRows -> unit =
        fill (fun _ z p log10P ->
            for at in 0 .. z.Length - 1 do
                z[at] <- side alternative z[at]

            TailKernel.NormalUpper(z, p, log10P)

            if alternative = TwoSampleAlternative.TwoSided then
                for at in 0 .. z.Length - 1 do
                    p[at] <- min 1.0 (2.0 * p[at])
                    log10P[at] <- min 0.0 (log10P[at] + log10Of2))

    /// By Student's t with these degrees of freedom, one per row. One function serves one thread.
    let student alternative (degrees: float[]) : ContrastRows -> unit =
        let known = Array.create Chunk nan

        fill (fun first t p log10P ->
            let count = min Chunk (degrees.Length - first)
            Array.blit degrees first known 0 count
            TailKernel.StudentBoth(t, known, p, log10P)

            for at in 0 .. count - 1 do
                if Double.IsNaN p[at] && not (Double.IsNaN t[at]) then
                    let struct (both, log10Both) = StudentTail.bothAndLog10 known[at] t[at]
                    p[at] <- both
                    log10P[at] <- log10Both

                if alternative <> TwoSampleAlternative.TwoSided then
                    let struct (upper, log10Upper) =
                        StudentTail.upperOfBoth (side alternative t[at]) p[at] log10P[at]

                    p[at] <- upper
                    log10P[at] <- log10Upper)
