namespace CoExpr

/// How numbers of single perturbations become one of all.
[<RequireQualifiedAccess>]
type PooledStatistic =
    | Pearson
    /// 1 where no perturbation takes part, as cell-eval has it.
    | Spearman

/// A measure that is one number of all perturbations together, by what each of them contributes.
type PooledMetric = {
    Name: string
    Statistic: PooledStatistic
    /// One per perturbation of the result.
    Real: float[]
    Predicted: float[]
    /// Perturbations that do not take part.
    Absent: bool[]
}

[<RequireQualifiedAccess>]
module PooledMetric =

    /// The number of some perturbations, which may come several times; those that do not take part are passed over.
    let value (rows: int[]) metric =
        let rows = rows |> Array.filter (fun row -> not metric.Absent[row])

        let pick (values: float[]) =
            rows |> Array.map (fun row -> values[row])

        match metric.Statistic with
        | PooledStatistic.Pearson -> ProfileErrors.pearson (pick metric.Real) (pick metric.Predicted)
        | PooledStatistic.Spearman when rows.Length = 0 -> 1.0
        | PooledStatistic.Spearman -> ProfileErrors.spearman (pick metric.Real) (pick metric.Predicted)

    /// Spreads what each perturbation contributes over perturbations by name.
    let onto perturbations names metric =
        let spread values absent =
            MetricColumn.onto perturbations names {
                MetricColumn.full metric.Name values with
                    IsAbsent = absent
            }

        let real = spread metric.Real metric.Absent

        {
            metric with
                Real = real.Values
                Predicted = (spread metric.Predicted metric.Absent).Values
                Absent = real.IsAbsent
        }
