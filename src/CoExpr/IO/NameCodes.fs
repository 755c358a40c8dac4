namespace CoExpr.IO

open System
open System.Text

/// Numbers for names that come as bytes again and again: a name is turned to text once.
[<Sealed>]
type internal NameCodes() =
    let names = ResizeArray<byte[]>()
    /// Number of a name + 1, at a place that its hash says or after it; 0 where none is.
    let mutable slots = Array.zeroCreate<int> 1024
    let mutable last = -1

    // FNV-1a (Fowler, Noll and Vo).
    let hash (name: ReadOnlySpan<byte>) =
        let mutable hash = 2166136261u

        for value in name do
            hash <- (hash ^^^ uint32 value) * 16777619u

        hash

    let place (name: ReadOnlySpan<byte>) =
        let mutable at = int (hash name) &&& (slots.Length - 1)

        while slots[at] <> 0 && not (name.SequenceEqual(ReadOnlySpan names[slots[at] - 1])) do
            at <- (at + 1) &&& (slots.Length - 1)

        at

    let grow () =
        slots <- Array.zeroCreate<int>(2 * slots.Length)

        for number in 0 .. names.Count - 1 do
            slots[place (ReadOnlySpan names[number])] <- number + 1

    let add (name: ReadOnlySpan<byte>) =
        if 2 * names.Count >= slots.Length then
            grow ()

        let at = place name

        if slots[at] = 0 then
            names.Add(name.ToArray())
            slots[at] <- names.Count

        slots[at] - 1

    /// The number of a name, from 0 in the order in which names first come.
    member _.Of(name: ReadOnlySpan<byte>) =
        // Rows of one perturbation follow each other.
        if last < 0 || not (name.SequenceEqual(ReadOnlySpan names[last])) then
            last <- add name

        last

    /// The names by number.
    member _.Names = [| for name in names -> Encoding.UTF8.GetString name |]
