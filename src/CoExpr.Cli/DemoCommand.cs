using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;
using CoExpr.Kernels;

namespace CoExpr.Cli;

/// <summary>coexpr demo: the main job on simulated cells, held against what is true of them.</summary>
public sealed class DemoCommand
{
    readonly Option<string> output = new("--output", "-o")
    {
        Description = "Folder for the files",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => "coexpr-demo",
    };

    readonly CommonOptions common = new();

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var demo = new DemoCommand();
        var command = new Command(
            "demo",
            """
            Simulates cells with known modules of genes, finds the co-expressed pairs, and draws a report.

            Example: coexpr demo -o demo
            """
        );
        command.Options.Add(demo.output);
        demo.common.AddTo(command);
        command.SetAction((parsed, token) => ExitCode.OfAsync(stop => demo.RunAsync(parsed, stop), token));
        return command;
    }

    async Task RunAsync(ParseResult parsed, CancellationToken token)
    {
        var report = Path.Combine(Path.GetFullPath(parsed.GetValue(output)!), "report.html");
        SimulationResult? simulated = null;
        RunSummary? summary = null;
        await ProgressDisplay
            .RunAsync(
                common.ShowsProgress(parsed),
                async progress =>
                {
                    var settings = Settings(parsed.GetValue(common.Threads));
                    simulated = await CellSimulation
                        .RunAsync(settings, progress: progress, token: token)
                        .ConfigureAwait(false);
                    summary = await ScoreAsync(simulated, report, settings.Threads, progress, token)
                        .ConfigureAwait(false);
                }
            )
            .ConfigureAwait(false);
        if (parsed.GetValue(common.Json))
            Console.Out.WriteLine(summary!.Json);
        else if (!parsed.GetValue(common.Quiet))
        {
            Tell(simulated!, summary!);
            Console.Out.WriteLine(report);
        }
    }

    static SimulationSettings Settings(int threads) =>
        new()
        {
            Cells = 2000,
            Genes = 2000,
            Groups = 3,
            Density = 0.3,
            Modules = 8,
            ModuleStrength = 1.0,
            Threads = threads,
        };

    static async Task<RunSummary> ScoreAsync(
        SimulationResult simulated,
        string report,
        int threads,
        IProgress<JobProgress>? progress,
        CancellationToken token
    )
    {
        var folder = Directory.CreateDirectory(Path.GetDirectoryName(report)!).FullName;
        var cells = Path.Combine(folder, "cells.h5ad");
        await simulated.SaveAsync(cells, token).ConfigureAwait(false);
        var options = new CoExpressionOptions
        {
            Cells = CellsIn.All,
            Top = 20,
            Threads = threads,
        };
        return await CoExpression
            .RunAsync(
                cells,
                Path.Combine(folder, "network.tsv"),
                report,
                options,
                null,
                progress: progress,
                token: token
            )
            .ConfigureAwait(false);
    }

    static void Tell(SimulationResult simulated, RunSummary summary)
    {
        var (found, members) = ModulePartners(simulated, summary.Result);
        Console.Error.WriteLine(summary.Text);
        Console.Error.WriteLine(
            $"{found} of {members} genes of the simulated modules have a gene of their own module as their strongest partner."
        );
    }

    static (int Found, int Members) ModulePartners(SimulationResult simulated, CoExpressionResult result)
    {
        var moduleOf = simulated.ModuleMembers.ToDictionary(member => member.Gene, member => member.Module);
        var scored = result.Genes.Where(moduleOf.ContainsKey).ToArray();
        var found = scored.Count(gene =>
            result.Partners(gene) is [var first, ..]
            && moduleOf.TryGetValue(first.GeneB, out var module)
            && module == moduleOf[gene]
        );
        return (found, scored.Length);
    }
}
