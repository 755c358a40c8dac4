namespace CoExpr.Tests

open System
open MathNet.Numerics.Distributions
open CoExpr

/// Screens in which perturbations lie unequally in batches and differ in a number, both of which genes depend on.
type ConfoundedScreen = {
    Cells: Cells
    Groups: Groups
    SizeFactors: float[]
    /// True ln fold changes, perturbations x genes.
    Folds: float[]
}

[<RequireQualifiedAccess>]
module ConfoundedScreen =

    let private labels perturbed controls perturbations =
        Array.append
            (Array.create controls "control")
            (Array.init (perturbed * perturbations) (fun at -> $"KO{at / perturbed}"))

    /// Four in five perturbed cells are in batch y, one in three controls; the number is higher in perturbed cells.
    let create (seed: int) controls perturbed perturbations genes =
        let random = System.Random seed
        let normal sd = Normal.Sample(random, 0.0, sd)
        let labels = labels perturbed controls perturbations
        let isControl = labels |> Array.map ((=) "control")

        let inY =
            isControl
            |> Array.map (fun control -> random.NextDouble() < (if control then 0.33 else 0.8))

        let percent =
            isControl
            |> Array.map (fun control -> 5.0 + (if control then 0.0 else 1.5) + normal 2.0)

        let sizes = labels |> Array.map (fun _ -> exp (normal 0.3))

        let folds =
            Array.init (perturbations * genes) (fun _ ->
                if random.NextDouble() < 0.1 then
                    (if random.Next 2 = 0 then 0.7 else -0.7)
                else
                    0.0)

        let counts = Array.zeroCreate<float32>(labels.Length * genes)

        for gene in 0 .. genes - 1 do
            let level, alpha = log 0.3 + 2.5 * random.NextDouble(), 0.2 * exp (normal 0.3)
            let batch, slope = normal 0.6, normal 0.08

            for cell in 0 .. labels.Length - 1 do
                let fold =
                    if isControl[cell] then
                        0.0
                    else
                        folds[(cell - controls) / perturbed * genes + gene]

                let mean =
                    sizes[cell]
                    * exp (
                        level
                        + fold
                        + (if inY[cell] then batch else 0.0)
                        + slope * (percent[cell] - 5.0)
                    )

                let rate = Gamma.Sample(random, 1.0 / alpha, 1.0 / (alpha * mean))
                counts[cell * genes + gene] <- float32 (if rate < 1e-9 then 0 else Poisson.Sample(random, rate))

        let table = {
            Names = Array.init labels.Length (fun cell -> $"c{cell}")
            Columns = [|
                "perturbation", Column.Text labels
                "batch", Column.Text(inY |> Array.map (fun y -> if y then "y" else "x"))
                "percent", Column.Float percent
                "lane", Column.Integer(Array.init labels.Length (fun cell -> int64 (cell % 3)), [||])
            |]
        }

        let cells =
            Cells.create
                "simulated"
                (SparseCounts.OfDense(labels.Length, genes, counts))
                table
                (Table.ofNames (Array.init genes (fun gene -> $"g{gene}")))
            |> Expect.ok

        {
            Cells = cells
            Groups = Groups.create [ "perturbation" ] (Some "control") cells |> Expect.ok
            SizeFactors = sizes
            Folds = folds
        }

    /// Options with the true size factors.
    let options columns screen = {
        NegativeBinomialScreen.defaults with
            SizeFactors = SizeFactorKind.Given screen.SizeFactors
            Covariates = {
                CovariateOptions.none with
                    Columns = columns
            }
            Threads = 2
    }

    let compute options screen =
        NegativeBinomialScreen.compute Progress.none options screen.Groups screen.Cells
        |> Expect.ok
