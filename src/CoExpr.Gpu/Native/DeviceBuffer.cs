using System;
using System.Runtime.CompilerServices;

namespace CoExpr.Gpu;

/// <summary>Memory of a device that grows when more is asked for; what it held is lost then.</summary>
sealed class DeviceBuffer(OpenClSession session) : IDisposable
{
    long size = -1;

    /// <summary>OpenCL's handle of the memory; 0 before any was asked for.</summary>
    internal nint Handle { get; private set; }

    /// <summary>Makes room for so many items.</summary>
    internal DeviceBuffer Reserve<T>(long items)
        where T : unmanaged
    {
        var bytes = items * Unsafe.SizeOf<T>();
        if (bytes <= size)
            return this;
        Dispose();
        (Handle, size) = (session.Allocate(bytes), bytes);
        return this;
    }

    /// <summary>Makes room for the items and copies them to the device.</summary>
    internal void Write<T>(ReadOnlySpan<T> items)
        where T : unmanaged => session.Write(Reserve<T>(items.Length).Handle, items);

    /// <summary>Copies from the device.</summary>
    internal void Read<T>(Span<T> items)
        where T : unmanaged => session.Read(Handle, items);

    /// <summary>Gives the memory back; <see cref="Reserve"/> takes new.</summary>
    public void Dispose()
    {
        if (size >= 0)
            session.Free(Handle);
        (Handle, size) = (0, -1);
    }
}
