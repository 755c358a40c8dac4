using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>What is simulated. Every default is that of the command line.</summary>
public sealed record SimulationSettings
{
    static readonly SimulationOptions Core = SimulationOptionsModule.defaults;

    /// <summary>Number of cells.</summary>
    public int Cells { get; init; } = Core.Cells;

    /// <summary>Number of genes.</summary>
    public int Genes { get; init; } = Core.Genes;

    /// <summary>The fraction of the matrix that is to be above 0, between 0 and 1.</summary>
    public double Density { get; init; } = 0.1;

    /// <summary>Standard deviation over cells of the natural logarithm of the size factor.</summary>
    public double LibrarySizeSd { get; init; } = Core.LibrarySizeSd;

    /// <summary>What the dispersion tends to for highly expressed genes; 0 together with <see cref="DispersionScale"/> is Poisson.</summary>
    public double Dispersion { get; init; } = Core.Dispersion.Asymptote;

    /// <summary>How much larger the dispersion is for weakly expressed genes: it is divided by the mean and added.</summary>
    public double DispersionScale { get; init; } = Core.Dispersion.Scale;

    /// <summary>Cell types.</summary>
    public int Groups { get; init; } = Core.Groups.Count;

    /// <summary>Marker genes of each cell type.</summary>
    public int MarkersPerGroup { get; init; } = Core.Groups.MarkersPerGroup;

    /// <summary>Modules of co-expressed genes.</summary>
    public int Modules { get; init; } = Core.Modules.Count;

    /// <summary>Genes of each module.</summary>
    public int GenesPerModule { get; init; } = Core.Modules.GenesPerModule;

    /// <summary>How strongly a module's genes follow its factor: standard deviation of the natural logarithm of their means.</summary>
    public double ModuleStrength { get; init; } = Core.Modules.Strength;

    /// <summary>The fraction of a module's genes that fall where the others rise.</summary>
    public double NegativeFraction { get; init; } = Core.Modules.NegativeFraction;

    /// <summary>Perturbations, each of one gene.</summary>
    public int Perturbations { get; init; } = Core.Perturbations.Count;

    /// <summary>The fraction of a screen's cells that carry a control guide.</summary>
    public double ControlFraction { get; init; } = Core.Perturbations.ControlFraction;

    /// <summary>The fraction of perturbed cells in which the guide works.</summary>
    public double Efficiency { get; init; } = Core.Perturbations.Efficiency;

    /// <summary>The fraction of other genes that a perturbation changes.</summary>
    public double AffectedFraction { get; init; } = Core.Perturbations.AffectedFraction;

    /// <summary>How much those change, typically, up or down.</summary>
    public double AffectedLog2FoldChange { get; init; } = Core.Perturbations.AffectedLog2FoldChange;

    /// <summary>Replicates.</summary>
    public int Replicates { get; init; } = Core.Replicates.Count;

    /// <summary>Standard deviation of a replicate's bias of each gene, as log2 fold change.</summary>
    public double ReplicateLog2Sd { get; init; } = Core.Replicates.Log2Sd;

    /// <summary>Seed of the random numbers: the same seed and settings give the same cells everywhere.</summary>
    public ulong Seed { get; init; } = Core.Seed;

    /// <summary>Threads to simulate with; they do not change the cells.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    internal SimulationOptions ToCore() =>
        new(
            Cells,
            Genes,
            SimulatedAbundance.NewDensity(Density),
            Core.GeneMeanSd,
            LibrarySizeSd,
            new(Dispersion, DispersionScale, Core.Dispersion.Scatter),
            new(Groups, MarkersPerGroup, Core.Groups.MarkerLog2FoldChange),
            new(Modules, GenesPerModule, ModuleStrength, NegativeFraction),
            new(
                Perturbations,
                ControlFraction,
                Efficiency,
                Core.Perturbations.ActivationFraction,
                Core.Perturbations.TargetLog2FoldChange,
                AffectedFraction,
                AffectedLog2FoldChange
            ),
            new(Replicates, ReplicateLog2Sd),
            Seed,
            Threads
        );
}

/// <summary>Simulated cells and what is true of them.</summary>
public sealed class SimulationResult
{
    readonly SimulatedCells simulated;
    readonly int threads;

    internal SimulationResult(SimulatedCells simulated, int threads) =>
        (this.simulated, this.threads, Data) = (simulated, threads, new CellData(simulated.Cells));

    /// <summary>The cells.</summary>
    public CellData Data { get; }

    /// <summary>The genes of the modules: which truly are co-expressed, and with which sign.</summary>
    public IReadOnlyList<ModuleMember> ModuleMembers => simulated.ModuleMembers;

    /// <summary>What each perturbation changes.</summary>
    public IReadOnlyList<PerturbationEffect> PerturbationEffects => simulated.PerturbationEffects;

    /// <summary>The markers of each cell type.</summary>
    public IReadOnlyList<GroupMarker> GroupMarkers => simulated.GroupMarkers;

    /// <summary>Writes name.h5ad and the truth as name.modules.tsv, name.effects.tsv and name.markers.tsv, all or none.</summary>
    /// <param name="path">A name in .h5ad.</param>
    /// <param name="token">Stops the job before it writes.</param>
    /// <returns>The files that were written.</returns>
    /// <exception cref="CoExprException">A file cannot be written.</exception>
    public Task<IReadOnlyList<string>> SaveAsync(string path, CancellationToken token = default) =>
        Task.Run<IReadOnlyList<string>>(
            () => CoExprException.Unwrap(SimulationFile.write(threads, simulated, path)).ToArray(),
            token
        );
}

/// <summary>Negative-binomial cells of which everything is known, to try methods on.</summary>
public static class CellSimulation
{
    /// <summary>Says early whether cells could be saved under this name.</summary>
    /// <param name="path">A name in .h5ad.</param>
    /// <exception cref="CoExprException">They could not.</exception>
    public static void CheckOutput(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        CoExprException.Unwrap(SimulationFile.check(path));
    }

    /// <summary>Simulates cells.</summary>
    /// <param name="settings">What to simulate; the defaults of <see cref="SimulationSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the job is.</param>
    /// <param name="token">Stops the job.</param>
    /// <exception cref="CoExprException">A setting is outside its range.</exception>
    public static Task<SimulationResult> RunAsync(
        SimulationSettings? settings = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        var core = (settings ?? new SimulationSettings()).ToCore();
        return Task.Run(
            () =>
                new SimulationResult(
                    CoExprException.Unwrap(CoExpr.Simulation.runWith(JobProgress.Of(progress, token), core)),
                    core.Threads
                ),
            token
        );
    }
}
