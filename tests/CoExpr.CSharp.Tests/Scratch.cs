using System;
using System.IO;
using System.Linq;

namespace CoExpr.CSharp.Tests;

/// <summary>A folder of one test's own, deleted when the test ends.</summary>
sealed class Scratch : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("coexpr-").FullName;

    internal string this[string name] => Path.Combine(folder, name);

    /// <summary>Every file below the folder, hidden ones too, by its path from there.</summary>
    internal string[] Files() =>
        Directory
            .GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path))
            .Order(StringComparer.Ordinal)
            .ToArray();

    public void Dispose() => Directory.Delete(folder, true);
}
