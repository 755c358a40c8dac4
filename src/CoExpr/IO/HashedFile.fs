namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open System.Security.Cryptography
open CoExpr

/// Writes to a stream, counting and hashing the bytes on their way.
[<Sealed>]
type internal HashingWriter(stream: Stream) =
    let hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256
    let mutable position = 0L

    member _.Position = position

    member _.Bytes(bytes: ReadOnlySpan<byte>) =
        hash.AppendData bytes
        stream.Write bytes
        position <- position + int64 bytes.Length

    member this.Values(values: Span<'T>) =
        // In pieces, because the bytes of an array may be more than a span can count.
        let piece = 1 <<< 20

        for at in 0..piece .. values.Length - 1 do
            let part = values.Slice(at, min piece (values.Length - at))
            this.Bytes(Span.op_Implicit (MemoryMarshal.AsBytes part))

    member this.Integer(value: int) = this.Values(Span [| value |])

    /// An array with its length before it.
    member this.Array(values: 'T[]) =
        this.Integer values.Length
        this.Values(values.AsSpan())

    member this.Text(text: string) =
        this.Array(Text.Encoding.UTF8.GetBytes text)

    /// SHA-256 of all that was written so far.
    member _.Hash() = hash.GetCurrentHash()

    interface IDisposable with
        member _.Dispose() = hash.Dispose()

/// Reads what a HashingWriter wrote.
[<Sealed>]
type internal ValueReader(stream: Stream) =

    member _.Fill(values: Span<'T>) =
        let piece = 1 <<< 20

        for at in 0..piece .. values.Length - 1 do
            stream.ReadExactly(MemoryMarshal.AsBytes(values.Slice(at, min piece (values.Length - at))))

    member this.Integer() =
        let value = [| 0 |]
        this.Fill(value.AsSpan())
        value[0]

    member this.Array<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>() : 'T[] =
        let values = Array.zeroCreate<'T>(this.Integer())
        this.Fill(values.AsSpan())
        values

    member this.Text() =
        Text.Encoding.UTF8.GetString(this.Array<byte>())

/// Reading a part of an open file.
[<RequireQualifiedAccess>]
module internal FileSpan =

    /// Fills the target with the bytes from `offset` on.
    let fill (file: Microsoft.Win32.SafeHandles.SafeFileHandle) (offset: int64) (target: Span<byte>) =
        let mutable at = 0

        while at < target.Length do
            let count = RandomAccess.Read(file, target.Slice at, offset + int64 at)

            if count = 0 then
                raise (EndOfStreamException "a file of parts is shorter than it was written")

            at <- at + count

    /// Opens a file of which parts are read.
    let openRead (path: string) =
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read ||| FileShare.Delete)

    /// A new file that is deleted when it is closed, even by the end of the process.
    let createPassing (path: string) =
        File.OpenHandle(
            path,
            FileMode.Create,
            FileAccess.ReadWrite,
            FileShare.ReadWrite ||| FileShare.Delete,
            FileOptions.DeleteOnClose
        )

/// Files that know what they belong to and whether they are whole: a mark of this format, the key of the work that made
/// them, what they hold, and the SHA-256 of all of it.
[<RequireQualifiedAccess>]
module internal HashedFile =

    let private mark = "CoExpr.1"B

    let private hashBytes = 32

    /// Bytes before what the file holds.
    let headerBytes = mark.Length + hashBytes

    /// The key of some work, from all that describes it.
    let keyOf (description: string) =
        SHA256.HashData(Text.Encoding.UTF8.GetBytes description)

    /// Writes a file that appears complete or not at all; `hold` puts in what it holds.
    let write (path: string) (key: byte[]) (hold: HashingWriter -> unit) : Result<unit, CoExprError> =
        AtomicFile.write path (fun temporary ->
            use stream =
                new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 <<< 16)

            use writer = new HashingWriter(stream)
            writer.Bytes(ReadOnlySpan mark)
            writer.Bytes(ReadOnlySpan key)
            hold writer
            stream.Write(ReadOnlySpan(writer.Hash())))

    let private hashOfAllBut (tail: int) (stream: Stream) =
        use hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256
        let buffer = Array.zeroCreate<byte>(1 <<< 16)
        let mutable left = stream.Length - int64 tail

        while left > 0L do
            let count = stream.Read(buffer, 0, int (min left (int64 buffer.Length)))

            if count = 0 then
                raise (EndOfStreamException())

            hash.AppendData(buffer, 0, count)
            left <- left - int64 count

        hash.GetHashAndReset()

    /// What is wrong with a file, if anything is: it must be whole, and made by the work of this key.
    let fault (path: string) (key: byte[]) : string option =
        try
            use stream = File.OpenRead path

            if stream.Length < int64 (headerBytes + hashBytes) then
                Some "it is cut short"
            else
                let header = Array.zeroCreate<byte> headerBytes
                stream.ReadExactly header
                stream.Position <- 0L
                let found = hashOfAllBut hashBytes stream
                let stored = Array.zeroCreate<byte> hashBytes
                stream.ReadExactly stored

                if not (found.AsSpan().SequenceEqual(ReadOnlySpan stored)) then
                    Some "its bytes are not those that were written"
                elif not (header.AsSpan().SequenceEqual(ReadOnlySpan(Array.append mark key))) then
                    Some "it belongs to other work"
                else
                    None
        with
        | :? IOException as error -> Some error.Message
        | :? UnauthorizedAccessException as error -> Some error.Message

    /// Whether a file is there and sound; `tell` is told of one that is not sound.
    let isWhole (tell: string -> unit) (key: byte[]) (path: string) =
        File.Exists path
        && (match fault path key with
            | None -> true
            | Some fault ->
                tell $"{path} is made again: {fault}."
                false)

    /// Reads what a sound file holds.
    let read (path: string) (take: ValueReader -> 'a) : 'a =
        use stream =
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 <<< 16)

        stream.Position <- int64 headerBytes
        take (ValueReader stream)

    /// SHA-256 of a file's bytes.
    let hashOf (path: string) =
        use stream = File.OpenRead path
        hashOfAllBut 0 stream
