using System;
using System.IO;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>Scores rectangles of pairs on a device. Not for several threads at once.</summary>
sealed class DeviceScorer : IDisposable
{
    readonly OpenClSession session;
    readonly BinnedGenes genes;
    readonly PairTask task;
    readonly GeneValues? values;
    readonly DeviceTile tile;
    readonly DeviceBuffer[] buffers;
    readonly DeviceBuffer table,
        levelStarts,
        levelSizes,
        expressed;
    readonly DeviceBuffer listStarts,
        listCells,
        valueStarts,
        valueCells,
        valueItems;
    readonly DeviceBuffer counts,
        numerators,
        cells,
        boths,
        occupied,
        products;
    bool hasGenes;

    // What comes back from the device, before it is put in its places.
    long[] readNumerators = [];
    int[] readCells = [];
    int[] readBoths = [];
    int[] readOccupied = [];
    double[] readProducts = [];

    internal DeviceScorer(OpenClSession session, BinnedGenes genes, PairTask task, GpuSettings settings)
    {
        (this.session, this.genes, this.task) = (session, genes, task);
        SumsProducts =
            task.Wants(PairParts.Signs | PairParts.Products) && settings.Products && session.Limits.ExactDoubles;
        values = SumsProducts ? task.Values : null;
        tile = new DeviceTile(session, genes, values, settings.Histogram);
        buffers = new DeviceBuffer[15];
        for (var i = 0; i < buffers.Length; i++)
            buffers[i] = new DeviceBuffer(session);
        (table, levelStarts, levelSizes, expressed) = (buffers[0], buffers[1], buffers[2], buffers[3]);
        (listStarts, listCells) = (buffers[4], buffers[5]);
        (valueStarts, valueCells, valueItems) = (buffers[6], buffers[7], buffers[8]);
        (counts, numerators, cells) = (buffers[9], buffers[10], buffers[11]);
        (boths, occupied, products) = (buffers[12], buffers[13], buffers[14]);
    }

    /// <summary>Whether <see cref="Score"/> gives products, if they are wanted; the processor must otherwise.</summary>
    internal bool SumsProducts { get; }

    /// <summary>Builds the kernels that scoring takes.</summary>
    internal static void Build(OpenClSession session)
    {
        session.Build(Source("histogram.cl"), "fill_planes", "count_planes", "count_scatter");
        session.Build(Source("entropy.cl"), "score");
        if (session.Limits.ExactDoubles)
            session.Build(Source("products.cl"), "fill_values", "sum_products");
    }

    static string Source(string file)
    {
        using var stream = typeof(DeviceScorer).Assembly.GetManifestResourceStream("CoExpr.Gpu." + file)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Scores the pairs row &lt; column of a part of a block into it.</summary>
    /// <param name="part">The part.</param>
    /// <param name="block">Receives numerators, cells, both and occupied.</param>
    /// <param name="sums">Receives products, place by place as the block, if <see cref="SumsProducts"/>.</param>
    /// <exception cref="OpenClException">The device refuses.</exception>
    internal void Score(PairRange part, PairBlock block, double[] sums)
    {
        var (rows, columns) = (part.EndRow - part.FirstRow, part.EndColumn - part.FirstColumn);
        HoldGenes();
        tile.Hold(part.FirstColumn, part.EndColumn);
        var (starts, lists) = CellLists.ByLevel(genes, part.FirstRow, part.EndRow);
        listStarts.Write<int>(starts);
        listCells.Write<int>(lists);
        tile.Count(listStarts, listCells, starts.Length - 1, counts);
        Entropies(part, rows, columns);
        if (SumsProducts)
            Multiply(part);
        Read(rows * columns);
        PairCopy.Lines(part, block, (to, from, count) => Copy(block, sums, to, from, count));
    }

    void HoldGenes()
    {
        if (hasGenes)
            return;
        var numbers = new int[genes.Genes];
        for (var gene = 0; gene < numbers.Length; gene++)
            numbers[gene] = genes.Expressed(gene);
        table.Write<long>(EntropyTable.Create(genes.Cells));
        levelStarts.Write<int>(genes.LevelStarts);
        levelSizes.Write<int>(genes.LevelSizes);
        expressed.Write<int>(numbers);
        hasGenes = true;
    }

    void Entropies(PairRange part, int rows, int columns)
    {
        var pairs = (long)rows * columns;
        session.Run(
            "score",
            (columns, rows),
            table,
            levelStarts,
            levelSizes,
            expressed,
            part.FirstRow,
            rows,
            part.FirstColumn,
            columns,
            genes.Cells,
            task.Cells == CellsIn.All ? 1 : 0,
            counts,
            tile.Width,
            numerators.Reserve<long>(pairs),
            cells.Reserve<int>(pairs),
            boths.Reserve<int>(pairs),
            occupied.Reserve<int>(pairs)
        );
    }

    void Multiply(PairRange part)
    {
        var (first, end) = ((int)values!.Starts[part.FirstRow], (int)values.Starts[part.EndRow]);
        var starts = new int[part.EndRow - part.FirstRow + 1];
        for (var row = 0; row < starts.Length; row++)
            starts[row] = (int)values.Starts[part.FirstRow + row] - first;
        valueStarts.Write<int>(starts);
        valueCells.Write<int>(values.CellOf.AsSpan(first, end - first));
        valueItems.Write<float>(values.Values.AsSpan(first, end - first));
        tile.Multiply(part, valueStarts, valueCells, valueItems, products);
    }

    void Read(int pairs)
    {
        if (readNumerators.Length < pairs)
        {
            readNumerators = new long[pairs];
            (readCells, readBoths, readOccupied) = (new int[pairs], new int[pairs], new int[pairs]);
            readProducts = new double[SumsProducts ? pairs : 0];
        }
        numerators.Read(readNumerators.AsSpan(0, pairs));
        cells.Read(readCells.AsSpan(0, pairs));
        boths.Read(readBoths.AsSpan(0, pairs));
        occupied.Read(readOccupied.AsSpan(0, pairs));
        if (SumsProducts)
            products.Read(readProducts.AsSpan(0, pairs));
    }

    void Copy(PairBlock block, double[] sums, int to, int from, int count)
    {
        Array.Copy(readNumerators, from, block.Numerators, to, count);
        Array.Copy(readCells, from, block.Cells, to, count);
        Array.Copy(readBoths, from, block.Both, to, count);
        Array.Copy(readOccupied, from, block.Occupied, to, count);
        if (SumsProducts)
            Array.Copy(readProducts, from, sums, to, count);
    }

    /// <summary>Gives the device's memory back; the next score takes new.</summary>
    public void Dispose()
    {
        hasGenes = false;
        tile.Dispose();
        foreach (var buffer in buffers)
            buffer.Dispose();
    }
}
