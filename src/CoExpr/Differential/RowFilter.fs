namespace CoExpr

open System

/// Independent filtering of the rows of each perturbation: see `IndependentFilter`. The statistic that is independent of the
/// test is the gene's mean over the cells of both groups.
[<RequireQualifiedAccess>]
module internal RowFilter =

    /// What independent filtering has no meaning for.
    let private refuse option value reason =
        Error(CoExprError.BadOption(option, value, reason))

    /// What is wrong with a level, and with what is asked for beside it.
    let validate level adjustment values : Result<unit, CoExprError> =
        match level, adjustment, values with
        | None, _, _ -> Ok()
        | Some(alpha: float), _, _ when not (alpha > 0.0 && alpha < 1.0) ->
            let given = alpha.ToString("R", Globalization.CultureInfo.InvariantCulture)
            refuse "--alpha" given "a false discovery rate above 0 and below 1 is needed"
        | _, Adjustment.OverAll, _ ->
            refuse "--independent-filtering" "with --q-over all" "thresholds are chosen for each perturbation by itself"
        | _, _, TestedValues.AsStored ->
            refuse "--independent-filtering" "with --values as-is" "values that may be below 0 have no lowest mean"
        | _ -> Ok()

    /// Of all cells of both groups; 0 where neither has any.
    let private pooledMeans (rows: ContrastRows) cells referenceCells first genes =
        let part (mean: float) cells =
            if cells = 0 then 0.0 else mean * float cells

        Array.init genes (fun gene ->
            let sum =
                part rows.Mean[first + gene] cells
                + part rows.ReferenceMean[first + gene] referenceCells

            sum / float (max 1 (cells + referenceCells)))

    let private filterRow alpha countUntestable genes (rows: ContrastRows) cells referenceCells row =
        let first = row * genes
        let means = pooledMeans rows cells referenceCells first genes

        let pValues =
            Array.init genes (fun gene ->
                if ContrastRows.takesPart countUntestable rows (first + gene) then
                    rows.PValue[first + gene]
                else
                    nan)

        let adjusted, _ = IndependentFilter.choose alpha means pValues

        for gene in 0 .. genes - 1 do
            if not (Double.IsNaN pValues[gene]) then
                rows.QValue[first + gene] <- adjusted[gene]

                if Double.IsNaN adjusted[gene] then
                    rows.Status[first + gene] <- RowStatus.BelowFilter

    /// Fills in q anew, perturbation by perturbation: of the genes whose mean passes the threshold with about the most
    /// findings at the level. The others keep their p and lose their q. `cells` and `referenceCells`: one per perturbation.
    let apply threads alpha countUntestable (cells: int[]) (referenceCells: int[]) genes rows =
        if genes > 0 then
            Schedule.ranges threads 1 cells.Length (fun row _ ->
                filterRow alpha countUntestable genes rows cells[row] referenceCells[row] row)
