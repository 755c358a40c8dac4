namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.IO
open CoExpr.Hdf5

type AnnDataTables =
    /// A table of 0 to 20 rows, with columns of every kind, with and without missing values.
    static member Table() =
        gen {
            let! rows = Gen.choose (0, 20)
            let column values = Gen.arrayOfLength rows values
            let word = Gen.elements [ "a"; "b"; "é"; ""; "long word" ]
            let flag = Gen.elements [ true; false ]
            let! texts = column word
            let! codes = column (Gen.choose (-1, 2))
            let! ordered = flag
            let! floats = column (Gen.elements [ 0.0; -0.0; 1.5; nan; infinity; 1e-300 ])
            let! integers = column (Gen.elements [ 0L; -1L; Int64.MaxValue; Int64.MinValue ])
            let! flags = column flag
            let! missing = column flag
            let! keep = Gen.arrayOfLength 7 flag

            let columns = [|
                "texts", Column.Text texts
                "category",
                Column.Category {
                    Codes = codes
                    Levels = [| "z"; "a"; "é" |]
                    Ordered = ordered
                }
                "floats", Column.Float floats
                "integers", Column.Integer(integers, [||])
                "gaps", Column.Integer(integers, missing)
                "flags", Column.Flag(flags, [||])
                "flags.gaps", Column.Flag(flags, missing)
            |]

            return {
                Names = Array.init rows (fun i -> $"n{i}")
                Columns =
                    columns
                    |> Array.indexed
                    |> Array.filter (fun (i, _) -> keep[i])
                    |> Array.map snd
            }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<AnnDataTables> |], MaxTest = 60)>]
module AnnDataTests =

    let private temporaryFile () =
        Path.Combine(Scratch.folder (), "cells.h5ad")

    let private written parts =
        let path = temporaryFile ()
        AnnData.write 2 path parts |> Expect.ok
        path

    let private read path = AnnData.read ReadOptions.standard path

    let private countsOf cells genes =
        SparseCounts.OfDense(cells, genes, Array.init (cells * genes) (fun i -> float32 (i * 7 % 5)))

    let private withCounts (cells: Table) (genes: Table) = {
        AnnDataParts.ofTables cells genes with
            Matrix = Some(MatrixPart.Counts(countsOf (Table.rows cells) (Table.rows genes)))
    }

    let private described result =
        result |> AnnDataDescription.ofCells <| [] |> List.sort

    [<Property>]
    let ``tables and counts come back`` (cells: Table) (genes: Table) =
        let parts = withCounts cells genes
        let back = written parts |> read |> Expect.ok
        described back = (AnnDataDescription.ofParts parts |> List.sort)

    [<Property>]
    let ``what is read and written again is the same`` (cells: Table) (genes: Table) =
        let once = written (withCounts cells genes) |> read |> Expect.ok
        let twice = written (AnnDataParts.ofCells once) |> read |> Expect.ok
        described once = described twice

    [<Test>]
    let ``text with gaps comes back as a category`` () =
        let cells = {
            Names = [| "a"; "b"; "c" |]
            Columns = [|
                "t", Column.Text [| "y"; null; "x" |]
                "none", Column.Text [| null; null; null |]
            |]
        }

        let back = written (withCounts cells (Table.ofNames [| "g" |])) |> read |> Expect.ok

        let column name =
            Table.tryColumn name back.CellTable |> Option.get

        Assert.That([ for row in 0..2 -> Column.text row (column "t") ], Is.EqualTo<string list> [ "y"; null; "x" ])
        Assert.That(column "t" |> Column.kind, Is.EqualTo "category")
        Assert.That([ for row in 0..2 -> Column.text row (column "none") ], Is.All.Null)

    /// Files of data/ that have an X, with fixed values: cells, genes, entries, sum of X.
    let private files = [
        "celline_hashing_2k.h5ad", 2000, 2000, 339160L, 1214016.0
        "norman_mcfaline_500g.h5ad", 5961, 500, 211790L, 936664.0
        "papalexi_eccite_20k.h5ad", 20729, 299, 1390126L, 4299765.0
        "pbmc3k_raw.h5ad", 2700, 32738, 2286884L, 6390631.0
        "scmageck_cropseq_28g.h5ad", 6229, 28, 33819L, 47956.0
        "worm_l2_neurons_5k.h5ad", 5340, 5000, 324187L, 686048.0
        "native/anndata_v0.5.0.h5ad", 700, 765, 535433L, -243.681057988666
        "native/anndata_v0.7.0.h5ad", 30, 20, 228L, 285.0
        "native/anndata_v0.7.8.h5ad", 30, 20, 239L, 302.0
        "native/perturbench_devel_lognorm.h5ad", 5961, 500, 211790L, 406134.54356718063
        "native/spapros_small_data_raw_counts.h5ad", 2700, 2000, 214939L, 529631.0
    ]

    let private fixedValues =
        files
        |> List.map (fun (name, cells, genes, entries, sum) -> TestCaseData(name, cells, genes, entries, sum))

    let private fileNames = files |> List.map (fun (name, _, _, _, _) -> name)

    [<TestCaseSource(nameof fixedValues)>]
    let ``real files have as many entries, and their sum`` (name: string) cells genes (entries: int64) (sum: float) =
        let read = read (TestData.require name) |> Expect.ok
        Assert.That((read.Counts.Cells, read.Counts.Genes, read.Counts.Entries), Is.EqualTo((cells, genes, entries)))
        Assert.That(Array.sumBy float read.Counts.ByCell.Values, Is.EqualTo(sum).Within(1e-6 * abs sum))

    let private lines (text: string) =
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries) |> Array.sort

    /// What we read from the file, against what Python says of it.
    let private agrees path (python: string[]) =
        let raw path =
            match
                AnnData.read
                    {
                        ReadOptions.standard with
                            Matrix = MatrixChoice.Raw
                    }
                    path
            with
            | Ok raw ->
                AnnDataDescription.counts "raw/X" raw.Counts
                :: AnnDataDescription.table "raw/var" raw.GeneTable
            | Error _ -> []

        let geneMatrices = AnnData.geneMatrices ReadOptions.standard path |> Expect.ok
        let cells = read path |> Expect.ok
        let lines = AnnDataDescription.ofCells cells geneMatrices @ raw path |> Array.ofList
        Assert.That(Array.sort lines, Is.EqualTo<string[]>(Array.sort python), path)

    [<TestCaseSource(nameof fileNames)>]
    let ``real files are read as Python's anndata reads them`` (name: string) =
        let path = TestData.require name
        agrees path (lines (Python.run "describe.py" [ path ]))

    [<Test>]
    let ``every form of matrix and table that Python writes is read`` () =
        let folder = Scratch.folder ()
        Python.run "variants.py" [ folder ] |> ignore
        let paths = Directory.GetFiles folder |> List.ofArray
        Assert.That(paths.Length, Is.EqualTo 30)

        for section in (Python.run "describe.py" paths).Split("file ", StringSplitOptions.RemoveEmptyEntries) do
            let path, python = section.Split('\n', 2) |> fun parts -> parts[0], parts[1]
            agrees path (lines python)

    let private everything =
        let cells = {
            Names = Array.init 5 (fun i -> $"cell{i}")
            Columns = [|
                "text", Column.Text [| "a"; "é"; ""; "d"; "e" |]
                "category",
                Column.Category {
                    Codes = [| 0; 1; -1; 1; 0 |]
                    Levels = [| "z"; "a" |]
                    Ordered = true
                }
                "no levels",
                Column.Category {
                    Codes = Array.create 5 -1
                    Levels = [||]
                    Ordered = false
                }
                "float", Column.Float [| 1.5; nan; infinity; -0.0; 3.0 |]
                "integer", Column.Integer([| 1L; 2L; 3L; 4L; Int64.MaxValue |], [||])
                "gaps", Column.Integer([| 1L; 2L; 3L; 4L; 5L |], [| false; true; false; false; true |])
                "flag", Column.Flag([| true; false; true; true; false |], [||])
                "flag gaps", Column.Flag([| true; false; true; true; false |], [| true; false; false; false; false |])
            |]
        }

        let genes = Table.ofNames [| "g0"; "g1"; "g2" |]

        {
            withCounts cells genes with
                Layers = [
                    "dense",
                    MatrixPart.Dense {
                        Rows = 5
                        Columns = 3
                        Values = Array.init 15 float
                    }
                    "sparse", MatrixPart.Counts(countsOf 5 3)
                ]
                CellMatrices = [
                    ("X_pca", MatrixPart.RowsSingle(5L, 2L, seq { for i in 0..4 -> [| float32 i; 0.5f |] }))
                ]
                GeneMatrices = [
                    ("PCs",
                     MatrixPart.Dense {
                         Rows = 3
                         Columns = 2
                         Values = Array.init 6 float
                     })
                ]
                CellPairs = [
                    ("near", MatrixPart.Sparse(5, 5, [| 0L; 1L; 1L; 1L; 1L; 2L |], [| 4; 0 |], [| 0.5; 0.25 |]))
                ]
                GenePairs = [
                    "mi", MatrixPart.Sparse(3, 3, [| 0L; 1L; 1L; 3L |], [| 1; 0; 2 |], [| 0.1; 0.2; 0.3 |])
                    "sums",
                    MatrixPart.SparseIntegers(3, 3, [| 0L; 1L; 1L; 3L |], [| 1; 0; 2 |], [| 1L; 2L; 3000000000L |])
                    "rows", MatrixPart.Rows(3L, 3L, [ Array.init 6 float; [| 6.0; 7.0; 8.0 |] ])
                ]
                Unstructured = [
                    "text", Unstructured.Text "é"
                    "float", Unstructured.Float 0.1
                    "integer", Unstructured.Integer -3L
                    "flag", Unstructured.Flag true
                    "texts", Unstructured.Texts [| "x"; "yy" |]
                    "none", Unstructured.Texts [||]
                    "floats", Unstructured.Floats [| 1.0; nan |]
                    "integers", Unstructured.Integers [| 1L |]
                    "flags", Unstructured.Flags [| true; false |]
                    "matrix", Unstructured.Matrix(MatrixPart.Counts(countsOf 2 4))
                    "records", Unstructured.NumberRecords [ "a", [| 1.0; nan; 0.1 |]; "é b", [| 2.0; 3.0; infinity |] ]
                    "names", Unstructured.TextRecords [ "a", [| "x"; "é" |]; "b", [| ""; "yy" |] ]
                    "group",
                    Unstructured.Group [
                        "table",
                        Unstructured.Table {
                            cells with
                                Names = cells.Names |> Array.map (fun name -> name + "x")
                        }
                        "empty", Unstructured.Group []
                        "inner", Unstructured.Group [ ("n", Unstructured.Integer 1L) ]
                    ]
                ]
        }

    let private same (parts: AnnDataParts) =
        let path = written parts
        let python = lines (Python.run "describe.py" [ path; "--uns" ])
        let ours = AnnDataDescription.ofParts parts |> Array.ofList |> Array.sort
        Assert.That(python, Is.EqualTo<string[]> ours)

    [<Test>]
    let ``Python's anndata reads everything back equal`` () = same everything

    [<Test>]
    let ``Python's anndata reads a file without X`` () = same { everything with Matrix = None }

    [<Test>]
    let ``Python's anndata reads a file of no cells and no genes`` () =
        same (AnnDataParts.ofTables (Table.ofNames [||]) (Table.ofNames [||]))

    [<Test>]
    let ``a file without X says what else there is`` () =
        let path = written { everything with Matrix = None }
        Assert.That(read path |> Expect.message, Does.EndWith ": there is no X; present: layer dense, layer sparse.")

        let ofLayer =
            AnnData.read
                {
                    ReadOptions.standard with
                        Matrix = MatrixChoice.Layer "sparse"
                }
                path
            |> Expect.ok

        Assert.That(ofLayer.Counts.ByCell.Values, Is.EqualTo<float32[]>((countsOf 5 3).ByCell.Values))

    [<Test>]
    let ``a layer that is not there is a missing part`` () =
        let read =
            AnnData.read
                {
                    ReadOptions.standard with
                        Matrix = MatrixChoice.Layer "spars"
                }
                (written everything)

        Assert.That(
            Expect.message read,
            Does.EndWith "there is no layer spars; present: X, layer dense, layer sparse. Did you mean layer sparse?"
        )

    [<Test>]
    let ``contents tell what a file has`` () =
        let contents = AnnData.contents (written everything) |> Expect.ok

        let names =
            List.map (fun (matrix: MatrixContents) -> matrix.Name, matrix.Kind, matrix.Entries)

        Assert.That((contents.Cells, contents.Genes), Is.EqualTo((5L, 3L)))
        Assert.That(contents.Matrix.Value.Kind, Is.EqualTo "csr")
        Assert.That(contents.Matrix.Value.ElementType, Is.EqualTo "float32")

        Assert.That(
            names contents.Layers,
            Is.EqualTo<(string * string * int64 option) list> [ "dense", "dense", None; "sparse", "csr", Some 12L ]
        )

        Assert.That(
            contents.GenePairs |> List.map _.ElementType,
            Is.EqualTo<string list> [ "float64"; "float64"; "int64" ]
        )

        Assert.That(
            contents.CellColumns |> List.map _.Kind,
            Is.EqualTo<string list> [
                "text"
                "category"
                "category"
                "float"
                "integer"
                "integer"
                "flag"
                "flag"
            ]
        )

        Assert.That(contents.CellColumns[1].Levels, Is.EqualTo(Some 2L))
        Assert.That(contents.Unstructured.Length, Is.EqualTo 13)

    [<Test>]
    let ``contents of the file of AnnData 0.11 without X`` () =
        let contents =
            AnnData.contents (TestData.require "native/anndata_v0.11.4.h5ad") |> Expect.ok

        Assert.That(
            (contents.Matrix, contents.Cells, contents.Genes),
            Is.EqualTo((Option<MatrixContents>.None, 10L, 20L))
        )

    [<TestCase(10)>]
    [<TestCase(50)>]
    [<TestCase(90)>]
    let ``a file that is cut short says so`` (percent: int) =
        let bytes = File.ReadAllBytes(written everything)
        let path = temporaryFile ()
        let kept = bytes.Length * percent / 100
        File.WriteAllBytes(path, bytes[.. kept - 1])

        let expected =
            String.Format(
                Globalization.CultureInfo.InvariantCulture,
                "{0:N0} bytes on disk, {1:N0} expected",
                kept,
                bytes.Length
            )

        Assert.That(read path |> Expect.message, Is.EqualTo $"{path}: the file is damaged: cut short: {expected}.")
        Assert.That(AnnData.contents path |> Expect.message, Does.Contain "cut short")

    [<Test>]
    let ``text that is called h5ad is told apart`` () =
        let path = temporaryFile ()
        File.WriteAllText(path, "gene\tcell1\nA\t1\n")

        Assert.That(
            read path |> Expect.message,
            Is.EqualTo $"{path}: not an HDF5 file: .h5ad and 10x .h5 files are HDF5 files."
        )

    [<Test>]
    let ``a file that is not there, and one that is no AnnData`` () =
        Assert.That(read "absent.h5ad" |> Expect.message, Is.EqualTo "absent.h5ad: no such file or folder.")
        let path = temporaryFile ()
        using (Hdf5File.Create path) (fun file -> file.Close())
        Assert.That(read path |> Expect.message, Does.Contain "no AnnData")

    /// A sparse X of 2 x 3 with these parts.
    let private sparseFile (indptr: int[]) (indices: int[]) (data: float32[]) =
        let path =
            written (AnnDataParts.ofTables (Table.ofNames [| "a"; "b" |]) (Table.ofNames [| "x"; "y"; "z" |]))

        let whole = temporaryFile ()
        use file = Hdf5File.Create whole
        // The library cannot add to a file here, so tables are written anew beside the matrix.
        for name, names in [ "obs", [| "a"; "b" |]; "var", [| "x"; "y"; "z" |] ] do
            let group = file.Root.CreateGroup name
            group.Attributes.WriteText("_index", "_index")
            group.Attributes.WriteTexts("column-order", [||])
            group.WriteTexts("_index", names) |> ignore

        let x = file.Root.CreateGroup "X"
        x.Attributes.WriteText("encoding-type", "csr_matrix")
        x.Attributes.WriteNumbers("shape", [| 2L; 3L |])
        let storage = Hdf5Storage()
        x.Write("indptr", ReadOnlySpan indptr, storage) |> ignore
        x.Write("indices", ReadOnlySpan indices, storage) |> ignore
        x.Write("data", ReadOnlySpan data, storage) |> ignore
        file.Close()
        ignore path
        whole

    let private contradictions = [
        TestCaseData([| 0; 1; 2 |], [| 0; 3 |], [| 1.0f; 1.0f |], "X/indices has 3 at 1, outside 0 to 2.")
        TestCaseData([| 0; 1; 2 |], [| 0; -1 |], [| 1.0f; 1.0f |], "X/indices has -1 at 1, outside 0 to 2.")
        TestCaseData([| 0; 3; 2 |], [| 0; 1 |], [| 1.0f; 1.0f |], "X/indptr falls from 3 to 2 at line 1.")
        TestCaseData([| 1; 1; 2 |], [| 0; 1 |], [| 1.0f; 1.0f |], "X/indptr begins with 1 instead of 0.")
        TestCaseData([| 0; 1; 1 |], [| 0; 1 |], [| 1.0f; 1.0f |], "X/indptr ends with 1 where there are 2 entries.")
        TestCaseData([| 0; 2 |], [| 0; 1 |], [| 1.0f; 1.0f |], "X/indptr has 2 entries where 3 were expected.")
        TestCaseData([| 0; 1; 2 |], [| 0; 1 |], [| 1.0f |], "X has 2 indices for 1 values.")
    ]

    [<TestCaseSource(nameof contradictions)>]
    let ``a matrix that contradicts itself is damaged``
        (indptr: int[], indices: int[], data: float32[], reason: string)
        =
        let path = sparseFile indptr indices data
        Assert.That(read path |> Expect.message, Is.EqualTo $"{path}: the file is damaged: {reason}")

    [<Test>]
    let ``NaN and infinity are kept`` () =
        let cells =
            read (sparseFile [| 0; 1; 2 |] [| 0; 1 |] [| nanf; infinityf |]) |> Expect.ok

        Assert.That(cells.Counts.ByCell.Values, Is.EqualTo<float32[]> [| nanf; infinityf |])

    [<TestCase("a/b")>]
    [<TestCase("_index")>]
    [<TestCase("")>]
    let ``a name that the format has no room for is refused`` (name: string) =
        let cells = {
            Names = [| "c" |]
            Columns = [| name, Column.Float [| 1.0 |] |]
        }

        let path = temporaryFile ()
        let result = AnnData.write 1 path (AnnDataParts.ofTables cells (Table.ofNames [||]))

        Assert.That(
            Expect.message result,
            Is.EqualTo $"{path}: cannot be written: '{name}' cannot be a name there, or stands twice."
        )

        Assert.That(File.Exists path, Is.False)

    [<Test>]
    let ``shapes that do not agree are a mistake of the caller`` () =
        let parts = {
            everything with
                GeneMatrices = [
                    ("PCs",
                     MatrixPart.Dense {
                         Rows = 2
                         Columns = 1
                         Values = [| 1.0; 2.0 |]
                     })
                ]
        }

        Expect.throws<ArgumentException>(fun () -> AnnData.write 1 (temporaryFile ()) parts |> ignore)
        |> ignore

    [<Test>]
    let ``progress is told and the reading stops when asked to`` () =
        let path = written everything
        let steps = Collections.Concurrent.ConcurrentBag<ProgressStep>()

        let listening = {
            Progress.none with
                Report = steps.Add
        }

        AnnData.read
            {
                ReadOptions.standard with
                    Progress = listening
            }
            path
        |> Expect.ok
        |> ignore

        Assert.That(
            steps
            |> Seq.exists (fun step -> step.Done = step.Total && step.Stage = "reading X/data")
        )

        let stopped = {
            Progress.none with
                Token = Threading.CancellationToken true
        }

        Expect.throws<OperationCanceledException>(fun () ->
            AnnData.read
                {
                    ReadOptions.standard with
                        Progress = stopped
                }
                path
            |> ignore)
        |> ignore
