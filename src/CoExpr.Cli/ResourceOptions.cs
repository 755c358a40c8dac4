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
        Description = "Most memory to use, such as 800M or 1.5G; larger .h5ad inputs go in parts",
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

    readonly Option<bool> explain;
    readonly bool hasCache;

    ResourceOptions(bool hasCache, string explains) =>
        (this.hasCache, explain) = (hasCache, OptionKind.Flag("--explain", explains));

    /// <summary>Those of scores of pairs, which can be kept.</summary>
    public static ResourceOptions OfPairs() => new(true, "Tell how pairs were counted, tile by tile");

    /// <summary>Those of tests.</summary>
    public static ResourceOptions OfTests() =>
        new(false, "Tell what the run is expected to take, however short, and how it goes about its input");

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] options = hasCache ? [memory, scratch, resume, cache, explain] : [memory, scratch, resume, explain];
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
            Cache = hasCache ? parsed.GetValue(cache) : null,
            Explain = parsed.GetValue(explain),
        };

    /// <summary>Runs that are shorter start without a word.</summary>
    static readonly TimeSpan WorthSaying = TimeSpan.FromSeconds(5);

    /// <summary>Says what a run is expected to take, if it is long, its memory limited, or that is asked for. A plan that fails says nothing: the
    /// run will fail in the same way.</summary>
    public static async Task TellAsync(
        Func<Task<RunPlan>> making,
        bool limited,
        bool explained,
        CancellationToken token
    )
    {
        try
        {
            var plan = await making().ConfigureAwait(false);
            if (limited || explained || plan.InParts || plan.ExpectedTime >= WorthSaying)
                await Console.Error.WriteLineAsync(plan.Text.AsMemory(), token).ConfigureAwait(false);
            if (explained && plan.Details.Length > 0)
                await Console.Error.WriteLineAsync(plan.Details.AsMemory(), token).ConfigureAwait(false);
        }
        catch (CoExprException) { }
    }
}
