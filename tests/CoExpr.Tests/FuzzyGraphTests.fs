namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

module FuzzyGraphTests =

    let private draw (seed: int) rows genes levels =
        let random = System.Random seed
        Array.init rows (fun _ -> Array.init genes (fun _ -> float (random.Next levels)))

    let private near threads count (rows: float[][]) =
        FuzzyGraph.neighbourhoods threads count rows[0].Length (Array.concat rows)

    // Few levels: many rows are as far, and some at the same place.
    [<Property(MaxTest = 40)>]
    let ``the nearest rows are those of a sorted list`` seed =
        let rows = draw seed 70 3 4
        let found = near 3 9 rows

        Array.forall
            (fun row ->
                let wanted = PartitionReference.nearest 10 rows row
                let at = Array.init 9 (fun place -> row * 9 + place)

                (wanted |> List.map fst) = [ for place in at -> found.Nearest[place] ]
                && List.forall2 (fun (_, d) place -> abs (d - found.Distances[place]) < 1e-12) wanted (List.ofArray at))
            [| 0..69 |]

    [<TestCase(SimdPath.Scalar)>]
    [<TestCase(SimdPath.Avx2)>]
    [<TestCase(SimdPath.Avx512)>]
    let ``every path finds the same`` (path: SimdPath) =
        if not (Simd.IsSupported path) then
            Assert.Ignore $"this processor has no {path}"

        // More genes than a panel holds; values whose distances are far smaller than they are.
        for genes, offset in [ 19, 0.0; 2100, 1000.0 ] do
            let rows =
                draw 5 40 genes 1000
                |> Array.map (Array.map (fun value -> offset + value / 1e6))

            let wanted = near 1 6 rows
            let nearest, distances = Array.zeroCreate<int> 240, Array.zeroCreate<float> 240

            use worker =
                new NearestRowsWorker(NearestRowsTask(Array.concat rows, genes, 6, path))

            worker.Find(0, 40, Span nearest, Span distances)
            Expect.equal wanted.Nearest nearest
            Expect.equal wanted.Distances distances

            Expect.equal [ for row in 0..39 -> PartitionReference.nearest 7 rows row |> List.map fst ] [
                for row in 0..39 -> List.ofArray nearest[row * 6 .. row * 6 + 5]
            ]

    [<Test>]
    let ``few pairs are computed in double precision`` () =
        let rows = draw 6 600 50 1000

        use worker =
            new NearestRowsWorker(NearestRowsTask(Array.concat rows, 50, 5, Simd.Current()))

        for first in 0..100..500 do
            worker.Find(first, first + 100, Span(Array.zeroCreate 500), Span(Array.zeroCreate 500))

        Assert.That(worker.Rechecked, Is.LessThan(600L * 599L / 8L))

    // On a line at 0, 1, 3: the nearest of the middle is the first.
    [<Test>]
    let ``neighbours of an example by hand`` () =
        let found = near 1 1 [| [| 0.0 |]; [| 1.0 |]; [| 3.0 |] |]
        Expect.equal [| 1; 0; 1 |] found.Nearest
        Expect.equal [| 1.0; 1.0; 2.0 |] found.Distances
        // One neighbour each, which is the nearest: every weight is 1.
        let graph = FuzzyGraph.ofNeighbourhoods found
        Expect.equal [| 0; 1; 3; 4 |] graph.Starts
        Expect.equal [| 1; 0; 2; 1 |] graph.Neighbours
        Expect.equal (Array.create 4 1.0) graph.Weights

    let private matrix (graph: WeightedGraph) =
        let nodes = WeightedGraph.nodes graph
        let all = Array.init nodes (fun _ -> Array.zeroCreate<float> nodes)

        for node in 0 .. nodes - 1 do
            for at in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
                all[node].[graph.Neighbours[at]] <- graph.Weights[at]

        all

    [<TestCase(1, 20, 5, 1000, 6)>]
    [<TestCase(2, 40, 3, 3, 8)>]
    [<TestCase(3, 9, 2, 50, 2)>]
    [<TestCase(4, 30, 4, 2, 15)>]
    let ``weights are those of UMAP's definition`` (seed: int) rows genes levels k =
        let values = draw seed rows genes levels
        let wanted = PartitionReference.fuzzy k values
        let found = near 2 (k - 1) values |> FuzzyGraph.ofNeighbourhoods |> matrix

        for a in 0 .. rows - 1 do
            for b in 0 .. rows - 1 do
                Assert.That(found[a].[b], Is.EqualTo(wanted[a].[b]).Within 1e-9)

    [<Property(MaxTest = 20)>]
    let ``threads and a shift of all rows change nothing, weights are within 0 and 1`` seed =
        let rows = draw seed 50 4 64

        let graph threads rows =
            near threads 7 rows |> FuzzyGraph.ofNeighbourhoods

        let found = graph 1 rows

        found = graph 5 rows
        && found = graph 1 (rows |> Array.map (Array.map ((+) 32.0)))
        && found.Weights |> Array.forall (fun weight -> weight >= 0.0 && weight <= 1.0)

    [<Test>]
    let ``more neighbours than there are rows are refused`` () =
        Expect.refused "3 neighbours of 3 rows" (fun () -> near 1 3 [| [| 0.0 |]; [| 1.0 |]; [| 3.0 |] |])
