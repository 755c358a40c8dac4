namespace CoExpr.Tests

open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.IO

module MemoryPlanTests =

    [<TestCase("1", 1L)>]
    [<TestCase("1K", 1024L)>]
    [<TestCase("800M", 838860800L)>]
    [<TestCase("800m", 838860800L)>]
    [<TestCase("1G", 1073741824L)>]
    [<TestCase("1.5G", 1610612736L)>]
    [<TestCase("0.25T", 274877906944L)>]
    let ``a size is a number with a unit of 1024s`` (text: string, bytes: int64) =
        Expect.equal (Ok bytes) (MemoryPlan.parse text)

    [<TestCase("")>]
    [<TestCase("G")>]
    [<TestCase("10X")>]
    [<TestCase("-1G")>]
    [<TestCase("0M")>]
    [<TestCase("1,5G")>]
    [<TestCase("1e3M")>]
    [<TestCase("1 G")>]
    [<TestCase("NaN")>]
    [<TestCase("99999999T")>]
    let ``anything else is no size`` (text: string) =
        Expect.says [ $"--memory {text}"; "800M" ] (MemoryPlan.parse text)

    [<Property>]
    let ``a size is said so that it is enough`` (PositiveInt megabytes) =
        let bytes = int64 megabytes * 123457L
        let said = MemoryPlan.parse (MemoryPlan.text bytes) |> Expect.ok
        said >= bytes && float said <= float bytes * 1.01 + 1048576.0

    let private options = {
        Coexpression.defaults with
            Threads = 2
    }

    /// 5,000 genes x 1,000,000 cells at 5 %.
    let private large: InputSize = {
        Cells = 1_000_000L
        Genes = 5_000L
        Entries = 250_000_000L
    }

    let private plan size canStream limit =
        MemoryPlan.create options size canStream limit

    [<Test>]
    let ``what fits is held in memory, what does not is cut up, and what cannot be cut up is refused`` () =
        let gigabyte = 1L <<< 30
        let inMemory = plan large true (64L * gigabyte) |> Expect.ok
        Expect.equal None inMemory.Sizes
        // 79 bytes an entry, three tiles of 10 bit planes of 64 bytes a cell, and something for the rest.
        Assert.That(inMemory.Bytes, Is.InRange(20L * gigabyte, 22L * gigabyte))
        Assert.That(inMemory.PlaneBytes, Is.InRange(640_000_000L, 640_100_000L))
        Assert.That(MemoryPlan.inMemoryBytes options large, Is.InRange(18L * gigabyte, 20L * gigabyte))
        let withoutPlanes = plan large true (20L * gigabyte) |> Expect.ok
        Expect.equal (None, 0L) (withoutPlanes.Sizes, withoutPlanes.PlaneBytes)
        let inParts = plan large true gigabyte |> Expect.ok
        Expect.equal true inParts.Sizes.IsSome
        Assert.That(inParts.Bytes, Is.LessThanOrEqualTo gigabyte)
        Expect.says [ "--memory 1024M"; "only .h5ad" ] (plan large false gigabyte)

    [<Property>]
    let ``tiles and groups keep to the limit, and the least that works is the least`` (PositiveInt a) (PositiveInt b) =
        let size: InputSize = {
            Cells = int64 a * 1000L
            Genes = int64 b + 2L
            Entries = int64 a * 1000L * (int64 b + 2L) / 10L
        }

        let least = MemoryPlan.smallest options size
        let whole = MemoryPlan.inMemoryBytes options size

        let fits limit =
            match plan size true limit with
            | Ok {
                     Sizes = Some sizes
                     PlaneBytes = planes
                 } ->
                sizes.TileBytes < limit - MemoryPlan.runtimeBytes - planes
                && sizes.GroupEntries * 14L < limit - MemoryPlan.runtimeBytes
                && sizes.TileGenes >= 1
            | Ok plan -> plan.Bytes <= limit
            | Error _ -> false

        let refusesLess =
            match plan size true (min least whole - 1L) with
            | Error(CoExprError.BadOption("--memory", _, advice)) -> advice.Contains(MemoryPlan.text (min least whole))
            | _ -> false

        fits least && fits (2L * least) && fits whole && refusesLess

    // 100 of 10,000 cells: twice 9 bytes loaded and 4 sorted, 12 laid out; without values 5, 4 and 4; ranks twice 4 more; a
    // dense gene 4 more for every cell.
    [<Test>]
    let ``a gene takes what its arrays take`` () =
        let bytes options = TilePlan.geneBytes options 10_000 100
        Expect.equal 3800L (bytes options)
        Expect.equal 2200L (bytes { options with Signed = false })

        Expect.equal
            4600L
            (bytes {
                options with
                    Negatives = Negatives.AsZero
            })

        Expect.equal
            4600L
            (bytes {
                options with
                    Measure = Measure.Spearman
            })

        Expect.equal
            2200L
            (bytes {
                options with
                    Measure = Measure.Jaccard
            })

        Expect.equal (76_000L + 40_000L) (TilePlan.geneBytes options 10_000 2000)

    [<Property>]
    let ``tiles hold every gene once, by density, and no more than they may`` (genes: uint8[]) (PositiveInt most) =
        let expressed = genes |> Array.map int
        let bytes = expressed |> Array.map (fun cells -> int64 cells * 3L)
        let plan = TilePlan.create (int64 most) 4 bytes expressed
        let order = Array.concat plan.Tiles

        let pairs =
            plan.Pairs
            |> Array.sumBy (fun (struct (first, second)) -> plan.GenePairs(first, second))

        Array.sort order = Array.init genes.Length id
        && order
           |> Array.pairwise
           |> Array.forall (fun (a, b) -> expressed[a] <= expressed[b])
        && plan.Tiles
           |> Array.forall (fun tile ->
               tile.Length >= 1
               && tile.Length <= 4
               && (tile.Length = 1 || Array.sumBy (fun gene -> bytes[gene]) tile <= int64 most))
        && pairs = genes.LongLength * (genes.LongLength - 1L) / 2L

    [<Test>]
    let ``a plan is described in a line`` () =
        let text = plan large true (1L <<< 30) |> Expect.ok |> MemoryPlan.describe

        Assert.That(
            text,
            Does.StartWith("Expected: about 1024M of memory and ").And.EndWith "in parts that fit into 1024M."
        )
