namespace CoExpr

open System
open MathNet.Numerics

/// One p-value against what it would be were all p-values uniform, as −log10; and where it would then lie.
[<Struct>]
type QuantilePoint = {
    /// 1 is the lowest p.
    Rank: int
    Expected: float
    Observed: float
    /// Of uniform and independent p-values 95 in 100 lie in between.
    Low: float
    High: float
}

/// The points and the specification of a figure of observed against expected p-values.
[<RequireQualifiedAccess>]
module internal QuantileQuantile =

    /// Every rank up to here is drawn.
    [<Literal>]
    let private All = 200

    /// And so many after it, in even steps of the logarithm.
    [<Literal>]
    let private Further = 300

    /// Up to this rank from either end the beta distribution is inverted; between, its logit is normal to less than a pixel.
    [<Literal>]
    let private ExactRanks = 500

    let private bisect (share: float) a b =
        let mutable low, high = -60.0, 0.0

        for _ in 1..60 do
            let middle = 0.5 * (low + high)

            if SpecialFunctions.BetaRegularized(a, b, exp middle) < share then
                low <- middle
            else
                high <- middle

        exp (0.5 * (low + high))

    /// 1/x + 1/2x² + 1/6x³: the derivative of ψ to 1e-15 from x = 500 on.
    let private trigamma x =
        1.0 / x + 0.5 / (x * x) + 1.0 / (6.0 * x * x * x)

    let private logistic (normal: float) a b =
        let centre = SpecialFunctions.DiGamma a - SpecialFunctions.DiGamma b
        let logit = centre + normal * sqrt (trigamma a + trigamma b)
        1.0 / (1.0 + exp -logit)

    /// The value that the rank-th lowest of n uniform numbers is below with probability `share`, which is a quantile of
    /// Beta(rank, n − rank + 1).
    let orderStatistic (share: float) rank n =
        let a, b = float rank, float n - float rank + 1.0

        if min a b <= float ExactRanks then
            bisect share a b
        else
            logistic (Distributions.Normal.InvCDF(0.0, 1.0, share)) a b

    /// Which ranks of n are drawn.
    let ranks n =
        let steps =
            if n <= All then
                Seq.empty
            else
                Seq.init Further (fun at ->
                    float All * (float n / float All) ** (float (at + 1) / float Further)
                    |> round
                    |> int)

        Seq.append (seq { 1 .. min n All }) steps |> Seq.distinct |> Array.ofSeq

    /// The first `n` of `sorted` are base-10 logarithms of p, lowest first.
    let pointsOf n (sorted: float[]) =
        ranks n
        |> Array.map (fun rank -> {
            Rank = rank
            Expected = -log10((float rank - 0.5) / float n)
            Observed = -sorted[rank - 1]
            Low = -log10(orderStatistic 0.975 rank n)
            High = -log10(orderStatistic 0.025 rank n)
        })

    /// The same of all of them.
    let points (sorted: float[]) = pointsOf sorted.Length sorted

    let private row point =
        Json.Object [
            "rank", Json.Number(float point.Rank)
            "e", VegaLite.number point.Expected
            "o", VegaLite.number point.Observed
            "low", VegaLite.number point.Low
            "high", VegaLite.number point.High
        ]

    let private axis name title =
        VegaLite.field name "quantitative" [ "title", Json.Text title ]

    let private layer mark encoding =
        Json.Object [ "mark", Json.Object mark; "encoding", Json.Object encoding ]

    let private observed = "Observed −log10 p"
    let private expected = axis "e" "Expected −log10 p"

    let private band =
        layer [
            "type", Json.Text "area"
            "color", Json.Text VegaLite.Grey
            "opacity", Json.Number 0.35
        ] [
            "x", expected
            "y", axis "low" observed
            "y2", Json.Object [ "field", Json.Text "high" ]
        ]

    let private diagonal =
        layer [
            "type", Json.Text "line"
            "color", Json.Text VegaLite.Grey
            "strokeWidth", Json.Number 1.5
        ] [ "x", expected; "y", axis "e" observed ]

    let private dots =
        layer [
            "type", Json.Text "point"
            "filled", Json.Flag true
            "size", Json.Number 22.0
            "color", Json.Text VegaLite.Blue
        ] [
            "x", expected
            "y", axis "o" observed
            "tooltip",
            Json.List [
                VegaLite.tip "rank" "rank" (Some ",")
                VegaLite.tip "o" "observed −log10 p" (Some ".4~g")
                VegaLite.tip "e" "expected" (Some ".4~g")
                VegaLite.tip "low" "95 % from" (Some ".4~g")
                VegaLite.tip "high" "to" (Some ".4~g")
            ]
        ]

    let spec (points: QuantilePoint[]) =
        let drawn = points |> Array.filter (fun point -> Double.IsFinite point.Observed)

        VegaLite.specification [
            "width", Json.Text "container"
            "height", Json.Number 360.0
            "data", VegaLite.values [ for point in drawn -> row point ]
            "layer", Json.List [ band; diagonal; dots ]
        ]
