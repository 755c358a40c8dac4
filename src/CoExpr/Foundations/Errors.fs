namespace CoExpr

open System

/// What can be wrong with data, a file or an option that a user hands in. Each case carries what the user needs to
/// find the fault; a caller's bug (null, a negative length) is an ArgumentException instead.
[<RequireQualifiedAccess>]
type CoExprError =
    /// Nothing is at this path.
    | FileNotFound of path: string
    /// The file is whole, but not of a kind that is read here.
    | UnknownFormat of path: string * reason: string
    /// The file is cut short, or contradicts itself.
    | DamagedFile of path: string * reason: string
    /// A matrix, layer or column that was asked for is not in the file; `present` lists what is.
    | MissingPart of path: string * part: string * present: string list
    /// A value that the method is not defined for, found at this gene and cell.
    | BadValue of source: string * gene: string * cell: string * value: float * advice: string
    /// Two things that must be equally long are not.
    | UnequalLengths of what: string * expected: int64 * actual: int64
    /// A name that must be unique stands at two places (counted from 1).
    | DuplicateName of source: string * kind: string * name: string * first: int * second: int
    /// A label that was asked for is not among the known ones.
    | UnknownLabel of what: string * asked: string * known: string list
    /// Two sets of names that must be the same are not: the names that only the one or only the other has.
    | DifferentNames of
        kind: string *
        first: string *
        onlyFirst: string list *
        second: string *
        onlySecond: string list *
        advice: string
    /// Fewer things are left than the method needs.
    | TooFew of what: string * found: int64 * needed: int64 * advice: string
    /// More than fits.
    | TooLarge of what: string * size: int64 * limit: int64
    /// An option outside its range.
    | BadOption of option: string * value: string * allowed: string
    /// The output cannot be written.
    | CannotWrite of path: string * reason: string
    /// A native library or another program's part is absent.
    | MissingLibrary of name: string * install: string * without: string

/// Carries a CoExprError through code that cannot return a Result (callbacks, parallel loops); caught at the border.
exception CoExprFailure of CoExprError

[<RequireQualifiedAccess>]
module CoExprError =

    let private limited (names: string list) =
        match names with
        | [] -> "nothing"
        | _ when names.Length > 12 -> String.Join(", ", List.take 12 names) + $", and {names.Length - 12} more"
        | _ -> String.Join(", ", names)

    /// Number of single-letter edits that turn one word into the other, whatever the case (Levenshtein 1966).
    let private edits (a: string) (b: string) =
        let a, b = a.ToLowerInvariant(), b.ToLowerInvariant()
        let mutable previous = [| 0 .. b.Length |]

        for i in 1 .. a.Length do
            let current = Array.create (b.Length + 1) i

            for j in 1 .. b.Length do
                let substituted = previous[j - 1] + (if a[i - 1] = b[j - 1] then 0 else 1)
                current[j] <- min substituted (1 + min previous[j] current[j - 1])

            previous <- current

        previous[b.Length]

    /// The known name closest to the one asked for, if it is close enough to be a slip.
    let nearest (asked: string) (known: string list) =
        match known with
        | [] -> None
        | _ ->
            let best = known |> List.minBy (edits asked)

            if edits asked best <= max 1 (asked.Length / 3) then
                Some best
            else
                None

    let private suggestion asked known =
        match nearest asked known with
        | Some name -> $" Did you mean {name}?"
        | None -> ""

    /// One sentence or two for a person: what is wrong, where, and what to do. No trailing line break.
    let describe error =
        match error with
        | CoExprError.FileNotFound path -> $"{path}: no such file or folder."
        | CoExprError.UnknownFormat(path, reason) -> $"{path}: {reason}"
        | CoExprError.DamagedFile(path, reason) -> $"{path}: the file is damaged: {reason}"
        | CoExprError.MissingPart(path, part, present) ->
            $"{path}: there is no {part}; present: {limited present}.{suggestion part present}"
        | CoExprError.BadValue(source, gene, cell, value, advice) ->
            let value = value.ToString("R", Globalization.CultureInfo.InvariantCulture)
            $"{source}: gene {gene} has the value {value} in cell {cell}. {advice}"
        | CoExprError.UnequalLengths(what, expected, actual) -> $"{what}: {actual} where {expected} were expected."
        | CoExprError.DuplicateName(source, kind, name, first, second) ->
            $"{source}: {kind} {name} stands at two places, {first} and {second}; names must be unique."
        | CoExprError.UnknownLabel(what, asked, known) ->
            $"{what}: {asked} is not known; known: {limited known}.{suggestion asked known}"
        | CoExprError.DifferentNames(kind, first, onlyFirst, second, onlySecond, advice) ->
            $"{kind} differ: {onlyFirst.Length} only in {first} ({limited onlyFirst}), {onlySecond.Length} only in {second} ({limited onlySecond}). {advice}"
        | CoExprError.TooFew(what, found, needed, advice) ->
            $"{found} {what} are left where at least {needed} are needed. {advice}"
        | CoExprError.TooLarge(what, size, limit) -> $"{what}: {size} is more than the {limit} that fit."
        | CoExprError.BadOption(option, value, allowed) -> $"{option} {value}: {allowed}."
        | CoExprError.CannotWrite(path, reason) -> $"{path}: cannot be written: {reason}"
        | CoExprError.MissingLibrary(name, install, without) -> $"{name} was not found. {install} {without}"

    /// Runs code that may throw CoExprFailure and gives its error as a value.
    let protect (work: unit -> 'a) : Result<'a, CoExprError> =
        try
            Ok(work ())
        with
        | CoExprFailure error -> Error error
        | :? AggregateException as many when
            (many.Flatten().InnerExceptions
             |> Seq.exists (function
                 | CoExprFailure _ -> true
                 | _ -> false))
            ->
            many.Flatten().InnerExceptions
            |> Seq.pick (function
                | CoExprFailure error -> Some(Error error)
                | _ -> None)

    /// The value, or CoExprFailure.
    let unwrap result =
        match result with
        | Ok value -> value
        | Error error -> raise (CoExprFailure error)

/// `result { let! ... }`: the first error ends the computation.
[<AutoOpen>]
module ResultBuilder =

    type ResultBuilder() =
        member _.Bind(value, next) = Result.bind next value
        member _.Return value = Ok value
        member _.ReturnFrom(value: Result<_, _>) = value
        member _.Zero() = Ok()
        member _.Delay(work: unit -> Result<_, _>) = work
        member _.Run(work: unit -> Result<_, _>) = work ()

        member _.Using(resource: #IDisposable, next) =
            use resource = resource
            next resource

        member _.Combine(first: Result<unit, _>, next: unit -> Result<_, _>) =
            match first with
            | Ok() -> next ()
            | Error error -> Error error

    let result = ResultBuilder()
