namespace CoExpr.Reference

/// Welch's t-test as the textbook has it, and the tails of its distributions by adding up their densities.
module WelchT =

    let private mean (xs: float[]) = Array.sum xs / float xs.Length

    let private variance (xs: float[]) =
        let m = mean xs
        (xs |> Array.sumBy (fun x -> (x - m) ** 2.0)) / float (xs.Length - 1)

    /// t and its degrees of freedom, the reference's variance being that of so many cells' mean.
    let statistic (perturbed: float[]) (reference: float[]) (referenceCells: int) =
        let n1, n0 = float perturbed.Length, float referenceCells
        let a, b = variance perturbed / n1, variance reference / n0

        (mean perturbed - mean reference) / sqrt (a + b),
        (a + b) ** 2.0 / (a ** 2.0 / (n1 - 1.0) + b ** 2.0 / (n0 - 1.0))

    /// Simpson's rule over many narrow steps.
    let private integral (f: float -> float) low high =
        let steps = 200_000
        let h = (high - low) / float steps

        let inner =
            Seq.sum (Seq.init (steps - 1) (fun i -> (if i % 2 = 0 then 4.0 else 2.0) * f (low + float (i + 1) * h)))

        (f low + inner + f high) * h / 3.0

    /// P(|T| ≥ |t|): with T = √ν tan θ the density is cos^(ν−1) θ, over the whole of it.
    let both (degrees: float) (t: float) =
        let density angle = cos angle ** (degrees - 1.0)
        let half = System.Math.PI / 2.0
        let at = atan (abs t / sqrt degrees)
        integral density at (half - 1e-12) / integral density 0.0 (half - 1e-12)

    /// P(Z ≥ z) for z from 0 up.
    let normalUpper z =
        integral (fun x -> exp (-0.5 * x * x)) z (z + 12.0)
        / sqrt (2.0 * System.Math.PI)
