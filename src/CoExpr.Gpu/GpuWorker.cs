using System;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>Scores blocks on a device, and what the device leaves over on the processor.</summary>
sealed class GpuWorker(GpuKernel kernel) : IPairWorker
{
    readonly int[] starts = new int[kernel.Genes.Cells];
    double[] sums = [];
    double[] line = [];
    ScatterProducts? tile;
    (int First, int End) held = (-1, -1);

    public void Dispose() { }

    public void Score(PairRange range, PairBlock block)
    {
        block.Reset(range.FirstRow, range.EndRow, range.FirstColumn, range.EndColumn);
        var pairs = (range.EndRow - range.FirstRow) * block.Width;
        if (kernel.SumsProducts && sums.Length < pairs)
            sums = new double[pairs];
        if (!kernel.TryScore(range, block, sums))
            kernel.ScoreOnProcessor(range, block);
        else
            Dot(range, block);
    }

    void Dot(PairRange range, PairBlock block)
    {
        var task = kernel.Task;
        if (task.Wants(PairParts.Signs | PairParts.Products))
        {
            if (!kernel.SumsProducts)
                Multiply(range, task.Values!);
            PairCopy.Lines(range, block, (to, _, count) => Finish(block, to, count));
        }
        if (!task.Wants(PairParts.Signs))
            block.Signs.AsSpan().Fill(1);
    }

    // The whole range is one block, so that a place in it is a place in the block.
    void Multiply(PairRange range, GeneValues values)
    {
        var width = range.EndColumn - range.FirstColumn;
        if (held != (range.FirstColumn, range.EndColumn))
            (tile, held) = (new(values, range.FirstColumn, range.EndColumn), (range.FirstColumn, range.EndColumn));
        if (sums.Length < (range.EndRow - range.FirstRow) * width)
            sums = new double[(range.EndRow - range.FirstRow) * width];
        if (line.Length < width)
            line = new double[width];
        var from = tile!.StartsFrom(range.FirstRow, starts);
        for (var row = range.FirstRow; row < range.EndRow; row++)
        {
            tile.Sum(row, range.FirstRow, from, line);
            Array.Copy(line, 0, sums, (row - range.FirstRow) * width, width);
        }
    }

    void Finish(PairBlock block, int first, int count)
    {
        if (kernel.Task.Wants(PairParts.Products))
            Array.Copy(sums, first, block.Products, first, count);
        if (!kernel.Task.Wants(PairParts.Signs))
            return;
        var row = block.FirstRow + first / block.Width;
        for (var at = first; at < first + count; at++)
        {
            var column = block.FirstColumn + at % block.Width;
            block.Signs[at] = CorrelationSign.Of(kernel.Task.Values!, row, column, sums[at]);
        }
    }
}
