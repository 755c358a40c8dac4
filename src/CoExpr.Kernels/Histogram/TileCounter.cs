using System;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoExpr.Kernels;

/// <summary>Counts genes as rows against a tile: joint histograms [a, b, lane] of 8 or of 32 bits.</summary>
sealed unsafe class TileCounter(BinnedGenes genes, CellsByLevel lists, SimdPath path) : IDisposable
{
    readonly delegate* <byte*, int*, int, byte*, bool, void> count =
        path == SimdPath.Avx512 ? &PositionalPopcount.Count : &PositionalPopcount256.Count;
    readonly RowLists offsets = new();
    readonly AlignedBuffer<byte> scratch = new(PositionalPopcount.Lanes);
    readonly int[] starts = new int[genes.Cells];
    int[] firstList = [];
    int[] reached = [];
    int firstRow;
    int rows;
    AlignedBuffer<byte>? memory;

    /// <summary>Memory for at least so many bytes, of undefined content; the one given before is no longer valid.</summary>
    internal byte* Room(long bytes)
    {
        if (memory is null || memory.Length < bytes)
        {
            memory?.Dispose();
            memory = new AlignedBuffer<byte>(bytes);
        }
        return memory.Start;
    }

    /// <summary>Scatters a row over a tile.</summary>
    /// <param name="row">The row.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="from">Where each cell's counters begin, from <see cref="StartsFrom"/>.</param>
    /// <param name="counts">Receives the counts. Bytes overflow unless no level of the row or none of the tile has more
    /// than 255 cells.</param>
    internal void Scatter<TCount>(int row, ColumnTile tile, ReadOnlySpan<int> from, TCount* counts)
        where TCount : unmanaged, IBinaryInteger<TCount>
    {
        var size = (long)tile.Levels * tile.Lanes;
        NativeMemory.Clear(counts, (nuint)(genes.Levels[row] * size * sizeof(TCount)));
        var scatter = tile.Scatter();
        for (var level = 1; level <= genes.Levels[row]; level++, counts += size)
            scatter.Add(lists.At(row, level), from, counts);
    }

    /// <summary>Where each cell's counters begin, those of genes before <paramref name="gene"/> left out.</summary>
    internal ReadOnlySpan<int> StartsFrom(ColumnTile tile, int gene) =>
        tile.Scatter().StartsFrom(gene - tile.First, starts);

    /// <summary>Lists rows' cells for the planes of a tile: block by block, row by row, level by level.</summary>
    internal void List(int firstRow, int endRow, TilePlanes planes)
    {
        (this.firstRow, rows) = (firstRow, endRow - firstRow);
        offsets.Clear();
        if (firstList.Length < planes.Blocks * rows)
            firstList = new int[planes.Blocks * rows];
        var first = genes.LevelStarts[firstRow];
        Forget(genes.LevelStarts[endRow] - first);
        for (var block = 0; block < planes.Blocks; block++)
        for (var row = firstRow; row < endRow; row++)
        {
            firstList[block * rows + row - firstRow] = offsets.Lists;
            for (var level = 1; level <= genes.Levels[row]; level++)
                List(lists.At(row, level), ref reached[genes.LevelStarts[row] + level - 1 - first], block, planes);
        }
    }

    /// <summary>No list was begun.</summary>
    void Forget(int count)
    {
        if (reached.Length < count)
            reached = new int[count];
        reached.AsSpan(0, count).Clear();
    }

    /// <summary>Lists the cells of one block, which begin where those of the block before ended.</summary>
    void List(ReadOnlySpan<int> cells, ref int reached, int block, TilePlanes planes)
    {
        var left = cells[reached..];
        var taken = block == planes.Blocks - 1 ? left.Length : Below(left, (block + 1) * planes.BlockCells);
        offsets.Add(left[..taken], block * planes.BlockCells, planes.ZeroRow);
        reached += taken;
    }

    /// <summary>Counts a listed row against the planes of some levels in one block of cells.</summary>
    /// <param name="row">The row.</param>
    /// <param name="planes">The planes.</param>
    /// <param name="block">The block.</param>
    /// <param name="first">First level of the planes, from 0.</param>
    /// <param name="levels">How many levels.</param>
    /// <param name="counts">Receives the counts, 255 standing for all above.</param>
    /// <param name="strideA">Bytes from a level of the row to the next.</param>
    /// <param name="strideB">Bytes from a level of the tile to the next.</param>
    /// <param name="add">Whether to add to what is there.</param>
    internal void Count(
        int row,
        TilePlanes planes,
        int block,
        int first,
        int levels,
        byte* counts,
        nint strideA,
        nint strideB,
        bool add
    )
    {
        var list = firstList[block * rows + row - firstRow];
        fixed (int* cells = offsets.Offsets)
            for (var a = 0; a < genes.Levels[row]; a++, counts += strideA)
            {
                var more = add;
                while (true)
                {
                    var (start, length) = offsets.List(list);
                    for (var b = 0; b < levels; b++)
                        count(planes.Plane(block, first + b + 1), cells + start, length, counts + b * strideB, more);
                    more = true;
                    if (offsets.IsLast(list++))
                        break;
                }
            }
    }

    /// <summary>Counts a listed row against all planes of a tile in 32 bits.</summary>
    internal void CountWide(int row, TilePlanes planes, int* counts)
    {
        NativeMemory.Clear(
            counts,
            (nuint)((long)genes.Levels[row] * planes.Levels * PositionalPopcount.Lanes * sizeof(int))
        );
        fixed (int* cells = offsets.Offsets)
            for (var block = 0; block < planes.Blocks; block++)
            {
                var list = firstList[block * rows + row - firstRow];
                var target = counts;
                for (var a = 0; a < genes.Levels[row]; a++, target += planes.Levels * PositionalPopcount.Lanes)
                    do AddWide(planes, block, cells, list, target);
                    while (!offsets.IsLast(list++));
            }
    }

    void AddWide(TilePlanes planes, int block, int* cells, int list, int* target)
    {
        var (start, length) = offsets.List(list);
        for (var b = 1; b <= planes.Levels; b++, target += PositionalPopcount.Lanes)
        {
            count(planes.Plane(block, b), cells + start, length, scratch.Start, false);
            for (var lane = 0; lane < PositionalPopcount.Lanes; lane += Vector256<int>.Count)
                *(Vector256<int>*)(target + lane) += Avx2.ConvertToVector256Int32(scratch.Start + lane);
        }
    }

    /// <summary>How many of the cells, which are in increasing order, are below a bound.</summary>
    static int Below(ReadOnlySpan<int> cells, int bound)
    {
        var at = cells.BinarySearch(bound);
        return at < 0 ? ~at : at;
    }

    public void Dispose()
    {
        scratch.Dispose();
        memory?.Dispose();
    }
}
