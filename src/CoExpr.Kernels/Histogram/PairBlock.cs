using System;

namespace CoExpr.Kernels;

/// <summary>Scores of a rectangle of gene pairs as exact integers, row by row: what a kernel hands back.</summary>
/// <remarks>Only pairs with row &lt; column are filled in; the rest of the rectangle is left as it was.</remarks>
public sealed class PairBlock
{
    /// <summary>First gene of the rows, inclusive.</summary>
    public int FirstRow { get; private set; }

    /// <summary>Gene after the last row.</summary>
    public int EndRow { get; private set; }

    /// <summary>First gene of the columns, inclusive.</summary>
    public int FirstColumn { get; private set; }

    /// <summary>Gene after the last column.</summary>
    public int EndColumn { get; private set; }

    /// <summary>M · MI · 2^<see cref="EntropyTable.Scale"/> of each pair: mutual information in bits before its one division.</summary>
    public long[] Numerators { get; private set; } = [];

    /// <summary>M: number of cells that the score of each pair is made from.</summary>
    public int[] Cells { get; private set; } = [];

    /// <summary>Sign of the Pearson correlation of each pair: −1, 0 or 1; all 1 where scores are not signed.</summary>
    public sbyte[] Signs { get; private set; } = [];

    /// <summary>Number of columns.</summary>
    public int Width => EndColumn - FirstColumn;

    /// <summary>Sets the rectangle, growing the arrays where they are too small; old values stay in them.</summary>
    public void Reset(int firstRow, int endRow, int firstColumn, int endColumn)
    {
        (FirstRow, EndRow, FirstColumn, EndColumn) = (firstRow, endRow, firstColumn, endColumn);
        var pairs = checked((endRow - firstRow) * Width);
        if (Numerators.Length >= pairs)
            return;
        Numerators = new long[pairs];
        Cells = new int[pairs];
        Signs = new sbyte[pairs];
    }
}
