namespace CoExpr.IO

open System
open System.Globalization
open System.Runtime.CompilerServices
open System.Text

// Functions that are called for every number are compiled for speed at once: a file is often all that a process reads,
// and would be over before the runtime had found out which functions matter.

/// Numbers in bytes of text, in the invariant culture: a point before the decimals, no separators of thousands.
[<RequireQualifiedAccess>]
module internal NumberText =

    /// 10^0 to 10^22, the powers of ten that a double holds exactly.
    let private powers =
        Array.init 23 (fun exponent -> Double.Parse($"1e{exponent}", CultureInfo.InvariantCulture))

    /// 2^53: every whole number up to here is a double.
    [<Literal>]
    let private LargestExact = 9007199254740992L

    let inline private isDigit (letter: byte) = letter - '0'B <= 9uy

    /// Text for messages, at most 40 letters of it.
    let quoted (text: ReadOnlySpan<byte>) =
        let text = Encoding.UTF8.GetString text

        if text.Length > 40 then
            $"\"{text.Substring(0, 40)}...\""
        else
            $"\"{text}\""

    let private isWord (text: ReadOnlySpan<byte>) (word: string) =
        Ascii.EqualsIgnoreCase(text, word.AsSpan())

    let private tryWord (text: ReadOnlySpan<byte>) (value: byref<float>) =
        let unsigned =
            if text.Length > 0 && (text[0] = '-'B || text[0] = '+'B) then
                text.Slice 1
            else
                text

        if text.IsEmpty || isWord text "na" || isWord text "n/a" || isWord unsigned "nan" then
            value <- nan
            true
        elif isWord unsigned "inf" || isWord unsigned "infinity" then
            value <- (if text[0] = '-'B then -infinity else infinity)
            true
        else
            false

    let private trySlowly (text: ReadOnlySpan<byte>) (value: byref<float>) =
        tryWord text &value
        || Double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, &value)

    /// The number that the whole text is; NA, NaN and nothing give NaN, inf infinity. False if it is no number.
    ///
    /// A whole number up to 2^53 and a power of ten up to 10^22 are exact in a double, and dividing the one by the other
    /// rounds once, so the outcome is the nearest double (Clinger 1990). Other numbers take the slow way.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    let tryParse (text: ReadOnlySpan<byte>) (value: byref<float>) =
        let isNegative = text.Length > 0 && text[0] = '-'B
        let mutable at = if isNegative then 1 else 0
        let mutable digits = 0
        let mutable decimals = 0
        let mutable number = 0L
        let mutable isDecimal = false
        let mutable more = true

        while more && at < text.Length do
            let letter = text[at]

            if isDigit letter then
                number <- number * 10L + int64 (letter - '0'B)
                digits <- digits + 1
                decimals <- if isDecimal then decimals + 1 else decimals
                at <- at + 1
            elif letter = '.'B && not isDecimal then
                isDecimal <- true
                at <- at + 1
            else
                more <- false

        if at = text.Length && digits > 0 && digits <= 18 && number <= LargestExact then
            let unsigned = float number / powers[decimals]
            value <- (if isNegative then -unsigned else unsigned)
            true
        else
            trySlowly text &value

    let inline private isBlank (letter: byte) = letter = ' 'B || letter = '\t'B

    /// Moves past blanks.
    let skipBlanks (line: ReadOnlySpan<byte>) (at: byref<int>) =
        while at < line.Length && isBlank line[at] do
            at <- at + 1

    /// Moves past the next word and gives where it ends.
    let wordEnd (line: ReadOnlySpan<byte>) (first: int) =
        let mutable at = first

        while at < line.Length && not (isBlank line[at]) do
            at <- at + 1

        at

    /// The whole number from 0 to 10^18 that is the next word, and moves past it; −1 if it is none.
    [<MethodImpl(MethodImplOptions.AggressiveOptimization)>]
    let nextWhole (line: ReadOnlySpan<byte>) (at: byref<int>) =
        skipBlanks line &at
        let first = at
        let mutable number = 0L

        while at < line.Length && isDigit line[at] do
            number <- number * 10L + int64 (line[at] - '0'B)
            at <- at + 1

        if at > first && at - first <= 18 && (at = line.Length || isBlank line[at]) then
            number
        else
            -1L
