namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr.Kernels

/// Lines of increasing indices from 0 to 40, some empty.
type IndexLines =
    static member Any() =
        Gen.sized (fun size -> Gen.listOfLength (size % 12) (Gen.subListOf [ 0..40 ]))
        |> Gen.map (List.map (Seq.toArray >> Array.sort) >> List.toArray)
        |> Arb.fromGen

module SortedLinesTests =

    let private startsFrom (lines: int[][]) least =
        let starts = lines |> Array.map Array.length |> Array.scan (+) 0
        let scratch = Array.create lines.Length -1
        SortedLines.StartsFrom(ReadOnlySpan starts, ReadOnlySpan(Array.concat lines), least, scratch).ToArray()

    [<Test>]
    let ``finds the first index that is not below the least`` () =
        let lines = [| [| 1; 4; 9 |]; [||]; [| 5 |]; [| 6; 7 |]; [| 0; 1 |] |]
        // Lines begin at 0, 3, 3, 4 and 6; the last ends at 8.
        Expect.equal [| 2; 3; 3; 4; 8 |] (startsFrom lines 5)

    [<Property(Arbitrary = [| typeof<IndexLines> |])>]
    let ``skips exactly the indices below the least`` (lines: int[][]) (least: byte) =
        let least = int least % 43
        let starts = lines |> Array.map Array.length |> Array.scan (+) 0

        let below =
            lines |> Array.map (Array.filter (fun index -> index < least) >> Array.length)

        startsFrom lines least = Array.map2 (+) starts[.. lines.Length - 1] below

    [<Property(Arbitrary = [| typeof<IndexLines> |])>]
    let ``skips nothing for a least of 0`` (lines: int[][]) =
        startsFrom lines 0 = (lines |> Array.map Array.length |> Array.scan (+) 0)[.. lines.Length - 1]
