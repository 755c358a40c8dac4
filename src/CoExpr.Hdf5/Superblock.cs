using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;

namespace CoExpr.Hdf5;

/// <summary>The head of an HDF5 file, looked at before the C library sees the file, so that a file that is cut short or
/// of another kind gets a clear message.</summary>
internal static class Superblock
{
    static ReadOnlySpan<byte> Signature =>
        [0x89, (byte)'H', (byte)'D', (byte)'F', (byte)'\r', (byte)'\n', 0x1a, (byte)'\n'];

    /// <summary>Throws unless the file has a head, and is at least as long as it says.</summary>
    internal static void Check(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var head = Find(file, path);
        var expected = EndOfFile(head);
        if (expected is { } end && (ulong)file.Length < end)
            throw new Hdf5Exception(
                Hdf5Fault.Damaged,
                path,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"cut short: {file.Length:N0} bytes on disk, {end:N0} expected."
                )
            );
    }

    // The head stands at 0, or after a block of the user's of 512, 1024, 2048, ... bytes.
    static byte[] Find(FileStream file, string path)
    {
        var head = new byte[128];
        for (long at = 0; at + Signature.Length <= file.Length; at = at == 0 ? 512 : at * 2)
        {
            file.Position = at;
            Array.Clear(head);
            file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            if (head.AsSpan().StartsWith(Signature))
                return head;
        }

        var what = file.Length == 0 ? "an empty file" : "not an HDF5 file";
        throw new Hdf5Exception(Hdf5Fault.Unsupported, path, $"{what}: .h5ad and 10x .h5 files are HDF5 files.");
    }

    // Versions 0 and 1 differ by 4 bytes before the addresses; 2 and 3 are alike. Addresses are of 8 bytes in every
    // file that a common program writes; of others nothing is said.
    static ulong? EndOfFile(ReadOnlySpan<byte> head) =>
        head[8] switch
        {
            0 when head[13] == 8 => BinaryPrimitives.ReadUInt64LittleEndian(head[40..]),
            1 when head[13] == 8 => BinaryPrimitives.ReadUInt64LittleEndian(head[44..]),
            2 or 3 when head[9] == 8 => BinaryPrimitives.ReadUInt64LittleEndian(head[28..]),
            _ => null,
        };
}
