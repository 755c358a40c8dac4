namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr.Kernels
open CoExpr.Reference

/// The counts of the streamed kernel against a whole matrix of distances.
module DistanceRanksTests =

    type private Rows = {
        Predicted: float[][]
        Real: float[][]
        Own: int[]
        Everywhere: int[]
        LeftOut: int[][]
    }

    let private paths = Enum.GetValues<SimdPath>() |> Array.filter Simd.IsSupported

    let private taskOf path rows =
        DistanceRankTask(
            Array.concat rows.Predicted,
            Array.concat rows.Real,
            rows.Real[0].Length,
            rows.Own,
            rows.Everywhere,
            rows.LeftOut,
            path
        )

    let private count block path rows =
        let task = taskOf path rows
        let counts = Array.init 3 (fun _ -> DistanceCounts rows.Own.Length)
        use worker = new DistanceRankWorker(task)

        for first in 0..block .. rows.Own.Length - 1 do
            worker.Count(first, min rows.Own.Length (first + block), counts)

        counts, worker.Rechecked

    let private places (counts: DistanceCounts) =
        Array.zip3 counts.Closer counts.EqualBefore counts.Equal

    let private distances = [|
        PerturbationEvaluation.l1
        PerturbationEvaluation.l2
        PerturbationEvaluation.cosine
    |]

    /// By the plain definition, columns taken out.
    let private wanted rows (distance: int list -> float[] -> float[] -> float) =
        rows.Predicted
        |> Array.mapi (fun row predicted ->
            let leftOut = List.ofArray rows.Everywhere @ List.ofArray rows.LeftOut[row]
            PerturbationEvaluation.places (distance leftOut) predicted rows.Real rows.Own[row])

    let private holds rows =
        for path in paths do
            let counts, _ = count DistanceRankWorker.RowsAtOnce path rows

            distances
            |> Array.iteri (fun kind distance -> Expect.equal (wanted rows distance) (places counts[kind]))

    /// By the distances that the library itself takes in double precision, where rounding decides.
    let private holdsToTheBit rows =
        for path in paths do
            let counts, _ = count DistanceRankWorker.RowsAtOnce path rows
            let task = taskOf path rows

            for kind in Enum.GetValues<DistanceKind>() do
                let one = Array.zeroCreate<float> rows.Real.Length

                for row in 0 .. rows.Own.Length - 1 do
                    task.Distances(kind, row, Span one)
                    let own = one[rows.Own[row]]

                    let number test =
                        one |> Array.filter test |> Array.length

                    Expect.equal
                        (number (fun other -> other < own), number (fun other -> other = own))
                        (counts[int kind].Closer[row], counts[int kind].Equal[row])

    let private random (seed: int) = System.Random seed

    let private normal (random: System.Random) =
        sqrt (-2.0 * log (1.0 - random.NextDouble()))
        * cos (2.0 * Math.PI * random.NextDouble())

    let private make seed perturbations genes value predict =
        let random = random seed

        let real =
            Array.init perturbations (fun _ -> Array.init genes (fun _ -> value random))

        {
            Predicted = real |> Array.map (predict random)
            Real = real
            Own = Array.init perturbations id
            Everywhere = [||]
            LeftOut = Array.init perturbations (fun row -> if row % 3 < 2 && row < genes then [| row |] else [||])
        }

    let private noisy (random: System.Random) =
        Array.map (fun value -> 0.2 * value + normal random)

    [<Test>]
    let ``of random rows are those of the plain definition`` ([<Range(1, 20)>] seed) =
        holds (make seed (20 + 7 * seed) (3 * seed + 1) normal noisy)

    /// Whole numbers, of which sums are exact, and many equal; rows that repeat; rows of zeros, real and predicted.
    let private tied seed =
        let value (random: System.Random) = float (random.Next(-1, 2))

        let rows =
            make seed (20 + 5 * seed) (1 + seed) value (fun random row ->
                row |> Array.map (fun x -> if random.Next 3 = 0 then 0.0 else x))

        for row in 0..4 .. rows.Real.Length - 2 do
            rows.Real[row + 1] <- Array.copy rows.Real[row]

        rows.Real[7] <- Array.zeroCreate (1 + seed)
        rows.Predicted[3] <- Array.zeroCreate (1 + seed)
        rows

    [<Test>]
    let ``of rows full of ties are those of the plain definition`` ([<Range(1, 20)>] seed) =
        let rows = tied seed

        for path in paths do
            let counts, _ = count DistanceRankWorker.RowsAtOnce path rows

            for kind in [ DistanceKind.L1; DistanceKind.L2 ] do
                Expect.equal (wanted rows distances[int kind]) (places counts[int kind])

        // Cosines of whole numbers are irrational: which of them tie is a matter of rounding.
        holdsToTheBit rows

    /// Real rows so close together that single precision cannot tell them apart.
    [<TestCase(1e-7)>]
    [<TestCase(1e-9)>]
    [<TestCase(1e-12)>]
    let ``of rows that single precision cannot tell apart are exact`` (apart: float) =
        let rows = make 4 150 40 normal (fun _ row -> Array.copy row)
        let first = rows.Real[0]
        let random = random 9

        let near =
            Array.init 150 (fun _ -> first |> Array.map (fun value -> value + apart * normal random))

        holdsToTheBit { rows with Real = near }

        for path in paths do
            Assert.That(snd (count 128 path { rows with Real = near }), Is.GreaterThan 150L)

    [<TestCase(1e30)>]
    [<TestCase(1e-30)>]
    [<TestCase(3.7)>]
    let ``do not depend on the unit`` (unit: float) =
        let rows = make 5 90 33 normal noisy
        let times = Array.map (Array.map (fun value -> value * unit))

        let scaled = {
            rows with
                Predicted = times rows.Predicted
                Real = times rows.Real
        }

        for path in paths do
            let plain, _ = count 128 path rows
            let other, _ = count 128 path scaled
            Expect.equal (Array.map places plain) (Array.map places other)

    [<Test>]
    let ``a gene that is nearly all of a row can be left out`` () =
        let rows = make 6 60 20 normal noisy

        for row in 0..19 do
            rows.Predicted[row].[row] <- 1e6
            rows.Real[row].[row] <- -1e6

        holds {
            rows with
                LeftOut = Array.init 60 (fun row -> if row < 20 then [| row |] else [||])
        }

    [<Test>]
    let ``several genes can be left out of a row and of all rows`` () =
        let rows = make 7 50 30 normal noisy

        holds {
            rows with
                Everywhere = [| 3; 29 |]
                LeftOut = Array.init 50 (fun row -> [| row % 30; (row + 7) % 30 |])
        }

    [<Test>]
    let ``genes beyond one panel are counted`` () =
        let rows = make 8 9 4500 normal noisy

        holds {
            rows with
                LeftOut = Array.init 9 (fun row -> [| 500 * row |])
        }

    [<TestCase(Double.NaN)>]
    [<TestCase(Double.NegativeInfinity)>]
    let ``a prediction that is not finite has no place`` (value: float) =
        let rows = make 9 12 5 normal noisy
        rows.Predicted[4].[2] <- value

        for path in paths do
            let counts, _ = count 128 path rows

            for kind in 0..2 do
                let found = places counts[kind]
                let reference = wanted rows distances[kind]
                Expect.equal (0, 0, 0) found[4]
                Expect.equal reference[5] found[5]

    [<Test>]
    let ``blocks do not change counts`` () =
        let rows = tied 11

        for path in paths do
            let whole, _ = count 128 path rows

            for block in [ 1; 3; 64 ] do
                let parts, _ = count block path rows
                Expect.equal (Array.map places whole) (Array.map places parts)

    [<Test>]
    let ``some predictions stand among all real rows`` () =
        let rows = make 10 40 12 normal noisy

        holds {
            rows with
                Predicted = [| rows.Predicted[7]; rows.Predicted[30] |]
                Own = [| 7; 30 |]
                LeftOut = [| [||]; [| 1 |] |]
        }

    // Own distance 1; one closer (0.5), one as far before it and one after it.
    [<Test>]
    let ``has the counts of an example by hand`` () =
        let rows = {
            Predicted = [| [| 0.0; 1.0 |] |]
            Real = [|
                [| 1.0; 1.0 |]
                [| 0.0; 2.0 |]
                [| -1.0; 1.0 |]
                [| 0.5; 1.0 |]
                [| 5.0; 0.0 |]
            |]
            Own = [| 1 |]
            Everywhere = [||]
            LeftOut = [| [||] |]
        }

        for path in paths do
            let counts, _ = count 1 path rows
            Expect.equal [| 1, 1, 3 |] (places counts[int DistanceKind.L1])
            Expect.equal [| 1, 1, 3 |] (places counts[int DistanceKind.L2])
            // Of cosines the own one, (0, 2), is the closest: it points the same way.
            Expect.equal [| 0, 0, 1 |] (places counts[int DistanceKind.Cosine])

    [<Test>]
    let ``a task whose parts do not fit is refused`` () =
        let make own leftOut =
            DistanceRankTask(Array.zeroCreate 6, Array.zeroCreate 9, 3, own, [||], leftOut, SimdPath.Scalar)

        Expect.refused "3 predicted rows" (fun () -> make [| 0; 1; 2 |] [| [||]; [||]; [||] |])
        Expect.refused "not from 0 to 2" (fun () -> make [| 0; 3 |] [| [||]; [||] |])
        Expect.refused "1 lists of genes for 2" (fun () -> make [| 0; 1 |] [| [||] |])
        Expect.refused "a gene to leave out is not from 0 to 2" (fun () -> make [| 0; 1 |] [| [| 3 |]; [||] |])
        Expect.refused "twice" (fun () -> make [| 0; 1 |] [| [| 1; 1 |]; [||] |])
