using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>Texts as the C library takes them: an array of pointers to characters that end with a zero byte.</summary>
internal sealed unsafe class TextBuffer : IDisposable
{
    readonly byte* characters;

    internal TextBuffer(IReadOnlyCollection<string> texts)
    {
        var bytes = texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text) + 1);
        characters = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, bytes));
        Pointers = new nint[texts.Count];
        var at = characters;
        var end = characters + bytes;
        var i = 0;
        foreach (var text in texts)
        {
            Pointers[i++] = (nint)at;
            at += Encoding.UTF8.GetBytes(text, new Span<byte>(at, (int)Math.Min(int.MaxValue, end - at)));
            *at++ = 0;
        }
    }

    internal nint[] Pointers { get; }

    /// <summary>The type of text of any length.</summary>
    internal static Handle Type()
    {
        var type = new Handle(H5.H5Tcopy(Hdf5Library.Types.Text));
        H5.H5Tset_size(type, H5.VariableLength);
        H5.H5Tset_cset(type, H5.Utf8Characters);
        return type;
    }

    public void Dispose() => NativeMemory.Free(characters);
}
