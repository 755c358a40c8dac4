using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What the rows of a matrix are.</summary>
public enum MatrixRows
{
    /// <summary>As the format usually has them.</summary>
    Usual,

    /// <summary>Rows are cells, columns genes.</summary>
    Cells,

    /// <summary>Rows are genes, columns cells.</summary>
    Genes,
}

/// <summary>How a file of cells is read.</summary>
public sealed record ReadSettings
{
    /// <summary>The layer to take instead of the main matrix; "raw" is the matrix before genes were left out. Default: none.</summary>
    public string? Layer { get; init; }

    /// <summary>What the rows of a table, a Matrix Market file or an array are. Default: as its format usually has them,
    /// cells in tables and arrays, genes in Matrix Market.</summary>
    public MatrixRows Rows { get; init; }

    /// <summary>Threads to read with. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}

/// <summary>Cells x genes: counts with the names of cells and genes.</summary>
public sealed class CellData
{
    internal CellData(Cells cells) => Value = cells;

    internal Cells Value { get; }

    /// <summary>Where the data came from: a path, or a word such as "simulated".</summary>
    public string Source => Value.Source;

    /// <summary>Names of the cells.</summary>
    public IReadOnlyList<string> CellNames => Value.CellTable.Names;

    /// <summary>Names of the genes.</summary>
    public IReadOnlyList<string> GeneNames => Value.GeneTable.Names;

    /// <summary>Number of stored values.</summary>
    public long Entries => Value.Counts.Entries;

    /// <summary>Reads .h5ad, 10x .h5, Matrix Market (folder or file), .tsv, .csv or .npy; .gz is unpacked.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="settings">How to read it; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="token">Stops the reading.</param>
    /// <exception cref="CoExprException">The file is missing, damaged, or of no known format.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<CellData> ReadAsync(
        string path,
        ReadSettings? settings = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(path);
        var chosen = settings ?? new ReadSettings();
        return Task.Run(
            () => new CellData(CoExprException.Unwrap(Input.read(Options(chosen, progress, token), path))),
            token
        );
    }

    /// <summary>Cells from a dense matrix.</summary>
    /// <param name="values">Cells x genes values, one cell after the other.</param>
    /// <param name="cellNames">One name per cell.</param>
    /// <param name="geneNames">One name per gene.</param>
    /// <exception cref="ArgumentException">There are not cells x genes values.</exception>
    public static CellData FromDense(float[] values, IEnumerable<string> cellNames, IEnumerable<string> geneNames)
    {
        ArgumentNullException.ThrowIfNull(values);
        var (cells, genes) = (Names(cellNames), Names(geneNames));
        return Create(SparseCounts.OfDense(cells.Length, genes.Length, values), cells, genes);
    }

    /// <summary>Cells from a sparse matrix, compressed by cell (CSR); the arrays are kept, and sorted if need be.</summary>
    /// <param name="starts">Where each cell's values begin; one more than there are cells.</param>
    /// <param name="genes">Gene of every value, from 0.</param>
    /// <param name="values">The values.</param>
    /// <param name="cellNames">One name per cell.</param>
    /// <param name="geneNames">One name per gene.</param>
    /// <exception cref="ArgumentException">The arrays do not fit together.</exception>
    public static CellData FromSparse(
        long[] starts,
        int[] genes,
        float[] values,
        IEnumerable<string> cellNames,
        IEnumerable<string> geneNames
    )
    {
        ArgumentNullException.ThrowIfNull(starts);
        ArgumentNullException.ThrowIfNull(genes);
        ArgumentNullException.ThrowIfNull(values);
        var (cellArray, geneArray) = (Names(cellNames), Names(geneNames));
        var counts = SparseCounts.OfCells(cellArray.Length, geneArray.Length, new(starts, genes, values));
        return Create(counts, cellArray, geneArray);
    }

    internal static InputOptions Options(
        ReadSettings settings,
        IProgress<JobProgress>? progress,
        CancellationToken token
    ) =>
        new(
            new(
                settings.Layer switch
                {
                    null => MatrixChoice.Main,
                    "raw" => MatrixChoice.Raw,
                    var name => MatrixChoice.NewLayer(name),
                },
                settings.Threads,
                JobProgress.Of(progress, token)
            ),
            settings.Rows switch
            {
                MatrixRows.Cells => FSharpOption<RowsAre>.Some(RowsAre.Cells),
                MatrixRows.Genes => FSharpOption<RowsAre>.Some(RowsAre.Genes),
                _ => null,
            }
        );

    /// <summary>What is in a file that <see cref="ReadAsync"/> reads, as names and texts for a person; the large arrays of
    /// HDF5 files are not read.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="settings">How to read it; the defaults of <see cref="ReadSettings"/> if omitted.</param>
    /// <param name="token">Stops the reading.</param>
    /// <exception cref="CoExprException">The file is missing, damaged, or of no known format.</exception>
    public static Task<IReadOnlyList<KeyValuePair<string, string>>> DescribeAsync(
        string path,
        ReadSettings? settings = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(path);
        var options = Options(settings ?? new ReadSettings(), null, token);
        return Task.Run<IReadOnlyList<KeyValuePair<string, string>>>(
            () =>
                CoExprException
                    .Unwrap(Input.describe(options, path))
                    .Select(line => KeyValuePair.Create(line.Item1, line.Item2))
                    .ToArray(),
            token
        );
    }

    static string[] Names(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return names.ToArray();
    }

    static CellData Create(SparseCounts counts, string[] cells, string[] genes) =>
        new(
            CoExprException.Unwrap(
                CellsModule.create("the given matrix", counts, TableModule.ofNames(cells), TableModule.ofNames(genes))
            )
        );
}
