namespace CoExpr.Tests

open System
open NUnit.Framework

/// What NUnit's own constraints say badly from F#.
module Expect =

    /// F#'s equality; shows both values where they differ.
    let same (expected: 'a) (actual: 'a) =
        if actual <> expected then
            Assert.Fail $"%A{actual}\nwhere this was expected:\n%A{expected}"

    /// An ArgumentException whose message holds these words.
    let refused (words: string) (attempt: unit -> 'a) =
        let error = Assert.Throws<ArgumentException>(Action(fun () -> attempt () |> ignore))
        Assert.That(error.Message, Does.Contain words)
