namespace CoExpr

/// How strongly the genes of a simulation are expressed.
[<RequireQualifiedAccess>]
type SimulatedAbundance =
    /// Gene means are scaled until this fraction of the matrix is expected to be above 0; between 0 and 1.
    | Density of float
    /// The median over genes of the mean count in a cell of size factor 1.
    | MedianMean of float

/// The dispersion of a gene: alpha = (Asymptote + Scale / mean) e^(Scatter z), z normal. All 0: counts are Poisson.
type SimulatedDispersion = {
    /// What alpha tends to for highly expressed genes.
    Asymptote: float
    /// How much larger alpha is for weakly expressed genes.
    Scale: float
    /// Standard deviation of ln alpha about its trend.
    Scatter: float
}

/// Cell types, each with marker genes of its own. A single group has no markers, for want of cells to compare with.
type SimulatedGroups = {
    Count: int
    MarkersPerGroup: int
    /// How much higher a marker's mean is in its group, typically; markers differ.
    MarkerLog2FoldChange: float
}

/// Modules of genes that follow one latent factor of each cell: the mean of a member is multiplied by
/// e^(± Strength z − Strength^2 / 2), z being the cell's factor, normal, so that its average over cells is kept.
type SimulatedModules = {
    Count: int
    GenesPerModule: int
    /// Standard deviation over cells of the natural logarithm of a member's mean.
    Strength: float
    /// The fraction of members that fall where the others rise.
    NegativeFraction: float
}

/// A screen: most cells carry a perturbation of one gene, the others a control guide that targets nothing.
type SimulatedPerturbations = {
    Count: int
    /// The fraction of cells that are controls.
    ControlFraction: float
    /// The fraction of cells with a targeting guide in which it works; the others are as controls are.
    Efficiency: float
    /// The fraction of perturbations that raise their target instead of lowering it.
    ActivationFraction: float
    /// How much a working guide lowers (or raises) its own target.
    TargetLog2FoldChange: float
    /// The fraction of the other genes that change, too.
    AffectedFraction: float
    /// How much those change, typically, up or down with equal chance; they differ.
    AffectedLog2FoldChange: float
}

/// Replicates, each with a little bias of its own for each gene.
type SimulatedReplicates = {
    Count: int
    /// Standard deviation of the bias, as a log2 fold change; 0 for none.
    Log2Sd: float
}

/// What `Simulation.run` simulates.
type SimulationOptions = {
    Cells: int
    Genes: int
    Abundance: SimulatedAbundance
    /// Standard deviation over genes of the natural logarithm of the mean count (log-normal).
    GeneMeanSd: float
    /// Standard deviation over cells of the natural logarithm of the size factor (log-normal, of mean 1).
    LibrarySizeSd: float
    Dispersion: SimulatedDispersion
    Groups: SimulatedGroups
    Modules: SimulatedModules
    Perturbations: SimulatedPerturbations
    Replicates: SimulatedReplicates
    Seed: uint64
    /// Changes how long it takes, not what comes out.
    Threads: int
}

[<RequireQualifiedAccess>]
module SimulationOptions =

    /// 1,000 cells of one type, 2,000 genes, 10 % of the matrix above 0; no modules, perturbations or bias of replicates
    /// until their counts are raised.
    let defaults = {
        Cells = 1000
        Genes = 2000
        Abundance = SimulatedAbundance.Density 0.1
        GeneMeanSd = 1.5
        LibrarySizeSd = 0.4
        Dispersion = {
            Asymptote = 0.2
            Scale = 0.005
            Scatter = 0.3
        }
        Groups = {
            Count = 1
            MarkersPerGroup = 20
            MarkerLog2FoldChange = 2.0
        }
        Modules = {
            Count = 0
            GenesPerModule = 20
            Strength = 0.7
            NegativeFraction = 0.25
        }
        Perturbations = {
            Count = 0
            ControlFraction = 0.2
            Efficiency = 1.0
            ActivationFraction = 0.0
            TargetLog2FoldChange = 2.5
            AffectedFraction = 0.05
            AffectedLog2FoldChange = 1.0
        }
        Replicates = { Count = 1; Log2Sd = 0.0 }
        Seed = 1UL
        Threads = Schedule.defaultThreads
    }

    /// How many genes mark some group.
    let internal markers options =
        if options.Groups.Count > 1 then
            int64 options.Groups.Count * int64 options.Groups.MarkersPerGroup
        else
            0L

    /// How many genes are in some module.
    let internal moduleGenes options =
        int64 options.Modules.Count * int64 options.Modules.GenesPerModule

    /// How many cells of a screen are controls.
    let internal controls options =
        int (round (options.Perturbations.ControlFraction * float options.Cells))

    let private bad option (value: obj) allowed =
        let text =
            System.String.Format(System.Globalization.CultureInfo.InvariantCulture, "{0}", value)

        Some(CoExprError.BadOption(option, text, allowed))

    let private whole option low high (value: int) =
        if value >= low && value <= high then
            None
        else
            bad option value $"must be {low} to {high}"

    let private real option (low: float) (high: float) (value: float) =
        if value >= low && value <= high then
            None
        else
            bad option value $"must be {low} to {high}"

    let private between option (low: float) (high: float) (value: float) =
        if value > low && value < high then
            None
        else
            bad option value $"must lie between {low} and {high}, both excluded"

    let private ofAbundance abundance =
        match abundance with
        | SimulatedAbundance.Density density -> between "density" 0.0 1.0 density
        | SimulatedAbundance.MedianMean mean -> real "median mean" 1e-9 1e4 mean

    let private ofSizes options = [
        whole "cells" 1 100_000_000 options.Cells
        whole "genes" 1 1_000_000 options.Genes
        ofAbundance options.Abundance
        real "gene mean sd" 0.0 5.0 options.GeneMeanSd
        real "library size sd" 0.0 3.0 options.LibrarySizeSd
        real "dispersion asymptote" 0.0 100.0 options.Dispersion.Asymptote
        real "dispersion scale" 0.0 100.0 options.Dispersion.Scale
        real "dispersion scatter" 0.0 3.0 options.Dispersion.Scatter
        whole "threads" 1 4096 options.Threads
    ]

    let private ofGenes options =
        let taken = moduleGenes options + markers options

        [
            whole "groups" 1 options.Cells options.Groups.Count
            whole "markers per group" 0 1_000_000 options.Groups.MarkersPerGroup
            real "marker log2 fold change" -20.0 20.0 options.Groups.MarkerLog2FoldChange
            whole "modules" 0 options.Genes options.Modules.Count
            whole "genes per module" 2 1_000_000 options.Modules.GenesPerModule
            real "module strength" 0.0 3.0 options.Modules.Strength
            real "negative fraction" 0.0 1.0 options.Modules.NegativeFraction
            if taken > int64 options.Genes then
                bad
                    "genes"
                    options.Genes
                    $"must be {taken} or more, {moduleGenes options} for modules and {markers options} for markers"
            else
                None
        ]

    let private ofScreen options =
        let screen = options.Perturbations

        let most = min options.Genes (options.Cells - controls options)

        [
            real "control fraction" 0.0 1.0 screen.ControlFraction
            if screen.Count < 0 || screen.Count > most then
                bad "perturbations" screen.Count $"must be 0 to {most}: each has a target and a cell or more"
            else
                None
            real "guide efficiency" 0.0 1.0 screen.Efficiency
            real "activation fraction" 0.0 1.0 screen.ActivationFraction
            real "target log2 fold change" 0.0 20.0 screen.TargetLog2FoldChange
            real "affected fraction" 0.0 1.0 screen.AffectedFraction
            real "affected log2 fold change" 0.0 10.0 screen.AffectedLog2FoldChange
            whole "replicates" 1 options.Cells options.Replicates.Count
            real "replicate log2 sd" 0.0 5.0 options.Replicates.Log2Sd
        ]

    /// The options, or the first that is outside its range.
    let validate options : Result<SimulationOptions, CoExprError> =
        match List.choose id (ofSizes options @ ofGenes options @ ofScreen options) with
        | error :: _ -> Error error
        | [] -> Ok options
