namespace CoExpr

open System

/// One gene's change under one perturbation, both by index.
[<Struct>]
type internal Effect = {
    Perturbation: int
    Gene: int
    Log2FoldChange: float
    IsTarget: bool
}

/// What is true of simulated cells and genes before anything is counted, all by index.
type internal Population = {
    /// One per cell.
    SizeFactors: float[]
    GroupOf: int[]
    /// One per cell, −1 for controls.
    PerturbationOf: int[]
    /// One per cell: whether it carries a targeting guide, and the guide works.
    Perturbed: bool[]
    ReplicateOf: int[]
    /// One per gene, −1 for none.
    ModuleOf: int[]
    /// One per gene: 1 or −1, 0 outside modules.
    SignOf: int[]
    /// One per gene: the group that it marks, −1 for none.
    MarkerOf: int[]
    MarkerLog2: float[]
    /// One per perturbation.
    Targets: int[]
    /// By perturbation, then by gene.
    Effects: Effect[]
    /// Genes x replicates.
    ReplicateLog2: float[]
    /// One per gene, normal: where its mean and its dispersion lie among genes.
    MeanScores: float[]
    DispersionScores: float[]
}

[<RequireQualifiedAccess>]
module internal Population =

    /// Effects differ in size: their logarithms (base e) have this standard deviation.
    [<Literal>]
    let private EffectSpread = 0.3

    let private stream seed purpose item =
        Random.stream seed (Purpose.named ("simulation: " + purpose)) item

    let private normals seed purpose count =
        let draws = stream seed purpose 0
        Array.init count (fun _ -> draws.Normal())

    /// Deals cells out to `count` hands in random order, as evenly as it goes.
    let private dealt seed purpose cells count =
        let hands = Array.zeroCreate cells

        (stream seed purpose 0).Permutation cells
        |> Array.iteri (fun place cell -> hands[cell] <- place % count)

        hands

    let private perturbations (options: SimulationOptions) =
        let hands = Array.create options.Cells -1

        if options.Perturbations.Count > 0 then
            let controls = SimulationOptions.controls options

            (stream options.Seed "perturbation of cells" 0).Permutation options.Cells
            |> Array.skip controls
            |> Array.iteri (fun place cell -> hands[cell] <- place % options.Perturbations.Count)

        hands

    let private works (options: SimulationOptions) (perturbationOf: int[]) =
        let draws = stream options.Seed "guide efficiency" 0

        perturbationOf
        |> Array.map (fun perturbation ->
            let works = draws.Uniform() < options.Perturbations.Efficiency
            perturbation >= 0 && works)

    /// Modules and markers take the genes of one random order, so that no gene is both.
    let private geneOrder (options: SimulationOptions) =
        (stream options.Seed "gene order" 0).Permutation options.Genes

    let private modules (options: SimulationOptions) (order: int[]) =
        let size = options.Modules.GenesPerModule

        let negative = int (round (options.Modules.NegativeFraction * float size))

        let moduleOf, signOf =
            Array.create options.Genes -1, Array.zeroCreate<int> options.Genes

        for place in 0 .. options.Modules.Count * size - 1 do
            moduleOf[order[place]] <- place / size
            signOf[order[place]] <- if place % size < size - negative then 1 else -1

        moduleOf, signOf

    /// A typical size varied from gene to gene: log-normal with that median.
    let private varied (typical: float) (draws: RandomStream) =
        typical * exp (EffectSpread * draws.Normal())

    let private markers (options: SimulationOptions) (order: int[]) =
        let first = int (SimulationOptions.moduleGenes options)
        let draws = stream options.Seed "markers" 0

        let markerOf, log2 =
            Array.create options.Genes -1, Array.zeroCreate<float> options.Genes

        for place in 0 .. int (SimulationOptions.markers options) - 1 do
            let gene = order[first + place]
            markerOf[gene] <- place / options.Groups.MarkersPerGroup
            log2[gene] <- varied options.Groups.MarkerLog2FoldChange draws

        markerOf, log2

    let private targetLog2 (options: SimulationOptions) perturbation =
        let screen = options.Perturbations
        let activations = int (round (screen.ActivationFraction * float screen.Count))

        if perturbation < activations then
            screen.TargetLog2FoldChange
        else
            -screen.TargetLog2FoldChange

    /// Goes from one affected gene to the next: the genes between two of them are geometric with P(0) = fraction.
    let private affected fraction genes (draws: RandomStream) =
        let rate = -log(1.0 - fraction)

        [|
            if fraction > 0.0 then
                let mutable gene = floor (-log(draws.Uniform()) / rate)

                while gene < float genes do
                    int gene
                    gene <- gene + 1.0 + floor (-log(draws.Uniform()) / rate)
        |]

    let private effectsOf (options: SimulationOptions) (targets: int[]) perturbation =
        let draws = stream options.Seed "effects" perturbation
        let target = targets[perturbation]

        let effect gene log2 = {
            Perturbation = perturbation
            Gene = gene
            Log2FoldChange = log2
            IsTarget = (gene = target)
        }

        affected options.Perturbations.AffectedFraction options.Genes draws
        |> Array.filter ((<>) target)
        |> Array.map (fun gene ->
            let up = draws.Uniform() < 0.5
            let size = varied options.Perturbations.AffectedLog2FoldChange draws
            effect gene (if up then size else -size))
        |> Array.append [| effect target (targetLog2 options perturbation) |]
        |> Array.sortBy (fun effect -> effect.Gene)

    let private replicateBias (options: SimulationOptions) =
        normals options.Seed "replicate bias" (options.Genes * options.Replicates.Count)
        |> Array.map ((*) options.Replicates.Log2Sd)

    let private sizeFactors (options: SimulationOptions) =
        let sd = options.LibrarySizeSd

        normals options.Seed "size factors" options.Cells
        |> Array.map (fun score -> exp (sd * score - 0.5 * sd * sd))

    /// Draws everything but the counts. The options are taken to be valid.
    let draw (options: SimulationOptions) =
        let seed = options.Seed
        let order = geneOrder options
        let moduleOf, signOf = modules options order
        let markerOf, markerLog2 = markers options order
        let perturbationOf = perturbations options

        let targets =
            (stream seed "targets" 0).Permutation options.Genes
            |> Array.truncate options.Perturbations.Count

        {
            SizeFactors = sizeFactors options
            GroupOf = dealt seed "group of cells" options.Cells options.Groups.Count
            PerturbationOf = perturbationOf
            Perturbed = works options perturbationOf
            ReplicateOf = dealt seed "replicate of cells" options.Cells options.Replicates.Count
            ModuleOf = moduleOf
            SignOf = signOf
            MarkerOf = markerOf
            MarkerLog2 = markerLog2
            Targets = targets
            Effects = Array.init targets.Length id |> Array.collect (effectsOf options targets)
            ReplicateLog2 = replicateBias options
            MeanScores = normals seed "gene means" options.Genes
            DispersionScores = normals seed "gene dispersions" options.Genes
        }

    /// The latent factor of one module, one per cell, normal.
    let factor (options: SimulationOptions) moduleIndex =
        let draws = stream options.Seed "module factor" moduleIndex
        Array.init options.Cells (fun _ -> draws.Normal())

    /// The stream that one gene's counts are drawn from.
    let counting seed gene = stream seed "counts" gene

    /// The stream that picks the cells in which one gene's density is estimated.
    let probing seed gene = stream seed "density" gene
