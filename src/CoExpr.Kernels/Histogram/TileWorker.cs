using System;
using System.Diagnostics;

namespace CoExpr.Kernels;

/// <summary>Scores blocks of pairs: a few rows of genes against a tile.</summary>
sealed unsafe class TileWorker : IPairWorker
{
    /// <summary>Rows whose sums are under way at once: their states and some bit planes stay in a core's cache.</summary>
    const int Batch = 128;

    /// <summary>Cells that the rows listed together express, which bounds a worker's memory for data of many cells.</summary>
    internal const int MostListed = 1 << 22;

    const int Lanes = LaneScores.Lanes;

    readonly TileKernel kernel;
    readonly BinnedGenes genes;
    readonly PairTask task;
    readonly TileCounter counter;
    readonly NarrowSums sums;
    readonly LaneScores scores = new();
    readonly TileDots? dots;
    readonly bool occupied;
    readonly bool narrow;
    readonly AlignedBuffer<byte> states = new((long)Batch * PositionalPopcount.Lanes / Lanes * NarrowSums.StateBytes);
    AlignedBuffer<byte> blockCounts = new(0);
    readonly bool[] failed = new bool[Batch * PositionalPopcount.Lanes / Lanes];

    internal TileWorker(TileKernel kernel)
    {
        this.kernel = kernel;
        (genes, task) = (kernel.Genes, kernel.Task);
        counter = new TileCounter(genes, kernel.Lists, kernel.Path);
        sums = new NarrowSums(kernel.Planes);
        narrow = kernel.Path == SimdPath.Avx512;
        occupied = task.Wants(PairParts.Occupied);
        dots = task.Wants(PairParts.Signs | PairParts.Products)
            ? new TileDots(task, kernel.Digits, kernel.Path, kernel.Fits)
            : null;
    }

    public void Dispose()
    {
        counter.Dispose();
        dots?.Dispose();
        sums.Dispose();
        scores.Dispose();
        states.Dispose();
        blockCounts.Dispose();
    }

    public void Score(PairRange range, PairBlock block)
    {
        block.Reset(range.FirstRow, range.EndRow, range.FirstColumn, range.EndColumn);
        var tile = kernel.TileAt(range.FirstColumn);
        tile.Enter();
        try
        {
            for (int row = range.FirstRow, end; row < range.EndRow; row = end)
            {
                end = EndOfPart(row, range.EndRow);
                if (task.Wants(PairParts.Information | PairParts.Occupied))
                    Score(row, end, tile, block);
                dots?.Fill(range with { FirstRow = row, EndRow = end }, tile, block);
            }
        }
        finally
        {
            tile.Leave();
        }
        if (!task.Wants(PairParts.Signs))
            block.Signs.AsSpan().Fill(1);
    }

    /// <summary>The rows that are listed together, one at least: their cells are copied into lists.</summary>
    int EndOfPart(int firstRow, int endRow)
    {
        var (row, listed) = (firstRow, 0L);
        do listed += genes.Expressed(row++);
        while (row < endRow && listed + genes.Expressed(row) <= MostListed);
        return row;
    }

    void Score(int firstRow, int endRow, ColumnTile tile, PairBlock block)
    {
        var (method, predicted) = kernel.Choose(firstRow, endRow, tile);
        var start = Stopwatch.GetTimestamp();
        if (method == CountingMethod.Scatter)
            ByScatter(firstRow, endRow, tile, block);
        else if (IsWide(firstRow, endRow, tile) is var wide && (wide || tile.Planes().Blocks > 1))
            ByBlocks(firstRow, endRow, tile, wide, block);
        else
            for (var row = firstRow; row < endRow; row += Batch)
                ByPlanes(row, Math.Min(row + Batch, endRow), tile, block);
        tile.Note(
            method,
            PairsOf(firstRow, endRow, tile),
            predicted / 1e9,
            Stopwatch.GetElapsedTime(start).TotalSeconds
        );
    }

    /// <summary>Pairs of the rows and the genes that come after them.</summary>
    static long PairsOf(int firstRow, int endRow, ColumnTile tile)
    {
        var pairs = 0L;
        for (var row = firstRow; row < endRow; row++)
            pairs += Math.Max(0, tile.End - Math.Max(tile.First, row + 1));
        return pairs;
    }

    /// <summary>Whether sums in bytes are not worth a try: without AVX-512, and where very many cells express both genes.</summary>
    bool IsWide(int firstRow, int endRow, ColumnTile tile)
    {
        const double most = 160;
        if (!narrow)
            return true;
        long largest = 0;
        for (var row = firstRow; row < endRow; row++)
            foreach (var size in genes.LevelSizes.AsSpan(genes.LevelStarts[row], genes.Levels[row]))
                largest = Math.Max(largest, size);
        return largest * tile.Density > most;
    }

    /// <summary>The first group of lanes in which a gene comes after the row.</summary>
    static int FirstLane(int row, ColumnTile tile) => Math.Max(row + 1 - tile.First, 0) / Lanes * Lanes;

    static int EndLane(ColumnTile tile) => tile.End - tile.First;

    RowTerms Terms(int row, int* sizes) => new(genes, sizes, kernel.Planes.Table, task.Cells, row);

    int GroupOf(int row, int firstRow, int lane) =>
        (row - firstRow) * (PositionalPopcount.Lanes / Lanes) + lane / Lanes;

    byte* StateOf(int group) => states.Start + (long)group * NarrowSums.StateBytes;

    void Begin(int rows)
    {
        var groups = rows * (PositionalPopcount.Lanes / Lanes);
        new Span<byte>(states.Start, groups * NarrowSums.StateBytes).Clear();
        failed.AsSpan(0, groups).Clear();
    }

    /// <summary>Some planes at a time, which stay in the cache while all rows are counted against them.</summary>
    void ByPlanes(int firstRow, int endRow, ColumnTile tile, PairBlock block)
    {
        var planes = tile.Planes();
        counter.List(firstRow, endRow, planes);
        Begin(endRow - firstRow);
        var together = kernel.PlanesTogether;
        var counts = counter.Room((long)NarrowSums.MostLevels * Math.Min(together, tile.Levels) * tile.Lanes);
        for (var first = 0; first < tile.Levels; first += together)
        {
            var levels = Math.Min(together, tile.Levels - first);
            var (strideA, strideB) = ((nint)levels * tile.Lanes, (nint)tile.Lanes);
            for (var row = firstRow; row < endRow; row++)
            {
                counter.Count(row, planes, 0, first, levels, counts, strideA, strideB, false);
                AddLevels(row, firstRow, tile, counts, strideA, strideB, first, levels);
            }
        }
        Finish(firstRow, endRow, tile, block);
    }

    /// <summary>Block after block of cells; counts are added up before anything is summed.</summary>
    void ByBlocks(int firstRow, int endRow, ColumnTile tile, bool wide, PairBlock block)
    {
        var planes = tile.Planes();
        counter.List(firstRow, endRow, planes);
        // [b, row, a, lane], so that what is written while a plane is in use lies together.
        var strideB = (nint)(genes.LevelStarts[endRow] - genes.LevelStarts[firstRow]) * tile.Lanes;
        if (blockCounts.Length < strideB * tile.Levels)
        {
            blockCounts.Dispose();
            blockCounts = new AlignedBuffer<byte>(strideB * tile.Levels);
        }
        for (var cells = 0; cells < planes.Blocks; cells++)
        for (var b = 0; b < tile.Levels; b++)
        for (var row = firstRow; row < endRow; row++)
            counter.Count(row, planes, cells, b, 1, At(row) + b * strideB, tile.Lanes, strideB, cells > 0);
        fixed (int* sizes = genes.LevelSizes)
            for (var row = firstRow; row < endRow; row++)
                if (wide)
                    ScoreBytes(row, Terms(row, sizes), tile, At(row), tile.Lanes, strideB, block);
                else
                {
                    Begin(1);
                    AddLevels(row, row, tile, At(row), tile.Lanes, strideB, 0, tile.Levels);
                    Finish(row, row, Terms(row, sizes), tile, block);
                }

        byte* At(int row) =>
            blockCounts.Start + (nint)(genes.LevelStarts[row] - genes.LevelStarts[firstRow]) * tile.Lanes;
    }

    void AddLevels(
        int row,
        int firstRow,
        ColumnTile tile,
        byte* counts,
        nint strideA,
        nint strideB,
        int first,
        int levels
    )
    {
        ForgetItself(row, tile, counts, strideA, strideB, levels);
        var reach = 8;
        for (var lane = FirstLane(row, tile); lane < EndLane(tile); lane += Lanes)
        {
            var group = GroupOf(row, firstRow, lane);
            failed[group] |= !sums.Add(
                StateOf(group),
                counts + lane,
                strideA,
                strideB,
                genes.Levels[row],
                levels,
                ref reach
            );
            failed[group] |= !sums.AddColumns(StateOf(group), tile.Terms, lane, first, levels);
            if (!occupied || failed[group])
                continue;
            var cells = NarrowSums.Occupied(StateOf(group));
            OccupiedCells.AddPairs(cells, counts + lane, strideA, strideB, genes.Levels[row], levels);
            OccupiedCells.AddColumns(cells, tile.Terms, lane, first, levels, sums.Columns);
        }
    }

    /// <summary>A gene against itself has far larger counts than its neighbours, and nobody asks for them.</summary>
    void ForgetItself(int row, ColumnTile tile, byte* counts, nint strideA, nint strideB, int levels)
    {
        if (row < tile.First || row >= tile.End)
            return;
        for (var a = 0; a < genes.Levels[row]; a++)
        for (var b = 0; b < levels; b++)
            counts[a * strideA + b * strideB + row - tile.First] = 0;
    }

    void Finish(int firstRow, int endRow, ColumnTile tile, PairBlock block)
    {
        fixed (int* sizes = genes.LevelSizes)
            for (var row = firstRow; row < endRow; row++)
                Finish(row, firstRow, Terms(row, sizes), tile, block);
    }

    void Finish(int row, int firstRow, RowTerms terms, ColumnTile tile, PairBlock block)
    {
        int* wide = null;
        for (var lane = FirstLane(row, tile); lane < EndLane(tile); lane += Lanes)
        {
            var group = GroupOf(row, firstRow, lane);
            if (!failed[group] && sums.AddRows(StateOf(group), terms))
                ScoreNarrow(StateOf(group), terms, tile, lane);
            else
            {
                if (wide == null)
                    counter.CountWide(row, tile.Planes(), wide = RoomForWide(terms, tile));
                ScoreWide(wide, terms, tile, lane);
            }
            Put(row, lane, terms, tile, block);
        }
    }

    void ScoreNarrow(byte* state, RowTerms terms, ColumnTile tile, int lane)
    {
        NarrowScores.Score(state, kernel.Planes.Table, task.Cells, terms, tile.Terms, lane, scores);
        if (!occupied)
            return;
        var cells = NarrowSums.Occupied(state);
        OccupiedCells.AddRows(cells, terms, (byte*)NarrowSums.Rows(state));
        new Span<byte>(cells, Lanes).CopyTo(new Span<byte>(scores.Occupied, Lanes));
    }

    void ScoreWide(int* counts, RowTerms terms, ColumnTile tile, int lane)
    {
        WideScores.Score(counts, kernel.Planes.Table, task.Cells, terms, tile.Terms, lane, scores);
        if (occupied)
            OccupiedCells.Count(
                scores.Occupied,
                counts,
                (nint)tile.Levels * tile.Lanes,
                tile.Lanes,
                terms,
                tile.Terms,
                lane
            );
    }

    void ScoreWide(byte* counts, nint strideA, nint strideB, RowTerms terms, ColumnTile tile, int lane)
    {
        WideScores.Score(counts, strideA, strideB, kernel.Planes.Table, task.Cells, terms, tile.Terms, lane, scores);
        if (occupied)
            OccupiedCells.Count(scores.Occupied, counts, strideA, strideB, terms, tile.Terms, lane);
    }

    int* RoomForWide(RowTerms terms, ColumnTile tile) =>
        (int*)counter.Room((long)terms.Levels * tile.Levels * tile.Lanes * sizeof(int));

    /// <summary>Scores a row from counts in bytes whose sums do not fit in bytes, unless a count is too large itself.</summary>
    void ScoreBytes(int row, RowTerms terms, ColumnTile tile, byte* counts, nint strideA, nint strideB, PairBlock block)
    {
        ForgetItself(row, tile, counts, strideA, strideB, tile.Levels);
        if (AnyFull(terms.Levels, tile, counts, strideA, strideB))
        {
            var wide = RoomForWide(terms, tile);
            counter.CountWide(row, tile.Planes(), wide);
            ScoreWide(row, terms, tile, wide, block);
            return;
        }
        for (var lane = FirstLane(row, tile); lane < EndLane(tile); lane += Lanes)
        {
            ScoreWide(counts, strideA, strideB, terms, tile, lane);
            Put(row, lane, terms, tile, block);
        }
    }

    static bool AnyFull(int levels, ColumnTile tile, byte* counts, nint strideA, nint strideB)
    {
        for (var a = 0; a < levels; a++)
        for (var b = 0; b < tile.Levels; b++)
            if (new ReadOnlySpan<byte>(counts + a * strideA + b * strideB, tile.Lanes).Contains(byte.MaxValue))
                return true;
        return false;
    }

    void ScoreWide(int row, RowTerms terms, ColumnTile tile, int* counts, PairBlock block)
    {
        for (var lane = FirstLane(row, tile); lane < EndLane(tile); lane += Lanes)
        {
            ScoreWide(counts, terms, tile, lane);
            Put(row, lane, terms, tile, block);
        }
    }

    void ByScatter(int firstRow, int endRow, ColumnTile tile, PairBlock block)
    {
        var from = counter.StartsFrom(tile, firstRow);
        fixed (int* sizes = genes.LevelSizes)
            for (var row = firstRow; row < endRow; row++)
                ByScatter(row, Terms(row, sizes), tile, from, block);
    }

    void ByScatter(int row, RowTerms terms, ColumnTile tile, ReadOnlySpan<int> from, PairBlock block)
    {
        var counts = RoomForWide(terms, tile);
        if (tile.LargestLevel < byte.MaxValue)
        {
            var (strideA, strideB) = ((nint)tile.Levels * tile.Lanes, (nint)tile.Lanes);
            counter.Scatter(row, tile, from, (byte*)counts);
            if (narrow)
                ScoreNarrow(row, terms, tile, (byte*)counts, block);
            else
                ScoreBytes(row, terms, tile, (byte*)counts, strideA, strideB, block);
        }
        else
        {
            counter.Scatter(row, tile, from, counts);
            ScoreWide(row, terms, tile, counts, block);
        }
    }

    void ScoreNarrow(int row, RowTerms terms, ColumnTile tile, byte* counts, PairBlock block)
    {
        var (strideA, strideB) = ((nint)tile.Levels * tile.Lanes, (nint)tile.Lanes);
        Begin(1);
        AddLevels(row, row, tile, counts, strideA, strideB, 0, tile.Levels);
        for (var lane = FirstLane(row, tile); lane < EndLane(tile); lane += Lanes)
        {
            var group = GroupOf(row, row, lane);
            if (!failed[group] && sums.AddRows(StateOf(group), terms))
                ScoreNarrow(StateOf(group), terms, tile, lane);
            else
                ScoreWide(counts, strideA, strideB, terms, tile, lane);
            Put(row, lane, terms, tile, block);
        }
    }

    void Put(int row, int lane, RowTerms terms, ColumnTile tile, PairBlock block)
    {
        var from = Math.Max(Math.Max(row + 1 - tile.First, 0), lane);
        var end = Math.Min(lane + Lanes, EndLane(tile));
        var at = (row - block.FirstRow) * block.Width + from;
        new Span<long>(scores.Numerators + from - lane, end - from).CopyTo(block.Numerators.AsSpan(at));
        new Span<int>(scores.Both + from - lane, end - from).CopyTo(block.Both.AsSpan(at));
        if (task.Cells == CellsIn.All)
            block.Cells.AsSpan(at, end - from).Fill(genes.Cells);
        else
            for (var column = from; column < end; column++)
                block.Cells[at + column - from] =
                    terms.Expressed + tile.Terms.Expressed[column] - scores.Both[column - lane];
        if (occupied)
            PutOccupied(at, from, end, lane, terms, tile, block);
    }

    void PutOccupied(int at, int from, int end, int lane, RowTerms terms, ColumnTile tile, PairBlock block)
    {
        for (var column = from; column < end; column++)
        {
            var either = terms.Expressed + tile.Terms.Expressed[column] - scores.Both[column - lane];
            var neither = task.Cells == CellsIn.All && genes.Cells > either ? 1 : 0;
            block.Occupied[at++] = scores.Occupied[column - lane] + neither;
        }
    }
}
