using System.IO;
using System.IO.Compression;

namespace CoExpr.Hdf5;

/// <summary>One chunk on its way into the file: filled, then shuffled and deflated in place.</summary>
internal sealed class ChunkEncoder(int chunkBytes, int elementBytes, Hdf5Storage storage)
{
    readonly MemoryStream deflated = new();
    readonly byte[] shuffled = storage.Shuffle && storage.Level > 0 ? new byte[chunkBytes] : [];

    /// <summary>The chunk's elements, to be filled.</summary>
    internal byte[] Bytes { get; } = new byte[chunkBytes];

    /// <summary>What goes into the file, after <see cref="Encode"/>.</summary>
    internal byte[] Encoded { get; private set; } = [];

    /// <summary>How many bytes of <see cref="Encoded"/> go into the file.</summary>
    internal int EncodedBytes { get; private set; }

    internal void Encode()
    {
        if (storage.Level == 0)
        {
            (Encoded, EncodedBytes) = (Bytes, chunkBytes);
            return;
        }

        if (storage.Shuffle)
            Shuffling.Do(Bytes, chunkBytes / elementBytes, elementBytes, shuffled);

        deflated.SetLength(0);
        var options = new ZLibCompressionOptions { CompressionLevel = storage.Level };
        using (var deflater = new ZLibStream(deflated, options, leaveOpen: true))
            deflater.Write(storage.Shuffle ? shuffled : Bytes);

        (Encoded, EncodedBytes) = (deflated.GetBuffer(), (int)deflated.Length);
    }
}
