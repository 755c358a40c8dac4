namespace CoExpr.IO

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Text
open CoExpr

/// Temporary files that are being written by this process, so that they can be deleted when it is told to end.
module private Unfinished =

    /// Each with whether a signal has deleted it.
    let private paths = ConcurrentDictionary<string, bool>()

    let private deleteQuietly (path: string) =
        try
            File.Delete path
        with
        | :? IOException
        | :? UnauthorizedAccessException -> ()

    let private stopAll () =
        for path in paths.Keys do
            paths[path] <- true
            deleteQuietly path

    // The signal then goes its usual way: it ends the process, unless the program has other plans and says so. In that
    // case the writer is cancelled. After kill -9 the temporary file stays, under its temporary name, until the same output
    // is written again.
    let private registrations = [
        for signal in [ PosixSignal.SIGINT; PosixSignal.SIGTERM ] ->
            PosixSignalRegistration.Create(signal, (fun _ -> stopAll ()))
    ]

    // When Main returns while another thread still writes, and on Environment.Exit.
    do AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> stopAll ())

    let add path =
        GC.KeepAlive registrations
        paths[path] <- false

    let wasStopped (path: string) =
        match paths.TryGetValue path with
        | true, stopped -> stopped
        | _ -> false

    let delete (path: string) =
        deleteQuietly path
        paths.TryRemove path |> ignore

/// Hidden names of files that are being written. They say who writes, so that what a process that was killed has left can be
/// told from what another one is at.
module private TemporaryName =

    /// Letters of a name that a temporary name keeps: at 4 bytes each they leave room for the 33 bytes before them.
    [<Literal>]
    let private LongestKeptName = 50

    /// Of this machine and, where processes are numbered in a space of their own, of that: numbers of processes mean nothing
    /// elsewhere.
    let private place =
        lazy
            (let space =
                try
                    File.ResolveLinkTarget("/proc/self/ns/pid", false)
                    |> Option.ofObj
                    |> Option.map _.Name
                with :? IOException ->
                    None

             let text = $"{Environment.MachineName} {Option.defaultValue String.Empty space}"
             let hash = SHA256.HashData(Encoding.UTF8.GetBytes text)
             Convert.ToHexString(hash, 0, 2).ToLowerInvariant())

    /// What every temporary name of an output ends with. It ends as the output does, for writers that choose a format by the
    /// ending.
    let private endingOf (path: string) =
        let name = Path.GetFileName path
        let kept = name.Substring(max 0 (name.Length - LongestKeptName))
        $".partial.{kept}"

    /// A new name beside the final one.
    let create (path: string) =
        let random = Guid.NewGuid().ToString("N").Substring(0, 8)
        let name = $".{Environment.ProcessId}-{place.Value}{random}{endingOf path}"
        Path.Combine(Path.GetDirectoryName path, name)

    let private runs (number: int) =
        try
            use found = Process.GetProcessById number
            not found.HasExited
        with
        | :? ArgumentException
        | :? InvalidOperationException -> false

    /// Whether a process of this machine made the name and is no more.
    let private isLeft (file: string) =
        match (Path.GetFileName file).TrimStart('.').Split('-', 2) with
        | [| number; rest |] ->
            match Int32.TryParse number with
            | true, number -> rest.StartsWith(place.Value, StringComparison.Ordinal) && not (runs number)
            | _ -> false
        | _ -> false

    /// Files that processes which are no more have left half written of this output.
    let left (path: string) : string[] =
        let ending = endingOf path

        try
            Directory.GetFiles(Path.GetDirectoryName path, ".*.partial.*")
            |> Array.filter (fun file -> file.EndsWith(ending, StringComparison.Ordinal) && isLeft file)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> [||]

/// Files that appear complete or not at all.
///
/// A file is written under a temporary name in its folder, flushed to the disk, and renamed over its final name. Until
/// then what stood under the final name stays as it was. Whatever ends the writing early - an exception, a
/// cancellation, the end of the process - deletes the temporary file. What kill -9 leaves is deleted when the same output is
/// written again.
[<RequireQualifiedAccess>]
module AtomicFile =

    /// Bytes that file systems allow a name.
    [<Literal>]
    let private LongestName = 255

    /// Codes of the system for a full disk (POSIX ENOSPC, Windows) and for a used-up quota (Linux, macOS EDQUOT).
    let private isDiskFull (error: IOException) =
        match error.HResult with
        | 28
        | 0x80070070
        | 0x80070027 -> true
        | _ -> false

    let private isQuota (error: IOException) =
        error.HResult = 122 || error.HResult = 69

    /// What the system said, in plain words.
    let private reason (folder: string) (error: exn) =
        match error with
        | :? UnauthorizedAccessException -> "no permission."
        | :? DirectoryNotFoundException -> $"no such folder: {folder}"
        | :? PathTooLongException -> "the name is too long."
        | :? IOException as error when isDiskFull error -> "the disk is full."
        | :? IOException as error when isQuota error -> "your share of the disk (quota) is used up."
        | error -> error.Message

    let private folderOf (path: string) =
        Path.GetDirectoryName(Path.GetFullPath path)

    let private cannotWrite path (error: exn) =
        CoExprError.CannotWrite(path, reason (folderOf path) error)

    /// Where the file really goes: a link is followed, so that it keeps pointing to its file.
    let private followed (path: string) =
        if isNull (FileInfo path).LinkTarget then
            Path.GetFullPath path
        else
            File.ResolveLinkTarget(path, true).FullName

    /// Devices and pipes have no folder to rename in, and renaming over them would replace them.
    let private isDevice (path: string) =
        match folderOf path with
        | "/dev"
        | "/dev/fd"
        | "/proc/self/fd" -> true
        | _ -> false

    let private isReadOnly path =
        File.Exists path && File.GetAttributes(path).HasFlag FileAttributes.ReadOnly

    /// What about the name alone forbids writing.
    let private refusal (path: string) =
        if String.IsNullOrWhiteSpace path then
            Some "the name of the output is empty."
        elif Directory.Exists path || Path.EndsInDirectorySeparator path then
            Some "it is a folder; give a file name."
        elif isDevice path then
            Some "it is a device or a pipe; give a file name."
        elif not (Directory.Exists(folderOf path)) then
            Some $"no such folder: {folderOf path}"
        elif Encoding.UTF8.GetByteCount(Path.GetFileName path) > LongestName then
            Some "the name is too long."
        elif isReadOnly path then
            Some "the file is read-only."
        else
            None

    // The only sure way to learn whether a folder can be written to is to write to it.
    let private probe path =
        try
            let temporary = TemporaryName.create (followed path)
            File.Create(temporary, 1, FileOptions.DeleteOnClose).Dispose()
            Ok()
        with
        | :? IOException
        | :? UnauthorizedAccessException as error -> Error(cannotWrite path error)

    /// Whether a file of this name could be written: its folder exists and is writable, and it is no folder or device
    /// itself. Called before a long computation, so that a slip in a name does not cost its result.
    let check (path: string) : Result<unit, CoExprError> =
        match refusal path with
        | Some reason -> Error(CoExprError.CannotWrite(path, reason))
        | None -> probe path

    let private requireDistinct (paths: string list) =
        match
            paths
            |> List.countBy Path.GetFullPath
            |> List.tryFind (fun (_, times) -> times > 1)
        with
        | Some(path, times) -> Error(CoExprError.CannotWrite(path, $"{times} outputs have this name."))
        | None -> Ok()

    /// Whether files of these names could be written together: `check` of each, and no name stands twice.
    let checkAll (paths: string list) : Result<unit, CoExprError> =
        (Ok(), paths)
        ||> List.fold (fun before path -> before |> Result.bind (fun () -> check path))
        |> Result.bind (fun () -> requireDistinct paths)

    let private flush (path: string) =
        use file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite)
        RandomAccess.FlushToDisk file

    /// Renames every temporary file to its final name. If one fails, those already renamed go too: half of a group
    /// of outputs would pass for a whole.
    let private renameAll (moves: (string * string) list) =
        let finished = ResizeArray<string>()

        try
            for temporary, final in moves do
                File.Move(temporary, final, true)
                finished.Add final
        with _ ->
            finished |> Seq.iter Unfinished.delete
            reraise ()

    /// The error of a writer that knows its file by the temporary name, told of the name that the user gave.
    let private named (paths: string list) (temporaries: string list) error =
        let original (text: string) =
            (text, List.zip temporaries paths)
            ||> List.fold (fun text (temporary, path) -> text.Replace(temporary, path))

        match error with
        | CoExprError.CannotWrite(path, reason) -> CoExprError.CannotWrite(original path, original reason)
        | other -> other

    /// Writes several files that appear all or none. `write` is given the temporary names, in the order of `paths`, and
    /// must have closed the files when it returns. Gives what `write` gives.
    ///
    /// CannotWrite if a folder is missing, not writable or full; the error of a CoExprFailure that `write` raises.
    /// Any other exception of `write`, OperationCanceledException among them, is raised again once the temporary files
    /// are gone.
    let writeAll (paths: string list) (write: string list -> 'a) : Result<'a, CoExprError> =
        if paths.IsEmpty then
            invalidArg (nameof paths) "no output is named"

        match checkAll paths with
        | Error error -> Error error
        | Ok() ->
            let finals = paths |> List.map followed
            let temporaries = finals |> List.map TemporaryName.create
            finals |> Seq.collect TemporaryName.left |> Seq.iter Unfinished.delete
            temporaries |> List.iter Unfinished.add

            try
                try
                    CoExprError.protect (fun () ->
                        let value = write temporaries
                        temporaries |> List.iter flush
                        renameAll (List.zip temporaries finals)
                        value)
                with
                | :? IOException when List.exists Unfinished.wasStopped temporaries ->
                    raise (OperationCanceledException "stopped by a signal")
                | :? IOException
                | :? UnauthorizedAccessException as error -> Error(cannotWrite (List.head paths) error)
                |> Result.mapError (named paths temporaries)
            finally
                temporaries |> List.iter Unfinished.delete

    /// Writes one file that appears complete or not at all: see `writeAll`.
    let write (path: string) (write: string -> 'a) : Result<'a, CoExprError> =
        writeAll [ path ] (fun temporaries -> write temporaries.Head)
