namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO

module TableFileTests =

    let private read (name: string) (text: string) =
        let path = Scratch.file name
        File.WriteAllText(path, text)
        TableFile.read Progress.none path

    [<Test>]
    let ``types columns by their values`` () =
        let table =
            read "t.tsv" "sample\tcondition\tage\tdose\tbatch\ns1\ta\t3\t0.5\t1\ns2\tb\tNA\t2\t2\n"
            |> Expect.ok

        Expect.equal [| "s1"; "s2" |] table.Names
        Expect.equal (Some(Column.Text [| "a"; "b" |])) (Table.tryColumn "condition" table)
        Expect.equal (Some(Column.Integer([| 3L; 0L |], [| false; true |]))) (Table.tryColumn "age" table)
        Expect.equal (Some(Column.Float [| 0.5; 2.0 |])) (Table.tryColumn "dose" table)
        Expect.equal (Some(Column.Integer([| 1L; 2L |], [||]))) (Table.tryColumn "batch" table)

    [<Test>]
    let ``reads commas, quotes and R's short header`` () =
        let table =
            read "t.csv" "\"condition\"\n\"s1\",\"a, b\"\n\"s2\",\"\"\n" |> Expect.ok

        Expect.equal [| "s1"; "s2" |] table.Names
        Expect.equal (Some(Column.Text [| "a, b"; null |])) (Table.tryColumn "condition" table)

    [<TestCase("", "the file is empty")>]
    [<TestCase("sample\tx\n", "a header alone")>]
    [<TestCase("sample\tx\ns1\t1\t2\t3\n", "line 2: 4 fields, where 2")>]
    [<TestCase("sample\tx\ns1\t1\ns2\n", "line 3: 1 fields, where 2")>]
    [<TestCase("sample\tx\ns1\t1\ns1\t2\n", "row s1 stands at two places, 1 and 2")>]
    [<TestCase("sample\tx\tx\ns1\t1\t2\n", "column x stands at two places")>]
    let ``says what is wrong`` (text: string, reason: string) =
        read "t.tsv" text |> Expect.says [ reason ]

    [<Test>]
    let ``says where there is no file`` () =
        TableFile.read Progress.none "/nowhere/t.tsv" |> Expect.says [ "no such file" ]

module BulkFileTests =

    let private design = Bulk.design "~ condition" (Bulk.conditions [ "a", 3; "b", 3 ])

    let private written options =
        let genes = Bulk.simulate 8UL 20 design |> Array.updateAt 0 (Array.zeroCreate 6)

        let fit, comparison =
            Bulk.run options design (Bulk.compareLevels "b" "a") (Bulk.counts genes)

        let path = Scratch.file "out.tsv"
        BulkFile.write path fit [ comparison ] |> Expect.ok
        comparison, TextTable.read path

    [<Test>]
    let ``a row for each gene, empty where there is nothing, with the reason`` () =
        let comparison, rows = written DesignOptions.standard
        Expect.equal 21 rows.Length
        Expect.equal (comparison.Results |> Array.map (fun r -> r.PValue)) (TextTable.column "p_value" rows)
        let at name = Array.IndexOf(rows[0], name)
        Expect.equal "" (rows[1][at "p_value"])
        Expect.equal "no_counts" (rows[1][at "outcome"])
        Expect.equal "condition_b_vs_a" (rows[2][at "contrast"])

    [<Test>]
    let ``shrunken fold changes have columns of their own`` () =
        let comparison, rows =
            written {
                DesignOptions.standard with
                    Shrink = true
            }

        let expected =
            comparison.Results
            |> Array.map (fun r ->
                match r.Shrunken with
                | Some s -> s.Log2FoldChange
                | None -> nan)

        Expect.equal expected (TextTable.column "shrunken_log2_fold_change" rows)

    [<Test>]
    let ``other endings are refused`` () =
        BulkFile.checkFormat "out.docx" |> Expect.says [ ".tsv or .csv" ]
