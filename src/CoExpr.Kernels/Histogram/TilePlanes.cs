using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace CoExpr.Kernels;

/// <summary>A tile of up to 512 genes as bits: for each level and cell a row with a bit for each gene, set where the gene
/// is at that level in that cell.</summary>
/// <remarks>
/// With the cells of gene A at level a as a list, n(a, b) against all genes of the tile at once is the positional
/// population count of the listed rows of level b: N·d(A)/512 row additions a level and pair, whatever the density of
/// the tile. Cells are cut into blocks, so that the rows of one level and block stay in a core's second-level cache.
/// </remarks>
sealed unsafe class TilePlanes : IDisposable
{
    /// <summary>Cells whose rows are filled while they are in a core's nearest caches.</summary>
    const int Chunk = 512;

    readonly AlignedBuffer<byte> rows;
    readonly long planeBytes;
    readonly int cells;

    TilePlanes(int cells, int levels, int blockCells)
    {
        (this.cells, Levels) = (cells, levels);
        BlockCells = Math.Min(blockCells, Math.Max(cells, 1));
        Blocks = Math.Max(1, (cells + BlockCells - 1) / BlockCells);
        planeBytes = PlaneBytes(BlockCells);
        rows = new AlignedBuffer<byte>(planeBytes * Blocks * Levels);
    }

    /// <summary>The genes from <paramref name="first"/> to before <paramref name="end"/>: plane b holds those at level b.</summary>
    internal static TilePlanes OfLevels(BinnedGenes genes, int first, int end, int blockCells)
    {
        var levels = 0;
        for (var gene = first; gene < end; gene++)
            levels = Math.Max(levels, genes.Levels[gene]);
        var planes = new TilePlanes(genes.Cells, levels, blockCells);
        planes.Fill(genes.Starts, genes.CellOf, first, end, new LevelBit(genes.LevelOf));
        return planes;
    }

    /// <summary>The whole values of the genes from <paramref name="first"/> to before <paramref name="end"/> by binary
    /// digit: plane k holds those whose digit of 2^(k − 1) is 1.</summary>
    internal static TilePlanes OfDigits(GeneValues values, int first, int end, int digits, int blockCells)
    {
        var planes = new TilePlanes(values.Cells, digits, blockCells);
        planes.Fill(values.Starts, values.CellOf, first, end, new DigitBits(values.Values));
        return planes;
    }

    /// <summary>The planes that an entry is in, as bits. A struct, so that the loop over entries calls nothing.</summary>
    interface IPlanesOf
    {
        uint At(long entry);
    }

    readonly struct LevelBit(byte[] levels) : IPlanesOf
    {
        public uint At(long entry) => 1u << (levels[entry] - 1);
    }

    readonly struct DigitBits(float[] values) : IPlanesOf
    {
        public uint At(long entry) => (uint)values[entry];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Fill<TPlanes>(long[] starts, int[] cellOf, int first, int end, TPlanes planesOf)
        where TPlanes : struct, IPlanesOf
    {
        var next = starts.AsSpan(first, end - first).ToArray();
        for (var block = 0; block < Blocks; block++)
        for (var from = 0; from < BlockCells; from += Chunk)
        {
            var before = (int)Math.Min((long)block * BlockCells + Math.Min(from + Chunk, BlockCells), cells);
            for (var lane = 0; lane < end - first; lane++)
            {
                var (bit, at) = (PositionalPopcount.BitOf(lane), next[lane]);
                var mask = (byte)(1 << (bit & 7));
                var plane = Plane(block, 1) + (bit >> 3);
                for (; at < starts[first + lane + 1] && cellOf[at] < before; at++)
                {
                    var row = plane + (cellOf[at] - (long)block * BlockCells) * PositionalPopcount.RowBytes;
                    for (var set = planesOf.At(at); set != 0; set &= set - 1)
                        row[BitOperations.TrailingZeroCount(set) * planeBytes] |= mask;
                }
                next[lane] = at;
            }
        }
    }

    /// <summary>Cells of a block; the last may have fewer.</summary>
    internal int BlockCells { get; }

    internal int Blocks { get; }

    /// <summary>Highest level of any gene of the tile.</summary>
    internal int Levels { get; }

    /// <summary>Where the row of zeros of each plane begins, that lists are filled up with.</summary>
    internal int ZeroRow => BlockCells * PositionalPopcount.RowBytes;

    /// <summary>Memory that a tile takes.</summary>
    internal static long Bytes(int cells, int levels, int blockCells)
    {
        var size = Math.Min(blockCells, Math.Max(cells, 1));
        return PlaneBytes(size) * Math.Max(1, (cells + size - 1) / size) * levels;
    }

    static long PlaneBytes(int blockCells) => (blockCells + 1L) * PositionalPopcount.RowBytes;

    /// <summary>The first row of a level (from 1) and block of cells.</summary>
    internal byte* Plane(int block, int level) => rows.Start + ((long)block * Levels + level - 1) * planeBytes;

    public void Dispose() => rows.Dispose();
}
