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
        Tell(
            summary.Note.Length > 0 ? $"{summary.Text}\nNote: {summary.Note}" : summary.Text,
            summary.Json,
            quiet,
            json
        );
    }

    /// <summary>The same of a text and a record.</summary>
    internal static void Tell(string text, string record, bool quiet, bool json)
    {
        if (json)
            Console.Out.WriteLine(record);
        else if (!quiet)
            Console.Error.WriteLine(text);
    }
}
