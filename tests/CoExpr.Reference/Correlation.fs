namespace CoExpr.Reference

/// The sign of a correlation, in fractions.
module Correlation =

    /// That of Σ (x − mean x)(y − mean y), means taken exactly.
    let sign (x: float32[]) (y: float32[]) =
        let zero = Fraction.ofIntegers 0 1
        let inverse = Fraction.ofIntegers 1 (max 1 x.Length)

        let centred (values: float32[]) =
            let exact = values |> Array.map Fraction.ofSingle
            let mean = inverse * Array.fold (+) zero exact
            exact |> Array.map (fun value -> value - mean)

        let covariance =
            Array.fold2 (fun sum a b -> sum + a * b) zero (centred x) (centred y)

        covariance.Over.Sign
