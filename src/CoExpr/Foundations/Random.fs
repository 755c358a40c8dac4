namespace CoExpr

open System
open System.Text

/// What a stream of random numbers is for. Streams of different purposes never meet, whatever the seed.
[<Struct; RequireQualifiedAccess>]
type Purpose = private Purpose of uint32

/// Random numbers by counting: draw n of item i is a function of (seed, purpose, i, n) alone, so that who computes an
/// item, and in which order, changes nothing.
///
/// Philox 4x32-10 of Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
[<RequireQualifiedAccess>]
module Philox =

    [<Literal>]
    let private Multiplier0 = 0xD2511F53u

    [<Literal>]
    let private Multiplier1 = 0xCD9E8D57u

    /// Weyl increments of the key: the golden ratio and √3 − 1 as 32-bit fractions.
    [<Literal>]
    let private Weyl0 = 0x9E3779B9u

    [<Literal>]
    let private Weyl1 = 0xBB67AE85u

    /// Ten rounds over a counter of four words under a key of two: four random words.
    let block
        (struct (k0: uint32, k1: uint32))
        (struct (c0: uint32, c1: uint32, c2: uint32, c3: uint32))
        : struct (uint32 * uint32 * uint32 * uint32) =
        let mutable k0, k1 = k0, k1
        let mutable c0, c1, c2, c3 = c0, c1, c2, c3

        for _ in 1..10 do
            let p0 = uint64 Multiplier0 * uint64 c0
            let p1 = uint64 Multiplier1 * uint64 c2
            let n0 = uint32 (p1 >>> 32) ^^^ c1 ^^^ k0
            let n2 = uint32 (p0 >>> 32) ^^^ c3 ^^^ k1
            c1 <- uint32 p1
            c3 <- uint32 p0
            c0 <- n0
            c2 <- n2
            k0 <- k0 + Weyl0
            k1 <- k1 + Weyl1

        struct (c0, c1, c2, c3)

[<RequireQualifiedAccess>]
module Purpose =
    /// A purpose from its name: the 32-bit FNV-1a hash of its UTF-8 bytes (Fowler, Noll and Vo).
    let named (name: string) =
        (2166136261u, Encoding.UTF8.GetBytes name)
        ||> Array.fold (fun hash value -> (hash ^^^ uint32 value) * 16777619u)
        |> Purpose.Purpose

/// Width of one of 2^52 cells of (0, 1).
[<AutoOpen>]
module private UniformCell =
    let Cell = 1.0 / 4503599627370496.0

/// One item's stream of random numbers. Not for several threads at once: give each item its own.
[<Sealed>]
type RandomStream(seed: uint64, purpose: Purpose, item: uint32) =
    let (Purpose.Purpose purposeWord) = purpose
    let key = struct (uint32 seed, uint32 (seed >>> 32))
    let words = Array.zeroCreate<uint32> 4
    let mutable blocks = 0UL
    let mutable left = 0

    let refill () =
        let counter = struct (uint32 blocks, uint32 (blocks >>> 32), item, purposeWord)
        let struct (a, b, c, d) = Philox.block key counter
        words[3] <- a
        words[2] <- b
        words[1] <- c
        words[0] <- d
        blocks <- blocks + 1UL
        left <- 4

    /// 32 random bits.
    member _.Word() =
        if left = 0 then
            refill ()

        left <- left - 1
        words[left]

    /// Uniform in (0, 1): 52 random bits centred in their cell, so that neither 0 nor 1 comes up.
    member this.Uniform() =
        let high = uint64 (this.Word())
        let low = uint64 (this.Word())
        let bits = ((high <<< 32) ||| low) >>> 12
        (float bits + 0.5) * Cell

    /// Uniform over 0 .. bound − 1, without bias (Lemire 2019).
    member this.Below(bound: int) =
        if bound <= 0 then
            invalidArg (nameof bound) $"{bound} is not above 0"

        let bound = uint32 bound
        let threshold = (0u - bound) % bound
        let mutable product = uint64 (this.Word()) * uint64 bound

        while uint32 product < threshold do
            product <- uint64 (this.Word()) * uint64 bound

        int (product >>> 32)

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    member this.Normal() =
        let radius = sqrt (-2.0 * log (this.Uniform()))
        radius * cos (2.0 * Math.PI * this.Uniform())

    /// A random order of 0 .. count − 1 (Fisher and Yates 1938).
    member this.Permutation(count: int) =
        let order = Array.init count id

        for last in count - 1 .. -1 .. 1 do
            let other = this.Below(last + 1)
            let kept = order[last]
            order[last] <- order[other]
            order[other] <- kept

        order

[<RequireQualifiedAccess>]
module Random =
    /// The stream of one item: draws depend on (seed, purpose, item) and on how many came before, on nothing else.
    let stream (seed: uint64) (purpose: Purpose) (item: int) =
        RandomStream(seed, purpose, uint32 item)
