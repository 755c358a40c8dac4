namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework

/// Files that tests write. They are kept until the last test has ended, since what is read lazily is read from them.
[<RequireQualifiedAccess>]
module Scratch =

    let private folders = lazy Directory.CreateTempSubdirectory("coexpr-").FullName

    /// A new empty folder for one test's files.
    let folder () =
        Directory.CreateDirectory(Path.Combine(folders.Value, Guid.NewGuid().ToString "N")).FullName

    /// Deletes what folder made.
    let remove () =
        if folders.IsValueCreated && Directory.Exists folders.Value then
            Directory.Delete(folders.Value, true)

    /// Where a file of this name can be written.
    let file name = Path.Combine(folder (), name)

/// Clears up after all tests.
[<SetUpFixture>]
type RemoveScratch() =
    [<OneTimeTearDown>]
    member _.Remove() = Scratch.remove ()
