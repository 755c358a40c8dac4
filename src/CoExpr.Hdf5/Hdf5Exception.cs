using System;

namespace CoExpr.Hdf5;

/// <summary>What kind of thing went wrong with a file.</summary>
public enum Hdf5Fault
{
    /// <summary>The file is whole, but no HDF5 file, or stored in a way that is not read here.</summary>
    Unsupported,

    /// <summary>The file is cut short or contradicts itself.</summary>
    Damaged,

    /// <summary>A group, dataset, field or attribute that was asked for is not there.</summary>
    Missing,

    /// <summary>A value does not fit the type it was asked for in.</summary>
    OutOfRange,

    /// <summary>The output cannot be written.</summary>
    CannotWrite,
}

/// <summary>Something is wrong with an HDF5 file.</summary>
public sealed class Hdf5Exception : Exception
{
    /// <summary>An exception for one file.</summary>
    /// <param name="fault">What kind of thing went wrong.</param>
    /// <param name="path">Path of the file.</param>
    /// <param name="message">One sentence, without the path.</param>
    public Hdf5Exception(Hdf5Fault fault, string path, string message)
        : base(message)
    {
        Fault = fault;
        Path = path;
    }

    /// <summary>What kind of thing went wrong.</summary>
    public Hdf5Fault Fault { get; }

    /// <summary>Path of the file.</summary>
    public string Path { get; }
}

/// <summary>The HDF5 C library is not installed, or too old.</summary>
public sealed class Hdf5LibraryException : Exception
{
    /// <summary>An exception that says how to install the library.</summary>
    /// <param name="message">What was looked for and not found.</param>
    /// <param name="install">How it is installed, on each system.</param>
    public Hdf5LibraryException(string message, string install)
        : base(message + " " + install)
    {
        Install = install;
    }

    /// <summary>How the library is installed, on each system.</summary>
    public string Install { get; }
}
