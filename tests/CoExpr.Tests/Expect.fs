namespace CoExpr.Tests

open System
open NUnit.Framework
open CoExpr

/// Assertions that say both sides.
[<RequireQualifiedAccess>]
module Expect =

    /// Equal part by part; NaN equals NaN.
    let equal (expected: 'a) (actual: 'a) =
        if not (LanguagePrimitives.GenericEqualityER expected actual) then
            Assert.Fail $"expected: %A{expected}\nactual:   %A{actual}"

    /// The value of a result that must be Ok.
    let ok (result: Result<'a, CoExprError>) =
        match result with
        | Ok value -> value
        | Error error ->
            Assert.Fail(CoExprError.describe error)
            Unchecked.defaultof<'a>

    /// The sentence of a result that must be an error.
    let message (result: Result<'a, CoExprError>) =
        match result with
        | Error error -> CoExprError.describe error
        | Ok value ->
            Assert.Fail $"not an error: %A{value}"
            ""

    /// The sentence of the error holds all of these.
    let says (parts: string list) result =
        let message = message result

        for part in parts do
            Assert.That(message, Does.Contain part)

    /// An ArgumentException whose message holds these words.
    let refused (words: string) (attempt: unit -> 'a) =
        let error = Assert.Throws<ArgumentException>(Action(fun () -> attempt () |> ignore))
        Assert.That(error.Message, Does.Contain words)

    /// Raises an exception of this type or of one derived from it.
    let raises<'error when 'error :> exn> (work: unit -> unit) =
        let raised =
            try
                work ()
                null
            with error ->
                error

        match raised with
        | :? 'error -> ()
        | null -> Assert.Fail $"no {typeof<'error>.Name} was raised"
        | other -> Assert.Fail $"not a {typeof<'error>.Name}: {other}"

    /// An exception of this very type, for a closer look.
    let throws<'error when 'error :> exn> (attempt: unit -> unit) : 'error = Assert.Throws<'error>(Action attempt)
