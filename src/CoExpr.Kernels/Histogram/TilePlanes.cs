using System;

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
    readonly AlignedBuffer<byte> rows;
    readonly long planeBytes;

    /// <summary>Lays out the genes from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    internal TilePlanes(BinnedGenes genes, int first, int end, int blockCells)
    {
        BlockCells = Math.Min(blockCells, Math.Max(genes.Cells, 1));
        Blocks = Math.Max(1, (genes.Cells + BlockCells - 1) / BlockCells);
        for (var gene = first; gene < end; gene++)
            Levels = Math.Max(Levels, genes.Levels[gene]);
        planeBytes = PlaneBytes(BlockCells);
        rows = new AlignedBuffer<byte>(planeBytes * Blocks * Levels);
        Fill(genes, first, end);
    }

    /// <summary>Cells whose rows are filled while they are in a core's nearest caches.</summary>
    const int Chunk = 512;

    void Fill(BinnedGenes genes, int first, int end)
    {
        var next = genes.Starts.AsSpan(first, end - first).ToArray();
        for (var block = 0; block < Blocks; block++)
        for (var from = 0; from < BlockCells; from += Chunk)
        {
            var before = (int)Math.Min((long)block * BlockCells + Math.Min(from + Chunk, BlockCells), genes.Cells);
            for (var gene = first; gene < end; gene++)
                next[gene - first] = Fill(
                    genes,
                    gene,
                    next[gene - first],
                    PositionalPopcount.BitOf(gene - first),
                    block,
                    before
                );
        }
    }

    /// <summary>Sets a gene's bits in the cells before <paramref name="before"/> and gives the entry after them.</summary>
    long Fill(BinnedGenes genes, int gene, long at, int bit, int block, int before)
    {
        var mask = (byte)(1 << (bit & 7));
        var plane = Plane(block, 1) + (bit >> 3) - (long)block * BlockCells * PositionalPopcount.RowBytes;
        var end = genes.Starts[gene + 1];
        for (; at < end && genes.CellOf[at] < before; at++)
            plane[(genes.LevelOf[at] - 1) * planeBytes + (long)genes.CellOf[at] * PositionalPopcount.RowBytes] |= mask;
        return at;
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
