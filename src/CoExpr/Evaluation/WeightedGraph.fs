namespace CoExpr

/// An undirected graph without loops: the neighbours of node v, each once and in rising order, stand from Starts[v] to before
/// Starts[v + 1]. An edge stands at both of its ends.
type WeightedGraph = {
    Starts: int[]
    Neighbours: int[]
    Weights: float[]
}

[<RequireQualifiedAccess>]
module WeightedGraph =

    let nodes graph = graph.Starts.Length - 1

    /// A graph of edges between lower and higher node, each edge once.
    let ofEdges nodes (edges: seq<struct (int * int * float)>) : WeightedGraph =
        let edges = Seq.toArray edges
        let weights = edges |> Array.map (fun (struct (_, _, weight)) -> weight)
        let weights = Array.append weights weights

        // From node times nodes plus to node: in the order of both.
        let places =
            Array.append
                (edges |> Array.map (fun (struct (a, b, _)) -> int64 a * int64 nodes + int64 b))
                (edges |> Array.map (fun (struct (a, b, _)) -> int64 b * int64 nodes + int64 a))

        System.Array.Sort(places, weights)
        let degrees = Array.zeroCreate<int> nodes

        for place in places do
            let node = int (place / int64 nodes)
            degrees[node] <- degrees[node] + 1

        {
            Starts = Array.scan (+) 0 degrees
            Neighbours = places |> Array.map (fun place -> int (place % int64 nodes))
            Weights = weights
        }

    /// The summed weights of the edges of each node.
    let strengths graph =
        Array.init (nodes graph) (fun node ->
            let mutable sum = 0.0

            for at in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
                sum <- sum + graph.Weights[at]

            sum)

    /// Modularity with a resolution γ (Newman & Girvan 2004; Reichardt & Bornholdt 2006):
    ///
    ///     Q = Σ over communities of  W / 2m − γ (K / 2m)²,
    ///
    /// W the weights within, each edge from both ends, K the strengths of the nodes, 2m those of all. 0 without edges.
    let modularity resolution graph (communities: int[]) =
        let strengths = strengths graph
        let whole = Array.sum strengths
        let total = Array.zeroCreate<float>(1 + Array.fold max 0 communities)
        let mutable within = 0.0

        for node in 0 .. nodes graph - 1 do
            total[communities[node]] <- total[communities[node]] + strengths[node]

            for at in graph.Starts[node] .. graph.Starts[node + 1] - 1 do
                if communities[graph.Neighbours[at]] = communities[node] then
                    within <- within + graph.Weights[at]

        if whole = 0.0 then
            0.0
        else
            within / whole
            - resolution * (total |> Array.sumBy (fun sum -> (sum / whole) * (sum / whole)))
