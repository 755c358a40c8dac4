using System;
using CoExpr.Kernels;

namespace CoExpr.Gpu;

/// <summary>A tile of columns on a device, kept until another is asked for.</summary>
sealed class DeviceTile(OpenClSession session, BinnedGenes genes, GeneValues? values, GpuHistogram histogram)
    : IDisposable
{
    /// <summary>Share of a tile's counters that a cell has, below which scattering is the faster.</summary>
    // By the instruction rates of a large card (none was at hand): per clock, a multiprocessor does 64 three-input logic
    // operations on 32 counters each, of which a row takes 3, or 8 to 16 increments of shared memory. They tie where a
    // tenth of the genes of 10 levels are expressed, which is a hundredth of their counters.
    const double ScatterBelow = 0.01;

    readonly DeviceBuffer starts = new(session);
    readonly DeviceBuffer counters = new(session);
    readonly DeviceBuffer planes = new(session);
    readonly DeviceBuffer valueStarts = new(session);
    readonly DeviceBuffer valueGenes = new(session);
    readonly DeviceBuffer valueItems = new(session);
    readonly DeviceBuffer dense = new(session);
    (int First, int End) held = (-1, -1);

    /// <summary>Number of counters: all levels of all its genes.</summary>
    internal int Width { get; private set; }

    bool scatters;

    int Words => (Width + 31) / 32;

    /// <summary>Brings these columns to the device if they are not there.</summary>
    internal void Hold(int firstGene, int endGene)
    {
        if (held == (firstGene, endGene))
            return;
        held = (-1, -1);
        Width = genes.LevelStarts[endGene] - genes.LevelStarts[firstGene];
        var (begin, items) = CellLists.Counters(genes, firstGene, endGene);
        starts.Write<int>(begin);
        counters.Write<int>(items);
        scatters = histogram switch
        {
            GpuHistogram.Planes => false,
            GpuHistogram.Scatter => true,
            _ => items.Length < ScatterBelow * Width * genes.Cells,
        };
        if (!scatters)
            FillPlanes();
        if (values is not null)
            FillValues(values, firstGene, endGene);
        held = (firstGene, endGene);
    }

    void FillPlanes()
    {
        planes.Reserve<uint>((long)genes.Cells * Words);
        session.Run("fill_planes", (genes.Cells, 1), starts, counters, genes.Cells, Words, planes);
    }

    void FillValues(GeneValues values, int firstGene, int endGene)
    {
        var (begin, geneOf, items) = CellLists.Values(values, firstGene, endGene);
        valueStarts.Write<int>(begin);
        valueGenes.Write<int>(geneOf);
        valueItems.Write<float>(items);
        var columns = endGene - firstGene;
        dense.Reserve<float>((long)genes.Cells * columns);
        session.Run("fill_values", (genes.Cells, 1), valueStarts, valueGenes, valueItems, genes.Cells, columns, dense);
    }

    /// <summary>Counts the lists of cells against the tile: lines x <see cref="Width"/> counts.</summary>
    internal void Count(DeviceBuffer listStarts, DeviceBuffer cellOf, int lines, DeviceBuffer counts)
    {
        counts.Reserve<int>((long)lines * Width);
        if (Width == 0)
            return;
        if (scatters)
            session.Run(
                "count_scatter",
                ((long)lines * session.Group, 1),
                listStarts,
                cellOf,
                starts,
                counters,
                Width,
                counts,
                KernelArgument.Local(Width * sizeof(int))
            );
        else
            session.Run("count_planes", (Words, lines), listStarts, cellOf, lines, planes, Words, Width, counts);
    }

    /// <summary>Sums the products of the rows' values with the tile's: rows x columns of them.</summary>
    internal void Multiply(
        PairRange part,
        DeviceBuffer listStarts,
        DeviceBuffer cellOf,
        DeviceBuffer rowValues,
        DeviceBuffer products
    )
    {
        var (rows, columns) = (part.EndRow - part.FirstRow, part.EndColumn - part.FirstColumn);
        products.Reserve<double>((long)rows * columns);
        session.Run(
            "sum_products",
            (columns, rows),
            listStarts,
            cellOf,
            rowValues,
            part.FirstRow,
            rows,
            part.FirstColumn,
            columns,
            dense,
            products
        );
    }

    /// <summary>Gives its memory back; <see cref="Hold"/> takes new.</summary>
    public void Dispose()
    {
        held = (-1, -1);
        foreach (var buffer in new[] { starts, counters, planes, valueStarts, valueGenes, valueItems, dense })
            buffer.Dispose();
    }
}
