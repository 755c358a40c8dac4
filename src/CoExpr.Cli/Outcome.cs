using System;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>Telling what a command did.</summary>
static class Outcome
{
    /// <summary>The lines for a person on the error stream, or the record as JSON on standard output.</summary>
    internal static void Tell(RunSummary summary, bool quiet, bool json)
    {
        if (!quiet && !json)
            foreach (var note in summary.Notes)
                Console.Error.WriteLine(note);
        if (json)
            Console.Out.WriteLine(summary.Json);
        else if (!quiet)
            Console.Error.WriteLine(summary.Note.Length > 0 ? $"{summary.Text}\nNote: {summary.Note}" : summary.Text);
    }
}
