using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>coexpr simulate: cells of which everything is known.</summary>
public sealed class SimulateCommand
{
    static readonly SimulationSettings Defaults = new();

    readonly Option<string> output = new("--output", "-o")
    {
        Description = "Where to: a name in .h5ad; tables of what is true go beside it",
        HelpName = "FILE.h5ad",
        Required = true,
    };

    readonly Option<int> cells = OptionKind.Number("--cells", "Number of cells", Defaults.Cells);
    readonly Option<int> genes = OptionKind.Number("--genes", "Number of genes", Defaults.Genes);
    readonly Option<double> density = OptionKind.Number(
        "--density",
        "Fraction of the matrix above 0",
        Defaults.Density
    );
    readonly Option<double> librarySd = OptionKind.Number(
        "--library-size-sd",
        "Spread of the size factors (ln)",
        Defaults.LibrarySizeSd
    );
    readonly Option<double> dispersion = OptionKind.Number(
        "--dispersion",
        "Dispersion of highly expressed genes",
        Defaults.Dispersion
    );
    readonly Option<double> dispersionScale = OptionKind.Number(
        "--dispersion-scale",
        "Added dispersion times mean",
        Defaults.DispersionScale
    );
    readonly Option<int> groups = OptionKind.Number("--groups", "Cell types", Defaults.Groups);
    readonly Option<int> markers = OptionKind.Number(
        "--markers",
        "Marker genes of each cell type",
        Defaults.MarkersPerGroup
    );
    readonly Option<int> modules = OptionKind.Number("--modules", "Modules of co-expressed genes", Defaults.Modules);
    readonly Option<int> moduleGenes = OptionKind.Number(
        "--module-genes",
        "Genes of each module",
        Defaults.GenesPerModule
    );
    readonly Option<double> moduleStrength = OptionKind.Number(
        "--module-strength",
        "Pull of a module on its genes (sd of ln mean)",
        Defaults.ModuleStrength
    );
    readonly Option<double> negative = OptionKind.Number(
        "--negative",
        "Fraction of a module's genes that fall as others rise",
        Defaults.NegativeFraction
    );
    readonly Option<int> perturbations = OptionKind.Number(
        "--perturbations",
        "Perturbations, each of one gene",
        Defaults.Perturbations
    );
    readonly Option<double> controls = OptionKind.Number(
        "--controls",
        "Fraction of a screen's cells that are controls",
        Defaults.ControlFraction
    );
    readonly Option<double> efficiency = OptionKind.Number(
        "--efficiency",
        "Fraction of perturbed cells in which the guide works",
        Defaults.Efficiency
    );
    readonly Option<double> affected = OptionKind.Number(
        "--affected",
        "Fraction of other genes that a perturbation changes",
        Defaults.AffectedFraction
    );
    readonly Option<double> foldChange = OptionKind.Number(
        "--log2-fold-change",
        "How much those change",
        Defaults.AffectedLog2FoldChange
    );
    readonly Option<int> replicates = OptionKind.Number("--replicates", "Replicates", Defaults.Replicates);
    readonly Option<double> replicateSd = OptionKind.Number(
        "--replicate-sd",
        "Bias of replicates (sd of log2 fold change)",
        Defaults.ReplicateLog2Sd
    );
    readonly Option<ulong> seed = OptionKind.Number("--seed", "Seed of the random numbers", Defaults.Seed);
    readonly CommonOptions common = new();

    /// <summary>The command with its options.</summary>
    public static Command Create() => new SimulateCommand().ToCommand();

    Command ToCommand()
    {
        var command = new Command(
            "simulate",
            """
            Simulates negative-binomial cells of which everything is known: groups, modules, perturbations.

            Example: coexpr simulate -o simulated.h5ad --cells 5000 --genes 2000 --groups 4 --modules 10
            The truth goes to simulated.modules.tsv, simulated.effects.tsv and simulated.markers.tsv.
            """
        );
        Option[] options =
        [
            output,
            cells,
            genes,
            density,
            librarySd,
            dispersion,
            dispersionScale,
            groups,
            markers,
            modules,
            moduleGenes,
            moduleStrength,
            negative,
            perturbations,
            controls,
            efficiency,
            affected,
            foldChange,
            replicates,
            replicateSd,
            seed,
        ];
        Array.ForEach(options, command.Options.Add);
        common.AddTo(command);
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        IReadOnlyList<string> written = [];
        SimulationResult? simulated = null;
        var path = parsed.GetRequiredValue(output);
        CellSimulation.CheckOutput(path);
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                {
                    simulated = await CellSimulation.RunAsync(Settings(parsed), progress, token).ConfigureAwait(false);
                    written = await simulated.SaveAsync(path, token).ConfigureAwait(false);
                }
            )
            .ConfigureAwait(false);
        Tell(parsed, simulated!.Data, written);
    }

    void Tell(ParseResult parsed, CellData data, IReadOnlyList<string> written)
    {
        if (parsed.GetValue(common.Json))
            Lines.Print(written.Select(file => KeyValuePair.Create("written", file)).ToArray(), true);
        else if (!parsed.GetValue(common.Quiet))
            Console.Error.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{data.CellNames.Count:N0} cells, {data.GeneNames.Count:N0} genes, {data.Entries:N0} counts above 0\n"
                ) + string.Join('\n', written)
            );
    }

    SimulationSettings Settings(ParseResult parsed) =>
        new()
        {
            Cells = parsed.GetValue(cells),
            Genes = parsed.GetValue(genes),
            Density = parsed.GetValue(density),
            LibrarySizeSd = parsed.GetValue(librarySd),
            Dispersion = parsed.GetValue(dispersion),
            DispersionScale = parsed.GetValue(dispersionScale),
            Groups = parsed.GetValue(groups),
            MarkersPerGroup = parsed.GetValue(markers),
            Modules = parsed.GetValue(modules),
            GenesPerModule = parsed.GetValue(moduleGenes),
            ModuleStrength = parsed.GetValue(moduleStrength),
            NegativeFraction = parsed.GetValue(negative),
            Perturbations = parsed.GetValue(perturbations),
            ControlFraction = parsed.GetValue(controls),
            Efficiency = parsed.GetValue(efficiency),
            AffectedFraction = parsed.GetValue(affected),
            AffectedLog2FoldChange = parsed.GetValue(foldChange),
            Replicates = parsed.GetValue(replicates),
            ReplicateLog2Sd = parsed.GetValue(replicateSd),
            Seed = parsed.GetValue(seed),
            Threads = parsed.GetValue(common.Threads),
        };
}
