using System;
using System.Collections.Generic;
using CoExpr.CSharp;

namespace CoExpr.Cli;

/// <summary>Telling what a command did.</summary>
static class Outcome
{
    /// <summary>The lines for a person on the error stream, or the record as JSON on standard output.</summary>
    internal static void Tell(RunSummary summary, bool quiet, bool json)
    {
        TellNotes(summary.Notes, quiet, json);
        Tell(
            summary.Note.Length > 0 ? $"{summary.Text}\nNote: {summary.Note}" : summary.Text,
            summary.Json,
            quiet,
            json
        );
    }

    /// <summary>What else a person must be told, a line each on the error stream.</summary>
    internal static void TellNotes(IReadOnlyList<string> notes, bool quiet, bool json)
    {
        if (!quiet && !json)
            foreach (var note in notes)
                Console.Error.WriteLine(note);
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
