namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open CoExpr
open Microsoft.Win32.SafeHandles

/// Scores and cells of all pairs of genes in a file: the square of scores row by row, then that of cells.
[<Sealed>]
type internal SquareFile(file: SafeFileHandle, offset: int64, genes: int) =

    let scoreAt row column =
        offset + 8L * (int64 row * int64 genes + int64 column)

    let cellsAt row column =
        offset
        + 8L * int64 genes * int64 genes
        + 4L * (int64 row * int64 genes + int64 column)

    let read at (target: Span<'T>) =
        FileSpan.fill file at (MemoryMarshal.AsBytes target)

    /// A new file that is deleted when it is closed, even by the end of the process.
    static member Create(path: string, genes: int) =
        new SquareFile(FileSpan.createPassing path, 0L, genes)

    /// A square that lies in a file from `offset` on.
    static member Open(path: string, offset, genes: int) =
        new SquareFile(FileSpan.openRead path, offset, genes)

    /// Writes one gene's row.
    member _.Write(row, scores: ReadOnlySpan<float>, cells: ReadOnlySpan<int>) =
        RandomAccess.Write(file, MemoryMarshal.AsBytes scores, scoreAt row 0)
        RandomAccess.Write(file, MemoryMarshal.AsBytes cells, cellsAt row 0)

    interface IPairRows with
        member _.Row gene =
            let scores, cells = Array.zeroCreate<float> genes, Array.zeroCreate<int> genes
            read (scoreAt gene 0) (scores.AsSpan())
            read (cellsAt gene 0) (cells.AsSpan())
            struct (scores, cells)

        member _.Pair(a, b) =
            let score, cells = [| 0.0 |], [| 0 |]
            read (scoreAt a b) (score.AsSpan())
            read (cellsAt a b) (cells.AsSpan())
            struct (score[0], cells[0])

    interface IDisposable with
        member _.Dispose() = file.Dispose()
