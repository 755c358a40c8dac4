namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

/// Sums of groups and what is made of them, against the plain way.
module GroupMomentsTests =

    let private log2Ratios pseudocount (above: float[]) (below: float[]) =
        let ratios = Array.zeroCreate<float> above.Length
        GroupMoments.LogRatios(above, below, pseudocount, ratios)
        ratios

    /// Values of some groups, and where each begins.
    let private grouped (groups: float32[][]) : float32[] * int[] =
        Array.concat groups, groups |> Array.map Array.length |> Array.scan (+) 0

    [<Property>]
    let ``sums and squared distances are those of one value after the other`` (counts: byte[][]) (more: byte) =
        let groups = counts |> Array.map (Array.map (fun count -> float32 count + 1.0f))
        let values, bounds = grouped groups
        let sizes = groups |> Array.map (fun own -> own.Length + int more)

        let row () = Array.zeroCreate<float> groups.Length
        let sums, means, squares = row (), row (), row ()
        GroupMoments.Sums(values, bounds, sums)
        GroupMoments.Squares(values, bounds, sizes, sums, means, squares)

        for group in 0 .. groups.Length - 1 do
            let own = groups[group] |> Array.map float
            let all = Array.append own (Array.zeroCreate (int more))
            Expect.equal (Array.sum own) sums[group]

            if all.Length > 0 then
                let mean = Array.average all
                Assert.That(means[group], Is.EqualTo(mean).Within(1e-13 * mean))
                let expected = all |> Array.sumBy (fun value -> (value - mean) * (value - mean))
                Assert.That(squares[group], Is.EqualTo(expected).Within(1e-12 * (1.0 + expected)))

    [<Test>]
    let ``shares of no cells are none`` () =
        let shares = Array.zeroCreate<float> 3
        let sums, cells = [| 3.0; 0.0; 0.0 |], [| 4.0; 5.0; 0.0 |]
        GroupMoments.Shares(sums, cells, shares)
        Expect.equal [| 0.75; 0.0 |] shares[..1]
        Assert.That(shares[2], Is.NaN)

    // By hand: powers of 2 have whole logarithms; 0 and what is below it are at the ends of the line or nowhere.
    [<Test>]
    let ``logarithms of ratios by hand`` () =
        let above = [| 8.0; 1.0; 3.0; 0.0; 5.0; nan; -1.0; 0.0; 1e-310 |]
        let below = [| 1.0; 1024.0; 3.0; 2.0; 0.0; 1.0; 2.0; 0.0; 1.0 |]
        let found = log2Ratios 0.0 above below
        Expect.equal [| 3.0; -10.0; 0.0; -infinity; infinity |] found[..4]

        for at in 5..7 do
            Assert.That(found[at], Is.NaN)

        Assert.That(found[8], Is.EqualTo(Math.Log2 1e-310).Within(1e-12))
        Expect.equal [| 1.0 |] (log2Ratios 1.0 [| 3.0 |] [| 1.0 |])

    [<Property>]
    let ``a logarithm of a ratio is as exact as the library's, whatever stands beside it``
        (pairs: struct (byte * byte)[])
        (at: FsCheck.NonNegativeInt)
        =
        if pairs.Length > 0 then
            let above, below =
                pairs |> Array.map (fun (struct (a, _)) -> float a), pairs |> Array.map (fun (struct (_, b)) -> float b)

            let found = log2Ratios 1e-9 above below
            let at = at.Get % pairs.Length
            let alone = log2Ratios 1e-9 [| above[at] |] [| below[at] |]
            let expected = Math.Log2((above[at] + 1e-9) / (below[at] + 1e-9))
            Expect.equal alone[0] found[at]
            Assert.That(found[at], Is.EqualTo(expected).Within(1e-14 * (1.0 + abs expected)))

    // A bad value beside them (−1 + 1 = 0 has no logarithm) does not send others another way.
    [<Test>]
    let ``logarithms of counts do not depend on their neighbours`` () =
        let logarithms (counts: float32[]) =
            let found = Array.zeroCreate<float32> counts.Length
            let positions, scales = Array.zeroCreate<int> counts.Length, [| 1.0 |]
            GroupMoments.Logarithms(positions, counts, scales, found)
            found

        let counts = [| 1.0f; 2.0f; 3.0f; 4.0f; 5.0f; 6.0f; 7.0f |]
        let found = logarithms (Array.append counts [| -1.0f |])
        Expect.equal (logarithms counts) found[..6]
        Expect.equal -infinityf found[7]

    [<Property>]
    let ``columns that are picked stand side by side at their places``
        (rows: FsCheck.PositiveInt)
        (width: FsCheck.PositiveInt)
        =
        let rows, width = rows.Get % 9 + 1, width.Get % 20 + 1
        let table = Array.init (rows * width) id
        let columns = [| for column in 0..2 .. width - 1 -> column |]
        let places = columns |> Array.map (fun column -> (width - 1 - column) * rows)
        let target = Array.create (rows * width) -1
        Transpose.Pick<int>(table, width, columns, rows, places, target)

        for place in 0 .. target.Length - 1 do
            let column, row = width - 1 - place / rows, place % rows
            Expect.equal (if column % 2 = 0 then row * width + column else -1) target[place]
