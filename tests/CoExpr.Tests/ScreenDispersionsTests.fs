namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO
open CoExpr.Reference

/// What is told of the dispersions of a screen.
module ScreenDispersionsTests =

    /// 150 cells of two groups; g0 in none, g1 with one count everywhere, the others spread.
    let private cells =
        let random = System.Random 5

        let row _ =
            Array.init 12 (fun gene ->
                match gene with
                | 0 -> 0.0f
                | 1 -> 2.0f
                | _ -> float32 (random.Next(1 + gene) * random.Next 3))

        let cells =
            Screen.cells {
                Cells = Array.init 150 row
                Genes = 12
                Labels = Array.init 150 (fun cell -> if cell % 3 = 0 then "control" else "a")
                Batches = Array.create 150 "x"
            }

        {
            cells with
                GeneTable.Columns = [| "dispersion", Column.Float(Array.init 12 float) |]
        }

    let private factors = Array.init 150 (fun cell -> 0.5 + float (cell % 7) / 6.0)

    let private options dispersion = {
        DifferentialExpression.defaults with
            Control = Some "control"
            Test =
                DifferentialTest.NegativeBinomial {
                    NegativeBinomialScreen.defaults with
                        SizeFactors = SizeFactorKind.Given factors
                        Dispersion = dispersion
                }
            Threads = 1
    }

    let private screen = DispersionSource.Screen GeneDispersions.standard

    let private compute dispersion =
        DifferentialExpression.compute Progress.none (options dispersion) cells
        |> Expect.ok

    let private number (text: string) =
        if text = "" then
            nan
        else
            Double.Parse(text, CultureInfo.InvariantCulture)

    [<Test>]
    let ``the table has means, dispersions by definition, and what became of them`` () =
        TestData.temporaryFolder (fun folder ->
            let table = Path.Combine(folder, "dispersions.tsv")
            DifferentialFile.writeDispersionsInPlace (compute screen).Dispersions.Value cells.GeneTable.Names table
            let lines = File.ReadAllLines table |> Array.map (fun line -> line.Split '\t')

            Expect.equal
                [|
                    "gene"
                    "mean"
                    "dispersion_raw"
                    "dispersion_trend"
                    "dispersion"
                    "status"
                |]
                lines[0]

            Expect.equal "no_counts" lines[1].[5]
            Expect.equal "" lines[1].[2]
            Expect.equal "at_zero" lines[2].[5]

            for gene in 2..11 do
                let columns = lines[gene + 1]
                Expect.equal $"g{gene}" columns[0]
                let counts = Array.zeroCreate<float> 150
                let byGene = cells.Counts.ByGene

                let places, values =
                    byGene.IndicesOf(gene).ToArray(), byGene.ValuesOf(gene).ToArray()

                Array.iter2 (fun cell (value: float32) -> counts[cell] <- float value) places values

                let ofGroup isControl (values: float[]) =
                    [| 0..149 |]
                    |> Array.filter (fun cell -> (cell % 3 = 0) = isControl)
                    |> Array.map (fun cell -> values[cell])

                let both values = [| ofGroup false values; ofGroup true values |]
                let expected = NegativeBinomial.dispersion true (both factors) (both counts)
                let mean = Array.map2 (/) counts factors |> Array.average
                Assert.That(number columns[1], Is.EqualTo(mean).Within(1e-12 * mean))
                Assert.That(log (number columns[2]), Is.EqualTo(expected).Within 0.006)
                let raw, trend, final = number columns[2], number columns[3], number columns[4]

                match columns[5] with
                | "ok" -> Assert.That(final, Is.InRange(0.999 * min raw trend, 1.001 * max raw trend))
                | "outlier" -> Expect.equal raw final
                | other -> Assert.Fail other)

    [<Test>]
    let ``an h5ad has them beside its genes, and keeps the input's under another name`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "out.h5ad")
            let found = compute screen

            DifferentialFile.write Progress.none DifferentialFile.standard found path
            |> Expect.ok

            let table = (AnnData.read ReadOptions.standard path |> Expect.ok).GeneTable

            let column name =
                match Table.tryColumn name table with
                | Some(Column.Float values) -> values
                | _ -> failwith $"no column {name}"

            Expect.equal (Array.init 12 float) (column "dispersion_of_input")

            for name, values in ScreenDispersions.columns found.Dispersions.Value do
                let written = column name
                Expect.equal values[1..] written[1..]
                Assert.That(written[0], Is.NaN))

    [<Test>]
    let ``where each comparison has its own, they are columns of the rows`` () =
        let each = compute (DispersionSource.EachComparison GeneDispersions.standard)
        Assert.That(each.Dispersions.IsNone)
        // Of two groups the one comparison is the screen; sums over groups run the other way round.
        for name, values in ScreenDispersions.columns (compute screen).Dispersions.Value do
            for gene in 1..11 do
                Assert.That((each.Rows.Named name)[gene], Is.EqualTo(values[gene]).Within(1e-6 * values[gene]))

    [<Test>]
    let ``a table of what is not there is refused`` () =
        let refused test path =
            match DifferentialFile.checkDispersions { options screen with Test = test } path with
            | Error error -> CoExprError.describe error
            | Ok() -> ""

        let ofCounts dispersion = (options dispersion).Test
        Expect.equal "" (refused (ofCounts screen) "x.csv.gz")
        Expect.equal "" (refused (DifferentialTest.Crispyx CrispyxScreen.defaults) "x.tsv")
        Assert.That(refused (ofCounts screen) "x.h5ad", Does.Contain "a name in .tsv or .csv")
        Assert.That(refused (ofCounts (DispersionSource.Given [||])) "x.tsv", Does.Contain "are given")

        Assert.That(
            refused (ofCounts (DispersionSource.EachComparison GeneDispersions.standard)) "x.tsv",
            Does.Contain "columns of the results"
        )

        Assert.That(
            refused (DifferentialTest.RankSum RankSum.standard) "x.tsv",
            Is.EqualTo "--dispersions-to x.tsv: --test rank-sum has no dispersions."
        )
