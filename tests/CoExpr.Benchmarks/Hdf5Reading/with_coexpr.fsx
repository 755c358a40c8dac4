// Reads X of an .h5ad three times, and prints seconds, seconds of processor time, peak memory over that before reading, and sums to compare with
// those of with_h5py.py. Build the library first.
//
//     dotnet fsi --optimize+ with_coexpr.fsx counts.h5ad [threads, default 2]

#r "../../../src/CoExpr/bin/Release/net10.0/CoExpr.Hdf5.dll"

open System
open System.Diagnostics
open System.IO
open CoExpr.Hdf5

let path = fsi.CommandLineArgs[1]

let threads =
    if fsi.CommandLineArgs.Length > 2 then
        int fsi.CommandLineArgs[2]
    else
        2

/// Largest resident size of this process so far, in MiB.
let peak () =
    File.ReadLines "/proc/self/status"
    |> Seq.find (fun line -> line.StartsWith "VmHWM")
    |> fun line -> float (line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024.0

let read () =
    use file = Hdf5File.OpenRead path
    let x = file.Root.Group "X"

    x.Dataset("data").Read<float32> threads,
    x.Dataset("indices").Read<int> threads,
    x.Dataset("indptr").Read<int64> threads

let before = peak ()

for _ in 1..3 do
    let watch = Stopwatch.StartNew()
    let busy = Process.GetCurrentProcess().TotalProcessorTime
    let data, indices, starts = read ()
    let seconds = watch.Elapsed.TotalSeconds
    let busy = (Process.GetCurrentProcess().TotalProcessorTime - busy).TotalSeconds

    let size =
        float (4 * data.Length + 4 * indices.Length + 8 * starts.Length) / 1048576.0

    printfn
        $"CoExpr, {threads} threads: {seconds:F2} s ({busy:F2} busy), arrays {size:F0} MiB, peak {peak () - before:F0} MiB over {before:F0}, sums {Array.sumBy float data:F0} {Array.sumBy int64 indices}"

    GC.Collect(2, GCCollectionMode.Aggressive, true, true)
