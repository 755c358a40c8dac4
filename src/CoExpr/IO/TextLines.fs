namespace CoExpr.IO

open System
open System.Runtime.CompilerServices
open CoExpr

/// The lines of a text file as bytes in place: no string is made. `Next` moves to a line, `Line` is that line without
/// its line break, until the next call of `Next`.
[<Sealed>]
type internal TextLines(path: string, progress: Progress) =
    static let longest = 1 <<< 30

    let file = new InputFile(path, progress)

    let mutable buffer =
        Array.zeroCreate<byte>(int (min (1L <<< 20) (file.LongestUnpacked + 4096L)))

    let mutable filled = 0
    let mutable first = 0
    let mutable length = 0
    let mutable next = 0
    let mutable number = 0L

    let grow () =
        if buffer.Length >= longest then
            raise (
                CoExprFailure(
                    CoExprError.TooLarge($"{path}: bytes in line {number + 1L}", buffer.LongLength, int64 longest)
                )
            )

        Array.Resize(&buffer, buffer.Length * 2)

    /// Moves what is left of the buffer to its front.
    let moveToFront () =
        Buffer.BlockCopy(buffer, next, buffer, 0, filled - next)
        filled <- filled - next
        next <- 0

    /// Reads on. False at the end of the file. A long line may take many reads, and is moved once, not at each.
    let refill () =
        if buffer.Length - filled < buffer.Length / 2 then
            moveToFront ()

        if buffer.Length - filled < 64 then
            grow ()

        let count = file.Read(Span(buffer, filled, buffer.Length - filled))
        filled <- filled + count
        count > 0

    let skipByteOrderMark () =
        if filled >= 3 && buffer[0] = 0xEFuy && buffer[1] = 0xBBuy && buffer[2] = 0xBFuy then
            next <- 3
        elif
            filled >= 2
            && (buffer[0] = 0xFFuy && buffer[1] = 0xFEuy
                || buffer[0] = 0xFEuy && buffer[1] = 0xFFuy)
        then
            raise (CoExprFailure(CoExprError.UnknownFormat(path, "the text is UTF-16; save it as UTF-8.")))

    do
        if refill () then
            skipByteOrderMark ()

    /// Takes a line of `count` bytes, and `skipped` bytes of line break after it.
    let take count skipped =
        first <- next
        next <- next + count + skipped

        length <-
            if count > 0 && buffer[first + count - 1] = '\r'B then
                count - 1
            else
                count

        number <- number + 1L

    /// Moves to the next line; false when there is none.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    member _.Next() =
        let mutable searched = 0
        let mutable at = -1
        let mutable more = true

        while at < 0 && more do
            at <- ReadOnlySpan(buffer, next + searched, filled - next - searched).IndexOf '\n'B

            if at < 0 then
                searched <- filled - next
                more <- refill ()

        if at >= 0 then
            take (searched + at) 1
            true
        elif filled > next then
            take (filled - next) 0
            true
        else
            false

    member _.Line = ReadOnlySpan(buffer, first, length)

    /// The number of the line, from 1.
    member _.Number = number

    member _.Path = path

    /// The most bytes that the text can have.
    member _.LongestText = file.LongestUnpacked

    /// Raises DamagedFile with the number of the line.
    member _.Damaged(reason: string) : 'a =
        raise (CoExprFailure(CoExprError.DamagedFile(path, $"line {number}: {reason}")))

    interface IDisposable with
        member _.Dispose() = (file :> IDisposable).Dispose()
