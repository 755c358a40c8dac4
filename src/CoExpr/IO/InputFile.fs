namespace CoExpr.IO

open System
open System.IO
open System.IO.Compression
open CoExpr

/// A stream with a few bytes after its end.
[<Sealed>]
type private Followed(stream: Stream, further: byte[]) =
    inherit Stream()
    let mutable at = 0

    override _.Read(buffer: Span<byte>) =
        match stream.Read buffer with
        | 0 ->
            let count = min buffer.Length (further.Length - at)
            further.AsSpan(at, count).CopyTo buffer
            at <- at + count
            count
        | count -> count

    override this.Read(buffer: byte[], offset: int, count: int) = this.Read(Span(buffer, offset, count))
    override _.CanRead = true
    override _.CanSeek = false
    override _.CanWrite = false
    override _.Length = raise (NotSupportedException())

    override _.Position
        with get () = raise (NotSupportedException())
        and set _ = raise (NotSupportedException())

    override _.Flush() = ()
    override _.Seek(_, _) = raise (NotSupportedException())
    override _.SetLength _ = raise (NotSupportedException())
    override _.Write(_: byte[], _: int, _: int) = raise (NotSupportedException())

/// The bytes of a gzip file, unpacked, and whether all of them are there.
///
/// GZipStream says nothing when a file is cut short: the table just has fewer rows. So a last member of our own is put
/// after the file. What comes out of a whole file ends in its content; a file that is cut short swallows it as data.
[<Sealed>]
type private CheckedGzip(path: string, stream: Stream) =
    static let ending = "the end of gzip\n"B

    static let endingMember =
        use packed = new MemoryStream()
        (use gzip = new GZipStream(packed, CompressionLevel.Fastest) in gzip.Write(ending, 0, ending.Length))
        packed.ToArray()

    let unpacked =
        new GZipStream(new Followed(stream, endingMember), CompressionMode.Decompress)
    // The last bytes so far, held back because they may be the ending.
    let held = Array.zeroCreate<byte> ending.Length
    let mutable heldCount = 0

    let cutShort () =
        raise (CoExprFailure(CoExprError.DamagedFile(path, "the gzip data is cut short, or other data follows it.")))

    /// Up to buffer.Length − 16 bytes; 0 at the end.
    member _.Read(buffer: Span<byte>) =
        held.AsSpan(0, heldCount).CopyTo buffer

        match unpacked.Read(buffer.Slice heldCount) with
        | 0 when held.AsSpan(0, heldCount).SequenceEqual(ReadOnlySpan ending) -> 0
        | 0 -> cutShort ()
        | count ->
            let total = heldCount + count
            heldCount <- min total ending.Length
            buffer.Slice(total - heldCount, heldCount).CopyTo held
            total - heldCount

/// A file that is read from its beginning to its end, unpacked if it is gzip, whatever its name says. Reports progress
/// in bytes of the file as it lies on the disk.
[<Sealed>]
type internal InputFile(path: string, progress: Progress) =
    let stream =
        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 <<< 16)

    let isGzip =
        let first, second = stream.ReadByte(), stream.ReadByte()
        stream.Position <- 0L
        first = 0x1F && second = 0x8B

    let gzip =
        if isGzip then
            ValueSome(CheckedGzip(path, stream))
        else
            ValueNone

    let advance =
        Progress.counter progress $"reading {Path.GetFileName path}" "bytes" stream.Length

    let mutable reported = 0L

    let report isEnd =
        // A few hundred reports a file; more would cost time in the listener.
        if
            stream.Position - reported >= max 1L (stream.Length / 200L)
            || (isEnd && stream.Position > reported)
        then
            advance (stream.Position - reported)
            reported <- stream.Position

    /// Fills what it can of a buffer of more than 16 bytes; 0 at the end.
    member _.Read(buffer: Span<byte>) =
        progress.Token.ThrowIfCancellationRequested()

        let count =
            match gzip with
            | ValueSome gzip -> gzip.Read buffer
            | ValueNone -> stream.Read buffer

        report (count = 0)
        count

    /// Bytes as they lie on the disk.
    member _.LengthOnDisk = stream.Length

    /// The most bytes there can be once unpacked: deflate packs at most 1,032 into one (RFC 1951).
    member _.LongestUnpacked = if isGzip then stream.Length * 1032L else stream.Length

    interface IDisposable with
        member _.Dispose() = stream.Dispose()

[<RequireQualifiedAccess>]
module internal InputFile =

    let private describe path (error: exn) =
        match error with
        | :? FileNotFoundException
        | :? DirectoryNotFoundException -> CoExprError.FileNotFound path
        | :? UnauthorizedAccessException when Directory.Exists path ->
            CoExprError.UnknownFormat(path, "it is a folder where a file is expected.")
        | :? UnauthorizedAccessException -> CoExprError.UnknownFormat(path, "no permission to read it.")
        | :? InvalidDataException -> CoExprError.DamagedFile(path, "the packed data do not unpack.")
        | error -> CoExprError.DamagedFile(path, error.Message)

    /// Runs code that reads a file and may raise CoExprFailure: all that can be wrong with the file comes as a value.
    let reading (path: string) (work: unit -> 'a) : Result<'a, CoExprError> =
        try
            CoExprError.protect work
        with
        | :? IOException
        | :? InvalidDataException
        | :? UnauthorizedAccessException as error -> Error(describe path error)
