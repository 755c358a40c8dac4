namespace CoExpr

open System

/// What describes one measure over perturbations.
type Aggregate = {
    Name: string
    /// Perturbations for which the measure is defined, be it NaN.
    Count: int
    /// Perturbations for which it is not defined.
    Absent: int
    /// Perturbations for which it is NaN.
    NotNumbers: int
    /// NaN where a value is NaN, as in cell-eval.
    Mean: float
    /// With divisor n − 1; NaN for fewer than 2.
    StandardDeviation: float
    Minimum: float
    LowerQuartile: float
    Median: float
    UpperQuartile: float
    Maximum: float
    /// Of the values that are numbers. A mean that skips failures flatters a prediction that fails on what is hard.
    MeanOfNumbers: float
}

[<RequireQualifiedAccess>]
module Aggregates =

    let private mean (values: float[]) =
        if values.Length = 0 then nan else Array.average values

    let private deviation (values: float[]) =
        if values.Length < 2 then
            nan
        else
            let middle = mean values

            sqrt (
                Array.sumBy (fun value -> (value - middle) * (value - middle)) values
                / float (values.Length - 1)
            )

    /// The value whose place is nearest to a share of the way from the least to the greatest; half-way up.
    let private quantile (sorted: float[]) share =
        if sorted.Length = 0 then
            nan
        else
            sorted[int (Math.Floor(share * float (sorted.Length - 1) + 0.5))]

    /// Least, quartiles and greatest are of the values that are numbers, quartiles by the nearest value.
    let ofColumn (column: MetricColumn) : Aggregate =
        let present = MetricColumn.present column
        let numbers = present |> Array.filter (Double.IsNaN >> not) |> Array.sort

        {
            Name = column.Name
            Count = present.Length
            Absent = column.Values.Length - present.Length
            NotNumbers = present.Length - numbers.Length
            Mean = mean present
            StandardDeviation = deviation present
            Minimum = quantile numbers 0.0
            LowerQuartile = quantile numbers 0.25
            Median = quantile numbers 0.5
            UpperQuartile = quantile numbers 0.75
            Maximum = quantile numbers 1.0
            MeanOfNumbers = mean numbers
        }
