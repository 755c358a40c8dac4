using System;
using System.CommandLine;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>Options for what a run may use, and what it may use again.</summary>
public sealed class ResourceOptions
{
    readonly Option<string?> memory = new("--memory")
    {
        Description = "Most memory to use, such as 800M or 1.5G; larger .h5ad inputs are scored in parts",
        HelpName = "SIZE",
    };

    readonly Option<string?> scratch = new("--scratch")
    {
        Description = "Folder for such parts (default: the output's name with .parts)",
        HelpName = "DIR",
    };

    readonly Option<bool> resume = OptionKind.Flag("--resume", "Go on from the parts that a stopped run has finished");

    readonly Option<string?> cache = new("--cache")
    {
        Description = "Folder to keep finished scores in, and to take them from when all they depend on is the same",
        HelpName = "DIR",
    };

    readonly Option<bool> explain = OptionKind.Flag("--explain", "Tell how pairs were counted, tile by tile");

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] options = [memory, scratch, resume, cache, explain];
        Array.ForEach(options, command.Options.Add);
    }

    // What of a process is outside the heap that is collected: code, stacks, the buffers of HDF5.
    const long OutsideTheHeap = 80L << 20;

    // The collector lets garbage grow with the cache of the processor, hundreds of megabytes on large ones, unless it is
    // told what there is.
    static long Limit(long bytes)
    {
        if (bytes <= OutsideTheHeap)
            return bytes;
        AppContext.SetData("GCHeapHardLimit", (ulong)(bytes - OutsideTheHeap));
        GC.RefreshMemoryLimit();
        return bytes;
    }

    /// <summary>What was asked for. From here on the process keeps to the memory allowed.</summary>
    public RunResourceSettings Of(ParseResult parsed) =>
        new()
        {
            MemoryBytes = parsed.GetValue(memory) is { } size ? Limit(RunResourceSettings.ParseSize(size)) : null,
            Scratch = parsed.GetValue(scratch),
            Resume = parsed.GetValue(resume),
            Cache = parsed.GetValue(cache),
            Explain = parsed.GetValue(explain),
        };

    /// <summary>Runs that are shorter start without a word.</summary>
    static readonly TimeSpan WorthSaying = TimeSpan.FromSeconds(5);

    /// <summary>Says what a run is expected to take, if it is long or its memory limited. A plan that fails says nothing: the
    /// run will fail in the same way.</summary>
    public static async Task TellAsync(Func<Task<RunPlan>> making, bool limited, CancellationToken token)
    {
        try
        {
            var plan = await making().ConfigureAwait(false);
            if (limited || plan.InParts || plan.ExpectedTime >= WorthSaying)
                await Console.Error.WriteLineAsync(plan.Text.AsMemory(), token).ConfigureAwait(false);
        }
        catch (CoExprException) { }
    }
}
