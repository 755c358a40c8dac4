namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open NUnit.Framework
open CoExpr

/// What DESeq2 1.38.3 says of 300 genes in 200 cells: tests/golden/negative-binomial/deseq2-cells.
module Deseq2ScreenTests =

    let private lines name =
        Path.Combine("negative-binomial", "deseq2-cells", name)
        |> TestData.golden
        |> File.ReadAllLines
        |> Array.map (fun line -> line.Split ',')

    let private number (text: string) =
        match text.Trim() with
        | "NA" -> nan
        | text -> Double.Parse(text, CultureInfo.InvariantCulture)

    let private words name column =
        let all = lines name
        let at = Array.IndexOf(all[0], column)
        all[1..] |> Array.map (fun line -> line[at].Trim())

    let private column name column = words name column |> Array.map number

    let private cells =
        lazy
            (let rows = lines "counts.csv"
             let genes = rows[1..] |> Array.map (fun row -> row[0])

             let values =
                 rows[1..] |> Array.map (fun row -> row[1..] |> Array.map (number >> float32))

             let counts =
                 SparseCounts.OfDense(200, 300, values |> Array.transpose |> Array.concat)

             let cellTable = {
                 Names = words "cells.csv" "cell"
                 Columns = [| "group", Column.Text(words "cells.csv" "group") |]
             }

             Cells.create "golden" counts cellTable (Table.ofNames genes) |> Expect.ok)

    let private deseq2 = {
        DifferentialExpression.defaults with
            Perturbation = [ "group" ]
            Control = Some "control"
            Test = DifferentialTest.Deseq2 Deseq2Screen.defaults
            Threads = 2
    }

    let private compute options =
        DifferentialExpression.compute Progress.none options cells.Value |> Expect.ok

    let private found = lazy (compute deseq2)

    let private perturbations = [ 0, "A"; 1, "B" ]

    let private row at (values: float[]) = values[at * 300 .. at * 300 + 299]

    /// The largest difference over 1 + the expected value's size, or over the size alone; what theirs lacks ours must lack.
    let private largest relative (expected: float[]) (actual: float[]) =
        Array.map2
            (fun expected (actual: float) ->
                if Double.IsNaN expected then
                    Assert.That(actual, Is.NaN)
                    0.0
                else
                    abs (actual - expected) / ((if relative then 0.0 else 1.0) + abs expected))
            expected
            actual
        |> Array.max

    let private within (name: string) (bound: float) (difference: float) =
        TestContext.Out.WriteLine $"{name}: largest difference {difference}"
        Assert.That(difference, Is.AtMost bound, name)

    [<Test>]
    let ``size factors are DESeq2's to 1e-8`` () =
        let labels = words "cells.csv" "group"

        for at, group in perturbations do
            let pick =
                [| 0..199 |]
                |> Array.filter (fun cell -> labels[cell] = "control" || labels[cell] = group)

            let file = $"size_factors_{group}.csv"
            let kind = Array.head (words file "type")
            Expect.equal (if group = "A" then "ratio" else "poscounts") kind
            let counts = cells.Value.Counts
            let dense = Array.zeroCreate<float>(300 * pick.Length)

            for gene in 0..299 do
                let places, values =
                    counts.ByGene.IndicesOf(gene).ToArray(), counts.ByGene.ValuesOf(gene).ToArray()

                Array.iter2
                    (fun cell (value: float32) ->
                        match Array.IndexOf(pick, cell) with
                        | -1 -> ()
                        | place -> dense[gene * pick.Length + place] <- float value)
                    places
                    values

            let samples =
                SampleCounts.create "golden" cells.Value.GeneTable.Names (Array.map string pick) dense
                |> Expect.ok

            let chosen =
                if kind = "ratio" then
                    SampleFactors.MedianOfRatios
                else
                    SampleFactors.PositiveCounts

            let ours = MedianOfRatios.factors chosen samples |> Expect.ok
            within $"size factors of {group}" 1e-8 (largest true (column file "size_factor") ours)
            // The screen's own, by the means that they give.
            let means = found.Value.Rows.Named "base_mean" |> row at
            within $"base means of {group}" 1e-8 (largest false (column $"{group}.csv" "baseMean") means)

    [<Test>]
    let ``dispersions are DESeq2's: of genes to 1 %, trend and final to 1e-3`` () =
        for at, group in perturbations do
            let theirs = column $"{group}.csv"
            let ours name = found.Value.Rows.Named name |> row at
            within $"own dispersions in {group}" 0.01 (largest true (theirs "dispGeneEst") (ours "dispersion_raw"))
            within $"trend in {group}" 1e-3 (largest true (theirs "dispFit") (ours "dispersion_trend"))
            within $"final dispersions in {group}" 0.01 (largest true (theirs "dispersion") (ours "dispersion"))

    [<Test>]
    let ``fold changes, statistics and q are DESeq2's to 1e-3`` () =
        for at, group in perturbations do
            let theirs, rows = column $"{group}.csv", found.Value.Rows
            within $"fold changes of {group}" 1e-3 (largest false (theirs "log2FoldChange") (row at rows.LogFoldChange))

            within
                $"errors of {group}"
                1e-3
                (largest false (theirs "lfcSE") (row at (rows.Named ContrastRows.StandardError)))

            within $"statistics of {group}" 1e-3 (largest false (theirs "stat") (row at rows.Statistic))
            within $"p of {group}" 1e-3 (largest false (theirs "pvalue") (row at rows.PValue))
            // Genes that the filter leaves out have none there, and none here.
            within $"q of {group}" 1e-3 (largest false (theirs "padj") (row at rows.QValue))

            for gene in 0..299 do
                let place = at * 300 + gene
                let log10P, p = rows.Log10P[place], rows.PValue[place]

                if p > 1e-300 then
                    Assert.That(10.0 ** log10P, Is.EqualTo(p).Within(1e-9 * p))

    [<Test>]
    let ``statuses say why there is no q`` () =
        let rows = found.Value.Rows
        Expect.equal RowStatus.AllZero rows.Status[0]
        Expect.equal RowStatus.ZeroInPerturbed rows.Status[1]
        Expect.equal RowStatus.ZeroInReference rows.Status[2]
        Expect.equal RowStatus.ZeroInReference rows.Status[300 + 2]

        for place in 0..599 do
            match rows.Status[place] with
            | RowStatus.BelowFilter ->
                Assert.That(rows.QValue[place], Is.NaN)
                Assert.That(rows.PValue[place], Is.Not.NaN)
            | RowStatus.AllZero -> Assert.That(rows.PValue[place], Is.NaN)
            | _ -> Assert.That(rows.QValue[place], Is.Not.NaN)

        Assert.That(rows.Status |> Array.filter ((=) RowStatus.BelowFilter) |> Array.length, Is.GreaterThan 50)

    [<Test>]
    let ``poscounts are told, by the perturbation that needs them`` () =
        match found.Value.Notes with
        | [ words ] -> Assert.That(words, Does.StartWith "No gene has a count in every cell of 1 of 2 comparisons (B):")
        | other -> Assert.Fail $"{other}"

    [<Test>]
    let ``means and fractions are of the two groups`` () =
        let rows = found.Value.Rows

        for at in 0..1 do
            for gene in 6..299 do
                let place = at * 300 + gene
                let fold = Math.Log2(rows.Mean[place] / rows.ReferenceMean[place])
                Assert.That(fold, Is.EqualTo(rows.LogFoldChange[place]).Within 1e-9)

        let counts = lines "counts.csv"
        let values = counts[10][1..] |> Array.map number

        let share first next =
            float (values[first .. next - 1] |> Array.filter (fun y -> y > 0.0) |> Array.length)
            / float (next - first)

        Expect.equal (share 0 100) rows.ReferenceFraction[9]
        Expect.equal (share 100 160) rows.Fraction[9]
        Expect.equal (share 160 200) rows.Fraction[309]

    [<Test>]
    let ``contrasts are analysed as A alone against B`` () =
        let contrast =
            compute {
                deseq2 with
                    Contrasts = [ { Label = "A"; Reference = "B" } ]
            }

        let other = compute { deseq2 with Control = Some "B" }

        Expect.equal [| "A vs B" |] contrast.Perturbations
        Expect.equal (row 0 other.Rows.PValue) contrast.Rows.PValue
        Expect.equal (row 0 other.Rows.LogFoldChange) contrast.Rows.LogFoldChange

    [<Test>]
    let ``what DESeq2 decides by itself is refused`` () =
        let refused options =
            match DifferentialExpression.validate options with
            | Error error -> CoExprError.describe error
            | Ok() -> "nothing"

        for options, words in
            [
                {
                    deseq2 with
                        IndependentFiltering = Some 0.1
                },
                "--independent-filtering"
                {
                    deseq2 with
                        Adjustment = Adjustment.OverAll
                },
                "--q-over all"
                { deseq2 with CountUntestable = true }, "--count-untestable"
                {
                    deseq2 with
                        Alternative = TwoSampleAlternative.Less
                },
                "--alternative less"
                {
                    deseq2 with
                        Test = DifferentialTest.Deseq2 { Alpha = 0.0 }
                },
                "--alpha 0"
                { deseq2 with Batch = Some "batch" }, "--batch"
            ] do
            Assert.That(refused options, Does.StartWith words)

        Expect.equal "nothing" (refused deseq2)

    [<Test>]
    let ``a group of one cell is told, not tested`` () =
        let labels = words "cells.csv" "group"
        labels[199] <- "single"

        let input = {
            cells.Value with
                CellTable.Columns = [| "group", Column.Text labels |]
        }

        let found = DifferentialExpression.compute Progress.none deseq2 input |> Expect.ok
        Expect.equal [| "A"; "B"; "single" |] found.Perturbations

        for gene in 0..299 do
            Expect.equal RowStatus.TooFewCells found.Rows.Status[600 + gene]
            Assert.That(found.Rows.PValue[600 + gene], Is.NaN)

    // Of our own tests: with DESeq2's size factors and dispersions.
    [<Test>]
    let ``Cook's distances are DESeq2's`` () =
        for _, group in perturbations do
            let labels = words "cells.csv" "group"

            let pick =
                [| 0..199 |]
                |> Array.filter (fun cell -> labels[cell] = "control" || labels[cell] = group)

            let dispersions =
                column $"cooks_{group}.csv" "dispersion"
                |> Array.map (fun alpha -> if Double.IsNaN alpha then 1.0 else alpha)

            let options = {
                deseq2 with
                    Test =
                        DifferentialTest.NegativeBinomial {
                            NegativeBinomialScreen.defaults with
                                Test = NegativeBinomialTest.Wald
                                SizeFactors = SizeFactorKind.Given(column $"size_factors_{group}.csv" "size_factor")
                                Dispersion = DispersionSource.Given dispersions
                                Outliers = CountOutliers.SetAside
                        }
            }

            let found =
                DifferentialExpression.compute Progress.none options (Cells.takeCells pick cells.Value)
                |> Expect.ok

            let theirs = column $"cooks_{group}.csv" "maxCooks"

            let worst, outliers =
                words $"cooks_{group}.csv" "worst", words $"cooks_{group}.csv" "outlier"

            let distances = found.Rows.Named NegativeBinomialScreen.CooksDistance
            let places = found.Rows.Named NegativeBinomialScreen.CooksCell
            let mutable differences = 0.0

            for gene in 1..299 do
                if not (Double.IsNaN theirs[gene]) then
                    let difference = abs (distances[gene] - theirs[gene]) / theirs[gene]
                    differences <- max differences difference
                    Expect.equal worst[gene] found.CellNames[int places[gene]]
                    Expect.equal (outliers[gene] = "TRUE") (found.Rows.Status[gene] = RowStatus.OutlyingCount)

            within $"Cook's distances in {group}" 1e-3 differences
