namespace CoExpr.Tests

open System
open System.Globalization
open FsCheck
open FsCheck.FSharp
open CoExpr

/// A few cells x genes with what was done to each cell, for tests of comparisons.
type Screen = {
    /// One row per cell.
    Cells: float32[][]
    Genes: int
    /// null for a cell of no group.
    Labels: string[]
    Batches: string[]
}

[<RequireQualifiedAccess>]
module Screen =

    let counts screen =
        SparseCounts.OfDense(screen.Cells.Length, screen.Genes, Array.concat screen.Cells)

    let cells screen =
        let table = {
            Names = Array.init screen.Cells.Length (fun cell -> $"c{cell}")
            Columns = [|
                "perturbation", Column.Text screen.Labels
                "batch", Column.Text screen.Batches
            |]
        }

        Cells.create "made" (counts screen) table (Table.ofNames (Array.init screen.Genes (fun gene -> $"g{gene}")))
        |> Expect.ok

    /// The values of one gene in the cells that pass.
    let values gene (isIn: int -> bool) screen =
        screen.Cells
        |> Array.indexed
        |> Array.filter (fst >> isIn)
        |> Array.map (fun (_, row) -> float row[gene])

    /// Options over values as they are, against cells labelled control.
    let options = {
        DifferentialExpression.defaults with
            Control = Some "control"
            Values = TestedValues.AsStored
            MinimumCells = 1
            Threads = 1
    }

    let compute options screen =
        DifferentialExpression.compute Progress.none options (cells screen) |> Expect.ok

    let private few = Gen.choose (0, 3) |> Gen.map float32

    let private value =
        Gen.oneof [ Gen.constant 0.0f; few; Gen.elements [ 0.5f; -1.0f; -2.5f; 7.0f; 3e6f ] ]

    let private whole =
        Gen.frequency [ 4, Gen.constant 0.0f; 4, few; 1, Gen.elements [ 9.0f; 40000.0f; 3e6f ] ]

    let private ofLabels labels =
        gen {
            let! count = Gen.choose (2, 45)
            let! genes = Gen.choose (1, 4)
            let! value = Gen.elements [ value; whole; few; Gen.constant 2.0f ]
            let! cells = Gen.arrayOfLength count (Gen.arrayOfLength genes value)
            let! labels = Gen.arrayOfLength count (Gen.elements labels)
            let! batches = Gen.arrayOfLength count (Gen.elements [ "x"; "y"; "z" ])

            return {
                Cells = cells
                Genes = genes
                Labels =
                    labels
                    |> Array.mapi (fun i label -> if i < 2 then [| "control"; "a" |][i] else label)
                Batches = batches
            }
        }

    let arbitrary = ofLabels [ "a"; "b"; "control"; null ]

    /// Words that Python reads as the same numbers.
    let text (value: float32) =
        value.ToString("R", CultureInfo.InvariantCulture)

type ManyScreens =
    static member Any() = Arb.fromGen Screen.arbitrary
