namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO

/// Evaluation cell type by cell type.
module CellTypesTests =

    /// The sample's cells twice over: those of type T as they are, those of type B from another draw.
    let private typed source (seedT, seedB) =
        let (labelsT, rowsT), (labelsB, rowsB) =
            PerturbedSample.draw seedT, PerturbedSample.draw seedB

        let labels = Array.append labelsT labelsB

        let types =
            Array.append (Array.create labelsT.Length "T") (Array.create labelsB.Length "B")

        let cells =
            PerturbedSample.cellsOf source labels PerturbedSample.genes (Array.append rowsT rowsB)

        {
            cells with
                CellTable = cells.CellTable |> Table.withColumn "type" (Column.categories types)
        }

    let private real, private predicted = typed "real" (2, 4), typed "predicted" (3, 5)

    /// The predicted cells with other types.
    let private retyped typeOf = {
        predicted with
            CellTable =
                predicted.CellTable
                |> Table.withColumn "type" (Column.categories (Array.init predicted.Counts.Cells typeOf))
    }

    let private evaluate (cells: Cells * Cells) =
        Evaluation.run PerturbedSample.options (Some cells) None |> Expect.ok

    [<Test>]
    let ``each type is what it is by itself`` () =
        let parts = CellTypes.split "type" false real predicted |> Expect.ok
        Expect.equal [ "B"; "T" ] (parts |> List.map _.Name)
        let found = evaluate parts[1].Cells.Value

        let alone =
            evaluate (PerturbedSample.real.Value, PerturbedSample.predicted (fun _ row -> row))

        Expect.equal alone.Columns found.Columns
        Expect.equal "real (T)" (fst parts[1].Cells.Value).Source

    [<Test>]
    let ``all types together have a row for each perturbation of each`` () =
        let parts = CellTypes.split "type" false real predicted |> Expect.ok

        let found =
            parts
            |> List.map (fun part -> part.Name, evaluate part.Cells.Value)
            |> List.toArray

        let whole = CellTypes.together found
        Expect.equal 24 whole.Perturbations.Length
        Assert.That(whole.Perturbations |> Array.contains "T|g3")

        let mean name result =
            (Aggregates.ofColumn (PerturbedSample.column name result)).Mean

        let both = (mean "mae" (snd found[0]) + mean "mae" (snd found[1])) / 2.0
        Assert.That(mean "mae" whole, Is.EqualTo(both).Within 1e-15)
        let at = Array.IndexOf(whole.Perturbations, "T|g3")
        let own = Array.IndexOf((snd found[1]).Perturbations, "g3")

        Expect.equal
            (PerturbedSample.column "mse" (snd found[1])).Values[own]
            (PerturbedSample.column "mse" whole).Values[at]
        // One number of each type: the mean of both, without an interval.
        let energy = PerturbedSample.column "pearson_edistance" whole
        Assert.That energy.OfAll

        let interval =
            Intervals.ofResult
                1
                {
                    Intervals.defaults with
                        Resamples = 10
                }
                whole
            |> Array.find (fun one -> one.Name = "pearson_edistance")

        let expected =
            found
            |> Array.averageBy (fun (_, one) -> (PerturbedSample.column "pearson_edistance" one).Values[0])

        Assert.That(interval.Value, Is.EqualTo(expected).Within 1e-12)
        Expect.equal nan interval.Low
        Assert.That(whole.Notes, Has.Some.StartsWith "Cell type T: ")

    [<Test>]
    let ``types that one side lacks are listed, and a prediction may leave some out`` () =
        let onlyT =
            CellTypes.split "type" false predicted predicted
            |> Expect.ok
            |> List.find (fun part -> part.Name = "T")

        let partial = snd onlyT.Cells.Value

        CellTypes.split "type" false real partial
        |> Expect.says [ "The cell types of column type differ: 1 only in real (B)"; "--partial" ]

        Expect.equal
            [ "1 of the 2 cell types are not predicted and take no part: B." ]
            (CellTypes.notes "type" real partial |> Expect.ok)

        Expect.equal [] (CellTypes.notes "type" real predicted |> Expect.ok)

        let without =
            retyped (fun cell ->
                if cell = 0 then null
                elif cell % 2 = 0 then "B"
                else "T")

        Expect.equal
            [
                "1 of the 136 predicted cells have no label in column type and take no part."
            ]
            (CellTypes.notes "type" real without |> Expect.ok)

        let kept = CellTypes.split "type" true real partial |> Expect.ok
        Expect.equal [ "T" ] (kept |> List.map _.Name)

        let broken = retyped (fun cell -> if cell = 7 then "T\r\nB" else "T")

        let said = [
            "predicted: the label of cell cell7 in column type holds a line break (T\\r\\nB)"
        ]

        CellTypes.split "type" true real broken |> Expect.says said
        CellTypes.split "type" true broken real |> Expect.says said

        CellTypes.split "typ" false real predicted
        |> Expect.says [ "no column typ of the cell table; present: target_gene, type" ]

    let private rows = [
        "type,target,feature,log2_fold_change,p_value,fdr"
        "T,a,x,2,0.001,0.01"
        "B,a,x,1,0.5,0.9"
        "T,b,x,,0.5,0.9"
        "B,b,y,-1,0.001,0.01"
    ]

    [<Test>]
    let ``supplied tables are split, too`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "de.csv")
            File.WriteAllLines(path, rows)

            let tables =
                DeTableFile.readBy "type" DePrecision.Double Progress.none path |> Expect.ok

            Expect.equal [ "B"; "T" ] (tables |> Map.toList |> List.map fst)
            let t, b = tables["T"], tables["B"]
            Expect.equal [| "a"; "b" |] t.Targets
            Expect.equal [| 2.0; nan |] t.Log2FoldChange
            Assert.That(DeTable.hasFoldChange t 1, Is.False)
            Expect.equal [| 0.9; 0.01 |] b.Fdr
            Expect.equal [| "x"; "y" |] [| for feature in b.Feature -> b.Features[feature] |]

            let parts = CellTypes.withTables "type" false tables tables [] |> Expect.ok
            Expect.equal [ "B"; "T" ] (parts |> List.map _.Name)

            CellTypes.withTables "type" false tables (Map.remove "T" tables) []
            |> Expect.says [ "1 only in the real table (T)" ]

            let some = Map.remove "T" tables
            let kept = CellTypes.withTables "type" true tables some [] |> Expect.ok
            Expect.equal [ "B" ] (kept |> List.map _.Name)

            Expect.equal
                [ "1 of the 2 cell types are not predicted and take no part: T." ]
                (CellTypes.tableNotes tables some)

            Expect.equal [] (CellTypes.tableNotes tables tables)

            DeTableFile.readBy "kind" DePrecision.Double Progress.none path
            |> Expect.says [ "there is no column kind"; "present: type, target" ])

    [<Test>]
    let ``a gene twice in one type is refused, in two types it is not`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "de.csv")
            File.WriteAllLines(path, rows @ [ "T,a,x,1,1,1" ])

            DeTableFile.readBy "type" DePrecision.Double Progress.none path
            |> Expect.says [ "a, x stands at two places, 1 and 3" ])
