namespace CoExpr.Tests

open CoExpr

/// Small sets of perturbed cells for tests of an evaluation.
[<RequireQualifiedAccess>]
module PerturbedSample =

    let cellsOf source (labels: string[]) (genes: string[]) (rows: float32[][]) : Cells =
        let counts = SparseCounts.OfDense(rows.Length, genes.Length, Array.concat rows)

        let table =
            Table.ofNames (Array.init rows.Length (fun cell -> $"cell{cell}"))
            |> Table.withColumn "target_gene" (Column.categories labels)

        Cells.create source counts table (Table.ofNames genes) |> Expect.ok

    let sides = {
        Evaluation.defaults.Sides with
            Control = "control"
            Threads = 2
    }

    let options = {
        Evaluation.defaults with
            Sides = sides
    }

    let genes = Array.init 30 (fun gene -> $"g{gene}")

    /// Twelve perturbations of 5 cells and 8 control cells, log values; perturbation p raises gene g_p and some others.
    /// Other seeds draw other cells of the same perturbations.
    let draw (seed: int) =
        let truth = System.Random 1
        let random = System.Random seed

        let effects =
            Array.init 12 (fun p -> Array.init 30 (fun gene -> if gene = p then 2.0 else truth.NextDouble() - 0.3))

        let base' = Array.init 30 (fun _ -> 2.0 + truth.NextDouble())

        let labels = [|
            yield! Array.replicate 8 "control"
            for p in 0..11 do
                yield! Array.replicate 5 $"g{p}"
        |]

        let rows =
            labels
            |> Array.map (fun label ->
                Array.init 30 (fun gene ->
                    let effect =
                        if label = "control" then
                            0.0
                        else
                            effects[int (label.Substring 1)].[gene]

                    float32 (base'[gene] + effect + 0.3 * random.NextDouble())))

        labels, rows

    let real =
        lazy
            (let labels, rows = draw 2
             cellsOf "real" labels genes rows)

    /// The prediction whose cells come from a function of label and row.
    let predicted (change: string -> float32[] -> float32[]) =
        let labels, rows = draw 3
        cellsOf "predicted" labels genes (Array.map2 change labels rows)

    /// A prediction whose cells are those of another perturbation.
    let shuffled =
        lazy
            (let labels, rows = draw 3

             let other (label: string) =
                 if label = "control" then
                     label
                 else
                     $"g{(int (label.Substring 1) + 5) % 12}"

             cellsOf "shuffled" (Array.map other labels) genes rows)

    let column name (result: EvaluationResult) =
        result.Columns |> Array.find (fun column -> column.Name = name)
