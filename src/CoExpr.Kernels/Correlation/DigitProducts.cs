using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Σ xy of some genes with every gene of a tile, of counts, by their binary digits.</summary>
/// <remarks>
/// With x = Σ 2^i x_i and y = Σ 2^k y_k, Σ xy = Σ 2^(i + k) · (number of cells in which x_i and y_k are both 1), and that
/// number is, for all 512 genes of the tile at once, the positional population count of plane k over the cells with x_i = 1.
/// Counts are small, so digits are few; all is exact as long as no sum reaches 2^31.
/// </remarks>
sealed unsafe class DigitProducts(ValueDigits digits, SimdPath path) : IDisposable
{
    const int Lanes = PositionalPopcount.Lanes;

    readonly GeneValues values = digits.Values;
    readonly delegate* <byte*, int*, int, byte*, bool, void> count =
        path == SimdPath.Avx512 ? &PositionalPopcount.Count : &PositionalPopcount256.Count;
    readonly RowLists lists = new();
    readonly AlignedBuffer<byte> counts = new(Lanes);
    AlignedBuffer<int> sums = new(0);
    int[] firstList = [];
    int[] cells = [];

    /// <summary>Sums rows against a tile; see <see cref="Of"/>.</summary>
    internal void Sum(int firstRow, int endRow, TilePlanes planes)
    {
        var rows = endRow - firstRow;
        if (sums.Length < (long)rows * Lanes)
        {
            sums.Dispose();
            sums = new AlignedBuffer<int>((long)rows * Lanes);
        }
        NativeMemory.Clear(sums.Start, (nuint)((long)rows * Lanes * sizeof(int)));
        List(firstRow, endRow, planes);
        fixed (int* offsets = lists.Offsets)
            for (var block = 0; block < planes.Blocks; block++)
            for (var k = 0; k < planes.Levels; k++)
            {
                var list = firstList[block];
                for (var row = firstRow; row < endRow; row++)
                for (var i = 0; i < digits.Most(row); i++)
                    do Add(
                        planes.Plane(block, k + 1),
                        offsets,
                        list,
                        i + k,
                        sums.Start + (long)(row - firstRow) * Lanes
                    );
                    while (!lists.IsLast(list++));
            }
    }

    /// <summary>The sums of the row in this place: one for each lane of the tile.</summary>
    internal ReadOnlySpan<int> Of(int place) => new(sums.Start + (long)place * Lanes, Lanes);

    void Add(byte* plane, int* offsets, int list, int shift, int* target)
    {
        var (start, length) = lists.List(list);
        if (length == 0)
            return;
        count(plane, offsets + start, length, counts.Start, false);
        for (var lane = 0; lane < Lanes; lane += 8)
            *(Vector256<int>*)(target + lane) += Avx2.ShiftLeftLogical(
                Avx2.ConvertToVector256Int32(counts.Start + lane),
                Vector128.CreateScalar(shift)
            );
    }

    /// <summary>Lists the cells of each digit: block by block, row by row, digit by digit.</summary>
    void List(int firstRow, int endRow, TilePlanes planes)
    {
        lists.Clear();
        if (firstList.Length < planes.Blocks)
            firstList = new int[planes.Blocks];
        if (cells.Length < planes.BlockCells)
            cells = new int[planes.BlockCells];
        var next = values.Starts.AsSpan(firstRow, endRow - firstRow).ToArray();
        for (var block = 0; block < planes.Blocks; block++)
        {
            firstList[block] = lists.Lists;
            var before = (block + 1L) * planes.BlockCells;
            for (var row = firstRow; row < endRow; row++)
                next[row - firstRow] = List(
                    row,
                    next[row - firstRow],
                    block * planes.BlockCells,
                    before,
                    planes.ZeroRow
                );
        }
    }

    /// <summary>Lists a row's digits in the cells of a block and gives the entry after them.</summary>
    long List(int row, long from, int blockStart, long before, int zeroRow)
    {
        var end = from;
        while (end < values.Starts[row + 1] && values.CellOf[end] < before)
            end++;
        for (var digit = 0; digit < digits.Most(row); digit++)
        {
            var used = 0;
            for (var at = from; at < end; at++)
            {
                cells[used] = values.CellOf[at];
                used += (int)((uint)values.Values[at] >> digit) & 1;
            }
            lists.Add(cells.AsSpan(0, used), blockStart, zeroRow);
        }
        return end;
    }

    public void Dispose()
    {
        counts.Dispose();
        sums.Dispose();
    }
}
