namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO

/// Tables of differential expression that are made where none are supplied.
module OwnTablesTests =

    let private compute test sides scale cells =
        OwnTables.compute Progress.none DePrecision.Double test sides scale cells

    let private table scale cells =
        (compute OwnTables.rankSum PerturbedSample.sides scale cells |> Expect.ok).Table

    /// Cells of the random set of cell-eval: the control and two perturbations.
    let private random =
        lazy
            (let labels = File.ReadAllLines(TestData.golden "evaluation/random_real_labels.txt")

             let matrix =
                 Npy.readMatrix Progress.none (TestData.golden "evaluation/random_real_cells.npy")
                 |> Expect.ok

             let rows =
                 Array.init matrix.Rows (fun row ->
                     Array.sub matrix.Values (row * matrix.Columns) matrix.Columns
                     |> Array.map float32)

             PerturbedSample.cellsOf "random" labels (Array.init matrix.Columns string) rows)

    [<Test>]
    let ``agree with the tables that cell-eval's random cells came with`` () =
        let wanted, _ = EvaluationGolden.tables "random"
        let found = table ExpressionScale.Logarithms random.Value
        Expect.equal [| "pert_0"; "pert_7" |] found.Targets
        let mutable compared = 0

        for target in 0..1 do
            let other = Array.IndexOf(wanted.Targets, found.Targets[target])

            let rowOf =
                dict [
                    for row in wanted.Starts[other] .. wanted.Starts[other + 1] - 1 ->
                        wanted.Features[DeTable.feature wanted row], row
                ]

            for row in found.Starts[target] .. found.Starts[target + 1] - 1 do
                let at = rowOf[found.Features[DeTable.feature found row]]
                // The golden table has eight digits.
                Assert.That(found.Log2FoldChange[row], Is.EqualTo(wanted.Log2FoldChange[at]).Within 1e-6)
                Assert.That(found.Fdr[row], Is.EqualTo(wanted.Fdr[at]).Within 1e-6)
                compared <- compared + 1

        Expect.equal 200 compared

    /// Values above 0 in two of three genes: counts with the totals 3, 6, 6 of the control and so on.
    let private counts =
        PerturbedSample.cellsOf "counts" [| "control"; "control"; "a"; "a"; "b"; "b" |] [| "x"; "y"; "z" |] [|
            [| 1.0f; 2.0f; 0.0f |]
            [| 2.0f; 4.0f; 0.0f |]
            [| 4.0f; 0.0f; 0.0f |]
            [| 2.0f; 0.0f; 0.0f |]
            [| 1.0f; 2.0f; 0.0f |]
            [| 4.0f; 8.0f; 0.0f |]
        |]

    [<Test>]
    let ``fold changes are of geometric means without a pseudocount, 0 where both are 0`` () =
        let found = table ExpressionScale.Counts counts
        // The totals 3, 6, 4, 2, 3, 12 have the median 3.5: x is 3.5/3 in each control cell, 3.5 in those of a, y 7/3 and 0.
        let x = log (3.5 / (3.5 / 3.0)) / log 2.0
        Assert.That(found.Log2FoldChange[0], Is.EqualTo(x).Within 1e-6)
        Expect.equal -infinity found.Log2FoldChange[1]
        Expect.equal 0.0 found.Log2FoldChange[2]
        // Perturbation b has the composition of the control.
        Assert.That(found.Log2FoldChange[3], Is.EqualTo(0.0).Within 1e-6)
        Expect.equal 1.0 found.PValue[2]

    [<Test>]
    let ``p is that of U with ties and continuity, from the definition`` () =
        let cells = PerturbedSample.real.Value
        let found = table ExpressionScale.Logarithms cells
        let labels, rows = PerturbedSample.draw 2

        let valuesOf label gene =
            Array.zip labels rows
            |> Array.filter (fun (own, _) -> own = label)
            |> Array.map (fun (_, row) -> float row[gene])

        for target in 0 .. found.Targets.Length - 1 do
            for row in found.Starts[target] .. found.Starts[target + 1] - 1 do
                let gene = DeTable.feature found row

                let perturbed, control =
                    valuesOf found.Targets[target] gene, valuesOf "control" gene

                let mean, variance = Reference.RankSum.moments perturbed control

                let distance =
                    max 0.0 (abs (Reference.RankSum.u perturbed control - mean + 0.0) - 0.5)

                let n1, n0 = float perturbed.Length, float control.Length
                let centred = abs (Reference.RankSum.u perturbed control - n1 * n0 / 2.0)
                Assert.That(distance, Is.EqualTo(max 0.0 (centred - 0.5)).Within 1e-9)
                let z = distance / sqrt variance
                let p = MathNet.Numerics.SpecialFunctions.Erfc(z / sqrt 2.0)
                Assert.That(found.PValue[row], Is.EqualTo(min 1.0 p).Within 1e-9)

    [<Test>]
    let ``values that are logarithms already give what their counts give`` () =
        let values =
            ExpressionScale.values ExpressionScale.Counts [| 0; 1; 2 |] counts.Counts

        let logarithms = {
            counts with
                Counts = ExpressionScale.rows values [| 0..5 |] |> ExpressionScale.matrix 3
        }

        let ofCounts, ofLogarithms =
            table ExpressionScale.Counts counts, table ExpressionScale.Logarithms logarithms

        Expect.equal ofCounts.PValue ofLogarithms.PValue
        Expect.equal ofCounts.Fdr ofLogarithms.Fdr

        for a, b in Array.zip ofCounts.Log2FoldChange ofLogarithms.Log2FoldChange do
            Assert.That(a, Is.EqualTo(b).Within 1e-5)

    [<Test>]
    let ``corrected counts with fractional parts are tested, too`` () =
        let halved = {
            counts with
                Counts =
                    SparseCounts.OfDense(
                        6,
                        3,
                        [|
                            for cell in 0..5 do
                                let row = Array.zeroCreate<float32> 3
                                let indices = counts.Counts.ByCell.IndicesOf(cell).ToArray()
                                let values = counts.Counts.ByCell.ValuesOf(cell).ToArray()
                                Array.iter2 (fun gene value -> row[gene] <- value / 4.0f) indices values
                                yield! row
                        |]
                    )
        }

        let whole, quarters =
            table ExpressionScale.Counts counts, table ExpressionScale.Counts halved

        Expect.equal whole.PValue quarters.PValue

    let private spoilt label =
        PerturbedSample.predicted (fun own row ->
            if own = label then
                Array.mapi (fun gene value -> if gene = 0 then nanf else value) row
            else
                row)

    [<Test>]
    let ``a perturbation with NaN is not tested, the others are as without it`` () =
        let found =
            compute OwnTables.rankSum PerturbedSample.sides ExpressionScale.Logarithms (spoilt "g3")
            |> Expect.ok

        let whole =
            table ExpressionScale.Logarithms (PerturbedSample.predicted (fun _ row -> row))

        Expect.equal [ "g3" ] found.Untested
        Expect.equal whole.Targets found.Table.Targets
        let at = Array.IndexOf(whole.Targets, "g3")
        Expect.equal found.Table.Starts[at] found.Table.Starts[at + 1]
        Expect.equal whole.Fdr[..29] found.Table.Fdr[..29]
        Expect.equal (11 * 30) found.Table.Fdr.Length

    [<TestCase(1)>]
    [<TestCase(31)>]
    [<TestCase(95)>]
    let ``tests by ranges of perturbations give the same bits, and rows again when asked`` atOnce =
        let cells = spoilt "g3"

        let by atOnce test =
            OwnTables.computeAtOnce
                atOnce
                Progress.none
                DePrecision.Double
                test
                PerturbedSample.sides
                ExpressionScale.Logarithms
                cells
            |> Expect.ok

        for test in [ OwnTables.rankSum; (OwnTables.parse "welch" |> Expect.ok).Value ] do
            let whole, ranged = by 1000 test, by atOnce test
            Expect.equal whole.Table ranged.Table
            Expect.equal [| 0; 11 |] whole.Rows.Starts
            let size = max 1 (atOnce / 30)
            Expect.equal (Array.append [| 0..size..10 |] [| 11 |]) ranged.Rows.Starts
            Expect.equal whole.Summary.Perturbations ranged.Summary.Perturbations
            Expect.equal whole.Summary.Cells ranged.Summary.Cells
            Expect.equal whole.Summary.LeftOut ranged.Summary.LeftOut

            let statistics (table: OwnTable) =
                Array.init (table.Rows.Starts.Length - 1) (fun range -> (table.Rows.Make range).Statistic)
                |> Array.concat

            Expect.equal (statistics whole) (statistics ranged)
            Expect.equal (statistics ranged) (statistics ranged)

    [<Test>]
    let ``a table is written the same from ranges as from all rows`` () =
        TestData.temporaryFolder (fun folder ->
            let written atOnce =
                let table =
                    OwnTables.computeAtOnce
                        atOnce
                        Progress.none
                        DePrecision.Double
                        OwnTables.rankSum
                        PerturbedSample.sides
                        ExpressionScale.Logarithms
                        PerturbedSample.real.Value
                    |> Expect.ok

                let path = Path.Combine(folder, $"{atOnce}.csv")

                RowSource.ofRanges 12 30 table.Rows
                |> fun source ->
                    DifferentialFile.writeRows
                        Progress.none
                        {
                            DifferentialFile.standard with
                                Columns = DifferentialColumns.Pdex
                        }
                        []
                        table.Summary
                        source
                        path
                        path

                File.ReadAllText path

            let whole = written 1000
            Expect.equal (1 + 12 * 30) (whole.TrimEnd().Split('\n').Length)
            Expect.equal whole (written 70))

    [<Test>]
    let ``without a control nothing is tested`` () =
        let found =
            compute OwnTables.rankSum PerturbedSample.sides ExpressionScale.Logarithms (spoilt "control")
            |> Expect.ok

        Expect.equal 12 found.Untested.Length
        Expect.equal 12 found.Table.Targets.Length
        Expect.equal [||] found.Table.Fdr

    [<Test>]
    let ``tests of counts refuse what is none, and names are known`` () =
        for name in OwnTables.names do
            let parsed = OwnTables.parse name |> Expect.ok
            Expect.equal (name = "none") parsed.IsNone

        OwnTables.parse "ranksum"
        |> Expect.says [ "--de-test"; "Did you mean rank-sum?" ]

        let lrt = (OwnTables.parse "lrt" |> Expect.ok).Value

        compute lrt PerturbedSample.sides ExpressionScale.Logarithms PerturbedSample.real.Value
        |> Expect.says [ "--de-test lrt"; "real holds other values" ]

    [<Test>]
    let ``two genes of one name are refused`` () =
        let cells =
            PerturbedSample.cellsOf "twice" [| "control"; "a" |] [| "x"; "x" |] [| [| 0.5f; 1.0f |]; [| 1.5f; 2.0f |] |]

        compute OwnTables.rankSum PerturbedSample.sides ExpressionScale.Logarithms cells
        |> Expect.says [ "gene x stands at two places, 1 and 2" ]

    [<Test>]
    let ``the table of a part has the rows of its perturbations`` () =
        let whole = table ExpressionScale.Logarithms PerturbedSample.real.Value
        let part = DeTable.restrict [| "g7"; "g11" |] whole
        Expect.equal [| "g11"; "g7" |] part.Targets
        Expect.equal [| 0; 30; 60 |] part.Starts
        let at = Array.IndexOf(whole.Targets, "g7")
        Expect.equal whole.Fdr[whole.Starts[at] .. whole.Starts[at + 1] - 1] part.Fdr[30..]
        Assert.That(obj.ReferenceEquals(DeTable.restrict whole.Targets whole, whole))
