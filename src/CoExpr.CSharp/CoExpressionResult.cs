using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using CoExpr.IO;
using CoExpr.Kernels;

namespace CoExpr.CSharp;

/// <summary>Two genes and what they share.</summary>
/// <param name="GeneA">One gene.</param>
/// <param name="GeneB">The other.</param>
/// <param name="Score">What the measure says of them: mutual information in bits, with the sign of their correlation if
/// scores are signed, or what was asked for instead.</param>
/// <param name="Cells">Number of cells that the score is made from.</param>
public readonly record struct GenePair(string GeneA, string GeneB, double Score, int Cells)
{
    /// <summary>The p-value of the G-test of independence; null where none was asked for.</summary>
    public double? PValue { get; init; }

    /// <summary>The base-10 logarithm of <see cref="PValue"/>, also where that is too small for a double.</summary>
    public double? Log10PValue { get; init; }

    /// <summary>The false discovery rate at which the pair is called (Benjamini and Hochberg), over all pairs scored: at
    /// most 1/1,024 above the exact one. Null where none was asked for.</summary>
    public double? QValue { get; init; }

    /// <summary>What bootstraps say of the pair, if any were asked for.</summary>
    public ScoreSpread? Spread { get; init; }

    /// <summary>The p-value of the permutation test, if it was asked for.</summary>
    public double? PermutationP { get; init; }
}

/// <summary>What resamples say of a pair's mutual information, without its sign, in bits.</summary>
/// <param name="Mean">Its mean over the resamples; above the score itself by about the score's own bias.</param>
/// <param name="Deviation">Its standard deviation over the resamples.</param>
/// <param name="Low">The lower end of the percentile interval.</param>
/// <param name="High">The upper end.</param>
/// <param name="Frequency">The share of resamples in which the pair is among the strongest of its regulator; null unless
/// regulators were given and the strongest partners kept.</param>
public readonly record struct ScoreSpread(double Mean, double Deviation, double Low, double High, double? Frequency);

/// <summary>Scores of pairs of genes: symmetric, and without a gene's pair with itself.</summary>
public sealed class CoExpressionResult
{
    readonly CoexpressionResult result;

    internal CoExpressionResult(CoexpressionResult result) => this.result = result;

    /// <summary>Names of the genes that were scored, in the order of the input.</summary>
    public IReadOnlyList<string> Genes => result.Scores.Genes;

    /// <summary>Number of cells of the input.</summary>
    public int Cells => result.Cells;

    /// <summary>Number of pairs that were scored, kept or not.</summary>
    public long PairsScored => result.PairsScored;

    /// <summary>Number of pairs that were kept.</summary>
    public long PairCount => result.Scores.PairCount;

    /// <summary>How pairs were counted, by tile of genes in order of density and by method; empty where the backend cannot
    /// say, and for scores that were taken from a cache. It differs from run to run; the scores do not.</summary>
    public IReadOnlyList<CountingUse> Counting => result.Counting;

    /// <summary>The same, summed by method.</summary>
    public IReadOnlyList<CountingUse> CountingByMethod => CountingUses.byMethod(result.Counting);

    /// <summary>Every kept pair once: by its first gene in the order of the input, then strongest first. Made as it is read.</summary>
    public IEnumerable<GenePair> Pairs =>
        PairScoresModule.pairs(result.Options.Strength, result.Scores).Select(pair => Pair(pair.Item1, pair.Item2));

    /// <summary>The kept partners of a gene, strongest first; <see cref="GenePair.GeneA"/> is the gene itself.</summary>
    /// <param name="gene">Name of a scored gene.</param>
    /// <exception cref="ArgumentException">No scored gene has this name.</exception>
    public IReadOnlyList<GenePair> Partners(string gene)
    {
        var number = Number(gene);
        var partners = PairScoresModule.strongest(result.Options.Strength, result.Scores, number);
        return Array.ConvertAll(partners, partner => Pair(number, partner));
    }

    /// <summary>The pair of two genes, or null if it was not kept.</summary>
    /// <param name="geneA">Name of a scored gene.</param>
    /// <param name="geneB">Name of another.</param>
    /// <exception cref="ArgumentException">No scored gene has this name.</exception>
    public GenePair? Pair(string geneA, string geneB)
    {
        var (a, b) = (Number(geneA), Number(geneB));
        var found = result.Scores.TryPair(a, b);
        return found.IsSome ? Pair(a, found.Value) : null;
    }

    /// <summary>A gene's row of the symmetric matrix of scores, one per scored gene; 0 for itself and for pairs
    /// that were not kept.</summary>
    /// <param name="gene">Name of a scored gene.</param>
    /// <exception cref="ArgumentException">No scored gene has this name.</exception>
    public double[] Row(string gene) => PairScoresModule.denseRow(result.Scores, Number(gene));

    /// <summary>Writes the scores: .h5ad (varp), .tsv or .csv (gene_a gene_b mi cells and, with p-values,
    /// p log10_p q, and what resamples say; .gz packs it), .npz (sparse) or
    /// .npy (dense). The file appears complete or not at all.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="progress">Told how far the writing is.</param>
    /// <param name="token">Stops the writing.</param>
    /// <exception cref="CoExprException">The file cannot be written, or its ending is not known.</exception>
    public Task SaveAsync(string path, IProgress<JobProgress>? progress = null, CancellationToken token = default) =>
        Task.Run(
            () => CoExprException.Unwrap(CoexpressionFile.write(JobProgress.Of(progress, token), result, path)),
            token
        );

    /// <summary>Writes a self-contained HTML page with the distribution of scores, a heat map and the strongest hubs.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="token">Stops the writing.</param>
    /// <exception cref="CoExprException">The file cannot be written.</exception>
    public Task SaveReportAsync(string path, CancellationToken token = default) =>
        Task.Run(() => CoExprException.Unwrap(CoexpressionFile.writeReport([], result, path)), token);

    internal CoexpressionResult Value => result;

    GenePair Pair(int gene, Partner partner)
    {
        var pair = new GenePair(Genes[gene], Genes[partner.Gene], partner.Score, partner.Cells)
        {
            Spread = Spread(gene, partner.Gene),
            PermutationP = Resampled(result.Resampling.PValues, gene, partner.Gene),
        };
        if (result.Tests is null)
            return pair;
        var tests = result.Tests.Value;
        var bits = result.Scores.TryInformation(gene, partner.Gene).Value;
        return pair with
        {
            PValue = tests.PValue(gene, partner.Gene, bits),
            Log10PValue = tests.Log10PValue(gene, partner.Gene, bits),
            QValue = tests.QValue(gene, partner.Gene, bits),
        };
    }

    ScoreSpread? Spread(int gene, int partner)
    {
        if (result.Resampling.Spreads.Length == 0)
            return null;
        var spread = result.Resampling.Spreads[result.Scores.Place(gene, partner)];
        var frequency = Resampled(result.Resampling.Frequencies, gene, partner);
        return new(spread.Mean, spread.Deviation, spread.Low, spread.High, frequency);
    }

    double? Resampled(double[] values, int gene, int partner) =>
        values.Length == 0 ? null : values[result.Scores.Place(gene, partner)];

    int Number(string gene)
    {
        ArgumentNullException.ThrowIfNull(gene);
        var number = result.Scores.TryGene(gene);
        return number.IsSome
            ? number.Value
            : throw new ArgumentException($"{gene} is not among the {Genes.Count} scored genes", nameof(gene));
    }
}
