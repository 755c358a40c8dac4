namespace CoExpr.Tests

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.Kernels

/// Counts of 80 genes in 400 cells of which glmGamPoi and DESeq2 had their say: tests/golden/negative-binomial.
[<RequireQualifiedAccess>]
module NegativeBinomialGolden =

    let private lines name =
        File.ReadAllLines(TestData.golden (Path.Combine("negative-binomial", name)))
        |> Array.map (fun line -> line.Split ',')

    let private number (text: string) =
        match text.Trim() with
        | "NA" -> nan
        | text -> Double.Parse(text, CultureInfo.InvariantCulture)

    /// A column of genes.csv.
    let column name =
        let all = lines "genes.csv"
        let at = Array.findIndex ((=) name) all[0]
        all[1..] |> Array.map (fun line -> number line[at])

    let cells =
        lazy
            (let rows = lines "counts.csv"
             let table = lines "cells.csv"
             let genes = rows[1..] |> Array.map (fun row -> row[0])

             let values =
                 rows[1..] |> Array.map (fun row -> row[1..] |> Array.map (number >> float32))

             let counts =
                 SparseCounts.OfDense(table.Length - 1, genes.Length, values |> Array.transpose |> Array.concat)

             let labels = table[1..] |> Array.map (fun row -> row[1])
             let levels = [| "A"; "B"; "control" |]

             let cellTable = {
                 Names = rows[0][1..]
                 Columns = [|
                     "group",
                     Column.Category {
                         Codes = labels |> Array.map (fun label -> Array.IndexOf(levels, label))
                         Levels = levels
                         Ordered = false
                     }
                 |]
             }

             Cells.create "golden" counts cellTable (Table.ofNames genes) |> Expect.ok)

    let sizeFactors =
        lazy ((lines "cells.csv")[1..] |> Array.map (fun row -> number row[2]))

    let groups =
        lazy (Groups.create [ "group" ] (Some "control") cells.Value |> Expect.ok)

module NegativeBinomialScreenTests =

    module Golden = NegativeBinomialGolden

    let private run (options: NegativeBinomialOptions) groups cells =
        NegativeBinomialScreen.compute Progress.none options groups cells |> Expect.ok

    let private given = lazy (Golden.column "given")

    let private standard =
        lazy
            {
                NegativeBinomialScreen.defaults with
                    SizeFactors = SizeFactorKind.Given Golden.sizeFactors.Value
                    Dispersion = DispersionSource.Given given.Value
                    Threads = 2
            }

    let private golden options =
        run options Golden.groups.Value Golden.cells.Value

    let private standardError (rows: ContrastRows) =
        rows.Further
        |> List.find (fun (name, _) -> name = ContrastRows.StandardError)
        |> snd

    let private median (values: float[]) = (Array.sort values)[values.Length / 2]

    /// Of genes with counts in all groups: g4 on.
    let private compare what tolerance (expected: string -> float[]) (actual: float[]) =
        for row, group in List.indexed [ "A"; "B" ] do
            let expected = expected group

            for gene in 3..79 do
                let difference = abs (actual[row * 80 + gene] - expected[gene])

                Assert.That(
                    difference <= tolerance * (1.0 + abs expected[gene]),
                    $"{what} of gene {gene + 1} in {group}: {expected[gene]} {actual[row * 80 + gene]}"
                )

    [<Test>]
    let ``dispersions are glmGamPoi's`` () =
        let options = {
            standard.Value with
                Dispersion =
                    DispersionSource.Screen {
                        GeneDispersions.standard with
                            Shrinkage = ScreenShrinkage.GeneWise
                    }
        }

        let found = (golden options).Dispersions[0]
        let theirs = Golden.column "overdispersion"
        Assert.That(found.GeneWise[0], Is.NaN)

        let differences =
            [| 1..79 |]
            |> Array.filter (fun gene -> theirs[gene] > 1e-3 && theirs[gene] < 20.0)
            |> Array.map (fun gene -> abs (log found.GeneWise[gene] - log theirs[gene]))

        Assert.That(differences.Length, Is.GreaterThan 75)
        // glmGamPoi holds the means at NB estimates and takes 0.99 of the adjustment; 60 cells a group are few.
        let close = differences |> Array.filter (fun d -> d < 0.01) |> Array.length
        TestContext.Out.WriteLine $"ln dispersion: median {median differences}, largest {Array.max differences}"
        Assert.That(float close, Is.GreaterThanOrEqualTo(0.95 * float differences.Length))
        Assert.That(Array.max differences, Is.LessThan 0.02)
        Assert.That(median differences, Is.LessThan 0.003)
        Expect.equal found.GeneWise found.Final

    [<Test>]
    let ``fold changes, errors and Wald statistics are DESeq2's`` () =
        let found =
            golden {
                standard.Value with
                    Test = NegativeBinomialTest.Wald
            }
        // DESeq2's ridge and its limit on the deviance's change leave about 1e-5.
        compare "log2 fold change" 2e-4 (fun group -> Golden.column ("lfc" + group)) found.Rows.LogFoldChange
        compare "standard error" 2e-4 (fun group -> Golden.column ("lfcSE" + group)) (standardError found.Rows)
        compare "statistic" 1e-3 (fun group -> Golden.column ("wald" + group)) found.Rows.Statistic

    [<Test>]
    let ``likelihood ratios are glmGamPoi's`` () =
        let found = golden standard.Value
        let squares = found.Rows.Statistic |> Array.map (fun z -> z * z)
        compare "likelihood ratio" 1e-4 (fun group -> Golden.column ("lrt" + group)) squares
        // Groups without counts, too: g2 has none in A, g3 none in the control.
        for gene, group, row in [ 1, "A", 0; 2, "A", 0; 2, "B", 1 ] do
            let expected = (Golden.column ("lrt" + group))[gene]
            Assert.That(abs (squares[row * 80 + gene] - expected), Is.LessThan(1e-4 * expected))

    [<Test>]
    let ``p beyond and within a threshold are DESeq2's`` () =
        let wald hypothesis =
            (golden {
                standard.Value with
                    Test = NegativeBinomialTest.Wald
                    Hypothesis = hypothesis
            })
                .Rows.PValue

        let beyond = wald (FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, 0.3))
        compare "p beyond" 1e-3 (fun group -> Golden.column ("above" + group)) beyond
        compare "p within" 1e-3 (fun group -> Golden.column ("within" + group)) (wald (FoldHypothesis.Within 0.3))

    [<Test>]
    let ``quasi-likelihood dispersions are glmGamPoi's`` () =
        let sizes, counts = Golden.sizeFactors.Value, Golden.cells.Value.Counts
        let fitted = (golden standard.Value).Rows
        // The mean over cells of the fitted means.
        let means =
            Array.init 80 (fun gene ->
                let groups = Golden.groups.Value

                Seq.sum (
                    seq {
                        for group in 0..2 do
                            let total = Groups.members group groups |> Array.sumBy (fun cell -> sizes[cell])

                            let mean =
                                match group with
                                | 2 -> fitted.ReferenceMean[gene]
                                | _ -> fitted.Mean[group * 80 + gene]

                            total * mean
                    }
                )
                / float counts.Cells)

        let found =
            QuasiDispersions.create 397.0 means (Golden.column "overdispersion") (Golden.column "trend")

        let theirs, shrunken = Golden.column "ql", Golden.column "ql_shrunken"

        for gene in 1..79 do
            Assert.That(abs (found.GeneWise[gene] - theirs[gene]), Is.LessThan(2e-3 * theirs[gene]))
            Assert.That(abs (found.Shrunk[gene] - shrunken[gene]), Is.LessThan(2e-3 * shrunken[gene]))

        Assert.That(abs (found.PriorDegrees / 51.5305431667 - 1.0), Is.LessThan 0.02)

    [<Test>]
    let ``quasi-likelihood tests agree with glmGamPoi's`` () =
        let found =
            golden {
                standard.Value with
                    Dispersion = DispersionSource.Screen GeneDispersions.standard
                    Test = NegativeBinomialTest.QuasiLikelihood
            }

        let differences = [|
            for row, group in [ 0, "A"; 1, "B" ] do
                let theirs = Golden.column ("p" + group)

                for gene in 3..79 do
                    abs (found.Rows.Log10P[row * 80 + gene] - log10 theirs[gene])
                    / (1.0 - log10 theirs[gene])
        |]
        // The trends differ: theirs is one median of all 80 genes.
        TestContext.Out.WriteLine $"log10 p: median {median differences}, largest {Array.max differences}"
        Assert.That(median differences, Is.LessThan 0.05)
        Assert.That(Array.max differences, Is.LessThan 0.5)

    [<Test>]
    let ``groups and genes without counts are told, and finite`` () =
        for test in
            [
                NegativeBinomialTest.LikelihoodRatio
                NegativeBinomialTest.Wald
                NegativeBinomialTest.Score
                NegativeBinomialTest.QuasiLikelihood
            ] do
            let rows =
                (golden {
                    standard.Value with
                        Dispersion = DispersionSource.Screen GeneDispersions.standard
                        Test = test
                        Shrink = FoldShrinkage.ByStatistics
                })
                    .Rows

            Expect.equal RowStatus.AllZero rows.Status[0]
            Expect.equal RowStatus.ZeroInPerturbed rows.Status[1]
            Expect.equal RowStatus.Tested rows.Status[81]
            Expect.equal RowStatus.ZeroInReference rows.Status[2]
            Expect.equal RowStatus.ZeroInReference rows.Status[82]
            Expect.equal 1.0 rows.PValue[0]
            Expect.equal 0.0 rows.LogFoldChange[0]

            for place in 0..159 do
                Assert.That(Double.IsFinite rows.LogFoldChange[place])
                Assert.That(Double.IsFinite rows.Statistic[place])
                Assert.That(rows.PValue[place] >= 0.0 && rows.PValue[place] <= 1.0)
                Assert.That(rows.QValue[place] >= rows.PValue[place])
                Assert.That(abs (10.0 ** rows.Log10P[place] - rows.PValue[place]) <= 1e-9)

            Assert.That(rows.LogFoldChange[1] < -2.0 && rows.Statistic[1] < 0.0)
            Assert.That(rows.LogFoldChange[2] > 2.0 && rows.Statistic[2] > 0.0)

            // A knock-out that the test is sure of is not shrunken away for the wide error of half a count.
            if test <> NegativeBinomialTest.Wald then
                let shrunken = rows.Named FoldChangeShrinkage.Shrunken
                Assert.That(rows.Log10P[1], Is.LessThan -3.0)
                Assert.That(shrunken[1], Is.LessThan(0.5 * rows.LogFoldChange[1]))

            for name, values in rows.Further do
                if name = FoldChangeShrinkage.Shrunken then
                    for place in 1..79 do
                        Assert.That(abs values[place] <= abs rows.LogFoldChange[place] * (1.0 + 1e-12))

    let private shrunkenRows shrink test =
        (golden {
            standard.Value with
                Shrink = shrink
                Test = test
        })
            .Rows

    /// Of the control or another group the size factors, and the counts of a gene.
    let private sizesAndCounts gene group =
        let stored = Golden.cells.Value.Counts.ByGene
        let column = Array.zeroCreate<float> 400

        for at in int stored.Starts[gene] .. int stored.Starts[gene + 1] - 1 do
            column[stored.Indices[at]] <- float stored.Values[at]

        let cells = Groups.members group Golden.groups.Value
        cells |> Array.map (fun cell -> Golden.sizeFactors.Value[cell]), cells |> Array.map (fun cell -> column[cell])

    [<Test>]
    let ``fold changes shrunken by counts are posterior modes, with a prior of the rows`` () =
        for test, genes in
            [
                NegativeBinomialTest.LikelihoodRatio, [ 1; 2; 3; 10; 79 ]
                NegativeBinomialTest.Wald, [ 1; 41 ]
            ] do
            let rows = shrunkenRows FoldShrinkage.ByCounts test
            let modes = rows.Named FoldChangeShrinkage.Shrunken
            let scales = FoldChangeShrinkage.scales 1 2 80 rows
            Assert.That(modes[0], Is.NaN, "a gene without counts")

            for gene in genes do
                let controlSizes, controlCounts = sizesAndCounts gene 2

                for row in 0..1 do
                    let sizes, counts = sizesAndCounts gene row

                    let mode, deviation =
                        CoExpr.Reference.NegativeBinomial.posterior
                            given.Value[gene]
                            scales[row]
                            (controlSizes, sizes)
                            (controlCounts, counts)

                    let found = modes[row * 80 + gene] * log 2.0
                    Assert.That(found, Is.EqualTo(mode).Within(1e-4 * (0.1 + deviation)))

    [<Test>]
    let ``shrunken by counts or by statistics, genes with counts are alike`` () =
        let modes by =
            (shrunkenRows by NegativeBinomialTest.LikelihoodRatio).Named FoldChangeShrinkage.Shrunken

        let byCounts, byStatistics =
            modes FoldShrinkage.ByCounts, modes FoldShrinkage.ByStatistics

        let differences =
            [| 3..79 |] |> Array.map (fun gene -> abs (byCounts[gene] - byStatistics[gene]))

        Assert.That(median differences, Is.LessThan 0.01)

    [<Test>]
    let ``shrinkage by counts and covariates exclude each other`` () =
        NegativeBinomialScreen.validate {
            standard.Value with
                Shrink = FoldShrinkage.ByCounts
                Covariates = {
                    CovariateOptions.none with
                        Columns = [ "batch" ]
                }
        }
        |> Expect.says [ "--shrink-by counts"; "--covariates" ]

    [<Test>]
    let ``without counts in a group the maximum is beyond every threshold on its side`` () =
        let p hypothesis =
            (golden {
                standard.Value with
                    Hypothesis = hypothesis
            })
                .Rows

        for threshold in [ 0.5; 1.0; 3.0 ] do
            let both = p (FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, threshold))
            let less = p (FoldHypothesis.Beyond(TwoSampleAlternative.Less, threshold))
            let greater = p (FoldHypothesis.Beyond(TwoSampleAlternative.Greater, threshold))
            Assert.That(both.PValue[1], Is.EqualTo(min 1.0 (2.0 * less.PValue[1])).Within(1e-12))
            Assert.That(both.PValue[2], Is.EqualTo(min 1.0 (2.0 * greater.PValue[2])).Within(1e-12))
            Assert.That(both.Statistic[1] < 0.0 && both.Statistic[2] > 0.0)

    [<Test>]
    let ``one-sided p are each other's complement, and half of the two-sided`` () =
        let p hypothesis =
            (golden {
                standard.Value with
                    Hypothesis = hypothesis
            })
                .Rows.PValue

        let greater = p (FoldHypothesis.Beyond(TwoSampleAlternative.Greater, 0.0))
        let less = p (FoldHypothesis.Beyond(TwoSampleAlternative.Less, 0.0))
        let both = p (FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, 0.0))
        let above = p (FoldHypothesis.Beyond(TwoSampleAlternative.Greater, 0.5))

        for place in [| 3..79 |] do
            Assert.That(abs (greater[place] + less[place] - 1.0), Is.LessThan 1e-9)
            Assert.That(abs (2.0 * min greater[place] less[place] - both[place]), Is.LessThan 1e-9)
            Assert.That(above[place] > greater[place])

    // With many counts the three agree.
    [<Test>]
    let ``likelihood ratio, score and Wald agree where there is much to go by`` () =
        let z test =
            (golden { standard.Value with Test = test }).Rows.Statistic

        let ratio, score, wald =
            z NegativeBinomialTest.LikelihoodRatio, z NegativeBinomialTest.Score, z NegativeBinomialTest.Wald

        for place in 3..79 do
            if abs ratio[place] < 3.0 then
                Assert.That(abs (ratio[place] - score[place]), Is.LessThan 0.3)
                Assert.That(abs (ratio[place] - wald[place]), Is.LessThan 0.3)

    let private simulated seed cells genes =
        Simulation.run {
            SimulationOptions.defaults with
                Cells = cells
                Genes = genes
                Abundance = SimulatedAbundance.Density 0.3
                Dispersion = {
                    Asymptote = 0.2
                    Scale = 0.02
                    Scatter = 0.3
                }
                Perturbations = {
                    SimulationOptions.defaults.Perturbations with
                        Count = 10
                }
                Seed = seed
        }
        |> Expect.ok

    let private screenOf (simulated: SimulatedCells) =
        Groups.create [ "perturbation" ] (Some Simulation.Control) simulated.Cells
        |> Expect.ok

    let private sameRows (a: ContrastRows) (b: ContrastRows) =
        Expect.equal a.LogFoldChange b.LogFoldChange
        Expect.equal a.Statistic b.Statistic
        Expect.equal a.PValue b.PValue
        Expect.equal a.QValue b.QValue
        Expect.equal (standardError a) (standardError b)

    [<Test>]
    let ``threads change no bit`` () =
        let simulated = simulated 3UL 600 90

        let rows threads =
            (run
                {
                    NegativeBinomialScreen.defaults with
                        Threads = threads
                }
                (screenOf simulated)
                simulated.Cells)
                .Rows

        sameRows (rows 1) (rows 2)
        sameRows (rows 1) (rows 5)

    [<Test>]
    let ``the order of genes changes no bit`` () =
        let simulated = simulated 4UL 600 90
        let order = Array.init 90 (fun gene -> (gene * 37 + 11) % 90)
        let cells = Cells.takeGenes order simulated.Cells
        // The library size sums over genes.
        let factors = SizeFactors.librarySize simulated.Cells.Counts

        let options = {
            NegativeBinomialScreen.defaults with
                SizeFactors = SizeFactorKind.Given factors
        }

        let straight = (run options (screenOf simulated) simulated.Cells).Rows
        let shuffled = (run options (screenOf simulated) cells).Rows

        for row in 0..9 do
            for place in 0..89 do
                Expect.equal straight.PValue[row * 90 + order[place]] shuffled.PValue[row * 90 + place]
                Expect.equal straight.LogFoldChange[row * 90 + order[place]] shuffled.LogFoldChange[row * 90 + place]
                Expect.equal straight.QValue[row * 90 + order[place]] shuffled.QValue[row * 90 + place]

    [<Test>]
    let ``the order of cells changes nothing beyond rounding`` () =
        let simulated = simulated 5UL 600 60
        let order = Array.init 600 (fun cell -> (cell * 217 + 5) % 600)
        let cells = Cells.takeCells order simulated.Cells

        let straight =
            (run NegativeBinomialScreen.defaults (screenOf simulated) simulated.Cells).Rows

        let shuffledGroups =
            Groups.create [ "perturbation" ] (Some Simulation.Control) cells |> Expect.ok

        let shuffled = (run NegativeBinomialScreen.defaults shuffledGroups cells).Rows

        for place in 0..599 do
            Assert.That(abs (straight.LogFoldChange[place] - shuffled.LogFoldChange[place]), Is.LessThan 1e-9)
            Assert.That(abs (straight.Statistic[place] - shuffled.Statistic[place]), Is.LessThan 1e-9)

    [<Test>]
    let ``with given dispersions a gene alone has the same bits`` () =
        let simulated = simulated 6UL 500 50
        let factors = SizeFactors.librarySize simulated.Cells.Counts
        let groups = screenOf simulated

        let rows alphas cells =
            (run
                {
                    NegativeBinomialScreen.defaults with
                        SizeFactors = SizeFactorKind.Given factors
                        Dispersion = DispersionSource.Given alphas
                }
                groups
                cells)
                .Rows

        let whole = rows (Array.create 50 0.3) simulated.Cells
        let part = rows (Array.create 20 0.3) (Cells.takeGenes [| 10..29 |] simulated.Cells)

        for row in 0..9 do
            Expect.equal whole.PValue[row * 50 + 10 .. row * 50 + 29] part.PValue[row * 20 .. row * 20 + 19]

    [<Test>]
    let ``each comparison by itself is the screen of two groups`` () =
        let simulated = simulated 7UL 600 80
        let groups = screenOf simulated
        let factors = SizeFactors.librarySize simulated.Cells.Counts
        let dispersion = GeneDispersions.standard

        let options = {
            NegativeBinomialScreen.defaults with
                SizeFactors = SizeFactorKind.Given factors
                Dispersion = DispersionSource.EachComparison dispersion
        }

        let each = run options groups simulated.Cells
        Expect.equal 10 each.Dispersions.Length

        let pair =
            let control = groups.Control.Value
            let members = [| Groups.members control groups; Groups.members each.Perturbations[4] groups |]

            {
                Labels = [| "control"; "other" |]
                Order = Array.concat members
                Starts = members |> Array.map Array.length |> Array.scan (+) 0
                Control = Some 0
            }

        let alone =
            run
                {
                    options with
                        Dispersion = DispersionSource.Screen dispersion
                }
                pair
                simulated.Cells

        Expect.equal each.Rows.PValue[320..399] alone.Rows.PValue

    let private column name (table: Table) =
        match Table.tryColumn name table with
        | Some(Column.Float values) -> values
        | _ -> failwith $"no column {name}"

    /// Estimated on true log2 fold changes, and false positives, by bins of the mean, over screens of the size that the
    /// documentation speaks of.
    [<Test>]
    let ``twenty screens: fold changes are not compressed, and p is uniform under the hypothesis`` () =
        let edges = [| 0.02; 0.1; 0.3; 0.6; 1.5; infinity |]
        let products, squares = Array.zeroCreate<float> 5, Array.zeroCreate<float> 5
        let mutable nulls, below05, below001, called, falseCalls = 0, 0, 0, 0, 0
        let genes = 2000

        for seed in 1UL .. 20UL do
            let simulated = simulated seed 4000 genes
            let groups = screenOf simulated
            let found = run NegativeBinomialScreen.defaults groups simulated.Cells

            let means = column "mean" simulated.Cells.GeneTable
            let truth = Dictionary<struct (string * string), float>()

            for effect in simulated.PerturbationEffects do
                truth[struct (effect.Perturbation, effect.Gene)] <- effect.ExpectedLog2FoldChange

            found.Perturbations
            |> Array.iteri (fun row group ->
                for gene in 0 .. genes - 1 do
                    let place = row * genes + gene
                    let name = simulated.Cells.GeneTable.Names[gene]
                    // By the true mean: the estimated one would go with the estimated fold change.
                    let bin = Array.FindLastIndex(edges, fun edge -> edge <= means[gene])
                    let q = found.Rows.QValue[place]

                    match truth.TryGetValue(struct (groups.Labels[group], name)) with
                    | true, fold ->
                        if q <= 0.05 then
                            called <- called + 1

                        if bin >= 0 && abs fold < 2.0 && found.Rows.Status[place] = RowStatus.Tested then
                            products[bin] <- products[bin] + fold * found.Rows.LogFoldChange[place]
                            squares[bin] <- squares[bin] + fold * fold
                    | _ when found.Rows.Status[place] <> RowStatus.AllZero ->
                        nulls <- nulls + 1

                        if found.Rows.PValue[place] < 0.05 then
                            below05 <- below05 + 1

                        if found.Rows.PValue[place] < 0.001 then
                            below001 <- below001 + 1

                        if q <= 0.05 then
                            called <- called + 1
                            falseCalls <- falseCalls + 1
                    | _ -> ())

        let slopes = Array.map2 (/) products squares
        let rate = float below05 / float nulls
        let discovery = float falseCalls / float called

        TestContext.Out.WriteLine
            $"slopes %A{slopes}; {nulls} null rows: {rate} below 0.05, {float below001 / float nulls} below 0.001; {called} called, {discovery} of them false"

        for slope in slopes do
            Assert.That(slope, Is.InRange(0.95, 1.05))

        Assert.That(rate, Is.InRange(0.045, 0.056))
        Assert.That(float below001 / float nulls, Is.InRange(0.0003, 0.002))
        // Of all perturbations together; a rate of 0.05 is kept for the mean of each one's share.
        Assert.That(discovery, Is.AtMost 0.06)

    [<Test>]
    let ``dispersions come out as simulated`` () =
        let simulated = simulated 2UL 3000 600

        let found =
            (run NegativeBinomialScreen.defaults (screenOf simulated) simulated.Cells).Dispersions[0]

        let truth = column "dispersion" simulated.Cells.GeneTable

        let ratios low high (values: float[]) =
            [| 0..599 |]
            |> Array.filter (fun gene -> found.Means[gene] >= low && found.Means[gene] < high)
            |> Array.map (fun gene -> log (values[gene] / truth[gene]))

        for low, high in [ 0.05, 0.3; 0.3, 1.0; 1.0, infinity ] do
            Assert.That(abs (median (ratios low high found.Trend)), Is.LessThan 0.3)
            Assert.That(abs (median (ratios low high found.Final)), Is.LessThan 0.15)

            let rms values =
                sqrt (Array.averageBy (fun r -> r * r) (ratios low high values))
            // Shrinkage is worth it.
            Assert.That(rms found.Final, Is.LessThan(rms found.GeneWise))

        // The scatter of the truth is 0.3.
        Assert.That(found.PriorVariance, Is.InRange(0.03, 0.2))

    [<Test>]
    let ``trends and shrinkages of every kind`` () =
        let simulated = simulated 9UL 1500 300
        let groups = screenOf simulated

        let dispersions trend shrinkage =
            (run
                {
                    NegativeBinomialScreen.defaults with
                        Dispersion =
                            DispersionSource.Screen {
                                GeneDispersions.standard with
                                    Trend = trend
                                    Shrinkage = shrinkage
                            }
                }
                groups
                simulated.Cells)
                .Dispersions[0]

        for trend in
            [
                ScreenTrend.LocalLikelihood
                ScreenTrend.RunningMedian
                ScreenTrend.Parametric
                ScreenTrend.Constant
            ] do
            let found = dispersions trend ScreenShrinkage.Precision

            for gene in 0..299 do
                if not (Double.IsNaN found.GeneWise[gene]) then
                    Assert.That(found.Trend[gene], Is.InRange(0.05, 50.0))
                    let j, tau2 = found.Information[gene], found.PriorVariance

                    let expected =
                        if found.IsOutlier[gene] then
                            log found.GeneWise[gene]
                        else
                            (j * log found.GeneWise[gene] + log found.Trend[gene] / tau2) / (j + 1.0 / tau2)

                    Assert.That(abs (log found.Final[gene] - expected), Is.LessThan 1e-9)

            let constant = found.Trend |> Array.filter (Double.IsNaN >> not) |> Array.distinct
            Expect.equal (trend = ScreenTrend.Constant) (constant.Length = 1)

        let trend = dispersions ScreenTrend.LocalLikelihood ScreenShrinkage.Trend
        Expect.equal trend.Trend trend.Final

    let private tiny values =
        let counts = SparseCounts.OfDense(6, 2, values)

        let cellTable = {
            Names = [| "c1"; "c2"; "c3"; "c4"; "c5"; "c6" |]
            Columns = [|
                "group",
                Column.Category {
                    Codes = [| 0; 0; 0; 1; 1; 2 |]
                    Levels = [| "ctrl"; "x"; "y" |]
                    Ordered = false
                }
            |]
        }

        Cells.create "tiny" counts cellTable (Table.ofNames [| "a"; "b" |]) |> Expect.ok

    let private compute options control cells =
        Groups.create [ "group" ] control cells
        |> Result.bind (fun groups -> NegativeBinomialScreen.compute Progress.none options groups cells)

    let private usual = [| 1.0f; 2.0f; 0.0f; 3.0f; 4.0f; 1.0f; 2.0f; 0.0f; 1.0f; 5.0f; 0.0f; 2.0f |]

    [<Test>]
    let ``bad input is named`` () =
        let d = NegativeBinomialScreen.defaults
        let control = Some "ctrl"
        Expect.says [ "ctrll"; "ctrl, x, y"; "Did you mean ctrl?" ] (compute d (Some "ctrll") (tiny usual))
        Expect.says [ "tests of counts against all other cells"; "rank-sum" ] (compute d None (tiny usual))
        let half = Array.copy usual
        half[3] <- 1.5f
        Expect.says [ "gene b"; "1.5"; "cell c2"; "whole numbers" ] (compute d control (tiny half))
        let empty = Array.copy usual
        empty[4] <- 0.0f
        empty[5] <- 0.0f
        Expect.says [ "cell c3"; "leave such cells out" ] (compute d control (tiny empty))

        Expect.says
            [ "3 cells of the control ctrl"; "at least 4" ]
            (compute { d with MinimumCells = 4 } control (tiny usual))

        let factors values = {
            d with
                SizeFactors = SizeFactorKind.Given values
        }

        Expect.says [ "size factors: 2 where 6" ] (compute (factors [| 1.0; 2.0 |]) control (tiny usual))

        Expect.says
            [ "cell c2"; "-1"; "above 0" ]
            (compute (factors [| 1.0; -1.0; 1.0; 1.0; 1.0; 1.0 |]) control (tiny usual))

        let alphas values = {
            d with
                Dispersion = DispersionSource.Given values
        }

        Expect.says [ "dispersions: 3 where 2" ] (compute (alphas [| 1.0; 1.0; 1.0 |]) control (tiny usual))
        Expect.says [ "gene b"; "NaN" ] (compute (alphas [| 1.0; nan |]) control (tiny usual))

        let test hypothesis = { d with Hypothesis = hypothesis }

        Expect.says
            [ "--threshold -1" ]
            (compute (test (FoldHypothesis.Beyond(TwoSampleAlternative.Less, -1.0))) control (tiny usual))

        Expect.says [ "--threshold 0"; "above 0" ] (compute (test (FoldHypothesis.Within 0.0)) control (tiny usual))

        let quasi = {
            alphas [| 1.0; 1.0 |] with
                Test = NegativeBinomialTest.QuasiLikelihood
        }

        Expect.says [ "--test ql"; "not given" ] (compute quasi control (tiny usual))

    [<Test>]
    let ``a group of one cell is told, or tested if asked for`` () =
        let found =
            compute NegativeBinomialScreen.defaults (Some "ctrl") (tiny usual) |> Expect.ok

        Expect.equal [| RowStatus.TooFewCells; RowStatus.TooFewCells |] found.Rows.Status[2..]
        Assert.That(found.Rows.PValue[2], Is.NaN)
        Assert.That(found.Rows.PValue[0], Is.InRange(0.0, 1.0))

        let asked =
            compute
                {
                    NegativeBinomialScreen.defaults with
                        MinimumCells = 1
                }
                (Some "ctrl")
                (tiny usual)
            |> Expect.ok

        Expect.equal RowStatus.ZeroInPerturbed asked.Rows.Status[2]
        Expect.equal RowStatus.Tested asked.Rows.Status[3]

    // Equal size factors and given dispersion: means are averages. Gene a: 1 against (1 + 0 + 4)/3, gene b: 3 + 1 over 2.
    [<Test>]
    let ``fold changes by hand`` () =
        let options = {
            NegativeBinomialScreen.defaults with
                SizeFactors = SizeFactorKind.Given(Array.create 6 1.0)
                Dispersion = DispersionSource.Given [| 0.5; 0.5 |]
                Test = NegativeBinomialTest.Wald
        }

        let rows = (compute options (Some "ctrl") (tiny usual) |> Expect.ok).Rows
        // Gene a of ctrl 1, 0, 4; of x 2, 1. Gene b of ctrl 2, 3, 1; of x 0, 5.
        Assert.That(abs (rows.LogFoldChange[0] - Math.Log2(1.5 / (5.0 / 3.0))), Is.LessThan 1e-12)
        Assert.That(abs (rows.LogFoldChange[1] - Math.Log2(2.5 / 2.0)), Is.LessThan 1e-12)
        // I = n m / (1 + m/2).
        let information n m = n * m / (1.0 + 0.5 * m)

        let error =
            sqrt (1.0 / information 2.0 1.5 + 1.0 / information 3.0 (5.0 / 3.0)) / log 2.0

        Assert.That(abs ((standardError rows)[0] - error), Is.LessThan 1e-12)
        Assert.That(abs (rows.Statistic[0] - rows.LogFoldChange[0] / error), Is.LessThan 1e-12)
        Expect.equal [| 1.0; 0.5 |] rows.Fraction[..1]
        Expect.equal [| 2.0 / 3.0; 1.0 |] rows.ReferenceFraction[..1]

    [<Test>]
    let ``genes of low expression can be left out`` () =
        let options = {
            standard.Value with
                LowExpression =
                    Some {
                        ControlFraction = 0.5
                        ControlMean = 1.0
                        Fraction = 0.5
                        Mean = 1.0
                    }
        }

        let rows, all = (golden options).Rows, (golden standard.Value).Rows
        let mutable left = 0

        for place in 0..159 do
            let low =
                all.ReferenceFraction[place] < 0.5
                && all.ReferenceMean[place] < 1.0
                && all.Fraction[place] < 0.5
                && all.Mean[place] < 1.0

            Expect.equal low (rows.Status[place] = RowStatus.LowExpression)

            if low then
                left <- left + 1
                Assert.That(rows.PValue[place], Is.NaN)
                Assert.That(rows.QValue[place], Is.NaN)
            else
                Expect.equal all.PValue[place] rows.PValue[place]

        Assert.That(left, Is.InRange(10, 120))
