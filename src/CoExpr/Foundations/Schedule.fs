namespace CoExpr

open System
open System.Runtime.ExceptionServices
open System.Threading

/// Handing numbered blocks of work to threads.
[<RequireQualifiedAccess>]
module Schedule =

    /// As many threads as the process may use: its affinity and its container's limit are both honoured.
    let defaultThreads = Environment.ProcessorCount

    /// Runs `work state block` for every block below `count`, on up to `threads` threads, in no particular order. Each
    /// thread makes one state of its own. The first exception stops the rest and is raised again here.
    let blocks (threads: int) (count: int) (makeState: unit -> 'state) (work: 'state -> int -> unit) =
        if threads < 1 then
            invalidArg (nameof threads) $"{threads} is below 1"

        let next = ref -1
        let failure: ExceptionDispatchInfo ref = ref null

        let worker () =
            try
                let state = makeState ()
                let mutable block = Interlocked.Increment(next)

                while block < count && isNull failure.Value do
                    work state block
                    block <- Interlocked.Increment(next)
            with error ->
                Interlocked.CompareExchange(failure, ExceptionDispatchInfo.Capture error, null)
                |> ignore

        let others =
            Array.init (min threads count - 1 |> max 0) (fun _ -> Thread(worker, 1 <<< 22, IsBackground = true))

        others |> Array.iter (fun thread -> thread.Start())
        worker ()
        others |> Array.iter (fun thread -> thread.Join())

        if not (isNull failure.Value) then
            failure.Value.Throw()

    /// Splits 0 .. items − 1 into ranges of `size` and runs `work first next` for each.
    let ranges threads (size: int) (items: int) (work: int -> int -> unit) =
        let count = (items + size - 1) / size
        blocks threads count ignore (fun () block -> work (block * size) (min items ((block + 1) * size)))
