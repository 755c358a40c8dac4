using System;
using System.Linq;
using CoExpr.IO;
using Microsoft.FSharp.Core;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>A small screen: counts, one row per cell, and what was done to each cell.</summary>
sealed record ScreenSample(Sample Counts, string[] Labels, string[] Batches)
{
    /// <summary>Three cells of a, four controls, two of b, and one without a label. By hand, of the counts themselves: in
    /// gene G, a has 3 1 0 against 0 0 1 2, so that U is 4 + 2.5 + 1 = 7.5; H is up in a, in none of b; Z is in no cell.</summary>
    internal static readonly ScreenSample Known = new(
        Sample.OfGenes(
            10,
            ("G", [3, 1, 0, 0, 0, 1, 2, 5, 6, 9]),
            ("H", [9, 8, 7, 1, 2, 3, 4, 0, 0, 9]),
            ("Z", []),
            ("K", [4, 4, 4, 4, 4, 4, 4, 4, 4, 4])
        ),
        ["a", "a", "a", "control", "control", "control", "control", "b", "b", null!],
        ["x", "x", "y", "x", "x", "y", "y", "x", "y", "x"]
    );

    /// <summary>Writes it as .h5ad.</summary>
    internal string WriteH5ad(string path)
    {
        Tuple<string, Column>[] columns =
        [
            Tuple.Create("perturbation", ColumnModule.categories(Labels)),
            Tuple.Create("batch", ColumnModule.categories(Batches)),
        ];
        var bare = AnnDataPartsModule.ofTables(new(Counts.CellNames, columns), TableModule.ofNames(Counts.GeneNames));
        var matrix = SparseCounts.OfDense(Counts.CellNames.Length, Counts.GeneNames.Length, Counts.Flat);
        var parts = new AnnDataParts(
            FSharpOption<MatrixPart>.Some(MatrixPart.NewCounts(matrix)),
            bare.CellTable,
            bare.GeneTable,
            bare.Layers,
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

    /// <summary>The same with other labels, one a cell, "-" for none.</summary>
    internal ScreenSample Labelled(string labels) =>
        this with
        {
            Labels = labels.Split(' ').Select(label => label == "-" ? null! : label).ToArray(),
        };
}
