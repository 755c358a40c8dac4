using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>What one perturbation does to one gene.</summary>
/// <param name="Perturbation">What was done.</param>
/// <param name="Gene">The gene.</param>
/// <param name="Effect">Tests of counts: the log2 fold change. Rank-sum: the area under the ROC curve less 1/2. Welch: the difference of the means of the tested
/// values. NaN where there was no test.</param>
/// <param name="Log2FoldChange">Of the mean over that of the reference.</param>
/// <param name="Statistic">z or t; NaN where there was no test.</param>
/// <param name="PValue">NaN where there was no test: <paramref name="Status"/> says why.</param>
/// <param name="Log10PValue">Its base-10 logarithm, also where it is too small for a double.</param>
/// <param name="QValue">The false discovery rate at which the row is called (Benjamini and Hochberg).</param>
/// <param name="Mean">Of the perturbed cells.</param>
/// <param name="ReferenceMean">Of the cells that they are compared with.</param>
/// <param name="Fraction">Share of the perturbed cells with a value other than 0.</param>
/// <param name="ReferenceFraction">The same of the cells that they are compared with.</param>
/// <param name="Status">ok, zero_in_perturbed, zero_in_reference, all_zero, all_tied, too_few_cells, no_variance,
/// not_converged or low_expression.</param>
/// <param name="StandardError">Of the log2 fold change; NaN for tests other than those of counts.</param>
/// <param name="ShrunkenLog2FoldChange">The log2 fold change drawn towards 0; NaN unless that was asked for.</param>
/// <param name="SValue">The share of wrong signs among the rows of at least this certainty of their sign; NaN unless
/// shrinkage was asked for.</param>
public readonly record struct DifferentialRow(
    string Perturbation,
    string Gene,
    double Effect,
    double Log2FoldChange,
    double Statistic,
    double PValue,
    double Log10PValue,
    double QValue,
    double Mean,
    double ReferenceMean,
    double Fraction,
    double ReferenceFraction,
    string Status,
    double StandardError,
    double ShrunkenLog2FoldChange,
    double SValue
);

/// <summary>What each perturbation changes, gene by gene.</summary>
public sealed class DifferentialExpressionResult
{
    readonly DifferentialResult result;

    internal DifferentialExpressionResult(DifferentialResult result, DifferentialOutput output) =>
        (this.result, Output) = (result, output);

    DifferentialOutput Output { get; }

    /// <summary>The perturbations, in the order of the rows.</summary>
    public IReadOnlyList<string> Perturbations => result.Perturbations;

    /// <summary>The genes, in the order of the input.</summary>
    public IReadOnlyList<string> Genes => result.GeneTable.Names;

    /// <summary>The control's label, or "rest".</summary>
    public string Reference => result.Reference;

    /// <summary>Cells of each perturbation.</summary>
    public IReadOnlyList<int> Cells => result.Cells;

    /// <summary>Cells that each perturbation is compared with.</summary>
    public IReadOnlyList<int> ReferenceCells => result.ReferenceCells;

    /// <summary>Cells of the input that take no part: without a label, or empty where these are left out.</summary>
    public int LeftOut => result.LeftOut;

    /// <summary>The share of p-values of at most this level when controls are tested against controls, which should be the
    /// level; NaN unless <see cref="DifferentialExpressionOptions.CalibrationSplits"/> or
    /// <see cref="DifferentialExpressionOptions.GuideColumn"/> asked for it, or if no gene could be tested.</summary>
    /// <param name="level">Above 0, at most 1.</param>
    public double FalsePositiveRate(double level) =>
        result.Calibration is null ? double.NaN : CalibrationModule.rate(level, result.Calibration.Value);

    /// <summary>Every gene of every perturbation. Made as it is read.</summary>
    public IEnumerable<DifferentialRow> Rows =>
        from perturbation in Enumerable.Range(0, Perturbations.Count)
        from gene in Enumerable.Range(0, Genes.Count)
        select Row(perturbation, gene);

    /// <summary>The genes of one perturbation, lowest p first; those without a p last.</summary>
    /// <param name="perturbation">Its label.</param>
    /// <exception cref="ArgumentException">There is no such perturbation.</exception>
    public IReadOnlyList<DifferentialRow> Of(string perturbation)
    {
        var number = Number(perturbation, Perturbations, nameof(perturbation));
        return
        [
            .. Enumerable
                .Range(0, Genes.Count)
                .Select(gene => Row(number, gene))
                .OrderBy(row => double.IsNaN(row.Log10PValue))
                .ThenBy(row => row.Log10PValue),
        ];
    }

    /// <summary>One gene of one perturbation.</summary>
    /// <param name="perturbation">Its label.</param>
    /// <param name="gene">Name of the gene.</param>
    /// <exception cref="ArgumentException">There is no such perturbation or gene.</exception>
    public DifferentialRow Row(string perturbation, string gene) =>
        Row(Number(perturbation, Perturbations, nameof(perturbation)), Number(gene, Genes, nameof(gene)));

    /// <summary>Writes the results: .tsv or .csv (.gz packs it), a row for each gene of each perturbation, or .h5ad,
    /// perturbations x genes. The file appears complete or not at all.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="progress">Told how far the writing is.</param>
    /// <param name="token">Stops the writing.</param>
    /// <exception cref="CoExprException">The file cannot be written, or its ending is not known.</exception>
    public Task SaveAsync(string path, IProgress<JobProgress>? progress = null, CancellationToken token = default) =>
        Task.Run(
            () => CoExprException.Unwrap(DifferentialFile.write(JobProgress.Of(progress, token), Output, result, path)),
            token
        );

    DifferentialRow Row(int perturbation, int gene)
    {
        var (rows, place) = (result.Rows, result.Place(perturbation, gene));
        return new(
            Perturbations[perturbation],
            Genes[gene],
            rows.Effect[place],
            rows.LogFoldChange[place],
            rows.Statistic[place],
            rows.PValue[place],
            rows.Log10P[place],
            rows.QValue[place],
            rows.Mean[place],
            rows.ReferenceMean[place],
            rows.Fraction[place],
            rows.ReferenceFraction[place],
            RowStatusModule.text(rows.Status[place]),
            Further(ContrastRowsModule.StandardError, place),
            Further(FoldChangeShrinkage.Shrunken, place),
            Further(FoldChangeShrinkage.SValue, place)
        );
    }

    /// <summary>A value of a column that not every test has.</summary>
    double Further(string name, int place)
    {
        foreach (var (column, values) in result.Rows.Further)
            if (column == name)
                return values[place];
        return double.NaN;
    }

    static int Number(string name, IReadOnlyList<string> names, string kind)
    {
        ArgumentNullException.ThrowIfNull(name);
        var number = Array.IndexOf((string[])names, name);
        return number >= 0 ? number : throw new ArgumentException($"{name} is none of {names.Count} {kind}s", kind);
    }
}
