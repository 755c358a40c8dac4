using System;
using System.Collections.Generic;
using System.Linq;
using CoExpr.IO;
using Microsoft.FSharp.Collections;

namespace CoExpr.CSharp;

/// <summary>A model to compare.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Path">Its predicted cells, or its finished results.</param>
public sealed record ModelFile(string Name, string Path)
{
    /// <summary>A model under the name of its file, or of the folder of its results.csv.</summary>
    /// <param name="path">Its predicted cells, or its finished results.</param>
    public static ModelFile Of(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new(ComparisonRun.nameOf(path), path);
    }

    internal NamedFile ToCore() => new(Name, Path);
}

/// <summary>What the paired difference of two models says.</summary>
public enum DifferenceVerdict
{
    /// <summary>The measure does not judge, or there is no interval.</summary>
    None,

    /// <summary>The interval leaves out 0 on the better side.</summary>
    Better,

    /// <summary>The interval leaves out 0 on the worse side.</summary>
    Worse,

    /// <summary>The interval holds 0.</summary>
    Undecided,
}

/// <summary>A model less another by one measure, over the perturbations for which both have a number.</summary>
/// <param name="Model">The model.</param>
/// <param name="Against">The other.</param>
/// <param name="Metric">The measure.</param>
/// <param name="Difference">The first less the second.</param>
/// <param name="Low">Lower end of the interval of draws of perturbations; NaN without one.</param>
/// <param name="High">Its upper end.</param>
/// <param name="Perturbations">Perturbations that take part.</param>
/// <param name="Verdict">What that says.</param>
public readonly record struct ModelDifference(
    string Model,
    string Against,
    string Metric,
    double Difference,
    double Low,
    double High,
    int Perturbations,
    DifferenceVerdict Verdict
);

/// <summary>Several models side by side.</summary>
public sealed class ComparisonSummary
{
    readonly ModelComparison comparison;

    internal ComparisonSummary(
        RunRecord record,
        ModelComparison comparison,
        FSharpList<string> notes,
        FSharpList<string> warnings,
        string folder
    )
    {
        this.comparison = comparison;
        Json = JsonModule.write(RunRecordModule.toJson(record));
        Notes = [.. notes];
        Warnings = [.. warnings];
        Models = [.. comparison.Models.Select(model => model.Name)];
        Differences = [.. comparison.Differences.Select(Of)];
        Text = Describe(folder);
    }

    /// <summary>Names of the models, in the order in which they were given.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>Measures that all models have.</summary>
    public IReadOnlyList<string> Metrics => comparison.Metrics;

    /// <summary>Every model less the one that it is held against, by every measure.</summary>
    public IReadOnlyList<ModelDifference> Differences { get; }

    /// <summary>What was done that a reader should know; what is not of all models has the names of those that it is of.
    /// </summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>What a reader should know before trusting a score, each with the name of its model.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The record of the run, as in <c>run.json</c>.</summary>
    public string Json { get; }

    /// <summary>The table of models and measures for a person, and where the files are.</summary>
    public string Text { get; }

    /// <summary>A measure of a model over all its perturbations; NaN counts in none.</summary>
    /// <param name="model">Name of a model.</param>
    /// <param name="metric">Name of a measure.</param>
    /// <exception cref="ArgumentException">No model or measure has this name.</exception>
    public double Value(string model, string metric)
    {
        var row = Array.FindIndex(comparison.Models, one => one.Name == model);
        if (row < 0)
            throw new ArgumentException($"no model is called {model}", nameof(model));
        var column = Array.IndexOf(comparison.Metrics, metric);
        return column >= 0
            ? comparison.Values[row][column].Value
            : throw new ArgumentException($"no measure is called {metric}", nameof(metric));
    }

    static ModelDifference Of(PairedDifference one) =>
        new(
            one.Model,
            one.Against,
            one.Interval.Name,
            one.Interval.Value,
            one.Interval.Low,
            one.Interval.High,
            one.Interval.Perturbations,
            VerdictOf(one.Verdict)
        );

    static DifferenceVerdict VerdictOf(Verdict verdict) =>
        verdict.IsBetter ? DifferenceVerdict.Better
        : verdict.IsWorse ? DifferenceVerdict.Worse
        : verdict.IsUndecided ? DifferenceVerdict.Undecided
        : DifferenceVerdict.None;

    string Describe(string folder)
    {
        var first = Metrics.Select(metric => metric.Length).Append(0).Max();
        var widths = Models.Select(model => Math.Max(model.Length, 8)).ToArray();
        var head = string.Concat(Models.Select((model, at) => "  " + model.PadLeft(widths[at])));
        var lines = Metrics.Select(metric =>
            metric.PadRight(first)
            + string.Concat(
                Models.Select((model, at) => "  " + EvaluationSummary.Number(Value(model, metric)).PadLeft(widths[at]))
            )
        );
        return string.Join('\n', lines.Prepend(new string(' ', first) + head).Append(folder));
    }
}
