namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.Kernels

/// Every measure against the packages that people would otherwise use.
module MeasurePythonTests =

    let private text (value: float32) =
        value.ToString("R", CultureInfo.InvariantCulture)

    let private save path (lines: 'a[][]) (write: 'a -> string) =
        File.WriteAllLines(path, lines |> Array.map (Array.map write >> String.concat " "))

    let private python folder (values: float32[][]) (levels: byte[][]) =
        Python.require "sklearn"
        let path name = Path.Combine(folder, name)
        save (path "values.txt") values text
        save (path "levels.txt") levels string

        let lines =
            (Python.run "measures.py" [ path "values.txt"; path "levels.txt" ]).TrimEnd().Split '\n'

        lines
        |> Array.map (fun line ->
            line.Split ' '
            |> Array.map (fun word -> Double.Parse(word, CultureInfo.InvariantCulture)))

    let private cellsOf (values: float32[][]) =
        let genes, cells = values.Length, values[0].Length
        let flat = Array.init (cells * genes) (fun at -> values[at % genes][at / genes])

        Cells.create
            "made"
            (SparseCounts.OfDense(cells, genes, flat))
            (Table.ofNames (Array.init cells string))
            (Table.ofNames (Array.init genes (fun gene -> $"g{gene}")))
        |> Expect.ok

    let private options = {
        Coexpression.defaults with
            Cells = CellsIn.All
            Keep = Keep.All
            MinimumCells = 1
            Negatives = Negatives.AsZero
    }

    let private compute options cells =
        Coexpression.compute Progress.none options cells |> Expect.ok

    let private pairs count = [|
        for a in 0 .. count - 1 do
            for b in a + 1 .. count - 1 -> a, b
    |]

    /// Largest difference of each measure, and of the logarithm of p over its size.
    let private differences folder values =
        let cells = cellsOf values
        let levels = values |> Array.map (Discretization.levels QuantileEdges.Exact 10)
        let expected = python folder values levels

        let largest measure column =
            let scores = (compute { options with Measure = measure } cells).Scores

            Array.zip (pairs values.Length) expected
            |> Array.map (fun ((a, b), line) -> abs ((scores.TryPair(a, b)).Value.Score - Array.item column line))
            |> Array.max

        let tested = compute { options with PValues = true } cells
        let tests = tested.Tests.Value

        let p =
            Array.zip (pairs values.Length) expected
            |> Array.map (fun ((a, b), line) ->
                let bits = (tested.Scores.TryInformation(a, b)).Value
                Expect.equal line[5] (float (tests.Degrees(a, b)))
                let log10P = tests.Log10PValue(a, b, bits)

                if line[4] = 0.0 then
                    0.0
                else
                    abs (log10P - log10 line[4]) / max 1.0 (abs log10P))
            |> Array.max

        [
            "Pearson", largest Measure.Pearson 0
            "Spearman", largest Measure.Spearman 1
            "cosine", largest Measure.Cosine 2
            "Jaccard", largest Measure.Jaccard 3
            "log10 p", p
        ]

    let private agrees values =
        TestData.temporaryFolder (fun folder ->
            for name, difference in differences folder values do
                TestContext.Out.WriteLine $"{name}: largest difference {difference}"
                // G is known to 1e-9 bit times the cells, the others to rounding.
                let allowed =
                    if name = "log10 p" then 1e-6
                    elif name = "Jaccard" then 0.0
                    else 1e-12

                Assert.That(difference, Is.LessThanOrEqualTo allowed, name))

    let private random = System.Random 11

    /// Genes of every density, half of them driven by one factor.
    let private counts genes cells =
        let factor = Array.init cells (fun _ -> random.NextDouble())

        Array.init genes (fun gene ->
            let mean = 4.0 * float (gene + 1) / float genes

            Array.init cells (fun cell ->
                let rate = if gene % 2 = 0 then mean * 2.0 * factor[cell] else mean
                float32 (Seq.length (Seq.filter (fun _ -> random.NextDouble() < rate / 20.0) [ 1..20 ]))))

    [<Test>]
    let ``counts: scipy and scikit-learn say the same`` () = agrees (counts 14 400)

    [<Test>]
    let ``logarithms of counts: scipy and scikit-learn say the same`` () =
        counts 12 300
        |> Array.map (Array.map (fun value -> log (1.0f + value * 1.37f)))
        |> agrees

    [<Test>]
    let ``values below 0: scipy and scikit-learn say the same`` () =
        counts 8 200
        |> Array.map (Array.map (fun value -> if value > 2.0f then -value / 3.0f else value))
        |> agrees

    // Means of thousands of times their spread: what a difference of sums alone would lose 7 digits of.
    [<Test>]
    let ``values far from 0: scipy and scikit-learn say the same`` () =
        counts 8 200
        |> Array.map (Array.map (fun value -> 5000.0f + 0.37f * value))
        |> agrees
