namespace CoExpr.Reference

open System

/// Graphs of neighbours and their communities as the definitions read: every pair, every partition.
module PartitionReference =

    let private distance (x: float[]) (y: float[]) =
        sqrt (Array.sum (Array.map2 (fun a b -> (a - b) ** 2.0) x y))

    /// (row, distance) of the k − 1 nearest others, by distance and then by number.
    let nearest k (rows: float[][]) row =
        [ 0 .. rows.Length - 1 ]
        |> List.filter ((<>) row)
        |> List.map (fun other -> distance rows[row] rows[other], other)
        |> List.sort
        |> List.truncate (k - 1)
        |> List.map (fun (d, other) -> other, d)

    let private membership rho sigma d =
        if d <= rho then
            1.0
        else
            Math.Pow(Math.E, (rho - d) / sigma)

    /// UMAP's search for σ: at most 64 halvings, or doublings while nothing bounds it from above.
    let rec private search rho distances wanted low high sigma steps =
        let sum = distances |> List.sumBy (membership rho sigma)

        if steps = 64 || abs (sum - wanted) < 1e-5 then
            sigma
        elif sum > wanted then
            search rho distances wanted low (Some sigma) ((low + sigma) / 2.0) (steps + 1)
        else
            let next =
                match high with
                | Some high -> (sigma + high) / 2.0
                | None -> sigma * 2.0

            search rho distances wanted sigma high next (steps + 1)

    /// The weights of UMAP's fuzzy simplicial set with k neighbours, the row itself among them: a matrix.
    let fuzzy k (rows: float[][]) =
        let near = rows |> Array.mapi (fun row _ -> nearest k rows row)

        let meanOfAll = (near |> Array.sumBy (List.sumBy snd)) / float (rows.Length * k)

        let directed =
            near
            |> Array.map (fun list ->
                let distances = List.map snd list
                let rho = distances |> List.tryFind (fun d -> d > 0.0) |> Option.defaultValue 0.0
                let sigma = search rho distances (log (float k) / log 2.0) 0.0 None 1.0 0

                let least =
                    1e-3
                    * (if rho > 0.0 then
                           List.sum distances / float k
                       else
                           meanOfAll)

                list
                |> List.map (fun (other, d) -> other, membership rho (max sigma least) d)
                |> Map.ofList)

        let weight a b =
            directed[a] |> Map.tryFind b |> Option.defaultValue 0.0

        Array.init rows.Length (fun a ->
            Array.init rows.Length (fun b ->
                if a = b then
                    0.0
                else
                    weight a b + weight b a - weight a b * weight b a))

    /// Σ over pairs of one community of A − γ k k' / 2m, over 2m.
    let modularity resolution (matrix: float[][]) (communities: int[]) =
        let strength = matrix |> Array.map Array.sum
        let whole = Array.sum strength
        let nodes = [ 0 .. matrix.Length - 1 ]

        List.allPairs nodes nodes
        |> List.filter (fun (a, b) -> communities[a] = communities[b])
        |> List.sumBy (fun (a, b) -> matrix[a].[b] - resolution * strength[a] * strength[b] / whole)
        |> fun sum -> sum / whole

    /// Every partition of n items: each item joins a community of those before, or one of its own.
    let partitions n =
        let grow (before: int list) =
            [ 0 .. 1 + List.fold max -1 before ] |> List.map (fun own -> before @ [ own ])

        ([ [] ], [ 1..n ])
        ||> List.fold (fun all _ -> List.collect grow all)
        |> List.map List.toArray
