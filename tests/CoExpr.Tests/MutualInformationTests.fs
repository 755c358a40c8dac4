namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManyPairsOfGenes> |], MaxTest = 200)>]
module MutualInformationTests =

    let private conventions = [ CellsIn.EitherGene; CellsIn.All ]

    let private information convention pair =
        MutualInformation.estimate convention (JointHistogram.create pair.A pair.B)

    let private floating convention pair =
        Reference.MutualInformation.floating
            (convention = CellsIn.EitherGene)
            (Array.map int pair.A)
            (Array.map int pair.B)

    let private entropyOfA convention pair =
        Reference.MutualInformation.entropyOfFirst
            (convention = CellsIn.EitherGene)
            (Array.map int pair.A)
            (Array.map int pair.B)
        * 1.0<bit>

    let private swapped pair = { A = pair.B; B = pair.A }

    /// What the whole-number entropies may be off by.
    let private error = 1e-9<bit>

    let private near (expected: float) (actual: float<bit>) =
        Assert.That(float actual, Is.EqualTo(expected).Within 1e-9)

    let private times count (levels: (byte * byte * int) list) =
        let cells = [|
            for a, b, cells in levels do
                yield! Array.create (count * cells) (a, b)
        |]

        {
            A = Array.map fst cells
            B = Array.map snd cells
        }

    // Exactly so where 2 F[n] = F[2n] − 2n · 2^30 without rounding, as for powers of two; otherwise by 1 in 2n · 2^30.
    [<Test>]
    let ``two genes that exclude each other in as many cells share 1 bit`` () =
        for cells in 1..200 do
            let pair = times cells [ 1uy, 0uy, 1; 0uy, 1uy, 1; 0uy, 0uy, 3 ]
            near 1.0 (information CellsIn.EitherGene pair)

            if Numerics.BitOperations.IsPow2 cells then
                Expect.equal 1.0<bit> (information CellsIn.EitherGene pair)

    // p = 1/5, 1/5 and 3/5 with margins 1/5 and 4/5.
    [<Test>]
    let ``over all cells the cells with neither count too`` () =
        let pair = times 4 [ 1uy, 0uy, 1; 0uy, 1uy, 1; 0uy, 0uy, 3 ]
        near (0.4 * Math.Log2 1.25 + 0.6 * Math.Log2(0.6 / 0.64)) (information CellsIn.All pair)

    [<Test>]
    let ``a gene that follows another of four equal levels shares 2 bits with it`` () =
        let pair = times 8 [ 1uy, 4uy, 1; 2uy, 3uy, 1; 3uy, 2uy, 1; 4uy, 1uy, 1 ]
        Expect.equal 2.0<bit> (information CellsIn.EitherGene pair)
        Expect.equal 2.0<bit> (information CellsIn.All pair)

    // p = 1/2, 1/4, 1/4 with rows 3/4, 1/4 and columns 1/2, 1/2.
    [<Test>]
    let ``a lopsided table has the value worked out by hand`` () =
        let pair = times 5 [ 1uy, 1uy, 2; 1uy, 2uy, 1; 2uy, 2uy, 1 ]
        near (0.5 * Math.Log2(4.0 / 3.0) + 0.25 * Math.Log2(2.0 / 3.0) + 0.25) (information CellsIn.EitherGene pair)

    [<Test>]
    let ``a gene of one level in every cell shares nothing`` () =
        let pair = times 3 [ 1uy, 0uy, 2; 1uy, 1uy, 3; 1uy, 5uy, 1 ]
        Expect.equal 0.0<bit> (information CellsIn.EitherGene pair)
        Expect.equal 0.0<bit> (information CellsIn.All pair)

    [<Test>]
    let ``no cells, or none that counts, share nothing`` () =
        let neither = times 4 [ 0uy, 0uy, 1 ]
        Expect.equal 0.0<bit> (information CellsIn.EitherGene neither)
        Expect.equal 0.0<bit> (information CellsIn.All neither)
        Expect.equal 0.0<bit> (information CellsIn.All { A = [||]; B = [||] })

    [<Test>]
    let ``the last division is by cells and by 2^30`` () =
        Expect.equal 1.5<bit> (MutualInformation.bits 6442450944L 4)
        Expect.equal -0.25<bit> (MutualInformation.bits -268435456L 1)
        Expect.equal 0.0<bit> (MutualInformation.bits 5L 0)

    // Cells of 2, 1 and 1, rows of 3 and 1, columns of 2 and 2: F[2] − F[3] − 2 F[2] + F[4], whatever F is.
    [<Test>]
    let ``the numerator is a sum of the table`` () =
        let joint = JointHistogram.create [| 1uy; 1uy; 1uy; 2uy |] [| 1uy; 1uy; 2uy; 2uy |]
        let table = [| 0L; 0L; 20L; 47L; 80L |]
        Expect.equal (struct (20L - 47L - 40L + 80L, 4)) (MutualInformation.numerator table CellsIn.EitherGene joint)

    [<Property>]
    let ``is within 1e-9 bit of the definition in floating point`` pair =
        for convention in conventions do
            near (if pair.A.Length = 0 then 0.0 else floating convention pair) (information convention pair)

    [<Property>]
    let ``the numerator is the oracle's`` pair =
        let joint = JointHistogram.create pair.A pair.B
        let table = EntropyTable.Create pair.A.Length

        for convention in conventions do
            let expected =
                Reference.MutualInformation.numerator
                    Oracle.entry
                    (convention = CellsIn.EitherGene)
                    (Array.map int pair.A)
                    (Array.map int pair.B)

            let struct (numerator, cells) = MutualInformation.numerator table convention joint
            Expect.equal expected (numerator, cells)

    [<Property>]
    let ``is the same from a to b as from b to a`` pair =
        conventions
        |> List.forall (fun convention -> information convention pair = information convention (swapped pair))

    [<Property>]
    let ``lies from 0 to the lower of the two entropies`` pair =
        conventions
        |> List.forall (fun convention ->
            let shared = information convention pair

            shared >= -error
            && shared <= entropyOfA convention pair + error
            && shared <= entropyOfA convention (swapped pair) + error)

    [<Property>]
    let ``of a gene with itself is its entropy`` pair =
        let itself = { A = pair.A; B = pair.A }

        conventions
        |> List.forall (fun convention -> abs (information convention itself - entropyOfA convention itself) <= error)

    [<Property>]
    let ``does not depend on how the levels are numbered`` pair =
        let highest = if pair.A.Length = 0 then 0uy else Array.max pair.A

        let renamed = {
            pair with
                A =
                    pair.A
                    |> Array.map (fun level -> if level = 0uy then 0uy else highest + 1uy - level)
        }

        conventions
        |> List.forall (fun convention -> information convention renamed = information convention pair)

    // The data processing inequality. Level 0 stays apart, for merging it would change which cells count.
    [<Property>]
    let ``does not grow when two levels become one`` pair =
        let merged = {
            pair with
                A = pair.A |> Array.map (fun level -> if level = 2uy then 1uy else level)
        }

        conventions
        |> List.forall (fun convention -> information convention merged <= information convention pair + error)

    [<Property>]
    let ``twice the same cells share as much`` pair =
        let twice = {
            A = Array.append pair.A pair.A
            B = Array.append pair.B pair.B
        }

        conventions
        |> List.forall (fun convention ->
            abs (information convention twice - information convention pair) <= 2.0 * error)

    [<Property>]
    let ``cells of neither gene change nothing over cells of either`` pair =
        let more = {
            A = Array.append [| 0uy; 0uy |] pair.A
            B = Array.append [| 0uy; 0uy |] pair.B
        }

        information CellsIn.EitherGene more = information CellsIn.EitherGene pair

    // The stated bound is 2^-30; the widest error comes of many small counts.
    [<Test>]
    let ``the error stays below 1e-8 bit at many cells`` () =
        let random = Random 5
        let a = Array.init 150_000 (fun _ -> byte (random.Next 256))

        let b =
            a
            |> Array.map (fun x -> if random.Next 3 = 0 then x else byte (random.Next 256))

        let pair = { A = a; B = b }

        for convention in conventions do
            Assert.That(float (information convention pair), Is.EqualTo(floating convention pair).Within 1e-8)

    [<Test>]
    let ``GeneVector's unsigned values come out to 5 decimals`` () =
        let bins = Golden.bins.Value
        let mutable compared = 0

        for a in 0 .. bins.Length - 1 do
            for b in 0 .. bins.Length - 1 do
                let expected = Golden.unsignedBits.Value[a][b]

                if not (Double.IsNaN expected) then
                    compared <- compared + 1
                    let actual = information CellsIn.EitherGene { A = bins[a]; B = bins[b] }
                    Assert.That(float actual, Is.EqualTo(expected).Within 0.5000001e-5)

        Expect.equal (13 * 12) compared
