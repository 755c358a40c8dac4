using System;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>The pairs row &lt; column of a range, line by line, as places in a block and in the range itself.</summary>
static class PairCopy
{
    /// <summary>Calls with the place in the block, the place in the range's own rectangle, and the number of pairs.</summary>
    internal static void Lines(PairRange range, PairBlock block, Action<int, int, int> copy)
    {
        var width = range.EndColumn - range.FirstColumn;
        for (var row = range.FirstRow; row < range.EndRow; row++)
        {
            var first = Math.Max(row + 1, range.FirstColumn);
            if (first < range.EndColumn)
                copy(
                    (row - block.FirstRow) * block.Width + first - block.FirstColumn,
                    (row - range.FirstRow) * width + first - range.FirstColumn,
                    range.EndColumn - first
                );
        }
    }

    /// <summary>Copies all that another block, of a part of this one, says of its pairs.</summary>
    internal static void Copy(PairBlock from, PairRange range, PairBlock to, bool products) =>
        Lines(
            range,
            to,
            (place, source, count) =>
            {
                Array.Copy(from.Numerators, source, to.Numerators, place, count);
                Array.Copy(from.Cells, source, to.Cells, place, count);
                Array.Copy(from.Both, source, to.Both, place, count);
                Array.Copy(from.Occupied, source, to.Occupied, place, count);
                Array.Copy(from.Signs, source, to.Signs, place, count);
                if (products)
                    Array.Copy(from.Products, source, to.Products, place, count);
            }
        );
}
