using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace CoExpr.CSharp;

/// <summary>A comparison of one label of a screen with another.</summary>
/// <param name="Label">What fold changes are of.</param>
/// <param name="Reference">What it is compared with.</param>
public readonly record struct LabelContrast(string Label, string Reference)
{
    /// <summary>A contrast of two labels with a comma between them; a label that has commas itself is in double quotes, as in
    /// a line of CSV. With a tab between them both are as they are written.</summary>
    /// <param name="words">Such as "STAT1,JAK2" or "\"STAT1,IRF1\",JAK2".</param>
    /// <exception cref="CoExprException">It is no such pair.</exception>
    public static LabelContrast Parse(string words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var contrast = CoExprException.Unwrap(ScreenContrastModule.parse(words));
        return new(contrast.Label, contrast.Reference);
    }

    /// <summary>The contrasts of a file: two labels a line, with a tab or a comma between them; empty lines are passed
    /// over.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CoExprException">There is no such file, a line is no pair, or there is none.</exception>
    public static IReadOnlyList<LabelContrast> ReadAll(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path))
            throw CoExprException.BadOption("--contrasts", path, "no such file");
        LabelContrast[] found = [.. File.ReadLines(path).Where(line => line.Trim().Length > 0).Select(Parse)];
        return found.Length > 0
            ? found
            : throw CoExprException.BadOption("--contrasts", path, "the file has no contrast");
    }

    internal ScreenContrast ToCore() => new(Label, Reference);
}
