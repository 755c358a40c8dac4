namespace CoExpr.IO

open System
open System.IO
open System.Text.Json
open CoExpr

/// What the kept parts of a run were made from: parts of another run must never be taken for its own.
type internal RunIdentity = {
    /// SHA-256 of the input's bytes.
    InputHash: string
    /// Every option that changes the result, by its name on the command line.
    Options: (string * Json) list
}

/// Told when a run is stopped whose finished parts are kept.
[<Sealed>]
type ResumableStopException(folder: string) =
    inherit
        OperationCanceledException($"stopped; what is finished is kept in {folder}, and --resume continues from it.")

    /// Where the finished parts are.
    member _.Folder = folder

[<RequireQualifiedAccess>]
module internal RunIdentity =

    /// Raised with every change of the files of a run, or of a score.
    [<Literal>]
    let Version = "1"

    let private text json =
        match json with
        | Json.Text text -> text
        | other -> Json.write other

    /// Names and values of all that must be the same.
    let facts identity = [
        "version", Version
        "input", identity.InputHash
        for name, value in identity.Options do
            $"--{name}", text value
    ]

    let write identity =
        facts identity
        |> List.map (fun (name, value) -> name, Json.Text value)
        |> Json.Object
        |> Json.write

    /// Facts as they were written; None for a damaged text.
    let parse (written: string) =
        try
            use document = JsonDocument.Parse written

            Some [
                for fact in document.RootElement.EnumerateObject() -> fact.Name, fact.Value.GetString()
            ]
        with
        | :? JsonException
        | :? InvalidOperationException -> None

    /// What differs first, in words.
    let difference (kept: (string * string) list) identity =
        let now = facts identity

        let value name facts =
            List.tryPick (fun (other, value) -> if other = name then Some value else None) facts

        List.map fst now @ List.map fst kept
        |> List.distinct
        |> List.tryPick (fun name ->
            match name, value name kept, value name now with
            | _, before, after when before = after -> None
            | "version", _, _ -> Some "they were made by another version of this program"
            | "input", _, _ -> Some "they were made from another input, or it has changed since"
            | _, Some before, Some after -> Some $"they were made with {name} {before}, not {after}"
            | _, Some before, None -> Some $"they were made with {name} {before}, which is not given now"
            | _, None, _ -> Some $"they were made without {name}")

/// The folder of a run's finished parts, which one process at a time works in.
[<Sealed>]
type internal PartsFolder(path: string, lockFile: FileStream) =

    member _.Path = path
    member _.File(name: string) = System.IO.Path.Combine(path, name)

    /// Removes the folder with all that is in it.
    member _.Remove() =
        lockFile.Dispose()

        try
            Directory.Delete(path, true)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> ()

    interface IDisposable with
        member _.Dispose() = lockFile.Dispose()

[<RequireQualifiedAccess>]
module internal PartsFolder =

    let private manifestName = "manifest.json"

    let private cannot path (error: exn) =
        Error(CoExprError.CannotWrite(path, error.Message))

    let private acquire (path: string) =
        try
            Directory.CreateDirectory path |> ignore

            try
                let lockFile =
                    new FileStream(
                        Path.Combine(path, "lock"),
                        FileMode.OpenOrCreate,
                        FileAccess.ReadWrite,
                        FileShare.None
                    )

                Ok(new PartsFolder(path, lockFile))
            with :? IOException ->
                Error(CoExprError.CannotWrite(path, "another process is working with the parts kept there."))
        with
        | :? IOException as error -> cannot path error
        | :? UnauthorizedAccessException as error -> cannot path error

    let private isOurs path =
        File.Exists(Path.Combine(path, manifestName))

    /// What a process that was killed left half written.
    let private clearUnfinished path =
        for file in Directory.GetFiles(path, ".*.partial.*") do
            File.Delete file

    let private refuse path (reason: string) =
        Error(
            CoExprError.BadOption(
                "--resume",
                path,
                $"the parts kept there cannot be used: {reason}. Give the same input and options, or delete that folder to begin anew"
            )
        )

    let private check (folder: PartsFolder) identity =
        let manifest = folder.File manifestName

        match
            (if File.Exists manifest then
                 RunIdentity.parse (File.ReadAllText manifest)
             else
                 Some [])
        with
        | None -> refuse folder.Path "their manifest is damaged"
        | Some [] ->
            AtomicFile.write manifest (fun temporary -> File.WriteAllText(temporary, RunIdentity.write identity))
        | Some kept ->
            match RunIdentity.difference kept identity with
            | Some reason -> refuse folder.Path reason
            | None -> Ok()

    /// Opens the folder for a run, and makes it if it is not there. Errors: parts are there and the run is not told to
    /// resume; they are of another input or were made with other options; another process works there.
    let openFor resume identity (path: string) : Result<PartsFolder, CoExprError> =
        if isOurs path && not resume then
            Error(
                CoExprError.CannotWrite(
                    path,
                    "parts of a run that was stopped are kept there; --resume continues from them, deleting the folder begins anew."
                )
            )
        elif
            not (isOurs path)
            && Directory.Exists path
            && Seq.length (Directory.EnumerateFileSystemEntries path) > 1
        then
            Error(CoExprError.CannotWrite(path, "it is a folder of other files; give another --scratch."))
        else
            acquire path
            |> Result.bind (fun folder ->
                clearUnfinished path

                match check folder identity with
                | Ok() -> Ok folder
                | Error error ->
                    (folder :> IDisposable).Dispose()
                    Error error)

    /// Does the work of a run whose parts outlive a stop, of which ResumableStopException tells, and a full disk. Of bad data
    /// nothing is worth keeping.
    let guard (folder: PartsFolder) (work: unit -> Result<'a, CoExprError>) : Result<'a, CoExprError> =
        try
            work ()
            |> Result.mapError (fun error ->
                match error with
                | CoExprError.CannotWrite _ -> ()
                | _ -> folder.Remove()

                error)
        with :? OperationCanceledException ->
            raise (ResumableStopException folder.Path)
