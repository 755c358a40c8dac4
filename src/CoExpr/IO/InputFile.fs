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

    /// Whether all of the stream has been read.
    member _.HasBegunTheFurther = at > 0

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
/// Nothing that comes out once that member goes in is handed on before it is known to be whole.
[<Sealed>]
type private CheckedGzip(path: string, stream: Stream) =
    static let ending = "the end of gzip\n"B

    static let endingMember =
        use packed = new MemoryStream()
        (use gzip = new GZipStream(packed, CompressionLevel.Fastest) in gzip.Write(ending, 0, ending.Length))
        packed.ToArray()

    let followed = new Followed(stream, endingMember)
    let unpacked = new GZipStream(followed, CompressionMode.Decompress)
    let mutable rest: Stream = null

    /// What is left after these first bytes of it, without the ending.
    let readRest (first: ReadOnlySpan<byte>) =
        use all = new MemoryStream()
        all.Write first
        unpacked.CopyTo all
        let bytes = all.ToArray()

        if not (bytes.AsSpan().EndsWith(ReadOnlySpan ending)) then
            raise (CoExprFailure(CoExprError.DamagedFile(path, "the gzip data are cut short, or others follow them.")))

        new MemoryStream(bytes, 0, bytes.Length - ending.Length)

    /// Some bytes; 0 at the end.
    member _.Read(buffer: Span<byte>) =
        if isNull rest then
            let count = unpacked.Read buffer

            if followed.HasBegunTheFurther then
                rest <- readRest (Span.op_Implicit (buffer.Slice(0, count)))

            if isNull rest then count else rest.Read buffer
        else
            rest.Read buffer

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

    /// Some bytes; 0 at the end.
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
        | :? InvalidDataException -> CoExprError.DamagedFile(path, "the packed data are cut short or altered.")
        | error -> CoExprError.DamagedFile(path, error.Message)

    /// Runs code that reads a file and may raise CoExprFailure: all that can be wrong with the file comes as a value.
    let reading (path: string) (work: unit -> 'a) : Result<'a, CoExprError> =
        try
            CoExprError.protect work
        with
        | :? IOException
        | :? InvalidDataException
        | :? UnauthorizedAccessException as error -> Error(describe path error)
