using System.Collections.Generic;
using System.Globalization;
using System.Text;
using CoExpr.CSharp;
using CoExpr.Kernels;

namespace CoExpr.Cli;

/// <summary>How pairs were counted, as a table: by method, then by tile of genes.</summary>
static class CountingTable
{
    internal static string Text(CoExpressionResult result)
    {
        if (result.Counting.Count == 0)
            return "How pairs were counted is not known: nothing was, or the backend does not say.\n";
        var text = new StringBuilder("Counting        genes  density       pairs  predicted s    actual s\n");
        Add(text, result.CountingByMethod);
        text.Append("By tile of genes, in order of density:\n");
        Add(text, result.Counting);
        return text.ToString();
    }

    static void Add(StringBuilder text, IReadOnlyList<CountingUse> uses)
    {
        foreach (var use in uses)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Name(use.Method), -8} {$"{use.FirstColumn}-{use.EndColumn - 1}", 12} {use.Density, 8:0.0000} {use.Pairs, 11} {use.PredictedSeconds, 12:0.000} {use.Seconds, 11:0.000}\n"
            );
    }

    static string Name(CountingMethod method) => method == CountingMethod.BitPlanes ? "planes" : "scatter";
}
