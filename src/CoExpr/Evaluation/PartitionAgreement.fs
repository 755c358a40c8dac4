namespace CoExpr

open System
open System.Collections.Generic
open MathNet.Numerics

/// How far two partitions of the same items agree; 1 for equal ones.
[<RequireQualifiedAccess>]
module PartitionAgreement =

    /// Sizes of the parts of each partition, and of what is common to a part of each.
    type private Table = {
        Items: int
        First: int[]
        Second: int[]
        Common: struct (int * int * int)[]
    }

    let private numbered (labels: int[]) =
        let numbers = Dictionary<int, int>()

        for label in labels do
            numbers.TryAdd(label, numbers.Count) |> ignore

        labels |> Array.map (fun label -> numbers[label]), numbers.Count

    let private sizes (parts: int[], count) =
        let sizes = Array.zeroCreate<int> count

        for part in parts do
            sizes[part] <- sizes[part] + 1

        sizes

    let private table (first: int[]) (second: int[]) =
        if first.Length <> second.Length then
            invalidArg (nameof second) $"{second.Length} items where {first.Length} were expected"

        let a, b = numbered first, numbered second

        {
            Items = first.Length
            First = sizes a
            Second = sizes b
            Common =
                Array.zip (fst a) (fst b)
                |> Array.countBy id
                |> Array.sort
                |> Array.map (fun ((i, j), count) -> struct (i, j, count))
        }

    let private areEqual table =
        table.Common.Length = table.First.Length
        && table.Common.Length = table.Second.Length

    /// −Σ (n / N) ln (n / N).
    let private entropy items (sizes: int[]) =
        sizes
        |> Array.sumBy (fun size ->
            let share = float size / float items
            -share * log share)

    /// Σ (n / N) ln (N n / (a b)), nats.
    let private information table =
        let items = float table.Items

        table.Common
        |> Array.sumBy (fun (struct (i, j, common)) ->
            let common, a, b = float common, float table.First[i], float table.Second[j]
            common / items * log (items * common / (a * b)))

    /// The information that parts of sizes a and b have on average, if their items are drawn (Vinh, Epps & Bailey 2010).
    let private expectedOf items (factorial: float[]) a b =
        let fixedPart =
            factorial[a] + factorial[b] + factorial[items - a] + factorial[items - b]
            - factorial[items]

        let mutable sum = 0.0

        for common in max 1 (a + b - items) .. min a b do
            let chance =
                fixedPart
                - factorial[common]
                - factorial[a - common]
                - factorial[b - common]
                - factorial[items - a - b + common]

            sum <-
                sum
                + float common / float items
                  * log (float items * float common / (float a * float b))
                  * exp chance

        sum

    let private expected table =
        let factorial =
            Array.init (table.Items + 1) (fun n -> SpecialFunctions.GammaLn(float n + 1.0))

        // Parts of one size have one expectation.
        let sums = Array.countBy id >> Array.sort

        Array.allPairs (sums table.First) (sums table.Second)
        |> Array.sumBy (fun ((a, times), (b, often)) ->
            float times * float often * expectedOf table.Items factorial a b)

    /// I / ((H + H') / 2); 1 for equal partitions, 0 where only one of them is undivided.
    let normalizedInformation first second =
        let table = table first second

        if areEqual table then
            1.0
        else
            information table
            / ((entropy table.Items table.First + entropy table.Items table.Second) / 2.0)

    /// (I − E I) / ((H + H') / 2 − E I), E I what partitions with parts of these sizes share by chance; 1 for equal partitions.
    let adjustedInformation first second =
        let table = table first second

        if areEqual table then
            1.0
        else
            let chance = expected table

            let room =
                (entropy table.Items table.First + entropy table.Items table.Second) / 2.0
                - chance

            // Rounding can take a divisor of 0 to either side of it; scikit-learn keeps it off by as much.
            let least = Math.BitIncrement 1.0 - 1.0
            let room = if room < 0.0 then min room -least else max room least
            (information table - chance) / room

    let private pairs count = float count * float (count - 1) / 2.0

    /// Pairs of items that both partitions put together, less those expected by chance, over the most there could be less the
    /// same (Hubert & Arabie 1985); 1 for equal partitions.
    let adjustedRand first second =
        let table = table first second

        if areEqual table then
            1.0
        else
            let a, b = Array.sumBy pairs table.First, Array.sumBy pairs table.Second
            let both = table.Common |> Array.sumBy (fun (struct (_, _, common)) -> pairs common)
            let chance = a * b / pairs table.Items
            (both - chance) / ((a + b) / 2.0 - chance)
