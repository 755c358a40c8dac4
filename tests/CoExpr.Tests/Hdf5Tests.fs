namespace CoExpr.Tests

open System
open System.IO
open System.IO.Compression
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr.Hdf5

/// How a vector is stored and which part of it is read.
type StoredVector = {
    Values: int64[]
    ChunkBytes: int
    Level: int
    Shuffle: bool
    Threads: int
    KnownLength: bool
    /// Lengths in which it is handed over, from 0 to 1 of what is left.
    Parts: float list
}

type StoredVectors =
    static member Vector() =
        gen {
            let! length = Gen.choose (0, 300)
            let! values = Gen.arrayOfLength length (ArbMap.generate<int64> ArbMap.defaults)
            let! chunk = Gen.choose (1, 700)
            let! level = Gen.elements [ 0; 1; 4; 9 ]
            let! shuffle = Gen.elements [ true; false ]
            let! threads = Gen.choose (1, 3)
            let! known = Gen.elements [ true; false ]

            let! parts =
                Gen.listOf (Gen.choose (0, 10) |> Gen.map (fun tenths -> float tenths / 10.0))

            return {
                Values = values
                ChunkBytes = chunk
                Level = level
                Shuffle = shuffle
                Threads = threads
                KnownLength = known
                Parts = parts
            }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<StoredVectors> |], MaxTest = 100)>]
module Hdf5Tests =

    let private temporaryFile () =
        Path.Combine(Scratch.folder (), "file.h5")

    let private append (writer: Hdf5Writer<int64>) (vector: StoredVector) =
        let mutable at = 0

        for part in vector.Parts @ [ 1.0 ] do
            let length = int (part * float (vector.Values.Length - at))
            writer.Append(ReadOnlySpan(vector.Values, at, length))
            at <- at + length

    let private write (vector: StoredVector) =
        let path = temporaryFile ()
        use file = Hdf5File.Create path

        let storage =
            Hdf5Storage(
                ChunkBytes = vector.ChunkBytes,
                Level = vector.Level,
                Shuffle = vector.Shuffle,
                Threads = vector.Threads
            )

        let length =
            if vector.KnownLength then
                Nullable vector.Values.LongLength
            else
                Nullable()

        use writer = file.Root.CreateVector<int64>("v", length, storage)
        append writer vector
        writer.Close()
        file.Close()
        path

    [<Property>]
    let ``what is written is read`` (vector: StoredVector) =
        use file = Hdf5File.OpenRead(write vector)
        file.Root.Dataset("v").Read<int64> vector.Threads = vector.Values

    [<Property>]
    let ``a part of the rows is that part of the whole`` (vector: StoredVector) (PositiveInt a) (PositiveInt b) =
        let first, next =
            let one, other = a % (vector.Values.Length + 1), b % (vector.Values.Length + 1)
            min one other, max one other

        use file = Hdf5File.OpenRead(write vector)
        let part = Array.zeroCreate<int64>(next - first)
        file.Root.Dataset("v").ReadRows(int64 first, Memory part, vector.Threads)
        part = vector.Values[first .. next - 1]

    [<Property>]
    let ``the file is the same for any number of threads`` (vector: StoredVector) =
        let bytes threads =
            File.ReadAllBytes(write { vector with Threads = threads })

        bytes 1 = bytes 3

    [<Property>]
    let ``texts come back`` (texts: string[]) =
        let texts =
            texts
            |> Array.map (fun text -> if isNull text then "" else text.Replace("\000", ""))
        // A lone half of a surrogate pair is no text, and UTF-8 has no bytes for it.
        let texts =
            texts
            |> Array.map (fun text -> Text.Encoding.UTF8.GetString(Text.Encoding.UTF8.GetBytes text))

        let path = temporaryFile ()

        using (Hdf5File.Create path) (fun file ->
            file.Root.WriteTexts("t", texts) |> ignore
            file.Root.Attributes.WriteTexts("a", texts)
            file.Close())

        use file = Hdf5File.OpenRead path

        file.Root.Dataset("t").ReadTexts() = texts
        && file.Root.Attributes.Texts "a" = texts

    let private made =
        lazy
            (let folder = Scratch.folder ()
             Python.run "datasets.py" [ folder ] |> ignore
             folder)

    let private versions = [ "earliest"; "latest"; "userblock" ]

    let private openMade version =
        Hdf5File.OpenRead(Path.Combine(made.Value, version + ".h5"))

    let private expected isFlag count =
        Array.init count (fun i ->
            if not isFlag then float (i * 7 % 100)
            elif i % 3 = 0 then 1.0
            else 0.0)

    let private isPatterned (name: string) =
        name.Contains "x" && Char.IsDigit name[0]
        || name.StartsWith "1000_"
        || name.StartsWith "30_"
        || name.StartsWith "0_"
        || name.StartsWith "scalar_"

    [<TestCaseSource(nameof versions)>]
    let ``every type, shape, layout and filter is read as h5py wrote it`` (version: string) =
        use file = openMade version
        let names = file.Root.Names |> Seq.filter isPatterned |> Array.ofSeq
        Assert.That(names.Length, Is.GreaterThan 800)

        for name in names do
            let dataset = file.Root.Dataset name
            let isFlag = dataset.Type.Kind = Hdf5Kind.Flag
            Assert.That(isFlag, Is.EqualTo(name.EndsWith "_bool"), name)
            let values = expected isFlag (int dataset.Count)
            Assert.That(dataset.Read<float> 2, Is.EqualTo<float[]> values, name)
            Assert.That(dataset.Read<int>(), Is.EqualTo<int[]>(Array.map int values), name)
            Assert.That(dataset.Read<float32>(), Is.EqualTo<float32[]>(Array.map float32 values), name)
            Assert.That(dataset.Read<int64> 3, Is.EqualTo<int64[]>(Array.map int64 values), name)

    [<TestCaseSource(nameof versions)>]
    let ``blocks of rows are read from chunks that they cut`` (version: string) =
        use file = openMade version

        for name in
            file.Root.Names
            |> Seq.filter (fun name -> name.StartsWith "50x21_" && name.EndsWith "_f4") do
            let dataset = file.Root.Dataset name
            let whole = dataset.Read<float32>()

            for first, next in [ 0, 1; 3, 20; 8, 16; 49, 50; 5, 5 ] do
                let block = Array.zeroCreate<float32>((next - first) * 21)
                dataset.ReadRows(int64 first, Memory block, 2)
                Assert.That(block, Is.EqualTo<float32[]> whole[first * 21 .. next * 21 - 1], name)

    [<TestCaseSource(nameof versions)>]
    let ``what was never written is the fill value`` (version: string) =
        use file = openMade version
        let fill = Array.init 100 (fun i -> if i >= 30 && i < 40 then 1 else 5)
        Assert.That(file.Root.Dataset("fill").Read<int> 2, Is.EqualTo<int[]> fill)
        Assert.That(file.Root.Dataset("fill_plain").Read<int> 2, Is.EqualTo<int[]> fill)
        Assert.That(file.Root.Dataset("never").Read<float32> 2, Is.EqualTo<float32[]>(Array.zeroCreate<float32> 100))
        Assert.That(file.Root.Dataset("resized").Read<float>(), Is.EqualTo<float[]>(expected false 40))

    [<TestCaseSource(nameof versions)>]
    let ``text of every form is read`` (version: string) =
        use file = openMade version

        let texts count =
            Array.init count (fun i -> $"é{i * 7 % 100}")

        for name, count in
            [
                "text_variable", 300
                "text_gzip", 300
                "text_lzf", 300
                "text_fixed", 300
                "text_fixed_gzip", 300
                "text_scalar", 1
                "text_fixed_scalar", 1
                "text_none", 0
                "text_2d", 300
            ] do
            Assert.That(file.Root.Dataset(name).ReadTexts(), Is.EqualTo<string[]>(texts count), name)

    [<TestCaseSource(nameof versions)>]
    let ``fields of records are read one by one`` (version: string) =
        use file = openMade version

        for name in [ "records"; "records_lzf" ] do
            let field = file.Root.Dataset(name).Field
            Assert.That(field("name").ReadTexts()[1], Is.EqualTo "é7")
            Assert.That(field("n").Read<int>(), Is.EqualTo<int[]>(expected false 300 |> Array.map int))
            Assert.That(field("x").Read<float>(), Is.EqualTo<float[]>(expected false 300))
            Assert.That(field("flag").Read<float>(), Is.EqualTo<float[]>(expected true 300))
            Assert.That(Array.ofSeq (field("pair").Shape), Is.EqualTo<int64[]> [| 300L; 2L |])
            Assert.That(field("pair").Read<float>(), Is.EqualTo<float[]>(expected false 600))

    [<TestCaseSource(nameof versions)>]
    let ``attributes of every form are read`` (version: string) =
        use file = openMade version
        let attributes = file.Root.Attributes
        Assert.That(attributes.Text "text", Is.EqualTo "é")
        Assert.That(attributes.Text "fixed", Is.EqualTo "é")
        Assert.That(attributes.Texts "texts", Is.EqualTo<string[]> [| "a"; "bc"; "é" |])
        Assert.That(attributes.Texts "none", Is.Empty)
        Assert.That(attributes.Texts "nothing", Is.Empty)
        Assert.That(attributes.Text "absent", Is.Null)
        Assert.That(attributes.Numbers<byte> "flag", Is.EqualTo<byte[]> [| 1uy |])
        Assert.That(attributes.Numbers<float> "number", Is.EqualTo<float[]> [| 2.5 |])
        Assert.That(attributes.Numbers<int> "numbers", Is.EqualTo<int[]> [| 1; 2; 3 |])
        Assert.That(attributes.Reference "reference", Is.EqualTo "/fill")

    let private fault (work: unit -> unit) =
        let error = Expect.throws<Hdf5Exception>(fun () -> work ())
        error.Fault, error.Message

    [<TestCase("big_int64", "element 6 of big_int64 is 2147483648, which is no int32.")>]
    [<TestCase("big_uint64", "element 6 of big_uint64 is 9.223372036854776E+18, which is no int32.")>]
    [<TestCase("fraction", "element 6 of fraction is 1.5, which is no int32.")>]
    [<TestCase("nan", "element 6 of nan is NaN, which is no int32.")>]
    let ``a number that does not fit is an error`` (name: string) (message: string) =
        use file = openMade "earliest"

        for suffix in [ ""; "_gzip" ] do
            let message = message.Replace(name, name + suffix)

            let read () =
                file.Root.Dataset(name + suffix).Read<int> 2 |> ignore

            Assert.That(fault read, Is.EqualTo((Hdf5Fault.OutOfRange, message)))

    [<Test>]
    let ``a finite number stays finite`` () =
        use file = openMade "earliest"

        let read () =
            file.Root.Dataset("big_float64").Read<float32>() |> ignore

        Assert.That(fault read |> snd, Does.StartWith "element 6 of big_float64 is 1E+300")

    let private patched (version: string) (find: byte[]) (replacement: byte[]) =
        let path = Path.Combine(Scratch.folder (), "patched.h5")
        let bytes = File.ReadAllBytes(Path.Combine(made.Value, version + ".h5"))
        let mutable at = bytes.AsSpan().IndexOf(ReadOnlySpan find)
        Assert.That(at, Is.GreaterThan 0)

        while at >= 0 do
            replacement.CopyTo(bytes, at)
            at <- bytes.AsSpan().IndexOf(ReadOnlySpan find)

        File.WriteAllBytes(path, bytes)
        path

    [<Test>]
    let ``a filter that is not there is named`` () =
        // The number of lzf and the length of its name, turned into those of zstd.
        let path =
            patched "earliest" [| 0x00uy; 0x7duy; 8uy; 0uy |] [| 0x0fuy; 0x7duy; 8uy; 0uy |]

        use file = Hdf5File.OpenRead path

        let kind, message =
            fault (fun () -> file.Root.Dataset("1000_64_lzf_i4").Read<int>() |> ignore)

        Assert.That(kind, Is.EqualTo Hdf5Fault.Unsupported)

        Assert.That(
            message,
            Does.StartWith "1000_64_lzf_i4 is compressed with zstd, which this HDF5 library cannot undo"
        )

    let private vectorFile level shuffle =
        write {
            Values = Array.init 1000 (fun i -> int64 i * 7L % 100L)
            ChunkBytes = 800
            Level = level
            Shuffle = shuffle
            Threads = 1
            KnownLength = true
            Parts = []
        }

    [<TestCase(true)>]
    [<TestCase(false)>]
    let ``a chunk that was damaged is named`` (shuffle: bool) =
        let path = vectorFile 4 shuffle
        let bytes = File.ReadAllBytes path
        // The second zlib stream at level 4 begins the second chunk; the middle of it is turned over.
        let header = [| 0x78uy; 0x5euy |]
        let first = bytes.AsSpan().IndexOf(ReadOnlySpan header)
        let second = first + 2 + bytes.AsSpan(first + 2).IndexOf(ReadOnlySpan header)
        bytes[second + 20] <- ~~~bytes[second + 20]
        bytes[second + 21] <- ~~~bytes[second + 21]
        File.WriteAllBytes(path, bytes)
        use file = Hdf5File.OpenRead path
        let kind, message = fault (fun () -> file.Root.Dataset("v").Read<int64> 2 |> ignore)
        Assert.That(kind, Is.EqualTo Hdf5Fault.Damaged)
        Assert.That(message, Does.StartWith "the chunk of v that begins at 100 cannot be decompressed")

    [<Test>]
    let ``a file that is cut short says by how much`` () =
        let path = vectorFile 4 true
        let bytes = File.ReadAllBytes path

        for percent in [ 10; 50; 90 ] do
            let length = bytes.Length * percent / 100
            File.WriteAllBytes(path, bytes[.. length - 1])
            let kind, message = fault (fun () -> Hdf5File.OpenRead(path).Dispose())
            Assert.That(kind, Is.EqualTo Hdf5Fault.Damaged)
            Assert.That(message, Is.EqualTo $"cut short: {length:N0} bytes on disk, {bytes.Length:N0} expected.")

    [<TestCase("")>]
    [<TestCase("cell\tgene\n")>]
    let ``another kind of file is told apart`` (text: string) =
        let path = temporaryFile ()
        File.WriteAllText(path, text)
        Assert.That(fault (fun () -> Hdf5File.OpenRead(path).Dispose()) |> fst, Is.EqualTo Hdf5Fault.Unsupported)

    [<Test>]
    let ``too few and too many elements are a mistake of the caller`` () =
        use file = Hdf5File.Create(temporaryFile ())
        let storage = Hdf5Storage()
        use few = file.Root.CreateMatrix<float>("few", 2L, 3L, storage)
        few.Append(ReadOnlySpan [| 1.0; 2.0; 3.0; 4.0 |])
        Expect.throws<InvalidOperationException>(fun () -> few.Close()) |> ignore
        use many = file.Root.CreateVector<float>("many", 1L, storage)

        Expect.throws<InvalidOperationException>(fun () -> many.Append(ReadOnlySpan [| 1.0; 2.0 |]))
        |> ignore

    [<Test>]
    let ``a full disk is told with the system's reason`` () =
        if not (File.Exists "/dev/full") then
            Assert.Ignore "/dev/full is not there"

        let kind, message = fault (fun () -> Hdf5File.Create("/dev/full").Close())
        Assert.That(kind, Is.EqualTo Hdf5Fault.CannotWrite)
        Assert.That(message, Does.Contain "No space left on device")

    [<Test>]
    let ``reading stops when asked to`` () =
        use file = Hdf5File.OpenRead(vectorFile 4 true)
        let stopped = Threading.CancellationToken true

        Expect.throws<OperationCanceledException>(fun () -> file.Root.Dataset("v").Read<int64>(2, stopped) |> ignore)
        |> ignore

    [<Test>]
    let ``what the chunks say is what zlib says`` () =
        // A check from outside of what is written: the stream of the first chunk, taken from the file's bytes.
        let bytes = File.ReadAllBytes(vectorFile 4 false)
        let start = bytes.AsSpan().IndexOf(ReadOnlySpan [| 0x78uy; 0x5euy |])

        use inflater =
            new ZLibStream(new MemoryStream(bytes, start, bytes.Length - start), CompressionMode.Decompress)

        let chunk = Array.zeroCreate<byte> 800
        inflater.ReadExactly(Span chunk)
        Assert.That(BitConverter.ToInt64(chunk, 8 * 99), Is.EqualTo(99L * 7L % 100L))
