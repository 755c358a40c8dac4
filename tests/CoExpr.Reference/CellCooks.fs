namespace CoExpr.Reference

/// Cook's distances of the cells of two groups as their definition reads, every cell by itself.
module CellCooks =

    /// Of 3, 4 to 23 and more values: the share trimmed from each end, and what makes a trimmed mean of squares a variance.
    let trimming count =
        if count <= 3 then 1.0 / 3.0, 2.04
        elif count <= 23 then 0.25, 1.86
        else 0.125, 1.51

    let trimmedMean share (values: float list) =
        let cut = int (floor (share * float values.Length))

        values
        |> List.sort
        |> List.skip cut
        |> List.rev
        |> List.skip cut
        |> List.average

    let trimmedVariance (values: float list) =
        let share, scale = trimming values.Length
        let centre = trimmedMean share values

        scale
        * trimmedMean share (values |> List.map (fun value -> (value - centre) ** 2.0))

    /// (v − m) / m², at least 0.04: v the larger trimmed variance of the groups of three cells or more, m the mean of both.
    let robustDispersion (groups: float list list) =
        let m = List.average (List.concat groups)

        match groups |> List.filter (fun group -> group.Length >= 3) with
        | [] -> 0.04
        | large ->
            let v = large |> List.map trimmedVariance |> List.max
            max 0.04 ((v - m) / m ** 2.0)

    /// Of one group of fitted mean m: (y − μ)² / (μ + a μ²) / 2 · h / (1 − h)², h = W / Σ W.
    let distances alpha robust m (sizeFactors: float list) (counts: float list) =
        let mu = sizeFactors |> List.map (fun s -> m * s)
        let weights = mu |> List.map (fun mu -> mu / (1.0 + alpha * mu))
        let total = List.sum weights

        List.zip3 mu weights counts
        |> List.map (fun (mu, weight, y) ->
            let h = weight / total

            if m = 0.0 then
                0.0
            else
                (y - mu) ** 2.0 / (mu + robust * mu * mu) / 2.0 * h / (1.0 - h) ** 2.0)
