namespace CoExpr.Reference

open System
open System.Numerics

/// A fraction, in lowest terms or not; the denominator is positive.
[<Struct; CustomEquality; CustomComparison>]
type Fraction = {
    Over: BigInteger
    Under: BigInteger
} with

    static member (+)(a: Fraction, b: Fraction) =
        if a.Under = b.Under then
            { a with Over = a.Over + b.Over }
        else
            {
                Over = a.Over * b.Under + b.Over * a.Under
                Under = a.Under * b.Under
            }

    static member (~-)(a: Fraction) = { a with Over = -a.Over }

    static member (-)(a: Fraction, b: Fraction) = a + -b

    static member (*)(a: Fraction, b: Fraction) = {
        Over = a.Over * b.Over
        Under = a.Under * b.Under
    }

    member a.CompareTo(b: Fraction) =
        (a.Over * b.Under).CompareTo(b.Over * a.Under)

    override a.Equals other =
        match other with
        | :? Fraction as b -> a.CompareTo b = 0
        | _ -> false

    override _.GetHashCode() = 0

    interface IComparable with
        member a.CompareTo other = a.CompareTo(unbox<Fraction> other)

[<RequireQualifiedAccess>]
module Fraction =
    let ofIntegers (over: int) (under: int) = {
        Over = BigInteger over
        Under = BigInteger under
    }

    let private smallest = BigInteger.Pow(2I, 149)

    /// The value of a finite single, taken apart by its bits: sign, exponent and significand. Always over 2^149, so that
    /// sums keep their denominator.
    let ofSingle (value: float32) =
        let bits = BitConverter.SingleToInt32Bits value
        let stored = (bits >>> 23) &&& 0xFF
        let significand = bits &&& 0x7FFFFF

        let whole, shift =
            if stored = 0 then
                significand, 0
            else
                significand + 0x800000, stored - 1

        let magnitude = BigInteger whole * BigInteger.Pow(2I, shift)

        {
            Over = (if bits < 0 then -magnitude else magnitude)
            Under = smallest
        }

/// Quantile bins of the expressed values, from the definition of the type 7 quantile, in fractions.
module Discretization =

    /// x[floor h] + (h − floor h)(x[floor h + 1] − x[floor h]) at h = (m − 1)k/B.
    let private quantile (sorted: Fraction[]) k bins =
        let last = sorted.Length - 1
        let floor = last * k / bins
        let share = Fraction.ofIntegers (last * k - floor * bins) bins
        let next = sorted[min last (floor + 1)]
        sorted[floor] + share * (next - sorted[floor])

    /// The level of each value: 0 where it is not above 0, otherwise 1 + the number of edges that it reaches.
    let levels bins (values: float32[]) =
        let expressed = values |> Array.filter (fun value -> value > 0.0f)
        let used = min bins (Array.distinct expressed).Length
        let sorted = expressed |> Array.sort |> Array.map Fraction.ofSingle
        let edges = [ for k in 1 .. used - 1 -> quantile sorted k used ]

        values
        |> Array.map (fun value ->
            if value > 0.0f then
                let exact = Fraction.ofSingle value
                1 + (edges |> List.filter (fun edge -> edge <= exact) |> List.length)
            else
                0)
