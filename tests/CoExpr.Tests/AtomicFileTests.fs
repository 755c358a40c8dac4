namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open CoExpr
open CoExpr.IO

module AtomicFileTests =

    let private inFolder test =
        TestData.temporaryFolder (fun folder -> test folder (Path.Combine(folder, "scores.tsv.gz")))

    let private put (text: string) (path: string) = File.WriteAllText(path, text)

    let private names (folder: string) =
        Directory.GetFileSystemEntries folder
        |> Array.map Path.GetFileName
        |> Array.sort

    let private reason result =
        match result with
        | Error(CoExprError.CannotWrite(_, reason)) -> reason
        | other -> $"not an error of writing: %A{other}"

    [<Test>]
    let ``the file is there when writing is done, and nothing else`` () =
        inFolder (fun folder path ->
            let result =
                AtomicFile.write path (fun temporary ->
                    put "whole" temporary
                    7)

            Expect.equal (Ok 7) result
            Expect.equal [| "scores.tsv.gz" |] (names folder)
            Expect.equal "whole" (File.ReadAllText path))

    [<Test>]
    let ``the final name shows the old file until the new one is complete`` () =
        inFolder (fun _ path ->
            put "old" path

            let seen =
                AtomicFile.write path (fun temporary ->
                    put "new" temporary
                    File.ReadAllText path)

            Expect.equal (Ok "old") seen
            Expect.equal "new" (File.ReadAllText path))

    [<Test>]
    let ``the temporary name is in the same folder, hidden, with the same ending`` () =
        inFolder (fun folder path ->
            let temporary =
                AtomicFile.write path (fun name ->
                    put "" name
                    name)
                |> CoExprError.unwrap

            Expect.equal folder (Path.GetDirectoryName temporary)
            Assert.That(Path.GetFileName temporary, Does.StartWith ".")
            Assert.That(temporary, Does.Contain ".partial.")
            Assert.That(temporary, Does.EndWith ".tsv.gz"))

    [<Test>]
    let ``a name of 255 letters has a temporary name that fits`` () =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, String('é', 122) + ".h5ad")
            Expect.equal (Ok()) (AtomicFile.write path (put "x")))

    /// The name that a process of this machine would have given what it writes.
    let private temporaryOf (number: int) path =
        let own =
            AtomicFile.write path (fun name ->
                put "" name
                name)
            |> CoExprError.unwrap

        File.Delete path
        own.Replace($".{Environment.ProcessId}-", $".{number}-")

    // No system numbers its processes that high.
    let private NoProcess = 99999999

    [<Test>]
    let ``what a process that is no more has left of an output goes when it is written again`` () =
        inFolder (fun folder path ->
            let left = temporaryOf NoProcess path
            put "half" left
            // Of another output, of a process that runs, of another machine.
            let other = temporaryOf NoProcess (Path.Combine(folder, "others.tsv.gz"))
            let running = temporaryOf 1 path
            let foreign = left.Replace($".{NoProcess}-", $".{NoProcess}-zzzz")
            [ other; running; foreign ] |> List.iter (put "half")
            Expect.equal (Ok()) (AtomicFile.write path (put "new"))

            Expect.equal
                (List.sort [ path; other; running; foreign ])
                (Directory.GetFiles folder |> Array.sort |> List.ofArray))

    /// Ways in which writing ends early, and the exception that comes back.
    let private interruptions: (exn * Type) seq = [
        OperationCanceledException(), typeof<OperationCanceledException>
        InvalidOperationException "a bug", typeof<InvalidOperationException>
    ]

    [<Test>]
    let ``an exception or a cancellation leaves the old file and no other`` () =
        inFolder (fun folder path ->
            put "old" path

            for interruption, kind in interruptions do
                let raised =
                    try
                        AtomicFile.write path (fun temporary ->
                            put "half" temporary
                            raise interruption)
                        |> ignore

                        null
                    with error ->
                        error.GetType()

                Expect.equal kind raised

            Expect.equal [| "scores.tsv.gz" |] (names folder)
            Expect.equal "old" (File.ReadAllText path))

    [<Test>]
    let ``an error of the writer comes back as it is, and nothing is left`` () =
        inFolder (fun folder path ->
            let error = CoExprError.TooLarge("pairs", 10L, 5L)

            let result =
                AtomicFile.write path (fun temporary ->
                    put "half" temporary
                    raise (CoExprFailure error))

            Expect.equal (Error error) result
            Expect.equal [||] (names folder))

    [<Test>]
    let ``a full disk is told in plain words`` () =
        if not (File.Exists "/dev/full") then
            Assert.Ignore "there is no /dev/full on this system"

        inFolder (fun folder path ->
            let result =
                AtomicFile.write path (fun temporary ->
                    put "half" temporary
                    use full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write)
                    full.Write(Array.zeroCreate 100000, 0, 100000)
                    full.Flush())

            Expect.equal "the disk is full." (reason result)
            Expect.equal [||] (names folder))

    [<Test>]
    let ``a writer that fails to write its file is an error, not a missing output`` () =
        inFolder (fun _ path -> Assert.That(reason (AtomicFile.write path ignore), Does.Contain "Could not find file"))

    /// Outputs that cannot be, and a part of what is said of each.
    let private impossible folder = [
        "", "empty"
        folder, "folder"
        Path.Combine(folder, "new") + string Path.DirectorySeparatorChar, "folder"
        Path.Combine(folder, "absent", "x.tsv"), "no such folder: " + Path.Combine(folder, "absent")
        Path.Combine(folder, String('x', 300)), "too long"
        "/dev/null", "device"
        "/dev/stdout", "device"
    ]

    [<Test>]
    let ``an impossible output is refused before any work`` () =
        TestData.temporaryFolder (fun folder ->
            for path, expected in impossible folder do
                Assert.That(reason (AtomicFile.check path), Does.Contain expected)
                let mutable worked = false
                let result = AtomicFile.write path (fun _ -> worked <- true)
                Assert.That(reason result, Does.Contain expected)
                Assert.That(worked, Is.False, path)

            Expect.equal [||] (names folder))

    [<Test>]
    let ``a file or folder without permission is refused`` () =
        if OperatingSystem.IsWindows() then
            Assert.Ignore "modes are of Unix"

        if Environment.UserName = "root" then
            Assert.Ignore "root may write anywhere"

        inFolder (fun folder path ->
            File.SetUnixFileMode(folder, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)
            let result = AtomicFile.check path
            File.SetUnixFileMode(folder, UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute)
            Expect.equal "no permission." (reason result))

    [<Test>]
    let ``checking leaves nothing behind and changes nothing`` () =
        inFolder (fun folder path ->
            put "old" path
            Expect.equal (Ok()) (AtomicFile.check path)
            Expect.equal [| "scores.tsv.gz" |] (names folder)
            Expect.equal "old" (File.ReadAllText path))

    [<Test>]
    let ``a link keeps pointing to its file`` () =
        inFolder (fun folder path ->
            let link = Path.Combine(folder, "link.tsv.gz")
            put "old" path
            File.CreateSymbolicLink(link, path) |> ignore
            AtomicFile.write link (put "new") |> CoExprError.unwrap
            Expect.equal "new" (File.ReadAllText path)
            Expect.equal path (File.ResolveLinkTarget(link, true).FullName))

    [<Test>]
    let ``of several outputs all appear, or none`` () =
        TestData.temporaryFolder (fun folder ->
            let paths = [ Path.Combine(folder, "a.tsv"); Path.Combine(folder, "b.npy") ]

            let failed =
                AtomicFile.writeAll paths (fun temporaries ->
                    put "a" temporaries[0]
                    raise (IOException "the second failed"))

            Expect.equal "the second failed" (reason failed)
            Expect.equal [||] (names folder)
            AtomicFile.writeAll paths (List.iter (put "x")) |> CoExprError.unwrap
            Expect.equal [| "a.tsv"; "b.npy" |] (names folder))

    [<Test>]
    let ``when the second cannot be renamed the first does not stay`` () =
        TestData.temporaryFolder (fun folder ->
            let paths = [ Path.Combine(folder, "a.tsv"); Path.Combine(folder, "b.tsv") ]

            let result =
                AtomicFile.writeAll paths (fun temporaries ->
                    temporaries |> List.iter (put "x")
                    Directory.CreateDirectory paths[1] |> ignore)

            Assert.That(Result.isError result)
            Expect.equal [| "b.tsv" |] (names folder))

    [<Test>]
    let ``two outputs of one name are refused`` () =
        inFolder (fun folder path ->
            let again = Path.Combine(folder, ".", "scores.tsv.gz")
            Expect.equal "2 outputs have this name." (reason (AtomicFile.writeAll [ path; again ] ignore)))
