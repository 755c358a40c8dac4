namespace CoExpr

open System
open CoExpr.Gpu
open CoExpr.Kernels

/// The ways of computing pair scores. Which one is used never changes a bit of the result.
[<RequireQualifiedAccess>]
module Backend =

    /// One gene's levels, one per cell, 0 where it is not expressed.
    let private dense (genes: BinnedGenes) gene =
        let levels = Array.zeroCreate<byte> genes.Cells

        for at in int genes.Starts[gene] .. int genes.Starts[gene + 1] - 1 do
            levels[genes.CellOf[at]] <- genes.LevelOf[at]

        levels

    let private denseValues (genes: GeneValues) gene =
        let values = Array.zeroCreate<float32> genes.Cells

        for at in int genes.Starts[gene] .. int genes.Starts[gene + 1] - 1 do
            values[genes.CellOf[at]] <- genes.Values[at]

        values

    /// Added in double precision, cell after cell.
    let private products (x: float32[]) (y: float32[]) =
        Array.fold2 (fun sum x y -> sum + float x * float y) 0.0 x y

    let private scoreJoint table (task: PairTask) joint (block: PairBlock) at =
        let struct (numerator, cells) = MutualInformation.numerator table task.Cells joint
        block.Numerators[at] <- numerator
        block.Cells[at] <- cells
        block.Both[at] <- JointHistogram.both joint
        block.Occupied[at] <- JointHistogram.occupied (JointHistogram.counted task.Cells joint)

    let private scorePair table (task: PairTask) levels (values: float32[][]) row column (block: PairBlock) =
        let at = (row - block.FirstRow) * block.Width + column - block.FirstColumn
        scoreJoint table task (JointHistogram.create (Array.item row levels) (Array.item column levels)) block at

        block.Signs[at] <-
            if task.Wants PairParts.Signs then
                sbyte (Correlation.sign values[row] values[column])
            else
                1y

        if task.Wants PairParts.Products then
            block.Products[at] <- products values[row] values[column]

    let private referenceWorker (genes: BinnedGenes) (task: PairTask) =
        let table = EntropyTable.Create genes.Cells
        let levels = Array.init genes.Genes (dense genes)

        let values =
            if isNull task.Values then
                [||]
            else
                Array.init genes.Genes (denseValues task.Values)

        {
            new IPairWorker with
                member _.Score(range, block) =
                    block.Reset(range.FirstRow, range.EndRow, range.FirstColumn, range.EndColumn)

                    for row in range.FirstRow .. range.EndRow - 1 do
                        for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 do
                            scorePair table task levels values row column block

                member _.Dispose() = ()
        }

    /// The composition of Discretization, JointHistogram, MutualInformation and Correlation as they read: every pair's
    /// table from all cells. Slow, and what the others are held against.
    let reference = {
        new IPairBackend with
            member _.Name = "reference"

            member _.Open(genes, task, _) =
                let pairs = task.PairsOf genes.Genes

                let blocks = [|
                    for row in pairs.FirstRow .. pairs.EndRow - 1 ->
                        PairRange(row, row + 1, pairs.FirstColumn, pairs.EndColumn)
                |]

                {
                    new IPairKernel with
                        member _.Blocks = blocks
                        member _.NewWorker() = referenceWorker genes task
                        member _.Dispose() = ()
                }
    }

    /// Bit planes or scattered histograms, and table look-ups, on the processor, blocked for its caches.
    let cpu: IPairBackend = CpuBackend()

    let private ofThisProcess () =
        let asked = Environment.GetEnvironmentVariable Simd.Variable

        if fst (Simd.TryChoose asked) then
            Ok cpu
        else
            Error(CoExprError.BadOption(Simd.Variable, asked, $"this processor has {Simd.Names}"))

    let private onDevice tell (choice: GpuChoice) : IPairBackend =
        new GpuBackend(choice.Name, choice.Device, cpu, Action<string> tell)

    /// What a name of an OpenCL device stands for; None for other words.
    let private device tell name =
        match GpuChoice.Find(name, OpenClDevices.List()) |> Option.ofObj with
        | None -> None
        | Some choice when isNull choice.Device ->
            let what =
                if choice.Name = GpuChoice.Processor then
                    "A processor with an OpenCL driver"
                else
                    "A graphics card"

            let without = "Everything works without one: use --backend auto or cpu."
            Some(Error(CoExprError.MissingLibrary($"{what} for --backend {name}", choice.Reason, without)))
        | Some choice -> Some(Ok(onDevice tell choice))

    /// The first graphics card for work that keeps the processor busy for seconds, the processor for less; never a
    /// processor through OpenCL.
    let private automatic tell : IPairBackend =
        let card () =
            match device tell "gpu" with
            | Some(Ok backend) -> backend
            | _ -> null

        AutomaticBackend(cpu, Func<IPairBackend> card)

    let private isDevice (name: string) =
        name = "gpu"
        || name = GpuChoice.Processor
        || name.StartsWith("gpu:", StringComparison.Ordinal)

    /// A backend by its name on the command line: "auto", "cpu", "gpu", "gpu:1", "opencl-cpu" or "reference". `tell` is
    /// told when a device gives out and the processor takes over. Errors: another name, a device that is not there.
    let findTelling (tell: string -> unit) (name: string) : Result<IPairBackend, CoExprError> =
        match name with
        | "auto" -> ofThisProcess () |> Result.map (fun _ -> automatic tell)
        | "cpu" -> ofThisProcess ()
        | "reference" -> Ok reference
        | _ when isDevice name ->
            device tell name
            |> Option.defaultValue (
                Error(CoExprError.BadOption("--backend", name, "a device is gpu or gpu:N, N from 0"))
            )
        | _ ->
            Error(
                CoExprError.UnknownLabel(
                    "--backend",
                    name,
                    [ "auto"; "cpu"; "gpu"; "gpu:N"; "opencl-cpu"; "reference" ]
                )
            )

    /// The same, with nobody told.
    let find name = findTelling ignore name
