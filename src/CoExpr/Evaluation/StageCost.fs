namespace CoExpr

open System
open System.Diagnostics

/// What a stage of an evaluation took. Measures that are taken in one pass over the data share a stage.
type StageCost = {
    Stage: string
    Seconds: float
    /// Bytes that all threads asked for in the meantime, most of which are given back.
    Allocated: int64
    /// The most memory that the process had held at once by the end of the stage.
    Peak: int64
}

[<RequireQualifiedAccess>]
module StageCost =

    /// Does some work and notes what it took.
    let measured name (costs: ResizeArray<StageCost>) (work: unit -> 'a) =
        let watch, before = Stopwatch.StartNew(), GC.GetTotalAllocatedBytes false
        let value = work ()
        use self = Process.GetCurrentProcess()

        costs.Add {
            Stage = name
            Seconds = watch.Elapsed.TotalSeconds
            Allocated = GC.GetTotalAllocatedBytes false - before
            Peak = self.PeakWorkingSet64
        }

        value

    /// Seconds by stage, as records of runs have them.
    let seconds (costs: StageCost seq) = [ for cost in costs -> cost.Stage, cost.Seconds ]
