using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace CoExpr.Hdf5.Native;

/// <summary>Why the last call failed, in the library's or the operating system's words.</summary>
internal static unsafe partial class ErrorStack
{
    [StructLayout(LayoutKind.Sequential)]
    struct Entry
    {
        internal long Class;
        internal long Major;
        internal long Minor;
        internal uint Line;
        internal byte* Function;
        internal byte* File;
        internal byte* Description;
    }

    // Drivers put the operating system's message into their description, between other things that change from run to
    // run (time, file descriptor, address).
    [GeneratedRegex("error message = '([^']*)'")]
    private static partial Regex SystemMessage();

    /// <summary>The operating system's message if there is one in the stack, else the innermost description; empty
    /// where the stack is. Clears the stack.</summary>
    internal static string TakeReason()
    {
        var descriptions = new List<string>();
        var list = GCHandle.Alloc(descriptions);
        delegate* unmanaged[Cdecl]<uint, Entry*, nint, int> collect = &Collect;
        H5.H5Ewalk2(H5.Default, 0, (nint)collect, GCHandle.ToIntPtr(list));
        list.Free();
        H5.H5Eclear2(H5.Default);
        foreach (var description in descriptions)
            if (SystemMessage().Match(description) is { Success: true } match)
                return match.Groups[1].Value;

        return descriptions.Count > 0 ? descriptions[0] : "";
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int Collect(uint position, Entry* entry, nint list)
    {
        var descriptions = (List<string>)GCHandle.FromIntPtr(list).Target!;
        descriptions.Add(Marshal.PtrToStringUTF8((nint)entry->Description) ?? "");
        return 0;
    }
}
