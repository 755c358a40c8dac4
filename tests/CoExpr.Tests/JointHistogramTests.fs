namespace CoExpr.Tests

open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr

/// Two genes' levels over the same cells, from 0 to some highest level each, with any dependence between them.
type PairOfGenes = { A: byte[]; B: byte[] }

type ManyPairsOfGenes =
    static member Any() =
        gen {
            let! highestA = Gen.choose (0, 6)
            let! highestB = Gen.elements [ 0; 1; 4; 255 ]
            let! cells = Gen.oneof [ Gen.choose (0, 20); Gen.choose (0, 300) ]
            let! a = Gen.choose (0, highestA) |> Gen.map byte |> Gen.arrayOfLength cells
            let! b = Gen.choose (0, highestB) |> Gen.map byte |> Gen.arrayOfLength cells
            let! follows = Gen.elements [ 0; 1; 3 ]

            let b =
                Array.map2 (fun x y -> if follows > 0 && int x % follows = 0 then x else y) a b

            return { A = a; B = b }
        }
        |> Arb.fromGen

[<Properties(Arbitrary = [| typeof<ManyPairsOfGenes> |])>]
module JointHistogramTests =

    let private joint pair = JointHistogram.create pair.A pair.B

    let private sizes (levels: byte[]) count =
        Array.init count (fun level -> levels |> Array.filter (fun x -> int x = level) |> Array.length)

    // Cells at (0, 0), (0, 2), (1, 0), (1, 2) and (1, 2).
    let private five = {
        A = [| 0uy; 0uy; 1uy; 1uy; 1uy |]
        B = [| 0uy; 2uy; 0uy; 2uy; 2uy |]
    }

    [<Test>]
    let ``of a small example`` () =
        let expected: JointHistogram = {
            Rows = 2
            Columns = 3
            Counts = [| 1; 0; 1; 1; 0; 2 |]
        }

        Expect.equal expected (joint five)
        Expect.equal 5 (JointHistogram.total (joint five))
        Expect.equal [| 2; 3 |] (JointHistogram.rowSums (joint five))
        Expect.equal [| 2; 0; 3 |] (JointHistogram.columnSums (joint five))

        Expect.equal
            {
                expected with
                    Counts = [| 0; 0; 1; 1; 0; 2 |]
            }
            (JointHistogram.withoutNeither (joint five))

    [<Test>]
    let ``of no cells has one empty place`` () =
        Expect.equal
            {
                Rows = 1
                Columns = 1
                Counts = [| 0 |]
            }
            (joint { A = [||]; B = [||] })

    [<Test>]
    let ``refuses genes over different cells`` () =
        Expect.refused "1 cells where 2 were expected" (fun () -> JointHistogram.create [| 1uy; 2uy |] [| 1uy |])

    [<Property>]
    let ``sums are the histograms of the genes alone`` pair =
        let joint = joint pair
        Expect.equal (sizes pair.A joint.Rows) (JointHistogram.rowSums joint)
        Expect.equal (sizes pair.B joint.Columns) (JointHistogram.columnSums joint)
        Expect.equal pair.A.Length (JointHistogram.total joint)

    [<Property>]
    let ``of b with a is that of a with b on its side`` pair =
        let across, down = joint pair, joint { A = pair.B; B = pair.A }

        Expect.equal
            (across.Counts
             |> Array.chunkBySize across.Columns
             |> Array.transpose
             |> Array.concat)
            down.Counts

    [<Property>]
    let ``without neither, the cells that express one are left`` pair =
        let expressing =
            Array.zip pair.A pair.B |> Array.filter (fun (a, b) -> a > 0uy || b > 0uy)

        JointHistogram.total (JointHistogram.withoutNeither (joint pair)) = expressing.Length
