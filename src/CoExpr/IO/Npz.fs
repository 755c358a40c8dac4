namespace CoExpr.IO

open System
open System.IO
open System.IO.Compression
open System.Text
open CoExpr

/// One array of a .npz file, its values row by row.
[<RequireQualifiedAccess>]
type NpyArray =
    | Float of shape: int list * values: float[]
    | Single of shape: int list * values: float32[]
    | Integer of shape: int list * values: int[]
    | Long of shape: int list * values: int64[]
    /// Texts in one dimension; null is written as an empty one.
    | Text of string[]
    /// A single text of ASCII letters, of no dimension.
    | Word of string

/// Several NumPy arrays in one file: a zip archive of .npy files. The same arrays give the same bytes.
[<RequireQualifiedAccess>]
module Npz =

    /// Zip archives note when each part was changed; the earliest they can say, so that it does not vary.
    let private epoch = DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero)

    let private writeNumbers (stream: Stream) (shape: int list) (values: 'value[]) =
        if List.fold (*) 1 shape <> values.Length then
            invalidArg (nameof values) $"{values.Length} values for the shape %A{shape}"

        NpyFormat.writeHeader stream (NpyFormat.typeName<'value>()) shape
        NpyFormat.writeValues stream values

    /// All take as much room as the longest, in UTF-32.
    let private writeTexts (stream: Stream) (texts: string[]) =
        let coded =
            texts
            |> Array.map (fun text -> Encoding.UTF32.GetBytes(if isNull text then "" else text))

        let width = coded |> Array.fold (fun widest bytes -> max widest bytes.Length) 4
        NpyFormat.writeHeader stream $"<U{width / 4}" [ texts.Length ]

        for bytes in coded do
            stream.Write(ReadOnlySpan bytes)
            stream.Write(ReadOnlySpan(Array.zeroCreate<byte>(width - bytes.Length)))

    let private writeArray (stream: Stream) array =
        match array with
        | NpyArray.Float(shape, values) -> writeNumbers stream shape values
        | NpyArray.Single(shape, values) -> writeNumbers stream shape values
        | NpyArray.Integer(shape, values) -> writeNumbers stream shape values
        | NpyArray.Long(shape, values) -> writeNumbers stream shape values
        | NpyArray.Text texts -> writeTexts stream texts
        | NpyArray.Word word ->
            NpyFormat.writeHeader stream $"|S{max 1 word.Length}" []
            stream.Write(ReadOnlySpan(Encoding.ASCII.GetBytes(word.PadRight(1, '\000'))))

    /// Writes to exactly this path, in place: for `AtomicFile.writeAll`. See `write`.
    let writeInPlace (path: string) (arrays: (string * NpyArray) list) =
        use file =
            new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 <<< 20)

        use archive = new ZipArchive(file, ZipArchiveMode.Create)

        for name, array in arrays do
            let entry = archive.CreateEntry(name + ".npy", CompressionLevel.Fastest)
            entry.LastWriteTime <- epoch
            use stream = entry.Open()
            writeArray stream array

    /// Writes named arrays to a file that appears when complete; numpy.load reads it.
    let write (path: string) (arrays: (string * NpyArray) list) : Result<unit, CoExprError> =
        AtomicFile.write path (fun temporary -> writeInPlace temporary arrays)

    /// The arrays of a sparse matrix by row, as scipy.sparse.load_npz expects them.
    let sparse columns (starts: int64[]) (indices: int[]) (data: NpyArray) = [
        "indices", NpyArray.Integer([ indices.Length ], indices)
        "indptr", NpyArray.Long([ starts.Length ], starts)
        "format", NpyArray.Word "csr"
        "shape", NpyArray.Long([ 2 ], [| starts.LongLength - 1L; int64 columns |])
        "data", data
    ]

    /// Writes a sparse matrix of `columns` columns, lines as rows, and further arrays such as names, to a file that
    /// appears when complete. scipy.sparse.load_npz reads the matrix, numpy.load the rest.
    let writeSparse (path: string) columns (matrix: Compressed) (further: (string * NpyArray) list) =
        let data = NpyArray.Single([ matrix.Values.Length ], matrix.Values)
        write path (sparse columns matrix.Starts matrix.Indices data @ further)
