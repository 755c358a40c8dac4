namespace CoExpr

open System
open CoExpr.Kernels

/// Local regression on one variable, after Cleveland (1979) and Cleveland and Devlin (1988).
[<RequireQualifiedAccess>]
module internal LocalRegression =

    /// (1 − |d|³)³ of a distance over the bandwidth; 0 from 1 on.
    let private tricube distance =
        if distance >= 1.0 then
            0.0
        else
            let inner = 1.0 - distance * distance * distance
            inner * inner * inner

    /// The smallest window of `count` of the sorted points around x, as the distance to its farthest.
    let private bandwidth (sorted: float[]) count x =
        let distances = sorted |> Array.map (fun at -> abs (at - x))
        Array.sortInPlace distances
        distances[count - 1]

    /// Weighted least squares of a polynomial in (point − x) / h; its value and its slope at x.
    let private polynomial degree (points: float[]) (values: float[]) (weights: float[]) x h =
        let size = degree + 1

        let matrix, vector =
            Array.zeroCreate<float>(size * size), Array.zeroCreate<float> size

        for at in 0 .. points.Length - 1 do
            if weights[at] > 0.0 then
                let u = (points[at] - x) / h

                for i in 0 .. size - 1 do
                    vector[i] <- vector[i] + weights[at] * values[at] * pown u i

                    for j in 0..i do
                        matrix[i * size + j] <- matrix[i * size + j] + weights[at] * pown u (i + j)

        if SymmetricSystem.Factor(matrix.AsSpan(), size) then
            SymmetricSystem.Solve(matrix, size, vector.AsSpan())
            Some(struct (vector[0], (if size > 1 then vector[1] / h else 0.0)))
        else
            None

    /// The distance from x to the farthest of the share `span` of points that is nearest to it.
    let window span (points: float[]) x =
        let count =
            Math.Clamp(int (floor (float points.Length * span + 1e-7)), 1, points.Length)

        bandwidth points count x

    /// Value and slope at x of the fit of this degree to the share `span` of the points that is nearest to x, weighted by
    /// tricube of the distance times the points' own weights. Of a lower degree where points coincide.
    let at degree span (points: float[]) (values: float[]) (own: float[]) x =
        // Strictly within the window points count.
        let h = max 1e-12 (window span points x)

        let weights =
            Array.map2 (fun point weight -> weight * tricube (abs (point - x) / h)) points own

        Seq.init (degree + 1) (fun lower -> degree - lower)
        |> Seq.tryPick (fun degree -> polynomial degree points values weights x h)
        |> Option.defaultWith (fun () -> struct (nan, 0.0))

    /// Straight lines through the nearest share `span` of points in ascending order, three rounds of bisquare weights
    /// making outliers count less: LOWESS as Cleveland (1979) gives it. One value per point.
    let lowess span (points: float[]) (values: float[]) : float[] =
        let n = points.Length
        let count = Math.Clamp(int (float n * span + 1e-7), 2, n)
        let range = points[n - 1] - points[0]
        let mutable robust = Array.create n 1.0
        let mutable fitted = Array.zeroCreate<float> n

        let weightsAround x =
            let h = bandwidth points count x

            points
            |> Array.mapi (fun at point ->
                let distance = abs (point - x)

                if distance > 0.999 * h then 0.0
                elif distance <= 0.001 * h then robust[at]
                else robust[at] * tricube (distance / h))

        let lineAt at =
            let x = points[at]
            let weights = weightsAround x
            let total = Array.sum weights
            let shares = weights |> Array.map (fun w -> w / total)
            let centre = Array.fold2 (fun sum w p -> sum + w * p) 0.0 shares points

            let spread =
                Array.fold2 (fun sum w p -> sum + w * (p - centre) * (p - centre)) 0.0 shares points

            let mean = Array.fold2 (fun sum w v -> sum + w * v) 0.0 shares values

            if total <= 0.0 then
                values[at]
            elif sqrt spread > 0.001 * range then
                let slopes = Array.map2 (fun w p -> w * (p - centre) / spread) shares points
                mean + (x - centre) * Array.fold2 (fun sum s v -> sum + s * v) 0.0 slopes values
            else
                mean

        for round in 0..3 do
            fitted <- Array.init n lineAt

            if round < 3 then
                let residuals = Array.map2 (fun v f -> abs (v - f)) values fitted
                let cut = 6.0 * OrderStatistics.median residuals
                let mean = Array.average residuals

                // Below this, what is left is rounding.
                if cut >= 1e-7 * mean && cut > 0.0 then
                    robust <-
                        residuals
                        |> Array.map (fun r ->
                            if r <= 0.001 * cut then 1.0
                            elif r > 0.999 * cut then 0.0
                            else pown (1.0 - pown (r / cut) 2) 2)

        fitted
