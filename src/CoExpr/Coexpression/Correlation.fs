namespace CoExpr

open System
open System.Numerics

/// Linear association of two genes.
[<RequireQualifiedAccess>]
module Correlation =

    /// Every finite single is a whole multiple of 2^−149, and a double holds that multiple exactly.
    let private whole (value: float32) =
        BigInteger(Math.ScaleB(float value, 149))

    /// The sign of the Pearson correlation of two genes over all their cells, N Σxy − Σx Σy in whole numbers: −1, 0 or 1.
    /// 0 where the correlation is exactly 0, and where it is undefined because a gene is constant. Values must be finite.
    let sign (x: float32[]) (y: float32[]) =
        if x.Length <> y.Length then
            invalidArg (nameof y) $"{y.Length} cells where {x.Length} were expected"

        let x, y = Array.map whole x, Array.map whole y
        let products = Array.map2 (*) x y |> Array.sum
        (BigInteger x.Length * products - Array.sum x * Array.sum y).Sign
