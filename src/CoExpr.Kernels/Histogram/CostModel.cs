using System;

namespace CoExpr.Kernels;

/// <summary>How pairs of genes are counted.</summary>
public enum CountingMethod
{
    /// <summary>Positional population counts over bit planes.</summary>
    BitPlanes,

    /// <summary>One increment for each cell that expresses both genes.</summary>
    Scatter,
}

/// <summary>What counting a row of pairs will cost on one core, in nanoseconds.</summary>
/// <remarks>The constants are fits to one processor (see tests/CoExpr.Benchmarks/records). What they are on another
/// changes the speed, never a result.</remarks>
static class CostModel
{
    const double RowAdded = 0.65;
    const double FarRowAdded = 1.2;
    const double TurnedOver = 15;
    const double CellVisited = 12;
    const double Increment = 0.7;

    /// <summary>How many times as long rows take with AVX2: half as wide, and two and a half times the instructions.</summary>
    const double WithAvx2 = 5;

    static double RowsOf(SimdPath path) => path == SimdPath.Avx512 ? 1 : WithAvx2;

    /// <summary>Cells of which the rows of one level stay in a core's cache.</summary>
    const int NearCells = 16384;

    /// <summary>Counting a gene against a tile by bit planes.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="cells">Cells of the data.</param>
    /// <param name="blocks">Blocks that they are cut into.</param>
    /// <param name="expressed">Cells that express the gene.</param>
    /// <param name="levels">Its levels.</param>
    /// <param name="tileLevels">Levels of the tile.</param>
    internal static double BitPlanes(SimdPath path, int cells, int blocks, int expressed, int levels, int tileLevels)
    {
        var lists = (double)levels * blocks + expressed / PositionalPopcount.MostRows;
        var rows = expressed + lists * (PositionalPopcount.Group - 1) / 2;
        var near = cells / Math.Max(blocks, 1) <= NearCells;
        return RowsOf(path) * tileLevels * (rows * (near ? RowAdded : FarRowAdded) + lists * TurnedOver);
    }

    /// <summary>Counting a gene against a tile by scattering.</summary>
    /// <param name="cells">Cells of the data.</param>
    /// <param name="expressed">Cells that express the gene.</param>
    /// <param name="entries">Expressed cells of all genes of the tile.</param>
    internal static double Scatter(int cells, int expressed, long entries) =>
        expressed * (CellVisited + Increment * entries / Math.Max(cells, 1));

    const double LookedUp = 0.08;
    const double Scored = 3;
    const double Gathered = 0.4;

    /// <summary>From the counts of one row to the scores of a tile.</summary>
    /// <param name="levels">Levels of the row.</param>
    /// <param name="tileLevels">Levels of the tile.</param>
    /// <param name="narrow">Whether counts are looked up 64 at a time.</param>
    internal static double Scores(int levels, int tileLevels, bool narrow) =>
        PositionalPopcount.Lanes * (Scored + (levels + 1) * (tileLevels + 1) * (narrow ? LookedUp : Gathered));

    const double ProductAdded = 1.2;
    const double DigitTurnedOver = 45;

    /// <summary>Products of a gene with a tile by binary digits.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="ones">Digits that are 1, of all its values.</param>
    /// <param name="most">Digits of its largest value.</param>
    /// <param name="planes">Digits of the tile's largest value.</param>
    internal static double Digits(SimdPath path, long ones, int most, int planes) =>
        RowsOf(path)
        * planes
        * (ones * RowAdded + (most + (double)ones / PositionalPopcount.MostRows) * DigitTurnedOver);

    /// <summary>Products of a gene with a tile by scattering.</summary>
    internal static double Products(int cells, int expressed, long entries) =>
        expressed * (CellVisited + ProductAdded * entries / Math.Max(cells, 1));
}
