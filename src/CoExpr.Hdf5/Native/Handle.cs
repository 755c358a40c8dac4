using System;

namespace CoExpr.Hdf5.Native;

/// <summary>An identifier of the C library that is given back at the end of its block.</summary>
internal readonly struct Handle(long id) : IDisposable
{
    internal long Id { get; } = id;

    public static implicit operator long(Handle handle) => handle.Id;

    public void Dispose()
    {
        // 0 and the predefined types are nobody's to give back; H5Idec_ref closes whatever kind the rest are.
        if (Id > 0)
            H5.H5Idec_ref(Id);
    }
}
