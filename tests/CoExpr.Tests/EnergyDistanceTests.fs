namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO
open CoExpr.Reference

module EnergyDistanceTests =

    let private valuesOf (rows: float[][]) : CellValues = {
        Cells = rows.Length
        Genes = rows[0].Length
        Most = rows[0].Length
        Read =
            fun cell genes values ->
                rows[cell]
                |> Array.iteri (fun gene value ->
                    genes[gene] <- gene
                    values[gene] <- value)

                rows[cell].Length
    }

    let private groupsOf control (labels: string[]) =
        let table =
            Table.ofNames (Array.init labels.Length string)
            |> Table.withColumn "label" (Column.categories labels)

        let counts = SparseCounts.OfDense(labels.Length, 1, Array.zeroCreate labels.Length)

        Cells.create "cells" counts table (Table.ofNames [| "g" |])
        |> Result.bind (Groups.create [ "label" ] (Some control))
        |> Expect.ok

    let private draw (seed: int) cells genes =
        let random = System.Random seed

        let labels =
            Array.init cells (fun cell -> if cell % 4 = 0 then "control" else $"p{cell % 3}")

        labels, Array.init cells (fun _ -> Array.init genes (fun _ -> float (random.Next 5)))

    let private energies threads labels rows =
        EnergyDistance.compute threads (groupsOf "control" labels) (valuesOf rows)

    // Group 0 and 4 (mean |x − x'| = 2), control 1 (0), mean |x − c| = (1 + 3) / 2.
    [<Test>]
    let ``has the value of an example by hand`` () =
        Expect.equal
            [| 2.0 * 2.0 - 2.0 - 0.0 |]
            (energies 1 [| "p"; "p"; "control" |] [| [| 0.0 |]; [| 4.0 |]; [| 1.0 |] |])

    [<TestCase(1)>]
    [<TestCase(70)>]
    [<TestCase(150)>]
    let ``agrees with its definition`` (genes: int) =
        let labels, rows = draw 1 150 genes

        let of' label =
            Array.zip labels rows |> Array.filter (fun (l, _) -> l = label) |> Array.map snd

        let found = energies 2 labels rows

        [ "p0"; "p1"; "p2" ]
        |> List.iteri (fun at label ->
            let wanted = PerturbationEvaluation.energy (of' label) (of' "control")
            Assert.That(found[at], Is.EqualTo(wanted).Within 1e-6))

    [<Property(MaxTest = 20)>]
    let ``threads change nothing, and moving all cells little`` seed =
        let labels, rows = draw seed 90 6
        let moved = rows |> Array.map (Array.map (fun value -> value + 1.0))
        let found = energies 1 labels rows

        found = energies 6 labels rows
        && Array.forall2 (fun a b -> abs (a - b) < 1e-5) found (energies 1 labels moved)

    [<Test>]
    let ``a group that holds NaN has none`` () =
        let labels, rows = draw 2 40 3
        let spoilt = Array.findIndex ((=) "p1") labels
        rows[spoilt].[0] <- nan
        let found = energies 1 labels rows
        Expect.equal [ false; true; false ] [ for value in found -> Double.IsNaN value ]

    /// The random cells as they are, in double precision: beside the real data, not in the repository.
    let private random name =
        Npy.readMatrix Progress.none (TestData.require $"../golden/evaluation/golden_random/{name}.npy")
        |> Expect.ok

    let private words name =
        Npy.readText (TestData.require $"../golden/evaluation/golden_random/{name}.npy")
        |> Expect.ok

    [<Test>]
    let ``its correlation agrees with cell-eval`` () =
        let energies side =
            let matrix = random $"X_{side}"
            let rows = matrix.Values |> Array.chunkBySize matrix.Columns
            EnergyDistance.compute 2 (groupsOf "control" (words $"labels_{side}")) (valuesOf rows)

        let found = ProfileErrors.pearson (energies "real") (energies "pred")

        Assert.That(
            found,
            Is.EqualTo(snd (EvaluationGolden.expected "random_expected.json" "pearson_edistance").Head).Within 1e-10
        )
