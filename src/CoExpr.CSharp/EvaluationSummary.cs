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
public readonly record struct MetricSummary(
    string Name,
    double Mean,
    double MeanOfNumbers,
    int Defined,
    int NotNumbers
);

/// <summary>What an evaluation found.</summary>
public sealed class EvaluationSummary
{
    readonly EvaluationResult result;

    internal EvaluationSummary(RunRecord record, EvaluationResult result, EvaluationResult? ceiling, string folder)
    {
        this.result = result;
        Json = JsonModule.write(RunRecordModule.toJson(record));
        Metrics = Summaries(result);
        Ceiling = ceiling is null ? [] : Summaries(ceiling);
        Text = Describe(record, folder);
    }

    /// <summary>Perturbations, in ordinal order.</summary>
    public IReadOnlyList<string> Perturbations => result.Perturbations;

    /// <summary>Measures, in the order of cell-eval's tables.</summary>
    public IReadOnlyList<MetricSummary> Metrics { get; }

    /// <summary>The same of one half of the real cells as a prediction of the other; empty unless asked for.</summary>
    public IReadOnlyList<MetricSummary> Ceiling { get; }

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

    static MetricSummary[] Summaries(EvaluationResult result) =>
        Array.ConvertAll(
            result.Columns,
            column =>
            {
                var all = Aggregates.ofColumn(column);
                return new MetricSummary(all.Name, all.Mean, all.MeanOfNumbers, all.Count, all.NotNumbers);
            }
        );

    string Describe(RunRecord record, string folder)
    {
        var width = Metrics.Select(metric => metric.Name.Length).Append(0).Max();
        var lines = Metrics.Select(metric =>
            $"{metric.Name.PadRight(width)}  {Number(metric.Mean)}{OfCeiling(metric.Name)}"
        );
        var costs = string.Create(
            CultureInfo.InvariantCulture,
            $"{Perturbations.Count:N0} perturbations, {Metrics.Count} measures, {record.Seconds.Sum(stage => stage.Item2):0.0} s, {RunRecordModule.peakMemory() >> 20:N0} MB"
        );
        return string.Join('\n', lines.Append(costs).Append(folder));
    }

    string OfCeiling(string name)
    {
        var found = Ceiling.Where(metric => metric.Name == name).ToArray();
        return found.Length == 0 ? "" : $"  (ceiling {Number(found[0].Mean)})";
    }

    static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}

/// <summary>A measure of a prediction in units of the way from a baseline to perfection.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Prediction">Its mean.</param>
/// <param name="Baseline">That of the baseline.</param>
/// <param name="Score">0 for the baseline or worse, 1 for perfection.</param>
/// <param name="Uncut">The same, below 0 where the prediction is worse than the baseline.</param>
public readonly record struct MetricScore(string Name, double Prediction, double Baseline, double Score, double Uncut);
