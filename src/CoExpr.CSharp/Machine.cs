using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoExpr.Gpu;
using CoExpr.Hdf5;
using CoExpr.IO;

namespace CoExpr.CSharp;

/// <summary>What this machine offers, and what is used of it.</summary>
public static class Machine
{
    /// <summary>Version of this library.</summary>
    public static string Version => RunRecordModule.version;

    /// <summary>Names and texts: versions, processor, vector width, native libraries, devices.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Describe()
    {
        var lines = new List<KeyValuePair<string, string>>
        {
            new("CoExpr", Version),
            new("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}"),
            new("threads", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)),
            new("vectors", Vectors()),
            new("backend cpu", "scattered histograms and integer entropies; the default"),
            new("backend reference", "every pair from all cells, slowly; gives the same bits"),
            new("HDF5", Hdf5()),
        };
        lines.AddRange(Devices());
        return lines;
    }

    static string Vectors() =>
        Vector512.IsHardwareAccelerated ? "512 bits" + (Avx512F.IsSupported ? " (AVX-512)" : "")
        : Vector256.IsHardwareAccelerated ? "256 bits" + (Avx2.IsSupported ? " (AVX2)" : "")
        : Vector128.IsHardwareAccelerated ? "128 bits"
        : "none";

    static string Hdf5()
    {
        try
        {
            return $"{Hdf5Library.Version} ({Hdf5Library.Path})";
        }
        catch (Hdf5LibraryException error)
        {
            return $"not found; {error.Install}";
        }
    }

    static IEnumerable<KeyValuePair<string, string>> Devices()
    {
        var inventory = OpenClDevices.List();
        if (inventory.Devices.Count == 0)
            return [new("OpenCL", inventory.Reason)];
        return GpuChoice
            .Names(inventory)
            .Select(item => KeyValuePair.Create("OpenCL device", Line(item.Device, item.Name)));
    }

    static string Line(OpenClDevice device, string? name)
    {
        var use = name is null ? "not used" : $"--backend {name}" + (name == GpuChoice.Processor ? ", for tests" : "");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{device.Name} ({device.Kind.ToString().ToLowerInvariant()}, {device.GlobalMemory >> 20:N0} MB, {device.Platform.Name}); {use}"
        );
    }
}
