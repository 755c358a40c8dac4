namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 25)>]
module PermutationTestTests =

    let private few: PermutationOptions = {
        Permutations = 9
        Seed = 5UL
        Threads = 2
    }

    let private namesOf (genes: SmallGenes) =
        Array.init genes.Count (fun gene -> $"gene{(gene * 7 + 3) % 10}")

    let private allPairs genes = [| for row, column in Oracle.pairs genes -> struct (row, column) |]

    let private bits (numerator: int64, cells: int) =
        if cells = 0 then
            0.0
        else
            float numerator / (float cells * 1073741824.0)

    let private slow (options: PermutationOptions) convention (names: string[]) a b genes =
        let a, b =
            if String.CompareOrdinal(names[a], names[b]) < 0 then
                a, b
            else
                b, a

        let a, b = SmallGenes.levels a genes, SmallGenes.levels b genes
        let either = convention = CellsIn.EitherGene

        let permuted order =
            bits (Reference.Resampling.permuted Oracle.entry either order a b)

        let nulls = [
            for i in 0 .. options.Permutations - 1 -> permuted (Resamples.permutation options.Seed genes.Cells i)
        ]

        Reference.Resampling.pValue (permuted [| 0 .. genes.Cells - 1 |]) nulls

    [<Property>]
    let ``is the rank among permutations written out`` (genes: SmallGenes) =
        let pairs, names = allPairs genes, namesOf genes

        for convention in [ CellsIn.EitherGene; CellsIn.All ] do
            let found =
                PermutationTest.pairs Progress.none few (SmallGenes.binned genes) convention names pairs

            pairs
            |> Array.iteri (fun i (struct (a, b)) ->
                Expect.equal (a, b, slow few convention names a b genes) (a, b, found[i]))

    [<Property>]
    let ``does not depend on threads, other pairs, or which gene comes first`` (genes: SmallGenes) =
        let pairs, names = allPairs genes, namesOf genes

        let run options pairs =
            PermutationTest.pairs Progress.none options (SmallGenes.binned genes) CellsIn.EitherGene names pairs

        let expected = run few pairs
        let turned = pairs |> Array.map (fun (struct (a, b)) -> struct (b, a)) |> Array.rev
        Expect.equal expected (run { few with Threads = 1 } turned |> Array.rev)

        if pairs.Length > 0 then
            Expect.equal (Array.truncate 1 expected) (run few (Array.truncate 1 pairs))

    // Of two genes in 4 of 8 cells each, the same ones, only a permutation that maps the four onto themselves or onto the
    // other four reaches 1 bit over all cells: 2 of 70. With 600 permutations, in three goes, about 17 and the data.
    [<Test>]
    let ``counts ties, and the data themselves`` () =
        let half = Array.init 8 (fun cell -> if cell < 4 then 1uy else 0uy)

        let genes = {
            Cells = 8
            Levels = [| half; half |]
            Highest = [| 1uy; 1uy |]
            Values = [||]
        }

        let options = { few with Permutations = 600 }
        let names = [| "A"; "B" |]

        let p =
            PermutationTest.pairs Progress.none options (SmallGenes.binned genes) CellsIn.All names [| struct (0, 1) |]

        Expect.equal (slow options CellsIn.All names 0 1 genes) p[0]
        let reached = p[0] * 601.0
        Assert.That(reached, Is.EqualTo(Math.Round reached).Within 1e-9)
        Assert.That(reached, Is.InRange(5.0, 35.0))

    // A gene that all cells express alike shares nothing in any order: every permutation ties.
    [<Test>]
    let ``a constant gene has the p-value 1`` () =
        let varied = Array.init 20 (fun cell -> byte (1 + cell % 3))

        let genes = {
            Cells = 20
            Levels = [| Array.create 20 1uy; varied |]
            Highest = [| 1uy; 3uy |]
            Values = [||]
        }

        let p =
            PermutationTest.pairs Progress.none few (SmallGenes.binned genes) CellsIn.All [| "A"; "B" |] [|
                struct (0, 1)
            |]

        Expect.equal [| 1.0 |] p

    /// 10,000 pairs of genes of their own, independent of each other, over 150 cells: the share that expresses a gene goes
    /// from a third to all.
    let private independent =
        lazy
            (let random = System.Random 20261121
             let cells = 150

             let gene _ =
                 let share = 0.35 + 0.65 * random.NextDouble()

                 Array.init cells (fun _ ->
                     if random.NextDouble() < share then
                         byte (random.Next(1, 7))
                     else
                         0uy)

             {
                 Cells = cells
                 Levels = Array.init 20000 gene
                 Highest = Array.create 20000 6uy
                 Values = [||]
             })

    /// The largest distance between the distribution of p-values and the uniform one (Kolmogorov 1933), each value being
    /// one of k/(n + 1).
    let private distance permutations (pValues: float[]) =
        let values = float (permutations + 1)

        seq { 1 .. permutations + 1 }
        |> Seq.map (fun k ->
            let limit = (float k + 0.5) / values
            let below = pValues |> Array.filter (fun p -> p < limit) |> Array.length
            abs (float below / float pValues.Length - float k / values))
        |> Seq.max

    let private pairs10000 = Array.init 10000 (fun i -> struct (2 * i, 2 * i + 1))

    // 10,000 independent p-values are farther away with a probability of 0.001; the seed is fixed.
    let private bound = 1.95 / sqrt 10000.0

    [<TestCase(CellsIn.EitherGene)>]
    [<TestCase(CellsIn.All)>]
    let ``p-values of independent genes are uniform`` (convention: CellsIn) =
        let genes = independent.Value
        let names = Array.init genes.Count (fun gene -> gene.ToString "00000")
        let options = { few with Permutations = 127 }

        let p =
            PermutationTest.pairs Progress.none options (SmallGenes.binned genes) convention names pairs10000

        let distance = distance 127 p
        TestContext.Out.WriteLine $"Kolmogorov–Smirnov distance over 10,000 pairs: {distance:F4}"
        Assert.That(distance, Is.LessThan bound)
        Assert.That(Array.min p, Is.GreaterThanOrEqualTo(1.0 / 128.0))

    /// The scores of the 10,000 pairs in 127 permutations of so many of the cells; first, with the cells as they are.
    let private scored cells (genes: SmallGenes) =
        let genes = {
            genes with
                Cells = cells
                Levels = genes.Levels |> Array.map (Array.truncate cells)
        }

        let orders =
            Array.append [| [| 0 .. cells - 1 |] |] (Array.init 127 (Resamples.permutation 5UL cells))

        use kernel = new PermutationKernel(SmallGenes.binned genes, orders, CellsIn.All)
        use worker = kernel.NewWorker()

        let numerators, counted =
            Array.zeroCreate<int64>(worker.Batches * 64), Array.zeroCreate<int>(worker.Batches * 64)

        pairs10000
        |> Array.map (fun (struct (a, b)) ->
            worker.Take a
            worker.Score(b, Span numerators, Span counted)
            Array.map2 (fun n m -> bits (n, m)) numerators counted |> Array.truncate 128)

    // So the bound is one that a wrong null does not pass: here one of a tenth fewer cells, in which chance shares more.
    [<Test>]
    let ``a null of fewer cells is found out`` () =
        let observed = scored 150 independent.Value |> Array.map Array.head
        let nulls = scored 135 independent.Value |> Array.map (Array.tail >> List.ofArray)
        let found = distance 127 (Array.map2 Reference.Resampling.pValue observed nulls)
        TestContext.Out.WriteLine $"distance with a null of fewer cells: {found:F4}"
        Assert.That(found, Is.GreaterThan(2.0 * bound))

    [<Test>]
    let ``options outside their range are refused`` () =
        Expect.says [ "--permutations 0"; "1 to" ] (PermutationTest.validate { few with Permutations = 0 })
        Expect.ok (PermutationTest.validate { few with Permutations = 1 })
