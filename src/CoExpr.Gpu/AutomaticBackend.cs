using System;
using System.Threading;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>The processor for small work and a graphics card, if there is one, for large work.</summary>
public sealed class AutomaticBackend : IPairBackend
{
    readonly IPairBackend processor;
    readonly Lazy<IPairBackend?> card;
    readonly double from;
    volatile IPairBackend chosen;

    /// <summary>Chooses between two backends, for each set of genes anew.</summary>
    /// <param name="processor">The backend on the processor.</param>
    /// <param name="findCard">The backend on the first graphics card, or null. Called once, and for large work only:
    /// waking drivers takes up to a second.</param>
    /// <param name="from">Predicted seconds on the processor from which a card is looked for. Default: 5.</param>
    public AutomaticBackend(IPairBackend processor, Func<IPairBackend?> findCard, double from = 5)
    {
        (this.processor, this.from, chosen) = (processor, from, processor);
        card = new(findCard, LazyThreadSafetyMode.ExecutionAndPublication);
    }

    /// <summary>The backend for small work.</summary>
    public IPairBackend Processor => processor;

    /// <summary>The same choice with another backend for small work.</summary>
    public AutomaticBackend With(IPairBackend processor) => new(processor, () => card.Value, from);

    /// <summary>The name of the backend that the last genes were given to; the processor's before any were.</summary>
    public string Name => chosen.Name;

    /// <inheritdoc/>
    public IPairKernel Open(BinnedGenes genes, PairTask task, int threads)
    {
        var large = ProcessorCost.Seconds(genes, task, threads) >= from;
        chosen = large ? card.Value ?? processor : processor;
        return chosen.Open(genes, task, threads);
    }
}
