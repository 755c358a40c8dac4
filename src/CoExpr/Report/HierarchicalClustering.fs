namespace CoExpr

open System

/// Two clusters joined into one. Of n items, clusters 0 .. n − 1 are the items themselves and cluster n + k is what
/// join k made, as SciPy numbers them.
[<Struct>]
type Join = {
    /// The smaller number of the two joined clusters.
    First: int
    Second: int
    /// Mean distance between the items of one and the items of the other.
    Distance: float
    /// Items in the joined cluster.
    Size: int
}

/// Average-linkage clustering (UPGMA; Sokal and Michener 1958) and the order of leaves that suits a heat map.
///
/// Distances are n × n, row by row, of which the part above the diagonal is read. Ties are broken by the items'
/// numbers, so the same distances give the same tree; O(n²) time and memory for the tree.
[<RequireQualifiedAccess>]
module HierarchicalClustering =

    let private check n (distances: float[]) =
        if distances.Length <> n * n then
            invalidArg (nameof distances) $"{distances.Length} distances for {n} items, which need {n * n}"

        for row in 0 .. n - 1 do
            for column in row + 1 .. n - 1 do
                let distance = distances[row * n + column]

                if not (Double.IsFinite distance && distance >= 0.0) then
                    invalidArg (nameof distances) $"{distance} between items {row} and {column}; needs 0 or more"

    /// The whole symmetric matrix from the part above the diagonal.
    let private symmetric n (distances: float[]) =
        Array.init (n * n) (fun at ->
            let row, column = at / n, at % n

            if row = column then
                0.0
            else
                distances[min row column * n + max row column])

    /// The nearest other cluster that still exists. Among equals the one before in the chain wins, or else the chain
    /// would never end, and after it the smallest number.
    let private nearest n (distances: float[]) (size: int[]) cluster previous =
        let mutable best = previous

        for other in 0 .. n - 1 do
            if
                other <> cluster
                && size[other] > 0
                && (best < 0 || distances[cluster * n + other] < distances[cluster * n + best])
            then
                best <- other

        best

    /// Cluster `from` becomes part of `into`; the distance of the union is the mean over its items (Lance and
    /// Williams 1967).
    let private unite n (distances: float[]) (size: int[]) from into =
        let a, b = float size[from], float size[into]

        for other in 0 .. n - 1 do
            if other <> from && other <> into && size[other] > 0 then
                let mean =
                    (a * distances[from * n + other] + b * distances[into * n + other]) / (a + b)

                distances[into * n + other] <- mean
                distances[other * n + into] <- mean

        size[into] <- size[into] + size[from]
        size[from] <- 0

    /// Lengthens a chain, newest first, until its two newest clusters are each other's nearest.
    let rec private follow n (distances: float[]) size chain =
        let previous = chain |> List.tryItem 1 |> Option.defaultValue -1
        let next = nearest n distances size (List.head chain) previous

        if next = previous then
            chain
        else
            follow n distances size (next :: chain)

    /// Pairs of slots with the distance at which they were joined, in the order of the chain. Two clusters that are
    /// each other's nearest can be joined at once, whatever else is left to join (Benzécri 1982; Murtagh 1983).
    let private chained n (distances: float[]) =
        let size = Array.create n 1

        let joinNext chain _ =
            let start =
                if List.isEmpty chain then
                    [ Array.findIndex (fun items -> items > 0) size ]
                else
                    chain

            match follow n distances size start with
            | one :: other :: rest ->
                let joined = struct (one, other, distances[one * n + other])
                unite n distances size (min one other) (max one other)
                joined, rest
            | short -> invalidOp $"a chain of {short.Length} clusters has no pair to join"

        [| 1 .. n - 1 |] |> Array.mapFold joinNext [] |> fst

    /// Numbers the clusters in the order of their distances; `root` is the newest cluster that a slot is part of.
    let private numbered n (joins: struct (int * int * float)[]) =
        let parent = Array.init (2 * n) id
        let size = Array.init (2 * n) (fun cluster -> if cluster < n then 1 else 0)

        let rec root cluster =
            if parent[cluster] = cluster then
                cluster
            else
                root parent[cluster]

        joins
        |> Array.mapi (fun k (struct (one, other, distance)) ->
            let a, b = root one, root other
            parent[a] <- n + k
            parent[b] <- n + k
            size[n + k] <- size[a] + size[b]

            {
                First = min a b
                Second = max a b
                Distance = distance
                Size = size[n + k]
            })

    /// The n − 1 joins of n items, nearest first; none for 0 or 1 items. Throws ArgumentException for a distance that
    /// is negative or not finite.
    let average n (distances: float[]) : Join[] =
        check n distances

        symmetric n distances
        |> chained n
        // List's sort is stable where Array's is not: joins at one distance stay in the order of the chain.
        |> List.ofArray
        |> List.sortBy (fun (struct (_, _, distance)) -> distance)
        |> Array.ofList
        |> numbered n

    /// A cluster as a range of the leaves in the tree's own order: the first child is Start .. Split − 1, the second
    /// Split .. Stop − 1. An item has no Split and is one leaf long.
    [<Struct>]
    type private Range = { Start: int; Split: int; Stop: int }

    /// The range of each cluster, found from the last join down.
    let private ranges n (joins: Join[]) =
        let width cluster =
            if cluster < n then 1 else joins[cluster - n].Size

        let ranges = Array.zeroCreate (2 * n - 1)
        ranges[2 * n - 2] <- { Start = 0; Split = 0; Stop = n }

        for k in joins.Length - 1 .. -1 .. 0 do
            let { Start = start; Stop = stop } = ranges[n + k]
            let split = start + width joins[k].First

            ranges[n + k] <- {
                Start = start
                Split = split
                Stop = stop
            }

            ranges[joins[k].First] <- {
                Start = start
                Split = start
                Stop = split
            }

            ranges[joins[k].Second] <- {
                Start = split
                Split = split
                Stop = stop
            }

        ranges

    /// Where the other end of a cluster can be, when one end of its order is this leaf.
    let private otherEnds range leaf =
        if range.Stop - range.Start = 1 then
            struct (leaf, leaf)
        elif leaf < range.Split then
            struct (range.Split, range.Stop - 1)
        else
            struct (range.Start, range.Split - 1)

    /// The cheapest way to order one cluster from leaf `first` to leaf `last`, given those of its children: the leaves
    /// that meet in the middle, and the cost.
    let private cheapest n (step: float[]) (cost: float[]) left right first last =
        let struct (leftFrom, leftTo) = otherEnds left first
        let struct (rightFrom, rightTo) = otherEnds right last
        let mutable best = struct (leftFrom, rightFrom, infinity)

        for inner in leftFrom..leftTo do
            for outer in rightFrom..rightTo do
                let total =
                    cost[first * n + inner] + step[inner * n + outer] + cost[outer * n + last]

                let struct (_, _, least) = best

                if total < least then
                    best <- struct (inner, outer, total)

        best

    /// Cost of the cheapest order of every cluster between every two ends; written both ways round.
    let private costs n (step: float[]) (ranges: Range[]) (joins: Join[]) =
        let cost = Array.zeroCreate (n * n)

        for join in joins do
            let left, right = ranges[join.First], ranges[join.Second]

            for first in left.Start .. left.Stop - 1 do
                for last in right.Start .. right.Stop - 1 do
                    let struct (_, _, least) = cheapest n step cost left right first last
                    cost[first * n + last] <- least
                    cost[last * n + first] <- least

        cost

    /// Follows the cheapest choices down the tree: the leaves of a cluster from `first` to `last`.
    let private unfold n step cost (ranges: Range[]) (joins: Join[]) =
        let rec walk cluster first last =
            if cluster < n then
                [ first ]
            else
                let join = joins[cluster - n]
                // An order that begins in the second child is the mirror image of one that begins in the first.
                if first >= ranges[cluster].Split then
                    List.rev (walk cluster last first)
                else
                    let left, right = ranges[join.First], ranges[join.Second]
                    let struct (inner, outer, _) = cheapest n step cost left right first last
                    walk join.First first inner @ walk join.Second outer last

        walk

    /// The items in the order of the tree's leaves that has the smallest sum of distances between neighbours
    /// (Bar-Joseph, Gifford and Jaakkola 2001). Up to O(n⁴) time, O(n²) memory: made for the hundred genes that a
    /// figure can show.
    let optimalOrder n (distances: float[]) (joins: Join[]) : int[] =
        check n distances

        if n < 2 then
            Array.init n id
        else
            let ranges = ranges n joins
            let items = Array.init n id |> Array.sortBy (fun item -> ranges[item].Start)
            let full = symmetric n distances
            let step = Array.init (n * n) (fun at -> full[items[at / n] * n + items[at % n]])
            let cost = costs n step ranges joins
            let root = ranges[2 * n - 2]
            let ends = Array.allPairs [| 0 .. root.Split - 1 |] [| root.Split .. n - 1 |]
            let first, last = ends |> Array.minBy (fun (first, last) -> cost[first * n + last])

            unfold n step cost ranges joins (2 * n - 2) first last
            |> Array.ofList
            |> Array.map (fun leaf -> items[leaf])
