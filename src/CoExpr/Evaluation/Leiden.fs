namespace CoExpr

open System
open System.Collections.Generic

type LeidenOptions = {
    /// Higher resolutions give more communities.
    Resolution: float
    /// Each starts from the communities of the one before.
    Iterations: int
    /// How freely refinement merges: a merge that gains g has a weight of exp(g / this).
    Randomness: float
    Seed: uint64
}

/// Communities of a graph by the Leiden algorithm (Traag, Waltman & van Eck 2019): nodes move to the community that raises
/// modularity most; each community is then refined into well-connected parts; these become the nodes of a smaller graph,
/// and so on. Every community is connected.
///
/// Deterministic: draws depend on the seed alone, and of communities that gain as much the one met first is taken.
[<RequireQualifiedAccess>]
module Leiden =

    /// Two iterations, as scanpy asks of igraph, with igraph's randomness.
    let defaults = {
        Resolution = 1.0
        Iterations = 2
        Randomness = 0.01
        Seed = 0UL
    }

    let private drawn = Purpose.named "leiden"

    /// Gains below this share of a node's strength are rounding.
    [<Literal>]
    let private Rounding = 1e-10

    /// A graph whose nodes stand for sets of nodes of the first one, with the sets' strengths.
    type private Level = {
        Graph: WeightedGraph
        Strengths: float[]
        /// Resolution over the strength of all.
        Price: float
    }

    /// Communities of the nodes of a level, and weights from one node toward each.
    [<Sealed>]
    type private Communities(level: Level, start: int[]) =
        let nodes = WeightedGraph.nodes level.Graph
        let totals = Array.zeroCreate<float> nodes
        let sizes = Array.zeroCreate<int> nodes
        let toward = Array.zeroCreate<float> nodes
        let touched = List<int>()

        do
            start
            |> Array.iteri (fun node community ->
                totals[community] <- totals[community] + level.Strengths[node]
                sizes[community] <- sizes[community] + 1)

        member val Of = Array.copy start
        member _.Totals = totals
        member _.Sizes = sizes
        member _.Toward = toward

        /// The communities of a node's neighbours that pass a test, with the weights toward each in `Toward`.
        member this.Look(node, passes: int -> bool) =
            for community in touched do
                toward[community] <- 0.0

            touched.Clear()

            for at in level.Graph.Starts[node] .. level.Graph.Starts[node + 1] - 1 do
                let neighbour = level.Graph.Neighbours[at]

                if passes neighbour then
                    let community = this.Of[neighbour]

                    if toward[community] = 0.0 then
                        touched.Add community

                    toward[community] <- toward[community] + level.Graph.Weights[at]

            touched

        /// What modularity gains, times the strength of all, when a node that is in no community joins one.
        member _.Gain(node, community) =
            toward[community] - level.Price * level.Strengths[node] * totals[community]

        member this.Leave node =
            let own = this.Of[node]
            totals[own] <- totals[own] - level.Strengths[node]
            sizes[own] <- sizes[own] - 1

            // What is left of rounding must not draw nodes into an empty community.
            if sizes[own] = 0 then
                totals[own] <- 0.0

        member this.Join(node, community) =
            this.Of[node] <- community
            totals[community] <- totals[community] + level.Strengths[node]
            sizes[community] <- sizes[community] + 1

    /// The community that a node, in none now, gains most by: its own unless another is truly better, an empty one where
    /// all cost.
    let private best (level: Level) (communities: Communities) (free: Stack<int>) node =
        let own = communities.Of[node]
        let slack = Rounding * level.Strengths[node]
        let near = communities.Look(node, fun _ -> true)
        let mutable found, gain = own, communities.Gain(node, own)

        for community in near do
            let other = communities.Gain(node, community)

            if other > gain + slack then
                found <- community
                gain <- other

        if gain < -slack then free.Pop() else found

    /// Moves nodes until none gains by it; the neighbours of one that moved are looked at again.
    let private moveNodes (level: Level) (stream: RandomStream) (start: int[]) =
        let communities = Communities(level, start)
        let nodes = start.Length
        let queue = Queue(stream.Permutation nodes)
        let waits = Array.create nodes true

        let free =
            Stack(
                seq { nodes - 1 .. -1 .. 0 }
                |> Seq.filter (fun community -> communities.Sizes[community] = 0)
            )

        let await community neighbour =
            if not waits[neighbour] && communities.Of[neighbour] <> community then
                waits[neighbour] <- true
                queue.Enqueue neighbour

        while queue.Count > 0 do
            let node = queue.Dequeue()
            waits[node] <- false
            let own = communities.Of[node]
            communities.Leave node
            let chosen = best level communities free node
            communities.Join(node, chosen)

            if chosen <> own then
                if communities.Sizes[own] = 0 then
                    free.Push own

                for at in level.Graph.Starts[node] .. level.Graph.Starts[node + 1] - 1 do
                    await chosen level.Graph.Neighbours[at]

        communities.Of

    /// One of several with these gains, with weights exp(gain / randomness).
    let private draw randomness (stream: RandomStream) (gains: float[]) =
        let most = Array.max gains
        let weights = gains |> Array.map (fun gain -> exp ((gain - most) / randomness))
        let mutable left = stream.Uniform() * Array.sum weights
        let mutable at = 0

        while at < weights.Length - 1 && left >= weights[at] do
            left <- left - weights[at]
            at <- at + 1

        at

    /// Merges the nodes of one community, each alone at first, into parts that are well connected within it.
    let private refineOne options (level: Level) stream (whole: int[]) (parts: Communities) (outer: float[]) members =
        let total = members |> Array.sumBy (fun node -> level.Strengths[node])
        let price = level.Price

        let isWellConnected part =
            let strength = parts.Totals[part]
            outer[part] >= price * strength * (total - strength) - Rounding * strength

        for node in members do
            let own = parts.Of[node]

            if parts.Sizes[own] = 1 && isWellConnected own then
                let near = parts.Look(node, fun neighbour -> whole[neighbour] = whole[node])
                parts.Leave node
                let slack = Rounding * level.Strengths[node]

                let choices = [|
                    own
                    for part in near do
                        if part <> own && isWellConnected part && parts.Gain(node, part) >= -slack then
                            part
                |]

                let gains = choices |> Array.map (fun part -> parts.Gain(node, part))
                let chosen = choices[draw options.Randomness stream gains]

                if chosen <> own then
                    outer[chosen] <- outer[chosen] + outer[own] - 2.0 * parts.Toward[chosen]

                parts.Join(node, chosen)

    /// The weight of a node's edges that stay in its community.
    let private inside (graph: WeightedGraph) (whole: int[]) node =
        let mutable sum = 0.0

        for at in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
            if whole[graph.Neighbours[at]] = whole[node] then
                sum <- sum + graph.Weights[at]

        sum

    let private refine options (level: Level) (stream: RandomStream) (whole: int[]) =
        let nodes = whole.Length
        let parts = Communities(level, Array.init nodes id)
        let outer = Array.init nodes (inside level.Graph whole)
        let members = Array.init nodes (fun _ -> List<int>())

        for node in stream.Permutation nodes do
            members[whole[node]].Add node

        for community in members do
            refineOne options level stream whole parts outer (community.ToArray())

        parts.Of

    /// Communities numbered from 0 in the order in which nodes meet them.
    let private renumbered (communities: int[]) =
        let numbers = Dictionary<int, int>()

        let found =
            communities
            |> Array.map (fun community ->
                match numbers.TryGetValue community with
                | true, number -> number
                | _ ->
                    numbers[community] <- numbers.Count
                    numbers.Count - 1)

        found, numbers.Count

    /// The graph whose nodes are the parts.
    let private aggregate (level: Level) (parts: int[]) count : Level =
        let weights = Dictionary<struct (int * int), float>()
        let strengths = Array.zeroCreate<float> count
        let graph = level.Graph

        for node in 0 .. parts.Length - 1 do
            let own = parts[node]
            strengths[own] <- strengths[own] + level.Strengths[node]

            for at in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
                let other = parts[graph.Neighbours[at]]

                if own < other then
                    let edge = struct (own, other)
                    weights[edge] <- weights.GetValueOrDefault edge + graph.Weights[at]

        {
            level with
                Graph =
                    WeightedGraph.ofEdges
                        count
                        (weights
                         |> Seq.map (fun (KeyValue(struct (a, b), weight)) -> struct (a, b, weight)))
                Strengths = strengths
        }

    /// `nodeOf` is the node of this level that each node of the first graph is in.
    let rec private climb options (level: Level) (stream: RandomStream) (nodeOf: int[]) (start: int[]) =
        let whole, communities = moveNodes level stream start |> renumbered

        if communities = whole.Length then
            nodeOf
        else
            let parts, count = refine options level stream whole |> renumbered
            let above = Array.zeroCreate<int> count
            parts |> Array.iteri (fun node part -> above[part] <- whole[node])

            if count = parts.Length then
                nodeOf
            else
                climb options (aggregate level parts count) stream (nodeOf |> Array.map (fun node -> parts[node])) above

    let private level options graph : Level =
        let strengths = WeightedGraph.strengths graph

        {
            Graph = graph
            Strengths = strengths
            Price = options.Resolution / Array.sum strengths
        }

    /// The first step alone: every node by itself moves to where modularity gains most, until none gains. For comparison.
    let moved options graph =
        let nodes = WeightedGraph.nodes graph

        moveNodes (level options graph) (Random.stream options.Seed drawn 0) (Array.init nodes id)
        |> renumbered
        |> fst

    /// The community of every node, numbered from 0 in the order in which nodes meet them. Nodes without edges are alone.
    let communities options graph =
        let nodes = WeightedGraph.nodes graph
        let alone = Array.init nodes id

        if graph.Weights.Length = 0 then
            alone
        else
            let level = level options graph

            (alone, [ 0 .. options.Iterations - 1 ])
            ||> List.fold (fun start iteration ->
                climb options level (Random.stream options.Seed drawn iteration) alone start
                |> renumbered
                |> fst)
