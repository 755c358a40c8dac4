namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

module Reference = CoExpr.Reference.RankSum

[<Properties(Arbitrary = [| typeof<ManyScreens> |], MaxTest = 300)>]
module RankSumTests =

    let private plain = {
        Continuity = false
        Ties = true
        Exact = false
        Weight = StratumWeight.Unit
    }

    let private compute settings options screen =
        Screen.compute
            {
                options with
                    Test = DifferentialTest.RankSum settings
            }
            screen

    let private us (result: DifferentialResult) = result.Rows.Named RankSum.UStatistic

    let private close (a: float) (b: float) =
        a = b || abs (a - b) <= 1e-12 * max 1.0 (max (abs a) (abs b))

    // Perturbed 3, 1, 0 against control 0, 0, 1, 2: 3 beats all four, 1 beats two and ties one, 0 ties two: U = 4 + 2.5 + 1.
    let private known = {
        Cells = [| 3.0f; 0.0f; 1.0f; 0.0f; 0.0f; 1.0f; 2.0f |] |> Array.map Array.singleton
        Genes = 1
        Labels = [| "a"; "control"; "a"; "control"; "a"; "control"; "control" |]
        Batches = Array.create 7 "x"
    }

    [<Test>]
    let ``counts the pairs that the perturbed cell wins`` () =
        let result = compute plain Screen.options known
        Expect.equal [| 7.5 |] (us result)
        Expect.equal [| 7.5 / 12.0 - 0.5 |] result.Rows.Effect
        // 0 thrice and 1 twice: Σ t³ − t = 24 + 6, so that the variance is 12/12 · (8 − 30/42).
        let z = 1.5 / sqrt (8.0 - 30.0 / 42.0)
        Assert.That(result.Rows.Statistic[0], Is.EqualTo(z).Within 1e-15)
        Assert.That(result.Rows.PValue[0], Is.EqualTo(2.0 * CoExpr.Reference.WelchT.normalUpper z).Within 1e-10)
        Expect.equal [| 3 |] result.Cells
        Expect.equal [| 4 |] result.ReferenceCells
        Expect.equal [| 2.0 / 3.0 |] result.Rows.Fraction
        Expect.equal [| 0.5 |] result.Rows.ReferenceFraction
        Expect.equal [| 4.0 / 3.0 |] result.Rows.Mean

    [<Test>]
    let ``without ties and continuity the formula is the plain one`` () =
        let z settings =
            (compute settings Screen.options known).Rows.Statistic[0]

        Assert.That(z { plain with Ties = false }, Is.EqualTo(1.5 / sqrt 8.0).Within 1e-15)
        Assert.That(z { plain with Continuity = true }, Is.EqualTo(1.0 / sqrt (8.0 - 30.0 / 42.0)).Within 1e-15)

    let private groupsOf (screen: Screen) =
        screen.Labels |> Array.filter (isNull >> not) |> Array.distinct |> Array.sort

    let private rowsOf (screen: Screen) (result: DifferentialResult) = [
        for p in 0 .. result.Perturbations.Length - 1 do
            for gene in 0 .. screen.Genes - 1 -> result.Perturbations[p], gene, result.Place(p, gene)
    ]

    let private agrees isReference settings options (screen: Screen) =
        let result = compute settings options screen

        rowsOf screen result
        |> List.forall (fun (label, gene, place) ->
            let perturbed = Screen.values gene (fun cell -> screen.Labels[cell] = label) screen

            let reference =
                Screen.values gene (fun cell -> isReference label screen.Labels[cell]) screen

            let mean, variance = Reference.moments perturbed reference
            let u = Reference.u perturbed reference

            (us result)[place] = u
            && if variance < 1e-9 then
                   result.Rows.PValue[place] = 1.0
                   && (result.Rows.Status[place] = RowStatus.AllTied
                       || result.Rows.Status[place] = RowStatus.AllZero)
               else
                   close ((u - mean) / sqrt variance) result.Rows.Statistic[place])

    [<Property>]
    let ``against the control: every pair of cells says the same`` screen =
        agrees (fun _ label -> label = "control") plain Screen.options screen

    [<Property>]
    let ``against the rest: every pair of cells says the same`` screen =
        agrees (fun own label -> not (isNull label) && label <> own) plain { Screen.options with Control = None } screen

    /// The kernel on values in groups, by both of its roads, against every pair.
    let private kernel control whole (groups: float32[][]) =
        let stored = groups |> Array.map (Array.filter (fun value -> value <> 0.0f))
        let bounds = stored |> Array.map Array.length |> Array.scan (+) 0
        let sizes = groups |> Array.map Array.length
        let ranks = RankSums groups.Length
        ranks.Rank(ReadOnlySpan(Array.concat stored), ReadOnlySpan bounds, ReadOnlySpan sizes, control, whole)
        ranks.TwiceU, ranks.Ties

    let private expected control (groups: float32[][]) =
        let floats = groups |> Array.map (Array.map float)

        [|
            for group in 0 .. groups.Length - 1 ->
                if group = control then
                    0L, Reference.ties floats[group] [||]
                else
                    let reference =
                        if control = RankSums.Rest then
                            Array.concat (Array.removeAt group floats)
                        else
                            floats[control]

                    int64 (2.0 * Reference.u floats[group] reference), Reference.ties floats[group] reference
        |]
        |> Array.unzip

    // From 384 values on the radix sort is used; below, a comparison sort.
    [<TestCase(3, true)>]
    [<TestCase(3, false)>]
    [<TestCase(700, true)>]
    [<TestCase(700, false)>]
    let ``counting and sorting agree with every pair, few cells and many`` (cells: int, whole: bool) =
        let random = System.Random 5

        for control in [ RankSums.Rest; 0; 2 ] do
            for highest in [ 1; 3; 200; 3000000 ] do
                let groups =
                    Array.init 4 (fun _ ->
                        Array.init (random.Next cells) (fun _ -> float32 (max 0 (random.Next(-highest, highest + 1)))))

                Expect.equal (expected control groups) (kernel control whole groups)

    [<TestCase(40)>]
    [<TestCase(900)>]
    let ``zeros come between negative and positive values`` (cells: int) =
        let random = System.Random 6

        for control in [ RankSums.Rest; 1 ] do
            let groups =
                Array.init 3 (fun _ -> Array.init cells (fun _ -> float32 (random.Next(-3, 4)) * 0.37f))

            Expect.equal (expected control groups) (kernel control false groups)

    [<Test>]
    let ``stored zeros of either sign are zeros`` () =
        let ranks = RankSums 2
        let stored = [| 0.0f; 1.0f; -0.0f; -2.0f |]
        ranks.Rank(ReadOnlySpan stored, ReadOnlySpan [| 0; 2; 4 |], ReadOnlySpan [| 3; 3 |], 0, false)
        // 0 and −2 and 0 against 0, 1, 0: each 0 ties two zeros.
        Expect.equal [| 0L; 4L |] ranks.TwiceU

    // t³ of 3,000,000 tied cells is 2.7·10^19, beyond 64 bits.
    [<TestCase(true)>]
    [<TestCase(false)>]
    let ``ties of millions of cells do not overflow`` (whole: bool) =
        let ranks = RankSums 2

        ranks.Rank(
            ReadOnlySpan [| 1.0f |],
            ReadOnlySpan [| 0; 0; 1 |],
            ReadOnlySpan [| 2_000_000; 1_000_001 |],
            0,
            whole
        )

        Expect.equal [| 0L; 2_000_000L * 1_000_000L + 2L * 2_000_000L |] ranks.TwiceU
        Assert.That(ranks.Ties[1], Is.EqualTo(27e18 - 3e6))

    [<Test>]
    let ``lengths that do not fit are refused`` () =
        let rank control =
            (RankSums 2).Rank(ReadOnlySpan [||], ReadOnlySpan [| 0; 0 |], ReadOnlySpan [| 1 |], control, true)

        Expect.refused "1 sizes and 2 bounds for 2 groups" (fun () -> rank 0)

        Expect.refused "control 2 is none of 2 groups" (fun () ->
            (RankSums 2).Rank(ReadOnlySpan [||], ReadOnlySpan [| 0; 0; 0 |], ReadOnlySpan [| 1; 1 |], 2, true))

    [<Property>]
    let ``does not change when all values grow by a law that keeps their order`` (screen: Screen) =
        // Zeros stay zeros: sign(x) · x² keeps order and ties of these values.
        let grown = {
            screen with
                Cells = screen.Cells |> Array.map (Array.map (fun x -> float32 (sign x) * x * x))
        }

        let a, b = compute plain Screen.options screen, compute plain Screen.options grown
        us a = us b && a.Rows.PValue = b.Rows.PValue

    [<Property>]
    let ``turns its sign when all values do`` (screen: Screen) =
        let turned = {
            screen with
                Cells = screen.Cells |> Array.map (Array.map (~-))
        }

        let a, b =
            compute RankSum.standard Screen.options screen, compute RankSum.standard Screen.options turned

        Array.forall2 (fun x y -> x = -y || x = y && x = 0.0) a.Rows.Statistic b.Rows.Statistic
        && Array.forall2 (=) a.Rows.PValue b.Rows.PValue

    [<Property>]
    let ``the bits do not depend on threads, order of genes or the view of the counts`` (screen: Screen) =
        let reversed = {
            screen with
                Cells = screen.Cells |> Array.map Array.rev
        }

        let one = compute RankSum.standard Screen.options screen
        let many = compute RankSum.standard { Screen.options with Threads = 3 } screen
        let back = compute RankSum.standard Screen.options reversed

        let byGene =
            let cells = Screen.cells screen

            DifferentialExpression.rankSum Progress.none RankSum.standard Screen.options {
                cells with
                    Counts = SparseCounts.OfGenes(cells.Counts.Cells, cells.Counts.Genes, cells.Counts.ByGene)
            }
            |> Expect.ok

        let pick (result: DifferentialResult) isBack = [
            for p in 0 .. result.Perturbations.Length - 1 do
                for gene in 0 .. screen.Genes - 1 ->
                    let place = result.Place(p, (if isBack then screen.Genes - 1 - gene else gene))

                    result.Rows.Statistic[place], result.Rows.PValue[place], result.Rows.QValue[place]
        ]

        pick one false = pick many false
        && pick one false = pick byGene false
        && pick one false = pick back true

    [<Property>]
    let ``strata: ranks are taken within each`` (screen: Screen) =
        let batched = {
            Screen.options with
                Batch = Some "batch"
        }

        List.forall
            (fun weight ->
                let result = compute { plain with Weight = weight } batched screen

                rowsOf screen result
                |> List.forall (fun (label, gene, place) ->
                    let parts = [
                        for batch in Array.distinct screen.Batches do
                            let inBatch name cell =
                                screen.Batches[cell] = batch && screen.Labels[cell] = name

                            let x, y =
                                Screen.values gene (inBatch label) screen,
                                Screen.values gene (inBatch "control") screen

                            if x.Length > 0 && y.Length > 0 then
                                let mean, variance = Reference.moments x y

                                let w =
                                    match weight with
                                    | StratumWeight.Unit -> 1.0
                                    | StratumWeight.LocallyBest -> 1.0 / float (x.Length + y.Length + 1)

                                w * (Reference.u x y - mean), w * w * variance
                    ]

                    let variance = parts |> List.sumBy snd

                    if parts.IsEmpty then
                        result.Rows.Status[place] = RowStatus.TooFewCells
                        && Double.IsNaN result.Rows.PValue[place]
                    else
                        variance < 1e-9
                        || parts.Length = 1
                        || close ((parts |> List.sumBy fst) / sqrt variance) result.Rows.Statistic[place]))
            [ StratumWeight.Unit; StratumWeight.LocallyBest ]

    [<Test>]
    let ``exact tails are those of every choice of ranks`` () =
        for n1 in 1..5 do
            for n0 in 1..5 do
                for u in 0 .. n1 * n0 do
                    let expected = Reference.exactUpper n1 n0 (float u)
                    Assert.That(ExactRankSum.upper n1 n0 u, Is.EqualTo(expected).Within 1e-15, $"{n1} {n0} {u}")

    [<Test>]
    let ``the exact tail of 25 and 25 cells is one way in all`` () =
        // 50! / (25! 25!) = 126410606437752.
        Expect.equal (1.0 / 126410606437752.0) (ExactRankSum.upper 25 25 625)
        Expect.equal 1.0 (ExactRankSum.upper 25 25 0)

    let private untied = {
        Cells = [| 5.0f; 6.0f; 7.0f; 1.0f; 2.0f; 3.0f; 4.0f |] |> Array.map Array.singleton
        Genes = 1
        Labels = [| "a"; "a"; "a"; "control"; "control"; "control"; "control" |]
        Batches = Array.create 7 "x"
    }

    // All three above all four: one way in 35.
    [<Test>]
    let ``few cells without ties have an exact p`` () =
        let p alternative settings =
            (compute
                settings
                {
                    Screen.options with
                        Alternative = alternative
                }
                untied)
                .Rows.PValue[0]

        Assert.That(p TwoSampleAlternative.TwoSided RankSum.standard, Is.EqualTo(2.0 / 35.0).Within 1e-15)
        Assert.That(p TwoSampleAlternative.Greater RankSum.standard, Is.EqualTo(1.0 / 35.0).Within 1e-15)
        Assert.That(p TwoSampleAlternative.Less RankSum.standard, Is.EqualTo(1.0).Within 1e-15)

        Assert.That(
            p TwoSampleAlternative.Greater { RankSum.standard with Exact = false },
            Is.Not.EqualTo(1.0 / 35.0).Within 1e-3
        )

    // Up to 50 cells p is exact, from 51 on normal.
    [<TestCase(25, true)>]
    [<TestCase(26, false)>]
    let ``up to fifty cells are few`` (perturbed: int, isExact: bool) =
        let screen = {
            Cells = Array.init (25 + perturbed) (fun cell -> [| float32 (cell + 1) |])
            Genes = 1
            Labels = Array.init (25 + perturbed) (fun cell -> if cell < 25 then "control" else "a")
            Batches = Array.create (25 + perturbed) "x"
        }

        let p settings =
            (compute settings Screen.options screen).Rows.PValue[0]

        Expect.equal isExact (p RankSum.standard <> p { RankSum.standard with Exact = false })

        if isExact then
            Expect.equal (2.0 / 126410606437752.0) (p RankSum.standard)

    [<Test>]
    let ``strata have no correction for continuity, one alone has`` () =
        let z batches continuity =
            (compute
                { plain with Continuity = continuity }
                {
                    Screen.options with
                        Batch = Some "batch"
                }
                { known with Batches = batches })
                .Rows.Statistic[0]

        let two = [| "x"; "x"; "y"; "x"; "x"; "y"; "y" |]
        Assert.That(z two false, Is.Not.Zero)
        Expect.equal (z two false) (z two true)
        Assert.That(z known.Batches true, Is.LessThan(z known.Batches false))
