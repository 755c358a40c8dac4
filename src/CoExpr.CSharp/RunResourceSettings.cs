using CoExpr.IO;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What a run may use, and what it may use again.</summary>
public sealed record RunResourceSettings
{
    /// <summary>Bytes that the process may hold. What does not fit goes in parts. Default: nine tenths of what the
    /// machine, or its container, has.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Folder for those parts, which are kept when the run is stopped. Default: the output's name with .parts.</summary>
    public string? Scratch { get; init; }

    /// <summary>Whether to take the parts that a stopped run of the same input and options has finished. Default: no.</summary>
    public bool Resume { get; init; }

    /// <summary>Folder in which finished scores are kept, and looked for. Default: none.</summary>
    public string? Cache { get; init; }

    /// <summary>Whether the record of the run tells how pairs were counted, as <see cref="CoExpressionResult.Counting"/>
    /// does; tests of perturbations have nothing to tell there. Default: no.</summary>
    public bool Explain { get; init; }

    /// <summary>Bytes from a text such as 800M, 1G or 1.5G.</summary>
    /// <param name="size">A number with K, M, G or T, which are powers of 1024, or without.</param>
    /// <exception cref="CoExprException">The text is no size.</exception>
    public static long ParseSize(string size) => CoExprException.Unwrap(MemoryPlanModule.parse(size));

    internal RunResources ToCore() =>
        new(
            MemoryBytes is { } bytes ? FSharpOption<long>.Some(bytes) : null,
            Scratch is null ? null : FSharpOption<string>.Some(Scratch),
            Resume,
            Cache is null ? null : FSharpOption<string>.Some(Cache),
            Explain
        );
}
