namespace CoExpr

open System
open CoExpr.Kernels

/// How far two profiles or effects are apart, x predicted and y real over the same genes: what pertpy and perturbench measure
/// between means.
[<RequireQualifiedAccess>]
module ProfileDistances =

    let private squares (x: float[]) (y: float[]) =
        ProfileErrors.meanSquare x y * float x.Length

    /// √ Σ (x − y)².
    let euclidean (x: float[]) (y: float[]) = sqrt (squares x y)

    /// √ of the mean of (x − y)².
    let rootMeanSquare (x: float[]) (y: float[]) = sqrt (ProfileErrors.meanSquare x y)

    /// x·y / (|x| |y|), within −1 and 1; NaN where one is 0.
    let cosine (x: float[]) (y: float[]) =
        let isZero = Array.forall ((=) 0.0)

        if isZero x || isZero y then
            nan
        else
            1.0
            - RowDistance.Of(DistanceKind.Cosine, ReadOnlySpan x, ReadOnlySpan y, Simd.Current())

    /// 1 − Σ (x − y)² / Σ (y − ȳ)², how much of the real variance a prediction explains; NaN where the real one is constant.
    let determination (x: float[]) (y: float[]) =
        let mean = Array.average y
        let whole = y |> Array.sumBy (fun value -> (value - mean) * (value - mean))

        if Array.forall ((=) y[0]) y then
            nan
        else
            1.0 - squares x y / whole

    /// Pairs of equal values in a sorted list.
    let private tied (sorted: 'a[]) =
        sorted
        |> Array.countBy id
        |> Array.sumBy (fun (_, count) -> float count * float (count - 1) / 2.0)

    /// Pairs that stand the wrong way round, by sorting in place through merges (Knight 1966).
    let rec private inversions (values: float[]) (room: float[]) first next =
        if next - first < 2 then
            0.0
        else
            let middle = (first + next) / 2

            let below = inversions values room first middle + inversions values room middle next

            let mutable left, right, crossed = first, middle, 0.0

            for at in first .. next - 1 do
                if left < middle && (right = next || values[left] <= values[right]) then
                    room[at] <- values[left]
                    left <- left + 1
                else
                    room[at] <- values[right]
                    right <- right + 1
                    crossed <- crossed + float (middle - left)

            Array.Copy(room, first, values, first, next - first)
            below + crossed

    /// Kendall's τ-b (Kendall 1945), O(n log n): pairs in the same order less pairs in opposite order, over the root of the
    /// product of the pairs that do not tie in x and in y. NaN where one is constant or holds NaN.
    let kendall (x: float[]) (y: float[]) =
        let pairs = float x.Length * float (x.Length - 1) / 2.0

        if Array.exists Double.IsNaN x || Array.exists Double.IsNaN y then
            nan
        else
            let sorted = Array.zip x y |> Array.sort
            let tiedBoth, tiedX, tiedY = tied sorted, tied x, tied y

            let crossed =
                inversions (Array.map snd sorted) (Array.zeroCreate x.Length) 0 x.Length

            let free = (pairs - tiedX) * (pairs - tiedY)

            if free = 0.0 then
                nan
            else
                Math.Clamp((pairs - tiedX - tiedY + tiedBoth - 2.0 * crossed) / sqrt free, -1.0, 1.0)

    /// (1 − τ) n (n − 1) / 4: without ties the number of pairs in opposite order (pertpy).
    let kendallDistance (x: float[]) (y: float[]) =
        (1.0 - kendall x y) * float x.Length * float (x.Length - 1) / 4.0
