namespace CoExpr

open System
open CoExpr.Kernels

/// A fold change that is drawn towards 0 as far as the data allow.
type ShrunkenFoldChange = {
    /// The mode of the posterior.
    Log2FoldChange: float
    /// From the curvature at the mode (Laplace).
    StandardError: float
    /// The chance that the sign is wrong, by the same normal approximation.
    FalseSign: float
    /// False where no mode was found in 200 steps.
    Converged: bool
}

/// Shrinkage of one coefficient by a Cauchy prior around 0, which leaves large effects alone (Zhu, Ibrahim and Love 2019).
[<RequireQualifiedAccess>]
module CauchyShrinkage =

    /// Standard deviation of the normal prior on the other coefficients, natural logarithms: none to speak of.
    [<Literal>]
    let private OtherDeviation = 15.0

    /// The posterior of one gene. Not for several threads at once.
    [<Sealed>]
    type internal Posterior(design: Design, target: int, scale: float) =
        let width, samples, groups = design.Width, design.Size, design.Groups
        let values, levels = Array.zeroCreate<float> groups, Array.zeroCreate<float> groups
        let weights, scores = Array.zeroCreate<float> groups, Array.zeroCreate<float> groups
        let means = Array.zeroCreate<float> samples

        let matrix, vector =
            Array.zeroCreate<float>(width * width), Array.zeroCreate<float> width

        let proposal = Array.zeroCreate<float> width

        let penalty (b: float[]) =
            let mutable sum = 0.0

            for at in 0 .. width - 1 do
                sum <-
                    sum
                    + (if at = target then
                           DispersionLikelihood.Log1P(b[at] * b[at] / (scale * scale))
                       else
                           b[at] * b[at] / (2.0 * OtherDeviation * OtherDeviation))

            sum

        /// Minus the logarithm of the posterior, but for constants; leaves the means at b.
        member _.Value(counts: float[], factors: float[], alpha, b: float[]) =
            SampleRegression.Predict(design.Rows, width, b, values.AsSpan())

            for group in 0 .. groups - 1 do
                levels[group] <- exp values[group]

            SampleRegression.Means(factors, design.GroupOf, levels, 1e-300, means.AsSpan())
            penalty b - SampleRegression.MeanTerms(counts, means, alpha)

        /// The Hessian at b, of the likelihood either observed or expected, of the prior only where it is not negative if
        /// `definite`.
        member private _.Curvature(counts: float[], alpha: float, b: float[], definite: bool) =
            Array.Clear weights

            for at in 0 .. samples - 1 do
                let inverse = 1.0 / (1.0 + alpha * means[at])

                let observed =
                    if definite then
                        1.0
                    else
                        (1.0 + alpha * counts[at]) * inverse

                let group = design.GroupOf[at]
                weights[group] <- weights[group] + means[at] * inverse * observed

            SampleRegression.Information(design.Rows, width, weights, matrix.AsSpan())

            for at in 0 .. width - 1 do
                let square = scale * scale + b[at] * b[at]
                let cauchy = 2.0 * (scale * scale - b[at] * b[at]) / (square * square)

                let prior =
                    if at <> target then 1.0 / (OtherDeviation * OtherDeviation)
                    elif definite then abs cauchy
                    else cauchy

                matrix[at * width + at] <- matrix[at * width + at] + prior

            SymmetricSystem.Factor(matrix.AsSpan(), width)

        member private _.Gradient(counts: float[], alpha, b: float[]) =
            SampleRegression.Scores(counts, means, alpha, design.GroupOf, weights.AsSpan(), scores.AsSpan())
            SampleRegression.Project(design.Rows, width, scores, vector.AsSpan())

            for at in 0 .. width - 1 do
                let prior =
                    if at = target then
                        2.0 * b[at] / (scale * scale + b[at] * b[at])
                    else
                        b[at] / (OtherDeviation * OtherDeviation)

                vector[at] <- vector[at] - prior

        /// Newton's steps from b, in place, halved until the value does not rise: the value reached, and whether a mode was.
        member this.Descend(counts: float[], factors: float[], alpha, b: float[]) =
            let mutable value = this.Value(counts, factors, alpha, b)
            let mutable steps = 0
            let mutable running = true
            let mutable converged = false

            while running && steps < 200 do
                steps <- steps + 1
                this.Gradient(counts, alpha, b)

                if
                    this.Curvature(counts, alpha, b, false)
                    || this.Curvature(counts, alpha, b, true)
                then
                    SymmetricSystem.Solve(matrix, width, vector.AsSpan())
                    let largest = vector |> Array.fold (fun most step -> max most (abs step)) 0.0
                    let mutable share = 1.0
                    let mutable reached = nan

                    // Rounding alone must not shorten a step, or the last ones would go nowhere.
                    let limit = value + 1e-13 * (abs value + 1.0)

                    while not (reached <= limit) && share > 1e-12 do
                        for at in 0 .. width - 1 do
                            proposal[at] <- b[at] + share * vector[at]

                        reached <- this.Value(counts, factors, alpha, proposal)
                        share <- 0.5 * share

                    if reached <= limit then
                        Array.blit proposal 0 b 0 width
                        value <- reached
                        converged <- largest <= 1e-9
                        running <- not converged
                    else
                        converged <- largest <= 1e-5
                        running <- false

                    value <- this.Value(counts, factors, alpha, b)
                else
                    running <- false

            struct (value, converged)

        /// The standard deviation of the target at b; NaN where the posterior is not curved there.
        member this.Deviation(counts: float[], factors: float[], alpha, b: float[]) =
            this.Value(counts, factors, alpha, b) |> ignore

            if this.Curvature(counts, alpha, b, false) then
                Array.Clear vector
                vector[target] <- 1.0
                SymmetricSystem.Solve(matrix, width, vector.AsSpan())
                sqrt vector[target]
            else
                nan

        /// The lower of the minima reached from the maximum of the likelihood and from the same with the target at 0: the
        /// posterior can have two.
        member this.Shrink(counts: float[], factors: float[], alpha, likeliest: float[]) : ShrunkenFoldChange =
            let limited = likeliest |> Array.map (fun b -> Math.Clamp(b, -20.0, 20.0))

            let ends =
                [| limited; Array.updateAt target 0.0 limited |]
                |> Array.map (fun start ->
                    let b = Array.copy start
                    let struct (value, converged) = this.Descend(counts, factors, alpha, b)
                    value, converged, b)

            let _, converged, best = ends |> Array.minBy (fun (value, _, _) -> value)
            let deviation = this.Deviation(counts, factors, alpha, best)
            let toLog2 = 1.0 / Math.Log 2.0

            {
                Log2FoldChange = best[target] * toLog2
                StandardError = deviation * toLog2
                FalseSign = NormalTail.upper (abs best[target] / deviation)
                Converged = converged && Double.IsFinite deviation
            }
