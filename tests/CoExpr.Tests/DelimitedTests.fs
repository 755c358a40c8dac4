namespace CoExpr.Tests

open System
open System.IO
open FsCheck
open FsCheck.FSharp
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

module DelimitedTests =

    let private readAs rowsAre (name: string) (text: string) =
        TestData.temporaryFolder (fun folder -> Delimited.read rowsAre Progress.none (TextFiles.put folder name text))

    let private read = readAs RowsAre.Cells

    /// Files that all say: cells a and b, genes g1 and g2, values 1 0 / 2.5 3.
    let private sameTable = [
        "m.tsv", "\tg1\tg2\na\t1\t0\nb\t2.5\t3\n"
        "m.csv", ",g1,g2\na,1,0\nb,2.5,3\n"
        "m.csv.gz", ",g1,g2\na,1,0\nb,2.5,3\n"
        "m.csv", "\"\",\"g1\",\"g2\"\r\n\"a\",1,0\r\n\"b\",\"2.5\",3\r\n"
        "m.tsv", "g1\tg2\na\t1\t0\nb\t2.5\t3\n"
        "m.txt", "g1 g2\na 1 0\nb 2.5 3\n"
        "m.csv", "\tg1\tg2\na\t1\t0\nb\t2.5\t3"
        "m.csv", "cell;g1;g2\na;1;0\nb;2.5;3\n"
        "m.csv", "# made by a program\n##\nwhatever,g1,g2\na,1,0\n\nb,2.5e0,3.0\n\n"
        "m.csv", "\uFEFF,g1,g2\na, 1 ,0\nb,2.5,3\n"
        "m.tsv", "cell\tg1\tg2\na\t+1\t-0\nb\t25e-1\t03\n"
    ]

    [<Test>]
    let ``many ways to write one table`` () =
        for name, text in sameTable do
            let cells = read name text |> Expect.ok
            Expect.equal [| [| 1.0; 0.0 |]; [| 2.5; 3.0 |] |] (TextFiles.dense cells)
            Expect.equal [| "a"; "b" |] (TextFiles.cellNames cells)
            Expect.equal [| "g1"; "g2" |] (TextFiles.geneNames cells)
            Expect.equal 3L cells.Counts.Entries

    [<Test>]
    let ``rows are genes if so told`` () =
        let cells =
            readAs RowsAre.Genes "m.tsv" "gene\tc1\tc2\tc3\ng1\t1\t2\t3\ng2\t0\t0\t4\n"
            |> Expect.ok

        Expect.equal [| [| 1.0; 0.0 |]; [| 2.0; 0.0 |]; [| 3.0; 4.0 |] |] (TextFiles.dense cells)
        Expect.equal [| "g1"; "g2" |] (TextFiles.geneNames cells)
        Expect.equal [| "c1"; "c2"; "c3" |] (TextFiles.cellNames cells)

    [<Test>]
    let ``without a column of names the cells are numbered`` () =
        let cells = read "m.csv" "g1,g2\n1,0\n2,3\n" |> Expect.ok
        Expect.equal [| "cell_1"; "cell_2" |] (TextFiles.cellNames cells)
        Expect.equal [| [| 1.0; 0.0 |]; [| 2.0; 3.0 |] |] (TextFiles.dense cells)

    [<Test>]
    let ``names that are numbers are names under an empty head`` () =
        let cells = read "m.csv" ",7157,672\n0,1,2\n1,3,4\n" |> Expect.ok
        Expect.equal [| "0"; "1" |] (TextFiles.cellNames cells)
        Expect.equal [| "7157"; "672" |] (TextFiles.geneNames cells)

    [<Test>]
    let ``quoted names keep delimiters, quotes and blanks`` () =
        let cells = read "m.csv" ",\"HLA-A, B\",\" \"\"x\"\" \"\n\"a,1\",1,2\n" |> Expect.ok
        Expect.equal [| "HLA-A, B"; " \"x\" " |] (TextFiles.geneNames cells)
        Expect.equal [| "a,1" |] (TextFiles.cellNames cells)

    [<Test>]
    let ``missing and infinite values are read as such`` () =
        let cells = read "m.csv" ",a,b,c,d,e,f\nx,NA,nan,,inf,-Infinity,N/A\n" |> Expect.ok
        Expect.equal [| [| nan; nan; nan; infinity; -infinity; nan |] |] (TextFiles.dense cells)

    [<Test>]
    let ``a header alone is a matrix without cells`` () =
        let cells = read "m.csv" "cell,g1,g2\n" |> Expect.ok
        Expect.equal 0 cells.Counts.Cells
        Expect.equal [| "g1"; "g2" |] (TextFiles.geneNames cells)

    /// Damaged files, and parts of what is said of each.
    let private damaged = [
        "", [ "empty" ]
        "1,2\n3,4\n", [ "first line holds nothing but numbers" ]
        ",g1,g2\na,1\n", [ "line 2: 2 fields, where 3 are expected" ]
        ",g1,g2\na,1,2\nb,1,2,3\n", [ "line 3: 4 fields, where 3 are expected" ]
        ",g1,g2\na,1,2\nb,1\n", [ "line 3: 2 fields, where 3 are expected" ]
        ",g1,g2\na,1,x y\n", [ "line 2: gene g2, cell a: \"x y\" is not a number" ]
        ",g1,g2\na,1,1.2.3\n", [ "gene g2, cell a: \"1.2.3\"" ]
        ",g1,g2\na,1,-\n", [ "gene g2, cell a: \"-\"" ]
        ",g1,g2\na,\"1,2\n", [ "line 2: a quote is not closed" ]
        "g1,g2\n1,2\n3,TRUE\n", [ "line 3: gene g2, cell 2: \"TRUE\" is not a number" ]
    ]

    [<Test>]
    let ``damaged files are told with line, gene, cell and numbers`` () =
        for text, parts in damaged do
            Expect.says parts (read "m.csv" text)

        Expect.says [ "gene g, cell c: \"x\"" ] (readAs RowsAre.Genes "m.csv" ",c\ng,x\n")

        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "m.csv")
            File.WriteAllText(path, ",g\na,1\n", Text.Encoding.Unicode)
            Expect.says [ "UTF-16"; "UTF-8" ] (Delimited.read RowsAre.Cells Progress.none path))

    [<Test>]
    let ``a packed table that is cut between two rows is damaged`` () =
        TestData.temporaryFolder (fun folder ->
            let path =
                TextFiles.put folder "m.csv.gz" (",g\n" + String.init 100000 (fun i -> $"c{i},{i * 7919 % 1000}\n"))

            let bytes = File.ReadAllBytes path
            File.WriteAllBytes(path, bytes[.. bytes.Length / 2])
            Expect.says [ "damaged"; "cut short" ] (Delimited.read RowsAre.Cells Progress.none path))

    [<Test>]
    let ``lines longer than any buffer are read`` () =
        let genes = 400000
        let header = String.init genes (fun i -> $"\tg{i}")
        let row = String.init genes (fun i -> $"\t{i % 3}")
        let cells = read "m.tsv.gz" $"{header}\na{row}\nb{row}\n" |> Expect.ok
        Expect.equal genes cells.Counts.Genes
        Expect.equal (int64 (2 * (genes - (genes + 2) / 3))) cells.Counts.Entries
        Expect.equal (Array.init genes (fun i -> float (i % 3))) (TextFiles.dense cells).[1]

    // Shortest texts of floats of every size: slow and fast ways of reading must give the same nearest value.
    [<Property(MaxTest = 1000)>]
    let ``every number reads back as it was written`` (NormalFloat value) =
        let text = value.ToString("R", Globalization.CultureInfo.InvariantCulture)
        let cells = read "m.csv" $",g\na,{text}\n" |> Expect.ok
        (TextFiles.value 0 0 cells) = float (float32 value)

    // Digits with a point anywhere, against .NET's own reading.
    [<Property(MaxTest = 1000)>]
    let ``decimals are the nearest numbers`` (digits: uint64) (NonNegativeInt places) =
        let digits = string digits
        let text = digits.Insert(digits.Length - min digits.Length (places % 20), ".") + "0"
        let cells = read "m.csv" $",g\na,{text}\n" |> Expect.ok
        (TextFiles.value 0 0 cells) = float (float32 (Double.Parse(text, Globalization.CultureInfo.InvariantCulture)))

    // Their digits are more than a double holds: dividing them by a power of ten, already rounded, rounds a second
    // time, and shows even in single precision.
    [<Test>]
    let ``numbers of 18 digits are rounded once`` () =
        for text in [ "2.37011444568634063"; "6.52170634269714325"; "6.56008839607238830" ] do
            let cells = read "m.csv" $",g\na,{text}\n" |> Expect.ok

            let expected =
                float (float32 (Double.Parse(text, Globalization.CultureInfo.InvariantCulture)))

            Expect.equal expected (TextFiles.value 0 0 cells)

    let private anyName =
        Gen.elements [ 'a'; 'B'; '"'; ','; '\t'; ' '; 'é'; '-'; '#' ]
        |> Gen.arrayOf
        |> Gen.map String

    let private anyTable =
        gen {
            let! names = Gen.nonEmptyListOf anyName
            let rows = names.Length
            let! numbers = Gen.arrayOfLength rows (ArbMap.defaults |> ArbMap.generate<float>)
            let! singles = Gen.arrayOfLength rows (ArbMap.defaults |> ArbMap.generate<int64>)

            return {
                Names = names |> List.map (fun name -> "n" + name) |> List.toArray
                Columns = [| "x,y", Column.Float numbers; "\"q\"", Column.Integer(singles, [||]) |]
            }
        }

    [<Property>]
    let ``a written table reads back`` () =
        Prop.forAll (Arb.fromGen anyTable) (fun table ->
            [ "t.tsv"; "t.csv"; "t.csv.gz" ]
            |> List.forall (fun name ->
                TestData.temporaryFolder (fun folder ->
                    let path = Path.Combine(folder, name)
                    DelimitedTable.writeTable path "" table |> Expect.ok
                    let cells = Delimited.read RowsAre.Cells Progress.none path |> Expect.ok

                    let numbers, integers =
                        match table.Columns with
                        | [| _, Column.Float x; _, Column.Integer(y, _) |] -> x, y
                        | _ -> [||], [||]

                    let expected =
                        Array.map2 (fun x (y: int64) -> [| float (float32 x); float (float32 y) |]) numbers integers

                    TextFiles.cellNames cells = table.Names
                    && TextFiles.geneNames cells = [| "x,y"; "\"q\"" |]
                    && LanguagePrimitives.GenericEqualityER (TextFiles.dense cells) expected)))

    [<Test>]
    let ``a written table is as R and pandas expect it`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "t.csv")

            let table = {
                Names = [| "a"; "b, c"; "d \"e\"" |]
                Columns = [|
                    "text", Column.Text [| "x"; null; " y" |]
                    "kind", Column.categories [| "k"; null; "k" |]
                    "number", Column.Float [| 0.1; nan; -infinity |]
                    "whole", Column.Integer([| 1L; 2L; -3L |], [| false; true; false |])
                    "flag", Column.Flag([| true; false; true |], [||])
                |]
            }

            DelimitedTable.writeTable path "name" table |> Expect.ok

            Expect.equal
                "name,text,kind,number,whole,flag\na,x,k,0.1,1,True\n\"b, c\",,,,,False\n\"d \"\"e\"\"\",\" y\",k,-inf,-3,True\n"
                (File.ReadAllText path))

    [<Test>]
    let ``numbers are the shortest that read back`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "t.tsv")

            DelimitedTable.write path [ "a"; "b"; "c"; "d" ] (fun row ->
                row.Number(1.0 / 3.0)
                row.Single 0.1f
                row.Number nan
                row.Integer Int64.MinValue
                row.EndRow())
            |> Expect.ok

            Expect.equal "a\tb\tc\td\n0.3333333333333333\t0.1\tNaN\t-9223372036854775808\n" (File.ReadAllText path))

    [<Test>]
    let ``many long rows are written whole`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "t.tsv.gz")
            let long = String('é', 40000)

            DelimitedTable.write path [ ""; "n" ] (fun row ->
                for i in 1..100000 do
                    row.Text(if i % 50000 = 0 then long else $"name{i}")
                    row.Integer(int64 i)
                    row.EndRow())
            |> Expect.ok

            let cells = Delimited.read RowsAre.Cells Progress.none path |> Expect.ok
            Expect.equal (Array.init 100000 (fun i -> [| float (i + 1) |])) (TextFiles.dense cells)
            Expect.equal long (TextFiles.cellNames cells).[49999])

    [<Test>]
    let ``a row of another length than its header is a bug, and leaves no file`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "t.tsv")

            let write () =
                DelimitedTable.write path [ "a"; "b" ] (fun row ->
                    row.Integer 1L
                    row.EndRow())
                |> ignore

            Expect.raises<InvalidOperationException> write
            Expect.equal [||] (Directory.GetFiles folder))

    [<Test>]
    let ``the matrix of GeneVector's golden values is read`` () =
        let cells =
            Delimited.read RowsAre.Cells Progress.none (TestData.golden "coexpression/gv_expr_cells_x_genes.csv")
            |> Expect.ok

        Expect.equal (60, 14) (cells.Counts.Cells, cells.Counts.Genes)
        Expect.equal "POIS_A" (TextFiles.geneNames cells).[0]
        Expect.equal (float 3.581029321343348f) (TextFiles.value 0 7 cells)

    [<Test>]
    let ``a real table with genes in rows is read`` () =
        let path =
            TestData.require (Path.Combine("networks", "beeline_mdc", "ExpressionData.csv.gz"))

        let cells = Delimited.read RowsAre.Genes Progress.none path |> Expect.ok
        Expect.equal (383, 821) (cells.Counts.Cells, cells.Counts.Genes)
        Expect.equal "CLEC4E" (TextFiles.geneNames cells).[0]
        Expect.equal (float 0.4023172f) (TextFiles.value 0 0 cells)
