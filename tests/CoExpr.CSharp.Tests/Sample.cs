using System;
using System.IO;
using System.Linq;
using System.Text;
using CoExpr.IO;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>A small matrix, one row per cell, and the files that it can be put in.</summary>
sealed record Sample(float[][] Values, string[] GeneNames, string[] CellNames)
{
    /// <summary>20 cells whose scores are worked out by hand: A in 5 cells, B in 5 others, C and D alike with 4 different
    /// counts in 4 of A's cells, E in 2 cells.</summary>
    internal static readonly Sample Known = OfGenes(
        20,
        ("A", [1, 1, 1, 1, 1]),
        ("B", [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
        ("C", [1, 2, 3, 4]),
        ("D", [1, 2, 3, 4]),
        ("E", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 7])
    );

    /// <summary>Genes by their counts in the first cells; the others have none.</summary>
    internal static Sample OfGenes(int cells, params (string Name, float[] Counts)[] genes) =>
        new(
            Enumerable
                .Range(0, cells)
                .Select(cell => genes.Select(gene => gene.Counts.ElementAtOrDefault(cell)).ToArray())
                .ToArray(),
            genes.Select(gene => gene.Name).ToArray(),
            Enumerable.Range(1, cells).Select(cell => $"cell{cell}").ToArray()
        );

    /// <summary>The same with one value changed.</summary>
    internal Sample With(string gene, int cell, float value)
    {
        var changed = Values.Select(row => row.ToArray()).ToArray();
        changed[cell][Array.IndexOf(GeneNames, gene)] = value;
        return this with { Values = changed };
    }

    /// <summary>The same with one gene called otherwise.</summary>
    internal Sample Renamed(string gene, string name) =>
        this with
        {
            GeneNames = GeneNames.Select(old => old == gene ? name : old).ToArray(),
        };

    internal float[] Flat => Values.SelectMany(row => row).ToArray();

    internal CellData Data => CellData.FromDense(Flat, CellNames, GeneNames);

    SparseCounts Counts => SparseCounts.OfDense(CellNames.Length, GeneNames.Length, Flat);

    /// <summary>Writes it as .h5ad, with its values again in each of the named layers.</summary>
    internal string WriteH5ad(string path, params string[] layers)
    {
        var bare = AnnDataPartsModule.ofTables(TableModule.ofNames(CellNames), TableModule.ofNames(GeneNames));
        var counts = MatrixPart.NewCounts(Counts);
        var parts = new AnnDataParts(
            FSharpOption<MatrixPart>.Some(counts),
            bare.CellTable,
            bare.GeneTable,
            ListModule.OfSeq(layers.Select(layer => Tuple.Create(layer, counts))),
            bare.CellMatrices,
            bare.GeneMatrices,
            bare.CellPairs,
            bare.GenePairs,
            bare.Unstructured
        );
        var written = Programs.NoneStartingDuring(() => AnnData.write(1, path, parts));
        Assert.That(written.IsOk, () => CoExprErrorModule.describe(written.ErrorValue));
        return path;
    }

    /// <summary>Writes it as a table, one row per cell.</summary>
    internal string WriteTsv(string path)
    {
        var text = new StringBuilder(string.Join('\t', GeneNames.Prepend("cell"))).Append('\n');
        foreach (var (row, cell) in Values.Zip(CellNames))
            text.Append(FormattableString.Invariant($"{cell}\t{string.Join('\t', row)}\n"));
        File.WriteAllText(path, text.ToString());
        return path;
    }

    /// <summary>Writes it as the folder that 10x's Cell Ranger makes.</summary>
    internal string WriteTenXFolder(string path)
    {
        Directory.CreateDirectory(path);
        var entries =
            from cell in Enumerable.Range(0, CellNames.Length)
            from gene in Enumerable.Range(0, GeneNames.Length)
            where Values[cell][gene] != 0
            select FormattableString.Invariant($"{gene + 1} {cell + 1} {Values[cell][gene]}");
        var lines = entries.ToArray();
        File.WriteAllLines(
            Path.Combine(path, "matrix.mtx"),
            lines
                .Prepend($"{GeneNames.Length} {CellNames.Length} {lines.Length}")
                .Prepend("%%MatrixMarket matrix coordinate integer general")
        );
        var features = GeneNames.Select((gene, at) => $"ENSG{at:D11}\t{gene}\tGene Expression");
        File.WriteAllLines(Path.Combine(path, "features.tsv"), features);
        File.WriteAllLines(Path.Combine(path, "barcodes.tsv"), CellNames);
        return path;
    }
}
