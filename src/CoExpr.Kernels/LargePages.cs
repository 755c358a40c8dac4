using System;
using System.Runtime.InteropServices;

namespace CoExpr.Kernels;

/// <summary>Memory in pages of 2 MB where the system has them for the asking.</summary>
/// <remarks>Rows of bit planes are read in no order that a processor could foresee. In pages of 4 kB a plane of 12,288
/// cells is spread over 192 of them, more than the nearest table of translations holds; in one large page it never waits
/// for a translation.</remarks>
static unsafe partial class LargePages
{
    const nuint PageBytes = 2 << 20;

    /// <summary>From half a page on, the rest of the page is a price worth paying.</summary>
    internal const nuint WorthFrom = PageBytes / 2;

    /// <summary>Linux: the pages of a range may be large ones (madvise, MADV_HUGEPAGE).</summary>
    const int Advice = 14;

    /// <summary>Whole pages, to be freed by <see cref="NativeMemory.AlignedFree"/>. Where the system has none, or is asked
    /// in vain, the memory is as good as any other.</summary>
    internal static void* Allocate(nuint bytes)
    {
        var whole = checked(bytes + PageBytes - 1) / PageBytes * PageBytes;
        var start = NativeMemory.AlignedAlloc(whole, PageBytes);
        if (OperatingSystem.IsLinux())
            _ = Advise(start, whole, Advice);
        return start;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint bytes, int advice);
}
