using System;
using System.IO;
using System.Linq;

namespace CoExpr.CSharp.Tests;

/// <summary>A folder of one test's own, deleted when the test ends.</summary>
public sealed class Scratch : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("coexpr-").FullName;

    /// <summary>A path in it.</summary>
    public string this[string name] => Path.Combine(folder, name);

    /// <summary>Every file below the folder, hidden ones too, by its path from there.</summary>
    public string[] Files() =>
        Directory
            .GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path))
            .Order(StringComparer.Ordinal)
            .ToArray();

    /// <summary>Deletes it.</summary>
    public void Dispose() => Directory.Delete(folder, true);
}
