using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.CSharp;
using CoExpr.IO;

namespace CoExpr.Cli;

/// <summary>What a command ends with.</summary>
public static class ExitCode
{
    /// <summary>The job is done.</summary>
    public const int Done = 0;

    /// <summary>A fault of this program.</summary>
    public const int Failure = 1;

    /// <summary>A bad file, value or option.</summary>
    public const int BadInput = 2;

    /// <summary>Stopped by the user.</summary>
    public const int Stopped = 3;

    /// <summary>Runs a job and tells what goes wrong with it in one line on the error stream.</summary>
    public static async Task<int> OfAsync(Func<CancellationToken, Task> job, CancellationToken token)
    {
        try
        {
            await job(token).ConfigureAwait(false);
            return Done;
        }
        catch (CoExprException error)
        {
            Console.Error.WriteLine($"coexpr: {error.Message}");
            return BadInput;
        }
        catch (ResumableStopException stop)
        {
            Console.Error.WriteLine($"coexpr: {stop.Message}");
            return Stopped;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("coexpr: stopped; nothing was written.");
            return Stopped;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"coexpr: {error.Message}");
            return BadInput;
        }
        catch (Exception error) when (IsOutOfMemory(error))
        {
            Console.Error.WriteLine(
                "coexpr: out of memory; give more with --memory. Finished parts, if there are any, are kept: see --resume."
            );
            return BadInput;
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"coexpr: unexpected failure: {error}");
            return Failure;
        }
    }

    static bool IsOutOfMemory(Exception error) =>
        error is OutOfMemoryException
        || error is AggregateException many
            && many.Flatten().InnerExceptions.Any(inner => inner is OutOfMemoryException);
}
