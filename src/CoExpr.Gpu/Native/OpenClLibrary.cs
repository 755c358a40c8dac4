using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace CoExpr.Gpu;

/// <summary>The entry points of the OpenCL loader that listing devices takes, found at run time.</summary>
sealed unsafe class OpenClLibrary
{
    // Constants of the Khronos header cl.h.
    internal const int Success = 0;
    internal const int DeviceNotFound = -1;
    internal const int PlatformNotFound = -1001;
    internal const uint PlatformVersion = 0x0901;
    internal const uint PlatformName = 0x0902;
    internal const uint PlatformVendor = 0x0903;
    internal const uint DeviceType = 0x1000;
    internal const uint DeviceComputeUnits = 0x1002;
    internal const uint DeviceGroupItems = 0x1004;
    internal const uint DeviceAllocation = 0x1010;
    internal const uint DeviceSingles = 0x101B;
    internal const uint DeviceGlobalMemory = 0x101F;
    internal const uint DeviceLocalMemory = 0x1023;
    internal const uint DeviceName = 0x102B;
    internal const uint DeviceVendor = 0x102C;
    internal const uint DriverVersion = 0x102D;
    internal const uint DeviceVersion = 0x102F;
    internal const uint DeviceDoubles = 0x1032;
    const ulong AllDevices = 0xFFFFFFFF;

    readonly delegate* unmanaged<uint, nint*, uint*, int> getPlatformIds;
    readonly delegate* unmanaged<nint, uint, nuint, void*, nuint*, int> getPlatformInfo;
    readonly delegate* unmanaged<nint, ulong, uint, nint*, uint*, int> getDeviceIds;
    readonly delegate* unmanaged<nint, uint, nuint, void*, nuint*, int> getDeviceInfo;

    OpenClLibrary(nint handle, nint platformIds, nint platformInfo, nint deviceIds, nint deviceInfo)
    {
        Handle = handle;
        getPlatformIds = (delegate* unmanaged<uint, nint*, uint*, int>)platformIds;
        getPlatformInfo = (delegate* unmanaged<nint, uint, nuint, void*, nuint*, int>)platformInfo;
        getDeviceIds = (delegate* unmanaged<nint, ulong, uint, nint*, uint*, int>)deviceIds;
        getDeviceInfo = (delegate* unmanaged<nint, uint, nuint, void*, nuint*, int>)deviceInfo;
    }

    /// <summary>The loaded library, for further entry points.</summary>
    internal nint Handle { get; }

    /// <summary>What the loader is called on this system, the likeliest first.</summary>
    internal static IReadOnlyList<string> FileNames { get; } =
        OperatingSystem.IsWindows() ? ["OpenCL.dll"]
        : OperatingSystem.IsMacOS() ? ["/System/Library/Frameworks/OpenCL.framework/OpenCL"]
        : ["libOpenCL.so.1", "libOpenCL.so"];

    /// <summary>The first of these libraries that is there and is an OpenCL loader, or null.</summary>
    internal static OpenClLibrary? TryLoad(IEnumerable<string> fileNames)
    {
        foreach (var name in fileNames)
            if (NativeLibrary.TryLoad(name, out var handle) && TryBind(handle) is { } library)
                return library;

        return null;
    }

    // The library stays loaded: drivers start threads of their own, and unloading one under them ends the process.
    static OpenClLibrary? TryBind(nint handle) =>
        NativeLibrary.TryGetExport(handle, "clGetPlatformIDs", out var platformIds)
        && NativeLibrary.TryGetExport(handle, "clGetPlatformInfo", out var platformInfo)
        && NativeLibrary.TryGetExport(handle, "clGetDeviceIDs", out var deviceIds)
        && NativeLibrary.TryGetExport(handle, "clGetDeviceInfo", out var deviceInfo)
            ? new(handle, platformIds, platformInfo, deviceIds, deviceInfo)
            : null;

    /// <summary>The drivers, and OpenCL's status.</summary>
    internal (int Status, nint[] Ids) Platforms()
    {
        uint count;
        var status = getPlatformIds(0, null, &count);
        if (status != Success || count == 0)
            return (status, []);

        var ids = new nint[count];
        fixed (nint* first = ids)
            return (getPlatformIds(count, first, null), ids);
    }

    /// <summary>The devices of a driver, and OpenCL's status.</summary>
    internal (int Status, nint[] Ids) Devices(nint platform)
    {
        uint count;
        var status = getDeviceIds(platform, AllDevices, 0, null, &count);
        if (status != Success || count == 0)
            return (status, []);

        var ids = new nint[count];
        fixed (nint* first = ids)
            return (getDeviceIds(platform, AllDevices, count, first, null), ids);
    }

    /// <summary>A property of a platform that is text; empty if it is not to be had.</summary>
    internal string PlatformText(nint platform, uint property) => Text(getPlatformInfo, platform, property);

    /// <summary>A property of a device that is text; empty if it is not to be had.</summary>
    internal string DeviceText(nint device, uint property) => Text(getDeviceInfo, device, property);

    /// <summary>A property of a device that is a number of at most 64 bits; 0 if it is not to be had.</summary>
    internal ulong DeviceNumber(nint device, uint property)
    {
        // 32-bit properties fill the low half of a little-endian word, and all systems that OpenCL runs on are such.
        ulong value = 0;
        return getDeviceInfo(device, property, sizeof(ulong), &value, null) == Success ? value : 0;
    }

    static string Text(delegate* unmanaged<nint, uint, nuint, void*, nuint*, int> getInfo, nint item, uint property)
    {
        nuint size;
        if (getInfo(item, property, 0, null, &size) != Success || size == 0)
            return "";

        var bytes = new byte[size];
        fixed (byte* first = bytes)
            if (getInfo(item, property, size, first, null) != Success)
                return "";

        return Encoding.UTF8.GetString(bytes).TrimEnd('\0').Trim();
    }
}
