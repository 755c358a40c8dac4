namespace CoExpr

open System
open CoExpr.Kernels

/// A distance between two effects, as a function of the genes that count.
type EffectDistance = {
    Name: string
    /// Changes a row in place before it is compared.
    Prepare: float[] -> unit
    /// Must give equal bits for equal rows.
    Between: float[] -> float[] -> float
}

/// Distances between effects beside L1, L2 and cosine.
[<RequireQualifiedAccess>]
module EffectDistance =

    let private plain name between = {
        Name = name
        Prepare = ignore
        Between = between
    }

    /// max |x − y|.
    let chebyshev =
        plain "chebyshev" (fun x y -> FurtherRowDistance.Chebyshev(ReadOnlySpan x, ReadOnlySpan y))

    /// Σ |x − y| / Σ |x + y| (Bray & Curtis 1957); 0 for equal effects.
    let brayCurtis =
        plain "braycurtis" (fun x y -> FurtherRowDistance.BrayCurtis(ReadOnlySpan x, ReadOnlySpan y, Simd.Current()))

    /// Σ |x − y| / (|x| + |y|), 0 where both are 0 (Lance & Williams 1967).
    let canberra =
        plain "canberra" (fun x y -> FurtherRowDistance.Canberra(ReadOnlySpan x, ReadOnlySpan y, Simd.Current()))

    /// 1 − Pearson's correlation; 1 where an effect is constant.
    let correlation = {
        Name = "correlation"
        Prepare = fun row -> FurtherRowDistance.Centre(Span row, Simd.Current())
        Between = fun x y -> RowDistance.Of(DistanceKind.Cosine, ReadOnlySpan x, ReadOnlySpan y, Simd.Current())
    }

    /// All of these, by name.
    let all = [ chebyshev; correlation; brayCurtis; canberra ]
