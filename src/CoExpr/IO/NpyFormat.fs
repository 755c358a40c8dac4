namespace CoExpr.IO

open System
open System.Buffers.Binary
open System.IO
open System.Runtime.InteropServices
open System.Text
open System.Text.RegularExpressions
open CoExpr

/// What the header of a .npy file says of the values that follow.
type internal NpyHeader = {
    /// Byte order, kind and size of a value, such as <f4.
    Type: string
    /// Whether the values go down the columns.
    IsFortran: bool
    Shape: int64[]
}

/// NumPy's .npy format, versions 1 to 3 (NEP 1): a line of Python with type and shape, then the bare values.
[<RequireQualifiedAccess>]
module internal NpyFormat =

    let private magic = [| 0x93uy; 'N'B; 'U'B; 'M'B; 'P'B; 'Y'B |]

    /// Headers are padded so that the values begin at a multiple of this.
    [<Literal>]
    let private Alignment = 64

    let damaged path reason : 'a =
        raise (CoExprFailure(CoExprError.DamagedFile(path, reason)))

    let unknown path reason : 'a =
        raise (CoExprFailure(CoExprError.UnknownFormat(path, reason)))

    let private readExactly (stream: Stream) path what count =
        let bytes = Array.zeroCreate<byte> count
        let found = stream.ReadAtLeast(bytes, count, false)

        if found < count then
            damaged path $"its {what} takes {count} bytes, of which {found} are there."

        bytes

    let private item path (text: string) pattern =
        let found = Regex.Match(text, pattern, RegexOptions.CultureInvariant)

        if found.Success then
            found.Groups[1].Value
        else
            damaged path $"its header is not understood: {text.Trim()}"

    let private shapeOf path (text: string) =
        let size (part: string) =
            match Int64.TryParse(part.Trim().TrimEnd 'L') with
            | true, size when size >= 0L -> size
            | _ -> damaged path $"its shape is not understood: ({text})"

        text.Split(',', StringSplitOptions.RemoveEmptyEntries)
        |> Array.filter (String.IsNullOrWhiteSpace >> not)
        |> Array.map size

    let private headerLength path (stream: Stream) version =
        match version with
        | 1uy -> int (BinaryPrimitives.ReadUInt16LittleEndian(readExactly stream path "header" 2))
        | 2uy
        | 3uy -> BinaryPrimitives.ReadInt32LittleEndian(readExactly stream path "header" 4)
        | other -> unknown path $"it is of version {other} of .npy; 1 to 3 are read."

    /// Reads to where the values begin.
    let readHeader path (stream: Stream) =
        let first = readExactly stream path "beginning" 8

        if not (first.AsSpan(0, magic.Length).SequenceEqual(ReadOnlySpan magic)) then
            unknown path "it does not begin as a .npy file does."

        let length = headerLength path stream first[6]

        if length < 0 || int64 length > stream.Length then
            damaged path $"its header takes {length} bytes, in a file of {stream.Length}."

        let text = Encoding.UTF8.GetString(readExactly stream path "header" length)

        {
            Type = item path text """['"]descr['"]\s*:\s*['"]?([^'",]+|\[.*\])"""
            IsFortran = item path text """['"]fortran_order['"]\s*:\s*(True|False)""" = "True"
            Shape = item path text """['"]shape['"]\s*:\s*\(([^)]*)\)""" |> shapeOf path
        }

    /// The bytes of one value.
    let itemSize path header =
        match Int32.TryParse(header.Type.Substring(min 2 header.Type.Length)) with
        | true, letters when header.Type[1] = 'U' -> 4 * letters
        | true, size when size > 0 -> size
        | _ -> unknown path $"its values are of the type {header.Type}; save them as plain numbers."

    /// The header must promise as many bytes as follow it.
    let requireWhole path (stream: Stream) header =
        let expected = header.Shape |> Array.fold (*) (int64 (itemSize path header))
        let found = stream.Length - stream.Position

        if expected <> found then
            let shape = String.Join(" x ", header.Shape)
            damaged path $"values of the type {header.Type} and shape {shape} take {expected} bytes; it has {found}."

    let inline private widen<'v when 'v: struct and 'v: (new: unit -> 'v) and 'v :> ValueType>
        ([<InlineIfLambda>] toFloat: 'v -> float)
        : byte[] -> float[] -> unit =
        fun bytes target ->
            let source = MemoryMarshal.Cast<byte, 'v>(ReadOnlySpan bytes)

            for at in 0 .. target.Length - 1 do
                target[at] <- toFloat source[at]

    let private widening path (header: NpyHeader) =
        match header.Type.Substring(min 1 header.Type.Length) with
        | "f8" -> widen<float> id
        | "f4" -> widen<float32> float
        | "f2" -> widen<Half>(fun half -> float (float32 half))
        | "i8" -> widen<int64> float
        | "i4" -> widen<int> float
        | "i2" -> widen<int16> float
        | "i1" -> widen<sbyte> float
        | "u8" -> widen<uint64> float
        | "u4" -> widen<uint32> float
        | "u2" -> widen<uint16> float
        | "u1"
        | "b1" -> widen<byte> float
        | _ -> unknown path $"its values are of the type {header.Type}; save them as plain numbers."

    let private reverseEach size (bytes: byte[]) =
        for at in 0..size .. bytes.Length - size do
            Array.Reverse(bytes, at, size)

    /// Makes numbers of the bytes of a line of values, as many as the target takes.
    let decoder path header : byte[] -> float[] -> unit =
        let widen = widening path header
        let size = itemSize path header

        if header.Type[0] = '>' && size > 1 then
            fun bytes target ->
                reverseEach size bytes
                widen bytes target
        else
            widen

    /// Python's text of a shape: (), (3,), (3, 4).
    let private shapeText (shape: int list) =
        match shape with
        | [ one ] -> $"({one},)"
        | _ -> "(" + String.Join(", ", shape) + ")"

    /// Writes a header of version 1 of values row by row.
    let writeHeader (stream: Stream) (npyType: string) (shape: int list) =
        let text =
            $"{{'descr': '{npyType}', 'fortran_order': False, 'shape': {shapeText shape}, }}"

        let unpadded = magic.Length + 4 + text.Length + 1
        let padding = (Alignment - unpadded % Alignment) % Alignment
        let line = Encoding.ASCII.GetBytes(text + String(' ', padding) + "\n")
        stream.Write(ReadOnlySpan magic)
        stream.Write(ReadOnlySpan [| 1uy; 0uy; byte line.Length; byte (line.Length >>> 8) |])
        stream.Write(ReadOnlySpan line)

    let private types =
        dict [
            typeof<float>, "<f8"
            typeof<float32>, "<f4"
            typeof<int64>, "<i8"
            typeof<int>, "<i4"
            typeof<byte>, "|u1"
            typeof<bool>, "|b1"
        ]

    /// NumPy's name of a type of .NET. Throws ArgumentException for one that is not written.
    let typeName<'value> () =
        match types.TryGetValue typeof<'value> with
        | true, name -> name
        | _ -> invalidArg "value" $"{typeof<'value>.Name} is not written; float, float32, int, int64, byte and bool are"

    /// Writes bare values.
    let writeValues<'value when 'value: struct and 'value: (new: unit -> 'value) and 'value :> ValueType>
        (stream: Stream)
        (values: 'value[])
        =
        // In pieces, because the bytes of an array may be more than a span can count.
        for piece in
            Seq.initInfinite (fun i -> i * (1 <<< 20))
            |> Seq.takeWhile (fun at -> at < values.Length) do
            let count = min (1 <<< 20) (values.Length - piece)
            stream.Write(MemoryMarshal.AsBytes(ReadOnlySpan(values, piece, count)))
