namespace CoExpr

/// One gene of one module, and how it follows the module's factor.
[<Struct>]
type ModuleMember = {
    Module: string
    Gene: string
    /// 1 if it rises with the factor, −1 if it falls.
    Sign: int
    /// Standard deviation over cells of the natural logarithm of the gene's mean, from the factor alone.
    Strength: float
}

/// One gene that a perturbation changes. Genes without a record are not changed.
[<Struct>]
type PerturbationEffect = {
    Perturbation: string
    Gene: string
    /// In cells in which the guide works.
    Log2FoldChange: float
    /// Of the mean over all cells with the guide: log2(1 − e + e 2^x), e being the efficiency and x the above.
    ExpectedLog2FoldChange: float
    IsTarget: bool
}

/// One marker gene of one group.
[<Struct>]
type GroupMarker = {
    Group: string
    Gene: string
    /// Its mean in cells of the group against its mean in other cells.
    Log2FoldChange: float
}

/// Simulated cells and what is true of them.
type SimulatedCells = {
    /// Cell table: `group`, `perturbation` (`non-targeting` for controls, else the target's name), `perturbed` (whether
    /// the guide works), `replicate`, `size_factor`. Gene table: `mean` (in a cell of size factor 1 that nothing acts on),
    /// `dispersion`, `module`, `is_marker_of`. Embedding `modules`: the latent factors, cells x modules.
    Cells: Cells
    /// By module.
    ModuleMembers: ModuleMember[]
    /// By perturbation, then by gene.
    PerturbationEffects: PerturbationEffect[]
    /// By group.
    GroupMarkers: GroupMarker[]
}

/// Counts of cells of which everything is known, to try methods on.
///
/// The count of gene g in cell c is negative binomial with dispersion alpha_g (variance = mu + alpha mu^2) and mean
///
///     mu = mean_g · size_c · module_gc · 2^(group + perturbation + replicate),
///
/// mean_g and size_c log-normal, module_gc the pull of the module's latent factor. Every random number belongs to a
/// (seed, purpose, item), so that the same options give the same cells on any number of threads.
[<RequireQualifiedAccess>]
module Simulation =

    /// The label of cells whose guide targets nothing.
    [<Literal>]
    let Control = "non-targeting"

    /// prefix1 … prefixN with leading zeros, so that the order of names is that of numbers.
    let private names prefix (count: int) =
        let digits = (string count).Length
        Array.init count (fun i -> prefix + (string (i + 1)).PadLeft(digits, '0'))

    let private category levels codes =
        Column.Category {
            Codes = codes
            Levels = levels
            Ordered = false
        }

    let private cellTable (options: SimulationOptions) (genes: string[]) (population: Population) =
        let perturbations =
            Array.append [| Control |] (population.Targets |> Array.map (fun gene -> genes[gene]))

        {
            Names = names "cell" options.Cells
            Columns = [|
                "group", category (names "group" options.Groups.Count) population.GroupOf
                "perturbation", category perturbations (population.PerturbationOf |> Array.map ((+) 1))
                "perturbed", Column.Flag(population.Perturbed, [||])
                "replicate", category (names "replicate" options.Replicates.Count) population.ReplicateOf
                "size_factor", Column.Float population.SizeFactors
            |]
        }

    let private geneTable (options: SimulationOptions) genes (population: Population) parameters = {
        Names = genes
        Columns = [|
            "mean", Column.Float parameters.Means
            "dispersion", Column.Float parameters.Dispersions
            "module", category (names "module" options.Modules.Count) population.ModuleOf
            "is_marker_of", category (names "group" options.Groups.Count) population.MarkerOf
        |]
    }

    let private factors (options: SimulationOptions) () =
        let columns = Array.init options.Modules.Count (Population.factor options)

        Ok {
            Rows = options.Cells
            Columns = columns.Length
            Values =
                Array.init options.Cells (fun cell -> columns |> Array.map (fun column -> column[cell]))
                |> Array.concat
        }

    let private moduleMembers (options: SimulationOptions) (genes: string[]) (population: Population) =
        let modules = names "module" options.Modules.Count

        Array.init genes.Length id
        |> Array.filter (fun gene -> population.ModuleOf[gene] >= 0)
        |> Array.sortBy (fun gene -> struct (population.ModuleOf[gene], gene))
        |> Array.map (fun gene -> {
            Module = modules[population.ModuleOf[gene]]
            Gene = genes[gene]
            Sign = population.SignOf[gene]
            Strength = options.Modules.Strength
        })

    let private groupMarkers (options: SimulationOptions) (genes: string[]) (population: Population) =
        let groups = names "group" options.Groups.Count

        Array.init genes.Length id
        |> Array.filter (fun gene -> population.MarkerOf[gene] >= 0)
        |> Array.sortBy (fun gene -> struct (population.MarkerOf[gene], gene))
        |> Array.map (fun gene -> {
            Group = groups[population.MarkerOf[gene]]
            Gene = genes[gene]
            Log2FoldChange = population.MarkerLog2[gene]
        })

    let private effects (options: SimulationOptions) (genes: string[]) (population: Population) =
        let efficiency = options.Perturbations.Efficiency

        population.Effects
        |> Array.map (fun effect -> {
            Perturbation = genes[population.Targets[effect.Perturbation]]
            Gene = genes[effect.Gene]
            Log2FoldChange = effect.Log2FoldChange
            ExpectedLog2FoldChange =
                System.Math.Log2(1.0 - efficiency + efficiency * System.Math.Pow(2.0, effect.Log2FoldChange))
            IsTarget = effect.IsTarget
        })

    let private requireRoom (options: SimulationOptions) density =
        let expected = density * float options.Cells * float options.Genes

        if expected > 0.99 * float System.Array.MaxLength then
            Error(CoExprError.TooLarge("simulated counts above 0", int64 expected, int64 System.Array.MaxLength))
        else
            Ok()

    let private assemble (options: SimulationOptions) population parameters counts =
        let genes = names "gene" options.Genes

        Cells.create
            "simulated"
            counts
            (cellTable options genes population)
            (geneTable options genes population parameters)
        |> Result.map (fun cells -> {
            Cells = {
                cells with
                    Embeddings = [
                        if options.Modules.Count > 0 then
                            {
                                Name = "modules"
                                Read = factors options
                            }
                    ]
            }
            ModuleMembers = moduleMembers options genes population
            PerturbationEffects = effects options genes population
            GroupMarkers = groupMarkers options genes population
        })

    /// Simulates, reporting how many genes are done.
    let runWith (progress: Progress) (options: SimulationOptions) : Result<SimulatedCells, CoExprError> =
        result {
            let! options = SimulationOptions.validate options
            let population = Population.draw options
            let effectsOfGene = FoldChanges.byGene options.Genes population.Effects

            let makeFolds () =
                FoldChanges(options, population, effectsOfGene)

            let! struct (parameters, density) =
                GeneParameters.create options population (makeFolds ())

            do! requireRoom options density

            let! counts =
                CoExprError.protect (fun () -> Counting.count progress options population parameters makeFolds)

            return! assemble options population parameters counts
        }

    /// Simulates.
    let run options = runWith Progress.none options
