namespace CoExpr.Tests

open System
open System.Formats.Tar
open System.IO
open System.Runtime.InteropServices
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

/// Packages of the Virtual Cell Challenge.
module ChallengeCellsTests =

    let private options = {
        ChallengeCells.defaults with
            Control = "control"
            ExpectedGenes = None
    }

    let private cells =
        PerturbedSample.cellsOf "model" [| "control"; "a"; "b" |] [| "x"; "y"; "z" |] [|
            [| 1.0f; 0.0f; 3.0f |]
            [| 2.0f; 2.0f; 4.0f |]
            [| 0.0f; 0.0f; 8.0f |]
        |]

    let private genes = [| "z"; "x"; "y" |]

    let private create options list cells =
        ChallengeCells.create options list cells

    [<Test>]
    let ``genes come in the order of the list, values as logarithms of the median total`` () =
        let found = create options genes cells |> Expect.ok
        Expect.equal genes found.GeneTable.Names
        // Totals 4, 8, 8: the median is 8.
        Expect.equal [| 0L; 2L; 5L; 6L |] found.Starts
        Expect.equal [| 0; 1; 0; 1; 2; 0 |] found.Indices

        let wanted =
            [| 6.0; 2.0; 4.0; 2.0; 2.0; 8.0 |]
            |> Array.map (fun count -> Math.Log(1.0 + count))

        for expected, value in Array.zip wanted found.Values do
            Assert.That(value, Is.EqualTo(expected).Within 1e-12)

        Expect.equal [| "0"; "1"; "2" |] found.CellTable.Names
        Expect.equal [| "target_gene" |] (found.CellTable.Columns |> Array.map fst)
        Assert.That(found.Notes[0], Does.Contain "another order")
        Expect.equal 1 (create options [| "x"; "y"; "z" |] cells |> Expect.ok).Notes.Length

    [<Test>]
    let ``values may be left as they are, and columns renamed`` () =
        let typed = {
            cells with
                CellTable =
                    cells.CellTable
                    |> Table.withColumn "type" (Column.categories [| "T"; "T"; "B" |])
        }

        let found =
            create
                {
                    options with
                        Values = ScaleChoice.Given ExpressionScale.AsTheyAre
                        ColumnOut = "perturbation"
                        CellTypes = Some "type"
                        CellTypesOut = Some "cell_type"
                }
                genes
                typed
            |> Expect.ok

        Expect.equal [| 3.0; 1.0; 4.0; 2.0; 2.0; 8.0 |] found.Values
        Expect.equal [| "perturbation"; "cell_type" |] (found.CellTable.Columns |> Array.map fst)

    [<Test>]
    let ``what a submission may not be is refused`` () =
        create options [| "x"; "y"; "w" |] cells
        |> Expect.says [ "The genes differ: 1 only in the list (w), 1 only in model (z)" ]

        create { options with MostCells = Some 2 } genes cells
        |> Expect.says [ "cells of model: 3 is more than the 2 that fit" ]

        create { options with Control = "ntc" } genes cells
        |> Expect.says [ "model: control: ntc is not known"; "control" ]

        create { options with CellTypes = Some "type" } genes cells
        |> Expect.says [ "no column type" ]

        let unlabelled = {
            cells with
                CellTable =
                    cells.CellTable
                    |> Table.withColumn "target_gene" (Column.Text [| "control"; null; "b" |])
        }

        create options genes unlabelled
        |> Expect.says [ "cell cell1 has no label in column target_gene" ]

        let noted =
            create
                {
                    options with
                        ExpectedGenes = Some 18080
                }
                genes
                cells
            |> Expect.ok

        Assert.That(noted.Notes[0], Does.Contain("3 genes").And.Contain "18080")

    /// Unpacks a frame by the library itself; without it the test is skipped.
    [<DllImport("libzstd.so.1")>]
    extern unativeint private ZSTD_decompress(byte[] target, unativeint room, byte[] source, unativeint size)

    let private unpacked (packed: byte[]) size =
        let target = Array.zeroCreate<byte> size

        let written =
            ZSTD_decompress(target, unativeint size, packed, unativeint packed.Length)

        target[.. int written - 1]

    let private requireZstd () =
        match Zstandard.check () with
        | Ok() when OperatingSystem.IsLinux() -> ()
        | _ -> Assert.Ignore "needs the zstd library (Debian: apt install libzstd1)"

    [<Property(MaxTest = 20)>]
    let ``what is compressed comes back`` (bytes: byte[]) (FsCheck.PositiveInt copies) =
        requireZstd ()
        let content = Array.replicate (copies * 50) bytes |> Array.concat
        use target = new MemoryStream()
        Zstandard.compress (new MemoryStream(content)) target
        let packed = target.ToArray()
        // The magic number of a frame (RFC 8878, 3.1.1).
        packed[..3] = [| 0x28uy; 0xB5uy; 0x2Fuy; 0xFDuy |]
        && unpacked packed (content.Length + 1) = content

    [<Test>]
    let ``more than one piece is compressed, too`` () =
        requireZstd ()
        let random = System.Random 1
        let content = Array.init 1_000_000 (fun _ -> byte (random.Next 256))
        use target = new MemoryStream()
        Zstandard.compress (new MemoryStream(content)) target
        Expect.equal content (unpacked (target.ToArray()) content.Length)

    let private entries (path: string) =
        use stream = File.OpenRead path
        use reader = new TarReader(stream)

        [
            let mutable entry = reader.GetNextEntry true

            while not (isNull entry) do
                use content = new MemoryStream()
                entry.DataStream.CopyTo content
                entry.Name, content.ToArray()
                entry <- reader.GetNextEntry true
        ]

    let private packed folder isDouble =
        let input, list =
            Path.Combine(folder, "model.h5ad"), Path.Combine(folder, "genes.csv")

        AnnData.write 1 input (AnnDataParts.ofCells cells) |> Expect.ok |> ignore
        File.WriteAllLines(list, genes)

        ChallengeRun.run Progress.none Input.standard options {
            Input = input
            Genes = list
            Output = None
            Double = isDouble
        }

    [<Test>]
    let ``a package holds the cells and the watermark, and the same input the same package`` () =
        requireZstd ()

        TestData.temporaryFolder (fun folder ->
            let struct (path, _) = packed folder false |> Expect.ok
            Expect.equal (Path.Combine(folder, "model.prep.vcc")) path
            let first = File.ReadAllBytes path
            let content = entries path
            Expect.equal [ "pred.h5ad.zst"; "watermark.txt" ] (List.map fst content)
            Expect.equal "vcc-prep" (Text.Encoding.UTF8.GetString(snd content[1]))
            let inside = Path.Combine(folder, "inside.h5ad")
            File.WriteAllBytes(inside, unpacked (snd content[0]) 1_000_000)
            let read = Input.read Input.standard inside |> Expect.ok
            Expect.equal genes read.GeneTable.Names
            Expect.equal [| 0; 1; 2 |] (read.Counts.ByCell.IndicesOf(1).ToArray())
            Assert.That(read.Counts.ByCell.ValuesOf(0).[0], Is.EqualTo(float32 (log 7.0)))
            packed folder false |> Expect.ok |> ignore
            Expect.equal first (File.ReadAllBytes path)
            Expect.equal 4 (Directory.GetFiles folder).Length)

    [<Test>]
    let ``a name that is none of a package is refused before anything is read`` () =
        ChallengeRun.run Progress.none Input.standard options {
            Input = "nothing.h5ad"
            Genes = "nothing.csv"
            Output = Some "model.tar"
            Double = false
        }
        |> Expect.says [ "--output model.tar: a name in .vcc is needed" ]
