namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module TransposeTests =

    /// The entries that are not 0, line by line.
    let private compressed (lines: float32[][]) : Compressed =
        let kept =
            lines
            |> Array.map (Array.indexed >> Array.filter (fun (_, value) -> value <> 0.0f))

        {
            Starts = kept |> Array.map (fun line -> int64 line.Length) |> Array.scan (+) 0L
            Indices = kept |> Array.collect (Array.map fst)
            Values = kept |> Array.collect (Array.map snd)
        }

    let private turned lines width =
        Array.init width (fun column -> lines |> Array.map (fun (line: float32[]) -> line[column]))

    [<Test>]
    let ``counts add to what is there`` () =
        let counts = [| 5; 0; 0 |]
        Transpose.Count(ReadOnlySpan [| 2; 0; 2 |], Span counts)
        Expect.equal [| 6; 0; 2 |] counts

    // Lines: (a at 1, b at 2), (c at 0, d at 1). The second line alone is moved, to the places given.
    [<Test>]
    let ``scatters the entries of a range of lines to the next free places`` () =
        let indices, values = Array.create 4 -1, Array.create 4 0.0f
        let places = [| 0L; 2L; 3L |]

        Transpose.Scatter(
            ReadOnlySpan [| 0L; 2L; 4L |],
            ReadOnlySpan [| 1; 2; 0; 1 |],
            ReadOnlySpan [| 10.0f; 20.0f; 30.0f; 40.0f |],
            1,
            2,
            Span places,
            Span indices,
            Span values
        )

        Expect.equal [| 1L; 3L; 3L |] places
        Expect.equal [| 1; -1; 1; -1 |] indices
        Expect.equal [| 30.0f; 0.0f; 40.0f; 0.0f |] values

    [<Property>]
    let ``lines become columns`` (genes: SmallGenes) =
        Compressed.transpose 1 genes.Cells (compressed genes.Values) = compressed (turned genes.Values genes.Cells)

    [<Property>]
    let ``twice is as before`` (genes: SmallGenes) =
        let matrix = compressed genes.Values
        Compressed.transpose 2 genes.Count (Compressed.transpose 2 genes.Cells matrix) = matrix

    // A thread is worth its while from 65,536 entries on, so this takes a large matrix.
    [<TestCase(2)>]
    [<TestCase(5)>]
    let ``is the same for every number of threads`` (threads: int) =
        let random = Random 3

        let lines =
            Array.init 1000 (fun _ -> Array.init 900 (fun _ -> float32 (max 0 (random.Next 5 - 1))))

        let matrix = compressed lines
        Assert.That(matrix.Indices.Length, Is.GreaterThan(6 * 65536))
        let expected = compressed (turned lines 900)
        Assert.That((Compressed.transpose threads 900 matrix = expected), Is.True)
