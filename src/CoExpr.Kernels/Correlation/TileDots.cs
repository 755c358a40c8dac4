using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
        var column = Math.Max(row + 1, block.FirstColumn);
        if (Avx512F.IsSupported && values.Whole)
            column = SignWhole(row, column, block, line);
        for (; column < block.EndColumn; column++)
        {
            var at = column - block.FirstColumn;
            block.Signs[line + at] = CorrelationSign.Of(values, row, column, products[at]);
        }
    }

    /// <summary>Signs of eight pairs at a time, as long as whole numbers decide them exactly; gives the first column that is
    /// left. See <see cref="CorrelationSign.Of"/>.</summary>
    int SignWhole(int row, int column, PairBlock block, int line)
    {
        double cells = values.Cells;
        for (; column <= block.EndColumn - 8; column += 8)
        {
            var norms = Vector512.Create(values.Norms.AsSpan(column)) * values.Norms[row] * cells;
            if (!Vector512.LessThanAll(norms, Vector512.Create(CorrelationSign.LargestWhole)))
                return column;
            var at = column - block.FirstColumn;
            var difference =
                cells * Vector512.Create(products.AsSpan(at))
                - values.Sums[row] * Vector512.Create(values.Sums.AsSpan(column));
            var above = Vector512.GreaterThan(difference, Vector512<double>.Zero).AsInt64();
            var below = Vector512.LessThan(difference, Vector512<double>.Zero).AsInt64();
            var signs = Avx512F.ConvertToVector128SByte(below - above);
            BinaryPrimitives.WriteInt64LittleEndian(
                MemoryMarshal.AsBytes(block.Signs.AsSpan(line + at, 8)),
                signs.AsInt64().ToScalar()
            );
        }
        return column;
    }
}
