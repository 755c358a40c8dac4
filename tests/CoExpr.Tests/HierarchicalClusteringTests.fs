namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// Distances between 2 to 12 items, n × n, row by row, no two alike.
type Distances = { Items: int; Values: float[] }

/// As Distances, but from so few values that ties are everywhere.
type TiedDistances = TiedDistances of Distances

type DistanceTables =
    static member private Table(value) =
        gen {
            let! items = Gen.choose (2, 12)
            let! values = Gen.arrayOfLength (items * items) value

            let between at =
                values[min (at / items) (at % items) * items + max (at / items) (at % items)]

            let symmetric =
                Array.init (items * items) (fun at -> if at / items = at % items then 0.0 else between at)

            return { Items = items; Values = symmetric }
        }

    static member Distances() =
        Gen.choose (1, 1_000_000_000)
        |> Gen.map (fun value -> float value / 1e7)
        |> DistanceTables.Table
        |> Arb.fromGen

    static member Tied() =
        Gen.choose (0, 3)
        |> Gen.map float
        |> DistanceTables.Table
        |> Gen.map TiedDistances
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<DistanceTables> |], MaxTest = 200)>]
module HierarchicalClusteringTests =

    let private tree table =
        HierarchicalClustering.average table.Items table.Values

    let private order table =
        HierarchicalClustering.optimalOrder table.Items table.Values (tree table)

    /// Every cluster as the set of its items, with the distance at which it was made.
    let private clusters table =
        let made = Array.init table.Items Set.singleton |> ResizeArray

        [
            for join in tree table do
                made.Add(Set.union made[join.First] made[join.Second])
                Seq.last made, join.Distance
        ]

    let private permuted (permutation: int[]) (table: Distances) = {
        table with
            Values =
                Array.init table.Values.Length (fun at ->
                    table.Values[permutation[at / table.Items] * table.Items + permutation[at % table.Items]])
    }

    let private permutation seed table =
        (Random.stream (uint64 seed) (Purpose.named "permutation") 0).Permutation table.Items

    let private length table (order: int[]) =
        order
        |> Array.pairwise
        |> Array.sumBy (fun (a, b) -> table.Values[a * table.Items + b])

    /// As UPGMA is defined: always join the two clusters whose items are nearest on average.
    let private defined table =
        let mean a b =
            Seq.allPairs a b
            |> Seq.averageBy (fun (x, y) -> table.Values[x * table.Items + y])

        let rec join clusters = [
            match clusters with
            | []
            | [ _ ] -> ()
            | _ ->
                let a, b =
                    List.allPairs clusters clusters
                    |> List.filter (fun (a, b) -> a < b)
                    |> List.minBy (fun (a, b) -> mean a b)

                Set.union a b, mean a b
                yield! join (Set.union a b :: List.filter (fun c -> c <> a && c <> b) clusters)
        ]

        join [ for item in 0 .. table.Items - 1 -> Set.singleton item ]

    /// Every order that turning over clusters can reach.
    let rec private turned (joins: Join[]) items cluster = [
        if cluster < items then
            [ cluster ]
        else
            let join = joins[cluster - items]

            for first in turned joins items join.First do
                for second in turned joins items join.Second do
                    first @ second
                    second @ first
    ]

    let private near a b = abs (a - b) <= 1e-9 * max 1.0 (abs b)

    [<Property>]
    let ``average linkage makes the clusters its definition makes`` table =
        List.forall2
            (fun (items, distance) (items', distance') -> items = items' && near distance distance')
            (clusters table)
            (defined table)

    [<Property>]
    let ``clusters do not depend on the order of the items`` table seed =
        let permutation = permutation (seed: int) table
        let renamed = Set.map (fun item -> permutation[item])

        Set.ofList (clusters table |> List.map fst) =
            Set.ofList (clusters (permuted permutation table) |> List.map (fst >> renamed))

    [<Property>]
    let ``distances grow from join to join, whatever the ties`` (TiedDistances table) =
        tree table
        |> Array.pairwise
        |> Array.forall (fun (before, after) -> before.Distance <= after.Distance)

    [<Property>]
    let ``every cluster is joined once, and the last holds all items, whatever the ties`` (TiedDistances table) =
        let joins = tree table

        let joined =
            joins |> Array.collect (fun join -> [| join.First; join.Second |]) |> Array.sort

        joined = [| 0 .. 2 * table.Items - 3 |] && (Array.last joins).Size = table.Items

    [<Property>]
    let ``the order of leaves is a permutation, whatever the ties`` (TiedDistances table) =
        Array.sort (order table) = [| 0 .. table.Items - 1 |]

    [<Property(MaxTest = 60)>]
    let ``no turn of a cluster brings neighbours nearer`` table =
        let table =
            if table.Items <= 9 then
                table
            else
                {
                    Items = 9
                    Values = Array.init 81 (fun at -> table.Values[at / 9 * table.Items + at % 9])
                }

        let best =
            turned (tree table) table.Items (2 * table.Items - 2)
            |> List.map (Array.ofList >> length table)
            |> List.min

        near (length table (order table)) best

    [<Property>]
    let ``a cluster stands together in the order of leaves`` table =
        let place = Array.zeroCreate table.Items
        order table |> Array.iteri (fun at item -> place[item] <- at)

        clusters table
        |> List.forall (fun (items, _) ->
            let places = items |> Set.map (fun item -> place[item])
            Set.maxElement places - Set.minElement places = Set.count places - 1)

    [<Property>]
    let ``what stands below the diagonal does not matter`` (table: Distances) =
        let upper = {
            table with
                Values =
                    table.Values
                    |> Array.mapi (fun at value -> if at / table.Items >= at % table.Items then nan else value)
        }

        tree upper = tree table && order upper = order table

    // scipy.cluster.hierarchy 1.10.1: average() and optimal_leaf_ordering() of these city-block distances.
    let private eightPoints = {
        Items = 8
        Values =
            Array.concat [
                [| 0.; 20.; 20.; 20.; 48.; 35.; 26.; 25. |]
                [| 20.; 0.; 8.; 32.; 48.; 17.; 44.; 11. |]
                [| 20.; 8.; 0.; 32.; 40.; 15.; 44.; 5. |]
                [| 20.; 32.; 32.; 0.; 34.; 47.; 12.; 37. |]
                [| 48.; 48.; 40.; 34.; 0.; 31.; 46.; 37. |]
                [| 35.; 17.; 15.; 47.; 31.; 0.; 59.; 10. |]
                [| 26.; 44.; 44.; 12.; 46.; 59.; 0.; 49. |]
                [| 25.; 11.; 5.; 37.; 37.; 10.; 49.; 0. |]
            ]
    }

    [<Test>]
    let ``average linkage of eight points is SciPy's`` () =
        let expected = [|
            2, 7, 5.0, 2
            1, 8, 9.5, 3
            3, 6, 12.0, 2
            5, 9, 14.0, 4
            0, 10, 23.0, 3
            11, 12, 37.0, 7
            4, 13, 40.57142857142857, 8
        |]

        for join, (first, second, distance, size) in Array.zip (tree eightPoints) expected do
            Expect.equal (first, second, size) (join.First, join.Second, join.Size)
            Assert.That(join.Distance, Is.EqualTo(distance).Within 1e-12)

    [<Test>]
    let ``the best order of eight points is as short as SciPy's`` () =
        Assert.That(length eightPoints (order eightPoints), Is.EqualTo 106.0)

    [<Test>]
    let ``blocks of near items are recovered and stand together`` () =
        let block item = item % 3

        let distance at =
            if block (at / 9) = block (at % 9) then
                1.0 + float at / 1000.0
            else
                10.0

        let table = {
            Items = 9
            Values = Array.init 81 distance
        }

        let blocks = order table |> Array.map block |> Array.countBy id

        let runs =
            order table
            |> Array.map block
            |> Array.pairwise
            |> Array.filter (fun (a, b) -> a <> b)

        Assert.That(blocks |> Array.forall (fun (_, items) -> items = 3))
        Assert.That(runs.Length, Is.EqualTo 2)

    [<Test>]
    let ``no item and one item have no joins`` () =
        for items in 0..1 do
            let table = {
                Items = items
                Values = Array.zeroCreate items
            }

            Assert.That(tree table, Is.Empty)
            Expect.equal [| 0 .. items - 1 |] (order table)

    [<TestCase(-1.0)>]
    [<TestCase(Double.NaN)>]
    [<TestCase(Double.PositiveInfinity)>]
    let ``a distance that is none is refused`` (distance: float) =
        Expect.refused "between items 0 and 1" (fun () ->
            HierarchicalClustering.average 2 [| 0.0; distance; distance; 0.0 |])

    [<Test>]
    let ``too few distances are refused with both numbers`` () =
        Expect.refused "1 distances for 3 items, which need 9" (fun () -> HierarchicalClustering.average 3 [| 0.0 |])
