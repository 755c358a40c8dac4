namespace CoExpr

open System.Threading

/// How far a long job is: `Done` of `Total` items of the named stage.
[<Struct>]
type ProgressStep = {
    Stage: string
    Done: int64
    Total: int64
    /// What is counted, in the plural: "pairs", "values".
    Unit: string
}

/// What a long job is given to report by and to be stopped by. Stopping raises OperationCanceledException.
type Progress = {
    /// Called from any thread, at most a few hundred times a stage.
    Report: ProgressStep -> unit
    Token: CancellationToken
}

[<RequireQualifiedAccess>]
module Progress =
    /// Nobody listens and nobody stops it.
    let none = {
        Report = ignore
        Token = CancellationToken.None
    }

    /// A counter for one stage, safe from several threads: `advance n` adds n, reports, and stops the job if asked to.
    let counter (progress: Progress) stage unit (total: int64) : int64 -> unit =
        let finished = ref 0L

        fun items ->
            progress.Token.ThrowIfCancellationRequested()

            lock finished (fun () ->
                finished.Value <- finished.Value + items

                progress.Report {
                    Stage = stage
                    Done = finished.Value
                    Total = total
                    Unit = unit
                })
