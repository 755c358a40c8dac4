namespace CoExpr.Tests

open System
open System.Runtime.Intrinsics
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr.Kernels

/// Groups of cells with counts of one gene and size factors, drawn from a seed.
type SmallScreen = {
    /// One array per group.
    Sizes: float[][]
    Counts: float[][]
} with

    member screen.Starts = screen.Sizes |> Array.map Array.length |> Array.scan (+) 0

[<RequireQualifiedAccess>]
module SmallScreen =

    /// Counts of the mean of their group, overdispersed by a random factor of each cell.
    let create (seed: int) (groups: int) cells (means: float[]) spread =
        let random = System.Random seed
        let uniform () = 1.0 - random.NextDouble()

        let count mean =
            // Inversion of a Poisson distribution.
            let mutable p, y = exp -mean, 0.0
            let mutable u = uniform () - p

            while u > 0.0 && y < 3000.0 do
                y <- y + 1.0
                p <- p * mean / y
                u <- u - p

            y

        let sizes =
            Array.init groups (fun _ ->
                Array.init (1 + random.Next(cells: int)) (fun _ -> exp (1.2 * (random.NextDouble() - 0.5))))

        {
            Sizes = sizes
            Counts =
                sizes
                |> Array.mapi (fun group ->
                    Array.map (fun s ->
                        count (s * means[group % means.Length] * uniform () ** spread * (1.0 + spread))))
        }

    let nodes (screen: SmallScreen) =
        let nodes = SizeFactorNodes(Array.concat screen.Sizes, screen.Starts)

        for group in 0 .. nodes.Groups - 1 do
            nodes.Fill group

        nodes

    let load (nodes: SizeFactorNodes) (screen: SmallScreen) =
        let all = Array.concat screen.Counts
        let positions = [| 0 .. all.Length - 1 |] |> Array.filter (fun at -> all[at] > 0.0)
        let values = positions |> Array.map (fun at -> float32 all[at])
        let gene = GeneCounts nodes
        gene.Load(positions, values, screen.Starts)
        gene

    let gene screen =
        let nodes = nodes screen
        nodes, load nodes screen

module NegativeBinomialKernelTests =

    module Oracle = CoExpr.Reference.NegativeBinomial

    let private near tolerance (expected: float) (actual: float) =
        Assert.That(
            abs (actual - expected) <= tolerance * (1.0 + abs expected),
            $"{expected:R} was expected, not {actual:R}"
        )

    let private relative tolerance (expected: float) (actual: float) =
        Assert.That(abs (actual - expected) <= tolerance * abs expected, $"{expected:R} was expected, not {actual:R}")

    let private alphas = [ 1e-9; 1e-3; 0.1; 1.0; 20.0 ]

    let private screens = [|
        for seed in 1..40 do
            SmallScreen.create seed 3 (1 + 7 * seed) [| 0.05 * float seed; 0.3; 2.0 |] (float (seed % 4))
        // One cell a group, a gene of many counts, size factors all equal.
        SmallScreen.create 41 2 1 [| 5.0 |] 1.0
        SmallScreen.create 42 2 60 [| 300.0; 200.0 |] 1.0
        {
            Sizes = [| Array.create 30 1.0; Array.create 9 1.0 |]
            Counts = [|
                Array.init 30 (fun i -> float (i % 3))
                Array.init 9 (fun i -> float (i % 4))
            |]
        }
    |]

    // The series, and the factors that put the argument in range.
    [<Test>]
    let ``logarithms are right to two units of the last place`` () =
        let random = System.Random 3

        let check (x: float) =
            let expected = Math.Log x
            let actual = (Lanes8.Log(Vector512.Create x)).GetElement 5
            relative 5e-16 expected actual

        for _ in 1..20000 do
            check (exp (600.0 * (random.NextDouble() - 0.5)))
            check (1.0 + 1e-3 * (random.NextDouble() - 0.5))

        Expect.equal 0.0 ((Lanes8.Log Vector512<float>.One).GetElement 0)

    [<Test>]
    let ``ln(1 + x) keeps its digits for small x`` () =
        for exponent in -300.0 .. 1.0..15.0 do
            for x in [ 10.0 ** exponent; 3.7 * 10.0 ** exponent ] do
                // 2 artanh(x / (2 + x)); for large x nothing cancels.
                let expected =
                    if x < 0.5 then
                        2.0 * Math.Atanh(x / (2.0 + x))
                    else
                        Math.Log(1.0 + x)

                relative 6e-16 expected ((Lanes8.LogOnePlus(Vector512.Create x)).GetElement 2)

        relative 1e-15 (Math.Log 0.25) ((Lanes8.LogOnePlus(Vector512.Create -0.75)).GetElement 7)

    // The three-point Gauss–Hermite-like rule of a measure of mass 1 at −1, 0 and 1 is the measure; two points are
    // ±√(2/3) with half of the mass each.
    [<Test>]
    let ``a rule of two nodes for three points`` () =
        let nodes, weights = Array.zeroCreate<float> 8, Array.zeroCreate<float> 8
        let found = GaussRule.Fill(ReadOnlySpan [| -1.0; 0.0; 1.0 |], 2, nodes, weights)
        Expect.equal 2 found
        near 1e-15 (-sqrt(2.0 / 3.0)) (Array.min nodes)
        near 1e-15 (sqrt (2.0 / 3.0)) (Array.max nodes)
        near 1e-15 1.5 weights[0]
        near 1e-15 1.5 weights[1]
        Expect.equal 3 (GaussRule.Fill(ReadOnlySpan [| -1.0; 0.0; 0.0; 1.0 |], 3, nodes, weights))
        Expect.equal [| 1.0; 2.0; 1.0 |] weights[..2]

    // A rule of K nodes is exact for polynomials up to 2K − 1.
    [<Property>]
    let ``rules integrate polynomials exactly`` (values: NormalFloat[]) (PositiveInt wanted) =
        let values = values |> Array.map (fun x -> Math.Tanh(float x)) |> Array.sort
        let wanted = 1 + wanted % 12

        if values.Length > 0 then
            let nodes, weights = Array.zeroCreate<float> wanted, Array.zeroCreate<float> wanted
            let found = GaussRule.Fill(values, wanted, nodes, weights)

            for power in 0 .. 2 * found - 1 do
                let expected = values |> Array.sumBy (fun x -> x ** float power)

                let actual =
                    Array.map2 (fun x w -> w * x ** float power) nodes weights
                    |> Array.take found
                    |> Array.sum

                Assert.That(
                    abs (expected - actual) <= 1e-11 * float values.Length,
                    $"power {power}: {expected} {actual}"
                )

    [<Test>]
    let ``sums over all cells are within the stated error for every t`` () =
        for spread in [ 0.0; 0.5; 1.5; 3.0; 6.0; 12.0 ] do
            let random = System.Random 7
            let sizes = Array.init 3000 (fun _ -> exp (spread * (random.NextDouble() - 0.4)))
            let nodes = SizeFactorNodes(sizes, [| 0; 3000 |])
            nodes.Fill 0

            for t in [ 0.0; 1e-9; 1e-3; 0.03; 0.3; 1.0; 4.0; 30.0; 1e3; 1e9 ] do
                // The dispersion t and the mean 1.
                let expected = Oracle.information t 1.0 sizes
                relative 1e-10 expected (GroupFit.Information(nodes, 0, t, 1.0))

            Assert.That(nodes.Width, Is.LessThanOrEqualTo(GaussRule.NodesFor(spread / 2.0, 1e-10)))

        // The bound does not ask for much more than the measured 8 to 10.
        Assert.That(GaussRule.NodesFor(log (5.1 / 0.3) / 2.0, 1e-10), Is.InRange(9, 13))

    [<Test>]
    let ``means solve the score equation`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen

            for alpha in alphas do
                for group in 0 .. nodes.Groups - 1 do
                    let sizes, counts = screen.Sizes[group], screen.Counts[group]
                    let mean = GroupFit.Mean(gene, group, alpha)
                    let total = Array.sum counts

                    if total = 0.0 then
                        Expect.equal 0.0 mean
                    else
                        Assert.That(abs (Oracle.score alpha mean sizes counts) <= 1e-8 * total)
                        relative 1e-9 (Oracle.mean alpha sizes counts) mean
                        let score = GroupFit.Score(gene, group, alpha, 1.3 * mean)
                        near 1e-9 (Oracle.score alpha (1.3 * mean) sizes counts) score.Score
                        relative 1e-10 (Oracle.information alpha (1.3 * mean) sizes) score.Expected

    [<Test>]
    let ``means are those of least squares`` () =
        for seed in 1..10 do
            let screen = SmallScreen.create seed 1 200 [| 1.5 |] 1.0
            let _, gene = SmallScreen.gene screen

            relative 1e-9 (Oracle.meanByLeastSquares 0.7 screen.Sizes[0] screen.Counts[0]) (GroupFit.Mean(gene, 0, 0.7))

    // With equal size factors the mean is the arithmetic mean whatever the dispersion: 4 counts in 8 cells of size 2.
    [<Test>]
    let ``a mean by hand`` () =
        let screen = {
            Sizes = [| Array.create 8 2.0 |]
            Counts = [| [| 3.0; 0.0; 0.0; 1.0; 0.0; 0.0; 0.0; 0.0 |] |]
        }

        let nodes, gene = SmallScreen.gene screen
        relative 1e-12 0.25 (GroupFit.Mean(gene, 0, 0.5))
        // 8 · 0.5 / (1 + 0.5 · 0.5).
        relative 1e-12 3.2 (GroupFit.Information(nodes, 0, 0.5, 0.25))
        // Half a count more, since every cell has the same weight.
        relative 1e-9 (4.5 / 16.0) (GroupFit.PenalizedMean(gene, 0, 0.5))

    [<Test>]
    let ``the penalised mean is where the penalised likelihood is highest`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen

            for alpha in [ 1e-3; 1.0; 20.0 ] do
                for group in 0 .. nodes.Groups - 1 do
                    let penalised mean =
                        Oracle.logLikelihood alpha mean screen.Sizes[group] screen.Counts[group]
                        + 0.5 * log (Oracle.information alpha mean screen.Sizes[group])

                    let mean = GroupFit.PenalizedMean(gene, group, alpha)
                    let best = penalised mean

                    for factor in [ 0.5; 0.99; 1.01; 2.0; 10.0 ] do
                        Assert.That(penalised (factor * mean) < best, $"{factor} {alpha}")

    [<Test>]
    let ``likelihood ratios are those of full sums`` () =
        for screen in screens do
            let _, gene = SmallScreen.gene screen

            for alpha in [ 1e-3; 0.1; 1.0; 20.0 ] do
                let sizes, counts = screen.Sizes[0], screen.Counts[0]

                for mean, other in [ 0.7, 0.5; 0.01, 3.0; 2.0, 2.0000001 ] do
                    let expected =
                        Oracle.logLikelihood alpha mean sizes counts
                        - Oracle.logLikelihood alpha other sizes counts

                    near 1e-9 expected (GroupFit.LogRatio(gene, 0, alpha, mean, other))

    /// The control's series, and the means of all groups.
    let private fitted (nodes: SizeFactorNodes) gene alpha =
        let series = ControlScore()
        let means = Array.init nodes.Groups (fun group -> GroupFit.Mean(gene, group, alpha))

        if means[0] > 0.0 then
            series.Fit(gene, 0, alpha, means[0])
        else
            series.Clear()

        series, means

    [<Test>]
    let ``fits under a hypothesis are those of full sums`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen

            for alpha in [ 1e-3; 0.1; 1.0; 20.0 ] do
                let series, means = fitted nodes gene alpha

                for group in 1 .. nodes.Groups - 1 do
                    for shift in [ 0.0; 0.7; -3.0 ] do
                        if means[0] + means[group] > 0.0 then
                            let sizes = screen.Sizes[0], screen.Sizes[group]
                            let counts = screen.Counts[0], screen.Counts[group]
                            let fit = NullFit.Solve(gene, 0, series, group, alpha, means, shift)
                            near 1e-8 (Oracle.logRatio alpha (exp shift) sizes counts) fit.LogRatio
                            let mean, _ = Oracle.nullFit alpha (exp shift) sizes counts
                            relative 1e-8 mean fit.Mean
                            let other = mean * exp shift
                            let i0 = Oracle.information alpha mean (fst sizes)
                            let i1 = Oracle.information alpha other (snd sizes)
                            relative 1e-4 (i0 * i1 / (i0 + i1)) fit.Information
                            near 1e-4 (Oracle.score alpha other (snd sizes) (snd counts)) fit.Score

    let private posterior (screen: SmallScreen) alpha scale group =
        let nodes, gene = SmallScreen.gene screen
        let series, means = fitted nodes gene alpha

        let penalized group =
            log (GroupFit.PenalizedMean(gene, group, alpha))

        let estimate = penalized group - penalized 0
        FoldPosterior.Mode(gene, 0, series, group, alpha, means, 1.0, scale, estimate)

    [<Test>]
    let ``posterior modes are the highest of a fine search`` () =
        for seed in 1..12 do
            let means = [| 0.4 * float (seed % 4); 1.5; 0.0; 0.05 |]
            let screen = SmallScreen.create seed 4 60 means 0.5

            for alpha, scale in [ 0.05, 0.3; 1.0, 0.05; 0.3, 1.0 ] do
                for group in 1..3 do
                    let counts = screen.Counts[0], screen.Counts[group]

                    if Array.sum (fst counts) + Array.sum (snd counts) > 0.0 then
                        let sizes = screen.Sizes[0], screen.Sizes[group]
                        let mode, deviation = Oracle.posterior alpha scale sizes counts
                        let found = posterior screen alpha scale group
                        // The control's mean is found to about 1e-5 standard errors.
                        near (3e-5 * (1.0 + deviation)) mode found.LogFold
                        relative 1e-3 deviation found.Deviation

    [<Test>]
    let ``a sure fold change keeps its size, though the prior's peak has a mode too`` () =
        // 400 cells of about 8 counts against 1: z is above 20, and a scale of 0.01 would draw an unsure one to 0.
        let cells mean =
            Array.init 400 (fun cell -> float ((cell * 7919) % (2 * mean + 1)))

        let screen = {
            Sizes = Array.init 2 (fun _ -> Array.create 400 1.0)
            Counts = [| cells 1; cells 8 |]
        }

        let found = posterior screen 0.1 0.01 1
        let estimate = log (Array.sum screen.Counts[1] / Array.sum screen.Counts[0])
        Assert.That(found.LogFold, Is.InRange(0.98 * estimate, estimate))

    [<Test>]
    let ``series of groups have the means, scores and likelihoods of full sums wherever they hold`` () =
        let mutable held, asked = 0, 0

        for screen in screens do
            let nodes, gene = SmallScreen.gene screen
            let series = GroupSeries nodes

            for alpha in alphas do
                for group in 0 .. nodes.Groups - 1 do
                    let sizes, counts = screen.Sizes[group], screen.Counts[group]
                    let total = Array.sum counts
                    let own = Oracle.mean alpha sizes counts

                    for other in [ nan; 0.0; 1.3 * own; 0.6 * own; 9.0 * own ] do
                        let mean = series.Mean(gene, group, alpha, other)

                        if total = 0.0 then
                            Expect.equal 0.0 mean
                            Expect.equal false (series.Covers(group, 1.0))
                        else
                            relative 1e-9 own mean
                            Assert.That(abs (Oracle.score alpha mean sizes counts) <= 1e-8 * total)

                            for factor in [ 0.2; 0.7; 0.95; 1.0; 1.1; 1.4; 4.0 ] do
                                asked <- asked + 1
                                let at = factor * own

                                if series.Covers(group, at) then
                                    held <- held + 1
                                    let struct (score, observed) = series.Score(group, at)

                                    Assert.That(
                                        abs (score - Oracle.score alpha at sizes counts) <= 1e-9 * (1.0 + total)
                                    )

                                    // What is left out of the score is bounded; of its slope, which chooses steps alone, sixteen times that.
                                    near 1e-5 (GroupFit.Score(gene, group, alpha, at).Observed) observed

                                    if series.Covers(group, mean) then
                                        let expected =
                                            Oracle.logLikelihood alpha own sizes counts
                                            - Oracle.logLikelihood alpha at sizes counts

                                        if alpha > 1e-4 then
                                            near 1e-9 expected (series.LogRatio(group, mean, at))

        // By hand: about half of the points are within a fifth, or of few counts.
        Assert.That(held, Is.GreaterThan(asked / 3))
        Assert.That(held, Is.LessThan asked)

    [<Test>]
    let ``fits under a hypothesis are the same with series`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen
            let series = ControlScore()
            let expansions = GroupSeries nodes

            for alpha in [ 1e-3; 0.1; 1.0; 20.0 ] do
                let control = expansions.Mean(gene, 0, alpha, nan)

                let means =
                    Array.init nodes.Groups (fun group ->
                        if group = 0 then
                            control
                        else
                            expansions.Mean(gene, group, alpha, control))

                if means[0] > 0.0 then
                    series.Fit(gene, 0, alpha, means[0])
                else
                    series.Clear()

                for group in 1 .. nodes.Groups - 1 do
                    for shift in [ 0.0; 0.7; -3.0 ] do
                        if means[0] + means[group] > 0.0 then
                            let sizes = screen.Sizes[0], screen.Sizes[group]
                            let counts = screen.Counts[0], screen.Counts[group]

                            let fit =
                                NullFit.Solve(gene, 0, series, group, alpha, means, shift, true, expansions)

                            near 1e-8 (Oracle.logRatio alpha (exp shift) sizes counts) fit.LogRatio
                            let mean, _ = Oracle.nullFit alpha (exp shift) sizes counts
                            relative 1e-8 mean fit.Mean

    /// Fits of all groups of a gene at once.
    let private fitAll (nodes: SizeFactorNodes) gene alpha groups =
        let series = GroupSeries nodes
        let means = Array.zeroCreate<float> nodes.Groups
        series.Fit(gene, alpha, 0, ReadOnlySpan(groups: int[]), means)
        struct (series, means)

    [<Test>]
    let ``groups side by side are fitted as one by one`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen

            for alpha in alphas do
                let struct (_, means) = fitAll nodes gene alpha [| 1 .. nodes.Groups - 1 |]
                let alone = GroupSeries nodes
                let control = alone.Mean(gene, 0, alpha, nan)
                Expect.equal control means[0]

                for group in 1 .. nodes.Groups - 1 do
                    Expect.equal (alone.Mean(gene, group, alpha, control)) means[group]

                let information = Array.zeroCreate<float> nodes.Groups
                GroupFit.Informations(nodes, alpha, means, information)

                for group in 0 .. nodes.Groups - 1 do
                    near 1e-13 (GroupFit.Information(nodes, group, alpha, means[group])) information[group]

    [<Test>]
    let ``groups that are not asked for are left out, and change nothing`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen
            let struct (_, all) = fitAll nodes gene 0.3 [| 1 .. nodes.Groups - 1 |]
            let struct (_, last) = fitAll nodes gene 0.3 [| nodes.Groups - 1 |]
            Expect.equal all[0] last[0]
            Expect.equal all[nodes.Groups - 1] last[nodes.Groups - 1]

            for group in 1 .. nodes.Groups - 2 do
                Expect.equal 0.0 last[group]

    [<Test>]
    let ``likelihoods lost side by side are those of the two groups alone`` () =
        let mutable found, asked = 0, 0

        for screen in screens do
            let nodes, gene = SmallScreen.gene screen

            for alpha in [ 1e-3; 0.1; 1.0; 20.0 ] do
                let struct (series, means) = fitAll nodes gene alpha [| 1 .. nodes.Groups - 1 |]
                let lost = Array.zeroCreate<float> nodes.Groups

                for shift in [ 0.0; 0.4; -0.4; -3.0 ] do
                    NullFits(series).Lost(0, means, shift, lost)

                    for group in 1 .. nodes.Groups - 1 do
                        asked <- asked + 1

                        if not (Double.IsNaN lost[group]) then
                            found <- found + 1
                            let sizes = screen.Sizes[0], screen.Sizes[group]
                            let counts = screen.Counts[0], screen.Counts[group]
                            near 1e-8 (Oracle.logRatio alpha (exp shift) sizes counts) lost[group]

        // Groups without counts and far means are not found so.
        Assert.That(found, Is.GreaterThan(asked / 5))
        Assert.That(found, Is.LessThan asked)

    // ln(4/2), √(1/2 + 1/8), and the root of twice 4.5 over 1, below the control's side with a shift of ln 3.
    [<Test>]
    let ``statistics by hand`` () =
        let folds, errors, roots =
            Array.zeroCreate<float> 2, Array.zeroCreate<float> 2, Array.zeroCreate<float> 2

        let means, information, lost = [| 2.0; 4.0 |], [| 8.0; 2.0 |], [| nan; 4.5 |]

        let fill shift =
            NullFits.Statistics(means, 0, information, lost, shift, 1.0, folds, errors, roots)

        fill 0.0
        relative 1e-15 (log 2.0) folds[1]
        relative 1e-15 (sqrt 0.625) errors[1]
        relative 1e-15 3.0 roots[1]
        fill (log 3.0)
        relative 1e-15 -3.0 roots[1]

    // Two cells of size 2 with 1 and 3 counts: q = t₀ s / (1 + t₀ s) with t₀ = 0.5 · 1 is 1/2 for both, so D_k = 4/2^k + 2 · 2/2^k
    // and the score at the mean 1 is 4 − D_1 = 0, the observed information D_1 − D_2 = 2.
    [<Test>]
    let ``a series by hand`` () =
        let screen = {
            Sizes = [| [| 2.0; 2.0 |] |]
            Counts = [| [| 1.0; 3.0 |] |]
        }

        let nodes, gene = SmallScreen.gene screen
        let series = GroupSeries nodes
        relative 1e-14 1.0 (series.Mean(gene, 0, 0.5, nan))
        let struct (score, observed) = series.Score(0, 1.0)
        near 1e-14 0.0 score
        relative 1e-14 2.0 observed
        // At the mean 1.2: 4 − 2 · 1.2 · 2 + 2 · 4 · ln-terms: 4 ln 1.2 − (4 + 4) ln(2.2/2).
        let expected = 4.0 * log 1.2 - 8.0 * log 1.1
        near 1e-13 expected (series.LogRatio(0, 1.2, 1.0))

    // One division for all nodes has the value of the sum over them, and its derivatives.
    [<Test>]
    let ``ratios of polynomials are sums over nodes`` () =
        let sums = RationalSums(3, 8)
        let nodes, weights = [| 0.5; 1.0; 4.0 |], [| 10.0; 20.0; 3.0 |]
        sums.Set(2, nodes, weights)

        let h tau =
            Array.map2 (fun s w -> w * s / (1.0 + tau * s)) nodes weights |> Array.sum

        for tau in [ 0.0; 1e-6; 0.1; 1.0; 30.0; 1e6 ] do
            let struct (p, q) = sums.Values(0, Vector512.Create tau)
            relative 1e-14 (h tau) (p.GetElement 2 / q.GetElement 2)
            let struct (value, slope, curvature) = sums.Derivatives(0, Vector512.Create tau)
            relative 1e-14 (h tau) (value.GetElement 2)
            let first = nodes |> Array.map (fun s -> tau * s / (1.0 + tau * s))

            let mean (values: float[]) =
                let share = Array.map2 (fun s w -> w * s / (1.0 + tau * s)) nodes weights

                Array.fold2 (fun sum a b -> sum + a * b) 0.0 share values / h tau

            // θ ln h = −E x, θ² ln h = E(2x² − x) − (E x)², x = τ s / (1 + τ s), weighed by the terms of h.
            near 1e-13 (-(mean first)) (slope.GetElement 2)

            let expected =
                mean (first |> Array.map (fun x -> 2.0 * x * x - x)) - mean first * mean first

            near 1e-12 expected (curvature.GetElement 2)

        Assert.That(sums.Covers(1.0, 1e10), Is.True)
        Assert.That(sums.Covers(1.0, 1e200), Is.False)

    [<Test>]
    let ``the control's series is its score, and its integral the likelihood`` () =
        for seed in 1..20 do
            let screen = SmallScreen.create seed 1 300 [| 0.2 * float seed |] 2.0
            let _, gene = SmallScreen.gene screen
            let alpha = 0.05 * float seed
            let mean = GroupFit.Mean(gene, 0, alpha)

            if mean > 0.0 then
                let series = ControlScore()
                series.Fit(gene, 0, alpha, mean)
                let total = Array.sum screen.Counts[0]

                for step in -1.0 .. 0.125..1.0 do
                    let beta = log mean + 0.999 * step
                    let expected = Oracle.score alpha (exp beta) screen.Sizes[0] screen.Counts[0]
                    Assert.That(abs (expected - series.At beta) <= 1e-9 * total)

                    let lost =
                        Oracle.logLikelihood alpha mean screen.Sizes[0] screen.Counts[0]
                        - Oracle.logLikelihood alpha (exp beta) screen.Sizes[0] screen.Counts[0]

                    Assert.That(abs (lost - series.Lost beta) <= 1e-8 * (1.0 + total))

                    let slope = (GroupFit.Score(gene, 0, alpha, exp beta)).Observed

                    Assert.That(abs (slope + series.SlopeAt beta) <= 1e-7 * (1.0 + total))

                Assert.That(series.Covers(log mean + 1.01), Is.False)

    /// Differences of the profile between points, since it is defined up to a constant.
    [<Test>]
    let ``profiles are those of full sums`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen
            let profile = DispersionProfile nodes
            profile.Load gene

            if profile.HasCounts then
                for adjusted in [ false; true ] do
                    let reference = Oracle.profile adjusted screen.Sizes screen.Counts
                    let at logAlpha = profile.At(logAlpha, adjusted)
                    let origin = log 0.3
                    let scale = 1.0 + Array.sumBy Array.sum screen.Counts

                    for logAlpha in [ log 1e-3; -3.0; -1.0; 0.0; 2.0 ] do
                        let expected = reference (exp logAlpha) - reference (exp origin)
                        let actual = (at logAlpha).Value - (at origin).Value
                        Assert.That(abs (expected - actual) <= 2e-6 * scale, $"{expected} {actual}")

    [<Test>]
    let ``slopes and curvatures are those of the profile's own values`` () =
        for screen in screens do
            let nodes, gene = SmallScreen.gene screen
            let profile = DispersionProfile nodes
            profile.Load gene

            if profile.HasCounts then
                for adjusted in [ false; true ] do
                    for logAlpha in [ -6.0; -3.0; -1.0; 0.0; 2.0 ] do
                        let at x = profile.At(x, adjusted)
                        let h = 1e-4
                        let slope = ((at (logAlpha + h)).Value - (at (logAlpha - h)).Value) / (2.0 * h)
                        let curvature = ((at (logAlpha + h)).Slope - (at (logAlpha - h)).Slope) / (2.0 * h)
                        let scale = 1.0 + Array.sumBy Array.sum screen.Counts
                        Assert.That(abs (slope - (at logAlpha).Slope) <= 1e-7 * scale)
                        Assert.That(abs (curvature - (at logAlpha).Curvature) <= 1e-7 * scale)

    // Beyond 1,024 the sum over k is by Euler and Maclaurin.
    [<Test>]
    let ``large counts have the profile of full sums`` () =
        let screen = {
            Sizes = [| [| 0.8; 1.0; 1.3; 1.1; 0.7 |]; [| 1.0; 0.9; 1.2 |] |]
            Counts = [| [| 900.0; 1500.0; 4000.0; 1024.0; 1025.0 |]; [| 20000.0; 15000.0; 1e6 |] |]
        }

        let nodes, gene = SmallScreen.gene screen
        let profile = DispersionProfile nodes
        profile.Load gene
        let reference = Oracle.profile true screen.Sizes screen.Counts
        let at alpha = (profile.At(log alpha, true)).Value

        for alpha in [ 1e-4; 0.01; 0.1; 1.0; 10.0 ] do
            near 3e-5 (reference alpha - reference 0.5) (at alpha - at 0.5)

        let h = 1e-4
        let slope logAlpha = (profile.At(logAlpha, true)).Slope

        for logAlpha in [ -16.0; -12.0; -9.0; -3.0; 0.0 ] do
            let at x = (profile.At(x, true)).Value
            relative 1e-4 ((at (logAlpha + h) - at (logAlpha - h)) / (2.0 * h)) (slope logAlpha)

            relative
                1e-5
                ((slope (logAlpha + h) - slope (logAlpha - h)) / (2.0 * h))
                (profile.At(logAlpha, true)).Curvature

    [<Test>]
    let ``dispersions are those of an exhaustive search`` () =
        let mutable compared = 0

        for screen in screens do
            let nodes, gene = SmallScreen.gene screen
            let profile = DispersionProfile nodes
            profile.Load gene

            if profile.HasCounts then
                let values = Array.zeroCreate<float> DispersionFit.Points
                let fit = DispersionFit.Maximize(profile, true, values)
                let expected = Oracle.dispersion true screen.Sizes screen.Counts
                let reference = Oracle.profile true screen.Sizes screen.Counts
                // The likelihood found is the highest, and where it has an opinion so is the place.
                Assert.That(reference (exp fit.LogDispersion) >= reference (exp expected) - 1e-4)

                if fit.AtBound = 0 && fit.Information > 0.5 then
                    Assert.That(abs (fit.LogDispersion - expected), Is.LessThan 0.005)
                    compared <- compared + 1

        Assert.That(compared, Is.GreaterThan 25)

    [<Test>]
    let ``a posterior mode lies between the gene's own and the prior's, by their weights`` () =
        let screen = SmallScreen.create 8 2 400 [| 2.0 |] 2.0
        let nodes, gene = SmallScreen.gene screen
        let profile = DispersionProfile nodes
        profile.Load gene
        let values = Array.zeroCreate<float> DispersionFit.Points
        let own = DispersionFit.Maximize(profile, true, values)

        let mode centre variance =
            DispersionFit.Mode(profile, true, values, centre, variance)

        near 1e-4 own.LogDispersion (mode (own.LogDispersion - 2.0) 1e8)
        near 1e-4 (own.LogDispersion - 2.0) (mode (own.LogDispersion - 2.0) 1e-9)
        near 1e-5 own.LogDispersion (mode own.LogDispersion 0.3)
        // Near enough to its maximum the profile is a parabola.
        let expected = own.LogDispersion - 0.05 / (1.0 + own.Information * 0.1)
        near 1e-3 expected (mode (own.LogDispersion - 0.05) 0.1)

    [<Test>]
    let ``counts of one value in every cell have no dispersion`` () =
        let screen = {
            Sizes = [| Array.create 20 1.0 |]
            Counts = [| Array.create 20 3.0 |]
        }

        let nodes, gene = SmallScreen.gene screen
        let profile = DispersionProfile nodes
        profile.Load gene

        let fit =
            DispersionFit.Maximize(profile, true, Array.zeroCreate<float> DispersionFit.Points)

        Expect.equal -1 fit.AtBound
        near 1e-12 (DispersionFit.Point 0) fit.LogDispersion

    [<Test>]
    let ``the order of the cells changes nothing beyond rounding`` () =
        for seed in 1..10 do
            let screen = SmallScreen.create seed 2 100 [| 1.0; 3.0 |] 1.0
            let random = System.Random seed

            let shuffle group =
                let order = [| 0 .. screen.Sizes[group].Length - 1 |]
                random.Shuffle order
                order

            let orders = Array.init 2 shuffle

            let shuffled = {
                Sizes = Array.mapi (fun g (order: int[]) -> order |> Array.map (fun i -> screen.Sizes[g][i])) orders
                Counts = Array.mapi (fun g (order: int[]) -> order |> Array.map (fun i -> screen.Counts[g][i])) orders
            }

            let fit screen =
                let nodes, gene = SmallScreen.gene screen
                let profile = DispersionProfile nodes
                profile.Load gene
                let values = Array.zeroCreate<float> DispersionFit.Points
                let dispersion = DispersionFit.Maximize(profile, true, values)
                dispersion.LogDispersion, GroupFit.Mean(gene, 0, 0.3), GroupFit.Information(nodes, 1, 0.3, 1.0)

            let a, b, c = fit screen
            let d, e, f = fit shuffled
            near 1e-9 a d
            relative 1e-12 b e
            Expect.equal c f
