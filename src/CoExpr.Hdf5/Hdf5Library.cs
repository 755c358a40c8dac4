using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>The HDF5 C library that this process found: where it is, and which version.</summary>
public static unsafe class Hdf5Library
{
    const string Variable = "COEXPR_HDF5";

    const string Installation =
        "Debian and Ubuntu: apt install libhdf5-103-1 (or the libhdf5 of your release); Fedora: dnf install hdf5; "
        + "macOS: brew install hdf5; conda, also on Windows: conda install -c conda-forge hdf5; "
        + "elsewhere set COEXPR_HDF5 to the library's path.";

    // The library is not safe for several threads (Debian's is built without its own lock), and has one global state.
    internal static readonly Lock Gate = new();

    static readonly Lazy<Loaded> loaded = new(Load);

    sealed record Loaded(
        string Path,
        Version Version,
        Types Types,
        ChunkReader ReadChunk,
        Reclaimer Reclaim,
        nint Locking
    );

    internal delegate int ChunkReader(long dataset, long transfer, ulong* offset, out uint filters, void* buffer);

    internal delegate int Reclaimer(long type, long space, long transfer, void* buffer);

    /// <summary>Path or name under which the library was found.</summary>
    /// <exception cref="Hdf5LibraryException">There is none, or it is older than 1.10.5.</exception>
    public static string Path => loaded.Value.Path;

    /// <summary>Version of the library, for example 1.10.8.</summary>
    /// <exception cref="Hdf5LibraryException">There is none, or it is older than 1.10.5.</exception>
    public static Version Version => loaded.Value.Version;

    internal static Types Types => loaded.Value.Types;

    internal static ChunkReader ReadChunk => loaded.Value.ReadChunk;

    internal static Reclaimer Reclaim => loaded.Value.Reclaim;

    /// <summary>Asks for a lock that is not insisted on, since many network file systems have none.</summary>
    internal static void LockIfPossible(long access)
    {
        if (loaded.Value.Locking != 0)
            ((delegate* unmanaged[Cdecl]<long, byte, byte, int>)loaded.Value.Locking)(access, 1, 1);
    }

    static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
            return [chosen];

        if (OperatingSystem.IsWindows())
            return [.. Conda("Library/bin", "hdf5.dll"), "hdf5.dll"];

        if (OperatingSystem.IsMacOS())
            return
            [
                .. Conda("lib", "libhdf5.dylib"),
                "libhdf5.dylib",
                "/opt/homebrew/lib/libhdf5.dylib",
                "/usr/local/lib/libhdf5.dylib",
            ];

        string[] names = ["libhdf5_serial.so", "libhdf5.so"];
        string[] versions = [".320", ".310", ".200", ".103", ""];
        var system = names.SelectMany(name => versions.Select(version => name + version));
        return [.. Conda("lib", "libhdf5.so"), .. system];
    }

    static string[] Conda(string folder, string name) =>
        Environment.GetEnvironmentVariable("CONDA_PREFIX") is { Length: > 0 } prefix
            ? [System.IO.Path.Combine(prefix, folder, name)]
            : [];

    static Loaded Load()
    {
        var tried = Candidates().ToArray();
        foreach (var candidate in tried)
            if (
                NativeLibrary.TryLoad(candidate, out var library)
                && NativeLibrary.TryGetExport(library, "H5open", out _)
            )
                return Initialise(candidate, library);

        throw new Hdf5LibraryException($"The HDF5 library was not found (tried {string.Join(", ", tried)}).", Advice());
    }

    static string Advice() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen
            ? $"{Variable} is set to {chosen}, which is no HDF5 library that can be loaded; correct it, or unset it."
            : Installation;

    static Loaded Initialise(string path, nint library)
    {
        NativeLibrary.SetDllImportResolver(typeof(Hdf5Library).Assembly, (name, _, _) => name == "hdf5" ? library : 0);
        lock (Gate)
        {
            // On exit the library would close once more what it could not close before, such as a file on a full disk,
            // and crash.
            H5.H5dont_atexit();
            H5.H5open();
            H5.H5get_libversion(out var major, out var minor, out var release);
            var version = new Version((int)major, (int)minor, (int)release);
            if (version < new Version(1, 10, 5))
                throw new Hdf5LibraryException($"HDF5 {version} is too old; 1.10.5 or later is needed.", Installation);

            H5.H5Eset_auto2(H5.Default, 0, 0);
            NativeLibrary.TryGetExport(library, "H5Pset_file_locking", out var locking);
            LzfFilter.Register();
            return new(
                Located(path, library),
                version,
                new Types(library),
                // Version 2 renamed the function when it added a second form of it.
                Export<ChunkReader>(library, "H5Dread_chunk", "H5Dread_chunk1"),
                Export<Reclaimer>(library, "H5Treclaim", "H5Dvlen_reclaim"),
                locking
            );
        }
    }

    static T Export<T>(nint library, params string[] names)
        where T : Delegate
    {
        foreach (var name in names)
            if (NativeLibrary.TryGetExport(library, name, out var address))
                return Marshal.GetDelegateForFunctionPointer<T>(address);

        throw new Hdf5LibraryException($"The HDF5 library lacks {names[0]}.", Installation);
    }

    // The loader was given a bare name; on Linux the process's map tells which file that became.
    static string Located(string path, nint library)
    {
        const string maps = "/proc/self/maps";
        if (System.IO.Path.IsPathRooted(path) || !File.Exists(maps))
            return path;

        var address = NativeLibrary.GetExport(library, "H5open");
        foreach (var line in File.ReadLines(maps))
            if (Covers(line, address))
                return line[line.IndexOf('/')..];

        return path;
    }

    static bool Covers(string line, nint address)
    {
        var range = line[..line.IndexOf(' ')].Split('-');
        return line.Contains('/')
            && address >= Convert.ToInt64(range[0], 16)
            && address < Convert.ToInt64(range[1], 16);
    }
}
