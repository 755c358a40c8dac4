namespace CoExpr.Tests

open System
open System.Text.Json
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// What the figures of comparisons draw.
module DifferentialFiguresTests =

    let private labels count = Array.init count (fun i -> $"p{i}")
    let private genes count = Array.init count (fun i -> $"g{i:D4}")

    let private drawn (figure: Figure option) =
        match figure with
        | Some figure -> JsonDocument.Parse(Json.write figure.Spec).RootElement
        | None -> failwith "no figure"

    let private rows (spec: JsonElement) = [|
        for row in spec.GetProperty("data").GetProperty("values").EnumerateArray() -> row
    |]

    let private number (name: string) (row: JsonElement) = row.GetProperty(name).GetDouble()

    let private numbers (name: string) (row: JsonElement) = [|
        for item in row.GetProperty(name).EnumerateArray() -> item.GetDouble()
    |]

    [<Property>]
    let ``thinning keeps the first, the order and the number asked for`` (PositiveInt count) (PositiveInt room) =
        let items = Array.init count id
        let kept = DifferentialHits.evenly room items

        kept.Length = min room count
        && kept[0] = 0
        && kept = Array.sort (Array.distinct kept)
        && (kept.Length = count || count - Array.last kept >= count / room)

    [<Test>]
    let ``hits are counted up and down, most first, those without left out`` () =
        let made = DifferentialSample.named (labels 8) (genes 8)
        Expect.equal (struct (3, 4)) (DifferentialHits.counts made 0)
        Expect.equal (struct (0, 1)) (DifferentialHits.counts made 5)

        let spec =
            DifferentialFigures.hitCounts (DifferentialHighlights.ofResult made) |> drawn

        let bars =
            rows spec
            |> Array.map (fun row -> row.GetProperty("name").GetString(), number "hits" row)

        Expect.equal [| "p0", 3.0; "p0", -4.0; "p1", 3.0; "p1", -3.0 |] (Array.truncate 4 bars)
        // Six of eight have hits.
        Expect.equal 12 bars.Length

        Expect.equal
            None
            (DifferentialSample.named [||] [||]
             |> DifferentialHighlights.ofResult
             |> DifferentialFigures.hitCounts)

    [<Test>]
    let ``of many perturbations the fifty with most hits are shown`` () =
        let made =
            DifferentialSample.ofRows (labels 60) (genes 60) (fun p g ->
                DifferentialSample.tested 1.0 (if g <= p then -3.0 else 0.0))

        let figure = DifferentialFigures.hitCounts (DifferentialHighlights.ofResult made)
        let bars = rows (drawn figure)
        Expect.equal 100 bars.Length
        Expect.equal (60.0, 11.0) (number "up" bars[0], number "up" (Array.last bars))
        Assert.That(figure.Value.Caption, Does.Contain "the 50 with most")

    let private room = 40

    [<Property(MaxTest = 50)>]
    let ``a volcano has all hits that fit, and its room is kept`` (seed: uint64) =
        let draws = Random.stream seed (Purpose.named "volcano") 0
        let hits, others = draws.Below 60, draws.Below 100

        let made =
            DifferentialSample.ofRows [| "p" |] (genes (hits + others)) (fun _ g ->
                DifferentialSample.tested
                    (draws.Normal())
                    (if g < hits then
                         -2.0 - draws.Uniform()
                     else
                         -draws.Uniform()))

        let points = Volcano.points made room 0
        let shown = points |> Array.filter _.IsHit
        let drawnGenes = points |> Array.map _.Gene

        drawnGenes = Array.distinct drawnGenes
        && points.Length =
            min room (max (hits + others) 0)
            - (if hits + others > room && hits >= 30 then
                   max 0 (10 - others)
               else
                   0)
        && shown.Length = (if hits + others <= room then hits else min hits 30)
        // Those left out are weaker than those drawn.
        && (shown.Length = hits
            || (Set.difference (Set.ofSeq [ 0 .. hits - 1 ]) (Set.ofSeq (shown |> Seq.map _.Gene))
                |> Seq.forall (fun gene -> shown |> Array.forall (fun p -> p.Y >= -made.Rows.Log10P[gene]))))

    [<Test>]
    let ``a volcano does not depend on the order of the genes`` () =
        let names = genes 300
        let order = (Random.stream 3UL (Purpose.named "order") 0).Permutation 300

        let of' (names: string[]) =
            let row _ gene =
                let number = int ((names[gene]: string).Substring 1)
                DifferentialSample.tested (sin (float number)) (-float(number % 70) / 20.0)

            Volcano.points (DifferentialSample.ofRows [| "p" |] names row) room 0
            |> Array.map (fun point -> names[point.Gene], point.X, point.Y, point.IsLabelled)

        Expect.equal (of' names) (of' (order |> Array.map (fun i -> names[i])))

    [<Test>]
    let ``points stand at their numbers, those without a fold change at the edge, those of p 0 at the top`` () =
        let made =
            DifferentialSample.ofRows [| "p" |] (genes 6) (fun _ gene ->
                match gene with
                | 0 -> struct (-30.0, -400.0, RowStatus.ZeroInPerturbed)
                | 1 -> struct (infinity, -3.0, RowStatus.Tested)
                | 2 -> struct (2.0, -infinity, RowStatus.Tested)
                | 3 -> struct (-4.0, -5.0, RowStatus.Tested)
                | 4 -> struct (nan, nan, RowStatus.TooFewCells)
                | _ -> struct (0.1, -0.1, RowStatus.Tested))

        let at =
            Volcano.points made 100 0
            |> Array.map (fun point -> point.Gene, (point.X, point.Y, point.AtEdge))
            |> Map.ofArray

        Expect.equal (-4.4, 400.0, true) at[0]
        Expect.equal (4.4, 3.0, true) at[1]
        Expect.equal (2.0, 420.0, true) at[2]
        Expect.equal (-4.0, 5.0, false) at[3]
        Expect.equal (0.1, 0.1, false) at[5]
        Assert.That(at.ContainsKey 4, Is.False)

    [<Test>]
    let ``the strongest hits are named, but no two at one place`` () =
        let made =
            DifferentialSample.ofRows [| "p" |] (genes 5) (fun _ gene ->
                match gene with
                | 0 -> DifferentialSample.tested 1.0 -100.0
                | 1 -> DifferentialSample.tested 1.01 -99.0
                | 2 -> DifferentialSample.tested -1.0 -99.0
                | 3 -> DifferentialSample.tested 1.0 -50.0
                | _ -> DifferentialSample.tested 1.0 -1.0)

        let named =
            Volcano.points made 100 0
            |> Array.filter _.IsLabelled
            |> Array.map _.Gene
            |> Array.sort

        Expect.equal [| 0; 2; 3 |] named

    [<Test>]
    let ``volcanoes are offered most hits first, and genes keep their names`` () =
        let made = DifferentialSample.named (labels 3) (genes 8)

        let order, figure =
            (DifferentialFigures.volcano (DifferentialHighlights.ofResult made)).Value

        Expect.equal [| 0; 1; 2 |] order
        let spec = drawn (Some figure)

        let variables =
            [
                for one in spec.GetProperty("params").EnumerateArray() ->
                    one.GetProperty("name").GetString(), one.GetProperty "value"
            ]
            |> Map.ofList

        let names = [| for name in variables["genes"].EnumerateArray() -> name.GetString() |]
        let first = (rows spec)[0]
        Expect.equal (Array.rev (genes 8)) (numbers "g" first |> Array.map (fun gene -> names[int gene]))
        Expect.equal [| 8.0; 7.0; 6.0; 5.0; 4.0; 3.0; 2.0; 1.0 |] (numbers "y" first)
        // A hit is odd; the last is none.
        Expect.equal
            [| 1.0; 1.0; 1.0; 1.0; 1.0; 1.0; 1.0; 0.0 |]
            (numbers "k" first |> Array.map (fun kind -> kind % 2.0))

        Assert.That(figure.Caption, Does.Not.Contain "Drawn are")

    [<Test>]
    let ``a thousand perturbations fit a page`` () =
        let draws = Random.stream 5UL (Purpose.named "large") 0

        let made =
            DifferentialSample.ofRows (labels 1000) (genes 500) (fun _ _ ->
                DifferentialSample.tested (draws.Normal()) (4.0 * log10 (draws.Uniform())))

        let _, figure =
            (DifferentialFigures.volcano (DifferentialHighlights.ofResult made)).Value

        Assert.That((Json.write figure.Spec).Length, Is.LessThan 5_000_000)
        Assert.That(figure.Caption, Does.Contain "Drawn are 120,000 of 500,000 rows")

    /// Whether as many as `rank` of n uniform numbers are below x: the sum of binomial probabilities.
    let private atLeast rank n (x: float) =
        let mutable log' = float n * Math.Log(1.0 - x)
        let mutable below = 0.0

        for i in 0 .. rank - 1 do
            below <- below + exp log'
            log' <- log' + log (float (n - i) / float (i + 1)) + log x - Math.Log(1.0 - x)

        1.0 - below

    [<Test>]
    let ``the band is that of order statistics of uniform numbers`` () =
        for share in [ 0.025; 0.975 ] do
            for rank, n, within in
                [
                    1, 1, 1e-9
                    1, 100, 1e-9
                    50, 1000, 1e-9
                    500, 1000, 1e-9
                    600, 2000, 1.5e-3
                    990, 1000, 1e-9
                    60, 100000, 1e-9
                ] do
                let x = QuantileQuantile.orderStatistic share rank n
                Assert.That(atLeast rank n x, Is.EqualTo(share).Within within, $"{share} {rank} {n}")

            // 1 - (1 - s)^(1/n), of the lowest of n.
            let lowest = QuantileQuantile.orderStatistic share 1 8_000_000
            Assert.That(lowest, Is.EqualTo(-Math.Log(1.0 - share) / 8e6).Within(1e-4).Percent)

    [<Test>]
    let ``all low ranks are drawn and some of the others, the last too`` () =
        Expect.equal [| 1..150 |] (QuantileQuantile.ranks 150)
        let ranks = QuantileQuantile.ranks 1_000_000
        Expect.equal [| 1..200 |] (Array.truncate 200 ranks)
        Expect.equal 1_000_000 (Array.last ranks)
        Expect.equal (Array.sort (Array.distinct ranks)) ranks
        Assert.That(ranks.Length, Is.InRange(450, 500))

    [<Test>]
    let ``uniform p-values lie on the line and in the band`` () =
        for point in QuantileQuantile.points [| for rank in 1..1000 -> log10 ((float rank - 0.5) / 1000.0) |] do
            Assert.That(point.Observed, Is.EqualTo(point.Expected).Within 1e-12)
            Assert.That(point.Expected, Is.InRange(point.Low, point.High))

    [<Test>]
    let ``rows that could have no p below 1 are no p-values against chance`` () =
        let made =
            DifferentialSample.ofRows [| "p" |] (genes 4) (fun _ gene ->
                match gene with
                | 0 -> struct (0.0, 0.0, RowStatus.AllZero)
                | 1 -> struct (0.0, 0.0, RowStatus.AllTied)
                | 2 -> struct (nan, nan, RowStatus.TooFewCells)
                | _ -> struct (1.0, -2.0, RowStatus.ZeroInReference))

        let found = DifferentialHighlights.ofResult made
        Expect.equal (1, 3L, [| 2.0 |]) (found.Testable, found.Rows, found.Quantiles |> Array.map _.Observed)

    [<Test>]
    let ``dispersions of 0 stand at a hundredth of the lowest trend, genes in order of their means`` () =
        let made = DifferentialSample.whole (labels 2) (genes 8)
        let points = DifferentialFigures.dispersions made |> drawn |> rows
        Expect.equal [| for gene in 1..8 -> float gene / 10.0 |] (points |> Array.map (number "mean"))
        Expect.equal (0.005, 0.3) (number "own" points[0], number "own" points[1])
        Expect.equal (0.5, 0.4) (number "trend" points[0], number "final" points[0])
        Expect.equal None (DifferentialFigures.dispersions { made with Dispersions = None })

    [<Test>]
    let ``shared hits are those of two perturbations and more, like beside like`` () =
        // a and c change the same genes, b others, and all change g5; g9 is a hit of one alone.
        let isHit perturbation gene =
            match perturbation, gene with
            | _, 5 -> true
            | (0 | 2 | 3), (0 | 1 | 2) -> true
            | (1 | 4), (3 | 4) -> true
            | 0, 9 -> true
            | _ -> false

        let made =
            DifferentialSample.ofRows [| "a"; "b"; "c"; "d"; "e"; "none" |] (genes 10) (fun p g ->
                if p < 5 && isHit p g then
                    DifferentialSample.tested (if g < 3 then 2.0 else -2.0) -4.0
                else
                    DifferentialSample.tested 0.0 -0.1)

        let found = (DifferentialHighlights.ofResult made).Shared.Value
        Expect.equal [| "g0005"; "g0000"; "g0001"; "g0002"; "g0003"; "g0004" |] found.GeneTable.Names
        Expect.equal [| "a"; "c"; "d"; "b"; "e" |] found.Perturbations

        let struct (byGene, byPerturbation) = SharedHits.ordered found [| 0..5 |] [| 0..4 |]

        Expect.equal (Array.sort byGene) [| 0..5 |]

        let place name =
            Array.IndexOf(byPerturbation |> Array.map (fun row -> found.Perturbations[row]), name)

        Expect.equal 1 (abs (place "b" - place "e"))
        let alike = [| place "a"; place "c"; place "d" |]
        Expect.equal 2 (Array.max alike - Array.min alike)

        Expect.equal
            30
            (DifferentialFigures.sharedHits (DifferentialHighlights.ofResult made)
             |> drawn
             |> rows
             |> Array.length)

        Expect.equal
            None
            (DifferentialSample.named [| "a" |] (genes 8)
             |> DifferentialHighlights.ofResult
             |> DifferentialFigures.sharedHits)

    [<Test>]
    let ``the words of calibration give both rates and those of the groups`` () =
        let words = DifferentialFigures.calibrationWords DifferentialSample.calibration

        Assert.That(
            words,
            Does.Contain "5.0 % of the p-values are at most 0.05 (5.0 % to 5.0 % of each group) and 1.0 % at most 0.01"
        )
