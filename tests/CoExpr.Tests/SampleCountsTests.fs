namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr

module SampleCountsTests =

    [<Test>]
    let ``refuses what is no count, with gene and sample`` () =
        SampleCounts.create "in" [| "A"; "B" |] [| "s"; "t" |] [| 1.0; 2.0; 3.0; 0.5 |]
        |> Expect.says [ "gene B has the value 0.5 in cell t"; "whole numbers" ]

        SampleCounts.create "in" [| "A" |] [| "s" |] [| -1.0 |] |> Expect.says [ "-1" ]
        SampleCounts.create "in" [| "A" |] [| "s" |] [| nan |] |> Expect.says [ "NaN" ]

    [<Test>]
    let ``refuses names that stand twice, and missing values`` () =
        SampleCounts.create "in" [| "A"; "A" |] [| "s" |] [| 1.0; 2.0 |]
        |> Expect.says [ "gene A"; "1 and 2" ]

        SampleCounts.create "in" [| "A" |] [| "s"; "s" |] [| 1.0; 2.0 |]
        |> Expect.says [ "sample s" ]

        SampleCounts.create "in" [| "A" |] [| "s" |] [| 1.0; 2.0 |]
        |> Expect.says [ "2 where 1" ]

    [<Test>]
    let ``takes the rows of a table in the order of the counts`` () =
        let counts =
            SampleCounts.create "in" [| "A" |] [| "s"; "t" |] [| 1.0; 2.0 |] |> Expect.ok

        let table =
            Bulk.ofColumns [| "u"; "t"; "s" |] [| "age", Column.Float [| 1.0; 2.0; 3.0 |] |]

        let aligned = SampleCounts.align "samples" table counts |> Expect.ok
        Expect.equal [| "s"; "t" |] aligned.Names
        Expect.equal (Column.Float [| 3.0; 2.0 |]) (snd aligned.Columns[0])
        let short = Bulk.ofColumns [| "S" |] [||]

        SampleCounts.align "samples" short counts
        |> Expect.says [ "sample of in"; "s is not known"; "Did you mean S?" ]

        // The other side of the matrix is that of the samples.
        SampleCounts.align "samples" (Bulk.ofColumns [| "A" |] [||]) counts
        |> Expect.says [ "exchanged"; "genes in in"; "--genes-in" ]

    [<Test>]
    let ``a matrix of cells gives the same counts`` () =
        let counts = Counts.ofCells 2 [| [| 1.0f; 2.0f |]; [| 0.0f; 5.0f |] |]

        let cells =
            Cells.create "in" counts (Table.ofNames [| "s"; "t" |]) (Table.ofNames [| "A"; "B" |])
            |> Expect.ok

        let samples = SampleCounts.ofCells cells |> Expect.ok
        Expect.equal [| 1.0; 0.0; 2.0; 5.0 |] samples.Values
        Expect.equal [| 2.0; 5.0 |] (samples.Of(1).ToArray())

module MedianOfRatiosTests =

    let private factors kind counts =
        MedianOfRatios.factors kind counts |> Expect.ok

    // Geometric means 2, 4, 10: ratios 0.5, 0.5, 0.5 and 2, 2, 2.
    let private doubled =
        Bulk.counts [| [| 1.0; 4.0 |]; [| 2.0; 8.0 |]; [| 5.0; 20.0 |] |]

    [<Test>]
    let ``of a small example`` () =
        let found = factors SampleFactors.MedianOfRatios doubled
        Bulk.close 1e-12 [| 0.5; 2.0 |] (found)
        Bulk.close 1e-12 [| 0.4; 1.6 |] (factors SampleFactors.LibrarySize doubled)

    [<Test>]
    let ``a gene that is missing somewhere does not count, but for positive counts`` () =
        let withZero = Bulk.counts [| [| 1.0; 4.0 |]; [| 0.0; 100.0 |] |]
        Bulk.close 1e-12 [| 0.5; 2.0 |] (factors SampleFactors.MedianOfRatios withZero)
        // Geometric means 2 and 10: ratios 1/2, and 2 and 10, of which ln has the median ln 20 / 2.
        let expected =
            [| 0.5; sqrt 20.0 |] |> Array.map (fun f -> f / sqrt (0.5 * sqrt 20.0))

        Bulk.close 1e-12 expected (factors SampleFactors.PositiveCounts withZero)

    [<Test>]
    let ``says when no gene is in every sample`` () =
        let holes = Bulk.counts [| [| 0.0; 4.0 |]; [| 3.0; 0.0 |] |]

        MedianOfRatios.factors SampleFactors.MedianOfRatios holes
        |> Expect.says [ "every sample"; "poscounts" ]

        let empty = Bulk.counts [| [| 0.0; 4.0 |] |]

        MedianOfRatios.factors SampleFactors.PositiveCounts empty
        |> Expect.says [ "sample s0" ]

        MedianOfRatios.factors SampleFactors.LibrarySize empty
        |> Expect.says [ "sample s0" ]

    [<Test>]
    let ``given factors must be above 0 and as many as there are samples`` () =
        MedianOfRatios.factors (SampleFactors.Given [| 1.0; 0.0 |]) doubled
        |> Expect.says [ "above 0"; "number 2" ]

        MedianOfRatios.factors (SampleFactors.Given [| 1.0 |]) doubled
        |> Expect.says [ "1 where 2" ]

        MedianOfRatios.factors (SampleFactors.GivenPerGene [| 1.0 |]) doubled
        |> Expect.says [ "1 where 6" ]

        Expect.equal [| 2.0; 3.0 |] (factors (SampleFactors.Given [| 2.0; 3.0 |]) doubled)

    let private positive (values: PositiveInt[]) =
        values |> Array.map (fun (PositiveInt v) -> float v)

    [<Property>]
    let ``a sample twice as deep has twice the factor, relative to the others`` (a: PositiveInt[], b: PositiveInt) =
        let first = positive (Array.append [| b |] a)

        let genes scale =
            first
            |> Array.map (fun y -> [| y; y + 3.0; scale * (2.0 * y + 1.0) |])
            |> Bulk.counts

        let before, after =
            factors SampleFactors.MedianOfRatios (genes 1.0), factors SampleFactors.MedianOfRatios (genes 2.0)

        abs (after[2] / after[0] / (before[2] / before[0]) - 2.0) < 1e-9

    [<Property>]
    let ``the order of genes changes no bit`` (a: PositiveInt[], b: PositiveInt) =
        let genes =
            positive (Array.append [| b |] a)
            |> Array.map (fun y -> [| y; y + 2.0; 3.0 * y |])

        factors SampleFactors.MedianOfRatios (Bulk.counts genes) =
            factors SampleFactors.MedianOfRatios (Bulk.counts (Array.rev genes))
