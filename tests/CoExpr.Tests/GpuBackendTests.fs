namespace CoExpr.Tests

open System
open System.Collections.Generic
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Gpu
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 40)>]
module GpuBackendTests =

    let private everything =
        PairParts.Information
        ||| PairParts.Occupied
        ||| PairParts.Signs
        ||| PairParts.Products

    /// All pairs, scored by two workers in turn.
    let private scores (backend: IPairBackend) genes (task: PairTask) =
        use kernel = backend.Open(SmallGenes.binned genes, task, 2)
        use one = kernel.NewWorker()
        use other = kernel.NewWorker()
        let block = PairBlock()

        [
            for number, range in Seq.indexed kernel.Blocks do
                (if number % 2 = 0 then one else other).Score(range, block)

                for row in range.FirstRow .. range.EndRow - 1 do
                    for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 do
                        let at = (row - range.FirstRow) * block.Width + column - range.FirstColumn
                        (row, column), OraclePair.ofBlock task block at
        ]
        |> List.sortBy fst

    let private expected task genes = [
        for row, column in Oracle.pairs genes -> (row, column), OraclePair.ofGenes task row column genes
    ]

    let private taskOf convention genes =
        PairTask(convention, SmallGenes.values genes, everything)

    let private agrees backend convention genes =
        let task = taskOf convention genes
        Expect.equal (expected task genes) (scores backend genes task)

    /// Genes with every so-many-th level and value drawn at random.
    let private random seed cells (levels: int list) density =
        let random = System.Random seed

        let draw highest =
            if random.NextDouble() < density then
                random.Next(1, highest + 1)
            else
                0

        let drawn =
            levels
            |> List.map (fun highest -> Array.init cells (fun _ -> byte (draw highest)))

        {
            Cells = cells
            Levels = List.toArray drawn
            Highest = levels |> List.map byte |> List.toArray
            Values =
                drawn
                |> List.map (Array.map (fun level -> 0.1f * float32 level))
                |> List.toArray
        }

    /// A backend on the device with a fault in it, and what it told.
    let private faulty settings (fault: string -> int) =
        let told = List<string>()

        new GpuBackend(
            "faulty",
            Devices.require (),
            Backend.cpu,
            Action<string> told.Add,
            settings,
            Func<string, int> fault
        ),
        told

    let private outOfResources, private allocationFailure, private notAvailable =
        -5, -4, -2

    /// The status at the n-th call of a function, counted from 1, while it is wanted.
    let private at (name: string) wanted status =
        let mutable calls = 0

        fun called ->
            if called = name then
                calls <- calls + 1
                if wanted calls then status else 0
            else
                0

    // 248 cells are counted before the sums are spilled and 255 is the most that 8 bits hold; 32 counters make a word.
    [<TestCase(247, 1.0)>]
    [<TestCase(248, 1.0)>]
    [<TestCase(249, 1.0)>]
    [<TestCase(255, 1.0)>]
    [<TestCase(256, 1.0)>]
    [<TestCase(257, 1.0)>]
    [<TestCase(1500, 1.0)>]
    [<TestCase(1500, 0.3)>]
    [<TestCase(1500, 0.02)>]
    [<TestCase(1, 1.0)>]
    [<TestCase(7, 1.0)>]
    [<TestCase(9, 0.5)>]
    let ``gives the oracle's bits whatever the number of cells at a level`` (cells: int, density: float) =
        Devices.require () |> ignore

        for levels in [ [ 1; 1; 2; 1 ]; [ 255; 1; 31; 32; 33; 255 ]; List.replicate 9 10 ] do
            let genes = random cells cells levels density

            for backend in Devices.every.Value do
                agrees backend CellsIn.EitherGene genes
                agrees backend CellsIn.All genes

    // By hand: two equal genes with two levels of two cells each share 1 bit over 4 cells, 4 * 2^30; their products are
    // 1 + 1 + 4 + 4, and no cell of the table but (1, 1) and (2, 2) is taken.
    [<Test>]
    let ``gives the values that were computed by hand`` () =
        Devices.require () |> ignore
        let levels = [| 1uy; 1uy; 2uy; 2uy |]
        let values = Array.map float32 levels

        let genes = {
            Cells = 4
            Levels = [| levels; levels |]
            Highest = [| 2uy; 2uy |]
            Values = [| values; values |]
        }

        let score = {
            Numerator = 4L <<< 30
            PairCells = 4
            Both = 4
            Occupied = 2
            Sign = 1y
            Products = 10.0
        }

        for backend in Devices.every.Value do
            Expect.equal [ (0, 1), score ] (scores backend genes (taskOf CellsIn.All genes))

    [<Test>]
    let ``has told nothing while the device works`` () =
        Devices.require () |> ignore
        let genes = random 1 100 [ 3; 10; 2 ] 0.5

        for backend in Devices.every.Value do
            agrees backend CellsIn.All genes

        Expect.equal [] (Devices.told ())

    let private functions = [
        "clCreateBuffer"
        "clSetKernelArg"
        "clEnqueueNDRangeKernel"
        "clEnqueueWriteBuffer"
        "clEnqueueReadBuffer"
    ]

    [<Test>]
    let ``halves its tiles while memory is short and tells nobody`` ([<Values(1, 2, 3, 5)>] failures: int) =
        for name in functions do
            for status in [ outOfResources; allocationFailure ] do
                let genes = random 3 60 (List.replicate 9 5) 0.4

                let backend, told =
                    faulty (GpuSettings()) (at name (fun call -> call <= failures) status)

                use backend = backend
                agrees backend CellsIn.EitherGene genes
                Expect.equal [] (List.ofSeq told)

    // By hand: 8 columns fail, then 4, and 2 go through. Of the blocks of rows 5 to 6, 3 to 4, 1 to 2 and 0, the pieces
    // of 2 columns that hold a pair are 1, 2, 3 and 4; each is read in 5 parts. Trying more columns anew would read less.
    [<Test>]
    let ``remembers the size that went through`` () =
        let genes = random 3 60 (List.replicate 8 5) 0.4
        let mutable reads = 0
        let fails = at "clEnqueueNDRangeKernel" (fun call -> call <= 2) outOfResources

        let fault name =
            if name = "clEnqueueReadBuffer" then
                reads <- reads + 1

            fails name

        let backend, told = faulty (GpuSettings(BlockRows = 2)) fault
        use backend = backend
        agrees backend CellsIn.All genes
        Expect.equal (50, 0) (reads, told.Count)

    [<Test>]
    let ``leaves the rest to the processor when nothing fits, and says so once`` () =
        for name in functions do
            let genes = random 4 60 (List.replicate 9 5) 0.4

            let backend, told =
                faulty (GpuSettings(BlockRows = 2)) (at name (fun _ -> true) allocationFailure)

            use backend = backend
            agrees backend CellsIn.All genes
            Expect.equal 1 told.Count
            Devices.holds [ "CL_MEM_OBJECT_ALLOCATION_FAILURE"; name; "remaining pairs on the processor" ] told[0]

    [<Test>]
    let ``leaves the rest to the processor when the device is lost, and says so once``
        ([<Values(1, 2, 7, 12, 30)>] call: int)
        =
        for name in functions do
            let genes = random 5 60 (List.replicate 9 5) 0.4

            let backend, told =
                faulty (GpuSettings(BlockRows = 1, TileGenes = 4)) (at name (fun calls -> calls >= call) notAvailable)

            use backend = backend
            agrees backend CellsIn.EitherGene genes
            Expect.equal 1 told.Count
            Devices.holds [ "CL_DEVICE_NOT_AVAILABLE"; Devices.require().Name ] told[0]

    [<Test>]
    let ``takes the device again for the next genes`` () =
        let genes = random 6 50 [ 3; 3; 3 ] 0.5

        let backend, told =
            faulty (GpuSettings()) (at "clEnqueueReadBuffer" (fun call -> call = 1) notAvailable)

        use backend = backend
        agrees backend CellsIn.All genes
        agrees backend CellsIn.All genes
        Expect.equal 1 told.Count

    [<Test>]
    let ``computes on the processor when the device cannot be opened, and says so``
        ([<Values("clCreateContext",
                  "clCreateCommandQueue",
                  "clCreateProgramWithSource",
                  "clBuildProgram",
                  "clCreateKernel")>] name: string)
        =
        let genes = random 7 50 [ 3; 4; 5 ] 0.5
        let backend, told = faulty (GpuSettings()) (at name (fun _ -> true) outOfResources)
        use backend = backend
        agrees backend CellsIn.All genes
        Expect.equal 1 told.Count
        Devices.holds [ name; "CL_OUT_OF_RESOURCES"; "processor instead" ] told[0]

    // The processor's products must not be missing where the device computes no part of a block.
    [<Property(MaxTest = 20)>]
    let ``a device that is lost at any call leaves the oracle's bits`` (genes: SmallGenes) (call: int) =
        let last = abs (call % 60)
        let mutable calls = 0

        let fault name =
            if List.contains name functions then
                calls <- calls + 1
                if calls > last then notAvailable else 0
            else
                0

        let backend, told = faulty (GpuSettings(BlockRows = 2, TileGenes = 3)) fault
        use backend = backend
        agrees backend CellsIn.EitherGene genes
        Expect.equal true (told.Count <= 1)

    [<Test>]
    let ``a program that does not compile is an error with the compiler's words`` () =
        let device = Devices.require ()

        let library =
            OpenClLibrary.TryLoad OpenClLibrary.FileNames |> Option.ofObj |> Option.get

        use session = new OpenClSession(library, device.Id, null)

        let message =
            try
                session.Build("kernel void broken() { undeclared_word = 1; }", ReadOnlySpan [| "broken" |])
                ""
            with error ->
                error.Message

        Assert.That(message, Does.Contain "clBuildProgram answered CL_BUILD_PROGRAM_FAILURE: ")
        Assert.That(message, Does.Contain "undeclared_word")

    [<Test>]
    let ``refuses tiles, blocks and memory of nothing`` () =
        let device = Devices.require ()

        for settings in
            [
                GpuSettings(TileGenes = 0)
                GpuSettings(BlockRows = 0)
                GpuSettings(Memory = 0L)
            ] do
            Expect.raises<ArgumentOutOfRangeException>(fun () ->
                new GpuBackend("gpu", device, Backend.cpu, ignore, settings) |> ignore)
