using System.Collections.Generic;
using System.Linq;
using System.Text;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>What a name in a group stands for.</summary>
public enum Hdf5Member
{
    /// <summary>Nothing, or a link that leads nowhere.</summary>
    None,

    /// <summary>A group.</summary>
    Group,

    /// <summary>A dataset.</summary>
    Dataset,

    /// <summary>A named type.</summary>
    Other,
}

/// <summary>A group of an open file, by its path: a folder of groups and datasets.</summary>
public sealed unsafe partial class Hdf5Group
{
    readonly Hdf5File file;

    internal Hdf5Group(Hdf5File file, string path)
    {
        this.file = file;
        Path = path;
        Attributes = new Hdf5Attributes(file, path);
    }

    /// <summary>Path within the file, beginning with a slash.</summary>
    public string Path { get; }

    /// <summary>The attributes of the group.</summary>
    public Hdf5Attributes Attributes { get; }

    /// <summary>The names in the group, in their order of the alphabet.</summary>
    /// <exception cref="Hdf5Exception">The group cannot be listed: the file is damaged.</exception>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (Hdf5Library.Gate)
            {
                using var group = Open();
                if (H5.H5Gget_info(group, out var info) < 0)
                    throw file.Failure(Hdf5Fault.Damaged, $"{Path} cannot be listed");

                var names = new List<string>();
                for (ulong at = 0; at < info.Links; at++)
                    names.Add(NameAt(group, at));

                return names;
            }
        }
    }

    /// <summary>What the name stands for. The name may lead through several groups: "raw/X".</summary>
    public Hdf5Member KindOf(string name)
    {
        lock (Hdf5Library.Gate)
        {
            if (!Exists(name))
                return Hdf5Member.None;

            using var member = new Handle(H5.H5Oopen(file.Id, Below(name), H5.Default));
            if (member.Id <= 0)
                return Hdf5Member.None;

            return H5.H5Iget_type(member) switch
            {
                H5.IdGroup => Hdf5Member.Group,
                H5.IdDataset => Hdf5Member.Dataset,
                _ => Hdf5Member.Other,
            };
        }
    }

    /// <summary>The group of this name.</summary>
    /// <exception cref="Hdf5Exception">There is none.</exception>
    public Hdf5Group Group(string name) =>
        KindOf(name) == Hdf5Member.Group ? new(file, Below(name)) : throw Absent("group", name);

    /// <summary>The dataset of this name.</summary>
    /// <exception cref="Hdf5Exception">There is none.</exception>
    public Hdf5Dataset Dataset(string name) =>
        KindOf(name) == Hdf5Member.Dataset ? new(file, Below(name)) : throw Absent("dataset", name);

    internal string Below(string name) => Path == "/" ? "/" + name : Path + "/" + name;

    Hdf5Exception Absent(string kind, string name) =>
        new(Hdf5Fault.Missing, file.Path, $"there is no {kind} {Below(name).TrimStart('/')}.");

    // The library wants every step of a path to be asked for.
    bool Exists(string name)
    {
        var at = Path == "/" ? "" : Path;
        foreach (var step in name.Split('/'))
        {
            at += "/" + step;
            if (H5.H5Lexists(file.Id, at, H5.Default) <= 0)
                return false;
        }

        return true;
    }

    Handle Open()
    {
        var group = new Handle(H5.H5Oopen(file.Id, Path, H5.Default));
        return group.Id > 0 ? group : throw file.Failure(Hdf5Fault.Damaged, $"{Path} cannot be opened");
    }

    static string NameAt(Handle group, ulong at)
    {
        const int byName = 0;
        const int increasing = 0;
        var length = (int)H5.H5Lget_name_by_idx(group, ".", byName, increasing, at, null, 0, H5.Default);
        var name = new byte[length + 1];
        fixed (byte* buffer = name)
            H5.H5Lget_name_by_idx(group, ".", byName, increasing, at, buffer, (nuint)name.Length, H5.Default);

        return Encoding.UTF8.GetString(name, 0, length);
    }
}
