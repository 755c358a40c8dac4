namespace CoExpr.Tests

open CoExpr.Kernels

/// Counts of one gene in groups of cells with covariates, drawn from a seed.
type CovariateSample = {
    /// Cells of each group.
    Cells: int[]
    /// One per cell, group after group.
    Sizes: float[]
    Counts: float[]
    /// Of each covariate one value per cell.
    Columns: float[][]
    /// Of each cell its stratum, and the covariates of each stratum, where they take few values.
    Strata: int[]
    Rows: float[]
} with

    member sample.Starts = sample.Cells |> Array.scan (+) 0

    member sample.GroupOf =
        sample.Cells
        |> Array.mapi (fun group cells -> Array.create cells group)
        |> Array.concat

[<RequireQualifiedAccess>]
module CovariateSample =

    /// An overdispersed count: Poisson's, with a mean that varies.
    let private count (random: System.Random) mean =
        let mutable p = exp -(min 600.0 (mean * (1.0 - log (1.0 - random.NextDouble()))))
        let mutable u, y = random.NextDouble() - p, 0.0
        let rate = -(log p)

        while u > 0.0 && y < 3000.0 do
            y <- y + 1.0
            p <- p * rate / y
            u <- u - p

        y

    let private make seed (cells: int[]) (means: float[]) strata (rows: float[][]) (slopes: float[]) isContinuous =
        let random = System.Random(seed: int)
        let total = Array.sum cells
        let sizes = Array.init total (fun _ -> exp (1.2 * (random.NextDouble() - 0.5)))
        let stratum = Array.init total (fun _ -> random.Next(strata: int))

        let columns =
            Array.init slopes.Length (fun column ->
                stratum
                |> Array.map (fun at ->
                    if isContinuous && column = 0 then
                        random.NextDouble() - 0.5
                    else
                        rows[at][column]))

        let groupOf =
            cells |> Array.mapi (fun group n -> Array.create n group) |> Array.concat

        {
            Cells = cells
            Sizes = sizes
            Counts =
                Array.init total (fun cell ->
                    let shift =
                        Array.map2 (fun (c: float[]) slope -> c[cell] * slope) columns slopes
                        |> Array.sum

                    count random (means[groupOf[cell] % means.Length] * sizes[cell] * exp shift))
            Columns = columns
            Strata = stratum
            Rows = Array.concat rows
        }

    /// Of three strata as two columns.
    let ofStrata seed cells means slopes =
        make seed cells means 3 [| [| -0.4; -0.3 |]; [| 0.6; -0.3 |]; [| -0.4; 0.7 |] |] slopes false

    /// Of one number from −½ to ½ and one column of three values.
    let ofNumbers seed cells means slopes =
        make seed cells means 3 [| [| 0.0; -1.0 |]; [| 0.0; 0.25 |]; [| 0.0; 1.0 |] |] slopes true

    let private load (order: int[]) (sample: CovariateSample) (units: CovariateUnits) =
        let positions =
            [| 0 .. order.Length - 1 |]
            |> Array.filter (fun at -> sample.Counts[order[at]] > 0.0)

        let values = positions |> Array.map (fun at -> float32 sample.Counts[order[at]])
        units.Load(System.ReadOnlySpan positions, System.ReadOnlySpan values, System.ReadOnlySpan [||])
        units

    /// Sums over every cell.
    let cells (sample: CovariateSample) : CovariateUnits =
        let order = Array.init sample.Sizes.Length id

        CellUnits(CellColumns(sample.Sizes, sample.Columns, sample.Starts))
        |> load order sample

    /// Sums over strata.
    let strata (sample: CovariateSample) : CovariateUnits =
        let width = sample.Columns.Length
        let count = sample.Rows.Length / width
        let groupOf = sample.GroupOf

        let place cell =
            groupOf[cell] * count + sample.Strata[cell]

        let order = Array.init sample.Sizes.Length id |> Array.sortBy place

        let starts =
            Array.init (sample.Cells.Length * count) (fun at ->
                order |> Array.filter (fun cell -> place cell = at) |> Array.length)
            |> Array.scan (+) 0

        let nodes =
            SizeFactorNodes(order |> Array.map (fun cell -> sample.Sizes[cell]), starts)

        for at in 0 .. nodes.Groups - 1 do
            nodes.Fill at

        StratumUnits(nodes, starts, sample.Rows, width) |> load order sample

    /// One row per cell: which group it is in, then its covariates.
    let matrix (sample: CovariateSample) =
        let groupOf = sample.GroupOf

        Array.init sample.Sizes.Length (fun cell ->
            Array.append
                (Array.init sample.Cells.Length (fun group -> if groupOf[cell] = group then 1.0 else 0.0))
                (sample.Columns |> Array.map (fun column -> column[cell])))

    /// Intercepts, then slopes.
    let flat (at: CovariateCoefficients) = Array.append at.Intercepts at.Slopes
