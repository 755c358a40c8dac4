using System;
using System.Runtime.InteropServices;

namespace CoExpr.Kernels;

/// <summary>Memory that begins at a cache line, so that a register of 64 bytes never straddles two. All 0 at first.</summary>
sealed unsafe class AlignedBuffer<T> : IDisposable
    where T : unmanaged
{
    const int CacheLine = 64;

    internal AlignedBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var bytes = checked((nuint)Math.Max(1, length) * (nuint)sizeof(T));
        Start = (T*)(
            bytes < LargePages.WorthFrom ? NativeMemory.AlignedAlloc(bytes, CacheLine) : LargePages.Allocate(bytes)
        );
        NativeMemory.Clear(Start, bytes);
        Length = length;
    }

    ~AlignedBuffer() => NativeMemory.AlignedFree(Start);

    internal T* Start { get; private set; }

    internal long Length { get; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Start);
        Start = null;
        GC.SuppressFinalize(this);
    }
}
