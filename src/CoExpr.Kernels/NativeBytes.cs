using System;
using System.Runtime.InteropServices;

namespace CoExpr.Kernels;

/// <summary>Memory outside the managed heap that begins at a cache line, filled with zeros.</summary>
sealed unsafe class NativeBytes : IDisposable
{
    const int CacheLine = 64;

    internal NativeBytes(long length)
    {
        Length = length;
        Start = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), CacheLine);
        Clear();
    }

    ~NativeBytes() => Free();

    internal long Length { get; }

    internal byte* Start { get; private set; }

    internal void Clear() => NativeMemory.Clear(Start, (nuint)Length);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    void Free()
    {
        NativeMemory.AlignedFree(Start);
        Start = null;
    }
}
