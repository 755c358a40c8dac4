namespace CoExpr

/// How much of a gene's mean each cell gets: its size factor, times the module's pull if the gene is in a module. Genes
/// of the same module and sign share it.
///
/// Cells are sorted into strata of nearly equal exposure, so that one bound serves the cells of a stratum.
type internal Exposure = {
    Module: int
    Sign: int
    /// One per cell.
    ByCell: float[]
    /// Cells stratum by stratum, and by index within one.
    Order: int[]
    /// Stratum s owns the places from Starts[s] to before Starts[s + 1] of the order.
    Starts: int[]
    /// The highest exposure of each stratum.
    Highest: float[]
}

[<RequireQualifiedAccess>]
module internal Exposure =

    /// Exposures of one stratum differ by less than e^0.2 = 1.22, so that at least four in five candidates are kept.
    [<Literal>]
    let private StratumWidth = 0.2

    let private exposures (options: SimulationOptions) (population: Population) moduleIndex sign =
        if moduleIndex < 0 then
            population.SizeFactors
        else
            let strength = options.Modules.Strength

            Population.factor options moduleIndex
            |> Array.map2
                (fun size z -> size * exp (float sign * strength * z - 0.5 * strength * strength))
                population.SizeFactors

    /// Stratum of each cell, numbered from 0 for the lowest exposures.
    let private strata (byCell: float[]) =
        let stratum =
            byCell |> Array.map (fun exposure -> floor (log exposure / StratumWidth))

        let lowest = Array.min stratum
        stratum |> Array.map (fun number -> int (number - lowest))

    let create options population moduleIndex sign =
        let byCell = exposures options population moduleIndex sign
        let stratum = strata byCell
        let count = Array.max stratum + 1
        let sizes, highest = Array.zeroCreate<int> count, Array.zeroCreate<float> count

        stratum
        |> Array.iteri (fun cell s ->
            sizes[s] <- sizes[s] + 1
            highest[s] <- max highest[s] byCell[cell])

        let starts = Array.scan (+) 0 sizes
        let next, order = Array.copy starts, Array.zeroCreate<int> byCell.Length

        stratum
        |> Array.iteri (fun cell s ->
            order[next[s]] <- cell
            next[s] <- next[s] + 1)

        {
            Module = moduleIndex
            Sign = sign
            ByCell = byCell
            Order = order
            Starts = starts
            Highest = highest
        }

    /// The genes such that those that share an exposure follow each other.
    let geneOrder (population: Population) =
        Array.init population.ModuleOf.Length id
        |> Array.sortBy (fun gene -> struct (population.ModuleOf[gene], population.SignOf[gene], gene))

    /// This exposure if it is that of the gene, else a new one.
    let forGene options (population: Population) gene (last: Exposure voption) =
        let moduleIndex, sign = population.ModuleOf[gene], population.SignOf[gene]

        match last with
        | ValueSome exposure when exposure.Module = moduleIndex && exposure.Sign = sign -> exposure
        | _ -> create options population moduleIndex sign
