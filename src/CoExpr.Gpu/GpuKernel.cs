using System;
using System.Collections.Generic;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>Genes laid out for a device. Its workers take turns at the device.</summary>
sealed class GpuKernel : IPairKernel
{
    readonly OpenClSession session;
    readonly IPairBackend processor;
    readonly Action<string> lose;
    readonly DeviceScorer scorer;
    int mostRows = int.MaxValue;
    int mostColumns = int.MaxValue;
    bool lost;

    internal GpuKernel(
        OpenClSession session,
        BinnedGenes genes,
        PairTask task,
        GpuSettings settings,
        IPairBackend processor,
        Action<string> lose
    )
    {
        (this.session, this.processor, this.lose) = (session, processor, lose);
        (Genes, Task) = (genes, task);
        scorer = new DeviceScorer(session, genes, task, settings);
        Blocks = TilePlan.Blocks(genes, task, session.Limits, settings);
    }

    internal BinnedGenes Genes { get; }

    internal PairTask Task { get; }

    /// <summary>Whether <see cref="TryScore"/> gives products, if they are wanted.</summary>
    internal bool SumsProducts => scorer.SumsProducts;

    /// <inheritdoc/>
    public IReadOnlyList<PairRange> Blocks { get; }

    /// <inheritdoc/>
    public IPairWorker NewWorker() => new GpuWorker(this);

    /// <summary>Scores a range on the device. False if the device is lost, and then the block is worth nothing.</summary>
    internal bool TryScore(PairRange range, PairBlock block, double[] sums)
    {
        lock (session)
        {
            if (lost)
                return false;
            try
            {
                Score(range, block, sums);
                return true;
            }
            catch (OpenClException error)
            {
                lost = true;
                scorer.Dispose();
                lose(error.Message);
                return false;
            }
        }
    }

    void Score(PairRange part, PairBlock block, double[] sums)
    {
        if (part.FirstRow >= part.EndRow || part.FirstColumn >= part.EndColumn || part.FirstRow >= part.EndColumn - 1)
            return;
        if (part.EndRow - part.FirstRow > mostRows || part.EndColumn - part.FirstColumn > mostColumns)
        {
            foreach (var piece in Halves(part))
                Score(piece, block, sums);
            return;
        }
        try
        {
            scorer.Score(part, block, sums);
        }
        catch (OpenClException error) when (error.IsShortage && Shrink(part))
        {
            scorer.Dispose();
            Score(part, block, sums);
        }
    }

    // Columns first: while a tile is on the device, all its rows are scored.
    PairRange[] Halves(PairRange part)
    {
        var row = part.FirstRow + (part.EndRow - part.FirstRow) / 2;
        var column = part.FirstColumn + (part.EndColumn - part.FirstColumn) / 2;
        return part.EndColumn - part.FirstColumn > mostColumns
            ? [part with { EndColumn = column }, part with { FirstColumn = column }]
            : [part with { EndRow = row }, part with { FirstRow = row }];
    }

    // What was too large once is not tried again: later blocks start at the size that went through.
    bool Shrink(PairRange part)
    {
        var (rows, columns) = (part.EndRow - part.FirstRow, part.EndColumn - part.FirstColumn);
        if (columns > 1 && columns >= rows)
            mostColumns = (columns + 1) / 2;
        else if (rows > 1)
            mostRows = (rows + 1) / 2;
        else
            return false;
        return true;
    }

    /// <summary>Scores a range on the processor.</summary>
    internal void ScoreOnProcessor(PairRange range, PairBlock block)
    {
        using var kernel = processor.Open(Genes, Task with { Pairs = range }, 1);
        using var worker = kernel.NewWorker();
        var part = new PairBlock();
        foreach (var piece in kernel.Blocks)
        {
            worker.Score(piece, part);
            PairCopy.Copy(part, piece, block, Task.Wants(PairParts.Products));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (session)
            scorer.Dispose();
    }
}
