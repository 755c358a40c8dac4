namespace CoExpr

open System
open CoExpr.Kernels

/// Discrimination of perturbations by any distance (`Discrimination` has L1, L2 and cosine at once, and much faster): the rows
/// without the genes that do not count are compared one by one.
[<RequireQualifiedAccess>]
module DiscriminationBy =

    /// Room of one thread.
    type private Room(genes: int, perturbations: int) =
        member val Distances = Array.zeroCreate<float> perturbations
        member val Own: float[] = Array.zeroCreate genes with get, set
        member val Other: float[] = Array.zeroCreate genes with get, set

        /// Rows as long as the genes that count.
        member this.Fit length =
            if this.Own.Length <> length then
                this.Own <- Array.zeroCreate length
                this.Other <- Array.zeroCreate length

    /// Runs of genes that count, from and length, of a prediction that leaves out these beside those that all leave out.
    let private runs genes (everywhere: int[]) (leftOut: int[]) =
        let out = Array.append everywhere leftOut |> Array.distinct |> Array.sort
        let starts = Array.append [| 0 |] (out |> Array.map ((+) 1))
        let ends = Array.append out [| genes |]

        Array.map2 (fun start next -> struct (start, next - start)) starts ends
        |> Array.filter (fun (struct (_, length)) -> length > 0)

    let private copy (runs: struct (int * int)[]) (values: float[]) first (room: float[]) =
        let mutable at = 0

        for struct (start, length) in runs do
            Array.Copy(values, first + start, room, at, length)
            at <- at + length

    let private prepared distance runs values first room =
        copy runs values first room
        distance.Prepare room
        room

    /// Closer; NaN is farther than any number, and as far as NaN.
    let private isCloser (distance: float) (own: float) =
        distance < own || (Double.IsNaN own && not (Double.IsNaN distance))

    let private isEqual (distance: float) (own: float) =
        distance = own || (Double.IsNaN own && Double.IsNaN distance)

    let private count (counts: DistanceCounts) row own (distances: float[]) =
        for at in 0 .. distances.Length - 1 do
            if isCloser distances[at] distances[own] then
                counts.Closer[row] <- counts.Closer[row] + 1
            elif isEqual distances[at] distances[own] then
                counts.Equal[row] <- counts.Equal[row] + 1

                if at < own then
                    counts.EqualBefore[row] <- counts.EqualBefore[row] + 1

    let private isFinite (values: float[]) first genes =
        let mutable finite = true

        for at in first .. first + genes - 1 do
            finite <- finite && Double.IsFinite values[at]

        finite

    let private check genes (own: int[]) (predicted: float[]) (real: float[]) =
        if genes < 1 || predicted.Length <> own.Length * genes || real.Length % genes <> 0 then
            invalidArg
                (nameof predicted)
                $"{predicted.Length} predicted and {real.Length} real values for {own.Length} predictions of {genes} genes"

    /// Scores as those of `Discrimination.compute`, with the same rules for ties, targets, divisors and values that are not
    /// finite. Same bits for any number of threads.
    let compute
        threads
        options
        distance
        (genes: string[])
        (perturbations: string[])
        (own: int[])
        (predicted: float[])
        (real: float[])
        : NamedScores =
        let count' = genes.Length
        check count' own predicted real

        let struct (everywhere, byRow) =
            Discrimination.leftOut options genes perturbations own

        let rows = real.Length / count'
        let counts = DistanceCounts own.Length
        let ranks = Array.create own.Length nan

        Schedule.blocks threads own.Length (fun () -> Room(count', rows)) (fun room row ->
            if isFinite predicted (row * count') count' then
                let runs = runs count' everywhere byRow[row]
                room.Fit(runs |> Array.sumBy (fun (struct (_, length)) -> length))
                let x = prepared distance runs predicted (row * count') room.Own

                for other in 0 .. rows - 1 do
                    room.Distances[other] <-
                        distance.Between x (prepared distance runs real (other * count') room.Other)

                count counts row own[row] room.Distances

                ranks[row] <-
                    Discrimination.place options.Ties counts row (fun () ->
                        Array.IndexOf(IntroSort.order room.Distances, own[row])))

        {
            Name = distance.Name
            Counts = counts
            Ranks = ranks
            Scores = ranks |> Array.map (Discrimination.score options.Denominator rows)
        }
