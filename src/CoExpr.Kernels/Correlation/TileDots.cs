using System;

namespace CoExpr.Kernels;

/// <summary>Sums of products of a block of pairs, and the signs of their correlations.</summary>
sealed class TileDots(PairTask task)
{
    readonly GeneValues values = task.Values!;
    readonly int[] starts = new int[task.Values!.Cells];
    double[] products = [];

    /// <summary>Fills in the products and signs that the task wants.</summary>
    internal void Fill(PairRange range, ScatterProducts tile, PairBlock block)
    {
        var from = tile.StartsFrom(range.FirstRow, starts);
        if (products.Length < block.Width)
            products = new double[block.Width];
        for (var row = range.FirstRow; row < range.EndRow; row++)
        {
            tile.Sum(row, range.FirstRow, from, products);
            var line = (row - block.FirstRow) * block.Width;
            if (task.Wants(PairParts.Products))
                products.AsSpan(0, block.Width).CopyTo(block.Products.AsSpan(line));
            if (task.Wants(PairParts.Signs))
                Sign(row, block, line);
        }
    }

    void Sign(int row, PairBlock block, int line)
    {
        for (var column = Math.Max(row + 1, block.FirstColumn); column < block.EndColumn; column++)
        {
            var at = column - block.FirstColumn;
            block.Signs[line + at] = CorrelationSign.Of(values, row, column, products[at]);
        }
    }
}
