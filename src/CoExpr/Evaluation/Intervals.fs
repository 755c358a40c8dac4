namespace CoExpr

open System

/// How an interval is made.
type IntervalOptions = {
    /// How many times perturbations are drawn; 0 for no intervals.
    Resamples: int
    /// The share of draws that an interval holds, between 0 and 1.
    Level: float
    Seed: uint64
}

/// A measure over all perturbations, by what becomes of it where perturbations are drawn anew.
[<RequireQualifiedAccess>]
type MetricSample =
    /// The mean of these; NaN takes no part.
    | Mean of float[]
    | Pooled of PooledMetric
    /// A number of which nothing is known but itself.
    | Single of float

/// A measure over all perturbations with an interval.
type MetricInterval = {
    Name: string
    /// The mean of the values that are numbers, or the one number of all perturbations.
    Value: float
    /// NaN without an interval: none was asked for, or none can be told.
    Low: float
    High: float
    /// Perturbations that take part.
    Perturbations: int
    /// Draws that gave a number.
    Resamples: int
}

/// Bootstrap intervals over perturbations (Efron 1979, percentiles): how a measure would vary over screens of as many other
/// perturbations. How it varies over cells they do not tell.
[<RequireQualifiedAccess>]
module Intervals =

    let defaults = {
        Resamples = 1000
        Level = 0.95
        Seed = 0UL
    }

    let private drawn = Purpose.named "bootstrap over perturbations"

    /// What is wrong with the options.
    let validate (options: IntervalOptions) : Result<unit, CoExprError> =
        let text (value: float) =
            value.ToString("R", Globalization.CultureInfo.InvariantCulture)

        if options.Resamples < 0 then
            Error(CoExprError.BadOption("--resamples", string options.Resamples, "0 or more are needed"))
        elif not (options.Level > 0.0 && options.Level < 1.0) then
            Error(CoExprError.BadOption("--level", text options.Level, "a share between 0 and 1 is needed"))
        else
            Ok()

    /// The perturbations of one draw, with replacement. The same for every measure and every model, so that differences
    /// between them are of the same perturbations.
    let draw seed perturbations resample : int[] =
        let stream = Random.stream seed drawn resample
        Array.init perturbations (fun _ -> stream.Below perturbations)

    /// The mean of these rows' numbers; NaN of none.
    let private meanOf (values: float[]) (rows: int[]) =
        let mutable sum, count = 0.0, 0

        for row in rows do
            let value = values[row]

            if not (Double.IsNaN value) then
                sum <- sum + value
                count <- count + 1

        if count = 0 then nan else sum / float count

    /// The measure over some perturbations, which may come several times.
    let value (rows: int[]) sample =
        match sample with
        | MetricSample.Mean values -> meanOf values rows
        | MetricSample.Pooled metric -> PooledMetric.value rows metric
        | MetricSample.Single value -> value

    /// The number that stands in every row; where cell types have one each, their mean over rows.
    let private single (present: float[]) =
        match Array.distinct present with
        | [||] -> nan
        | [| one |] -> one
        | _ -> Array.average present

    /// What a column's aggregate is made of.
    let sampleOf (pooled: PooledMetric list) (column: MetricColumn) =
        match pooled |> List.tryFind (fun metric -> metric.Name = column.Name) with
        | Some metric -> MetricSample.Pooled metric
        | None when column.OfAll -> MetricSample.Single(single (MetricColumn.present column))
        | None ->
            MetricSample.Mean(
                Array.map2 (fun value absent -> if absent then nan else value) column.Values column.IsAbsent
            )

    /// Perturbations that take part.
    let internal takingPart sample =
        match sample with
        | MetricSample.Mean values -> values |> Array.filter (Double.IsNaN >> not) |> Array.length
        | MetricSample.Pooled metric -> metric.Absent |> Array.filter not |> Array.length
        | MetricSample.Single _ -> 0

    let private isSingle sample =
        match sample with
        | MetricSample.Single _ -> true
        | _ -> false

    /// The interval of percentiles of some draws around a value.
    let internal percentiles level name value perturbations (draws: float[]) =
        let numbers = draws |> Array.filter (Double.IsNaN >> not) |> Array.sort
        let tail = (1.0 - level) / 2.0

        let bound share =
            // Draws of one perturbation are all the same, and say nothing.
            if Double.IsNaN value || perturbations = 1 then
                nan
            else
                OrderStatistics.quantileOfSorted share numbers

        {
            Name = name
            Value = value
            Low = bound tail
            High = bound (1.0 - tail)
            Perturbations = perturbations
            Resamples = numbers.Length
        }

    /// Each statistic of every draw: statistics x draws. Same bits for any number of threads.
    let internal resampled threads (options: IntervalOptions) perturbations (statistics: (int[] -> float)[]) =
        let draws =
            Array.init statistics.Length (fun _ -> Array.zeroCreate<float> options.Resamples)

        if perturbations > 0 then
            Schedule.blocks threads options.Resamples ignore (fun () resample ->
                let rows = draw options.Seed perturbations resample

                for at in 0 .. statistics.Length - 1 do
                    draws[at][resample] <- statistics[at] rows)

        draws

    /// Of each measure its value over all perturbations, and an interval unless nothing but that value is known.
    let compute
        threads
        (options: IntervalOptions)
        perturbations
        (samples: (string * MetricSample)[])
        : MetricInterval[] =
        let all = Array.init perturbations id

        resampled threads options perturbations (samples |> Array.map (fun (_, sample) rows -> value rows sample))
        |> Array.map2
            (fun (name, sample) draws ->
                let draws = if isSingle sample then [||] else draws
                percentiles options.Level name (value all sample) (takingPart sample) draws)
            samples

    /// The measures of a result.
    let ofResult threads options (found: EvaluationResult) : MetricInterval[] =
        found.Columns
        |> Array.map (fun column -> column.Name, sampleOf found.Pooled column)
        |> compute threads options found.Perturbations.Length
