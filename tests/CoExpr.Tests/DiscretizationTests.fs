namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

/// Values of one gene over 0 to 300 cells: counts with heavy ties, or continuous, with zeros, negatives and NaN.
type GeneOfValues = { Bins: int; Values: float32[] }

type ManyGenesOfValues =
    static member Any() =
        gen {
            let! cells = Gen.oneof [ Gen.choose (0, 30); Gen.choose (0, 300) ]
            let! bins = Gen.frequency [ 3, Gen.choose (2, 12); 1, Gen.choose (2, 255) ]
            let! most = Gen.elements [ 1; 3; 8; 40; 100000 ]
            let! divisor = Gen.elements [ 1.0f; 3.0f; 7.3f ]

            let value =
                Gen.frequency [
                    1, Gen.constant 0.0f
                    12, Gen.choose (1, most) |> Gen.map (fun count -> float32 count / divisor)
                    1, Gen.elements [ -0.0f; -1.5f; nanf; Single.NegativeInfinity ]
                ]

            let! values = Gen.arrayOfLength cells value
            return { Bins = bins; Values = values }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<ManyGenesOfValues> |], MaxTest = 300)>]
module DiscretizationTests =

    let private levelsBy rule bins values =
        CoExpr.Discretization.levels rule bins values

    let private levels bins values =
        levelsBy QuantileEdges.Exact bins values |> Array.map int

    // Quantile at ½ of 1, 2, 3, 4 is 2.5; of 1, 2, 3 it is 2, and a value at an edge goes up.
    [<Test>]
    let ``of small examples`` () =
        Expect.equal [| 0; 1; 1; 2; 2 |] (levels 2 [| 0.0f; 1.0f; 2.0f; 3.0f; 4.0f |])
        Expect.equal [| 2; 0; 2; 1 |] (levels 2 [| 3.0f; 0.0f; 2.0f; 1.0f |])
        // Edges at 1⅔ and 2⅓.
        Expect.equal [| 1; 2; 3 |] (levels 3 [| 1.0f; 2.0f; 3.0f |])
        // As many bins as there are values, but no more.
        Expect.equal [| 1; 2; 3 |] (levels 200 [| 1.0f; 2.0f; 3.0f |])

    // Two values, so two bins; the edge of 1, 1, 1, 5 is 1 itself, which every value reaches.
    [<Test>]
    let ``ties may leave a bin empty`` () =
        Expect.equal [| 2; 2; 2; 2 |] (levels 2 [| 1.0f; 1.0f; 1.0f; 5.0f |])
        Expect.equal [| 1; 2; 2; 2 |] (levels 2 [| 1.0f; 5.0f; 5.0f; 5.0f |])

    [<Test>]
    let ``values that are not above 0 have level 0`` () =
        Expect.equal [| 0; 0; 0; 0; 0; 1 |] (levels 10 [| nanf; -3.0f; 0.0f; -0.0f; Single.NegativeInfinity; 2.0f |])
        Expect.equal [| 0; 0 |] (levels 10 [| 0.0f; -1.0f |])
        Expect.equal [||] (levels 10 [||])

    [<Test>]
    let ``one value has one level`` () =
        Expect.equal [| 1; 0; 1 |] (levels 10 [| 7.0f; 0.0f; 7.0f |])

    [<Test>]
    let ``255 bins of 255 values are all in use`` () =
        let values = Array.init 255 (fun i -> float32 (255 - i))
        Expect.equal (Array.init 255 (fun i -> 255 - i)) (levels 255 values)

    [<TestCase(1)>]
    [<TestCase(256)>]
    [<TestCase(-7)>]
    let ``refuses fewer than 2 and more than 255 bins`` (bins: int) =
        Expect.refused $"{bins} is not from 2 to 255" (fun () -> levels bins [| 1.0f |])

    [<Test>]
    let ``GeneVector's bins come out by either rule`` () =
        for rule in [ QuantileEdges.Exact; QuantileEdges.NumPy ] do
            Array.iteri2
                (fun gene expected values ->
                    Expect.equal
                        (Golden.genes.Value[gene], expected)
                        (Golden.genes.Value[gene], levelsBy rule 10 values))
                Golden.bins.Value
                Golden.expression.Value

    [<Property>]
    let ``is the definition`` gene =
        Expect.equal (Reference.Discretization.levels gene.Bins gene.Values) (levels gene.Bins gene.Values)

    [<Property>]
    let ``255 bins are the definition too`` gene =
        Expect.equal (Reference.Discretization.levels 255 gene.Values) (levels 255 gene.Values)

    [<Property>]
    let ``depends on the order of the expressed values alone`` gene =
        let ranks =
            gene.Values |> Array.filter (fun x -> x > 0.0f) |> Array.distinct |> Array.sort

        let mapped =
            gene.Values
            |> Array.map (fun x ->
                if x > 0.0f then
                    float32 (pown (Array.BinarySearch(ranks, x) + 1) 2)
                else
                    x)

        levels gene.Bins mapped = levels gene.Bins gene.Values

    [<Property>]
    let ``the order of cells changes nothing`` gene =
        Array.rev (levels gene.Bins (Array.rev gene.Values)) = levels gene.Bins gene.Values

    [<Property>]
    let ``a higher value never has a lower level`` gene =
        let expressed =
            Array.zip gene.Values (levels gene.Bins gene.Values)
            |> Array.filter (fun (x, _) -> x > 0.0f)

        let sorted = expressed |> Array.sortBy fst |> Array.map snd
        sorted = Array.sort sorted

    [<Property>]
    let ``the highest level is the number of bins, at most one per value`` gene =
        let into = Array.zeroCreate<byte> gene.Values.Length

        let bins =
            CoExpr.Discretization.levelsInto QuantileEdges.Exact gene.Bins (ReadOnlySpan gene.Values) (Span into)

        let distinct =
            (gene.Values |> Array.filter (fun x -> x > 0.0f) |> Array.distinct).Length

        Expect.equal (min gene.Bins distinct) bins
        Expect.equal bins (if into.Length = 0 then 0 else int (Array.max into))

    /// Genes in which many edges fall on values, or next to them: counts, their thirds, and values so far apart that
    /// single precision rounds the difference of neighbours.
    let private nearEdges =
        let random = Random 11

        let value () =
            match random.Next 4 with
            | 0 -> fun () -> float32 (random.Next 4)
            | 1 -> fun () -> float32 (random.Next 30) / 3.0f
            | 2 -> fun () -> float32 (random.Next 100000) / 7.3f
            | _ -> fun () -> float32 (exp (40.0 * random.NextDouble() - 20.0))

        [
            for _ in 1..3000 ->
                let cells = random.Next(1, 120)
                let value = value ()

                let bins =
                    if random.Next 4 = 0 then
                        random.Next(2, 256)
                    else
                        random.Next(2, 30)

                bins, Array.init cells (fun _ -> value ())
        ]

    [<Test>]
    let ``by NumPy's rule, levels are NumPy's`` () =
        let text (value: float32) =
            value.ToString("R", CultureInfo.InvariantCulture)

        let path = Scratch.file "genes.txt"

        nearEdges
        |> List.map (fun (bins, values) -> String.Join(" ", Array.append [| string bins |] (Array.map text values)))
        |> fun lines -> File.WriteAllLines(path, lines)

        let lines = (Python.run "quantile_bins.py" [ path ]).TrimEnd().Split '\n'
        Expect.equal nearEdges.Length lines.Length

        for (bins, values), line in Seq.zip nearEdges lines do
            let expected = line.Split ' ' |> Array.map byte
            Expect.equal (bins, values, expected) (bins, values, levelsBy QuantileEdges.NumPy bins values)

    [<Test>]
    let ``the two rules differ, but seldom`` () =
        let different =
            nearEdges
            |> List.filter (fun (bins, values) ->
                levelsBy QuantileEdges.NumPy bins values
                <> levelsBy QuantileEdges.Exact bins values)

        Assert.That(different.Length, Is.GreaterThan(0).And.LessThan(nearEdges.Length))

    [<Test>]
    let ``every gene of a matrix is its own levels, for every number of threads`` () =
        let genes = nearEdges |> List.truncate 70 |> List.map snd |> List.toArray
        let cells = 120

        let padded =
            genes
            |> Array.map (fun values -> Array.append values (Array.zeroCreate (cells - values.Length)))

        let counts = Counts.ofCells genes.Length (Array.transpose padded)

        for threads in [ 1; 2; 5 ] do
            let binned = CoExpr.Discretization.genes threads QuantileEdges.Exact 10 counts
            Expect.equal (cells, genes.Length) (binned.Cells, binned.Genes)

            for gene in 0 .. genes.Length - 1 do
                let expected = levels 10 padded[gene]
                let places = [| int binned.Starts[gene] .. int binned.Starts[gene + 1] - 1 |]

                Expect.equal
                    (Array.indexed expected |> Array.filter (fun (_, level) -> level > 0))
                    (places |> Array.map (fun at -> binned.CellOf[at], int binned.LevelOf[at]))

                Expect.equal (Array.max expected) (int binned.Levels[gene])

    // −2, a stored 0 and a 0 that is not stored: entries without a level are dropped.
    [<Test>]
    let ``entries that are not expressed have no place`` () =
        let counts =
            SparseCounts.OfGenes(
                4,
                2,
                {
                    Starts = [| 0L; 3L; 4L |]
                    Indices = [| 0; 1; 3; 2 |]
                    Values = [| -2.0f; 0.0f; 5.0f; -1.0f |]
                }
            )

        let binned = CoExpr.Discretization.genes 1 QuantileEdges.Exact 10 counts
        Expect.equal [| 0L; 1L; 1L |] binned.Starts
        Expect.equal [| 3 |] binned.CellOf
        Expect.equal [| 1uy; 0uy |] binned.Levels
        Expect.equal [| 1 |] binned.LevelSizes
