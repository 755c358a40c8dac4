using System;
using System.CommandLine;

namespace CoExpr.Cli;

/// <summary>When progress is shown.</summary>
public enum ProgressMode
{
    /// <summary>On a terminal.</summary>
    Auto,

    /// <summary>In any case.</summary>
    Always,

    /// <summary>Not at all.</summary>
    Never,
}

/// <summary>Options that several commands share.</summary>
public sealed class CommonOptions
{
    /// <summary>Threads to compute with.</summary>
    public Option<int> Threads { get; } =
        new("--threads")
        {
            Description = "Threads to use; they do not change the result",
            HelpName = "N",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };

    /// <summary>Whether to keep silent about what was done.</summary>
    public Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Say nothing but errors" };

    /// <summary>Whether to describe what was done as JSON.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Describe the outcome as JSON on standard output" };

    /// <summary>When to show progress.</summary>
    public Option<ProgressMode> Progress { get; } =
        new("--progress")
        {
            Description = "Show progress: auto (on a terminal), always or never",
            HelpName = "auto|always|never",
            DefaultValueFactory = _ => ProgressMode.Auto,
        };

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
            ProgressMode.Always => true,
            ProgressMode.Never => false,
            _ => !Console.IsErrorRedirected,
        };
}
