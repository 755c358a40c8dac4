namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework

/// Where tests find files that are not in the repository, and where they may write.
[<RequireQualifiedAccess>]
module TestData =

    let private parents =
        DirectoryInfo(TestContext.CurrentContext.TestDirectory)
        |> Seq.unfold (fun folder -> if isNull folder then None else Some(folder, folder.Parent))

    let private folder =
        match Environment.GetEnvironmentVariable "COEXPR_DATA" with
        | null
        | "" ->
            parents
            |> Seq.map (fun parent -> Path.Combine(parent.FullName, "shared", "data"))
            |> Seq.tryFind Directory.Exists
        | named -> Some named

    /// The path of a file of real data, if it is there.
    let tryPath (name: string) =
        folder
        |> Option.map (fun folder -> Path.Combine(folder, name))
        |> Option.filter (fun path -> File.Exists path || Directory.Exists path)

    /// The path of a file of real data; the test is reported as skipped where it is absent.
    let require name =
        match tryPath name with
        | Some path -> path
        | None ->
            Assert.Ignore $"{name} is not here; set COEXPR_DATA to the folder of real data"
            ""

    /// A file kept beside the tests, under tests/golden.
    let golden (name: string) =
        parents
        |> Seq.map (fun parent -> Path.Combine(parent.FullName, "tests", "golden", name))
        |> Seq.find File.Exists

    /// Runs a test with a folder of its own, deleted afterwards.
    let temporaryFolder (test: string -> 'a) =
        let folder = Directory.CreateTempSubdirectory "coexpr-"

        try
            test folder.FullName
        finally
            folder.Delete true
