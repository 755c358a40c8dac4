namespace CoExpr.IO

open System.Diagnostics
open System.IO
open CoExpr

/// What whole runs, from an input file to their outputs, have in common.
[<RequireQualifiedAccess>]
module RunFiles =

    /// Where the record of a run goes, beside its output.
    let recordOf (output: string) = output + ".run.json"

    /// The path with every link on its way followed, so that two names of one file are one.
    let rec private real (path: string) =
        match Path.GetDirectoryName(Path.GetFullPath path) with
        | null -> path
        | folder ->
            let here = Path.Combine(real folder, Path.GetFileName path)

            if isNull (FileInfo here).LinkTarget then
                here
            else
                real (File.ResolveLinkTarget(here, true).FullName)

    /// Refuses outputs that would replace the input, by whatever name. An input that is not there is told when it is read.
    let refuseInput (input: string) (outputs: string list) : Result<unit, CoExprError> =
        if File.Exists input then
            let input = real input

            match outputs |> List.tryFind (fun output -> real output = input) with
            | Some output -> Error(CoExprError.CannotWrite(output, "the output would replace the input."))
            | None -> Ok()
        else
            Ok()

    /// The same of several inputs.
    let refuseInputs (inputs: string list) (outputs: string list) : Result<unit, CoExprError> =
        (Ok(), inputs)
        ||> List.fold (fun before input -> before |> Result.bind (fun () -> refuseInput input outputs))

    /// Does some work and notes how long it took.
    let timed name (seconds: ResizeArray<string * float>) (work: unit -> 'a) =
        let watch = Stopwatch.StartNew()
        let value = work ()
        seconds.Add((name, watch.Elapsed.TotalSeconds))
        value
