namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

/// One gene in groups of cells: what the kernel is given.
type CooksCase = {
    Factors: float list list
    Counts: float list list
    Means: float list
    Alpha: float
}

type ManyCooksCases =
    static member Any() =
        let cell =
            gen {
                // Few size factors, so that many cells share one.
                let! factor = Gen.elements [ 0.3; 0.5; 1.0; 1.0; 1.7; 4.0 ]

                let! count =
                    Gen.frequency [
                        5, Gen.constant 0.0
                        3, Gen.choose (1, 4) |> Gen.map float
                        1, Gen.elements [ 30.0; 2000.0 ]
                    ]

                return factor, count
            }

        let group =
            gen {
                let! size = Gen.choose (1, 40)
                let! cells = Gen.listOfLength size cell
                let! isEmpty = Gen.frequency [ 9, Gen.constant false; 1, Gen.constant true ]

                return
                    cells
                    |> List.map (fun (factor, count) -> factor, (if isEmpty then 0.0 else count))
            }

        gen {
            let! groups = Gen.listOfLength 4 group
            let! alpha = Gen.elements [ 0.01; 0.3; 2.0; 20.0 ]

            let factors, counts =
                groups |> List.map (List.map fst), groups |> List.map (List.map snd)

            return {
                Factors = factors
                Counts = counts
                Means =
                    List.map2 (fun s y -> NegativeBinomial.mean alpha (List.toArray s) (List.toArray y)) factors counts
                Alpha = alpha
            }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<ManyCooksCases> |], MaxTest = 300)>]
module ScreenCooksTests =

    let private kernelOf (case: CooksCase) =
        let starts = case.Factors |> List.map List.length |> List.scan (+) 0 |> List.toArray
        let nodes = SizeFactorNodes(List.concat case.Factors |> List.toArray, starts)

        for group in 0 .. nodes.Groups - 1 do
            nodes.Fill group

        let kernel = GeneCooks(nodes, FactorOrder(nodes, starts))

        let stored =
            List.concat case.Counts
            |> List.indexed
            |> List.filter (fun (_, count) -> count > 0.0)
            |> List.toArray

        let positions = stored |> Array.map fst
        let values = stored |> Array.map (snd >> float32)
        kernel.Load(ReadOnlySpan positions, ReadOnlySpan values)
        case.Means |> List.iteri (fun group mean -> kernel.Fit(case.Alpha, group, mean))
        kernel, starts

    let private scaled (case: CooksCase) group =
        List.map2 (/) case.Counts[group] case.Factors[group]

    /// Of every cell of two groups: its distance, its position and its count; groups of one or two cells have none.
    let private expected (case: CooksCase) (starts: int[]) pair =
        let robust = CellCooks.robustDispersion (pair |> List.map (scaled case))

        [
            for group in pair do
                if case.Counts[group].Length >= 3 then
                    let distances =
                        CellCooks.distances case.Alpha robust case.Means[group] case.Factors[group] case.Counts[group]

                    for at, distance in List.indexed distances -> distance, starts[group] + at, case.Counts[group][at]
        ]

    [<Property>]
    let ``the largest distance, its cell and its verdict are those of looking at every cell`` (case: CooksCase) =
        let kernel, starts = kernelOf case

        for group in 0..3 do
            // One reference for all others first: its envelope is made once and asked with several dispersions.
            for reference in [ 0; 0; 3 ] do
                if group <> reference && case.Means[group] + case.Means[reference] > 0.0 then
                    let cells = expected case starts [ group; reference ]
                    let found = kernel.Largest(group, reference, 0.5)

                    match cells with
                    | [] ->
                        Assert.That(found.Distance, Is.NaN)
                        Expect.equal (-1, false) (found.Position, found.IsOutlier)
                    | _ ->
                        let largest, _, _ = List.maxBy (fun (distance, _, _) -> distance) cells
                        Assert.That(found.Distance, Is.EqualTo(largest).Within(1e-9 * largest))

                        let own, _, count =
                            cells |> List.find (fun (_, position, _) -> position = found.Position)

                        Assert.That(own, Is.EqualTo(largest).Within(1e-9 * largest))

                        let above =
                            [ yield! case.Counts[group]; yield! case.Counts[reference] ]
                            |> List.filter (fun other -> other > count)

                        Expect.equal (found.Distance > 0.5 && above.Length < 3) found.IsOutlier

    [<Property>]
    let ``the robust dispersion is that of all values`` (case: CooksCase) =
        let kernel, _ = kernelOf case

        for group, reference in [ 1, 0; 2, 3 ] do
            if case.Means[group] + case.Means[reference] > 0.0 then
                let expected =
                    CellCooks.robustDispersion [ scaled case group; scaled case reference ]

                Assert.That(kernel.RobustDispersion(group, reference), Is.EqualTo(expected).Within(1e-10 * expected))

    // By hand: counts 0 0 0 8 and 2 2 2 2 of size factor 1, a dispersion of 0.5. Means are 2, every h is 1/4. v: of the first
    // group trimmed by one cell at each end are 0 0, centre 0, squares 0 0 0 64, trimmed 0 0: v = 0, so a = 0.04. The 8 has
    // 36 / (2 + 0.04 · 4) / 2 · (1/4) / (9/16) = 3.7037.
    [<Test>]
    let ``four cells against four by hand`` () =
        let ones = [ 1.0; 1.0; 1.0; 1.0 ]

        let kernel, _ =
            kernelOf {
                Factors = [ ones; ones ]
                Counts = [ [ 2.0; 2.0; 2.0; 2.0 ]; [ 0.0; 0.0; 0.0; 8.0 ] ]
                Means = [ 2.0; 2.0 ]
                Alpha = 0.5
            }

        Expect.equal 0.04 (kernel.RobustDispersion(1, 0))

        for group, reference in [ 1, 0; 0, 1 ] do
            let found = kernel.Largest(group, reference, 3.7)
            Assert.That(found.Distance, Is.EqualTo(36.0 / 2.16 / 2.0 * (4.0 / 9.0)).Within 1e-9)
            Expect.equal (7, true) (found.Position, found.IsOutlier)
            Expect.equal false (kernel.Largest(group, reference, 3.71).IsOutlier)

    [<Test>]
    let ``the limit is a quantile of F`` () =
        for cells in [ 3; 10; 500 ] do
            let expected = Tail.fisherQuantile 2.0 (float (cells + 7 - 2)) 0.99
            Assert.That(NegativeBinomialScreen.cooksLimit cells 7, Is.EqualTo(expected).Within(1e-9 * expected))

    /// 40 cells of a, 30 of b and 60 controls; cell 5, of b, has 900 of gene 2.
    let private screen =
        let random = System.Random 3

        let label cell =
            if cell % 13 < 6 then "control"
            elif cell % 13 < 10 then "a"
            else "b"

        let labels = Array.init 130 label
        let victim = Array.IndexOf(labels, "b")

        let cells =
            Array.init 130 (fun cell ->
                Array.init 8 (fun gene ->
                    if cell = victim && gene = 2 then 900.0f
                    elif gene = 7 then float32 (1 + random.Next 3)
                    else float32 (random.Next(2 + gene) * random.Next 2)))

        victim,
        {
            Cells = cells
            Genes = 8
            Labels = labels
            Batches = Array.create 130 "x"
        }

    let private options outliers = {
        DifferentialExpression.defaults with
            Control = Some "control"
            Test =
                DifferentialTest.NegativeBinomial {
                    NegativeBinomialScreen.defaults with
                        // Without the gene of the wild count.
                        SizeFactors = SizeFactorKind.TrimmedLibrarySize 0.2
                        Outliers = outliers
                }
            Threads = 2
    }

    [<Test>]
    let ``a wild count is told, and costs its row the p where that is asked for`` () =
        let victim, screen = screen

        let compute outliers =
            Screen.compute (options outliers) screen

        let plain, flagged, aside =
            compute CountOutliers.Ignored, compute CountOutliers.Flagged, compute CountOutliers.SetAside

        Assert.That(plain.Rows.Further.Length, Is.EqualTo 1)

        for place in 0..15 do
            let isVictim = place = 8 + 2
            let rows = flagged.Rows
            let distances = rows.Named NegativeBinomialScreen.CooksDistance
            let worst = rows.Named NegativeBinomialScreen.CooksCell
            let distance, cell = distances[place], int worst[place]
            Assert.That(distance, Is.GreaterThan 0.0)
            Expect.equal plain.Rows.PValue[place] rows.PValue[place]
            Expect.equal plain.Rows.QValue[place] rows.QValue[place]

            if isVictim then
                Expect.equal victim cell
                Expect.equal RowStatus.OutlyingCount rows.Status[place]
                Assert.That(aside.Rows.PValue[place], Is.NaN)
                Assert.That(aside.Rows.QValue[place], Is.NaN)
                Expect.equal RowStatus.OutlyingCount aside.Rows.Status[place]
            else
                Expect.equal plain.Rows.Status[place] rows.Status[place]
                Expect.equal plain.Rows.PValue[place] aside.Rows.PValue[place]

    [<Test>]
    let ``cells keep their numbers when empty ones are left out`` () =
        let victim, screen = screen

        let withEmpty = {
            screen with
                Cells = Array.append [| Array.zeroCreate 8; Array.zeroCreate 8 |] screen.Cells
                Labels = Array.append [| "a"; "b" |] screen.Labels
                Batches = Array.create 132 "x"
        }

        for scope in [ EstimationScope.Screen; EstimationScope.Comparison ] do
            let options = {
                options CountOutliers.Flagged with
                    LeaveOutEmpty = true
                    Test =
                        DifferentialTest.NegativeBinomial {
                            NegativeBinomialScreen.defaults with
                                SizeFactors = SizeFactorKind.TrimmedLibrarySize 0.2
                                Outliers = CountOutliers.Flagged
                                Scope = scope
                        }
            }

            let found = Screen.compute options withEmpty
            let worst = found.Rows.Named NegativeBinomialScreen.CooksCell
            Expect.equal (float (victim + 2)) worst[10]
            Expect.equal $"c{victim + 2}" found.CellNames[victim + 2]

    [<Test>]
    let ``with covariates leverages are of another kind, and it is refused`` () =
        let chosen = {
            NegativeBinomialScreen.defaults with
                Outliers = CountOutliers.Flagged
                Covariates.Columns = [ "batch" ]
        }

        match NegativeBinomialScreen.validate chosen with
        | Error error ->
            Expect.equal "--cooks with --covariates: leverages are those of groups alone." (CoExprError.describe error)
        | Ok() -> Assert.Fail()
