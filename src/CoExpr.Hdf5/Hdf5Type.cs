using System.Collections.Generic;

namespace CoExpr.Hdf5;

/// <summary>What the elements of a dataset or attribute are.</summary>
public enum Hdf5Kind
{
    /// <summary>Whole numbers.</summary>
    Integer,

    /// <summary>Floating-point numbers.</summary>
    Float,

    /// <summary>Text of fixed or variable length.</summary>
    Text,

    /// <summary>Truth values: an enumeration of FALSE = 0 and TRUE = 1, as h5py stores them.</summary>
    Flag,

    /// <summary>Records of named fields.</summary>
    Record,

    /// <summary>References to objects of the file.</summary>
    Reference,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>The type of the elements of a dataset, attribute or field.</summary>
/// <param name="Kind">What the elements are.</param>
/// <param name="Name">As numpy would say: float32, int64, bool, text, record.</param>
/// <param name="Bytes">Bytes per element in memory.</param>
/// <param name="Fields">Fields of a record, in order; empty for every other kind.</param>
public sealed record Hdf5Type(Hdf5Kind Kind, string Name, int Bytes, IReadOnlyList<Hdf5Field> Fields)
{
    /// <summary>Whether elements can be read as numbers (truth values are 0 and 1).</summary>
    public bool IsNumber => Kind is Hdf5Kind.Integer or Hdf5Kind.Float or Hdf5Kind.Flag;
}

/// <summary>One field of a record.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its values, or of the elements of its arrays.</param>
/// <param name="Shape">Shape of the array that each record holds; empty for a single value.</param>
public sealed record Hdf5Field(string Name, Hdf5Type Type, IReadOnlyList<long> Shape);
