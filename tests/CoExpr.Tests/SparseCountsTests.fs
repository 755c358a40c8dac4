namespace CoExpr.Tests

open System
open FsCheck.FSharp
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module SparseCountsTests =

    /// A dense matrix, row by row, with about two thirds zeros.
    let private anyDense =
        gen {
            let! cells = Gen.choose (0, 12)
            let! genes = Gen.choose (0, 12)

            let value =
                Gen.frequency [ 2, Gen.constant 0.0f; 1, Gen.choose (-3, 9) |> Gen.map float32 ]

            let! values = Gen.arrayOfLength (cells * genes) value
            return cells, genes, values
        }
        |> Arb.fromGen

    let private at (matrix: Compressed) line (index: int) =
        let place = matrix.IndicesOf(line).IndexOf index
        if place < 0 then 0.0f else matrix.ValuesOf(line)[place]

    let private ascends (matrix: Compressed) =
        Seq.init matrix.Lines (fun line -> matrix.IndicesOf(line).ToArray())
        |> Seq.forall (fun indices -> indices |> Array.pairwise |> Array.forall (fun (a, b) -> a < b))

    let private same (a: Compressed) (b: Compressed) =
        a.Starts = b.Starts && a.Indices = b.Indices && a.Values = b.Values

    [<Property>]
    let ``both views of a dense matrix are that matrix`` () =
        Prop.forAll anyDense (fun (cells, genes, values) ->
            let counts = SparseCounts.OfDense(cells, genes, values)

            ascends counts.ByCell
            && ascends counts.ByGene
            && counts.Entries = int64 (values |> Array.filter ((<>) 0.0f) |> Array.length)
            && Seq.allPairs [ 0 .. cells - 1 ] [ 0 .. genes - 1 ]
               |> Seq.forall (fun (cell, gene) ->
                   let value = values[cell * genes + gene]
                   at counts.ByCell cell gene = value && at counts.ByGene gene cell = value))

    [<Property>]
    let ``turned twice is as before, on any number of threads`` () =
        Prop.forAll anyDense (fun (cells, genes, values) ->
            let matrix = SparseCounts.OfDense(cells, genes, values).ByCell

            [ 1; 2; 3; 7 ]
            |> List.forall (fun threads ->
                matrix
                |> Compressed.transpose threads genes
                |> Compressed.transpose threads cells
                |> same matrix))

    /// A matrix of enough entries that turning it takes several threads.
    let private large =
        let stream = Random.stream 1UL (Purpose.named "large") 0
        let lines, minor = 3000, 700

        let rows =
            Array.init lines (fun _ -> Array.init minor id |> Array.filter (fun _ -> stream.Below 5 = 0))

        let indices = Array.concat rows

        {
            Starts = rows |> Array.scan (fun start row -> start + row.LongLength) 0L
            Indices = indices
            Values = Array.init indices.Length (fun i -> float32 (1 + i % 9))
        },
        minor

    [<Test>]
    let ``a large matrix is turned the same way by any number of threads`` () =
        let matrix, minor = large
        let expected = Compressed.transpose 1 minor matrix
        Assert.That(matrix.Indices.Length, Is.GreaterThan(5 * 65536))

        for threads in [ 2; 3; 5; 64 ] do
            Expect.equal true (same expected (Compressed.transpose threads minor matrix))

        Expect.equal true (same matrix (Compressed.transpose 4 matrix.Lines expected))

    let private anyLines =
        Gen.zip (Gen.choose (0, 5)) (Gen.choose (1, 9))
        |> Gen.listOf
        |> Gen.listOfLength 3
        |> Arb.fromGen

    let private ofLines (lines: (int * int) list list) = {
        Starts =
            lines
            |> List.scan (fun start line -> start + int64 line.Length) 0L
            |> List.toArray
        Indices = lines |> List.concat |> List.map fst |> List.toArray
        Values = lines |> List.concat |> List.map (snd >> float32) |> List.toArray
    }

    [<Property>]
    let ``unsorted and repeated entries become sorted sums`` () =
        Prop.forAll anyLines (fun lines ->
            let expected =
                lines
                |> List.map (fun line ->
                    line
                    |> List.groupBy fst
                    |> List.map (fun (i, all) -> i, List.sumBy snd all)
                    |> List.sortBy fst)
                |> ofLines

            [ 1; 4 ]
            |> List.forall (fun threads -> same expected (Compressed.canonical threads (ofLines lines))))

    [<Test>]
    let ``a matrix in order is taken as it is`` () =
        let matrix, _ = large
        Expect.equal true (obj.ReferenceEquals(matrix, Compressed.canonical 2 matrix))

    [<Property>]
    let ``taking lines takes what is in them`` () =
        Prop.forAll anyDense (fun (cells, genes, values) ->
            let counts = SparseCounts.OfDense(cells, genes, values)
            let order = [| for gene in genes - 1 .. -2 .. 0 -> gene |]
            let taken = counts.TakeGenes order

            (taken.Cells, taken.Genes) = (cells, order.Length)
            && Seq.allPairs [ 0 .. cells - 1 ] [ 0 .. order.Length - 1 ]
               |> Seq.forall (fun (cell, place) -> at taken.ByCell cell place = values[cell * genes + order[place]]))

    [<Property>]
    let ``some cells are the same cells from either view`` () =
        Prop.forAll anyDense (fun (cells, genes, values) ->
            let byCell = SparseCounts.OfDense(cells, genes, values)
            let byGene = SparseCounts.OfGenes(cells, genes, byCell.ByGene)

            let order = [|
                for cell in 0 .. cells - 1 do
                    if cell % 3 <> 1 then
                        cell
            |]

            let taken = byGene.TakeCells order

            // Against the order of the file there is no way round the other view; for a few cells it is worth while.
            taken.IsByGene
            && (byGene.TakeCells [| cells - 1 .. -1 .. 0 |]).IsByGene = (cells < 2)
            && (byGene.TakeCells [| 0 .. (cells + 1) / 2 - 1 |]).IsByGene
            && not (byGene.TakeCells [| 1 .. (cells - 1) / 2 |]).IsByGene = (cells > 0)
            && same (byCell.TakeCells order).ByCell taken.ByCell
            && same (byCell.TakeCells order).ByGene taken.ByGene
            && Seq.allPairs [ 0 .. order.Length - 1 ] [ 0 .. genes - 1 ]
               |> Seq.forall (fun (place, gene) -> at taken.ByGene gene place = values[order[place] * genes + gene])
            // What they were taken from is as it was.
            && same (SparseCounts.OfDense(cells, genes, values)).ByGene byGene.ByGene)

    [<Test>]
    let ``whole numbers from 0 to 2^24 are counts, and nothing else`` () =
        let isInteger value =
            SparseCounts.OfDense(1, 1, [| value |]).Integer

        Expect.equal [ true; true; true ] (List.map isInteger [ 0.0f; 1.0f; 16777215.0f ])

        Expect.equal
            [ false; false; false; false; false ]
            (List.map isInteger [ 0.5f; -1.0f; 16777216.0f; nanf; infinityf ])

    [<Test>]
    let ``NaN is an entry`` () =
        Expect.equal 1L (SparseCounts.OfDense(1, 2, [| nanf; 0.0f |])).Entries

    [<Test>]
    let ``a matrix of another size than its values is a bug`` () =
        Expect.raises<ArgumentException>(fun () -> SparseCounts.OfDense(2, 2, [| 1.0f |]) |> ignore)
        let matrix, minor = large
        Expect.raises<ArgumentException>(fun () -> SparseCounts.OfCells(1, minor, matrix) |> ignore)
