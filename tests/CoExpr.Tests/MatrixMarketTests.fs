namespace CoExpr.Tests

open System
open System.IO
open System.Threading
open FsCheck.FSharp
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

module MatrixMarketTests =

    let private read path =
        MatrixMarket.read RowsAre.Genes Progress.none path

    let private readText (name: string) (text: string) =
        TestData.temporaryFolder (fun folder -> read (TextFiles.put folder name text))

    let private banner = "%%MatrixMarket matrix coordinate integer general\n"

    [<Test>]
    let ``a small file is genes by cells`` () =
        let cells =
            readText "m.mtx" (banner + "% a comment\n\n3 2 4\n1 1 5\n3 1 1\n2 2 7\n3 2 2\n")
            |> Expect.ok

        Expect.equal [| [| 5.0; 0.0; 1.0 |]; [| 0.0; 7.0; 2.0 |] |] (TextFiles.dense cells)
        Expect.equal [| "gene_1"; "gene_2"; "gene_3" |] (TextFiles.geneNames cells)
        Expect.equal [| "cell_1"; "cell_2" |] (TextFiles.cellNames cells)
        Expect.equal true cells.Counts.Integer

    [<Test>]
    let ``rows are cells if so told`` () =
        TestData.temporaryFolder (fun folder ->
            let path = TextFiles.put folder "m.mtx" (banner + "3 2 2\n1 1 5\n3 2 1\n")
            let cells = MatrixMarket.read RowsAre.Cells Progress.none path |> Expect.ok
            Expect.equal [| [| 5.0; 0.0 |]; [| 0.0; 0.0 |]; [| 0.0; 1.0 |] |] (TextFiles.dense cells))

    /// Files that say the same as [[1, 0], [2.5, 0]] by cells, in other ways.
    let private sameMatrix = [
        "sorted", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n1 2 2.5\n"
        "unsorted", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 25e-1\n1 1 1.0\n"
        "by rows", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n1 2 +2.5\n"
        "a listed zero", "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1\n2 1 0\n1 2 2.5\n"
        "added up", "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1\n1 2 2\n1 2 0.5\n"
        "Windows lines", "%%MatrixMarket matrix coordinate real general\r\n2 2 2\r\n1 1 1\r\n1 2 2.5\r\n"
        "no last line break", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n1 2 2.5"
        "blanks and tabs", "%%MatrixMarket  matrix coordinate Real General\n 2\t2  2 \n\n  1 1 1\t\n1  2 2.5  \n\n"
        "dense", "%%MatrixMarket matrix array real general\n2 2\n1\n0\n2.5\n0\n"
        "byte order mark", "\uFEFF%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n1 2 2.5\n"
    ]

    [<Test>]
    let ``many ways to write one matrix`` () =
        for way, text in sameMatrix do
            for name in [ "m.mtx"; "m.mtx.gz" ] do
                let cells = readText name text |> Expect.ok
                Assert.That(TextFiles.dense cells, Is.EqualTo(box [| [| 1.0; 0.0 |]; [| 2.5; 0.0 |] |]), way)
                Assert.That(cells.Counts.Entries, Is.EqualTo 2L, way)

    [<Test>]
    let ``patterns count 1, and a symmetric file has both halves`` () =
        let cells =
            readText "m.mtx" "%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n1 1\n2 1\n"
            |> Expect.ok

        Expect.equal [| [| 1.0; 1.0 |]; [| 1.0; 0.0 |] |] (TextFiles.dense cells)

    [<Test>]
    let ``NaN and infinity are read, to be refused where it matters`` () =
        let cells =
            readText "m.mtx" "%%MatrixMarket matrix coordinate real general\n1 3 3\n1 1 nan\n1 2 inf\n1 3 -Inf\n"
            |> Expect.ok

        Expect.equal [| [| nan |]; [| infinity |]; [| -infinity |] |] (TextFiles.dense cells)

    [<Test>]
    let ``a matrix without entries, and one without anything, are read`` () =
        Expect.equal 0L (readText "m.mtx" (banner + "3 2 0\n") |> Expect.ok).Counts.Entries
        Expect.equal 0 (readText "m.mtx" (banner + "0 0 0\n") |> Expect.ok).Counts.Cells

    let private putFolder folder (zip: string) prefix genes =
        TextFiles.put folder $"{prefix}matrix.mtx{zip}" (banner + "3 2 2\n1 1 5\n3 2 1\n")
        |> ignore

        TextFiles.put
            folder
            $"{prefix}{genes}{zip}"
            "E1\tSYM\tGene Expression\nE2\tSYM\tGene Expression\nE3\tOTHER\tAntibody Capture\n"
        |> ignore

        TextFiles.put folder $"{prefix}barcodes.tsv{zip}" "AAA-1\nCCC-1\n" |> ignore

    [<Test>]
    let ``a folder of 10x Genomics has its names, of whichever version`` () =
        for zip, genes in [ "", "genes.tsv"; ".gz", "features.tsv" ] do
            TestData.temporaryFolder (fun folder ->
                putFolder folder zip "" genes
                let cells = read folder |> Expect.ok
                Expect.equal [| "SYM"; "SYM-1"; "OTHER" |] (TextFiles.geneNames cells)
                Expect.equal [| "AAA-1"; "CCC-1" |] (TextFiles.cellNames cells)
                Expect.equal (Some(Column.Text [| "E1"; "E2"; "E3" |])) (Table.tryColumn "gene_ids" cells.GeneTable)
                Expect.equal true (Table.tryColumn "feature_types" cells.GeneTable).IsSome)

    [<Test>]
    let ``names beside a matrix are found by their prefix`` () =
        TestData.temporaryFolder (fun folder ->
            putFolder folder ".gz" "GSM1_" "features.tsv"
            let cells = read (Path.Combine(folder, "GSM1_matrix.mtx.gz")) |> Expect.ok
            Expect.equal [| "AAA-1"; "CCC-1" |] (TextFiles.cellNames cells))

    /// Damaged files, and parts of what is said of each.
    let private damaged = [
        "", [ "empty" ]
        "1 2 3\n", [ "no MatrixMarket header"; "%%MatrixMarket matrix coordinate integer general" ]
        "%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n", [ "complex" ]
        "%%MatrixMarket matrix coordinate real hermitian\n1 1 1\n1 1 1\n", [ "hermitian" ]
        "%%MatrixMarket matrix coordinate real skew-symmetric\n1 1 1\n1 1 1\n", [ "skew-symmetric" ]
        "%%MatrixMarket matrix list real general\n1 1 1\n1 1 1\n", [ "layout is list" ]
        banner, [ "ends before the line of sizes" ]
        banner + "3 x 1\n", [ "line 2"; "number of columns"; "\"3 x 1\"" ]
        banner + "-3 1 1\n", [ "line 2"; "number of rows" ]
        banner + "3000000000 1 1\n", [ "3000000000"; "2147483591" ]
        banner + "3 2 999999999\n1 1 1\n", [ "line 2"; "999999999 entries are announced"; "holds at most" ]
        banner + "3 2 2\n1 1 1\n", [ "2 entries are announced, 1 are in the file" ]
        banner + "3 2 1\n1 1 1\n2 1 1\n", [ "line 4"; "1 entries are announced, more are" ]
        banner + "3 2 1\n4 1 1\n", [ "line 3: row 4 is outside 1 to 3" ]
        banner + "3 2 1\n0 1 1\n", [ "line 3: row 0 is outside 1 to 3" ]
        banner + "3 2 1\n1 3 1\n", [ "line 3: column 3 is outside 1 to 2" ]
        banner + "3 2 1\n1 99999999999999999999 1\n", [ "line 3: the column is not a whole number" ]
        banner + "3 2 1\n1 1 abc\n", [ "line 3: \"abc\" is not a number" ]
        banner + "3 2 1\n1 1 1,5\n", [ "line 3: \"1,5\" is not a number" ]
        banner + "3 2 1\n1 1\n", [ "line 3: the value is missing" ]
        banner + "3 2 1\n1 1 1 1\n", [ "line 3: something follows" ]
        banner + "3 2 1\n1.0 1 1\n", [ "line 3: the row is not a whole number" ]
        "%%MatrixMarket matrix array real general\n2 1\n1\n", [ "2 entries are announced, 1 are" ]
        "%%MatrixMarket matrix array real general\n2 1\n1\n2\n3\n", [ "line 5"; "more are" ]
    ]

    [<Test>]
    let ``damaged files are told with line and numbers`` () =
        for text, parts in damaged do
            Expect.says parts (readText "m.mtx" text)

    [<Test>]
    let ``a gzip file that is cut anywhere is damaged, though the rest would do`` () =
        TestData.temporaryFolder (fun folder ->
            let lines = String.init 3000 (fun i -> $"{i + 1} 1 {i % 7}\n")

            let whole =
                File.ReadAllBytes(TextFiles.put folder "m.mtx.gz" (banner + "9000 1 3000\n" + lines))

            Expect.equal true (Result.isOk (read (Path.Combine(folder, "m.mtx.gz"))))

            for cut in [ 1; 4; 8; 9; whole.Length / 2; whole.Length - 11 ] do
                let path = Path.Combine(folder, "cut.mtx.gz")
                File.WriteAllBytes(path, whole[.. whole.Length - 1 - cut])
                Expect.says [ "cut.mtx.gz: the file is damaged" ] (read path))

    [<Test>]
    let ``a packed file in several members is read whole`` () =
        TestData.temporaryFolder (fun folder ->
            let a = File.ReadAllBytes(TextFiles.put folder "a.gz" (banner + "2 1 2\n1 1 5\n"))
            let b = File.ReadAllBytes(TextFiles.put folder "b.gz" "2 1 6\n")
            let path = Path.Combine(folder, "both.mtx.gz")
            File.WriteAllBytes(path, Array.append a b)
            Expect.equal [| [| 5.0; 6.0 |] |] (TextFiles.dense (Expect.ok (read path))))

    [<Test>]
    let ``lists of names of another length are told with both numbers`` () =
        TestData.temporaryFolder (fun folder ->
            putFolder folder "" "" "genes.tsv"
            TextFiles.put folder "barcodes.tsv" "A\nB\nC\n" |> ignore
            Expect.says [ "barcodes.tsv"; "3 cells"; "matrix.mtx has 2" ] (read folder))

    [<Test>]
    let ``a path that is absent, or a folder of other things, is told`` () =
        TestData.temporaryFolder (fun folder ->
            Expect.equal (Error(CoExprError.FileNotFound "/absent/m.mtx")) (read "/absent/m.mtx" |> Result.map ignore)
            Expect.says [ "matrix.mtx"; "0 files" ] (read folder))

    [<Test>]
    let ``reading stops when it is told to`` () =
        TestData.temporaryFolder (fun folder ->
            let path = TextFiles.put folder "m.mtx" (banner + "1 1 0\n")

            let progress = {
                Report = ignore
                Token = CancellationToken true
            }

            Expect.raises<OperationCanceledException>(fun () ->
                MatrixMarket.read RowsAre.Genes progress path |> ignore))

    [<Test>]
    let ``progress ends at the size of the file`` () =
        TestData.temporaryFolder (fun folder ->
            let steps = ResizeArray<ProgressStep>()
            let path = TextFiles.put folder "m.mtx.gz" (banner + "1 1 0\n")

            let progress = {
                Report = steps.Add
                Token = CancellationToken.None
            }

            MatrixMarket.read RowsAre.Genes progress path |> Expect.ok |> ignore
            Expect.equal (FileInfo(path).Length) (steps[steps.Count - 1].Done)
            Expect.equal (FileInfo(path).Length) (steps[steps.Count - 1].Total))

    [<Test>]
    let ``the contents are told`` () =
        TestData.temporaryFolder (fun folder ->
            let path = TextFiles.put folder "m.mtx" (banner + "3 2 1\n1 1 1\n")

            let contents =
                MatrixMarket.contents RowsAre.Genes Progress.none path |> Expect.ok |> dict

            Expect.equal "2" contents["cells"]
            Expect.equal "3" contents["genes"]
            Expect.equal "1 (83.3 % zeros)" contents["non-zeros"])

    // Entries of 6 x 5 genes and cells, repeated ones among them, in any order.
    let private anyEntries =
        Gen.zip (Gen.zip (Gen.choose (1, 6)) (Gen.choose (1, 5))) (Gen.choose (-3, 9))
        |> Gen.arrayOf

    [<Property>]
    let ``any entries in any order give their sums`` () =
        Prop.forAll (Arb.fromGen anyEntries) (fun entries ->
            let text =
                entries
                |> Array.map (fun ((gene, cell), value) -> $"{gene} {cell} {value}\n")
                |> String.concat ""

            let cells =
                readText "m.mtx" (banner + $"6 5 {entries.Length}\n" + text) |> Expect.ok

            let expected =
                Array.init 5 (fun cell ->
                    Array.init 6 (fun gene ->
                        entries
                        |> Array.sumBy (fun (place, value) ->
                            if place = (gene + 1, cell + 1) then float value else 0.0)))

            TextFiles.dense cells = expected)

    [<Test>]
    let ``a file of scipy is the same matrix`` () =
        TestData.temporaryFolder (fun folder ->
            let sums =
                TextFiles.python
                    "scipy.io, numpy"
                    folder
                    "import scipy.io, scipy.sparse, numpy as np\n\
                     m = scipy.sparse.random(300, 200, 0.1, random_state=1, dtype=np.float32)\n\
                     m.data = np.floor(m.data * 1000) + 1\n\
                     scipy.io.mmwrite('m.mtx', m)\n\
                     print(m.nnz, int((m.toarray().astype(float) * np.arange(60000).reshape(300, 200)).sum()))"

            let cells = read (Path.Combine(folder, "m.mtx")) |> Expect.ok
            let dense = TextFiles.dense cells

            let sum =
                Seq.sum (
                    seq {
                        for gene in 0..299 do
                            for cell in 0..199 -> dense[cell][gene] * float (gene * 200 + cell)
                    }
                )

            let parts = sums.Split ' '
            Expect.equal (int64 parts[0]) cells.Counts.Entries
            Expect.equal (float parts[1]) sum)

    let private someCells () =
        let counts = SparseCounts.OfDense(2, 3, [| 1.0f; 0.0f; 2.5f; 0.0f; 7.0f; 0.0f |])

        let genes =
            Table.ofNames [| "A"; "B"; "C" |]
            |> Table.withColumn "gene_ids" (Column.Text [| "E1"; "E2"; "E3" |])

        Cells.create "simulated" counts (Table.ofNames [| "AAA-1"; "CCC-1" |]) genes
        |> Expect.ok

    [<Test>]
    let ``a folder that is written reads back`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "new")
            MatrixMarketFolder.write path (someCells ()) |> Expect.ok
            let back = read path |> Expect.ok
            Expect.equal (TextFiles.dense (someCells ())) (TextFiles.dense back)
            Expect.equal [| "A"; "B"; "C" |] (TextFiles.geneNames back)
            Expect.equal [| "AAA-1"; "CCC-1" |] (TextFiles.cellNames back)
            Expect.equal (Some(Column.Text [| "E1"; "E2"; "E3" |])) (Table.tryColumn "gene_ids" back.GeneTable)
            Expect.equal 3 (Directory.GetFileSystemEntries path).Length)

    [<Test>]
    let ``scipy reads the matrix that is written`` () =
        TestData.temporaryFolder (fun folder ->
            MatrixMarketFolder.write folder (someCells ()) |> Expect.ok

            Expect.equal
                "[[1.0, 0.0], [0.0, 7.0], [2.5, 0.0]]"
                (TextFiles.python
                    "scipy.io"
                    folder
                    "import scipy.io; print(scipy.io.mmread('matrix.mtx.gz').toarray().tolist())"))

    [<Test>]
    let ``a folder that cannot be made is told`` () =
        TestData.temporaryFolder (fun folder ->
            let path = TextFiles.put folder "file" "x"
            Expect.says [ "file: cannot be written" ] (MatrixMarketFolder.write path (someCells ())))
