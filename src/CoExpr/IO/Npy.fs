namespace CoExpr.IO

open System
open System.IO
open System.Text
open CoExpr

/// Arrays of numbers in NumPy's .npy format.
[<RequireQualifiedAccess>]
module Npy =

    /// What a row is if nothing else is said.
    let usualRows = RowsAre.Cells

    let private opened path =
        new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 <<< 20, FileOptions.SequentialScan)

    /// The lines as they lie in the file: rows, or columns of a file in Fortran order.
    let private linesOf header =
        match header.Shape with
        | [| rows |] -> rows, 1L
        | [| rows; columns |] when header.IsFortran -> columns, rows
        | [| rows; columns |] -> rows, columns
        | _ -> 0L, 0L

    let private requireMatrix path header =
        let lines, length = linesOf header

        if header.Shape.Length < 1 || header.Shape.Length > 2 then
            NpyFormat.unknown path $"it has {header.Shape.Length} dimensions; a matrix has 2."

        if max lines length > int64 Array.MaxLength then
            raise (
                CoExprFailure(CoExprError.TooLarge($"{path}: rows or columns", max lines length, int64 Array.MaxLength))
            )

    /// A counter that reports a few hundred times a file.
    let private reporter progress (path: string) total =
        let advance =
            Progress.counter progress $"reading {Path.GetFileName path}" "bytes" total

        let mutable waiting = 0L

        fun bytes isLast ->
            waiting <- waiting + bytes

            if waiting >= total / 200L || isLast then
                advance waiting
                waiting <- 0L

    /// Hands each line of the file to `work`, in an array that is used again.
    let private readLines (progress: Progress) path (stream: Stream) header (work: int -> float[] -> unit) =
        let lines, length = linesOf header
        let decode = NpyFormat.decoder path header
        let bytes = Array.zeroCreate<byte>(int length * NpyFormat.itemSize path header)
        let values = Array.zeroCreate<float>(int length)
        let report = reporter progress path (lines * bytes.LongLength)

        for line in 0 .. int lines - 1 do
            stream.ReadExactly bytes
            decode bytes values
            work line values
            report bytes.LongLength (line = int lines - 1)

    let private requireLineFits path header =
        let _, length = linesOf header
        let bytes = length * int64 (NpyFormat.itemSize path header)

        if bytes > int64 Array.MaxLength then
            raise (CoExprFailure(CoExprError.TooLarge($"{path}: bytes of a row", bytes, int64 Array.MaxLength)))

    let private start path stream =
        let header = NpyFormat.readHeader path stream
        requireMatrix path header
        NpyFormat.requireWhole path stream header
        requireLineFits path header
        header

    let private readCounts progress rowsAre path =
        use stream = opened path
        let header = start path stream
        let _, length = linesOf header
        let rows = SparseRows path

        readLines progress path stream header (fun _ values ->
            for at in 0 .. values.Length - 1 do
                rows.Add(at, float32 values[at])

            rows.EndRow())

        let linesAre =
            if header.IsFortran && header.Shape.Length = 2 then
                RowsAre.other rowsAre
            else
                rowsAre

        rows.ToCounts(linesAre, int length)

    /// Reads a matrix of 2 dimensions as cells x genes (the usual) or genes x cells, of any kind of number, in any byte
    /// order. Cells are named cell_1, ... and genes gene_1, ... Values are rounded to single precision; only those
    /// that are not 0 take memory.
    ///
    /// FileNotFound; UnknownFormat for other files, other dimensions, and values that are no numbers; DamagedFile, with
    /// both numbers, for a file shorter or longer than its header says.
    let read (rowsAre: RowsAre) (progress: Progress) (path: string) : Result<Cells, CoExprError> =
        InputFile.reading path (fun () ->
            let counts = readCounts progress rowsAre path
            let cells = Table.ofNames (MatrixNames.cells counts.Cells)
            let genes = Table.ofNames (MatrixNames.genes counts.Genes)
            Cells.create path counts cells genes |> CoExprError.unwrap)

    let private requireRoom path rows columns =
        if rows * columns > int64 Array.MaxLength then
            raise (CoExprFailure(CoExprError.TooLarge($"{path}: values", rows * columns, int64 Array.MaxLength)))

    let private readDense progress path =
        use stream = opened path
        let header = start path stream
        let lines, length = linesOf header
        requireRoom path lines length
        let lines, length = int lines, int length
        let values = Array.zeroCreate<float>(lines * length)
        let isTurned = header.IsFortran && header.Shape.Length = 2

        readLines progress path stream header (fun line row ->
            if isTurned then
                for at in 0 .. length - 1 do
                    values[at * lines + line] <- row[at]
            else
                Array.blit row 0 values (line * length) length)

        {
            Rows = (if isTurned then length else lines)
            Columns = (if isTurned then lines else length)
            Values = values
        }

    /// Reads a dense matrix as it is; 1 dimension is a matrix of 1 column. Errors as for `read`, and TooLarge for more
    /// than 2^31 values.
    let readMatrix (progress: Progress) (path: string) : Result<Matrix, CoExprError> =
        InputFile.reading path (fun () -> readDense progress path)

    let private readWords path =
        use stream = opened path
        let header = NpyFormat.readHeader path stream
        let bytes = Array.zeroCreate<byte>(NpyFormat.itemSize path header)

        let encoding: Encoding =
            match header.Type[1] with
            | 'U' when header.Type[0] = '>' -> UTF32Encoding(true, false)
            | 'U' -> UTF32Encoding(false, false)
            | 'S' -> Encoding.UTF8
            | _ -> NpyFormat.unknown path $"its values are of the type {header.Type}, no texts."

        NpyFormat.requireWhole path stream header

        Array.init (header.Shape |> Array.fold (*) 1L |> int) (fun _ ->
            stream.ReadExactly bytes
            encoding.GetString(bytes).TrimEnd '\000')

    /// Reads texts, such as names: values of NumPy's types U and S, in the order of the file.
    let readText (path: string) : Result<string[], CoExprError> =
        InputFile.reading path (fun () -> readWords path)

    /// What is in the file, for a person: labels and texts. Reads the header alone.
    let contents (path: string) : Result<(string * string) list, CoExprError> =
        InputFile.reading path (fun () ->
            use stream = opened path
            let header = NpyFormat.readHeader path stream
            NpyFormat.requireWhole path stream header

            [
                "kind", "NumPy array"
                "shape", String.Join(" x ", header.Shape)
                "values", header.Type
                "order", (if header.IsFortran then "columns" else "rows")
            ])

    /// Writes to exactly this path, in place: for `AtomicFile.writeAll`. See `writeRows`.
    let writeRowsInPlace (path: string) rows columns (fill: int -> 'value[] -> unit) =
        use stream =
            new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 <<< 20)

        NpyFormat.writeHeader stream (NpyFormat.typeName<'value>()) [ rows; columns ]
        let row = Array.zeroCreate<'value> columns

        for at in 0 .. rows - 1 do
            fill at row
            NpyFormat.writeValues stream row

    /// Writes a matrix of float, float32, int, int64, byte or bool row by row, to a file that appears when complete:
    /// `fill row values` puts in the values of a row, in an array that is used again.
    let writeRows (path: string) rows columns (fill: int -> 'value[] -> unit) : Result<unit, CoExprError> =
        AtomicFile.write path (fun temporary -> writeRowsInPlace temporary rows columns fill)

    /// Writes a matrix in double precision.
    let writeMatrix (path: string) (matrix: Matrix) : Result<unit, CoExprError> =
        writeRows path matrix.Rows matrix.Columns (fun row (values: float[]) ->
            Array.Copy(matrix.Values, int64 row * int64 matrix.Columns, values, 0L, int64 matrix.Columns))
