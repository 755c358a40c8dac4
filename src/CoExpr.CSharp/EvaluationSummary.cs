using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>One measure over all perturbations.</summary>
/// <param name="Name">Its name, as cell-eval has it.</param>
/// <param name="Mean">Mean over the perturbations for which it is defined; NaN where a value is NaN.</param>
/// <param name="MeanOfNumbers">The same without those that are NaN.</param>
/// <param name="Defined">Perturbations for which it is defined.</param>
/// <param name="NotNumbers">Those of them for which it is NaN.</param>
/// <param name="Low">Lower end of the interval of draws of perturbations around <paramref name="MeanOfNumbers"/>; NaN
/// without one.</param>
/// <param name="High">Its upper end.</param>
public readonly record struct MetricSummary(
    string Name,
    double Mean,
    double MeanOfNumbers,
    int Defined,
    int NotNumbers,
    double Low = double.NaN,
    double High = double.NaN
);

/// <summary>What the cells of one type gave.</summary>
/// <param name="Name">The type.</param>
/// <param name="Perturbations">Perturbations that were evaluated.</param>
/// <param name="Metrics">Measures over them.</param>
public sealed record CellTypeSummary(string Name, int Perturbations, IReadOnlyList<MetricSummary> Metrics);

/// <summary>What an evaluation found.</summary>
public sealed class EvaluationSummary
{
    readonly EvaluationResult result;

    internal EvaluationSummary(EvaluationOutcome outcome, string folder)
    {
        result = outcome.Whole.Model.Result;
        Json = JsonModule.write(RunRecordModule.toJson(outcome.Record));
        Metrics = Summaries(result, outcome.Whole.Intervals);
        Ceiling = outcome.Whole.Ceiling is { } ceiling ? Summaries(ceiling.Value, []) : [];
        Baseline = outcome.Whole.Baseline is { } baseline ? Summaries(baseline.Value, []) : [];
        CellTypes = [.. outcome.ByType.Where(type => type.Item1.Length > 0).Select(OfType)];
        Text = Describe(outcome.Record, folder);
    }

    static CellTypeSummary OfType(Tuple<string, EvaluationFindings> type)
    {
        var found = type.Item2.Model.Result;
        return new(type.Item1, found.Perturbations.Length, Summaries(found, type.Item2.Intervals));
    }

    /// <summary>Perturbations, in ordinal order.</summary>
    public IReadOnlyList<string> Perturbations => result.Perturbations;

    /// <summary>Measures, in the order of cell-eval's tables.</summary>
    public IReadOnlyList<MetricSummary> Metrics { get; }

    /// <summary>The same of one half of the real cells as a prediction of the other; empty unless asked for.</summary>
    public IReadOnlyList<MetricSummary> Ceiling { get; }

    /// <summary>The same of the mean response as a prediction; empty unless asked for.</summary>
    public IReadOnlyList<MetricSummary> Baseline { get; }

    /// <summary>Every cell type by itself, where cells were split; perturbations are then called "type|perturbation" here.
    /// </summary>
    public IReadOnlyList<CellTypeSummary> CellTypes { get; }

    /// <summary>What was done that a reader should know.</summary>
    public IReadOnlyList<string> Notes => result.Notes.ToArray();

    /// <summary>What a reader should know before trusting a score.</summary>
    public IReadOnlyList<string> Warnings => result.Warnings.ToArray();

    /// <summary>The record of the run, as in <c>run.json</c>.</summary>
    public string Json { get; }

    /// <summary>A few lines for a person: the means, and where the tables are.</summary>
    public string Text { get; }

    /// <summary>A measure of one perturbation; null where it is not defined.</summary>
    /// <param name="metric">Name of a measure.</param>
    /// <param name="perturbation">Name of a perturbation.</param>
    /// <exception cref="ArgumentException">No measure or perturbation has this name.</exception>
    public double? Value(string metric, string perturbation)
    {
        var column =
            Array.Find(result.Columns, one => one.Name == metric)
            ?? throw new ArgumentException($"no measure is called {metric}", nameof(metric));
        var row = Array.IndexOf(result.Perturbations, perturbation);
        if (row < 0)
            throw new ArgumentException($"no perturbation is called {perturbation}", nameof(perturbation));
        return column.IsAbsent[row] ? null : column.Values[row];
    }

    static MetricSummary[] Summaries(EvaluationResult result, MetricInterval[] intervals) =>
        [.. result.Columns.Select((column, at) => Summary(column, at < intervals.Length ? intervals[at] : null))];

    static MetricSummary Summary(MetricColumn column, MetricInterval? interval)
    {
        var all = Aggregates.ofColumn(column);
        return new(
            all.Name,
            all.Mean,
            all.MeanOfNumbers,
            all.Count,
            all.NotNumbers,
            interval?.Low ?? double.NaN,
            interval?.High ?? double.NaN
        );
    }

    string Describe(RunRecord record, string folder)
    {
        var width = Metrics.Select(metric => metric.Name.Length).Append(0).Max();
        var lines = Metrics.Select(metric =>
            $"{metric.Name.PadRight(width)}  {Number(metric.Mean)}{OfNumbers(metric)}{Interval(metric)}{Of("baseline", Baseline, metric.Name)}{Of("ceiling", Ceiling, metric.Name)}"
        );
        var costs = string.Create(
            CultureInfo.InvariantCulture,
            $"{Perturbations.Count:N0} perturbations, {Metrics.Count} measures, {record.Seconds.Sum(stage => stage.Item2):0.0} s, {RunRecordModule.peakMemory() >> 20:N0} MB"
        );
        return string.Join('\n', lines.Append(costs).Append(folder));
    }

    /// <summary>The mean that an interval is around, where NaN hides it.</summary>
    static string OfNumbers(MetricSummary metric) =>
        double.IsNaN(metric.Mean) && !double.IsNaN(metric.MeanOfNumbers)
            ? $", of numbers {Number(metric.MeanOfNumbers)}"
            : "";

    static string Interval(MetricSummary metric) =>
        double.IsNaN(metric.Low) ? "" : $" [{Number(metric.Low)}, {Number(metric.High)}]";

    static string Of(string what, IReadOnlyList<MetricSummary> metrics, string name)
    {
        var found = metrics.Where(metric => metric.Name == name).ToArray();
        return found.Length == 0 ? "" : $"  ({what} {Number(found[0].Mean)})";
    }

    internal static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}

/// <summary>A measure of a prediction in units of the way from a baseline to perfection.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Prediction">Its mean.</param>
/// <param name="Baseline">That of the baseline.</param>
/// <param name="Score">0 for the baseline or worse, 1 for perfection.</param>
/// <param name="Uncut">The same, below 0 where the prediction is worse than the baseline.</param>
/// <param name="Warning">Why the score stands for no number; null where it is one.</param>
public readonly record struct MetricScore(
    string Name,
    double Prediction,
    double Baseline,
    double Score,
    double Uncut,
    string? Warning = null
);
