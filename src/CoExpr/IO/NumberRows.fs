namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open Microsoft.Win32.SafeHandles

/// Numbers in a file, row by row, of which a few rows at a time are in memory.
[<Sealed>]
type internal NumberRows(file: SafeFileHandle, offset: int64, width: int) =

    let placeOf (row: int64) = offset + 8L * row * int64 width

    /// Rows in a new file that is deleted when it is closed, even by the end of the process.
    static member Create(path: string, width: int) =
        new NumberRows(FileSpan.createPassing path, 0L, width)

    /// Rows that lie in a file from `offset` on.
    static member Open(path: string, offset, width: int) =
        new NumberRows(FileSpan.openRead path, offset, width)

    /// Numbers of a row.
    member _.Width = width

    /// Fills the target from a place of a row on: with the next rows, too, if it is longer.
    member _.Read(row: int64, column: int, target: Span<float>) =
        FileSpan.fill file (placeOf row + 8L * int64 column) (MemoryMarshal.AsBytes target)

    /// Writes from the beginning of a row on.
    member _.Write(row: int64, values: ReadOnlySpan<float>) =
        RandomAccess.Write(file, MemoryMarshal.AsBytes values, placeOf row)

    interface IDisposable with
        member _.Dispose() = file.Dispose()
