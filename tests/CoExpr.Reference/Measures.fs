namespace CoExpr.Reference

open System
open System.Numerics

/// Measures of two genes as their definitions read.
module Measures =

    /// The nearest double to a fraction, within a few roundings.
    let private toFloat (fraction: Fraction) =
        let over, under = BigInteger.Abs fraction.Over, fraction.Under
        // 80 binary digits of the quotient.
        let shift =
            80 - int (BigInteger.Log2(over + 1I) |> int)
            + int (BigInteger.Log2 under |> int)

        let quotient =
            if shift >= 0 then
                (over <<< shift) / under
            else
                over / (under <<< -shift)

        float fraction.Over.Sign * Math.ScaleB(float quotient, -shift)

    let private centred (values: float32[]) =
        let exact = values |> Array.map Fraction.ofSingle
        let mean = Fraction.ofIntegers 1 values.Length * Array.reduce (+) exact
        exact |> Array.map (fun value -> value - mean)

    let private dot (x: Fraction[]) (y: Fraction[]) = Array.map2 (*) x y |> Array.reduce (+)

    /// Σxy / √(Σx² Σy²), the three sums exact; 0 where one is 0.
    let private coefficient x y =
        let products, squares, others = dot x y, dot x x, dot y y

        if squares.Over.IsZero || others.Over.IsZero then
            0.0
        else
            let square =
                toFloat {
                    Over = products.Over * products.Over * squares.Under * others.Under
                    Under = products.Under * products.Under * squares.Over * others.Over
                }

            float products.Over.Sign * sqrt square

    let pearson (x: float32[]) (y: float32[]) = coefficient (centred x) (centred y)

    let cosine (x: float32[]) (y: float32[]) =
        coefficient (Array.map Fraction.ofSingle x) (Array.map Fraction.ofSingle y)

    /// Twice the mean place of equal values in the sorted line, places counted from 1.
    let doubledRanks (values: float32[]) =
        let sorted = Array.sort (Array.map (fun value -> value + 0.0f) values)

        values
        |> Array.map (fun value ->
            let places = [
                for place in 0 .. sorted.Length - 1 do
                    if sorted[place] = value then
                        place + 1
            ]

            2 * List.sum places / places.Length)

    let spearman x y =
        let ranks values =
            doubledRanks values |> Array.map float32

        pearson (ranks x) (ranks y)

    let jaccard (x: float32[]) (y: float32[]) =
        let cells = Array.zip x y

        let count chosen =
            cells |> Array.filter chosen |> Array.length

        let either = count (fun (a, b) -> a > 0.0f || b > 0.0f)

        if either = 0 then
            0.0
        else
            float (count (fun (a, b) -> a > 0.0f && b > 0.0f)) / float either

    /// Entropies in bits of the first gene, the second and both, among the cells that count, with (K − 1) / 2M nats
    /// added to each where corrected.
    let entropies corrected eitherOnly (a: int[]) (b: int[]) =
        let cells =
            Array.zip a b |> Array.filter (fun (x, y) -> not eitherOnly || x > 0 || y > 0)

        let m = float cells.Length

        let entropy pick =
            let sizes = cells |> Array.countBy pick |> Array.map (snd >> float)

            let plugIn = sizes |> Array.sumBy (fun size -> -(size / m) * Math.Log2(size / m))

            if corrected then
                plugIn + float (sizes.Length - 1) / (2.0 * m * Math.Log 2.0)
            else
                plugIn

        if cells.Length = 0 then
            0.0, 0.0, 0.0
        else
            entropy fst, entropy snd, entropy (fun cell -> cell)

    /// The frequencies of a table drawn towards equal ones, by Hausser and Strimmer's equations 7 and 8.
    let shrunken cells (table: float[]) =
        let k = float table.Length

        let lambda =
            if cells < 2 then
                1.0
            else
                let above = 1.0 - Array.sum [| for p in table -> p ** 2.0 |]

                let below =
                    float (cells - 1) * Array.sum [| for p in table -> (1.0 / k - p) ** 2.0 |]

                if below = 0.0 then 1.0 else min 1.0 (above / below)

        [| for p in table -> lambda / k + (1.0 - lambda) * p |]

    /// Mutual information in bits after shrinkage of the table of occupied levels by occupied levels.
    let shrinkage eitherOnly (a: int[]) (b: int[]) =
        let cells =
            Array.zip a b |> Array.filter (fun (x, y) -> not eitherOnly || x > 0 || y > 0)

        let bins = [|
            for x in cells |> Array.map fst |> Array.distinct do
                for y in cells |> Array.map snd |> Array.distinct do
                    if not eitherOnly || x > 0 || y > 0 then
                        x, y
        |]

        let observed = [|
            for bin in bins -> float (cells |> Array.filter ((=) bin) |> Array.length) / float cells.Length
        |]

        let drawn = shrunken cells.Length observed

        let share chosen =
            Array.zip bins drawn |> Array.filter (fst >> chosen) |> Array.sumBy snd

        if cells.Length = 0 then
            0.0
        else
            Array.zip bins drawn
            |> Array.sumBy (fun ((x, y), p) ->
                if p = 0.0 then
                    0.0
                else
                    p * Math.Log2(p / (share (fst >> (=) x) * share (snd >> (=) y))))

    /// CLR's new score of two genes from the whole matrix.
    let contextLikelihood (scores: float[][]) i j =
        let z own other =
            let others = [
                for k in 0 .. scores.Length - 1 do
                    if k <> own then
                        scores[own][k]
            ]

            let mean = List.average others

            let variance =
                (others |> List.sumBy (fun s -> (s - mean) ** 2.0)) / float (others.Length - 1)

            if variance = 0.0 then
                0.0
            else
                max 0.0 ((scores[own][other] - mean) / sqrt variance)

        sqrt (z i j ** 2.0 + z j i ** 2.0)

    /// What gene i chooses the others for, in turn, by MRNET.
    let minimumRedundancy (scores: float[][]) i =
        let gain chosen k =
            scores[i][k]
            - (if List.isEmpty chosen then
                   0.0
               else
                   chosen |> List.averageBy (fun (j, _) -> scores[j][k]))

        let rec next chosen =
            let free = [
                for k in 0 .. scores.Length - 1 do
                    if k <> i && not (List.exists (fst >> (=) k) chosen) then
                        k
            ]

            match free with
            | [] -> chosen
            | _ ->
                let best = free |> List.maxBy (gain chosen)

                if gain chosen best <= 0.0 then
                    chosen
                else
                    next ((best, gain chosen best) :: chosen)

        next []

    /// q of each p by trying every threshold.
    let benjaminiHochberg (p: float[]) =
        p
        |> Array.map (fun own ->
            p
            |> Array.filter (fun t -> t >= own)
            |> Array.map (fun t ->
                t * float p.Length
                / float (p |> Array.filter (fun other -> other <= t) |> Array.length))
            |> Array.min
            |> min 1.0)

    /// P(χ² ≥ g) of an even number of degrees of freedom: that of fewer than degrees/2 events of a Poisson of mean g/2.
    let evenChiSquaredTail degrees (g: float) =
        List.scan (fun term j -> term * (g / 2.0) / float j) (exp (-g / 2.0)) [ 1 .. degrees / 2 - 1 ]
        |> List.sum
