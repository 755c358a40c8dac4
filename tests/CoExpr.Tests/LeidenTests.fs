namespace CoExpr.Tests

open System
open System.Collections.Generic
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module LeidenTests =

    let private at resolution = {
        Leiden.defaults with
            Resolution = resolution
    }

    let private graphOf nodes edges =
        WeightedGraph.ofEdges nodes (Seq.ofList edges)

    /// Edges with a probability, of weights that are multiples of 1/8.
    let private random (seed: int) nodes share =
        let random = System.Random seed

        graphOf nodes [
            for a in 0 .. nodes - 1 do
                for b in a + 1 .. nodes - 1 do
                    if random.NextDouble() < share then
                        struct (a, b, float (1 + random.Next 8) / 8.0)
        ]

    /// `groups` groups of `size` nodes, weight 1 within and 0.02 between some; node names by `name`.
    let private separated groups size (name: int -> int) =
        graphOf (groups * size) [
            for a in 0 .. groups * size - 1 do
                for b in a + 1 .. groups * size - 1 do
                    let one, other = name a, name b

                    if a / size = b / size then
                        struct (min one other, max one other, 1.0)
                    elif (a + b) % 3 = 0 then
                        struct (min one other, max one other, 0.02)
        ]

    let private matrix (graph: WeightedGraph) =
        let nodes = WeightedGraph.nodes graph
        let all = Array.init nodes (fun _ -> Array.zeroCreate<float> nodes)

        for node in 0 .. nodes - 1 do
            for place in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
                all[node].[graph.Neighbours[place]] <- graph.Weights[place]

        all

    // Two pairs with an edge each: Q = 2/2 − 2 (1/2)² = 1/2.
    [<Test>]
    let ``modularity of an example by hand`` () =
        let graph = graphOf 4 [ struct (0, 1, 1.0); struct (2, 3, 1.0) ]
        Expect.equal 0.5 (WeightedGraph.modularity 1.0 graph [| 0; 0; 1; 1 |])
        Expect.equal 0.0 (WeightedGraph.modularity 1.0 graph [| 0; 0; 0; 0 |])
        Expect.equal -1.0 (WeightedGraph.modularity 4.0 graph [| 0; 1; 2; 3 |])
        Expect.equal [| 0; 0; 1; 1 |] (Leiden.communities (at 1.0) graph)

    [<Property(MaxTest = 50)>]
    let ``modularity is that of its definition`` (seed: int) =
        let graph = random seed 12 0.4
        let drawn = System.Random seed
        let communities = Array.init 12 (fun _ -> drawn.Next 4)
        let resolution = 0.5 + drawn.NextDouble()

        graph.Weights.Length = 0
        || abs (
            WeightedGraph.modularity resolution graph communities
            - PartitionReference.modularity resolution (matrix graph) communities
        )
            <
            1e-12

    let private isConnected (graph: WeightedGraph) (communities: int[]) community =
        let members =
            [ 0 .. communities.Length - 1 ]
            |> List.filter (fun node -> communities[node] = community)

        let seen = HashSet [ members.Head ]
        let waiting = Queue [ members.Head ]

        while waiting.Count > 0 do
            let node = waiting.Dequeue()

            for place in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
                let other = graph.Neighbours[place]

                if communities[other] = community && seen.Add other then
                    waiting.Enqueue other

        seen.Count = members.Length

    [<Property(MaxTest = 60)>]
    let ``communities are connected, and no worse than nodes alone or than moving alone`` (seed: int) =
        let graph = random seed (5 + abs (seed % 60)) 0.12
        let options = at [| 0.3; 1.0; 2.5 |].[abs (seed % 3)]
        let found = Leiden.communities options graph
        let quality = WeightedGraph.modularity options.Resolution graph

        Seq.distinct found |> Seq.forall (isConnected graph found)
        && quality found >= quality (Array.init found.Length id) - 1e-12
        && quality found >= quality (Leiden.moved options graph) - 1e-12

    // Leiden is a heuristic: on graphs this small it should find the best of all partitions nearly always.
    [<Test>]
    let ``finds the best of all partitions of most small graphs, and never a better one`` () =
        let all = PartitionReference.partitions 7

        let best =
            [ 1..40 ]
            |> List.filter (fun seed ->
                let graph = random seed 7 0.5
                let quality = WeightedGraph.modularity 1.0 graph
                let most = all |> List.map quality |> List.max
                let found = quality (Leiden.communities (at 1.0) graph)
                Assert.That(found, Is.LessThanOrEqualTo(most + 1e-12))
                found > most - 1e-9)

        Assert.That(best.Length, Is.GreaterThanOrEqualTo 36)

    [<Property(MaxTest = 30)>]
    let ``groups that stand apart are found, whatever the nodes are called and whatever the seed`` (seed: int) =
        let order =
            (Random.stream (uint64 (abs seed)) (Purpose.named "test") 0).Permutation 30

        let options = { at 1.0 with Seed = uint64 (abs seed) }

        let found = Leiden.communities options (separated 5 6 (fun node -> order[node]))
        let groups = Array.init 30 (fun node -> found[order[node]]) |> Array.chunkBySize 6

        groups |> Array.forall (fun group -> Array.distinct group |> Array.length = 1)
        && groups |> Array.map Array.head |> Array.distinct |> Array.length = 5

    [<Property(MaxTest = 20)>]
    let ``the same seed gives the same communities`` (seed: int) =
        let graph = random seed 50 0.2
        Leiden.communities (at 1.0) graph = Leiden.communities (at 1.0) graph

    [<Test>]
    let ``higher resolutions give more communities, the lowest one for each component`` () =
        let graph = separated 5 6 id

        let count resolution =
            Leiden.communities (at resolution) graph |> Array.distinct |> Array.length

        Expect.equal (1, 5, 30) (count 1e-3, count 1.0, count 100.0)

    // 300 nodes through several levels of smaller graphs: 30 groups, joined by tens.
    [<Test>]
    let ``many groups are found`` () =
        let found = Leiden.communities (at 1.0) (separated 30 10 id)

        Expect.equal (Array.init 30 (fun group -> Array.create 10 group) |> Array.concat) found

    [<Test>]
    let ``nodes without edges are alone`` () =
        Expect.equal [| 0; 1; 2 |] (Leiden.communities (at 1.0) (graphOf 3 []))
        Expect.equal [| 0; 0; 1 |] (Leiden.communities (at 1.0) (graphOf 3 [ struct (0, 1, 1.0) ]))
