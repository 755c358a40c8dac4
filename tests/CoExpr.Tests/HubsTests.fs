namespace CoExpr.Tests

open NUnit.Framework
open CoExpr
open CoExpr.Kernels

module HubsTests =

    /// Four genes over eight cells; B and C express the same four, A and D share none of them with anybody.
    let private scores keep =
        let values = [|
            for cell in 0..7 do
                if cell = 0 then 1.0f else 0.0f
                if cell < 4 then 1.0f else 0.0f
                if cell < 4 then 1.0f else 0.0f
                if cell = 7 then 1.0f else 0.0f
        |]

        let counts = SparseCounts.OfDense(8, 4, values)
        let cells = Table.ofNames (Array.init 8 string)

        let input =
            Cells.create "test" counts cells (Table.ofNames [| "A"; "B"; "C"; "D" |])
            |> Expect.ok

        let options = {
            Coexpression.defaults with
                Cells = CellsIn.All
                MinimumCells = 1
                Keep = keep
        }

        (Coexpression.compute Progress.none options input |> Expect.ok).Scores

    // B and C agree in all 8 cells, half of them expressed: 1 bit over 8 cells is 8 bits, for each of the two.
    [<Test>]
    let ``total information is bits times cells`` () =
        let hubs = Hubs.ofScores (scores (Keep.AtLeast 0.9))
        Expect.equal [| 0.0; 8.0; 8.0; 0.0 |] (hubs |> Array.map (fun hub -> float hub.TotalScore))
        Expect.equal [| 0; 1; 1; 0 |] (hubs |> Array.map (fun hub -> hub.Degree))

    [<Test>]
    let ``the strongest come first, equals by name`` () =
        let strongest = Hubs.strongest 3 (scores (Keep.AtLeast 0.9))
        Expect.equal [| 1; 2; 0 |] (strongest |> Array.map (fun hub -> hub.Gene))

    [<Test>]
    let ``the sign of a score does not matter`` () =
        let all = Hubs.ofScores (scores Keep.All)

        for hub in all do
            Assert.That(float hub.TotalScore, Is.GreaterThan 0.0)
