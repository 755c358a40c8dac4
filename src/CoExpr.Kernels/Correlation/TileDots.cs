using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Sums of products of a block of pairs, and the signs of their correlations.</summary>
/// <param name="task">What is wanted.</param>
/// <param name="digits">The digits of the values; null to scatter them.</param>
/// <param name="path">The instruction set for digits.</param>
/// <param name="fits">Whether so many bit planes of a tile may be held.</param>
sealed class TileDots(
    PairTask task,
    ValueDigits? digits = null,
    SimdPath path = SimdPath.Scalar,
    Func<int, bool>? fits = null
) : IDisposable
{
    readonly GeneValues values = task.Values!;
    readonly int[] starts = new int[task.Values!.Cells];
    readonly DigitProducts? byDigits = digits is null ? null : new DigitProducts(digits, path);
    double[] products = [];

    /// <summary>Fills in the products and signs that the task wants, in the cheaper way.</summary>
    internal void Fill(PairRange range, ColumnTile tile, PairBlock block)
    {
        if (byDigits is null || !ByDigits(range, tile))
        {
            Fill(range, tile.Products(), block);
            return;
        }
        byDigits.Sum(range.FirstRow, range.EndRow, tile.Digits(digits!.Most(tile.First, tile.End)));
        Reserve(block.Width);
        for (var row = range.FirstRow; row < range.EndRow; row++)
        {
            var sums = byDigits.Of(row - range.FirstRow);
            for (var column = 0; column < block.Width; column++)
                products[column] = sums[column];
            Put(row, block);
        }
    }

    /// <summary>Whether digits are few enough to be cheaper, and their sums stay below 2^31.</summary>
    bool ByDigits(PairRange range, ColumnTile tile)
    {
        var norm = digits!.LargestNorm(range.FirstRow, range.EndRow) * digits.LargestNorm(tile.First, tile.End);
        var planes = digits.Most(tile.First, tile.End);
        if (norm >= 1L << 31 || fits?.Invoke(tile.Levels + planes) == false)
            return false;
        var (own, scattered) = (0.0, 0.0);
        for (var row = range.FirstRow; row < range.EndRow; row++)
        {
            own += CostModel.Digits(path, digits.Ones(row), digits.Most(row), planes);
            scattered += CostModel.Products(values.Cells, values.Length(row), tile.Entries);
        }
        return own < scattered;
    }

    /// <summary>Fills in the products and signs that the task wants, by scattering.</summary>
    internal void Fill(PairRange range, ScatterProducts tile, PairBlock block)
    {
        var from = tile.StartsFrom(range.FirstRow, starts);
        Reserve(block.Width);
        for (var row = range.FirstRow; row < range.EndRow; row++)
        {
            tile.Sum(row, range.FirstRow, from, products);
            Put(row, block);
        }
    }

    void Reserve(int width)
    {
        if (products.Length < width)
            products = new double[width];
    }

    void Put(int row, PairBlock block)
    {
        var line = (row - block.FirstRow) * block.Width;
        if (task.Wants(PairParts.Products))
            products.AsSpan(0, block.Width).CopyTo(block.Products.AsSpan(line));
        if (task.Wants(PairParts.Signs))
            Sign(row, block, line);
    }

    public void Dispose() => byDigits?.Dispose();

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
