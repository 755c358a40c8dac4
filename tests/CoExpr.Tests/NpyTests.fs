namespace CoExpr.Tests

open System
open System.IO
open System.Text
open FsCheck.FSharp
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

module NpyTests =

    let private inFolder test =
        TestData.temporaryFolder (fun folder -> test (Path.Combine(folder, "a.npy")))

    let private file (version: byte) (header: string) (values: byte[]) =
        let text = Encoding.ASCII.GetBytes(header + "\n")

        let length =
            if version = 1uy then
                [| byte text.Length; 0uy |]
            else
                [| byte text.Length; 0uy; 0uy; 0uy |]

        Array.concat [ [| 0x93uy |]; "NUMPY"B; [| version; 0uy |]; length; text; values ]

    let private readBytes (bytes: byte[]) =
        inFolder (fun path ->
            File.WriteAllBytes(path, bytes)
            Npy.readMatrix Progress.none path)

    let private header npyType order shape =
        $"{{'descr': '{npyType}', 'fortran_order': {order}, 'shape': {shape}, }}"

    [<Test>]
    let ``bytes made by hand are read in either order`` () =
        let values = [| 1uy; 2uy; 3uy; 4uy; 5uy; 6uy |]

        for order, expected in
            [
                "False", [| 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 |]
                "True", [| 1.0; 3.0; 5.0; 2.0; 4.0; 6.0 |]
            ] do
            for version in [ 1uy; 2uy; 3uy ] do
                let matrix =
                    readBytes (file version (header "|u1" order "(2, 3)") values) |> Expect.ok

                Expect.equal
                    {
                        Rows = 2
                        Columns = 3
                        Values = expected
                    }
                    matrix

    [<Test>]
    let ``one dimension is one column`` () =
        let matrix =
            readBytes (file 1uy (header "<i2" "False" "(3,)") [| 1uy; 0uy; 2uy; 0uy; 255uy; 255uy |])
            |> Expect.ok

        Expect.equal
            {
                Rows = 3
                Columns = 1
                Values = [| 1.0; 2.0; -1.0 |]
            }
            matrix

    /// Damaged files, and parts of what is said of each.
    let private damaged = [
        [||], [ "beginning takes 8 bytes, of which 0 are there" ]
        "PK\003\004 no array"B, [ "does not begin as a .npy file" ]
        file 4uy "{}" [||], [ "version 4" ]
        (file 1uy (header "<f4" "False" "(2, 2)") [||])[..20], [ "header takes"; "bytes" ]
        file 1uy "{'descr': '<f4'}" [||], [ "header is not understood" ]
        file 1uy (header "<f4" "False" "(2, -2)") [||], [ "shape is not understood" ]
        file 1uy (header "<f4" "False" "(2, 2)") (Array.zeroCreate 15), [ "2 x 2 take 16 bytes; it has 15" ]
        file 1uy (header "<f4" "False" "(2, 2)") (Array.zeroCreate 17), [ "2 x 2 take 16 bytes; it has 17" ]
        file 1uy (header "|O" "False" "(2, 2)") [||], [ "type |O"; "plain numbers" ]
        file 1uy (header "<c8" "False" "(2, 1)") (Array.zeroCreate 16), [ "type <c8" ]
        file 1uy "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }" (Array.zeroCreate 8),
        [ "plain numbers" ]
        file 1uy (header "<f4" "False" "(2, 2, 1)") (Array.zeroCreate 16), [ "3 dimensions" ]
        file 1uy (header "<f4" "False" "()") (Array.zeroCreate 4), [ "0 dimensions" ]
    ]

    [<Test>]
    let ``damaged files are told with both numbers`` () =
        for bytes, parts in damaged do
            Expect.says parts (readBytes bytes)

        Expect.equal (Error(CoExprError.FileNotFound "/absent.npy")) (Npy.readMatrix Progress.none "/absent.npy")

    let private anyMatrix =
        gen {
            let! rows = Gen.choose (0, 9)
            let! columns = Gen.choose (0, 9)

            let! values =
                Gen.arrayOfLength (rows * columns) (ArbMap.defaults |> ArbMap.generate<float>)

            return {
                Rows = rows
                Columns = columns
                Values = values
            }
        }

    [<Property>]
    let ``a written matrix reads back bit for bit`` () =
        Prop.forAll (Arb.fromGen anyMatrix) (fun matrix ->
            inFolder (fun path ->
                Npy.writeMatrix path matrix |> Expect.ok
                let back = Npy.readMatrix Progress.none path |> Expect.ok
                let bits = Array.map BitConverter.DoubleToInt64Bits

                (back.Rows, back.Columns) = (matrix.Rows, matrix.Columns)
                && bits back.Values = bits matrix.Values))

    [<Property>]
    let ``cells are the rows, or the columns if so told`` () =
        Prop.forAll
            (Arb.fromGen (
                anyMatrix
                |> Gen.map (fun m -> {
                    m with
                        Values = Array.map (fun v -> if Double.IsFinite v then Math.Round(v) % 100.0 else 0.0) m.Values
                })
            ))
            (fun matrix ->
                inFolder (fun path ->
                    Npy.writeMatrix path matrix |> Expect.ok

                    let asCells =
                        Npy.read RowsAre.Cells Progress.none path |> Expect.ok |> TextFiles.dense

                    let asGenes =
                        Npy.read RowsAre.Genes Progress.none path |> Expect.ok |> TextFiles.dense

                    let at row column =
                        matrix.Values[row * matrix.Columns + column]

                    asCells =
                        Array.init matrix.Rows (fun row -> Array.init matrix.Columns (fun column -> at row column))
                    && asGenes =
                        Array.init matrix.Columns (fun column -> Array.init matrix.Rows (fun row -> at row column))))

    [<Test>]
    let ``every type of number of numpy is read, in both byte orders and both orders of values`` () =
        TestData.temporaryFolder (fun folder ->
            TextFiles.python
                "numpy"
                folder
                "import numpy as np\n\
                 for t in ['f2','f4','f8','i1','i2','i4','i8','u1','u2','u4','u8','b1']:\n\
                 \x20 for e in '<>':\n\
                 \x20  for o in 'CF':\n\
                 \x20   a = np.array([[0,1,2],[3,100,0]]).astype(e+t)\n\
                 \x20   np.save(f'{t}_{ord(e)}_{o}', np.asarray(a, order=o))"
            |> ignore

            let files = Directory.GetFiles(folder, "*.npy")
            Expect.equal 48 files.Length

            for path in files do
                let expected =
                    if Path.GetFileName(path).StartsWith "b1" then
                        [| 0.0; 1.0; 1.0; 1.0; 1.0; 0.0 |]
                    else
                        [| 0.0; 1.0; 2.0; 3.0; 100.0; 0.0 |]

                let matrix = Npy.readMatrix Progress.none path |> Expect.ok
                Assert.That(matrix.Values, Is.EqualTo(box expected), path)
                let cells = Npy.read RowsAre.Cells Progress.none path |> Expect.ok
                Assert.That(Array.concat (TextFiles.dense cells), Is.EqualTo(box expected), path)
                Expect.equal [| "gene_1"; "gene_2"; "gene_3" |] (TextFiles.geneNames cells))

    [<Test>]
    let ``texts of numpy are read`` () =
        TestData.temporaryFolder (fun folder ->
            TextFiles.python
                "numpy"
                folder
                "import numpy as np\n\
                 for t in ['<U5', '>U5']: np.save('t' + str(ord(t[0])), np.array(['a', 'gène', ''], dtype=t))\n\
                 np.save('s', np.array([b'a', b'bcd', b'']))"
            |> ignore

            let text name =
                Npy.readText (Path.Combine(folder, name)) |> Expect.ok

            Expect.equal [| "a"; "gène"; "" |] (text "t60.npy")
            Expect.equal [| "a"; "gène"; "" |] (text "t62.npy")
            Expect.equal [| "a"; "bcd"; "" |] (text "s.npy"))

    [<Test>]
    let ``numpy and scipy read what is written`` () =
        TestData.temporaryFolder (fun folder ->
            let at name = Path.Combine(folder, name)

            Npy.writeRows (at "f4.npy") 3 2 (fun row (values: float32[]) ->
                values[0] <- float32 row
                values[1] <- 0.5f)
            |> Expect.ok

            Npy.writeRows (at "i4.npy") 3 2 (fun row (values: int[]) ->
                values[0] <- row
                values[1] <- -1)
            |> Expect.ok

            let matrix = {
                Starts = [| 0L; 2L; 2L; 3L |]
                Indices = [| 0; 3; 1 |]
                Values = [| 1.0f; 2.0f; 3.5f |]
            }

            Npz.writeSparse (at "s.npz") 4 matrix [ "genes", NpyArray.Text [| "a"; "bé"; null; "longer" |] ]
            |> Expect.ok

            let output =
                TextFiles.python
                    "scipy.sparse, numpy"
                    folder
                    "import numpy as np, scipy.sparse\n\
                     for n in ['f4', 'i4']:\n\
                     \x20 a = np.load(n + '.npy'); print(a.dtype, a.tolist())\n\
                     s = scipy.sparse.load_npz('s.npz'); print(s.format, s.dtype, s.shape, s.toarray().tolist())\n\
                     print(np.load('s.npz')['genes'].tolist())"

            Expect.equal
                [|
                    "float32 [[0.0, 0.5], [1.0, 0.5], [2.0, 0.5]]"
                    "int32 [[0, -1], [1, -1], [2, -1]]"
                    "csr float32 (3, 4) [[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [0.0, 3.5, 0.0, 0.0]]"
                    "['a', 'bé', '', 'longer']"
                |]
                (output.Split('\n') |> Array.map _.Trim()))

    [<Test>]
    let ``the same arrays give the same bytes`` () =
        TestData.temporaryFolder (fun folder ->
            let bytes name =
                let path = Path.Combine(folder, name)

                Npz.write path [ "x", NpyArray.Float([ 2 ], [| 1.0; 2.0 |]); "n", NpyArray.Text [| "a" |] ]
                |> Expect.ok

                File.ReadAllBytes path

            Expect.equal (bytes "a.npz") (bytes "b.npz"))

    [<Test>]
    let ``types and shapes that cannot be are a bug`` () =
        inFolder (fun path ->
            Expect.raises<ArgumentException>(fun () -> Npy.writeRows path 1 1 (fun _ (_: decimal[]) -> ()) |> ignore)

            Expect.raises<ArgumentException>(fun () ->
                Npz.write path [ "x", NpyArray.Float([ 3 ], [| 1.0 |]) ] |> ignore)

            Expect.equal false (File.Exists path))

    [<Test>]
    let ``the contents are told from the header`` () =
        inFolder (fun path ->
            Npy.writeMatrix path {
                Rows = 2
                Columns = 3
                Values = Array.zeroCreate 6
            }
            |> Expect.ok

            let contents = Npy.contents path |> Expect.ok |> dict
            Expect.equal "2 x 3" contents["shape"]
            Expect.equal "<f8" contents["values"])
