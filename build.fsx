/// dotnet fsi build.fsx TARGET: what must come first is a step's argument, so no order can be got wrong.
open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Xml.Linq

let root = __SOURCE_DIRECTORY__
let artifacts = Path.Combine(root, "artifacts")
let isWindows = RuntimeInformation.IsOSPlatform OSPlatform.Windows

/// Starts a command in a folder and waits; its exit code, and what it printed if that is to be captured.
let start captured folder command (arguments: string) =
    let info =
        ProcessStartInfo(command, arguments, WorkingDirectory = folder, RedirectStandardOutput = captured)

    use running = Process.Start info
    let output = if captured then running.StandardOutput.ReadToEnd() else ""
    running.WaitForExit()
    running.ExitCode, output

let runIn folder command arguments =
    match start false folder command arguments with
    | 0, _ -> ()
    | code, _ ->
        eprintfn $"{command} {arguments} ended with {code}"
        exit code

let run = runIn root

let exists command =
    try
        start true root (if isWindows then "where" else "which") command |> fst = 0
    with _ ->
        false

type Prepared = Prepared
type Built = Built

/// The package source that this machine's NuGet is set up with; paket.dependencies reads it from the environment.
let nameFeed () =
    if String.IsNullOrEmpty(Environment.GetEnvironmentVariable "NUGET_FEED") then
        let enabled =
            (start true root "dotnet" "nuget list source --format short" |> snd).Split('\n')
            |> Array.map (fun line -> line.Trim())
            |> Array.filter (fun line -> line.StartsWith "E")

        match Array.tryHead enabled with
        | Some line -> Environment.SetEnvironmentVariable("NUGET_FEED", line.Substring(line.IndexOf ' ' + 1).Trim())
        | None ->
            eprintfn "NuGet has no enabled source: see `dotnet nuget list source`."
            exit 1

let restorePackages () =
    let locked = Path.Combine(root, "paket.lock")

    let stale =
        not (File.Exists locked)
        || File.GetLastWriteTimeUtc locked < File.GetLastWriteTimeUtc(Path.Combine(root, "paket.dependencies"))

    run "dotnet" "tool restore"

    run
        "dotnet"
        (if stale then
             "paket install --silent"
         else
             "paket restore --silent")

/// The report's figures are drawn by vega, which comes by npm and is embedded in the library.
let restoreFigures () =
    let assets = Path.Combine(root, "src", "CoExpr", "Report", "assets")

    if not (File.Exists(Path.Combine(assets, "node_modules", "vega", "build", "vega.min.js"))) then
        if not (exists "npm") then
            eprintfn "The report's figures need Node.js 20 or later (npm), which was not found: see https://nodejs.org."
            exit 1

        let command, arguments = if isWindows then "cmd", "/c npm ci" else "npm", "ci"
        runIn assets command $"{arguments} --ignore-scripts --no-audit --no-fund --silent"

/// HDF5 is needed to read .h5ad. On Debian and Ubuntu as root it is installed; elsewhere the line to run is printed.
let requireHdf5 () =
    let names = [
        "libhdf5_serial.so.103"
        "libhdf5_serial.so.310"
        "libhdf5.so.103"
        "libhdf5.so.200"
        "libhdf5.so.310"
        "libhdf5.so"
        "libhdf5.dylib"
        "/opt/homebrew/lib/libhdf5.dylib"
        "/usr/local/lib/libhdf5.dylib"
        "hdf5.dll"
    ]

    let given = Environment.GetEnvironmentVariable "COEXPR_HDF5"
    let loads (name: string) = NativeLibrary.TryLoad name |> fst

    if String.IsNullOrEmpty given && not (List.exists loads names) then
        let candidates = [ "libhdf5-103-1"; "libhdf5-310"; "libhdf5-103" ]

        let install package =
            start false root "apt-get" $"install -y -qq {package}" |> fst = 0

        if exists "apt-get" && Environment.UserName = "root" then
            printfn "Installing the HDF5 library."
            start false root "apt-get" "update -qq" |> ignore

            if not (List.exists install candidates) then
                eprintfn "The HDF5 library could not be installed; .h5ad and 10x .h5 files cannot be read without it."
        else
            eprintfn
                "The HDF5 library was not found; .h5ad and 10x .h5 files cannot be read without it. Install it with"

            eprintfn
                "    Debian, Ubuntu: sudo apt install libhdf5-103-1    macOS: brew install hdf5    conda: conda install hdf5"

/// Tests of the GPU backend run on any OpenCL driver; pocl is one for the processor. Nothing else needs it, so only the
/// tests ask for it, and they are skipped by name without one.
let requireOpenCl () =
    let loads (name: string) = NativeLibrary.TryLoad name |> fst

    let drivers =
        Directory.Exists "/etc/OpenCL/vendors"
        && Directory.EnumerateFiles("/etc/OpenCL/vendors", "*.icd") |> Seq.isEmpty |> not

    if
        RuntimeInformation.IsOSPlatform OSPlatform.Linux
        && not (loads "libOpenCL.so.1" && drivers)
    then
        if exists "apt-get" && Environment.UserName = "root" then
            printfn "Installing an OpenCL driver for the tests."
            start false root "apt-get" "update -qq" |> ignore

            if
                start false root "apt-get" "install -y -qq ocl-icd-libopencl1 pocl-opencl-icd"
                |> fst
                <> 0
            then
                eprintfn "No OpenCL driver could be installed; the tests of the GPU backend will be skipped."
        else
            eprintfn "No OpenCL driver was found; the tests of the GPU backend will be skipped. To run them:"
            eprintfn "    Debian, Ubuntu: sudo apt install ocl-icd-libopencl1 pocl-opencl-icd"

let prepare () =
    nameFeed ()
    restorePackages ()
    restoreFigures ()
    requireHdf5 ()
    Prepared

let build Prepared =
    run "dotnet" "build CoExpr.sln -c Release --nologo -v q"
    Built

/// Passed, failed and skipped tests of one project.
let testProject (name: string) =
    let results = Path.Combine(artifacts, "tests")
    let report = Path.Combine(results, name + ".trx")
    File.Delete report

    let logger =
        $"--logger \"trx;LogFileName={name}.trx\" --results-directory \"{results}\""

    start false root "dotnet" $"test tests/{name} -c Release --no-build --nologo {logger}"
    |> ignore

    if File.Exists report then
        let counters =
            XDocument.Load(report).Descendants()
            |> Seq.find (fun node -> node.Name.LocalName = "Counters")

        let count (name: string) =
            int (counters.Attribute(XName.Get name).Value)

        let total, passed, failed = count "total", count "passed", count "failed"
        passed, failed, total - passed - failed
    else
        0, 1, 0

let test Built =
    requireOpenCl ()
    Directory.CreateDirectory(Path.Combine(artifacts, "tests")) |> ignore
    let counts = [ "CoExpr.Tests"; "CoExpr.CSharp.Tests" ] |> List.map testProject
    let sum pick = List.sumBy pick counts

    let passed, failed, skipped =
        sum (fun (p, _, _) -> p), sum (fun (_, f, _) -> f), sum (fun (_, _, s) -> s)

    printfn $"{passed} passed, {failed} failed, {skipped} skipped"

    if failed > 0 then
        exit 1

let demo Built =
    let program =
        Path.Combine(root, "src", "CoExpr.Cli", "bin", "Release", "net10.0", "CoExpr.Cli.dll")

    let folder = Path.Combine(artifacts, "demo")
    run "dotnet" $"\"{program}\" demo -o \"{folder}\""

let bench Built =
    run "dotnet" "run --project tests/CoExpr.Benchmarks -c Release --no-build"

let pack Built =
    for project in [ "Kernels"; "Hdf5"; "Gpu"; ""; "CSharp"; "Cli" ] do
        let name = if project = "" then "CoExpr" else "CoExpr." + project
        run "dotnet" $"pack src/{name} -c Release --no-build --nologo -v q -o \"{artifacts}/packages\""

    printfn $"""Packages: {Path.Combine(artifacts, "packages")}"""

let format checkOnly Prepared =
    run
        "dotnet"
        (if checkOnly then
             "fantomas --check src tests docs build.fsx"
         else
             "fantomas src tests docs build.fsx")

    run
        "dotnet"
        (if checkOnly then
             "csharpier check src tests"
         else
             "csharpier format src tests")

let usage =
    """dotnet fsi build.fsx TARGET

  demo          set up, build, and find the co-expressed genes of simulated cells; ends with a report to open
  test          set up, build, and run every test
  build         set up and build
  bench         build and run the benchmarks
  format        format every source file; `format --check` only looks
  pack          build the NuGet packages into artifacts/packages"""

match Array.toList fsi.CommandLineArgs |> List.skip 1 with
| [ "demo" ] -> prepare () |> build |> demo
| [ "test" ] -> prepare () |> build |> test
| [ "build" ] -> prepare () |> build |> ignore
| [ "bench" ] -> prepare () |> build |> bench
| [ "pack" ] -> prepare () |> build |> pack
| [ "format" ] -> prepare () |> format false
| [ "format"; "--check" ] -> prepare () |> format true
| [] -> printfn $"{usage}"
| other ->
    let words = String.Join(" ", other)
    eprintfn $"{words}: no such target\n\n{usage}"
    exit 2
