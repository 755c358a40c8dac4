namespace CoExpr.Tests

open NUnit.Framework
open CoExpr
open CoExpr.Kernels

module CountingUsesTests =

    let private planes, private scatter =
        CountingMethod.BitPlanes, CountingMethod.Scatter

    let private uses = [|
        CountingUse(4, 6, 0.5, planes, 10L, 1.0, 2.0)
        CountingUse(0, 4, 0.1, scatter, 30L, 0.5, 0.25)
        CountingUse(4, 6, 0.5, planes, 20L, 3.0, 1.0)
        CountingUse(0, 4, 0.1, planes, 10L, 0.25, 0.5)
    |]

    [<Test>]
    let ``what was done of a tile in one way is summed, and tiles come in their order`` () =
        Expect.equal
            [|
                CountingUse(0, 4, 0.1, planes, 10L, 0.25, 0.5)
                CountingUse(0, 4, 0.1, scatter, 30L, 0.5, 0.25)
                CountingUse(4, 6, 0.5, planes, 30L, 4.0, 3.0)
            |]
            (CountingUses.byTile uses)

    // (30 x 0.5 + 10 x 0.1) / 40 = 0.4.
    [<Test>]
    let ``what was done in one way is summed over tiles`` () =
        Expect.equal
            [|
                CountingUse(0, 6, 0.4, planes, 40L, 4.25, 3.5)
                CountingUse(0, 4, 0.1, scatter, 30L, 0.5, 0.25)
            |]
            (CountingUses.byMethod uses)

        Expect.equal [||] (CountingUses.byMethod [||])

    [<Test>]
    let ``the table of n log n is shared while one number of cells is asked for`` () =
        let first = EntropyTable.Shared 1234
        Assert.That(EntropyTable.Shared 1234, Is.SameAs first)
        Expect.equal (EntropyTable.Create 77) (EntropyTable.Shared 77)
        Expect.equal (EntropyTable.Create 1234) (EntropyTable.Shared 1234)
        System.GC.KeepAlive first
