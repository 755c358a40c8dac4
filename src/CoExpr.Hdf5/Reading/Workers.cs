using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace CoExpr.Hdf5;

/// <summary>Handing numbered items to threads.</summary>
internal static class Workers
{
    /// <summary>Calls the work that <paramref name="makeWorker"/> gives each thread for every item below
    /// <paramref name="count"/>, in no particular order. The first exception stops the rest and is thrown here.</summary>
    internal static void Run(int threads, long count, CancellationToken token, Func<Action<long>> makeWorker)
    {
        var next = -1L;
        ExceptionDispatchInfo? failure = null;

        void Work()
        {
            try
            {
                var work = makeWorker();
                for (
                    long item;
                    Volatile.Read(ref failure) is null && (item = Interlocked.Increment(ref next)) < count;

                )
                {
                    token.ThrowIfCancellationRequested();
                    work(item);
                }
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(error), null);
            }
        }

        var others = new Thread[Math.Max(0, Math.Min(threads, count) - 1)];
        for (var i = 0; i < others.Length; i++)
        {
            others[i] = new Thread(Work) { IsBackground = true };
            others[i].Start();
        }

        Work();
        foreach (var other in others)
            other.Join();

        failure?.Throw();
    }
}
