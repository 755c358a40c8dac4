namespace CoExpr

open System

/// How the dispersion of a typical gene depends on its mean.
[<RequireQualifiedAccess>]
type TrendKind =
    /// asymptotic + extra / mean by a gamma regression; a local one where that fails.
    | Parametric
    /// A local quadratic of ln dispersion on ln mean, genes weighted by their means.
    | Local
    /// One dispersion for all: the mean without the lowest and highest thousandth.
    | Mean

/// A fitted trend.
[<RequireQualifiedAccess>]
type DispersionTrend =
    /// asymptotic + extra / mean.
    | Parametric of asymptotic: float * extra: float
    /// Values and slopes of ln dispersion at ln means in ascending order; cubics between them.
    | Local of logMeans: float[] * values: float[] * slopes: float[]
    | Mean of float

/// Trends of dispersion with the mean, from the dispersions of single genes (Anders and Huber 2010; Love, Huber and Anders
/// 2014). Genes are taken in the order of their means, so that the order that they come in changes no bit.
[<RequireQualifiedAccess>]
module MeanDispersionTrend =

    /// Gene-wise estimates below a hundred times the smallest say no more than "none seen".
    [<Literal>]
    let internal Usable = 1e-6

    /// Means and dispersions in the order of the means.
    let private ordered (means: float[]) (dispersions: float[]) keep =
        Array.zip means dispersions
        |> Array.filter (fun (mean, dispersion) -> mean > 0.0 && keep dispersion)
        |> Array.sort
        |> Array.unzip

    let private isTypical (struct (a: float, b: float)) mean dispersion =
        let ratio = dispersion / (a + b / mean)
        ratio > 1e-4 && ratio < 15.0

    /// Rounds of the gamma regression over genes within 1e-4 to 15 times the last round's trend, until it stays; None
    /// where a coefficient is not above 0, or ten rounds do not suffice.
    let private parametric (means: float[]) (dispersions: float[]) =
        let rec rounds left coefficients =
            let kept =
                Array.zip means dispersions
                |> Array.filter (fun (mean, dispersion) -> isTypical coefficients mean dispersion)

            let x, y = kept |> Array.map (fun (mean, _) -> 1.0 / mean), kept |> Array.map snd
            let struct (oldA, oldB) = coefficients

            match
                (if kept.Length < 2 then
                     None
                 else
                     GammaRegression.fit x y coefficients)
            with
            | Some(struct (a, b)) when a > 0.0 && b > 0.0 ->
                let moved = pown (log (a / oldA)) 2 + pown (log (b / oldB)) 2

                if moved < 1e-6 then Some(DispersionTrend.Parametric(a, b))
                elif left = 0 then None
                else rounds (left - 1) (struct (a, b))
            | _ -> None

        rounds 10 (struct (0.1, 1.0))

    /// The share of genes that each local fit takes in.
    [<Literal>]
    let private Span = 0.7

    /// Fits are computed at points no farther apart than this share of the window around either.
    [<Literal>]
    let private Spacing = 0.8

    /// Ends and midpoints of intervals, halved until they are short beside the windows at their ends (Loader 1999).
    let private nodesOf (x: float[]) =
        let rec between low high =
            let window =
                min (LocalRegression.window Span x low) (LocalRegression.window Span x high)

            if high - low > Spacing * window then
                let middle = 0.5 * (low + high)
                between low middle @ List.tail (between middle high)
            else
                [ low; high ]

        between x[0] x[x.Length - 1] |> List.toArray

    let private local (means: float[]) (dispersions: float[]) =
        let x, y = means |> Array.map log, dispersions |> Array.map log
        let nodes = nodesOf x
        let fits = nodes |> Array.map (LocalRegression.at 2 Span x y means)

        DispersionTrend.Local(
            nodes,
            fits |> Array.map (fun (struct (value, _)) -> value),
            fits |> Array.map (fun (struct (_, slope)) -> slope)
        )

    /// The cubic between two nodes that has their values and slopes; a straight line outside of all.
    let private interpolate (nodes: float[]) (values: float[]) (slopes: float[]) x =
        let last = nodes.Length - 1

        if x <= nodes[0] then
            values[0] + slopes[0] * (x - nodes[0])
        elif x >= nodes[last] then
            values[last] + slopes[last] * (x - nodes[last])
        else
            let at = (nodes |> Array.findIndexBack (fun node -> node <= x))
            let step = nodes[at + 1] - nodes[at]
            let t = (x - nodes[at]) / step
            let u = 1.0 - t

            u * u * (1.0 + 2.0 * t) * values[at]
            + t * t * (1.0 + 2.0 * u) * values[at + 1]
            + step * u * t * (u * slopes[at] - t * slopes[at + 1])

    /// The dispersion that the trend gives a gene of this mean (above 0).
    let at trend mean =
        match trend with
        | DispersionTrend.Parametric(asymptotic, extra) -> asymptotic + extra / mean
        | DispersionTrend.Local(nodes, values, slopes) -> exp (interpolate nodes values slopes (log mean))
        | DispersionTrend.Mean dispersion -> dispersion

    /// "parametric", "local" or "mean".
    let kind trend =
        match trend with
        | DispersionTrend.Parametric _ -> "parametric"
        | DispersionTrend.Local _ -> "local"
        | DispersionTrend.Mean _ -> "mean"

    let private enough what found needed =
        Error(
            CoExprError.TooFew(
                what,
                int64 found,
                int64 needed,
                "Counts vary no more than Poisson counts do; give fixed dispersions, or trend none."
            )
        )

    /// The trend of these genes' dispersions. `means`: of counts over size factors, above 0; genes with a dispersion below
    /// 1e-6 do not count. TooFew where no gene is left (for a local trend: fewer than 4).
    let fit trend (means: float[]) (dispersions: float[]) : Result<DispersionTrend, CoExprError> =
        let x, y = ordered means dispersions (fun dispersion -> dispersion > Usable)

        let localFit () =
            let x, y =
                ordered means dispersions (fun dispersion -> dispersion >= 10.0 * CoxReidDispersion.Smallest)

            if x.Length < 4 then
                enough "genes with a dispersion above 1e-7" x.Length 4
            else
                Ok(local x y)

        if x.Length = 0 then
            enough "genes with a dispersion above 1e-6" 0 1
        else
            match trend with
            | TrendKind.Mean ->
                let above =
                    dispersions |> Array.filter (fun d -> d > 10.0 * CoxReidDispersion.Smallest)

                Ok(DispersionTrend.Mean(OrderStatistics.trimmedMean 0.001 above))
            | TrendKind.Local -> localFit ()
            | TrendKind.Parametric ->
                match parametric x y with
                | Some trend -> Ok trend
                | None -> localFit ()
