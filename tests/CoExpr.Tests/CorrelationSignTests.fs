namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr.Kernels

[<Properties(Arbitrary = [| typeof<ManySmallGenes> |])>]
module CorrelationSignTests =

    let private twoGenes x y = {
        Cells = Array.length x
        Levels = [||]
        Highest = [||]
        Values = [| x; y |]
    }

    let private products (genes: SmallGenes) a b =
        Array.fold2 (fun sum x y -> sum + float x * float y) 0.0 genes.Values[a] genes.Values[b]

    let private signOf genes =
        CorrelationSign.Of(SmallGenes.values genes, 0, 1, products genes 0 1) |> int

    /// N Σxy − Σx Σy as double precision has it.
    let private rounded (x: float32[]) (y: float32[]) =
        let sum (values: float[]) = Array.fold (+) 0.0 values
        let x, y = Array.map float x, Array.map float y
        float x.Length * sum (Array.map2 (*) x y) - sum x * sum y

    [<Test>]
    let ``has the sign of small examples`` () =
        let x = [| 0.0f; 1.0f; 2.0f; 5.0f |]
        Expect.equal 1 (signOf (twoGenes x [| 0.0f; 0.0f; 1.0f; 1.0f |]))
        Expect.equal -1 (signOf (twoGenes x [| 3.0f; 2.0f; 1.0f; 0.0f |]))
        Expect.equal 0 (signOf (twoGenes x [| 2.0f; 2.0f; 2.0f; 2.0f |]))
        Expect.equal 0 (signOf (twoGenes x [| 0.0f; 0.0f; 0.0f; 0.0f |]))
        // Deviations (−2, −1, 0, 3) against (1, 1, −3, 1): their products cancel.
        Expect.equal 0 (signOf (twoGenes x [| 4.0f; 4.0f; 0.0f; 4.0f |]))

    [<Test>]
    let ``a constant gene has no sign, though rounding gives it one`` () =
        let x = Array.init 50 (fun cell -> float32 (cell % 7) * 0.1f)
        let y = Array.create 50 0.7f
        Assert.That(rounded x y, Is.Not.EqualTo 0.0)
        Expect.equal 0 (signOf (twoGenes x y))

    // One cell of an otherwise constant gene differs in the last bit.
    [<TestCase(3, -1)>]
    [<TestCase(48, 1)>]
    let ``a difference in the last bit decides`` (cell: int, expected: int) =
        let x = Array.init 50 (fun cell -> 1e-3f + float32 cell * 0.1f)
        let y = Array.create 50 0.7f
        y[cell] <- MathF.BitIncrement 0.7f
        Expect.equal expected (signOf (twoGenes x y))
        Expect.equal -expected (signOf (twoGenes (Array.map (~-) x) y))

    // 2^53 is where whole numbers in double precision end: sums of products of counts near 2^24 pass it.
    [<Test>]
    let ``whole numbers beyond 2^53 are told apart`` () =
        let x = [| 16777215.0f; 16777213.0f; 16777214.0f; 16777214.0f |]
        let y = [| 16777215.0f; 16777214.0f; 16777215.0f; 16777214.0f |]
        // Deviations (1, −1, 0, 0) against (½, −½, ½, −½): covariance 1.
        Expect.equal 1 (signOf (twoGenes x y))
        Expect.equal -1 (signOf (twoGenes x [| y[1]; y[0]; y[2]; y[3] |]))
        // Moving the difference to the two cells that x does not tell apart leaves nothing.
        Expect.equal 0 (signOf (twoGenes x [| y[1]; y[1]; y[2]; y[3] |]))

    [<Property>]
    let ``is the exact sign for every pair, filtered or not`` (genes: SmallGenes) =
        let values = SmallGenes.values genes

        for a, b in Oracle.pairs genes do
            let expected = Oracle.sign a b genes
            Expect.equal expected (int (CorrelationSign.Exact(values, a, b)))
            Expect.equal expected (int (CorrelationSign.Of(values, a, b, products genes a b)))
            Expect.equal expected (int (CorrelationSign.Of(values, b, a, products genes a b)))

    [<Property>]
    let ``turns with the sign of one gene`` (genes: SmallGenes) =
        let turned = {
            genes with
                Values = Array.map (Array.map (~-)) genes.Values
        }

        for a, b in Oracle.pairs genes do
            let half = {
                genes with
                    Values = [| genes.Values[a]; turned.Values[b] |]
            }

            let whole = {
                genes with
                    Values = [| genes.Values[a]; genes.Values[b] |]
            }

            Expect.equal (signOf whole) (-(signOf half))
