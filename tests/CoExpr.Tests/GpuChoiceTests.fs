namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Gpu
open CoExpr.Kernels

module GpuChoiceTests =

    let private platform = OpenClPlatform("Driver", "Maker", "OpenCL 3.0")

    let private device name kind =
        OpenClDevice(platform, name, "Maker", "1", "OpenCL 3.0", kind, 1UL <<< 30, 4u)

    let private inventory devices =
        OpenClInventory(List.toArray devices, OpenClAbsence.None, "")

    let private processor = device "A processor" OpenClDeviceKind.Cpu
    let private first = device "First card" OpenClDeviceKind.Gpu
    let private second = device "Second card" OpenClDeviceKind.Gpu
    let private other = device "A board" OpenClDeviceKind.Accelerator

    [<TestCase("gpu", "gpu", "First card")>]
    [<TestCase("gpu:0", "gpu", "First card")>]
    [<TestCase("gpu:1", "gpu:1", "Second card")>]
    [<TestCase("opencl-cpu", "opencl-cpu", "A processor")>]
    let ``finds a device by its name, others passed over`` (asked: string, name: string, found: string) =
        let choice = GpuChoice.Find(asked, inventory [ processor; first; other; second ])
        Expect.equal (name, found, "") (choice.Name, choice.Device.Name, choice.Reason)

    [<TestCase("cpu")>]
    [<TestCase("gpu:")>]
    [<TestCase("gpu:one")>]
    [<TestCase("gpu:-1")>]
    [<TestCase("gpu: 1")>]
    [<TestCase("gpus")>]
    [<TestCase("GPU")>]
    [<TestCase("gpu:99999999999")>]
    let ``other words are no device`` (name: string) =
        Assert.That(GpuChoice.Find(name, inventory [ first; second ]), Is.Null)

    [<Test>]
    let ``a processor is never a graphics card, and the refusal lists what is there`` () =
        let choice = GpuChoice.Find("gpu", inventory [ processor; other ])
        Assert.That(choice.Device, Is.Null)
        Assert.That(choice.Reason, Does.Contain "A processor (a processor), A board (an accelerator)")
        Assert.That(choice.Reason, Does.Contain "rocm-opencl-icd")

    [<Test>]
    let ``a number too high lists the cards`` () =
        let choice = GpuChoice.Find("gpu:2", inventory [ first; second ])
        Assert.That(choice.Device, Is.Null)
        Assert.That(choice.Reason, Does.Contain "First card (a graphics card), Second card (a graphics card)")

    [<Test>]
    let ``without OpenCL the refusal says what to install`` () =
        for name in [ "gpu"; "opencl-cpu" ] do
            let choice = GpuChoice.Find(name, OpenClDevices.List [ "no-such-opencl-loader" ])
            Assert.That(choice.Device, Is.Null)
            Assert.That(choice.Reason, Does.Contain "ocl-icd-libopencl1")

    [<Test>]
    let ``every device is listed with the name that finds it`` () =
        let all =
            inventory [ processor; first; other; second; device "Another" OpenClDeviceKind.Cpu ]

        let names =
            GpuChoice.Names all
            |> Seq.map (fun (struct (device, name)) -> device.Name, Option.ofObj name)
            |> List.ofSeq

        Expect.equal
            [
                "A processor", Some "opencl-cpu"
                "First card", Some "gpu"
                "A board", None
                "Second card", Some "gpu:1"
                "Another", None
            ]
            names

        for name, found in names do
            found
            |> Option.iter (fun asked -> Expect.equal name (GpuChoice.Find(asked, all).Device.Name))

    // 2 genes of 3 and 1 expressed cells of 4: 1 pair, 2 cells a gene, density 1/2; bit planes are the cheaper.
    let private genes =
        BinnedGenes(4, [| 0L; 3L; 4L |], [| 0; 1; 2; 3 |], [| 1uy; 1uy; 1uy; 1uy |], [| 1uy; 1uy |])

    let private task = PairTask(CellsIn.All, null, PairParts.Information)

    [<Test>]
    let ``predicts what was computed by hand`` () =
        Assert.That(ProcessorCost.Seconds(genes, task, 1), Is.EqualTo(15.022e-9).Within 1e-15)
        Assert.That(ProcessorCost.Seconds(genes, task, 2), Is.EqualTo(7.511e-9).Within 1e-15)

    [<Test>]
    let ``predicts nothing for nothing`` () =
        let none = BinnedGenes(0, [| 0L |], [||], [||], [||])
        Expect.equal 0.0 (ProcessorCost.Seconds(none, task, 1))

        let empty =
            PairTask(CellsIn.All, null, PairParts.Information, Nullable(PairRange(0, 2, 0, 1)))

        Expect.equal 0.0 (ProcessorCost.Seconds(genes, empty, 1))

    [<Test>]
    let ``auto asks for a card for large work only, and is called what it took`` () =
        for least, expected, asked in [ 0.0, "reference", 1; 1.0, "cpu", 0 ] do
            let mutable calls = 0

            let card () =
                calls <- calls + 1
                Backend.reference

            let backend = AutomaticBackend(Backend.cpu, Func<IPairBackend> card, least)
            Expect.equal "cpu" backend.Name
            use kernel = (backend :> IPairBackend).Open(genes, task, 1)
            use again = (backend :> IPairBackend).Open(genes, task, 1)
            Expect.equal (expected, asked) (backend.Name, calls)

    [<Test>]
    let ``auto stays on the processor where there is no card`` () =
        let backend = AutomaticBackend(Backend.cpu, Func<IPairBackend>(fun () -> null), 0.0)
        use kernel = (backend :> IPairBackend).Open(genes, task, 1)
        Expect.equal "cpu" backend.Name

    [<Test>]
    let ``gpu by its name on this machine is a card or a refusal, never a processor`` () =
        let cards =
            OpenClDevices.List().Devices
            |> Seq.filter (fun device -> device.Kind = OpenClDeviceKind.Gpu)

        match Backend.find "gpu" with
        | Ok backend -> Expect.equal ("gpu", true) (backend.Name, not (Seq.isEmpty cards))
        | Error error ->
            Expect.equal true (Seq.isEmpty cards)
            Devices.holds [ "OpenCL"; "--backend auto or cpu" ] (CoExprError.describe error)

    [<Test>]
    let ``no handle of OpenCL shows outside its assembly`` () =
        let shown =
            typeof<GpuBackend>.Assembly.GetExportedTypes()
            |> Seq.collect (fun kind -> kind.GetMethods())
            |> Seq.collect (fun call ->
                call.GetParameters()
                |> Array.map (fun parameter -> parameter.ParameterType)
                |> Array.append [| call.ReturnType |])
            |> List.ofSeq

        Expect.equal true (List.contains typeof<OpenClDeviceKind> shown)
        Expect.equal false (List.contains typeof<nativeint> shown)

    [<Test>]
    let ``opencl-cpu runs the kernels on a processor`` () =
        if Devices.require().Kind = OpenClDeviceKind.Cpu then
            Expect.equal "opencl-cpu" (Expect.ok (Backend.find "opencl-cpu")).Name
        else
            Assert.Ignore "The first OpenCL device is no processor."

/// Tiles and blocks need no device: any limits do.
[<Properties(Arbitrary = [| typeof<ManySmallGenes> |], MaxTest = 200)>]
module TilePlanTests =

    let private limits memory local =
        DeviceLimits(memory, memory / 4L, local, 64, true)

    let private task pairs =
        PairTask(CellsIn.All, null, PairParts.Information ||| PairParts.Products, Nullable pairs)

    [<Property>]
    let ``the blocks hold every pair wanted once, in little room and much``
        (genes: SmallGenes)
        (PositiveInt memory)
        (PositiveInt tileGenes)
        (PositiveInt rows)
        (a: int)
        (b: int)
        =
        let binned = SmallGenes.binned genes
        let within n = abs (n % (genes.Count + 1))

        let pairs =
            PairRange(0, max (within a) (within b), min (within a) (within b), genes.Count)

        let settings = GpuSettings(TileGenes = tileGenes, BlockRows = rows)

        let found =
            TilePlan.Blocks(binned, task pairs, limits (100L * int64 memory) 1024, settings)
            |> Seq.collect (fun range -> [
                for row in range.FirstRow .. range.EndRow - 1 do
                    for column in max (row + 1) range.FirstColumn .. range.EndColumn - 1 -> row, column
            ])
            |> List.ofSeq

        let wanted = [
            for row in pairs.FirstRow .. pairs.EndRow - 1 do
                for column in max (row + 1) pairs.FirstColumn .. pairs.EndColumn - 1 -> row, column
        ]

        Expect.equal wanted (List.sort found)

    // Half of the memory is used; a quarter of that is for histograms, and half of it for a tile with its bit planes.
    [<Property>]
    let ``tiles and histograms of more than one gene fit in the room`` (genes: SmallGenes) (PositiveInt memory) =
        let binned = SmallGenes.binned genes

        let levels first last =
            binned.LevelStarts[last] - binned.LevelStarts[first]

        let memory = 1000L * int64 memory
        let pairs = PairRange(0, genes.Count, 0, genes.Count)

        for range in TilePlan.Blocks(binned, task pairs, limits memory 256, GpuSettings()) do
            let width = levels range.FirstColumn range.EndColumn

            if range.EndColumn - range.FirstColumn > 1 then
                let planes = 4 * genes.Cells * ((width + 31) / 32)
                let values = 4 * genes.Cells * (range.EndColumn - range.FirstColumn)
                Expect.equal true (width <= 64)
                Expect.equal true (int64 (planes + values) <= memory / 4L)

            if range.EndRow - range.FirstRow > 1 then
                Expect.equal true (4L * int64 (levels range.FirstRow range.EndRow) * int64 width <= memory / 8L)

    // By hand: 4 genes of 1 level; tiles of 2, blocks of 1 row, the last columns and rows first; row 3 has no pair and
    // row 1 none with the columns 0 and 1.
    [<Test>]
    let ``the last tile comes first`` () =
        let starts = Array.init 5 int64

        let binned =
            BinnedGenes(4, starts, [| 0; 1; 2; 3 |], Array.create 4 1uy, Array.create 4 1uy)

        let settings = GpuSettings(TileGenes = 2, BlockRows = 1)

        let found =
            TilePlan.Blocks(binned, task (PairRange(0, 4, 0, 4)), limits (1L <<< 30) 32768, settings)
            |> List.ofSeq

        Expect.equal
            [
                PairRange(2, 3, 2, 4)
                PairRange(1, 2, 2, 4)
                PairRange(0, 1, 2, 4)
                PairRange(0, 1, 0, 2)
            ]
            found
