using System;
using System.CommandLine;

namespace CoExpr.Cli;

/// <summary>Options that several commands share.</summary>
public sealed class CommonOptions
{
    /// <summary>Threads to compute with.</summary>
    public Option<int> Threads { get; } =
        OptionKind.Number("--threads", "Threads to use; they do not change the result", Environment.ProcessorCount);

    /// <summary>Whether to keep silent about what was done.</summary>
    public Option<bool> Quiet { get; } = OptionKind.Flag("--quiet", "Say nothing but errors", "-q");

    /// <summary>Whether to describe what was done as JSON.</summary>
    public Option<bool> Json { get; } = OptionKind.Flag("--json", "Describe the outcome as JSON on standard output");

    /// <summary>When to show progress.</summary>
    public Option<string> Progress { get; } =
        OptionKind.OneOf(
            "--progress",
            "Show progress: auto (on a terminal), always or never",
            "auto",
            "always",
            "never"
        );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(Threads);
        command.Options.Add(Quiet);
        command.Options.Add(Json);
        command.Options.Add(Progress);
    }

    /// <summary>Whether the user wants progress on this terminal.</summary>
    public bool ShowsProgress(ParseResult parsed) =>
        !parsed.GetValue(Quiet)
        && parsed.GetValue(Progress) switch
        {
            "always" => true,
            "never" => false,
            _ => !Console.IsErrorRedirected,
        };
}
