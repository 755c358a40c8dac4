namespace CoExpr

open System

/// What many estimated log-fold changes say of the true ones: how widely they spread, and how often a sign is wrong.
[<RequireQualifiedAccess>]
module EffectPrior =

    /// The least and the largest variance of true log-fold changes that is considered, in natural logarithms squared.
    let private variances = struct (1e-6, 400.0)

    /// The scale of a prior around 0 from estimates and their standard errors in natural logarithms: √A, at most 1, where A
    /// is the variance of the true ones by the equation of Efron and Morris (1975),
    /// Σ (estimate² − error² − A) / (A + error²)² = 0. Those without a finite error above 0 are left out; the order of the
    /// others changes no bit.
    let scale (estimates: float[]) (standardErrors: float[]) =
        let used =
            Array.zip estimates standardErrors
            |> Array.filter (fun (m, e) -> Double.IsFinite m && Double.IsFinite e && e > 0.0)
            |> Array.sort

        let excess a =
            used
            |> Array.sumBy (fun (m, e) -> (m * m - e * e - a) / ((a + e * e) * (a + e * e)))

        let rec halve low high steps =
            let middle = sqrt (low * high)

            if steps = 0 then middle
            elif excess middle > 0.0 then halve middle high (steps - 1)
            else halve low middle (steps - 1)

        let struct (least, most) = variances

        let variance =
            if used.Length = 0 || not (excess least > 0.0) then least
            elif excess most >= 0.0 then most
            else halve least most 100

        min 1.0 (sqrt variance)

    /// Of each probability of a false sign the mean of all that are no larger: the share of false signs among the estimates
    /// called with it (Stephens 2017). NaN stays NaN.
    let sValues (falseSigns: float[]) =
        let order =
            [| 0 .. falseSigns.Length - 1 |]
            |> Array.filter (fun at -> not (Double.IsNaN falseSigns[at]))
            |> Array.sortBy (fun at -> struct (falseSigns[at], at))

        let found = Array.create falseSigns.Length nan
        let mutable sum = 0.0

        order
        |> Array.iteri (fun rank at ->
            sum <- sum + falseSigns[at]
            found[at] <- sum / float (rank + 1))

        // Equal ones have the value of the last of them.
        for rank in order.Length - 2 .. -1 .. 0 do
            if falseSigns[order[rank]] = falseSigns[order[rank + 1]] then
                found[order[rank]] <- found[order[rank + 1]]

        found
