using System;

namespace CoExpr.Kernels;

/// <summary>Scores of a rectangle of gene pairs as exact integers, row by row: what a kernel hands back.</summary>
/// <remarks>Only pairs with row &lt; column are filled in, and of them only the parts asked for (<see cref="PairParts"/>);
/// signs are 1 where none are asked for. The rest is left as it was.</remarks>
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

    /// <summary>Number of cells that express both genes of each pair.</summary>
    public int[] Both { get; private set; } = [];

    /// <summary>Sign of the Pearson correlation of each pair: −1, 0 or 1; all 1 where scores are not signed.</summary>
    public sbyte[] Signs { get; private set; } = [];

    /// <summary>Σxy of each pair in double precision, added in increasing order of cell.</summary>
    public double[] Products { get; private set; } = [];

    /// <summary>Number of cells of each pair's joint histogram, by the convention asked for, that are not empty.</summary>
    public int[] Occupied { get; private set; } = [];

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
        Both = new int[pairs];
        Products = new double[pairs];
        Occupied = new int[pairs];
        Signs = new sbyte[pairs];
    }
}
