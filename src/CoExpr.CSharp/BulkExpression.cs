using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What is compared: one level of a factor with another, or one coefficient.</summary>
public sealed record BulkContrast
{
    BulkContrast(Contrast value) => Value = value;

    internal Contrast Value { get; }

    /// <summary>The name that results have it under.</summary>
    public string Name => ContrastModule.name(Value);

    /// <summary>One level of a factor against another.</summary>
    /// <param name="factor">A column of the table of samples.</param>
    /// <param name="level">The level whose rise is a positive fold change.</param>
    /// <param name="reference">The level that it is compared with.</param>
    public static BulkContrast Levels(string factor, string level, string reference)
    {
        ArgumentNullException.ThrowIfNull(factor);
        ArgumentNullException.ThrowIfNull(level);
        ArgumentNullException.ThrowIfNull(reference);
        return new(Contrast.NewLevels(factor, level, reference));
    }

    /// <summary>One coefficient by its name: age, condition_treated_vs_control.</summary>
    public static BulkContrast Coefficient(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new(Contrast.NewCoefficient(name));
    }

    /// <summary>A contrast as the command line has it: "column,level,reference" or the name of a coefficient. What has commas
    /// itself is in double quotes, as in a line of CSV.</summary>
    /// <param name="words">Such as "condition,treated,control" or "condition,\"5 nM, 2 h\",control".</param>
    /// <exception cref="CoExprException">It is neither.</exception>
    public static BulkContrast Parse(string words)
    {
        ArgumentNullException.ThrowIfNull(words);
        return new(CoExprException.Unwrap(ContrastModule.parse(words)));
    }

    /// <summary>A weighted sum of coefficients; those not named weigh 0.</summary>
    public static BulkContrast Weights(IEnumerable<KeyValuePair<string, double>> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return new(Contrast.NewWeights(ListModule.OfSeq(weights.Select(pair => Tuple.Create(pair.Key, pair.Value)))));
    }
}

/// <summary>Cells put together to samples.</summary>
public sealed record PseudobulkSettings
{
    /// <summary>Columns of the cell table; cells with the same labels in all of them are a sample.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Samples of fewer cells are left out. Default: 10.</summary>
    public int MinimalCells { get; init; } = 10;
}

/// <summary>Counts of genes in samples, with what is known of each sample.</summary>
public sealed class BulkSamples
{
    BulkSamples(SampleCounts counts, Table table, string source, IReadOnlyList<KeyValuePair<string, int>> tooSmall) =>
        (Counts, SampleTable, Source, TooSmall) = (counts, table, source, tooSmall);

    internal SampleCounts Counts { get; }

    internal Table SampleTable { get; }

    internal string Source { get; }

    /// <summary>Names of the genes.</summary>
    public IReadOnlyList<string> GeneNames => Counts.Genes;

    /// <summary>Names of the samples.</summary>
    public IReadOnlyList<string> SampleNames => Counts.Samples;

    /// <summary>Names of the columns that a design can use.</summary>
    public IReadOnlyList<string> Columns => SampleTable.Columns.Select(column => column.Item1).ToArray();

    /// <summary>Samples of cells that had too few, with how many they had.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> TooSmall { get; }

    /// <summary>Counts whose samples are the cells of a file, with a table of samples beside it.</summary>
    /// <param name="counts">Whole numbers, one row per sample.</param>
    /// <param name="tablePath">.tsv or .csv with a header; its first column holds the names of the samples.</param>
    /// <exception cref="CoExprException">A count is no whole number, a sample is not in the table, or the table is
    /// damaged.</exception>
    public static BulkSamples WithTable(CellData counts, string tablePath)
    {
        ArgumentNullException.ThrowIfNull(counts);
        ArgumentNullException.ThrowIfNull(tablePath);
        var samples = CoExprException.Unwrap(SampleCountsModule.ofCells(counts.Value));
        var table = CoExprException.Unwrap(TableFile.read(ProgressModule.none, tablePath));
        return new(samples, CoExprException.Unwrap(SampleCountsModule.align(tablePath, table, samples)), tablePath, []);
    }

    /// <summary>Counts whose samples are the cells of a file, described by its own cell table (obs).</summary>
    /// <exception cref="CoExprException">A count is no whole number.</exception>
    public static BulkSamples OfCells(CellData counts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        var samples = CoExprException.Unwrap(SampleCountsModule.ofCells(counts.Value));
        return new(samples, counts.Value.CellTable, counts.Source, []);
    }

    /// <summary>Sums of cells.</summary>
    /// <exception cref="CoExprException">A column is not there, no sample has enough cells, or a sum is no whole number.</exception>
    public static BulkSamples OfPseudobulk(CellData cells, PseudobulkSettings settings)
    {
        ArgumentNullException.ThrowIfNull(cells);
        ArgumentNullException.ThrowIfNull(settings);
        var made = CoExprException.Unwrap(
            PseudobulkModule.create(
                PseudobulkKind.Sum,
                ListModule.OfSeq(settings.Columns),
                settings.MinimalCells,
                cells.Value
            )
        );
        var counts = CoExprException.Unwrap(PseudobulkModule.counts(cells.Source, made));
        var tooSmall = made.TooSmall.Select(pair => KeyValuePair.Create(pair.Item1, pair.Item2)).ToArray();
        return new(counts, made.Samples, cells.Source, tooSmall);
    }
}

/// <summary>What became of the comparison of one gene.</summary>
public enum BulkOutcomeKind
{
    /// <summary>It has a p and an adjusted p.</summary>
    Tested,

    /// <summary>It has no counts at all.</summary>
    NoCounts,

    /// <summary>It has no counts in the levels compared.</summary>
    NoCountsCompared,

    /// <summary>One of its counts is an outlier; p is NaN.</summary>
    OutlyingCount,

    /// <summary>Its mean is too low for the filter; its adjusted p is NaN.</summary>
    BelowFilter,

    /// <summary>Its fit did not converge.</summary>
    NotConverged,

    /// <summary>One of the levels compared has no counts: the fold change is a bound.</summary>
    Unbounded,
}

/// <summary>The comparison of one gene. What is not known is NaN; why, <see cref="Outcome"/> says.</summary>
/// <param name="Gene">Its name.</param>
/// <param name="Contrast">What was compared.</param>
/// <param name="BaseMean">The mean of counts over size factors.</param>
/// <param name="Log2FoldChange">The maximum of likelihood.</param>
/// <param name="StandardError">Of the fold change, log2.</param>
/// <param name="Statistic">Of the Wald or the likelihood-ratio test.</param>
/// <param name="PValue">Its p.</param>
/// <param name="AdjustedPValue">Benjamini and Hochberg's, among the genes that pass the filter.</param>
/// <param name="ShrunkenLog2FoldChange">With a Cauchy prior; NaN where it was not asked for.</param>
/// <param name="ShrunkenStandardError">Of the same.</param>
/// <param name="SValue">The share of wrong signs among this gene and all surer ones.</param>
/// <param name="Dispersion">The dispersion that the test used: variance = mean + dispersion · mean².</param>
/// <param name="MaxCooks">The largest Cook's distance of a replicated sample.</param>
/// <param name="Outcome">What became of it.</param>
public readonly record struct BulkGeneResult(
    string Gene,
    string Contrast,
    double BaseMean,
    double Log2FoldChange,
    double StandardError,
    double Statistic,
    double PValue,
    double AdjustedPValue,
    double ShrunkenLog2FoldChange,
    double ShrunkenStandardError,
    double SValue,
    double Dispersion,
    double MaxCooks,
    BulkOutcomeKind Outcome
);

/// <summary>A design fitted to samples, and its comparisons.</summary>
public sealed class BulkComparisons
{
    readonly BulkFit fit;
    readonly FSharpList<BulkComparison> comparisons;
    readonly Table samples;

    internal BulkComparisons(BulkFit fit, FSharpList<BulkComparison> comparisons, Table samples) =>
        (this.fit, this.comparisons, this.samples) = (fit, comparisons, samples);

    /// <summary>Names of the coefficients.</summary>
    public IReadOnlyList<string> Coefficients => fit.Design.Coefficients;

    /// <summary>One per sample, unless factors were given per gene.</summary>
    public IReadOnlyList<double> SizeFactors => fit.Factors;

    /// <summary>"parametric", "local" or "mean"; null without a trend.</summary>
    public string? TrendKind => fit.Trend is { } trend ? MeanDispersionTrend.kind(trend.Value) : null;

    /// <summary>Variance of ln dispersion around the trend; NaN without one.</summary>
    public double PriorVariance => fit.Prior is { } prior ? prior.Value.Variance : double.NaN;

    /// <summary>One per gene and contrast, contrast by contrast.</summary>
    public IReadOnlyList<BulkGeneResult> Results =>
        comparisons.SelectMany(one => one.Results.Zip(fit.Genes, (result, gene) => Of(result, gene))).ToArray();

    /// <summary>Writes one row per gene and contrast.</summary>
    /// <param name="path">.tsv or .csv, packed with .gz; or .h5ad, contrasts x genes, with fold changes in X.</param>
    /// <exception cref="CoExprException">It cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        CoExprException.Unwrap(BulkFile.write(path, fit, comparisons));
    }

    /// <summary>Writes the samples with their size factors.</summary>
    /// <param name="path">.tsv or .csv; .gz is packed.</param>
    /// <exception cref="CoExprException">It cannot be written.</exception>
    public void SaveSamples(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        CoExprException.Unwrap(BulkFile.writeSamples(path, fit, samples));
    }

    static BulkGeneResult Of(BulkResult result, BulkGene gene)
    {
        var shrunken = result.Shrunken?.Value;
        return new(
            result.Gene,
            result.Contrast,
            result.BaseMean,
            result.Log2FoldChange,
            result.StandardError,
            result.Statistic,
            result.PValue,
            result.AdjustedPValue,
            shrunken?.Log2FoldChange ?? double.NaN,
            shrunken?.StandardError ?? double.NaN,
            result.SValue,
            gene.Dispersion,
            gene.MaxCooks,
            (BulkOutcomeKind)result.Outcome.Tag
        );
    }
}

/// <summary>Differential expression of bulk samples or sums of cells, with any design.</summary>
public static class BulkExpression
{
    /// <summary>Fits a design to samples and makes comparisons.</summary>
    /// <param name="samples">Counts and the table of samples.</param>
    /// <param name="design">Such as "~ batch + condition".</param>
    /// <param name="contrasts">What is compared.</param>
    /// <param name="settings">How; the defaults of <see cref="BulkSettings"/> if omitted.</param>
    /// <param name="token">Asked between the steps.</param>
    /// <exception cref="CoExprException">The formula cannot be read, columns are confounded, a level is not there, an option
    /// is outside its range.</exception>
    public static Task<BulkComparisons> RunAsync(
        BulkSamples samples,
        string design,
        IEnumerable<BulkContrast> contrasts,
        BulkSettings? settings = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(design);
        ArgumentNullException.ThrowIfNull(contrasts);
        var chosen = settings ?? new BulkSettings();
        var compared = ListModule.OfSeq(contrasts.Select(contrast => contrast.Value));
        return Task.Run(() => Run(samples, design, compared, chosen), token);
    }

    /// <summary>Reads counts, fits a design, makes comparisons, and writes them with a record of the run
    /// (OUTPUT.run.json): all files or none.</summary>
    /// <param name="input">The counts.</param>
    /// <param name="output">.tsv or .csv, packed with .gz; or .h5ad, contrasts x genes, with fold changes in X.</param>
    /// <param name="design">Such as "~ batch + condition".</param>
    /// <param name="contrasts">What is compared.</param>
    /// <param name="files">Where samples come from, and what else is written. Default: each cell of the input is a sample,
    /// described by its own columns.</param>
    /// <param name="settings">How; the defaults of <see cref="BulkSettings"/> if omitted.</param>
    /// <param name="reading">How the input is read.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="token">Asked between the steps.</param>
    /// <exception cref="CoExprException">As of <see cref="RunAsync"/>; or a file cannot be read or written, or an output
    /// would replace an input.</exception>
    public static Task<BulkSummary> RunFilesAsync(
        string input,
        string output,
        string design,
        IEnumerable<BulkContrast> contrasts,
        BulkFiles? files = null,
        BulkSettings? settings = null,
        ReadSettings? reading = null,
        IProgress<JobProgress>? progress = null,
        CancellationToken token = default
    )
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(design);
        ArgumentNullException.ThrowIfNull(contrasts);
        var (chosen, among) = (settings ?? new BulkSettings(), files ?? new BulkFiles());
        var request = new BulkRequest(
            among.Source(),
            design,
            OptionModule.OfObj(chosen.Reduced),
            chosen.ReferencePairs(),
            ListModule.OfSeq(contrasts.Select(contrast => contrast.Value)),
            chosen.ToCore(null)
        );
        var paths = new BulkPaths(input, output, OptionModule.OfObj(among.SizeFactorsTo));
        var options = CellData.Options(reading ?? new ReadSettings(), progress, token);
        return Task.Run(
            () =>
            {
                var (record, found) = CoExprException.Unwrap(
                    BulkRun.run(JobProgress.Of(progress, token), options, request, paths)
                );
                return new BulkSummary(record, found);
            },
            token
        );
    }

    static BulkComparisons Run(BulkSamples samples, string text, FSharpList<Contrast> contrasts, BulkSettings settings)
    {
        var (design, reduced) = CoExprException.Unwrap(
            BulkRun.designs(
                samples.Source,
                settings.ReferencePairs(),
                text,
                OptionModule.OfObj(settings.Reduced),
                samples.SampleTable
            )
        );
        var (fit, comparisons) = CoExprException.Unwrap(
            CoExpr.BulkExpression.run(settings.ToCore(reduced?.Value), design, contrasts, samples.Counts)
        );
        return new(fit, comparisons, samples.SampleTable);
    }
}
