namespace CoExpr

open System

/// Cells of one perturbation, all values: cells x genes.
type PerturbedPopulation = {
    Cells: int
    Genes: int
    Values: float[]
}

[<RequireQualifiedAccess>]
module PerturbedPopulation =

    let private drawn = Purpose.named "population"

    /// `most` of some cells, drawn without replacement and in their order; all where there are no more.
    let draw (seed: uint64) item most (cells: int[]) =
        if cells.Length <= most then
            cells
        else
            let order = (Random.stream seed drawn item).Permutation cells.Length
            order |> Array.truncate most |> Array.sort |> Array.map (fun at -> cells[at])

    /// The values of some cells.
    let ofCells (values: CellValues) (cells: int[]) : PerturbedPopulation =
        let all = Array.zeroCreate<float>(cells.Length * values.Genes)

        let genes, read =
            Array.zeroCreate<int> values.Most, Array.zeroCreate<float> values.Most

        cells
        |> Array.iteri (fun row cell ->
            for at in 0 .. values.Read cell genes read - 1 do
                all[row * values.Genes + genes[at]] <- read[at])

        {
            Cells = cells.Length
            Genes = values.Genes
            Values = all
        }

    /// The values of one gene.
    let gene (population: PerturbedPopulation) gene =
        Array.init population.Cells (fun cell -> population.Values[cell * population.Genes + gene])

    /// The values of one cell.
    let cell (population: PerturbedPopulation) cell =
        ReadOnlySpan(population.Values, cell * population.Genes, population.Genes)

    let isFinite (population: PerturbedPopulation) =
        Array.forall Double.IsFinite population.Values

    /// The mean of every gene.
    let means (population: PerturbedPopulation) =
        Array.init population.Genes (fun at -> Array.average (gene population at))
