using System;
using System.Numerics;
using System.Text;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>The attributes of one group or dataset.</summary>
public sealed unsafe partial class Hdf5Attributes
{
    readonly Hdf5File file;
    readonly string path;

    internal Hdf5Attributes(Hdf5File file, string path)
    {
        this.file = file;
        this.path = path;
    }

    /// <summary>Whether there is an attribute of this name.</summary>
    public bool Has(string name)
    {
        lock (Hdf5Library.Gate)
        {
            using var owner = Open();
            return H5.H5Aexists(owner, name) > 0;
        }
    }

    /// <summary>The text of an attribute; null if there is none of this name, or it holds no text.</summary>
    public string? Text(string name) => Texts(name) is [var text, ..] ? text : null;

    /// <summary>The texts of an attribute: empty if it holds none; null if there is no attribute of this name.</summary>
    public string[]? Texts(string name) =>
        With(name, (elements, type) => type.Kind == Hdf5Kind.Text ? elements.Texts(0, elements.Count) : []);

    /// <summary>The numbers of an attribute: empty if it holds none; null if there is no attribute of this name.</summary>
    /// <exception cref="Hdf5Exception">A number does not fit the type.</exception>
    public T[]? Numbers<T>(string name)
        where T : unmanaged, INumber<T> =>
        With(
            name,
            (elements, type) =>
            {
                var numbers = new T[type.IsNumber ? elements.Count : 0];
                elements.Numbers(0, numbers.AsSpan());
                return numbers;
            }
        );

    /// <summary>Path of the object that an attribute refers to; null if there is no such attribute or object.</summary>
    public string? Reference(string name) =>
        With(name, (elements, type) => type.Kind == Hdf5Kind.Reference && elements.Count == 1 ? Path(elements) : null);

    string? Path(Elements elements)
    {
        ulong reference = 0;
        elements.Raw(0, 1, &reference);
        using var target = new Handle(H5.H5Rdereference2(file.Id, H5.Default, 0, &reference));
        if (target.Id <= 0)
            return null;

        var name = new byte[H5.H5Iget_name(target, null, 0) + 1];
        fixed (byte* buffer = name)
            H5.H5Iget_name(target, buffer, (nuint)name.Length);

        return Encoding.UTF8.GetString(name, 0, name.Length - 1);
    }

    TResult? With<TResult>(string name, Func<Elements, Hdf5Type, TResult?> read)
        where TResult : class
    {
        lock (Hdf5Library.Gate)
        {
            using var owner = Open();
            if (H5.H5Aexists(owner, name) <= 0)
                return null;

            using var attribute = new Handle(H5.H5Aopen(owner, name, H5.Default));
            using var elements = Elements.OfAttribute(file, attribute, $"attribute {name} of {path}");
            return read(elements, elements.Type);
        }
    }

    Handle Open()
    {
        var owner = new Handle(H5.H5Oopen(file.Id, path, H5.Default));
        return owner.Id > 0 ? owner : throw file.Failure(Hdf5Fault.Damaged, $"{path} cannot be opened");
    }
}
