namespace CoExpr.Reference

open System.Numerics

/// n log2 n in binary fractions, digit by digit.
module EntropyTable =

    /// Bits behind the point while squaring; far more than the error of a hundred squarings takes away.
    let private precision = 220

    let private digits = 80

    /// log2 n · 2^80, rounded down, by repeated squaring: squaring a number from 1 to 2 doubles its logarithm, and where
    /// the square reaches 2 the next binary digit is 1.
    let private log2Digits (n: int) =
        let whole = int (BigInteger n |> BigInteger.Log2 |> int)
        let mutable square = (BigInteger n <<< precision) >>> whole
        let mutable logarithm = BigInteger whole
        let two = 2I <<< precision

        for _ in 1..digits do
            square <- (square * square) >>> precision
            logarithm <- logarithm <<< 1

            if square >= two then
                square <- square >>> 1
                logarithm <- logarithm + 1I

        logarithm

    /// round(n log2 n · 2^30).
    let entry n =
        if n < 2 then
            0L
        else
            let product = BigInteger n * log2Digits n
            let half = 1I <<< (digits - 30 - 1)
            int64 ((product + half) >>> (digits - 30))
