namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module GroupsTests =

    let private cellsWith (columns: (string * Column)[]) =
        let rows = Column.length (snd columns[0])
        let names = Array.init rows (fun i -> $"c{i}")

        Cells.create
            "simulated"
            (SparseCounts.OfDense(rows, 1, Array.zeroCreate rows))
            { Names = names; Columns = columns }
            (Table.ofNames [| "g" |])
        |> Expect.ok

    let private cells =
        cellsWith [|
            "target", Column.categories [| "STAT1"; "control"; null; "JAK2"; "STAT1"; "control" |]
            "batch", Column.Integer([| 1L; 1L; 1L; 2L; 2L; 2L |], [| false; false; false; false; false; true |])
        |]

    [<Test>]
    let ``groups are in ordinal order, cells in file order, and one without a label in none`` () =
        let groups = Groups.create [ "target" ] (Some "control") cells |> Expect.ok
        Expect.equal [| "JAK2"; "STAT1"; "control" |] groups.Labels
        Expect.equal [| 3; 0; 4; 1; 5 |] groups.Order
        Expect.equal [| 0; 1; 3; 5 |] groups.Starts
        Expect.equal (Some 2) groups.Control
        Expect.equal [| 0; 4 |] (Groups.members 1 groups)

    [<Test>]
    let ``a blank is no label`` () =
        let blank =
            cellsWith [| "target", Column.Text [| "control"; " "; ""; "JAK2"; "\t" |] |]

        let groups = Groups.create [ "target" ] None blank |> Expect.ok
        Expect.equal [| "JAK2"; "control" |] groups.Labels
        Expect.equal [| 3; 0 |] groups.Order

    [<Test>]
    let ``labels of several columns are joined, and one that lacks a part has none`` () =
        let groups = Groups.create [ "target"; "batch" ] None cells |> Expect.ok
        Expect.equal [| "JAK2|2"; "STAT1|1"; "STAT1|2"; "control|1" |] groups.Labels
        Expect.equal [| 3; 0; 4; 1 |] groups.Order
        Expect.equal None groups.Control

    [<Test>]
    let ``a column or control that is absent is told with those there are, the largest groups first`` () =
        Expect.says [ "column targets"; "target, batch" ] (Groups.create [ "targets" ] None cells)

        Expect.says
            [ "contrl"; "STAT1, control, JAK2"; "Did you mean control?" ]
            (Groups.create [ "target" ] (Some "contrl") cells)

    [<Property>]
    let ``every labelled cell is in exactly its own group`` (labels: byte option list) =
        let labels =
            labels
            |> List.map (Option.map (fun label -> string (label % 5uy)) >> Option.toObj)
            |> List.toArray

        labels.Length = 0
        || (let groups =
                Groups.create [ "x" ] None (cellsWith [| "x", Column.Text labels |])
                |> Expect.ok

            let found =
                [ 0 .. groups.Labels.Length - 1 ]
                |> List.collect (fun group ->
                    Groups.members group groups
                    |> Array.map (fun cell -> cell, groups.Labels[group])
                    |> Array.toList)

            let expected =
                labels |> Array.toList |> List.indexed |> List.filter (snd >> isNull >> not)

            List.sort found = expected)
