namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open NUnit.Framework
open CoExpr

/// Counts of 60 genes in 420 cells that lie in three batches, and what R's glm and glmGamPoi say of them.
[<RequireQualifiedAccess>]
module CovariateGolden =

    let private lines name =
        File.ReadAllLines(TestData.golden (Path.Combine("negative-binomial-covariates", name)))
        |> Array.map (fun line -> line.Split ',')

    let private number (text: string) =
        Double.Parse(text.Trim(), CultureInfo.InvariantCulture)

    /// A column of genes.csv.
    let column name =
        let all = lines "genes.csv"
        let at = Array.findIndex ((=) name) all[0]
        all[1..] |> Array.map (fun line -> number line[at])

    let private text at =
        (lines "cells.csv")[1..] |> Array.map (fun row -> row[at])

    let screen =
        lazy
            (let rows = lines "counts.csv"

             let values =
                 rows[1..] |> Array.map (fun row -> row[1..] |> Array.map (number >> float32))

             let table = {
                 Names = rows[0][1..]
                 Columns = [|
                     "group", Column.Text(text 1)
                     "batch", Column.Text(text 2)
                     "mito", Column.Float(text 3 |> Array.map number)
                 |]
             }

             let cells =
                 Cells.create
                     "golden"
                     (SparseCounts.OfDense(420, 60, values |> Array.transpose |> Array.concat))
                     table
                     (Table.ofNames (rows[1..] |> Array.map (fun row -> row[0])))
                 |> Expect.ok

             {
                 Cells = cells
                 Groups = Groups.create [ "group" ] (Some "control") cells |> Expect.ok
                 SizeFactors = text 4 |> Array.map number
                 Folds = [||]
             })

module CovariateScreenTests =

    module Golden = CovariateGolden

    let private standardError (rows: ContrastRows) = rows.Named ContrastRows.StandardError

    let private golden test dispersion =
        let screen = Golden.screen.Value

        ConfoundedScreen.compute
            {
                ConfoundedScreen.options [ "batch"; "mito" ] screen with
                    Test = test
                    Dispersion = dispersion
            }
            screen

    let private given = lazy (DispersionSource.Given(Golden.column "given"))

    let private agree what tolerance (expected: string -> float[]) (actual: float[]) =
        for row, group in List.indexed [ "A"; "B" ] do
            Array.iteri
                (fun gene (value: float) ->
                    let found = actual[row * 60 + gene]

                    Assert.That(
                        abs (found - value) <= tolerance * (1.0 + abs value),
                        $"{what} of gene {gene + 1} in {group}: {value:R} {found:R}"
                    ))
                (expected group)

    let private log2 = log 2.0

    [<Test>]
    let ``fold changes, errors and Wald statistics are those of R's glm`` () =
        let rows = (golden NegativeBinomialTest.Wald given.Value).Rows
        let fold group = Golden.column ("glm" + group)
        let error group = Golden.column ("se" + group)
        agree "fold change" 1e-8 (fold >> Array.map (fun b -> b / log2)) rows.LogFoldChange
        agree "standard error" 1e-7 (error >> Array.map (fun e -> e / log2)) (standardError rows)
        agree "statistic" 1e-7 (fun group -> Array.map2 (/) (fold group) (error group)) rows.Statistic

    [<Test>]
    let ``likelihood ratios are those of R's glm and of glmGamPoi`` () =
        let found = golden NegativeBinomialTest.LikelihoodRatio given.Value
        let squares = found.Rows.Statistic |> Array.map (fun z -> z * z)
        let signs = found.Rows.Statistic |> Array.map sign
        Expect.equal (found.Rows.LogFoldChange |> Array.map sign) signs
        // The bound of what is not fitted anew.
        agree "likelihood ratio" 1e-3 (fun group -> Golden.column ("glmlrt" + group)) squares
        agree "likelihood ratio" 1e-3 (fun group -> Golden.column ("lrt" + group)) squares

    [<Test>]
    let ``dispersions are glmGamPoi's, and nearer to the joint maximum`` () =
        let found =
            golden
                NegativeBinomialTest.LikelihoodRatio
                (DispersionSource.Screen {
                    GeneDispersions.standard with
                        Shrinkage = ScreenShrinkage.GeneWise
                })

        let differences name =
            let theirs = Golden.column name

            [| 0..59 |]
            |> Array.filter (fun gene -> theirs[gene] > 1e-3)
            |> Array.map (fun gene -> abs (log found.Dispersions[0].GeneWise[gene] - log theirs[gene]))
            |> Array.sort

        let median (values: float[]) = values[values.Length / 2]
        let theirs, exact = differences "overdispersion", differences "joint"
        TestContext.Out.WriteLine $"ln dispersion, glmGamPoi: median {median theirs}, largest {Array.last theirs}"
        TestContext.Out.WriteLine $"ln dispersion, joint maximum: median {median exact}, largest {Array.last exact}"
        Assert.That(theirs.Length, Is.GreaterThan 55)
        // glmGamPoi holds means at those of a rough dispersion: it is up to 0.06 off the joint maximum.
        Assert.That(median theirs, Is.LessThan 0.003)
        Assert.That(median exact, Is.LessThan 0.001)
        Assert.That(Array.last exact, Is.LessThan 0.03)

    let private small = lazy (ConfoundedScreen.create 3 220 60 3 40)

    let private tests = [
        NegativeBinomialTest.LikelihoodRatio
        NegativeBinomialTest.Wald
        NegativeBinomialTest.Score
        NegativeBinomialTest.QuasiLikelihood
    ]

    let private rowsOf columns test screen =
        (ConfoundedScreen.compute
            {
                ConfoundedScreen.options columns screen with
                    Test = test
            }
            screen)
            .Rows

    let private close (tolerance: float) (a: float[]) (b: float[]) =
        Array.iteri2
            (fun at (x: float) (y: float) ->
                Assert.That(abs (x - y) <= tolerance * (1.0 + abs x), $"place {at}, to {tolerance}: {x:R} {y:R}"))
            a
            b

    // Offsets of 0 take the way of covariates with none. Gauss nodes are right to 1e-10, and where the profile of a
    // dispersion puts nodes on its grid it puts cells here, which moves ln alpha by some 1e-7.
    [<Test>]
    let ``without covariates the model is that of groups`` () =
        let screen = small.Value

        let zeros = {
            CovariateOptions.none with
                Offsets = Array.init 40 (fun _ -> Array.zeroCreate<float> 400)
        }

        let alphas = Array.init 40 (fun gene -> 0.02 * float gene)

        for test in tests |> List.filter ((<>) NegativeBinomialTest.QuasiLikelihood) do
            let run covariates =
                ConfoundedScreen.compute
                    {
                        ConfoundedScreen.options [] screen with
                            Covariates = covariates
                            Test = test
                            Dispersion = DispersionSource.Given alphas
                    }
                    screen

            let groups, offset = run CovariateOptions.none, run zeros
            close 1e-9 groups.Rows.LogFoldChange offset.Rows.LogFoldChange
            close 1e-9 (standardError groups.Rows) (standardError offset.Rows)
            Expect.equal groups.Rows.Status offset.Rows.Status
            Expect.equal groups.Rows.Fraction offset.Rows.Fraction
            close 1e-9 groups.Rows.Mean offset.Rows.Mean
            // Suppositions on the control are taken to second order within a thousandth; the model of groups stops on the
            // way to one where the likelihood, not the score, is right to all digits.
            let tolerance =
                match test with
                | NegativeBinomialTest.LikelihoodRatio -> 5e-4
                | NegativeBinomialTest.Score -> 1e-6
                | _ -> 1e-9

            close tolerance groups.Rows.Statistic offset.Rows.Statistic

        let dispersions covariates =
            (ConfoundedScreen.compute
                {
                    ConfoundedScreen.options [] screen with
                        Covariates = covariates
                }
                screen)
                .Dispersions[0]

        let groups, offset = dispersions CovariateOptions.none, dispersions zeros
        close 1e-6 groups.GeneWise offset.GeneWise
        close 1e-6 groups.Final offset.Final

    // Where every batch has as many cells of each label, means are products of rows and columns: 18 of 27 counts are
    // perturbed, and ln(18 / 9) is 1 in log2. 2 (18 ln 18/13.5 + 9 ln 9/13.5) = 3.058...
    [<Test>]
    let ``a balanced table of Poisson counts is solved by hand`` () =
        let labels = [| "control"; "control"; "control"; "control"; "a"; "a"; "a"; "a" |]
        let batch = [| "x"; "x"; "y"; "y"; "x"; "x"; "y"; "y" |]
        let counts = [| 4.0f; 2.0f; 1.0f; 2.0f; 5.0f; 3.0f; 10.0f; 0.0f |]

        let table = {
            Names = Array.init 8 (fun cell -> $"c{cell}")
            Columns = [| "perturbation", Column.Text labels; "batch", Column.Text batch |]
        }

        let cells =
            Cells.create "by hand" (SparseCounts.OfDense(8, 1, counts)) table (Table.ofNames [| "g" |])
            |> Expect.ok

        let screen: ConfoundedScreen = {
            Cells = cells
            Groups = Groups.create [ "perturbation" ] (Some "control") cells |> Expect.ok
            SizeFactors = Array.create 8 1.0
            Folds = [||]
        }

        let run test =
            (ConfoundedScreen.compute
                {
                    ConfoundedScreen.options [ "batch" ] screen with
                        Test = test
                        Dispersion = DispersionSource.Given [| 0.0 |]
                }
                screen)
                .Rows

        let ratio = 2.0 * (18.0 * log (18.0 / 13.5) + 9.0 * log (9.0 / 13.5))
        let rows = run NegativeBinomialTest.LikelihoodRatio
        Assert.That(rows.LogFoldChange[0], Is.EqualTo(1.0).Within(1e-9))
        Assert.That(rows.Statistic[0], Is.EqualTo(sqrt ratio).Within(1e-3 * sqrt ratio))
        Assert.That((standardError rows)[0], Is.EqualTo(sqrt (1.0 / 18.0 + 1.0 / 9.0) / log2).Within(1e-9))
        let score = (18.0 - 13.5) / sqrt (27.0 / 4.0)
        Assert.That((run NegativeBinomialTest.Score).Statistic[0], Is.EqualTo(score).Within(1e-8))

    [<Test>]
    let ``batches of ranks are labels`` () =
        let ranks batch =
            DifferentialExpression.compute
                Progress.none
                {
                    DifferentialExpression.defaults with
                        Control = Some "control"
                        Test = DifferentialTest.RankSum RankSum.standard
                        Batch = Some batch
                        Threads = 1
                }
                small.Value.Cells

        ranks "percent"
        |> Expect.says [ "--batch percent"; "kind float"; "factor(percent)"; "--covariates" ]

        ranks "lane" |> Expect.says [ "kind integer"; "factor(lane)" ]
        let found = ranks "factor(lane)" |> Expect.ok
        Assert.That(found.Rows.PValue |> Array.forall Double.IsFinite)

    [<Test>]
    let ``a gene's offsets are factors of its means`` () =
        let screen = small.Value
        // The same factor in all cells moves all means, and no fold change.
        let doubled = {
            CovariateOptions.none with
                Columns = [ "batch"; "percent" ]
                Offsets = Array.init 40 (fun gene -> Array.create 400 (0.1 * float gene))
        }

        let run covariates =
            (ConfoundedScreen.compute
                {
                    ConfoundedScreen.options [] screen with
                        Covariates = covariates
                        Dispersion = DispersionSource.Given(Array.create 40 0.2)
                }
                screen)
                .Rows

        let plain =
            run {
                CovariateOptions.none with
                    Columns = [ "batch"; "percent" ]
            }

        let moved = run doubled
        close 1e-9 plain.LogFoldChange moved.LogFoldChange
        close 1e-6 plain.Statistic moved.Statistic

        let expected =
            plain.Mean |> Array.mapi (fun at mean -> mean * exp (-0.1 * float (at % 40)))

        close 1e-9 expected moved.Mean

    [<Test>]
    let ``a shift of a number changes nothing`` () =
        let screen = small.Value

        let shifted = {
            screen with
                Cells = {
                    screen.Cells with
                        CellTable =
                            match Table.tryColumn "percent" screen.Cells.CellTable with
                            | Some(Column.Float values) ->
                                Table.withColumn
                                    "percent"
                                    (Column.Float(values |> Array.map ((+) 40.0)))
                                    screen.Cells.CellTable
                            | _ -> screen.Cells.CellTable
                }
        }

        for test in tests do
            let a, b =
                rowsOf [ "batch"; "percent" ] test screen, rowsOf [ "batch"; "percent" ] test shifted

            close 1e-8 a.LogFoldChange b.LogFoldChange
            close 1e-6 a.Statistic b.Statistic

    [<Test>]
    let ``threads and the order of genes change no bit`` () =
        let screen = small.Value
        let order = Array.init 40 (fun gene -> (gene * 17 + 5) % 40)

        for columns in [ [ "batch" ]; [ "batch"; "percent" ] ] do
            for test in tests do
                let run threads cells =
                    (NegativeBinomialScreen.compute
                        Progress.none
                        {
                            ConfoundedScreen.options columns screen with
                                Test = test
                                Threads = threads
                        }
                        screen.Groups
                        cells
                     |> Expect.ok)
                        .Rows

                let one, three = run 1 screen.Cells, run 3 screen.Cells
                Expect.equal one.Statistic three.Statistic
                Expect.equal one.QValue three.QValue
                let shuffled = run 2 (Cells.takeGenes order screen.Cells)

                for row in 0..2 do
                    for place in 0..39 do
                        Expect.equal one.Statistic[row * 40 + order[place]] shuffled.Statistic[row * 40 + place]
                        Expect.equal one.LogFoldChange[row * 40 + order[place]] shuffled.LogFoldChange[row * 40 + place]

    [<Test>]
    let ``the order of cells changes nothing beyond rounding`` () =
        let screen = small.Value
        let order = Array.init 400 (fun cell -> (cell * 173 + 9) % 400)
        let cells = Cells.takeCells order screen.Cells

        let shuffled = {
            screen with
                Cells = cells
                Groups = Groups.create [ "perturbation" ] (Some "control") cells |> Expect.ok
                SizeFactors = order |> Array.map (fun cell -> screen.SizeFactors[cell])
        }

        for columns in [ [ "batch" ]; [ "batch"; "percent" ] ] do
            let a, b =
                rowsOf columns NegativeBinomialTest.LikelihoodRatio screen,
                rowsOf columns NegativeBinomialTest.LikelihoodRatio shuffled

            close 1e-7 a.LogFoldChange b.LogFoldChange
            close 1e-6 a.Statistic b.Statistic

    [<Test>]
    let ``one-sided p are each other's complement, and half of the two-sided`` () =
        let screen = small.Value

        let p hypothesis =
            (ConfoundedScreen.compute
                {
                    ConfoundedScreen.options [ "batch"; "percent" ] screen with
                        Hypothesis = hypothesis
                }
                screen)
                .Rows.PValue

        let greater = p (FoldHypothesis.Beyond(TwoSampleAlternative.Greater, 0.0))
        let less = p (FoldHypothesis.Beyond(TwoSampleAlternative.Less, 0.0))
        let both = p (FoldHypothesis.Beyond(TwoSampleAlternative.TwoSided, 0.0))
        let above = p (FoldHypothesis.Beyond(TwoSampleAlternative.Greater, 0.5))

        for place in 0..119 do
            Assert.That(abs (greater[place] + less[place] - 1.0), Is.LessThan 1e-9)
            Assert.That(abs (2.0 * min greater[place] less[place] - both[place]), Is.LessThan 1e-9)
            Assert.That(above[place] > greater[place])

    let private without (isEmpty: int -> int -> bool) (screen: ConfoundedScreen) =
        let counts = screen.Cells.Counts
        let values = Array.zeroCreate<float32>(counts.Cells * counts.Genes)
        let byCell = counts.ByCell

        for cell in 0 .. counts.Cells - 1 do
            for at in int byCell.Starts[cell] .. int byCell.Starts[cell + 1] - 1 do
                if not (isEmpty cell byCell.Indices[at]) then
                    values[cell * counts.Genes + byCell.Indices[at]] <- byCell.Values[at]

        {
            screen with
                Cells = {
                    screen.Cells with
                        Counts = SparseCounts.OfDense(counts.Cells, counts.Genes, values)
                }
        }

    [<Test>]
    let ``groups and genes without counts are told, and finite`` () =
        // Cells: 220 controls, then 60 of each of KO0, KO1 and KO2.
        let screen =
            small.Value
            |> without (fun cell gene ->
                gene = 0
                || gene = 1 && cell >= 220 && cell < 280
                || gene = 2 && cell < 220
                || gene = 3 && cell <> 230)

        for columns in [ [ "batch" ]; [ "batch"; "percent" ] ] do
            for test in tests do
                let rows = rowsOf columns test screen
                Expect.equal RowStatus.AllZero rows.Status[0]
                Expect.equal RowStatus.ZeroInPerturbed rows.Status[1]
                Expect.equal RowStatus.Tested rows.Status[41]
                Expect.equal RowStatus.ZeroInReference rows.Status[2]
                Expect.equal RowStatus.ZeroInReference rows.Status[82]
                Expect.equal RowStatus.AllZero rows.Status[43]
                Assert.That(rows.LogFoldChange[1] < -1.0 && rows.Statistic[1] < 0.0)
                Assert.That(rows.LogFoldChange[2] > 1.0 && rows.Statistic[2] > 0.0)

                for place in 0..119 do
                    Assert.That(Double.IsFinite rows.LogFoldChange[place], $"{test} {place}")
                    Assert.That(Double.IsFinite rows.Statistic[place], $"{test} {place} {rows.Status[place]}")
                    Assert.That(rows.PValue[place] >= 0.0 && rows.PValue[place] <= 1.0)

    [<Test>]
    let ``a control intercept that is known is held`` () =
        let screen = small.Value
        let options = ConfoundedScreen.options [] screen

        let run covariates =
            (ConfoundedScreen.compute
                {
                    options with
                        Covariates = covariates
                        Dispersion = DispersionSource.Given(Array.create 40 0.2)
                }
                screen)
                .Rows

        let free = run CovariateOptions.none

        // Without covariates groups are apart, so that the control's own estimate changes no other.
        let frozen =
            run {
                CovariateOptions.none with
                    ControlIntercepts = free.ReferenceMean[..39] |> Array.map log
            }

        close 1e-8 free.LogFoldChange frozen.LogFoldChange
        Assert.That(Array.forall2 (<) (standardError frozen) (standardError free))

        let moved =
            run {
                CovariateOptions.none with
                    ControlIntercepts = free.ReferenceMean[..39] |> Array.map (fun mean -> log mean - log2)
            }

        close 1e-8 (free.LogFoldChange |> Array.map ((+) 1.0)) moved.LogFoldChange

    [<Test>]
    let ``dispersions of each comparison are those of its cells alone`` () =
        let screen = small.Value

        let each =
            ConfoundedScreen.compute
                {
                    ConfoundedScreen.options [ "batch"; "percent" ] screen with
                        Dispersion = DispersionSource.EachComparison GeneDispersions.standard
                }
                screen

        let alone = {
            screen with
                Groups = {
                    Labels = [| "control"; "KO1" |]
                    Order = Array.append [| 0..219 |] [| 280..339 |]
                    Starts = [| 0; 220; 280 |]
                    Control = Some 0
                }
        }

        let pair =
            ConfoundedScreen.compute (ConfoundedScreen.options [ "batch"; "percent" ] alone) alone

        close 1e-9 pair.Rows.Statistic each.Rows.Statistic[40..79]
        close 1e-9 pair.Dispersions[0].Final each.Dispersions[1].Final

    [<Test>]
    let ``what does not fit is refused`` () =
        let screen = small.Value

        let attempt covariates =
            NegativeBinomialScreen.compute
                Progress.none
                {
                    ConfoundedScreen.options [] screen with
                        Covariates = covariates
                }
                screen.Groups
                screen.Cells

        let none = CovariateOptions.none

        attempt { none with Columns = [ "bach" ] }
        |> Expect.says [ "column bach"; "present: perturbation, batch, percent, lane" ]

        attempt {
            none with
                Columns = [ "perturbation" ]
        }
        |> Expect.says [ "confounded with the perturbation" ]

        attempt {
            none with
                ControlIntercepts = [| 1.0 |]
        }
        |> Expect.says [ "intercepts of the control"; "1 where 40" ]

        attempt { none with Offsets = [| [||] |] }
        |> Expect.says [ "genes of the offsets"; "1 where 40" ]

        let offsets =
            Array.init 40 (fun gene -> Array.create (if gene = 7 then 3 else 400) 0.0)

        attempt { none with Offsets = offsets }
        |> Expect.says [ "offsets of gene g7"; "3 where 400" ]

        offsets[7] <- Array.create 400 nan
        attempt { none with Offsets = offsets } |> Expect.says [ "g7"; "finite" ]

    let private falsePositives (screen: ConfoundedScreen) (rows: ContrastRows) =
        let unaffected =
            [| 0 .. screen.Folds.Length - 1 |]
            |> Array.filter (fun at -> screen.Folds[at] = 0.0)

        unaffected
        |> Array.averageBy (fun at -> if rows.PValue[at] < 0.05 then 1.0 else 0.0)

    let private slope (screen: ConfoundedScreen) (rows: ContrastRows) =
        let estimated = rows.LogFoldChange |> Array.map ((*) log2)
        let products = Array.map2 (*) screen.Folds estimated |> Array.sum
        products / (screen.Folds |> Array.sumBy (fun fold -> fold * fold))

    // Four in five perturbed cells are in a batch of one in three controls, and their number is higher.
    [<Test>]
    let ``a confounded screen is calibrated with its covariates, and badly without`` () =
        let screen = ConfoundedScreen.create 8 1000 120 8 500

        for test in
            [
                NegativeBinomialTest.LikelihoodRatio
                NegativeBinomialTest.Wald
                NegativeBinomialTest.Score
            ] do
            let found = rowsOf [ "batch"; "percent" ] test screen
            let without = rowsOf [] test screen
            let rate, bad = falsePositives screen found, falsePositives screen without

            TestContext.Out.WriteLine
                $"{NegativeBinomialTest.name test}: {rate} at 0.05, slope {slope screen found}; without {bad}, {slope screen without}"

            Assert.That(rate, Is.GreaterThan 0.04)
            Assert.That(rate, Is.LessThan 0.06)
            Assert.That(slope screen found, Is.GreaterThan 0.95)
            Assert.That(slope screen found, Is.LessThan 1.05)
            Assert.That(bad, Is.GreaterThan 0.3)
