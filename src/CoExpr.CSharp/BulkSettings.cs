using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>How deeply each sample was sequenced, relative to the others.</summary>
public enum SampleFactorKind
{
    /// <summary>The median of ratios to geometric means, over genes counted in every sample.</summary>
    MedianOfRatios,

    /// <summary>The same where every gene is missing somewhere.</summary>
    PositiveCounts,

    /// <summary>Totals over their mean.</summary>
    LibrarySize,
}

/// <summary>How dispersions depend on means.</summary>
public enum DispersionTrendKind
{
    /// <summary>A constant plus one over the mean; local where that fails.</summary>
    Parametric,

    /// <summary>A local regression.</summary>
    Local,

    /// <summary>One for all.</summary>
    Mean,

    /// <summary>None: each gene keeps its own.</summary>
    None,
}

/// <summary>Which fold changes are a finding.</summary>
public enum AlternativeKind
{
    /// <summary>Beyond the threshold, up or down.</summary>
    GreaterAbs,

    /// <summary>Within the threshold.</summary>
    LessAbs,

    /// <summary>Above the threshold.</summary>
    Greater,

    /// <summary>Below minus the threshold.</summary>
    Less,
}

/// <summary>How bulk samples are compared.</summary>
public sealed record BulkSettings
{
    /// <summary>DESeq2's own defaults: a floor of 0.5 for fitted means and its stopping rules. Default: no.</summary>
    public bool AsDESeq2 { get; init; }

    /// <summary>The reference level of each column named. Default: the first level in ordinal order.</summary>
    public IReadOnlyDictionary<string, string> References { get; init; } = new Dictionary<string, string>();

    /// <summary>Fewer terms than the design: then likelihood ratios are tested. Default: none.</summary>
    public string? Reduced { get; init; }

    /// <summary>Size factors. Default: medians of ratios.</summary>
    public SampleFactorKind Factors { get; init; }

    /// <summary>The trend of dispersions. Default: parametric.</summary>
    public DispersionTrendKind Trend { get; init; }

    /// <summary>The smallest fitted mean. Default: 1e-6, and 0.5 as DESeq2.</summary>
    public double? SmallestMean { get; init; }

    /// <summary>Student's t instead of the normal distribution. Default: no.</summary>
    public bool StudentT { get; init; }

    /// <summary>Which fold changes are a finding. Default: up or down.</summary>
    public AlternativeKind Alternative { get; init; }

    /// <summary>log2 fold change that Wald tests are against. Default: 0.</summary>
    public double Threshold { get; init; }

    /// <summary>Whether genes with an outlying count have no p. Default: yes.</summary>
    public bool Outliers { get; init; } = true;

    /// <summary>Replicates from which outlying counts are replaced instead; null for never. Default: 7.</summary>
    public int? ReplaceFrom { get; init; } = 7;

    /// <summary>Whether genes with too low a mean are left out of the adjustment. Default: yes.</summary>
    public bool IndependentFiltering { get; init; } = true;

    /// <summary>The false discovery rate that the filter is chosen for. Default: 0.1.</summary>
    public double Alpha { get; init; } = 0.1;

    /// <summary>Whether to shrink fold changes too. Default: no.</summary>
    public bool Shrink { get; init; }

    /// <summary>Threads; they do not change the result. Default: as many as the process may use.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    internal FSharpList<Tuple<string, string>> ReferencePairs() =>
        ListModule.OfSeq(References.Select(pair => Tuple.Create(pair.Key, pair.Value)));

    internal DesignOptions ToCore(Design? reduced)
    {
        var core = AsDESeq2 ? DesignOptionsModule.deseq2 : DesignOptionsModule.standard;
        var regression = core.Regression;
        return new(
            Factors switch
            {
                SampleFactorKind.PositiveCounts => SampleFactors.PositiveCounts,
                SampleFactorKind.LibrarySize => SampleFactors.LibrarySize,
                _ => SampleFactors.MedianOfRatios,
            },
            new(
                SmallestMean ?? regression.SmallestMean,
                regression.Ridge,
                regression.MaxIterations,
                regression.StepControl
            ),
            core.Search,
            TrendOf(),
            FSharpOption<double[]>.None,
            reduced is null ? BulkTest.Wald : BulkTest.NewLikelihoodRatio(reduced),
            StudentT,
            Alternative switch
            {
                AlternativeKind.LessAbs => CoExpr.Alternative.LessAbs,
                AlternativeKind.Greater => CoExpr.Alternative.Greater,
                AlternativeKind.Less => CoExpr.Alternative.Less,
                _ => CoExpr.Alternative.GreaterAbs,
            },
            Threshold,
            Outliers ? OutlierRule.FisherQuantile : OutlierRule.Never,
            ReplaceFrom is { } least ? FSharpOption<int>.Some(least) : FSharpOption<int>.None,
            IndependentFiltering,
            Alpha,
            Shrink,
            Threads
        );
    }

    FSharpOption<TrendKind> TrendOf() =>
        Trend switch
        {
            DispersionTrendKind.Local => FSharpOption<TrendKind>.Some(TrendKind.Local),
            DispersionTrendKind.Mean => FSharpOption<TrendKind>.Some(TrendKind.Mean),
            DispersionTrendKind.None => FSharpOption<TrendKind>.None,
            _ => FSharpOption<TrendKind>.Some(TrendKind.Parametric),
        };
}
