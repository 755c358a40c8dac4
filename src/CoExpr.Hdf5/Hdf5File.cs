using System;
using System.IO;
using CoExpr.Hdf5.Native;

namespace CoExpr.Hdf5;

/// <summary>An HDF5 file, open for reading or being written. Safe for several threads: calls wait for each other, but
/// chunks are decompressed side by side.</summary>
public sealed class Hdf5File : IDisposable
{
    long id;

    Hdf5File(string path, long id)
    {
        Path = path;
        this.id = id;
        Root = new Hdf5Group(this, "/");
    }

    /// <summary>Path of the file, as it was given.</summary>
    public string Path { get; }

    /// <summary>The group that holds all others.</summary>
    public Hdf5Group Root { get; }

    internal long Id => id > 0 ? id : throw new ObjectDisposedException(Path);

    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="FileNotFoundException">Nothing is at the path.</exception>
    /// <exception cref="Hdf5Exception">It is no HDF5 file, or is cut short.</exception>
    /// <exception cref="Hdf5LibraryException">The C library is not installed.</exception>
    public static Hdf5File OpenRead(string path)
    {
        Superblock.Check(path);
        var types = Hdf5Library.Types;
        lock (Hdf5Library.Gate)
        {
            using var access = new Handle(H5.H5Pcreate(types.FileAccess));
            H5.H5Pset_fclose_degree(access, H5.CloseStrong);
            Hdf5Library.LockIfPossible(access);
            var id = H5.H5Fopen(path, H5.ReadOnly, access);
            return id > 0 ? new(path, id) : throw Failure(Hdf5Fault.Damaged, path, "cannot be opened");
        }
    }

    /// <summary>Makes a file, in place of one that may be there.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="Hdf5Exception">The file cannot be made.</exception>
    /// <exception cref="Hdf5LibraryException">The C library is not installed.</exception>
    public static Hdf5File Create(string path)
    {
        var types = Hdf5Library.Types;
        lock (Hdf5Library.Gate)
        {
            using var access = new Handle(H5.H5Pcreate(types.FileAccess));
            H5.H5Pset_fclose_degree(access, H5.CloseStrong);
            Hdf5Library.LockIfPossible(access);
            var id = H5.H5Fcreate(path, H5.Truncate, H5.Default, access);
            return id > 0 ? new(path, id) : throw Failure(Hdf5Fault.CannotWrite, path, "cannot be made");
        }
    }

    /// <summary>Writes what is still in memory and closes the file. Closing twice does nothing.</summary>
    /// <exception cref="Hdf5Exception">Something could not be written; the file is not to be relied on.</exception>
    public void Close()
    {
        lock (Hdf5Library.Gate)
        {
            if (id <= 0)
                return;

            var (flushed, reason) = (H5.H5Fflush(id, 1), ErrorStack.TakeReason());
            var closed = H5.H5Fclose(id);
            id = 0;
            if (flushed < 0 || closed < 0)
                throw new Hdf5Exception(Hdf5Fault.CannotWrite, Path, Reason("closing failed", reason));
        }
    }

    /// <summary>Closes the file without a word about failures; after writing, call <see cref="Close"/> first.</summary>
    public void Dispose()
    {
        lock (Hdf5Library.Gate)
        {
            if (id > 0)
                H5.H5Fclose(id);

            id = 0;
        }
    }

    internal static string Reason(string what, string reason) => reason.Length == 0 ? what + "." : $"{what}: {reason}.";

    /// <summary>An exception with the reason that the library gives. Call under the gate, right after the failure.</summary>
    internal static Hdf5Exception Failure(Hdf5Fault fault, string path, string what) =>
        new(fault, path, Reason(what, ErrorStack.TakeReason()));

    internal Hdf5Exception Failure(Hdf5Fault fault, string what) => Failure(fault, Path, what);
}
