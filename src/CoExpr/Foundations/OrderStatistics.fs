namespace CoExpr

/// Statistics of sorted values: medians, quantiles, trimmed means. None depends on the order that values come in.
[<RequireQualifiedAccess>]
module internal OrderStatistics =

    /// The quantile h = (n − 1)p of sorted values, interpolated linearly (type 7 of Hyndman and Fan 1996); NaN of none.
    let quantileOfSorted p (sorted: float[]) =
        if sorted.Length = 0 then
            nan
        else
            let h = float (sorted.Length - 1) * p
            let low = int (floor h)
            let high = min (low + 1) (sorted.Length - 1)
            sorted[low] + (h - float low) * (sorted[high] - sorted[low])

    let median (values: float[]) =
        let sorted = Array.sort values
        let middle = sorted.Length / 2

        if sorted.Length = 0 then nan
        elif sorted.Length % 2 = 1 then sorted[middle]
        else 0.5 * (sorted[middle - 1] + sorted[middle])

    /// Makes the median absolute deviation of normal values their standard deviation.
    [<Literal>]
    let private NormalScale = 1.4826

    /// 1.4826 times the median of |value − median|.
    let medianAbsoluteDeviation (values: float[]) =
        let centre = median values
        NormalScale * median (values |> Array.map (fun value -> abs (value - centre)))

    /// The mean without the lowest and the highest floor(n · trim) values.
    let trimmedMean trim (values: float[]) =
        let cut = int (floor (float values.Length * trim))
        let sorted = Array.sort values
        Array.average sorted[cut .. sorted.Length - 1 - cut]
