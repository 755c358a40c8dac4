namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

module CovariateDesignTests =

    let private cellsOf labels (columns: (string * Column) list) =
        let count = Array.length labels

        let table = {
            Names = Array.init count (fun cell -> $"c{cell}")
            Columns = Array.ofList (("perturbation", Column.Text labels) :: columns)
        }

        Cells.create "made" (SparseCounts.OfDense(count, 1, Array.create count 1.0f)) table (Table.ofNames [| "g" |])
        |> Expect.ok

    let private labels = [| "control"; "control"; "control"; "a"; "a"; "b"; "b"; null |]
    let private batch = [| "x"; "y"; "z"; "x"; "y"; "z"; "y"; "w" |]
    let private dose = [| 1.0; 2.0; 4.0; 3.0; 0.0; 2.0; 2.0; nan |]

    let private create words columns =
        let cells = cellsOf labels columns
        let groups = Groups.create [ "perturbation" ] (Some "control") cells |> Expect.ok
        CovariateDesign.create words groups cells

    let private standard = [ "batch", Column.Text batch; "dose", Column.Float dose ]

    [<Test>]
    let ``labels are expanded without the first, numbers stay, and all are centred`` () =
        let design = create [ "batch"; "dose" ] standard |> Expect.ok
        Expect.equal [| "batch_y"; "batch_z"; "dose" |] design.Names
        // Seven cells with a label: three of them in y, two in z; doses of 14 together.
        let y = design.Columns[0]
        Assert.That(y[1], Is.EqualTo(1.0 - 3.0 / 7.0).Within(1e-15))
        Assert.That(y[0], Is.EqualTo(-3.0 / 7.0).Within(1e-15))
        Assert.That(design.Columns[1][2], Is.EqualTo(1.0 - 2.0 / 7.0).Within(1e-15))
        Assert.That(design.Columns[2][2], Is.EqualTo(2.0).Within(1e-15))
        // The cell without a label has no part.
        Assert.That(y[7], Is.NaN)
        Expect.equal None design.Strata

    [<Test>]
    let ``cells with equal labels are a stratum`` () =
        let sex = Column.Text [| "f"; "m"; "f"; "m"; "f"; "m"; "f"; "f" |]
        let design = create [ "batch"; "sex" ] (("sex", sex) :: standard) |> Expect.ok
        let stratumOf, rows = design.Strata.Value
        Expect.equal [| 0; 1; 2; 3; 4; 5; 4; -1 |] stratumOf
        Assert.That(rows.Length, Is.EqualTo(6 * 3))

        for cell in 0..6 do
            for column in 0..2 do
                Expect.equal (design.Columns[column][cell]) (rows[stratumOf[cell] * 3 + column])

    [<Test>]
    let ``numbers that are labels are told by factor`` () =
        let lane = Column.Integer([| 1L; 2L; 3L; 1L; 2L; 3L; 2L; 9L |], [||])
        Expect.equal [| "lane_2"; "lane_3" |] (create [ "factor(lane)" ] [ "lane", lane ] |> Expect.ok).Names
        Expect.equal [| "lane" |] (create [ "lane" ] [ "lane", lane ] |> Expect.ok).Names

    [<Test>]
    let ``a shift of a number changes its column by rounding alone`` () =
        let column shift =
            (create [ "dose" ] [ "dose", Column.Float(dose |> Array.map ((+) shift)) ]
             |> Expect.ok)
                .Columns[0]

        for cell in 0..6 do
            Assert.That((column 1000.0)[cell], Is.EqualTo((column 0.0)[cell]).Within(1e-12))

    let private refused words columns parts =
        create words columns |> Expect.says parts

    [<Test>]
    let ``columns that say nothing are refused by name`` () =
        refused [ "batsh" ] standard [ "no column batsh"; "batch"; "dose" ]
        refused [ "batch"; "batch" ] standard [ "batch"; "named 2 times" ]
        refused [ "batch"; "" ] standard [ "name of a column is missing" ]
        let one = Column.Text(Array.create 8 "x")
        refused [ "one" ] [ "one", one ] [ "one"; "level x in all 7 cells" ]
        let same = Column.Float [| 2.5; 2.5; 2.5; 2.5; 2.5; 2.5; 2.5; 9.0 |]
        refused [ "same" ] [ "same", same ] [ "same"; "2.5 in all 7 cells" ]

    [<Test>]
    let ``missing values and numbers that are none are told by cell`` () =
        let gap =
            Column.Text(batch |> Array.mapi (fun cell x -> if cell = 4 then null else x))

        refused [ "gap" ] [ "gap", gap ] [ "gap"; "no value for 1 of 7 cells"; "c4" ]

        let holes =
            Column.Float(dose |> Array.mapi (fun cell x -> if cell = 3 then infinity else x))

        refused [ "holes" ] [ "holes", holes ] [ "holes"; "Infinity for cell c3"; "finite" ]

        let none =
            Column.Float(dose |> Array.mapi (fun cell x -> if cell = 5 then nan else x))

        refused [ "none" ] [ "none", none ] [ "none"; "NaN for cell c5" ]
        let ints = Column.Integer(Array.init 8 int64, Array.init 8 (fun cell -> cell = 2))
        refused [ "ints" ] [ "ints", ints ] [ "ints"; "no value for 1 of 7 cells"; "c2" ]

    [<Test>]
    let ``a covariate that is confounded with the perturbation says which lies in which level only`` () =
        let split = Column.Text [| "x"; "y"; "x"; "x"; "y"; "w"; "w"; "x" |]

        refused [ "split" ] [ "split", split ] [
            "split"
            "confounded with the perturbation"
            "level w: b"
            "levels x, y: a, control"
        ]

        let same = Column.Text [| "u"; "u"; "u"; "v"; "v"; "w"; "w"; "u" |]
        refused [ "same" ] [ "same", same ] [ "level u: control"; "level v: a"; "level w: b" ]
        refused [ "perturbation" ] [] [ "level control: control" ]
        let level = Column.Float [| 0.0; 0.0; 0.0; 5.0; 5.0; 7.0; 7.0; 0.0 |]
        refused [ "level" ] [ "level", level ] [ "level"; "same in all cells of each label"; "a: 5"; "control: 0" ]

    [<Test>]
    let ``covariates that are confounded with each other are told`` () =
        let twice = Column.Float(dose |> Array.map (fun x -> 2.0 * x - 1.0))
        refused [ "dose"; "twice" ] (("twice", twice) :: standard) [ "twice"; "cannot be told apart from dose" ]
        let again = Column.Text(batch |> Array.map (fun x -> x + "2"))
        refused [ "batch"; "again" ] (("again", again) :: standard) [ "again"; "again_y2"; "batch_y" ]
        // The number differs between groups, and beside the batch within none.
        let mixed = Column.Float [| 1.0; 2.0; 3.0; 5.0; 6.0; 12.0; 11.0; 0.0 |]

        refused [ "batch"; "mixed" ] (("mixed", mixed) :: standard) [
            "mixed"
            "batch_y, batch_z and the perturbations"
        ]

    [<Test>]
    let ``a column of names has too many levels`` () =
        let many = Array.init 600 (fun cell -> if cell < 300 then "control" else "a")

        let cells =
            cellsOf many [ "name", Column.Text(Array.init 600 (fun cell -> $"n{cell / 2}")) ]

        let groups = Groups.create [ "perturbation" ] (Some "control") cells |> Expect.ok

        CovariateDesign.create [ "name" ] groups cells
        |> Expect.says [ "levels of covariate name"; "300"; "257" ]
