namespace CoExpr

open System

/// How far a predicted profile is from the real one: x predicted, y real, each over the same genes.
[<RequireQualifiedAccess>]
module ProfileErrors =

    let private requireEqual (x: float[]) (y: float[]) =
        if x.Length <> y.Length then
            invalidArg (nameof y) $"{y.Length} values where {x.Length} were expected"

    /// (1/G) Σ (x − y)²; NaN for no genes and where a value is NaN.
    let meanSquare (x: float[]) (y: float[]) =
        requireEqual x y
        let mutable sum = 0.0

        for gene in 0 .. x.Length - 1 do
            let difference = x[gene] - y[gene]
            sum <- sum + difference * difference

        sum / float x.Length

    /// (1/G) Σ |x − y|; NaN for no genes and where a value is NaN.
    let meanAbsolute (x: float[]) (y: float[]) =
        requireEqual x y
        let mutable sum = 0.0

        for gene in 0 .. x.Length - 1 do
            sum <- sum + abs (x[gene] - y[gene])

        sum / float x.Length

    let private isConstant (values: float[]) =
        values |> Array.forall (fun value -> value = values[0])

    let private mean (values: float[]) =
        let mutable sum = 0.0

        for value in values do
            sum <- sum + value

        sum / float values.Length

    /// Pearson's correlation, Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²), within −1 and 1; NaN where either is constant,
    /// shorter than 2, or holds NaN.
    let pearson (x: float[]) (y: float[]) =
        requireEqual x y

        if x.Length < 2 || isConstant x || isConstant y then
            nan
        else
            let meanX, meanY = mean x, mean y
            let mutable xx, yy, xy = 0.0, 0.0, 0.0

            for at in 0 .. x.Length - 1 do
                let a, b = x[at] - meanX, y[at] - meanY
                xx <- xx + a * a
                yy <- yy + b * b
                xy <- xy + a * b

            Math.Clamp(xy / (sqrt xx * sqrt yy), -1.0, 1.0)

    /// Mid-ranks from 1: equal values share the mean of their ranks. NaN comes last, each by itself.
    let ranks (values: float[]) =
        let order = Array.init values.Length id
        Array.Sort(Array.copy values |> Array.map (fun v -> if Double.IsNaN v then infinity else v), order)
        let ranks = Array.zeroCreate<float> values.Length
        let mutable first = 0

        while first < order.Length do
            let mutable next = first + 1

            while next < order.Length && values[order[next]] = values[order[first]] do
                next <- next + 1

            for at in first .. next - 1 do
                ranks[order[at]] <- float (first + next + 1) / 2.0

            first <- next

        ranks

    /// Spearman's correlation: Pearson's of the mid-ranks. NaN where Pearson's is, and where a value is NaN.
    let spearman (x: float[]) (y: float[]) =
        if Array.exists Double.IsNaN x || Array.exists Double.IsNaN y then
            nan
        else
            pearson (ranks x) (ranks y)

    /// One number per predicted perturbation, of the rows of predictions and of their own real rows.
    let private each (own: int[]) genes (predicted: float[]) (real: float[]) measure =
        own
        |> Array.mapi (fun row truth ->
            measure (Array.sub predicted (row * genes) genes) (Array.sub real (truth * genes) genes))

    /// Mean squares of the rows of two matrices; row i of the first belongs to row own[i] of the second.
    let meanSquares own genes predicted real =
        each own genes predicted real meanSquare

    /// Mean absolute differences of the same.
    let meanAbsolutes own genes predicted real =
        each own genes predicted real meanAbsolute

    /// Pearson's correlations of the same.
    let pearsons own genes predicted real = each own genes predicted real pearson
