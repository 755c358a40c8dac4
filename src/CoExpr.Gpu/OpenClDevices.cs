using System;
using System.Collections.Generic;
using System.Linq;

namespace CoExpr.Gpu;

/// <summary>What an OpenCL device is.</summary>
public enum OpenClDeviceKind
{
    /// <summary>Neither of the others, as far as its driver says.</summary>
    Other,

    /// <summary>The machine's own processor, through a driver such as pocl.</summary>
    Cpu,

    /// <summary>A graphics card.</summary>
    Gpu,

    /// <summary>Another processor, such as an FPGA card.</summary>
    Accelerator,
}

/// <summary>An OpenCL platform: one driver installed on this machine.</summary>
/// <param name="Name">The driver's name for itself.</param>
/// <param name="Vendor">Who made the driver.</param>
/// <param name="Version">The OpenCL version of the platform, as the driver words it.</param>
public sealed record OpenClPlatform(string Name, string Vendor, string Version);

/// <summary>A device on which kernels can be run through OpenCL.</summary>
/// <param name="Platform">The driver that offers it. A device with two drivers is listed twice.</param>
/// <param name="Name">The device's name.</param>
/// <param name="Vendor">Who made the device.</param>
/// <param name="DriverVersion">The version of the driver, in the vendor's form.</param>
/// <param name="OpenClVersion">The OpenCL version of the device, as the driver words it.</param>
/// <param name="Kind">Processor, graphics card or other.</param>
/// <param name="GlobalMemory">Bytes of memory that kernels share.</param>
/// <param name="ComputeUnits">Parallel units: cores of a processor, multiprocessors of a graphics card.</param>
public sealed record OpenClDevice(
    OpenClPlatform Platform,
    string Name,
    string Vendor,
    string DriverVersion,
    string OpenClVersion,
    OpenClDeviceKind Kind,
    ulong GlobalMemory,
    uint ComputeUnits
)
{
    /// <summary>OpenCL's handle of the device, valid while the process runs.</summary>
    internal nint Id { get; init; }
}

/// <summary>Why no OpenCL device was found.</summary>
public enum OpenClAbsence
{
    /// <summary>Devices were found.</summary>
    None,

    /// <summary>The OpenCL loader (libOpenCL.so.1, OpenCL.dll, the OpenCL framework) is not installed.</summary>
    NoLoader,

    /// <summary>The loader is there, but no driver is.</summary>
    NoPlatform,

    /// <summary>There is a driver, but it finds no device.</summary>
    NoDevice,

    /// <summary>The loader or a driver answered with an error.</summary>
    Failed,
}

/// <summary>The OpenCL devices of this machine, or why there are none.</summary>
/// <param name="Devices">Platform by platform, in the loader's order.</param>
/// <param name="Absence">Why the list is empty; <see cref="OpenClAbsence.None"/> if it is not.</param>
/// <param name="Reason">The same in a sentence or two that say what to install; empty if there are devices.</param>
public sealed record OpenClInventory(IReadOnlyList<OpenClDevice> Devices, OpenClAbsence Absence, string Reason);

/// <summary>Lists OpenCL devices. A machine without OpenCL is an answer, not an exception.</summary>
public static class OpenClDevices
{
    /// <summary>The devices of every driver that the system's OpenCL loader knows.</summary>
    public static OpenClInventory List() => List(OpenClLibrary.FileNames);

    /// <summary>The same with loaders of other names or places, of which the first that is there is taken.</summary>
    /// <param name="loaders">File names, as the system's library search understands them, or paths.</param>
    public static OpenClInventory List(IEnumerable<string> loaders)
    {
        ArgumentNullException.ThrowIfNull(loaders);
        var library = OpenClLibrary.TryLoad(loaders);
        return library is null ? Empty(OpenClAbsence.NoLoader, NoLoader) : List(library);
    }

    const string Advice =
        "Install a driver: pocl-opencl-icd (Debian) for the processor, the vendor's OpenCL driver for a graphics card. "
        + "Everything works without one, on the CPU backend.";

    const string NoLoader = "The OpenCL loader is not installed (Debian: ocl-icd-libopencl1). " + Advice;

    static OpenClInventory Empty(OpenClAbsence absence, string reason) => new([], absence, reason);

    static OpenClInventory List(OpenClLibrary library)
    {
        var (status, platforms) = library.Platforms();
        if (status == OpenClLibrary.PlatformNotFound || (status == OpenClLibrary.Success && platforms.Length == 0))
            return Empty(OpenClAbsence.NoPlatform, "The OpenCL loader finds no driver. " + Advice);
        if (status != OpenClLibrary.Success)
            return Empty(OpenClAbsence.Failed, $"The OpenCL loader answered with error {status}. " + Advice);

        var (failures, devices) = (new List<string>(), new List<OpenClDevice>());
        foreach (var platform in platforms)
            AddDevices(library, platform, devices, failures);

        return (devices.Count, failures.Count) switch
        {
            (> 0, _) => new(devices, OpenClAbsence.None, ""),
            (_, > 0) => Empty(OpenClAbsence.Failed, string.Join(" ", failures) + " " + Advice),
            _ => Empty(OpenClAbsence.NoDevice, "No OpenCL driver finds a device of its kind. " + Advice),
        };
    }

    // A driver that fails must not hide the devices of the others, so its error is only kept for the reason.
    static void AddDevices(OpenClLibrary library, nint platformId, List<OpenClDevice> devices, List<string> failures)
    {
        var platform = new OpenClPlatform(
            library.PlatformText(platformId, OpenClLibrary.PlatformName),
            library.PlatformText(platformId, OpenClLibrary.PlatformVendor),
            library.PlatformText(platformId, OpenClLibrary.PlatformVersion)
        );
        var (status, ids) = library.Devices(platformId);
        if (status is OpenClLibrary.Success or OpenClLibrary.DeviceNotFound)
            devices.AddRange(ids.Select(id => Describe(library, platform, id)));
        else
            failures.Add($"The driver {platform.Name} answered with error {status}.");
    }

    static OpenClDevice Describe(OpenClLibrary library, OpenClPlatform platform, nint id) =>
        new(
            platform,
            library.DeviceText(id, OpenClLibrary.DeviceName),
            library.DeviceText(id, OpenClLibrary.DeviceVendor),
            library.DeviceText(id, OpenClLibrary.DriverVersion),
            library.DeviceText(id, OpenClLibrary.DeviceVersion),
            Kind(library.DeviceNumber(id, OpenClLibrary.DeviceType)),
            library.DeviceNumber(id, OpenClLibrary.DeviceGlobalMemory),
            (uint)library.DeviceNumber(id, OpenClLibrary.DeviceComputeUnits)
        )
        {
            Id = id,
        };

    // CL_DEVICE_TYPE is a set of bits: 1 the default device, 2 a CPU, 4 a GPU, 8 an accelerator.
    static OpenClDeviceKind Kind(ulong type) =>
        (type & 4) != 0 ? OpenClDeviceKind.Gpu
        : (type & 2) != 0 ? OpenClDeviceKind.Cpu
        : (type & 8) != 0 ? OpenClDeviceKind.Accelerator
        : OpenClDeviceKind.Other;
}
