namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr.Kernels

module EntropyTableTests =

    let private large = lazy (EntropyTable.Create(1 <<< 21))

    // 0, 1, powers of two and log2 3 = 1.58496250072115618…, rounded by hand.
    [<TestCase(0, 0L)>]
    [<TestCase(1, 0L)>]
    [<TestCase(2, 2147483648L)>]
    [<TestCase(4, 8589934592L)>]
    [<TestCase(1024, 10995116277760L)>]
    [<TestCase(3, 5105521579L)>]
    let ``has the values worked out by hand`` (n: int, expected: int64) =
        let table = EntropyTable.Create n
        Expect.equal expected table[n]

    [<Test>]
    let ``is the exact value rounded, entry by entry`` () =
        let table = EntropyTable.Create 4096
        Expect.equal 4097 table.Length

        for n in 0..4096 do
            Expect.equal (struct (n, Oracle.entry n)) (struct (n, table[n]))

    [<Test>]
    let ``is the exact value rounded, far out and around powers of two`` () =
        let random = Random 7

        let around = [
            for power in 12..21 -> [ (1 <<< power) - 1; 1 <<< power; min (1 <<< 21) ((1 <<< power) + 1) ]
        ]

        for n in List.concat around @ List.init 2000 (fun _ -> random.Next(4097, 1 <<< 21)) do
            Expect.equal (struct (n, Oracle.entry n)) (struct (n, large.Value[n]))

    // A table of odd length ends with a logarithm whose upper neighbour lies outside it.
    [<Test>]
    let ``does not depend on its length`` ([<Range(0, 67)>] cells: int) =
        let table = EntropyTable.Create cells
        Expect.equal large.Value[..cells] table

    [<Property(MaxTest = 1000)>]
    let ``doubling n doubles the entry and adds 2n, within rounding`` (NonNegativeInt n) =
        let n = n * 1009 % (1 <<< 20)
        let table = large.Value
        abs (table[2 * n] - 2L * table[n] - (2L * int64 n <<< 30)) <= 1L

    [<Property(MaxTest = 1000)>]
    let ``is superadditive, within rounding`` (NonNegativeInt a) (NonNegativeInt b) =
        let a, b = a * 1009 % (1 <<< 20), b * 2003 % (1 <<< 20)
        large.Value[a + b] >= large.Value[a] + large.Value[b] - 1L

    [<TestCase(-1)>]
    [<TestCase(268435457)>]
    let ``refuses lengths outside its range`` (cells: int) =
        let error =
            Assert.Throws<ArgumentOutOfRangeException>(Action(fun () -> EntropyTable.Create cells |> ignore))

        Assert.That(error.Message, Does.Contain(string cells))
