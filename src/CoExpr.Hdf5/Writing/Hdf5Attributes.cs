using System.Collections.Generic;
using System.Numerics;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

public sealed unsafe partial class Hdf5Attributes
{
    /// <summary>Adds a text.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written, or the name is taken.</exception>
    public void WriteText(string name, string text) => WriteTexts(name, [text], null);

    /// <summary>Adds a list of texts, which may be empty.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written, or the name is taken.</exception>
    public void WriteTexts(string name, IReadOnlyCollection<string> texts) => WriteTexts(name, texts, texts.Count);

    void WriteTexts(string name, IReadOnlyCollection<string> texts, int? length)
    {
        lock (Hdf5Library.Gate)
        {
            using var type = TextBuffer.Type();
            using var buffer = new TextBuffer(texts);
            fixed (nint* pointers = buffer.Pointers)
                Write(name, type, length, pointers);
        }
    }

    /// <summary>Adds a number.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written, or the name is taken.</exception>
    public void WriteNumber<T>(string name, T value)
        where T : unmanaged, INumber<T>
    {
        lock (Hdf5Library.Gate)
            Write(name, Hdf5Library.Types.Of(typeof(T)), null, &value);
    }

    /// <summary>Adds a list of numbers, which may be empty.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written, or the name is taken.</exception>
    public void WriteNumbers<T>(string name, T[] values)
        where T : unmanaged, INumber<T>
    {
        lock (Hdf5Library.Gate)
            fixed (T* numbers = values)
                Write(name, Hdf5Library.Types.Of(typeof(T)), values.Length, numbers);
    }

    /// <summary>Adds a truth value.</summary>
    /// <exception cref="Hdf5Exception">It cannot be written, or the name is taken.</exception>
    public void WriteFlag(string name, bool value)
    {
        lock (Hdf5Library.Gate)
        {
            using var type = FlagType.Create();
            Write(name, type, null, &value);
        }
    }

    void Write(string name, long type, int? length, void* values)
    {
        using var owner = Open();
        using var space = Spaces.Of(length);
        using var attribute = new Handle(H5.H5Acreate2(owner, name, type, space, H5.Default, H5.Default));
        if (attribute.Id <= 0 || (length != 0 && H5.H5Awrite(attribute, type, values) < 0))
            throw file.Failure(Hdf5Fault.CannotWrite, $"attribute {name} of {path} cannot be written");
    }
}
