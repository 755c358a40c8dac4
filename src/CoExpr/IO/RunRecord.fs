namespace CoExpr.IO

open System
open System.Diagnostics
open System.IO
open System.Reflection
open System.Runtime.InteropServices
open System.Security.Cryptography
open CoExpr

/// What a run was and what it took, written beside its output as <output>.run.json.
type RunRecord = {
    /// The command line's name of the job: "mi".
    Command: string
    Input: string
    /// SHA-256 of the input's bytes, in hexadecimal; of a folder, of its files in order of name.
    InputHash: string
    /// Every option by name, defaults too.
    Options: (string * Json) list
    /// What the run was expected to take, and how it went about it.
    Course: (string * Json) list
    /// What the run counted: cells, genes, pairs.
    Counts: (string * int64) list
    Backend: string
    Threads: int
    /// Seconds by stage, in order.
    Seconds: (string * float) list
}

[<RequireQualifiedAccess>]
module RunRecord =

    /// The version of this library.
    let version =
        let assembly = Assembly.GetExecutingAssembly()

        match assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>() with
        | null -> "unknown"
        | attribute -> attribute.InformationalVersion.Split('+')[0]

    /// The most memory that this process has held at once, in bytes.
    let peakMemory () =
        use self = Process.GetCurrentProcess()
        self.PeakWorkingSet64

    let private filesOf path =
        if Directory.Exists path then
            Directory.GetFiles path
            |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))
        else
            [| path |]

    /// SHA-256 of a file's bytes, or of those of a folder's files one after the other.
    let hash (progress: Progress) (path: string) =
        use hasher = IncrementalHash.CreateHash HashAlgorithmName.SHA256
        let buffer = Array.zeroCreate<byte>(1 <<< 20)

        for file in filesOf path do
            use stream = File.OpenRead file
            let mutable read = stream.Read(buffer, 0, buffer.Length)

            while read > 0 do
                progress.Token.ThrowIfCancellationRequested()
                hasher.AppendData(buffer, 0, read)
                read <- stream.Read(buffer, 0, buffer.Length)

        Convert.ToHexString(hasher.GetHashAndReset()).ToLowerInvariant()

    let private totalSeconds record = record.Seconds |> List.sumBy snd

    /// The record as JSON, with the machine's facts of this moment.
    let toJson record =
        Json.Object [
            "program", Json.Text "CoExpr"
            "version", Json.Text version
            "command", Json.Text record.Command
            "input", Json.Text(Path.GetFileName(record.Input.TrimEnd('/', '\\')))
            "input_sha256", Json.Text record.InputHash
            "options", Json.Object record.Options
            yield! record.Course
            "counts", Json.Object(record.Counts |> List.map (fun (name, count) -> name, Json.Number(float count)))
            "backend", Json.Text record.Backend
            "threads", Json.Number(float record.Threads)
            "seconds", Json.Object(record.Seconds |> List.map (fun (stage, seconds) -> stage, Json.Number seconds))
            "seconds_total", Json.Number(totalSeconds record)
            "peak_memory_bytes", Json.Number(float (peakMemory ()))
            "runtime", Json.Text RuntimeInformation.FrameworkDescription
            "system", Json.Text RuntimeInformation.RuntimeIdentifier
        ]

    /// What happened to parts and cached scores of earlier runs, a sentence each.
    let notes record : string[] = [|
        for name, value in record.Course do
            match name, value with
            | "notes", Json.List notes ->
                for note in notes do
                    match note with
                    | Json.Text text -> text
                    | _ -> ()
            | _ -> ()
    |]

    let private number (value: int64) =
        value.ToString("N0", Globalization.CultureInfo.InvariantCulture)

    let rec private optionText json =
        match json with
        | Json.List [] -> "none"
        | Json.List items -> items |> List.map optionText |> String.concat ","
        | Json.Text text -> text
        | Json.Number value -> value.ToString("R", Globalization.CultureInfo.InvariantCulture)
        | Json.Flag flag -> if flag then "yes" else "no"
        | _ -> "none"

    /// The record as names and values, for a person to read. Options are named as on the command line, so that none is
    /// taken for a count: there are cells of the input, and --cells.
    let facts record =
        let seconds (value: float) =
            value.ToString("0.00", Globalization.CultureInfo.InvariantCulture) + " s"

        [
            "CoExpr", version
            "Input", Path.GetFileName record.Input
            "SHA-256 of the input", record.InputHash
            for name, count in record.Counts do
                name, number count
            for name, value in record.Options do
                $"--{name}", optionText value
            "Backend", $"{record.Backend}, {record.Threads} threads"
            for stage, time in record.Seconds do
                $"Time, {stage}", seconds time
            "Peak memory", $"{number (peakMemory () / 1048576L)} MB"
        ]
